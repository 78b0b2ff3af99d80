package cube_test

import (
	"fmt"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats/moment"
)

// A subject whose total goes from 2 to 5 is taken out of its cell with 2 and put in with 5.
func Example() {
	experiment := &catalog.Experiment{ID: "landing_page", Variants: []catalog.Variant{{ID: "control"}, {ID: "treatment"}}}
	plan := &catalog.Plan{Experiments: []catalog.PlanExperiment{{
		Experiment: experiment,
		Dimensions: []catalog.PlanDimension{{Dimension: catalog.Dimension{Name: "platform"}}},
		Metrics:    []catalog.PlanMetric{{}},
	}}}
	platforms := []string{"ios", "web"} // the shard's dictionary, from moment.FirstValue

	c := cube.New(plan)
	ios, web := moment.Slice{2}, moment.Slice{3}
	c.Change(moment.Change{Slice: ios, New: moment.Point{In: true, Num: 2, Den: 1}})
	c.Change(moment.Change{Slice: ios, Old: moment.Point{In: true, Num: 2, Den: 1}, New: moment.Point{In: true, Num: 5, Den: 1}})
	c.Change(moment.Change{Slice: web, New: moment.Point{In: true, Num: 1, Den: 1}})

	cells := c.Snapshot(0, func(id uint32) string { return platforms[id-moment.FirstValue] })
	for _, mask := range cells.Groupings() {
		for _, row := range cells.Rollup(mask).Rows {
			sums := row.Arms[0].Metric(0)
			fmt.Println(row.Values, "n", sums.N, "Σ", sums.Num, "Σ²", sums.Num2)
		}
	}
	// Output:
	// [] n 2 Σ 6 Σ² 26
	// [ios] n 1 Σ 5 Σ² 25
	// [web] n 1 Σ 1 Σ² 1
}
