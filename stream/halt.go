package stream

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Halt says why one partition stands still and what an operator can do. The others go on.
type Halt struct {
	State State `json:"state"`
	// From is the next offset the state wants, To the next one that the log can give; -1 where unknown.
	From   int64     `json:"from"`
	To     int64     `json:"to"`
	Reason string    `json:"reason"` // one sentence: what does not fit
	Remedy string    `json:"remedy"` // one sentence: what to do
	Since  time.Time `json:"since"`
	// Acceptable says that Accept may resolve it; otherwise only a rebuild does.
	Acceptable bool `json:"acceptable"`
	// otherwise is what a wait becomes if the watch finds nothing wrong.
	otherwise *Halt
	// gone says that the topic does not exist; once it does again, it has another name.
	gone bool
}

func (h *Halt) Error() string {
	return fmt.Sprintf("%s: %s; %s", h.State, h.Reason, h.Remedy)
}

const (
	remedyAcceptGap = "accept the gap with `tidemark state accept` (results will say so), or start with --rebuild"
	remedyRebuild   = "start with --rebuild to build the state anew from the log"
)

// breaks are the halts of shards that could not be opened.
func (t *subjectType) breaks() []*Halt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(t.broken))
}

// haltExpired: the log's start has moved past the position.
func haltExpired(tp topicPartition, from, start int64) *Halt {
	return &Halt{State: HaltedGap, From: from, To: start, Acceptable: true,
		Reason: fmt.Sprintf("the log of %s starts at offset %d, but the state wants %d: %d records expired unread", tp, start, from, start-from),
		Remedy: remedyAcceptGap}
}

// haltTruncated: the log ends, or has diverged, before the position.
func haltTruncated(tp topicPartition, from, end int64) *Halt {
	return &Halt{State: HaltedGap, From: from, To: end, Acceptable: true,
		Reason: fmt.Sprintf("the log of %s has lost its records from offset %d on, but the state holds them up to %d", tp, end, from),
		Remedy: remedyAcceptGap}
}

// haltRecreated: the topic's id is another one.
func haltRecreated(tp topicPartition) *Halt {
	return &Halt{State: HaltedGap, From: -1, To: 0, Acceptable: true,
		Reason: fmt.Sprintf("topic %s was deleted and created again: its offsets mean other records", tp.topic),
		Remedy: remedyAcceptGap}
}

// haltDeleted: the topic is gone.
func haltDeleted(tp topicPartition, from int64) *Halt {
	return &Halt{State: HaltedGap, From: from, To: -1, gone: true,
		Reason: fmt.Sprintf("topic %s no longer exists", tp.topic),
		Remedy: "create it again and accept the gap with `tidemark state accept`, or remove the source from the definitions"}
}

// haltPartitions: the topic has another number of partitions than the state was built for.
func haltPartitions(topic string, stored, live int32) *Halt {
	return &Halt{State: HaltedRekey, From: -1, To: -1,
		Reason: fmt.Sprintf("topic %s has %d partitions, but the state was built for %d: subjects are in other partitions now", topic, live, stored),
		Remedy: remedyRebuild}
}

// haltCopartition: direct inputs of one subject type must have one partition count.
func haltCopartition(topic string, count int32, other string, otherCount int32) *Halt {
	return &Halt{State: HaltedRekey, From: -1, To: -1,
		Reason: fmt.Sprintf("topic %s has %d partitions and topic %s has %d, but both are direct inputs of one subject type", topic, count, other, otherCount),
		Remedy: "give them one partition count, or remove keyed_by from one source so that it is re-keyed"}
}

// haltKey: a record is not where its subject belongs.
func haltKey(tp topicPartition, offset int64, want int32) *Halt {
	return &Halt{State: HaltedRekey, From: offset, To: -1,
		Reason: fmt.Sprintf("the record at %s offset %d has a subject that belongs to partition %d by Kafka's murmur2: the topic is not keyed by the subject", tp, offset, want),
		Remedy: "remove keyed_by from the source so that it is re-keyed, and start with --rebuild"}
}

// haltDamagedBatch: the log has a batch that can't be read.
func haltDamagedBatch(tp topicPartition, offset int64, detail string) *Halt {
	return &Halt{State: HaltedCorrupt, From: offset, To: -1, Acceptable: true,
		Reason: fmt.Sprintf("a batch of %s can't be read: %s", tp, detail),
		Remedy: "repair the topic, or skip the batch with `tidemark state accept`"}
}

// haltDamagedState: the shard's store fails its checks.
func haltDamagedState(dir string, err error) *Halt {
	return &Halt{State: HaltedCorrupt, From: -1, To: -1, Acceptable: true,
		Reason: fmt.Sprintf("the state in %s is damaged: %v", dir, err),
		Remedy: "build this shard anew from the log with `tidemark state accept` (the damaged folder is kept beside it)"}
}

// haltStorm: the storm guard tripped.
func haltStorm(tp topicPartition, next int64, rejected, window int) *Halt {
	return &Halt{State: HaltedRejects, From: next, To: next, Acceptable: true,
		Reason: fmt.Sprintf("%d of the last %d records of %s were rejected", rejected, window, tp),
		Remedy: "repair the producer or the definitions, or let the rejects pass with `tidemark state accept`"}
}
