package cube

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// plan returns a plan with one experiment of two variants and two metrics, sliced by dimensions of the given kinds.
func plan(kinds ...catalog.DimensionKind) *catalog.Plan {
	x := &catalog.Experiment{ID: "x", Variants: []catalog.Variant{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}}, Control: "a"}
	px := catalog.PlanExperiment{Experiment: x}
	for i, k := range kinds {
		px.Dimensions = append(px.Dimensions, catalog.PlanDimension{Dimension: catalog.Dimension{Name: fmt.Sprint("d", i)}, Kind: k})
	}
	for _, id := range []string{"m0", "m1"} {
		px.Metrics = append(px.Metrics, catalog.PlanMetric{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ID: id}}})
	}
	return &catalog.Plan{Experiments: []catalog.PlanExperiment{px}}
}

func name(id uint32) string { return fmt.Sprint("v", id) }

// exposed is one more subject in a cell.
func exposed(variant int, values ...uint32) moment.Change {
	ch := moment.Change{Variant: variant, Metric: moment.ExposedMetric, New: moment.Point{In: true, Den: 1}}
	copy(ch.Slice[:], values)
	return ch
}

func TestSmoke(t *testing.T) {
	c := New(plan(catalog.ExposureDimension, catalog.ExposureDimension))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		c.Change(exposed(rng.IntN(2), 1+rng.Uint32N(3), 2+rng.Uint32N(4)))
	}
	cells := c.Snapshot(0, name)
	if n := cells.Subjects(); n[0]+n[1] != 1000 {
		t.Fatal(n)
	}
	for _, mask := range cells.Groupings() {
		n := int64(0)
		for _, row := range cells.Rollup(mask).Rows {
			for _, c := range row.Arms {
				n += c.Exposed()
			}
		}
		if n != 1000 {
			t.Errorf("grouping %b has %d subjects", mask, n)
		}
	}
}
