package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

type (
	commitRequest  = *kmsg.OffsetCommitRequest
	commitResponse = *kmsg.OffsetCommitResponse
)

func commitError(resp commitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// topicInfo is what the brokers say about a topic.
type topicInfo struct {
	id         [16]byte
	partitions int32
	err        error // kerr.UnknownTopicOrPartition: it does not exist
}

func (t topicInfo) missing() bool { return errors.Is(t.err, kerr.UnknownTopicOrPartition) }

// logBounds are where a partition's log starts and ends for a reader of committed records.
type logBounds struct{ start, end int64 }

// brokers asks the cluster about topics. It shares the client of whoever made it.
type brokers struct {
	client *kgo.Client
	admin  *kadm.Client
}

func newBrokers(client *kgo.Client) brokers { return brokers{client, kadm.NewClient(client)} }

// topics describes the topics asked for as the brokers know them now: the admin client's own way may answer from what it
// remembers, and a topic that was created again since would pass for the old one.
func (b brokers) topics(ctx context.Context, names ...string) (map[string]topicInfo, error) {
	if len(names) == 0 {
		return nil, nil
	}
	request := kmsg.NewPtrMetadataRequest()
	infos := make(map[string]topicInfo, len(names))
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, topic)
		infos[name] = topicInfo{err: kerr.UnknownTopicOrPartition}
	}
	response, err := request.RequestWith(ctx, b.client)
	if err != nil {
		return nil, fmt.Errorf("stream: ask the brokers for topics: %w", err)
	}
	for _, t := range response.Topics {
		if t.Topic != nil {
			infos[*t.Topic] = topicInfo{id: t.TopicID, partitions: int32(len(t.Partitions)), err: kerr.ErrorForCode(t.ErrorCode)}
		}
	}
	return infos, nil
}

// bounds returns the log bounds of every partition of the topics. A partition that has no leader just now is left out.
func (b brokers) bounds(ctx context.Context, names ...string) (map[topicPartition]logBounds, error) {
	if len(names) == 0 {
		return nil, nil
	}
	// The ends are asked last: what was appended meanwhile must not look like a log that ends before it starts.
	starts, err := b.admin.ListStartOffsets(ctx, names...)
	if err != nil && len(starts) == 0 {
		return nil, fmt.Errorf("stream: ask the brokers where the logs start: %w", err)
	}
	ends, err := b.admin.ListCommittedOffsets(ctx, names...)
	if err != nil && len(ends) == 0 {
		return nil, fmt.Errorf("stream: ask the brokers where the logs end: %w", err)
	}
	bounds := make(map[topicPartition]logBounds)
	starts.Each(func(s kadm.ListedOffset) {
		e, ok := ends.Lookup(s.Topic, s.Partition)
		if s.Err == nil && ok && e.Err == nil {
			bounds[topicPartition{s.Topic, s.Partition}] = logBounds{start: s.Offset, end: e.Offset}
		}
	})
	return bounds, nil
}

// epochEnd returns where the log of the leader epoch ends by the leader's memory: a position beyond it has read records
// that an unclean election lost. It returns -1 when the brokers can't tell.
func (b brokers) epochEnd(ctx context.Context, tp topicPartition, epoch int32) (int64, error) {
	if epoch < 0 {
		return -1, nil
	}
	var req kadm.OffsetForLeaderEpochRequest
	req.Add(tp.topic, tp.partition, epoch)
	resp, err := b.admin.OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return -1, fmt.Errorf("stream: ask the brokers for the end of epoch %d of %s: %w", epoch, tp, err)
	}
	end, ok := resp[tp.topic][tp.partition]
	if !ok || end.Err != nil {
		return -1, nil
	}
	return end.EndOffset, nil
}

// ensureTopic creates a re-key topic unless it is there, and describes it.
func (b brokers) ensureTopic(ctx context.Context, name string, partitions int32, o RekeyOptions) (topicInfo, error) {
	infos, err := b.topics(ctx, name)
	if err != nil || !infos[name].missing() {
		return infos[name], err
	}
	configs := map[string]*string{"cleanup.policy": kadm.StringPtr("delete")}
	if o.Retention > 0 {
		configs["retention.ms"] = kadm.StringPtr(fmt.Sprint(o.Retention.Milliseconds()))
	}
	if _, err := b.admin.CreateTopic(ctx, partitions, o.Replication, configs, name); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return topicInfo{}, fmt.Errorf("stream: create topic %s with %d partitions: %w", name, partitions, err)
	}
	for {
		infos, err := b.topics(ctx, name)
		if err != nil || infos[name].err == nil {
			return infos[name], err
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return topicInfo{}, err
		}
	}
}

// wait pauses between two tries.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
