package stream

import (
	"context"
	"fmt"
	"time"
)

// began says whether reading the partition has begun in this generation, and moves a position that was never committed
// to where it began.
func (t *subjectType) began(tp topicPartition, next *int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.meta.Began[tp.String()]
	if ok {
		*next = max(*next, at.Offset)
	}
	return ok || *next > 0
}

// begin notes where reading the partition begins: the log's start. From then on a log that starts later has lost
// something, and a topic with another id is another one.
func (t *subjectType) begin(tp topicPartition, offset int64, id [16]byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.meta.Began == nil {
		t.meta.Began = make(map[string]beginning)
	}
	if _, ok := t.meta.Began[tp.String()]; ok {
		return nil
	}
	t.meta.Began[tp.String()] = beginning{offset, hexID(id)}
	return t.writeMeta()
}

// firstOf returns where reading the partition began, if it did.
func (t *subjectType) firstOf(tp topicPartition) (beginning, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.meta.Began[tp.String()]
	return at, ok
}

// begunPartitions lists the partitions of a topic of which reading has begun.
func (t *subjectType) begunPartitions(topic string) []int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ps []int32
	for p := range int32(len(t.meta.Began)) {
		if _, ok := t.meta.Began[topicPartition{topic, p}.String()]; ok {
			ps = append(ps, p)
		}
	}
	return ps
}

// arrived is how far a re-keyed source partition has come, as the shards here know it.
func (t *subjectType) arrived(tp topicPartition, incarnation int) int64 {
	next := int64(0)
	for _, s := range t.list() {
		for _, f := range s.latest.Load().feeds {
			for _, in := range f.sources {
				if in.tp == tp && in.incarnation == incarnation {
					next = max(next, in.next)
				}
			}
		}
	}
	return next
}

// partialSince compares where this generation and the one before began to read: nil if this one has all that the old
// one had, else the time of the first record that the log still had.
func (t *subjectType) partialSince(ctx context.Context) (*time.Time, error) {
	t.mu.Lock()
	var cut []topicPartition
	for _, tp := range t.partitionsRead() {
		if at, ok := t.meta.Began[tp.String()]; ok && at.Offset > t.rebuild.began[tp.String()].Offset {
			cut = append(cut, tp)
		}
	}
	t.mu.Unlock()
	var since *time.Time
	for _, tp := range cut {
		first, err := t.brokers.admin.ListOffsetsAfterMilli(ctx, 0, tp.topic)
		if err != nil {
			return nil, fmt.Errorf("stream: ask the brokers for the first record of %s: %w", tp, err)
		}
		at := time.Now().UTC()
		if o, ok := first.Lookup(tp.topic, tp.partition); ok && o.Err == nil && o.Timestamp >= 0 {
			at = time.UnixMilli(o.Timestamp).UTC()
		}
		if since == nil || at.After(*since) {
			since = &at
		}
	}
	return since, nil
}

// partitionsRead lists every partition that is read for the type. It is called with t.mu held.
func (t *subjectType) partitionsRead() []topicPartition {
	var all []topicPartition
	for _, r := range t.routes {
		if r.kind == fileFeed {
			continue
		}
		for p := range t.n {
			all = append(all, topicPartition{r.topic, p})
		}
		for topic, info := range r.sources {
			for p := range info.partitions {
				all = append(all, topicPartition{topic, p})
			}
		}
	}
	return all
}
