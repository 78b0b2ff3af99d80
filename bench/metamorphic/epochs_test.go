package metamorphic

import (
	"fmt"
	"strings"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
)

// compareExposed holds the exposed subjects of every grouping of subject dimensions, by the epoch of a ramp, against the oracle, in both
// directions.
func compareExposed(plan *catalog.Plan, merged map[int]*cube.Cells, answer oracle.Answer) error {
	found := map[oracle.Key]bool{}
	for x, c := range merged {
		pxp := &plan.Experiments[x]
		for _, mask := range c.Groupings() {
			for _, row := range c.Rollup(mask).Rows {
				var parts []string
				for i, d := range pxp.Dimensions {
					if mask>>i&1 == 1 {
						parts = append(parts, d.Name+"="+row.Values[len(parts)])
					}
				}
				for v, cell := range row.Arms {
					if cell.Exposed() == 0 {
						continue
					}
					key := oracle.Key{Experiment: pxp.ID, Variant: pxp.Variants[v].ID, Slice: strings.Join(parts, "&")}
					found[key] = true
					if got, want := cell.Exposed(), answer.Exposed[key]; got != want {
						return fmt.Errorf("%v: %d exposed, want %d", key, got, want)
					}
					for k := range len(pxp.Cuts) + 1 {
						if got, want := cell.Epoch(pxp, k), answer.Epochs[key][k]; got != want {
							return fmt.Errorf("%v: %d first exposed in epoch %d of %d, want %d", key, got, k, len(pxp.Cuts)+1, want)
						}
					}
				}
			}
		}
	}
	for key, n := range answer.Exposed {
		if !found[key] {
			return fmt.Errorf("%v: nobody is exposed, want %d", key, n)
		}
	}
	return nil
}
