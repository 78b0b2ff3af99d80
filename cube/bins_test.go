package cube

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// TestBinsAreTheEventsOfTheSubjects: the bins of every cell of every grouping are those of the events of its subjects: over
// shards that are merged, written and read, changed and taken back, and where there are too many values to tell apart.
func TestBinsAreTheEventsOfTheSubjects(t *testing.T) {
	const seed = 20260302
	t.Logf("seed %d", seed)
	for _, limits := range []Limits{DefaultLimits, {Values: 2, Kept: 100, Cells: 1000}, {Values: 2, Kept: 3, Cells: 1000}, {Values: 1000, Kept: 1000, Cells: 4}} {
		r := rand.New(rand.NewPCG(seed, 5))
		p := newPlan(exposure, profile)
		p.Experiments[0].Metrics[1].Quantile = 0.9
		type subject struct {
			variant int
			values  [2]string
			events  []int64
		}
		shards := []*shard{newShard(p, limits), newShard(p, limits)}
		tables := []*table{{t: t, rows: map[string]string{}}, {t: t, rows: map[string]string{}}}
		binsOf := func(events []int64) (bins []moment.Bin) {
			var q sketch.Quantiles
			for _, e := range events {
				q.Add(e, 1)
			}
			seen := map[int32]int64{}
			for _, e := range events {
				seen[sketch.IndexOf(e)]++
			}
			for i, n := range seen {
				bins = append(bins, moment.Bin{Index: i, Count: n})
			}
			slices.SortFunc(bins, func(a, b moment.Bin) int { return int(a.Index - b.Index) })
			return bins
		}
		subjects := map[int]*subject{}
		merged := NewMerged(&p.Experiments[0], limits)
		for step := range 400 {
			id := r.IntN(60)
			sh := shards[id%2]
			// A change takes all out of the cell before and puts all into the one after.
			tell := func(s *subject, sign int64) {
				if s == nil {
					return
				}
				ch := moment.Change{Variant: s.variant, Metric: moment.ExposedMetric, Slice: moment.Slice{sh.id(s.values[0]), sh.id(s.values[1])}}
				in := moment.Point{In: true, Den: 1}
				of := moment.Point{In: true, Den: int64(len(s.events))}
				bins := binsOf(s.events)
				for i := range bins {
					bins[i].Count *= sign
				}
				if sign > 0 {
					ch.New = in
					sh.cube.Change(ch)
					ch.Metric, ch.New, ch.Bins = 1, of, bins
				} else {
					ch.Old = in
					sh.cube.Change(ch)
					ch.Metric, ch.Old, ch.Bins = 1, of, bins
				}
				sh.cube.Change(ch)
			}
			tell(subjects[id], -1)
			delete(subjects, id)
			if r.IntN(8) > 0 {
				s := &subject{variant: r.IntN(2), values: [2]string{string(rune('a' + r.IntN(5))), string(rune('p' + r.IntN(3)))}}
				for range r.IntN(5) {
					s.events = append(s.events, r.Int64N(1<<r.IntN(20)))
				}
				subjects[id] = s
				tell(s, 1)
			}
			if step%31 == 0 {
				for k := range shards {
					if err := shards[k].cube.Persist(tables[k].set); err != nil {
						t.Fatal(err)
					}
					loaded := &shard{cube: NewLimited(p, limits), ids: shards[k].ids, names: shards[k].names}
					for _, key := range tables[k].keys() {
						if err := loaded.cube.LoadRow([]byte(key), []byte(tables[k].rows[key])); err != nil {
							t.Fatal(err)
						}
					}
					if err := shards[k].cube.Compare(loaded.cube, shards[k].name); err != nil {
						t.Fatal(err)
					}
					shards[k] = loaded
				}
			}
			for k := range shards {
				merged.Set(k, shards[k].cells())
			}
			cells := merged.Cells()
			for _, mask := range cells.Groupings() {
				roll := cells.Rollup(mask)
				if roll.Unreliable && mask != 0 {
					continue
				}
				total := int64(0)
				for _, row := range roll.Rows {
					for v, cell := range row.Arms {
						var want sketch.Quantiles
						other := slices.Contains(row.Values, Other)
						for _, s := range subjects {
							at := []string{}
							for d := range 2 {
								if mask&(1<<d) != 0 {
									at = append(at, s.values[d])
								}
							}
							if s.variant == v && slices.Equal(at, row.Values) {
								for _, e := range s.events {
									want.Add(e, 1)
								}
							}
						}
						got := cell.Quantiles(1)
						total += got.Count()
						if !other && !got.Equal(&want) {
							t.Fatalf("limits %+v, step %d, grouping %b, slice %q: %d events in bins, want %d, or others", limits, step, mask, row.Values, got.Count(), want.Count())
						}
					}
				}
				events := int64(0)
				for _, s := range subjects {
					events += int64(len(s.events))
				}
				if total != events {
					t.Fatalf("limits %+v, step %d, grouping %b: %d events in all slices, want %d", limits, step, mask, total, events)
				}
			}
		}
	}
}

func TestBinsRefuseBytesOfAnotherVersion(t *testing.T) {
	p := newPlan(exposure)
	plain := New(p)
	q := newPlan(exposure)
	q.Experiments[0].Metrics[0].Quantile = 0.5
	binned := New(q)
	ch := moment.Change{Metric: 0, Slice: moment.Slice{moment.FirstValue}, New: moment.Point{In: true, Den: 1}}
	plain.Change(ch)
	ch.Bins = []moment.Bin{{Index: 5, Count: 1}}
	binned.Change(ch)
	for _, c := range []struct {
		from *Cube
		to   *catalog.Plan
	}{{plain, q}, {binned, p}} {
		err := c.from.Persist(func(key, _, value []byte) error { return New(c.to).LoadRow(key, value) })
		if !errors.Is(err, ErrFormat) {
			t.Errorf("cells of the other kind: %v", err)
		}
	}
	err := binned.Persist(func(key, _, value []byte) error { return nil })
	if err == nil {
		binned.Change(ch)
		err = binned.Persist(func(key, _, value []byte) error { return New(q).LoadRow(key, value[:len(value)-1]) })
	}
	if !errors.Is(err, ErrFormat) {
		t.Errorf("bins cut short: %v", err)
	}
}
