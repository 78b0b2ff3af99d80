package cube

import (
	"cmp"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// Texts of a dimension's values that are not values.
const (
	// NoneText is a missing value.
	NoneText = "(none)"
	// Other is what is over the bound.
	Other = "(other)"
)

// Key is a cell's place in the cube, as text. It is immutable.
type Key struct {
	Variant int // index into catalog.PlanExperiment.Variants
	// Mask has a bit for each dimension that is fixed; bit i is Dimensions[i].
	Mask uint
	// Values are those of the fixed dimensions, in the order of the dimensions.
	Values []string
}

func (k *Key) compare(o *Key) int {
	if c := cmp.Compare(k.Mask, o.Mask); c != 0 {
		return c
	}
	if c := slices.Compare(k.Values, o.Values); c != 0 {
		return c
	}
	return cmp.Compare(k.Variant, o.Variant)
}

// Cell is the sums of one variant in one slice. It is immutable once it can be reached through Cells: a cell that
// changes is replaced, so the same pointer means the same sums.
type Cell struct {
	Key  *Key
	sums []moment.Sums // of ExposedMetric, then of each metric, then of each epoch but the first
	bins bins
}

var zero moment.Sums

// Metric returns the sums of a metric, an index into catalog.PlanExperiment.Metrics, EpochMetric or moment.ExposedMetric. They must
// not be changed. A nil cell's are zero.
func (c *Cell) Metric(i int) *moment.Sums {
	if c == nil {
		return &zero
	}
	return &c.sums[i+1]
}

// Epoch returns how many exposed subjects of epoch k, of those that x's cuts make, the cell has. A nil cell has none.
func (c *Cell) Epoch(x *catalog.PlanExperiment, k int) int64 {
	if k > 0 {
		return c.Metric(x.EpochMetric(k)).N
	}
	n := c.Exposed()
	for k := 1; k <= len(x.Cuts); k++ {
		n -= c.Metric(x.EpochMetric(k)).N
	}
	return n
}

// Exposed returns how many exposed subjects the cell has. A cell of an event dimension has none: who is in it differs
// by metric.
func (c *Cell) Exposed() int64 { return c.Metric(moment.ExposedMetric).N }

func (c *Cell) clone() *Cell {
	return &Cell{Key: c.Key, sums: slices.Clone(c.sums), bins: c.bins.clone()}
}

func (c *Cell) empty() bool {
	for i := range c.sums {
		if !empty(&c.sums[i]) {
			return false
		}
	}
	return true
}

func (c *Cell) merge(o *Cell) {
	for i := range c.sums {
		if !empty(&o.sums[i]) {
			c.sums[i].Merge(&o.sums[i])
		}
	}
	c.bins.merge(o.bins)
}

func (c *Cell) unmerge(o *Cell) {
	for i := range c.sums {
		if !empty(&o.sums[i]) {
			c.sums[i].Unmerge(&o.sums[i])
		}
	}
	c.bins.unmerge(o.bins)
}

// replace takes old's sums out and puts new's in, skipping the metrics in which they are equal.
func (c *Cell) replace(old, new *Cell) {
	for i := range c.sums {
		if old.sums[i] != new.sums[i] {
			c.sums[i].Unmerge(&old.sums[i])
			c.sums[i].Merge(&new.sums[i])
		}
	}
	c.bins.replace(old.bins, new.bins)
}

func (c *Cell) equal(o *Cell) bool { return slices.Equal(c.sums, o.sums) && c.bins.equal(o.bins) }

// Cells is an immutable picture of one experiment's cells: of one shard (Cube.Snapshot), or of several (Merged,
// Cells.Merge). It may be read by any goroutine.
type Cells struct {
	x *catalog.PlanExperiment
	// cells are the base cells, nil where there is none. An index means nothing but that the next picture of the same
	// lineage has the same cell there, or what has taken its place.
	cells     []*Cell
	live      int
	collapsed uint
	uncrossed bool
	lineage   *lineage
}

// NewCells returns the empty cells of an experiment.
func NewCells(x *catalog.PlanExperiment) *Cells {
	return &Cells{x: x, lineage: newLineage(x, DefaultLimits)}
}

// Experiment returns what the cells are of.
func (c *Cells) Experiment() *catalog.PlanExperiment { return c.x }

// Len returns how many base cells there are.
func (c *Cells) Len() int { return c.live }

// Groupings returns the masks of all groupings: every subset of the experiment's dimensions.
func (c *Cells) Groupings() []uint {
	masks := make([]uint, 1<<len(c.x.Dimensions))
	for i := range masks {
		masks[i] = uint(i)
	}
	return masks
}

// Whole returns the cells of all subjects, by variant; nil for a variant without any.
func (c *Cells) Whole() []*Cell {
	r := c.Rollup(0)
	if len(r.Rows) == 0 {
		return make([]*Cell, len(c.x.Variants))
	}
	return r.Rows[0].Arms
}

// Subjects returns the exposed subjects of each variant.
func (c *Cells) Subjects() []int64 {
	n := make([]int64, len(c.x.Variants))
	for v, cell := range c.Whole() {
		n[v] = cell.Exposed()
	}
	return n
}

// Merge returns the cells of both. The two must have no subject in common. For more than two, or again and again, a
// Merged is cheaper.
func (c *Cells) Merge(other *Cells) *Cells {
	m := NewMerged(c.x, c.lineage.limits)
	m.Set(0, c)
	m.Set(1, other)
	return m.Cells()
}

// Sorted returns the base cells in the order of their keys: grouping, values, variant.
func (c *Cells) Sorted() []*Cell {
	sorted := make([]*Cell, 0, c.live)
	for _, cell := range c.cells {
		if cell != nil {
			sorted = append(sorted, cell)
		}
	}
	slices.SortFunc(sorted, func(a, b *Cell) int { return a.Key.compare(b.Key) })
	return sorted
}
