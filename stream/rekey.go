package stream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/catalog"
)

// rekeySource is the re-key stage of one source for one subject type: it copies the source's records, original bytes and
// all, to a topic of the engine's own in which partition p is shard p. The copies carry where they came from, and those
// coordinates are the record's identity from then on.
//
// Progress is committed to the stage's consumer group only after the brokers have acknowledged every copy; what is sent
// twice after a crash, the shards skip, by the highest offset that they have seen of each source partition.
type rekeySource struct {
	t      *subjectType
	source int
	target string // the re-key topic
	group  string
}

// newRekeySource names the stage's topic and group. The name ends in a hash of what decides where a record goes: if the
// definitions change that, old copies lie in the wrong partitions, and a new topic is filled from the source.
func newRekeySource(t *subjectType, source int) *rekeySource {
	id := t.plan.Sources[source].ID
	name := fmt.Sprintf("%s.rekey.%s.%s.%s", t.engine.opt.GroupPrefix, t.plan.Subject, id, routingHash(t.plan, source))
	name = topicName(name)
	return &rekeySource{t: t, source: source, target: name, group: name}
}

// routingHash is over everything that decides which shards a record of the source goes to, but their number.
func routingHash(plan *catalog.Plan, source int) string {
	var texts []string
	for i := range plan.Events {
		if e := &plan.Events[i]; e.Source == source {
			texts = append(texts, fmt.Sprintf("%s\x00%d\x00%s", e.ID, e.SubjectColumn, e.Query.Canonical()))
		}
	}
	slices.Sort(texts)
	s := plan.Sources[source]
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%s\x00%v\x00%s", plan.Subject, s.Format, s.Location, strings.Join(texts, "\x01"))))
	return hex.EncodeToString(sum[:4])
}

// topicName makes a name that Kafka allows.
func topicName(name string) string {
	name = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' {
			return c
		}
		return '-'
	}, name)
	if len(name) > 249 {
		sum := sha256.Sum256([]byte(name))
		name = name[:232] + "." + hex.EncodeToString(sum[:8])
	}
	return name
}

// start begins to re-key every topic of the source.
func (r *rekeySource) start(ctx context.Context) error {
	for _, topic := range r.t.plan.Sources[r.source].Topics {
		stage, err := newRekeyTopic(ctx, r, topic)
		if err != nil {
			return err
		}
		r.t.mu.Lock()
		r.t.stages = append(r.t.stages, stage)
		r.t.mu.Unlock()
	}
	return nil
}

// producerOptions are those of the stage's producer: idempotent and in order (the defaults), never giving up on a record
// that may still be accepted.
func producerOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(rekeyBatchBytes),
		kgo.MaxBufferedRecords(20_000),
		kgo.MaxBufferedBytes(32 << 20),
		kgo.RequiredAcks(kgo.AllISRAcks()),
	}
}

// rekeyBatchBytes bounds a batch of copies, and so the largest record that can be copied whole; the topic is created
// to take that much.
const rekeyBatchBytes = 8 << 20
