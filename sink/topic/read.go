package topic

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// ensureTopic creates the topic if it is missing, and says so where an existing one would lose rows.
func (p *Publisher) ensureTopic(ctx context.Context) error {
	compact := "compact"
	_, err := p.admin.CreateTopic(ctx, p.opt.Partitions, p.opt.Replication, map[string]*string{"cleanup.policy": &compact}, p.opt.Topic)
	switch {
	case err == nil:
		p.opt.Logger.Info("results topic: created", "topic", p.opt.Topic, "partitions", p.opt.Partitions)
		return nil
	case !errors.Is(err, kerr.TopicAlreadyExists):
		return fmt.Errorf("topic: create %s: %w", p.opt.Topic, err)
	}
	configs, err := p.admin.DescribeTopicConfigs(ctx, p.opt.Topic)
	if err != nil {
		return nil // the right to produce does not include the right to look
	}
	c, err := configs.On(p.opt.Topic, nil)
	if err != nil {
		return nil
	}
	for _, entry := range c.Configs {
		if entry.Key == "cleanup.policy" && !strings.Contains(entry.MaybeValue(), compact) {
			p.opt.Logger.Warn("results topic: is not compacted, rows that stand still will expire; set cleanup.policy=compact",
				"topic", p.opt.Topic, "cleanup.policy", entry.MaybeValue())
		}
	}
	return nil
}

// quietFor is how long the topic may be silent before its end counts as reached although its last offsets were not seen:
// compaction can remove the records there. The cost of being wrong is to publish rows once more.
const quietFor = 3 * time.Second

// read returns what the topic holds: experiment → key → digest.
func (p *Publisher) read(ctx context.Context) (map[string]map[string][sha256.Size]byte, error) {
	ends, err := p.admin.ListEndOffsets(ctx, p.opt.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("topic: end of %s: %w", p.opt.Topic, err)
	}
	left := map[int32]int64{} // partition → offset to be reached
	from := map[int32]kgo.Offset{}
	for partition, end := range ends[p.opt.Topic] {
		if end.Offset > 0 {
			left[partition] = end.Offset
			from[partition] = kgo.NewOffset().AtStart()
		}
	}
	held := map[string]map[string][sha256.Size]byte{}
	if len(left) == 0 {
		return held, nil
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt{kgo.ClientID("tidemark-results")}, p.opt.Client...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{p.opt.Topic: from}))...)
	if err != nil {
		return nil, fmt.Errorf("topic: %w", err)
	}
	defer client.Close()
	of := map[string]string{} // key → experiment
	for len(left) > 0 {
		poll, cancel := context.WithTimeout(ctx, p.quiet)
		fetches := client.PollFetches(poll)
		silent := errors.Is(poll.Err(), context.DeadlineExceeded)
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if silent && fetches.NumRecords() == 0 {
			break
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return nil, fmt.Errorf("topic: read %s/%d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			key := string(rec.Key)
			if experiment, known := of[key]; known {
				delete(held[experiment], key)
			}
			if experiment, digest, ok := digestOf(rec.Value); ok {
				if held[experiment] == nil {
					held[experiment] = map[string][sha256.Size]byte{}
				}
				held[experiment][key], of[key] = digest, experiment
			}
			if rec.Offset+1 >= left[rec.Partition] {
				delete(left, rec.Partition)
			}
		})
	}
	return held, nil
}

// digestOf is the digest of a value in the topic; not ok for tombstones and for what is not ours.
func digestOf(value []byte) (experiment string, digest [sha256.Size]byte, ok bool) {
	var kind struct {
		Experiment string  `json:"experiment"`
		Metric     *string `json:"metric"`
	}
	if len(value) == 0 || json.Unmarshal(value, &kind) != nil || kind.Experiment == "" {
		return "", digest, false
	}
	var compared any
	if kind.Metric != nil {
		row := Row{Row: &results.Row{}}
		if json.Unmarshal(value, &row) != nil {
			return "", digest, false
		}
		compared = row.Row
	} else {
		var header results.Result
		if json.Unmarshal(value, &header) != nil {
			return "", digest, false
		}
		header.AsOf = time.Time{}
		compared = header
	}
	text, err := json.Marshal(compared)
	if err != nil {
		return "", digest, false
	}
	return kind.Experiment, sha256.Sum256(text), true
}
