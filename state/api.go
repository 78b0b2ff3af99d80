package state

import "github.com/tidemark/tidemark/stats/moment"

// Input numbers one source partition (or file) among a shard's inputs; the shard's offset record names it.
type Input uint32

// Event is one event of one subject as Apply takes it: decoded, typed, its wheres already decided.
// All slices belong to the caller and are valid during Apply only.
type Event struct {
	Def     int    // index into catalog.Plan.Events
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
