// Package sketch keeps the distribution of int64 values in bins of bounded relative width, for what sums can't tell: quantiles of
// events, and the percentile at which a metric is capped; and the ranks of a HyperLogLog, for distinct values over many sets (Distinct). It imports nothing of the engine.
// Invariants: (1) the zero Quantiles is the identity; (2) values can be taken out again, counts being signed; (3) Add and Merge are
// exact, associative and commutative, so equal contents have equal bytes in any order; (4) a quantile is within 1/256 of a value that
// stands at its rank. Bins are cut by integer arithmetic alone, so that every machine cuts them alike.
package sketch
