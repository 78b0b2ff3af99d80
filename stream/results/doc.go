// Package results turns cells into what the engine publishes: one experiment at one instant, row by row, and the hub
// that hands it on. It owns the public JSON (result.go, DESIGN §3.1), the evaluation of cells (Evaluator), the dated
// facts behind always-valid intervals (Tuning), the coalescing broadcast (Hub) and the texts of every number that
// people read (format.go), so that page, CLI, Slack, CSV and API never print one number in two ways.
// It imports catalog, cube, stats and stats/moment.
// Invariants: (1) a row is a function of its arms' sums, the definition, the SRM state and its tuning fact, so rows
// whose cells did not change are not evaluated again; (2) every float is finite or null; (3) the order of rows is
// fixed by the definitions; (4) a published Result is never changed, and a slow subscriber never blocks a publisher.
package results
