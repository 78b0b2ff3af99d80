package cube

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

var kindSets = [][]catalog.DimensionKind{
	{}, {exposure}, {event}, {exposure, profile}, {event, exposure}, {exposure, event, profile}, {event, event}, {event, exposure, event, profile},
}

// Every cell of every grouping is what the subjects say, whatever has happened to them, over any number of shards and
// whenever snapshots are taken: the rollups, which follow from each other by what changed, among them.
func TestCubeEqualsSubjects(t *testing.T) {
	seed := rand.Uint64()
	for i, kinds := range kindSets {
		for _, shards := range []int{1, 2, 5} {
			t.Run(fmt.Sprint(i, "/", shards), func(t *testing.T) {
				t.Logf("seed %d", seed)
				w := newWorld(t, seed, shards, 4, DefaultLimits, kinds...)
				merged := NewMerged(w.x, DefaultLimits)
				for step := range 400 {
					w.step(w.rng.IntN(60))
					if w.rng.IntN(20) == 0 {
						k := w.rng.IntN(shards)
						merged.Set(k, w.shards[k].cells())
						c := merged.Cells()
						c.Rollup(uint(w.rng.IntN(1 << len(kinds)))) // some are brought up more often than others
					}
					if step%40 == 39 {
						for k, s := range w.shards {
							merged.Set(k, s.cells())
						}
						w.check(merged.Cells(), fmt.Sprint("step ", step))
					}
				}
				for id := range 60 {
					if w.subjects[id] != nil {
						w.set(id, nil)
					}
				}
				for k, s := range w.shards {
					merged.Set(k, s.cells())
					if n := s.cells().Len(); n != 0 {
						t.Errorf("shard %d has %d cells and no subjects", k, n)
					}
				}
				if n := merged.Cells().Len(); n != 0 {
					t.Errorf("%d cells and no subjects", n)
				}
				w.check(merged.Cells(), "after everybody left")
			})
		}
	}
}

// The slices of a subject dimension, (none) among them, add up to the whole: for every metric, in every grouping.
func TestCubeConservesSubjects(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, seed, 1, 5, DefaultLimits, exposure, event, profile)
	for range 500 {
		w.step(w.rng.IntN(100))
	}
	c := w.shards[0].cells()
	sum := func(mask uint, variant, metric int) (s moment.Sums) {
		for _, row := range c.Rollup(mask).Rows {
			s.Merge(row.Arms[variant].Metric(metric))
		}
		return s
	}
	for _, mask := range c.Groupings() {
		for _, d := range []uint{1, 4} { // the subject dimensions
			if mask&d == 0 {
				continue
			}
			for variant := range 2 {
				for metric := -1; metric < 2; metric++ {
					if fine, coarse := sum(mask, variant, metric), sum(mask&^d, variant, metric); fine != coarse {
						t.Errorf("variant %d, metric %d: grouping %b adds up to %v, %b to %v", variant, metric, mask, fine, mask&^d, coarse)
					}
				}
			}
		}
	}
}

// C3: a subject with events in two slices of an event dimension is in both, and once in the whole with its own total.
func TestEventSlicesAreSubjectTrue(t *testing.T) {
	w := newWorld(t, 1, 1, 2, DefaultLimits, event)
	w.set(0, &subject{values: []string{""}, events: []happened{{values: []string{"ios"}, num: 3}, {values: []string{"web"}, num: 4}}})
	c := w.shards[0].cells()
	whole := c.Whole()[0].Metric(0)
	if n := whole.N; n != 1 || whole.Num2 != moment.Int192From(49) {
		t.Errorf("the whole has n %d and Σx² %v, want 1 and 49", n, whole.Num2)
	}
	rows := c.Rollup(1).Rows
	if len(rows) != 2 || rows[0].Arms[0].Metric(0).Num2 != moment.Int192From(9) || rows[1].Arms[0].Metric(0).Num2 != moment.Int192From(16) {
		t.Errorf("slices %v", rows)
	}
}

// What has been handed out never changes, and what did not change is the same.
func TestSnapshotIsImmutable(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, seed, 1, 4, DefaultLimits, exposure, event)
	for range 200 {
		w.step(w.rng.IntN(50))
	}
	c := w.shards[0].cells()
	if w.shards[0].cells() != c {
		t.Error("nothing changed, and the snapshot is another")
	}
	before := dump(c)
	rollups := map[uint]*Rollup{}
	for _, mask := range c.Groupings() {
		rollups[mask] = c.Rollup(mask)
		if c.Rollup(mask) != rollups[mask] {
			t.Error("nothing changed, and the rollup is another")
		}
	}
	was := fmt.Sprint(flat(w.x, rollups[1]))
	for range 200 {
		w.step(w.rng.IntN(50))
		if w.rng.IntN(10) == 0 {
			w.shards[0].cells().Rollup(1)
		}
	}
	w.shards[0].cells().Rollup(1)
	if !slices.Equal(dump(c), before) || fmt.Sprint(flat(w.x, rollups[1])) != was {
		t.Error("a snapshot changed after it was taken")
	}
	// Going back to an older picture gives that picture's rollup.
	if fmt.Sprint(flat(w.x, c.Rollup(1))) != was {
		t.Error("the rollup of an older snapshot is not what it was")
	}
}

// Only the cells that changed get another pointer.
func TestUnchangedCellsKeepTheirPointer(t *testing.T) {
	w := newWorld(t, 2, 2, 6, DefaultLimits, exposure, exposure)
	for id := range 200 {
		w.set(id, w.draw())
	}
	merged := NewMerged(w.x, DefaultLimits)
	look := func(mask uint) *Rollup {
		for k, s := range w.shards {
			merged.Set(k, s.cells())
		}
		return merged.Cells().Rollup(mask)
	}
	before := look(1)
	s := w.subjects[7]
	next := *s
	next.events = append(slices.Clone(s.events), happened{values: []string{"", ""}, num: 5})
	w.set(7, &next)
	changed := 0
	for i, row := range look(1).Rows {
		for v, c := range row.Arms {
			if c != before.Rows[i].Arms[v] {
				changed++
				if row.Values[0] != s.values[0] || v != s.variant {
					t.Errorf("cell %v of variant %d changed", row.Values, v)
				}
			}
		}
	}
	if changed != 1 {
		t.Errorf("%d cells changed, want 1", changed)
	}
}

func TestMergeOfTwo(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	w := newWorld(t, seed, 2, 4, DefaultLimits, exposure, event)
	for range 300 {
		w.step(w.rng.IntN(80))
	}
	a, b := w.shards[0].cells(), w.shards[1].cells()
	w.check(a.Merge(b), "a + b")
	w.check(b.Merge(a), "b + a")
	w.check(NewCells(w.x).Merge(a).Merge(b), "0 + a + b")
	if !slices.Equal(dump(a.Merge(b)), dump(b.Merge(a))) {
		t.Error("the order of merging shows")
	}
	m := NewMerged(w.x, DefaultLimits)
	m.Set(0, a)
	m.Set(1, b)
	m.Set(1, nil)
	if !slices.Equal(dump(m.Cells()), dump(a)) {
		t.Error("a shard that is gone left something")
	}
	m.Drop()
	if m.Cells().Len() != 0 {
		t.Error("Drop left something")
	}
}

// A rollup that nobody asks for any more lets go of its cells, and is right when somebody asks again.
func TestUnaskedRollupsAreForgotten(t *testing.T) {
	w := newWorld(t, 4, 1, 4, DefaultLimits, exposure, exposure)
	s := w.shards[0]
	for step := range 3 * forgetAfter {
		w.step(w.rng.IntN(50))
		c := s.cells()
		c.Rollup(1)
		if step == 0 {
			c.Rollup(2)
		}
	}
	if l := s.cube.grids[0].lineage; l.rollups[2] != nil || l.rollups[1] == nil {
		t.Error("the rollup is still there, or the wrong one went")
	}
	w.check(s.cells(), "asked again")
}

// Compare finds every difference between a cube and what its subjects say.
func TestCompareWithTwin(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, limits := range []Limits{DefaultLimits, {Values: 2, Kept: 3, Cells: 1000}, {Values: 9, Kept: 9, Cells: 9}} {
		w := newWorld(t, seed, 1, 6, limits, exposure, event)
		for range 200 {
			w.step(w.rng.IntN(50))
			w.shards[0].cells()
		}
		c := w.shards[0].cube
		twin := c.Twin()
		all := w.subjects
		w.subjects, w.shards[0].cube = map[int]*subject{}, twin
		for id, s := range all {
			w.set(id, s)
		}
		if err := c.Compare(twin, w.shards[0].name); err != nil {
			t.Errorf("%+v: %v", limits, err)
		}
		for id := range all {
			w.set(id, nil)
			break
		}
		if c.Compare(twin, w.shards[0].name) == nil || twin.Compare(c, w.shards[0].name) == nil {
			t.Errorf("%+v: a missing subject is not seen", limits)
		}
	}
}

// Readers may roll up while the shard goes on. Run with -race.
func TestCellsAreSafeForManyReaders(t *testing.T) {
	w := newWorld(t, 3, 1, 4, DefaultLimits, exposure, event, profile)
	var readers sync.WaitGroup
	for round := range 20 {
		for range 50 {
			w.step(w.rng.IntN(50))
		}
		c := w.shards[0].cells()
		for range 3 {
			readers.Go(func() {
				n := int64(0)
				for _, mask := range c.Groupings() {
					for _, row := range c.Rollup(mask).Rows {
						for _, cell := range row.Arms {
							n += cell.Metric(0).N
						}
					}
				}
				if n == 0 {
					t.Error("round", round, "has no subjects")
				}
			})
		}
	}
	readers.Wait()
}

func TestChangeDoesNotAllocate(t *testing.T) {
	c := New(newPlan(exposure, event))
	ch := moment.Change{Slice: moment.Slice{5, 6}, New: moment.Point{In: true, Num: 3, Den: 1}}
	other := ch
	other.Slice[0] = 9
	c.Change(ch)
	c.Change(other)
	if n := testing.AllocsPerRun(100, func() { c.Change(ch); c.Change(other) }); n != 0 {
		t.Errorf("%g allocations a change", n)
	}
}

func BenchmarkChange(b *testing.B) {
	for _, cells := range []uint32{100, 10_000} {
		b.Run(fmt.Sprint("cells=", cells), func(b *testing.B) {
			c := New(newPlan(exposure, exposure))
			rng := rand.New(rand.NewPCG(1, 1))
			var changes [4096]moment.Change
			for i := range changes {
				changes[i] = moment.Change{Metric: i%3 - 1, Variant: rng.IntN(2), Old: moment.Point{In: true, Num: 3, Den: 1}, New: moment.Point{In: true, Num: 5, Den: 1}}
				if i%3 > 0 {
					changes[i].Slice, changes[i].Variant = changes[i-1].Slice, changes[i-1].Variant
					continue
				}
				changes[i].Slice = moment.Slice{2 + rng.Uint32N(cells/10), 2 + rng.Uint32N(10)}
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				c.Change(changes[i%len(changes)])
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, cells := range []uint32{1000, 100_000} {
		p := newPlan(exposure, exposure)
		s := newShard(p, DefaultLimits)
		for i := range cells {
			for m := -1; m < 2; m++ {
				s.cube.Change(moment.Change{Metric: m, Slice: moment.Slice{s.id(fmt.Sprint("x", i/100)), s.id(fmt.Sprint("y", i%100))}, New: moment.Point{In: true, Num: 5, Den: 1}})
			}
		}
		merged := NewMerged(&p.Experiments[0], DefaultLimits)
		b.Run(fmt.Sprintf("cells=%d/changed=100", cells), func(b *testing.B) {
			for b.Loop() {
				for i := range uint32(100) {
					s.cube.Change(moment.Change{Slice: moment.Slice{s.id(fmt.Sprint("x", i/100)), s.id(fmt.Sprint("y", i%100))}, New: moment.Point{In: true, Num: 5, Den: 1}})
				}
				merged.Set(0, s.cells())
				c := merged.Cells()
				for mask := range uint(3) {
					c.Rollup(mask)
				}
			}
		})
	}
}
