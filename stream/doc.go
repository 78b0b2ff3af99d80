// Package stream gets events in, in order: Kafka topics and files become shards, and what the shards hold becomes
// results. It owns consumers, the re-key stage, positions and what happens when they do not fit the log any more
// (halts), the event clock, batching, back-pressure, commits, the pacing of evaluation, and the engine's own facts.
// It joins state, cube and stats, which do not know one another, and is imported by sink, cmd and bench.
// Invariants: (1) one goroutine owns a shard: its store, its cube and its clock; (2) records, cells and the position
// they reflect commit in one batch; (3) no position is ever reset: what does not fit the log halts that partition in
// a named state; (4) the clock never goes back; (5) every queue is bounded and a full one pauses its own fetch only.
package stream
