// Package stream gets events in, in order: Kafka topics and files become shards, and what the shards hold becomes
// results. It owns consumers, the re-key stage, positions and what happens when they do not fit the log any more
// (halts), the event clock, batching, back-pressure, commits, the pacing of evaluation, and the engine's own facts.
// It joins state, cube and stats, which do not know one another, and is imported by sink, cmd and bench.
// Invariants: (1) one goroutine owns a shard: its store, its cube and its clock; (2) records, cells and the position
// they reflect commit in one batch; (3) no position is ever reset: what does not fit the log halts that partition in
// a named state; (4) the clock never goes back; (5) every queue is bounded and a full one pauses its own fetch only.
//
// # The way of a record
//
//	fetcher ─► inbox ─► shard: decode ─► batch ─► state.Apply ─► cube ─► commit        (take.go, batch.go, shard.go)
//	                                                  └─ dirty ─► evaluator ─► results.Hub           (evaluate.go)
//	rekey worker: fetcher ─► inbox ─► route ─► producer ─► re-key topic ─► fetcher of the shards   (rekey*.go)
//	file pass: rows ─► route ─► inbox of each shard                                              (filepass.go)
//
// A subject type (subject.go) is all of that for one kind of subject. Its lead topic stands for its shards in a consumer
// group that never fetches (assign.go); the watch (watch.go) compares topics and logs with positions, starts and halts
// feeds, and moves clocks past idle inputs.
//
// # Goroutines and their owners
//
//	Engine.Run     one per subject type (subjectType.run, which becomes its watch), evaluator, disk watch, informer,
//	               the look at the days since exposure;
//	               it waits for all of them, unless the disk hangs (DeadlineError)
//	subjectType    its fetcher's poll loop, one per shard, one per pass over files; run and close wait for them
//	shard          one while a flush is under way (durable.go); close waits for it
//	rekeyTopic     its fetcher's poll loop, one per source partition; close waits for them
//	kgo            calls assigned, revoked and lost one at a time per group, and acknowledgements of copies
//
// A shard lives from assigned to revoked (drain what is in the batch, commit, make durable, close), lost (close without
// a commit: somebody else may own the partition) or the end of Run. When the lead topic was deleted, revoked and lost
// keep it open, halted, with its numbers.
//
// # Locks, in the order in which they may be taken
//
//	subjectType.life   held while shards are opened and closed; what it waits for (a shard's goroutine) takes no life
//	fetcher.mu         held while the client is told to pause, resume, start or stop
//	subjectType.mu     and rekeyTopic.mu, for moments: maps and small values
//	inbox.mu, acks.mu, informer.mu, rates.mu, Engine.reading: innermost
//
// A shard's goroutine may take fetcher.mu and subjectType.mu, and never waits for another shard, the evaluator or a
// broker, except for an operator's decision (accept.go). Whoever asks a shard something (do) holds neither mu.
package stream
