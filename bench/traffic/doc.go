// Package traffic is the fixed job that every engine of bench is measured on: a seeded log of one topic, the definitions that
// Tidemark reads it with, and an exact oracle fast enough for tens of millions of records. The log and the job are described
// in the doc of command bench, which is the contract with peers.
// Invariants: (1) a record is a function of Shape and its number, so a log can be made again, continued, or answered without
// being kept; (2) the oracle works on what the generator drew, shares no code with the engine, and equals bench/oracle over
// the JSON of the log; (3) all sums are exact.
package traffic
