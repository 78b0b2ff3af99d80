// Package cube keeps the slice cube: for each experiment, variant and slice, the moments of the subjects in it, one
// Sums for every metric. A Cube holds one shard's cells and owns their keys and bytes (FORMAT.md); Cells are an
// immutable picture of one experiment, keyed by text so that the shards' can be merged; rollups to every grouping of
// the dimensions, the bounds on cardinality and the hourly and daily History are here too.
// It imports catalog, stats/moment and stats/sketch and nothing else of the engine.
// Invariants: (1) conservation: the slices of a subject dimension add up to the whole; (2) C3: cells are summed over
// subject dimensions only, which part the subjects; what is sliced by a dimension of the events has cells of its own for
// each grouping, and these are never summed over it; (3) order-free: cells are a function of the changes' set, whatever
// their order and sharding; (4) a cell whose sums return to zero is gone, and the same cells have the same bytes.
// A Cube belongs to one goroutine, and so does a Merged; Cells may be read by any.
package cube
