package cube

import (
	"cmp"
	"fmt"
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
)

// folded is what the cells of a grouping must be under the bound on values: the oracle of fold.go.
func (w *world) folded(mask uint) map[cellAt]momentSums {
	subjectDims, _ := dimensionMasks(w.x)
	tops := make([]map[string]bool, len(w.x.Dimensions))
	for m := mask & subjectDims; m != 0; m &= m - 1 {
		d := bits.TrailingZeros(m)
		n := map[string]int{}
		for _, s := range w.subjects {
			n[s.values[d]]++
		}
		if len(n) <= w.limits.Values {
			continue
		}
		values := slices.SortedFunc(maps.Keys(n), func(a, b string) int { return cmp.Or(n[b]-n[a], strings.Compare(a, b)) })
		tops[d] = map[string]bool{}
		for _, v := range values[:w.limits.Values] {
			tops[d][v] = true
		}
	}
	cells := map[cellAt]momentSums{}
	for at, sums := range w.cells(mask) {
		values := strings.Split(at.values, "|")
		for d, top := range tops {
			if top != nil && !top[values[d]] {
				values[d] = Other
			}
		}
		at.values = strings.Join(values, "|")
		to := cells[at]
		to.Merge(&sums)
		cells[at] = to
	}
	return cells
}

// The values beyond the bound are (other), chosen by what the cells are: over any number of shards, in any order of
// arrival and with any history of snapshots it is the same choice.
func TestOtherIsChosenByTheCells(t *testing.T) {
	seed := rand.Uint64()
	limits := Limits{Values: 4, Kept: 100, Cells: 100_000}
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := newWorld(t, seed, shards, 12, limits, exposure, event, profile)
			w.x.Dimensions[1].Values = []string{"declared", "so", "not", "bounded", "by", "the", "default", "of", "four", "but", "by", "these", "twelve"}
			merged := NewMerged(w.x, limits)
			for step := range 600 {
				w.step(w.rng.IntN(150))
				if step%60 != 59 {
					continue
				}
				for k, s := range w.shards {
					merged.Set(k, s.cells())
				}
				c := merged.Cells()
				others := 0
				for _, mask := range c.Groupings() {
					r := c.Rollup(mask)
					got, want := flat(w.x, r), w.folded(mask)
					if !maps.Equal(got, want) {
						t.Fatalf("step %d: grouping %b has\n%v\nwant\n%v", step, mask, got, want)
					}
					if r.Unreliable {
						t.Fatalf("grouping %b is unreliable within the bounds", mask)
					}
					for _, row := range r.Rows {
						if slices.Contains(row.Values, Other) {
							others++
						}
					}
					if c.Rollup(mask) != r {
						t.Fatal("the same fold is made twice")
					}
				}
				if step > 300 && others == 0 {
					t.Error("nothing was folded: the test tests nothing")
				}
			}
		})
	}
}

// A folded row whose members did not change is the same cell.
func TestOtherKeepsItsPointer(t *testing.T) {
	limits := Limits{Values: 2, Kept: 100, Cells: 1000}
	w := newWorld(t, 1, 1, 1, limits, exposure)
	id := 0
	add := func(value string, n int) {
		for range n {
			w.set(id, &subject{values: []string{value}})
			id++
		}
	}
	add("a", 9)
	add("b", 8)
	add("c", 1)
	add("d", 1)
	rows := func() []Row { return w.shards[0].cells().Rollup(1).Rows }
	before := rows()
	if len(before) != 3 || before[0].Values[0] != Other || before[0].Arms[0].Exposed() != 2 {
		t.Fatalf("%+v", before)
	}
	add("a", 1)
	after := rows()
	if after[0].Arms[0] != before[0].Arms[0] || after[1].Arms[0] == before[1].Arms[0] {
		t.Error("(other) was made anew, or a was not")
	}
	add("c", 8) // 9: a and c are the first now
	if after = rows(); len(after) != 3 || after[0].Arms[0].Exposed() != 9 || after[2].Values[0] != "c" {
		t.Errorf("%+v", after)
	}
	// Equal counts go by value.
	add("b", 1)
	add("c", 0)
	if after = rows(); after[2].Values[0] != "b" {
		t.Errorf("b and c have 9 each, and %v is published", after[2].Values)
	}
}

// A value that is called (other) is in the row of that name.
func TestAValueCalledOther(t *testing.T) {
	limits := Limits{Values: 2, Kept: 100, Cells: 1000}
	w := newWorld(t, 1, 1, 1, limits, exposure)
	for id, v := range []string{"a", "a", "a", Other, Other, "b"} {
		w.set(id, &subject{values: []string{v}})
	}
	rows := w.shards[0].cells().Rollup(1).Rows
	if len(rows) != 2 || rows[0].Values[0] != Other || rows[0].Arms[0].Exposed() != 3 {
		t.Errorf("%+v", rows)
	}
}

// Beyond what can be kept, the groupings concerned are unreliable, everything else stays exact, and one shard or many,
// persisted or not, say the same.
func TestTooManyValues(t *testing.T) {
	seed := rand.Uint64()
	limits := Limits{Values: 3, Kept: 9, Cells: 100_000}
	for _, c := range []struct {
		name   string
		values int
		overBy uint // dimensions with more values than are kept
	}{
		{name: "event", values: 8, overBy: 2},
		{name: "both", values: 40, overBy: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Logf("seed %d", seed)
			one := newWorld(t, seed, 1, c.values, limits, exposure, event)
			many := newWorld(t, seed, 4, c.values, limits, exposure, event)
			tb := &table{t: t, rows: map[string]string{}}
			for step := range 300 {
				id := one.rng.IntN(200)
				one.step(id)
				many.set(id, one.subjects[id])
				if step%50 == 49 {
					one.shards[0].cells()
					s := one.shards[0]
					if err := s.cube.Persist(tb.set); err != nil {
						t.Fatal(err)
					}
					one.shards[0] = tb.load(t, one, s)
				}
			}
			merged := NewMerged(many.x, limits)
			for k, s := range many.shards {
				merged.Set(k, s.cells())
			}
			a, b := one.shards[0].cells(), merged.Cells()
			for _, mask := range a.Groupings() {
				ra, rb := a.Rollup(mask), b.Rollup(mask)
				fa, fb := flat(one.x, ra), flat(many.x, rb)
				if ra.Unreliable != rb.Unreliable || !maps.Equal(fa, fb) || len(ra.Rows) != len(rb.Rows) {
					t.Errorf("grouping %b: one shard says %v %v,\nfour say %v %v", mask, ra.Unreliable, fa, rb.Unreliable, fb)
				}
				if ra.Unreliable != (mask&c.overBy != 0) {
					t.Errorf("grouping %b is unreliable: %v", mask, ra.Unreliable)
				}
				switch {
				case mask&c.overBy == 0:
					if !maps.Equal(fa, one.folded(mask)) {
						t.Errorf("grouping %b has %v, want %v", mask, fa, one.folded(mask))
					}
				case mask == 1: // (other) is everybody
					whole := a.Rollup(0).Rows[0].Arms
					if row := ra.Rows[0]; row.Values[0] != Other || *row.Arms[0].Metric(0) != *whole[0].Metric(0) {
						t.Errorf("%+v", row)
					}
				default:
					if row := ra.Rows[0]; row.Arms[0] != nil || row.Values[0] != Other {
						t.Errorf("an event dimension was summed over: %+v", row)
					}
				}
			}
		})
	}
}

// With too many cells the dimensions are no longer crossed; each by itself and the whole stay exact.
func TestTooManyCells(t *testing.T) {
	seed := rand.Uint64()
	limits := Limits{Values: 100, Kept: 100, Cells: 60}
	kinds := []struct {
		shards int
		name   string
	}{{1, "one shard"}, {2, "two shards"}, {40, "none of many shards, but all of them"}}
	for i, k := range slices.Concat(kinds, kinds) {
		t.Run(k.name, func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := newWorld(t, seed, k.shards, 6, limits, exposure, event, profile)
			if i >= len(kinds) {
				// A single subject dimension: its cells and the base cells fix the same.
				w = newWorld(t, seed, k.shards, 20, limits, event, exposure)
			}
			merged := NewMerged(w.x, limits)
			tb := &table{t: t, rows: map[string]string{}}
			for step := range 500 {
				w.step(w.rng.IntN(200))
				if step%25 == 24 {
					i := w.rng.IntN(k.shards)
					merged.Set(i, w.shards[i].cells())
					merged.Cells().Rollup(2)
				}
				if k.shards == 1 && step%90 == 89 {
					s := w.shards[0]
					if err := s.cube.Persist(tb.set); err != nil {
						t.Fatal(err)
					}
					w.shards[0] = tb.load(t, w, s)
				}
			}
			for i, s := range w.shards {
				merged.Set(i, s.cells())
			}
			c := merged.Cells()
			for _, mask := range c.Groupings() {
				r := c.Rollup(mask)
				if crossed := bits.OnesCount(mask) > 1; r.Unreliable != crossed {
					t.Errorf("grouping %b is unreliable: %v", mask, r.Unreliable)
				} else if got := flat(w.x, r); !crossed && !maps.Equal(got, w.cells(mask)) {
					t.Errorf("grouping %b has\n%v\nwant\n%v", mask, got, w.cells(mask))
				}
			}
		})
	}
}

// What a shard gave up stays given up for all, even if the merged cells would be few enough; and it costs no memory.
func TestCollapsedShardSpeaksForAll(t *testing.T) {
	limits := Limits{Values: 3, Kept: 5, Cells: 100}
	w := newWorld(t, 1, 2, 1, limits, exposure)
	for id := range 100 {
		if id%2 == 0 {
			w.set(id, &subject{values: []string{fmt.Sprint("v", id)}})
		}
	}
	w.set(1, &subject{values: []string{"w"}})
	for id := range 100 {
		if id%2 == 0 {
			w.set(id, &subject{variant: 1, values: []string{fmt.Sprint("v", id)}})
			w.shards[0].cells()
		}
	}
	if n := w.shards[0].cells().Len(); n != 1 {
		t.Errorf("%d cells where no value is told apart, want 1", n)
	}
	for _, order := range [][]int{{0, 1}, {1, 0}} {
		m := NewMerged(w.x, limits)
		for _, k := range order {
			m.Set(k, w.shards[k].cells())
		}
		r := m.Cells().Rollup(1)
		if !r.Unreliable || r.Rows[0].Arms[1].Exposed() != 50 || r.Rows[0].Arms[0].Exposed() != 1 {
			t.Errorf("order %v: %+v", order, r)
		}
	}
}

// Values that come and go count only while they are there.
func TestValuesThatWentDoNotCount(t *testing.T) {
	limits := Limits{Values: 3, Kept: 5, Cells: 4}
	for _, saved := range []bool{false, true} {
		w := newWorld(t, 1, 1, 1, limits, exposure, event)
		tb := &table{t: t, rows: map[string]string{}}
		for id := range 50 {
			s := &subject{values: []string{fmt.Sprint("v", id), ""}, events: []happened{{values: []string{"", fmt.Sprint("e", id)}}}}
			w.set(id, s)
			if saved {
				if err := w.shards[0].cube.Persist(tb.set); err != nil {
					t.Fatal(err)
				}
			}
			w.check(w.shards[0].cells(), fmt.Sprint("subject ", id))
			w.set(id, nil)
		}
		if g := w.shards[0].cube.grids[0]; g.collapsed != 0 || g.uncrossed || len(g.slots) > 8 {
			t.Errorf("saved %v: collapsed %b, uncrossed %v, %d slots", saved, g.collapsed, g.uncrossed, len(g.slots))
		}
	}
}

// Rows written before a dimension was given up are replaced by those that are true after.
func TestGivingUpRewritesRows(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		second catalog.DimensionKind
	}{{Limits{Values: 3, Kept: 5, Cells: 100}, profile}, {Limits{Values: 3, Kept: 50, Cells: 8}, profile}, {Limits{Values: 3, Kept: 50, Cells: 8}, event}} {
		limits := c.limits
		w := newWorld(t, 1, 1, 1, limits, exposure, c.second)
		tb := &table{t: t, rows: map[string]string{}}
		persist := func() {
			t.Helper()
			if err := w.shards[0].cube.Persist(tb.set); err != nil {
				t.Fatal(err)
			}
		}
		for id := range 20 {
			s := &subject{values: []string{fmt.Sprint("v", id), "p"}}
			if c.second == event {
				s.values[1], s.events = "", []happened{{values: []string{"", "p"}, num: 2}}
			}
			w.set(id, s)
			persist()
		}
		persist()
		loaded := tb.load(t, w, w.shards[0])
		if a, b := dump(loaded.cells()), dump(w.shards[0].cells()); !slices.Equal(a, b) {
			t.Errorf("%+v: loaded\n%q, has\n%q", limits, a, b)
		}
		if got := flat(w.x, loaded.cells().Rollup(2)); !maps.Equal(got, w.cells(2)) {
			t.Errorf("%+v: grouping 10 has %v, want %v", limits, got, w.cells(2))
		}
	}
}
