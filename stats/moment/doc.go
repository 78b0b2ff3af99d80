// Package moment is the one type that passes between storage and statistics: Sums, the exact sums over the subjects of
// one cell, with the Point that one subject contributes and the Change that events make to it. Everything is integer
// arithmetic in 128 and 192 bits; a float64 appears only when a sum is finalised, rounded once.
// It imports nothing of the engine and nothing outside the standard library.
// Invariants: (1) the zero Sums is the identity; (2) Add, Sub and Merge are exact, associative and commutative, so any
// order, grouping, retry or retraction of the same points gives identical sums and identical bytes; (3) nothing wraps
// for up to 2^40 subjects; (4) a variance is never negative: if the integers say so they are corrupt, and the error says
// so. A Sums is a plain value: copying it copies everything. It is not safe for concurrent change.
package moment
