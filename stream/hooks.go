package stream

import "time"

// Hooks are told what happens, from the goroutine that does it: they must be quick and must not call back. A nil
// func is not called.
type Hooks struct {
	// Batch: a shard applied a micro-batch.
	Batch func(subject string, shard int32, records int, took time.Duration)
	// Commit: a shard committed; Durable: what it committed is on disk.
	Commit  func(subject string, shard int32, took time.Duration, err error)
	Durable func(subject string, shard int32, took time.Duration, err error)
	// Evaluate: an experiment was evaluated and published.
	Evaluate func(experiment string, took time.Duration)
	// Halt: a partition was halted (or, with an empty state, goes on again).
	Halt func(source string, partition int32, state State)
	// EventDelay is the time from a record's Kafka timestamp to its being applied.
	EventDelay func(source string, delay time.Duration)
}
