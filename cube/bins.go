package cube

import (
	"fmt"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// bins are how the events of a cell's quantile metrics are distributed, by metric: beside the sums, and like them a function of
// the subjects in the cell. nil if the experiment has no quantile metric; nil for the other metrics.
type bins []*sketch.Quantiles

// newBins are those of an experiment's empty cell.
func newBins(x *catalog.PlanExperiment) bins {
	var b bins
	for m := range x.Metrics {
		if x.Metrics[m].Quantile > 0 {
			if b == nil {
				b = make(bins, len(x.Metrics))
			}
			b[m] = &sketch.Quantiles{}
		}
	}
	return b
}

// newCell returns an empty cell of an experiment.
func newCell(x *catalog.PlanExperiment, key *Key) *Cell {
	return &Cell{Key: key, sums: make([]moment.Sums, len(x.Metrics)+1), bins: newBins(x)}
}

// Quantiles returns how the events of a quantile metric are distributed. It must not be changed. A nil cell's is empty, and that
// of another metric.
func (c *Cell) Quantiles(metric int) *sketch.Quantiles {
	if c == nil || c.bins == nil || c.bins[metric] == nil {
		return &sketch.Quantiles{}
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
			out[m] = &sketch.Quantiles{}
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

// compareBins returns an error that names the first metric of a cell whose events are not distributed as other's.
func (g *grid) compareBins(o *grid, p *place, name func(uint32) string) error {
	at := func(g *grid, m int) *sketch.Quantiles {
		if i, ok := g.at[*p]; ok {
			return g.slots[i].cell.Quantiles(m)
		}
		return &sketch.Quantiles{}
	}
	for m := range g.x.Metrics {
		if has, must := at(g, m), at(o, m); !has.Equal(must) {
			k := g.key(p, name)
			return fmt.Errorf("cube: experiment %s, variant %s, slice %q, metric %s: %d events in bins, must be %d, or others",
				g.x.ID, g.x.Variants[k.Variant].ID, k.Values, g.x.Metrics[m].Metric.ID, has.Count(), must.Count())
		}
	}
	return nil
}
