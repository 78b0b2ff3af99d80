// Package calc computes by hand what the engine computes on its own: sums, counts, p-values or plans in, results out, as JSON with
// the names of the published rows. It is for checking a number in a notebook or in CI.
// It imports stats and stats/moment and nothing else of the engine.
// Invariants: sums are read exactly or refused; the numbers are those that package stats gives the engine.
package calc
