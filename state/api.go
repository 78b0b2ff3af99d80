package state

import "github.com/tidemark/tidemark/stats/moment"

// Input numbers one source partition (or file) among a shard's inputs; the shard's offset record names it.
type Input uint32

// InputName says what an Input is.
type InputName struct {
	Source string // source id; empty for the engine's own re-key topic
	Topic  string // topic, or the file's name
	// TopicID is the topic's UUID; zero for files.
	TopicID   [16]byte
	Partition int32
	// Partitions is the topic's partition count; 0 for files.
	Partitions int32
}

// Position is how far one input has been applied.
type Position struct {
	Input Input
	Name  InputName
	// Next is the offset (or row) that comes next, LeaderEpoch the epoch of the record before it (-1: unknown).
	Next        int64
	LeaderEpoch int32
	// Bound is b of DESIGN §5; math.MinInt64 before the first record and for inputs that are never late.
	Bound int64
}

// Batch is a micro-batch: everything that was read between two places in the shard's log. All slices belong to the
// caller and are valid during Apply only.
type Batch struct {
	// Records are all records read, in log order per input: the ledger counts them, and those rejected or late are kept.
	Records []Record
	// Rejects are the records, or single events of a record, that decode refused.
	Rejects []Reject
	// Filtered counts, for each of Plan.Events, the records that its WHERE dropped.
	Filtered []int64
	// Elsewhere counts, for each of Plan.Events, the records (copies or not) whose event another shard counts.
	Elsewhere []int64
	// Events are what is left, in log order.
	Events []Event
	// Advance are the positions after the batch; inputs without news may be left out.
	Advance []Advance
	// Clock is the shard's clock C after the batch; a value behind the clock so far is ignored.
	Clock int64
}

// Record is one record as it was read.
type Record struct {
	Input     Input
	Offset    int64
	Timestamp int64 // the broker's, microseconds
	// Bound is b up to and including this record, microseconds; math.MinInt64 for inputs that are never late.
	Bound      int64
	Key, Value []byte
	// Copy says that another shard counts this record, because its events have subjects in several shards: here it
	// counts as a copy, not as read.
	Copy bool
}

// Reject is a refused record (Event -1) or one refused event of it.
type Reject struct {
	Record int // index into Batch.Records
	Event  int // index into catalog.Plan.Events; -1: the whole record
	Reason string
	Detail string
}

// Advance moves one input's position.
type Advance struct {
	Input       Input
	Next        int64
	LeaderEpoch int32
	Bound       int64
}

// Event is one event of one subject as Apply takes it: decoded, typed, its wheres already decided.
// All slices belong to the caller and are valid during Apply only.
type Event struct {
	Def     int    // index into catalog.Plan.Events
	Record  int    // index into Batch.Records: the bytes that are kept if the event is late
	Subject []byte // canonical text of the subject id
	Time    int64  // event time, microseconds; math.MinInt64 for a profile event without a time
	ID      []byte // event_id; nil: the coordinates are the identity
	Input   Input
	Offset  int64 // Kafka offset, or row of a file from 0; rising per Input
	// Bound is b of DESIGN §5 for this record, microseconds; math.MinInt64 for inputs that are never late.
	Bound int64
	// Content is a 64-bit hash over the event's columns: equal ids with other Content are an id_conflict.
	Content uint64
	// Values has one entry for each of PlanEvent.Measures: whether the event qualifies for it and with what value
	// (fixed point at the measure's scale; for COUNT_DISTINCT the 64-bit hash of the value; else ignored).
	Values []Operand
	// Exposures has one entry for each of PlanEvent.Exposures.
	Exposures []Exposure
	// Dimensions has the dictionary id of each of PlanEvent.Dimensions, then of PlanEvent.ProfileColumns (moment.None if missing).
	Dimensions []uint32
}

// Operand is an event's value for one measure.
type Operand struct {
	Counts bool // where holds and the value is not NULL
	Value  int64
}

// Exposure is what an exposure event says to one experiment.
type Exposure struct {
	Counts  bool // the experiment's where holds
	Variant int  // index into Variants; -1: not declared
	// Dimensions has the dictionary id of each ExposureDimension of the experiment, in the experiment's order.
	Dimensions []uint32
}

// Sink takes what Apply changes. It is called in a deterministic order.
type Sink interface {
	Change(moment.Change)
}
