// Package topic publishes results to a compacted Kafka topic, so that another system can hold the newest rows as a table:
// one record per row under the key experiment/metric/slice/variant, a header under the key experiment, a tombstone where a
// row is no more. It owns the keys and the value's JSON; the rows inside are stream/results as they are.
//
// Only rows that changed are produced, at most once a second per experiment, and only after the broker acknowledged them
// are they taken as published: after an outage or a restart the difference to what the topic holds is sent, which New
// reads once at the start. The hub never waits for this package; while the broker is away, results merge in the hub.
// Invariants: the last record of every key is the row as last published; a key that is not in the newest result ends in a
// tombstone. One Publisher writes a topic at a time.
package topic
