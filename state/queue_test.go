package state

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// strictPlan has two experiments with one strict metric each: the first settles within ten minutes, the second within ten hours.
func strictPlan() *catalog.Plan {
	plan := &catalog.Plan{Subject: "user", Sources: []*catalog.Source{{ID: "expose"}, {ID: "orders"}, {ID: "refunds"}}}
	lateness := []int64{10 * minute, 10 * minute, 10 * hour}
	for i, l := range lateness {
		plan.Events = append(plan.Events, catalog.PlanEvent{Event: &catalog.Event{ID: fmt.Sprint("E", i)}, Source: i, Lateness: l})
	}
	for x := range 2 {
		plan.Measures = append(plan.Measures, catalog.Measure{Event: 1 + x, Agg: catalog.Count})
		plan.Events[1+x].Measures = []int{x}
		plan.Events[0].Exposures = append(plan.Events[0].Exposures, x)
		plan.Experiments = append(plan.Experiments, catalog.PlanExperiment{
			Experiment: &catalog.Experiment{ID: fmt.Sprint("e", x), Variants: []catalog.Variant{{ID: "a"}, {ID: "b"}}}, Start: never / 2, Stop: forever, Lateness: 10 * minute,
			Metrics: []catalog.PlanMetric{{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{}}, Numerator: x, Denominator: -1, Window: hour, Strict: true}},
		})
	}
	return plan
}

// TestEndIsToldAgain exposes subjects whose window the data's end has not reached, tells the end, and then a later one, or the
// clock: each gets in exactly when its own window is over. The first end looks at all that could be over by the longest
// lateness, and those that are not must be met again.
func TestEndIsToldAgain(t *testing.T) {
	const t0 = 1000 * hour
	for _, committed := range []string{"never", "before", "between"} {
		for _, how := range []string{"end", "clock"} {
			t.Run(committed+"/"+how, func(t *testing.T) {
				s, err := Open("shard", strictPlan(), Options{FS: vfs.NewMem(), MemTableBytes: 1 << 20})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				in, err := s.Input(InputName{Source: "expose"})
				if err != nil {
					t.Fatal(err)
				}
				cube := newTestCube()
				b := Batch{Filtered: make([]int64, 3), Elsewhere: make([]int64, 3), Clock: never}
				for i := range 10 {
					b.Records = append(b.Records, Record{Input: in, Offset: int64(i), Bound: never})
					counts := Exposure{Counts: true}
					b.Events = append(b.Events, Event{Subject: fmt.Append(nil, "s", i), Time: t0 + int64(i)*minute, Input: in, Offset: int64(i), Record: i, Bound: never,
						Exposures: []Exposure{counts, {}}})
				}
				commit := func(when string) {
					if committed != when {
						return
					}
					if err := s.Commit(nil); err != nil {
						t.Fatal(err)
					}
				}
				inside := func(when string, want int64) {
					t.Helper()
					n := int64(0)
					for key, sums := range cube.cells {
						if key.experiment == 0 && key.metric == 0 {
							n += sums.N
						}
					}
					if n != want {
						t.Errorf("%s: %d subjects are in, want %d", when, n, want)
					}
					if err := s.Verify(context.Background(), nil); err != nil {
						t.Errorf("%s: %v", when, err)
					}
				}
				if err := s.Apply(&b, cube); err != nil {
					t.Fatal(err)
				}
				commit("before")
				if err := s.End(t0+hour+2*minute, cube); err != nil {
					t.Fatal(err)
				}
				inside("end", 3)
				commit("between")
				if how == "end" {
					err = s.End(t0+hour+6*minute, cube)
				} else {
					err = s.Apply(&Batch{Filtered: make([]int64, 3), Elsewhere: make([]int64, 3), Clock: t0 + hour + 16*minute}, cube)
				}
				if err != nil {
					t.Fatal(err)
				}
				inside("later", 7)
				if err := s.End(t0+2*hour, cube); err != nil {
					t.Fatal(err)
				}
				inside("last", 10)
			})
		}
	}
}
