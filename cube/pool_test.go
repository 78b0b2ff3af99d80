package cube

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// pooledPlan is a plan of a subject dimension and an event dimension, whose second metric is winsorized.
func pooledPlan() *catalog.Plan {
	p := newPlan(catalog.ExposureDimension, catalog.EventDimension)
	upper := 0.99
	x := &p.Experiments[0]
	for m := range x.Metrics {
		x.Metrics[m].Metric = &catalog.Metric{ID: x.Metrics[m].Metric.ID}
	}
	x.Metrics[1].Metric.Winsorize = &catalog.Winsorize{Bounds: catalog.Bounds{Upper: &upper}}
	return p
}

// TestPoolIsTheDistributionOfTheTotals: each subject stands in the pool once, by its total in the whole, whatever the order
// of changes, whatever slices it is in, and over being written and read; a metric that is frozen leaves no row.
func TestPoolIsTheDistributionOfTheTotals(t *testing.T) {
	const seed = 20260302
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 4))
	p := pooledPlan()
	c := New(p)
	tb := &table{t: t, rows: map[string]string{}}
	totals := map[int]moment.Point{}
	change := func(subject, metric int, slice moment.Slice, old, new moment.Point) {
		c.Change(moment.Change{Variant: subject % 2, Metric: metric, Slice: slice, Old: old, New: new})
	}
	for step := range 4000 {
		subject := r.IntN(300)
		base := moment.Slice{uint32(2 + subject%3)}
		now := moment.Point{In: true, Num: r.Int64N(1 << 20), Den: 1}
		if r.IntN(10) == 0 {
			now = moment.Point{}
		}
		was := totals[subject]
		totals[subject] = now
		change(subject, 1, base, was, now)
		change(subject, 0, base, was, now)
		event := base
		event[1] = uint32(2 + subject%5)
		change(subject, 1, event, was, now) // a part of the total: not counted again
		if step%97 == 0 {
			if err := c.Persist(tb.set); err != nil {
				t.Fatal(err)
			}
			loaded := New(p)
			for _, k := range tb.keys() {
				if err := loaded.LoadRow([]byte(k), []byte(tb.rows[k])); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Compare(loaded, func(uint32) string { return "" }); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			c = loaded
		}
	}
	var want sketch.Quantiles
	for _, p := range totals {
		if p.In {
			want.Add(p.Num, 1)
		}
	}
	if got := c.Pool(0, 1); !got.Equal(&want) || got.Count() != want.Count() {
		t.Fatalf("the pool has %d totals, want %d, or they are others", got.Count(), want.Count())
	}
	if c.Pool(0, 0) != nil {
		t.Error("a metric that is not winsorized has a pool")
	}
	twin := c.Twin()
	if err := c.Compare(twin, func(uint32) string { return "" }); err == nil {
		t.Error("an empty cube equals one with a pool")
	}
	if err := c.Persist(tb.set); err != nil {
		t.Fatal(err)
	}
	key := string(poolKey(0, 1))
	row := tb.rows[key]
	if row == "" {
		t.Fatal("the pool has no row")
	}
	c.Freeze(0, 1)
	if !c.Dirty() {
		t.Error("nothing to persist after a pool has gone")
	}
	if err := c.Persist(tb.set); err != nil {
		t.Fatal(err)
	}
	if _, ok := tb.rows[key]; ok || c.Pool(0, 1) != nil {
		t.Error("a frozen metric still has its pool")
	}
	for name, bad := range map[string]string{"cut short": row[:len(row)-1], "of another version": "\x09" + row[1:], "with more behind it": row + "x", "empty": ""} {
		if err := New(p).LoadRow([]byte(key), []byte(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("a row %s: %v", name, err)
		}
	}
	if err := New(p).LoadRow(poolKey(0, 0), []byte(row)); !errors.Is(err, ErrFormat) {
		t.Errorf("a pool of a metric that is not winsorized: %v", err)
	}
}
