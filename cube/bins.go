package cube

import (
	"fmt"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// bins are what cells have beside their sums, by metric, and like them a function of the subjects in the cell: how the events of
// a quantile metric are distributed (sketch.Quantiles), the ranks of the values of one across subjects (sketch.Distinct). nil if the
// experiment has no such metric; nil for the other metrics.
type bins []*sketch.Bins

// hasBins says whether the cells of a metric have bins.
func hasBins(m *catalog.PlanMetric) bool { return m.Quantile > 0 || m.Across }

// newBins are those of an experiment's empty cell.
func newBins(x *catalog.PlanExperiment) bins {
	var b bins
	for m := range x.Metrics {
		if hasBins(&x.Metrics[m]) {
			if b == nil {
				b = make(bins, len(x.Metrics))
			}
			b[m] = &sketch.Bins{}
		}
	}
	return b
}

// decodeBins reads the bins of a metric, and returns what follows them.
func decodeBins(m *catalog.PlanMetric, b []byte) (*sketch.Bins, []byte, error) {
	if m.Across {
		d, rest, err := sketch.DecodeDistinct(b)
		if err != nil {
			return nil, nil, err
		}
		return &d.Bins, rest, nil
	}
	q, rest, err := sketch.Decode(b)
	if err != nil {
		return nil, nil, err
	}
	return &q.Bins, rest, nil
}

// newCell returns an empty cell of an experiment.
func newCell(x *catalog.PlanExperiment, key *Key) *Cell {
	return &Cell{Key: key, sums: make([]moment.Sums, sumsOf(x)), bins: newBins(x)}
}

// Quantiles returns how the events of a quantile metric are distributed. It must not be changed. A nil cell's is empty, and that
// of another metric.
func (c *Cell) Quantiles(metric int) *sketch.Quantiles {
	return &sketch.Quantiles{Bins: *c.binsOf(metric)}
}

// Distinct returns the ranks of the values of a metric across subjects. It must not be changed. A nil cell's are none, and those
// of another metric.
func (c *Cell) Distinct(metric int) *sketch.Distinct {
	return &sketch.Distinct{Bins: *c.binsOf(metric)}
}

// HasBins says that the cell holds what Quantiles and Distinct return: that of the past has sums only.
func (c *Cell) HasBins() bool { return c != nil && c.bins != nil }

func (c *Cell) binsOf(metric int) *sketch.Bins {
	if c == nil || c.bins == nil || c.bins[metric] == nil {
		return &sketch.Bins{}
	}
	return c.bins[metric]
}

// like returns empty bins of the same metrics.
func (b bins) like() bins {
	if b == nil {
		return nil
	}
	out := make(bins, len(b))
	for m, q := range b {
		if q != nil {
			out[m] = &sketch.Bins{}
		}
	}
	return out
}

func (b bins) clone() bins {
	if b == nil {
		return nil
	}
	out := make(bins, len(b))
	for m, q := range b {
		if q != nil {
			out[m] = q.Clone()
		}
	}
	return out
}

func (b bins) apply(metric int, change []moment.Bin) {
	for _, x := range change {
		b[metric].AddBin(x.Index, x.Count)
	}
}

func (b bins) merge(o bins) {
	for m, q := range b {
		if q != nil {
			q.Merge(o[m])
		}
	}
}

func (b bins) unmerge(o bins) {
	for m, q := range b {
		if q != nil {
			q.Unmerge(o[m])
		}
	}
}

func (b bins) replace(old, new bins) {
	for m, q := range b {
		if q != nil && !old[m].Equal(new[m]) {
			q.Unmerge(old[m])
			q.Merge(new[m])
		}
	}
}

func (b bins) equal(o bins) bool {
	for m, q := range b {
		if q != nil && !q.Equal(o[m]) {
			return false
		}
	}
	return true
}

// compareBins returns an error that names the first metric of a cell whose bins are not other's.
func (g *grid) compareBins(o *grid, p *place, name func(uint32) string) error {
	at := func(g *grid, m int) *sketch.Bins {
		if i, ok := g.at[*p]; ok {
			return g.slots[i].cell.binsOf(m)
		}
		return &sketch.Bins{}
	}
	for m := range g.x.Metrics {
		if has, must := at(g, m), at(o, m); !has.Equal(must) {
			k := g.key(p, name)
			return fmt.Errorf("cube: experiment %s, variant %s, slice %q, metric %s: %d in bins, must be %d, or others",
				g.x.ID, g.x.Variants[k.Variant].ID, k.Values, g.x.Metrics[m].Metric.ID, has.Count(), must.Count())
		}
	}
	return nil
}
