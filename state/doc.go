// Package state keeps what each subject has done: one small exact record per subject, in one Pebble database per shard
// (FORMAT.md has its bytes). Apply takes a micro-batch of decoded events, decides which are late, duplicates, exposures
// or counted, and hands the difference that they make to each experiment to a Sink; Commit writes the changed records,
// the ledger and the positions they reflect in one batch.
//
// It owns the subject record, its keys, the shard's dictionary, the rejected and late records, the offset record and its
// digest. It imports catalog, stats/moment, stats/sketch and Pebble and nothing else of the engine, and it never logs.
//
// Invariants: (1) an event counts once however often it is delivered; (2) a subject's contributions are a function of
// the set of its distinct in-time events: their order, batching and sharding do not matter; (3) decode(encode(x)) = x;
// (4) the ledger balances after every batch. A Store belongs to one goroutine; Name may be called from any.
package state
