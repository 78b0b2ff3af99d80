package cube

import (
	"math/rand/v2"
	"testing"
)

// What Exceeds says without making the rows is true of the rows, folded ones too, and it says so where there are many.
func TestExceedsIsTrueOfTheRows(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	said := 0
	for i, kinds := range kindSets {
		for _, limits := range []Limits{DefaultLimits, {Values: 3, Kept: 1000, Cells: 100_000}, {Values: 3, Kept: 6, Cells: 100_000}, {Values: 100, Kept: 2000, Cells: 40}} {
			w := newWorld(t, seed+uint64(i), 2, 12, limits, kinds...)
			merged := NewMerged(w.x, limits)
			for range 12 {
				for range 20 {
					w.step(w.rng.IntN(200))
				}
				for k, s := range w.shards {
					merged.Set(k, s.cells())
				}
				c := merged.Cells()
				for _, mask := range c.Groupings() {
					roll := c.Rollup(mask)
					for rows := range len(roll.Rows) + 5 {
						if c.Exceeds(mask, rows) {
							said++
							if len(roll.Rows) <= rows && !roll.Unreliable {
								t.Fatalf("%v: grouping %b has %d rows, and is said to have more than %d", kinds, mask, len(roll.Rows), rows)
							}
						}
					}
				}
			}
		}
	}
	if said == 0 {
		t.Error("nothing was ever said")
	}
}
