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
// something.
func (t *subjectType) begin(tp topicPartition, offset int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.meta.Began == nil {
		t.meta.Began = make(map[string]beginning)
	}
	if _, ok := t.meta.Began[tp.String()]; ok {
		return nil
	}
	t.meta.Began[tp.String()] = beginning{Offset: offset}
	return t.writeMeta()
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
