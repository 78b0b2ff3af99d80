package cube

import (
	"errors"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// rampPlan is a plan of one experiment with a dimension and a metric, whose weights change at cuts.
func rampPlan(cuts ...int64) *catalog.Plan {
	x := catalog.PlanExperiment{
		Experiment: &catalog.Experiment{ID: "x", Variants: []catalog.Variant{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}}},
		Dimensions: []catalog.PlanDimension{{Dimension: catalog.Dimension{Name: "platform"}}},
		Metrics:    []catalog.PlanMetric{{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ID: "m"}}}},
		Cuts:       cuts,
	}
	return &catalog.Plan{Experiments: []catalog.PlanExperiment{x}}
}

// exposeAt counts a subject that was first exposed at t0, as state does.
func exposeAt(c *Cube, variant int, platform uint32, t0 int64) {
	x := &c.plan.Experiments[0]
	ch := moment.Change{Variant: variant, Metric: moment.ExposedMetric, New: moment.Point{In: true, Den: 1}}
	ch.Slice[0] = platform
	c.Change(ch)
	countEpoch(c, variant, platform, x.Epoch(t0))
}

func countEpoch(c *Cube, variant int, platform uint32, epoch int) {
	if epoch == 0 {
		return
	}
	ch := moment.Change{Variant: variant, Metric: c.plan.Experiments[0].EpochMetric(epoch), New: moment.Point{In: true, Den: 1}}
	ch.Slice[0] = platform
	c.Change(ch)
}

func named(uint32) string { return "v" }

// epochsOf are the counts of the whole, by epoch and variant.
func epochsOf(c *Cube) [][2]int64 {
	x := &c.plan.Experiments[0]
	whole := c.Snapshot(0, named).Whole()
	var out [][2]int64
	for k := range len(x.Cuts) + 1 {
		out = append(out, [2]int64{whole[0].Epoch(x, k), whole[1].Epoch(x, k)})
	}
	return out
}

func persisted(t *testing.T, db *pebble.DB, c *Cube) {
	t.Helper()
	b := db.NewBatch()
	if err := c.PersistTo(b); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(pebble.NoSync); err != nil {
		t.Fatal(err)
	}
}

// A ramp that changes while the experiment runs is counted again where subjects lie between its old and its new steps, and only
// there; what is counted then is what would have been from the start.
func TestEpochsFollowTheDefinition(t *testing.T) {
	subjects := []int64{1, 5, 10, 11, 15, 19, 20, 25, 30, 39} // first exposures; the newest is 39
	for _, c := range []struct {
		name     string
		old, new []int64
		again    bool
	}{
		{"the same", []int64{10, 20}, []int64{10, 20}, false},
		{"none", nil, nil, false},
		{"a step to come", []int64{10, 20}, []int64{10, 20, 40}, false},
		{"the first one, to come", nil, []int64{40}, false},
		{"one that was to come is dropped", []int64{10, 40}, []int64{10}, false},
		{"one that was to come is moved", []int64{10, 40}, []int64{10, 50}, false},
		{"one in the past", []int64{10}, []int64{10, 20}, true},
		{"the first one, in the past", nil, []int64{20}, true},
		{"a past one is dropped", []int64{10, 20}, []int64{10}, true},
		{"all are dropped", []int64{10, 20}, nil, true},
		{"a past one is moved", []int64{10, 20}, []int64{12, 20}, true},
		{"one that was to come is now past", []int64{10, 40}, []int64{10, 30}, true},
		{"one before the others", []int64{20}, []int64{10, 20}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), FormatMajorVersion: pebble.FormatNewest})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			first, must := New(rampPlan(c.old...)), New(rampPlan(c.new...))
			for i, t0 := range subjects {
				exposeAt(first, i%2, uint32(2+i%3), t0)
				exposeAt(must, i%2, uint32(2+i%3), t0)
			}
			persisted(t, db, first)
			next := New(rampPlan(c.new...))
			if err := next.Load(db); err != nil {
				t.Fatal(err)
			}
			if err := next.Compare(must, named); err != nil {
				t.Errorf("before counting again: %v", err)
			}
			again := next.Recount(39)
			if slices.Contains(again, 0) != c.again {
				t.Fatalf("experiments to count again: %v", again)
			}
			for range again {
				for i, t0 := range subjects {
					countEpoch(next, i%2, uint32(2+i%3), next.plan.Experiments[0].Epoch(t0))
				}
			}
			if got, want := epochsOf(next), epochsOf(must); !slices.Equal(got, want) {
				t.Errorf("epochs %v, want %v", got, want)
			}
			if err := next.Compare(must, named); err != nil {
				t.Error(err)
			}
			// What is written then is read as it is, without counting again.
			persisted(t, db, next)
			last := New(rampPlan(c.new...))
			if err := last.Load(db); err != nil {
				t.Fatal(err)
			}
			if again := last.Recount(39); len(again) > 0 || last.Dirty() {
				t.Errorf("counted again after it was written (dirty: %v)", last.Dirty())
			}
			if err := last.Compare(must, named); err != nil {
				t.Error(err)
			}
		})
	}
}

// A cell without the epochs that its grid's row names is not taken for one.
func TestEpochsOfAnotherGridAreRefused(t *testing.T) {
	c := New(rampPlan(10))
	exposeAt(c, 0, 2, 12)
	rows := map[string][]byte{}
	if err := c.Persist(func(key, _, value []byte) error {
		rows[string(key)] = slices.Clone(value)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for key, value := range rows {
		if key[1] != kindCell {
			continue
		}
		if err := New(rampPlan(10)).LoadRow([]byte(key), value); !errors.Is(err, ErrFormat) {
			t.Errorf("a cell with an epoch in a grid without a row: %v", err)
		}
	}
	for _, bad := range [][]byte{{2, 0, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}, {2, 0, 0, 1, 2}, append([]byte{2, 0, 0}, make([]byte, 16)...), {3, 0, 0}} {
		if err := New(rampPlan(10)).LoadRow(flagsKey(0), bad); !errors.Is(err, ErrFormat) {
			t.Errorf("flags %x: %v", bad, err)
		}
	}
}
