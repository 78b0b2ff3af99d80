package results

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// drifting returns the windows of n subjects an arm: the treatment adds early in the earlier window, late in the later one.
func drifting(l *lab, rng *rand.Rand, n int, early, late float64) DaysInputs {
	in := DaysInputs{AsOf: noon, Subjects: int64(2 * n), Days: make([][][]moment.Sums, 1), Windows: make([][][]moment.Sums, 1)}
	for range DaysShown {
		in.Days[0] = append(in.Days[0], make([]moment.Sums, 2))
	}
	for range DriftWindows {
		in.Windows[0] = append(in.Windows[0], make([]moment.Sums, 2))
	}
	for v := range 2 {
		for range n {
			base := 1000 + 300*rng.NormFloat64()
			before := int64(base + float64(v)*early + 100*rng.NormFloat64())
			after := int64(base + float64(v)*late + 100*rng.NormFloat64())
			for k := range DriftWindows {
				in.Windows[0][k][v].Add(moment.Point{In: true, Num: after, Den: 1, Pre: before, PreDen: 1})
			}
			in.Days[0][0][v].Add(moment.Point{In: true, Num: before, Den: 1})
			in.Days[0][13][v].Add(moment.Point{In: true, Num: after, Den: 1})
		}
	}
	return in
}

func TestNoveltyThatWearsOffIsWarnedOf(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 0, -1)
	key := "ARPU/all/treatment"
	facts := map[string]Tuning{key: {V: 1e6}}
	rng := rand.New(rand.NewPCG(5, 5))
	in := drifting(l, rng, 2000, 60, 10)
	if w := EvaluateDays(l.plan, 0, in).Warnings(); len(w) != 0 {
		t.Errorf("without a tuning: %+v", w)
	}
	in.Facts = facts
	d := EvaluateDays(l.plan, 0, in)
	if len(d.Metrics) != 1 || len(d.Metrics[0].Days) != 2 || d.Metrics[0].Days[0].Day != 0 || d.Metrics[0].Days[1].Day != 13 {
		t.Fatalf("days %+v", d.Metrics)
	}
	first, last, drift := d.Metrics[0].Days[0], d.Metrics[0].Days[1], d.Metrics[0].Drift[0]
	if first.ByVariant["treatment"].N != 2000 || math.Abs(*first.Difference.Value-60) > 40 || math.Abs(*last.Difference.Value-10) > 40 {
		t.Errorf("first day %+v, last %+v", first, last)
	}
	// The subjects' own level cancels: the change is known much better than each day.
	if math.Abs(*drift.Value+50) > 15 || *drift.SE > 10 || *drift.PAlways > 1e-4 {
		t.Errorf("drift %v ± %v, p %v; want −50", *drift.Value, *drift.SE, *drift.PAlways)
	}
	w := d.Warnings()[key]
	if len(w) != 1 || w[0].Code != "novelty" || *w[0].P > oddLevel {
		t.Errorf("warnings %+v", d.Warnings())
	}
	// The warning is the row's when a look is told of it.
	for v := range 2 {
		for i := range 200 {
			l.subject(v, moment.Slice{}, mean(int64(i%7)))
		}
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Warnings: d.Warnings()}, Slices{})
	if len(r.Rows[0].Warnings) != 1 || r.Rows[0].Warnings[0].Code != "novelty" {
		t.Errorf("the row's warnings %+v", r.Rows[0].Warnings)
	}
	// Few subjects say nothing.
	small := drifting(l, rng, 99, 600, 10)
	small.Facts = facts
	if w := EvaluateDays(l.plan, 0, small).Warnings(); len(w) != 0 {
		t.Errorf("of 99 subjects: %+v", w)
	}
}

// An effect that stays gives no warning, at any of many looks.
func TestSteadyEffectsAreNotWarnedOf(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 0, -1)
	rng := rand.New(rand.NewPCG(6, 6))
	warned := 0
	const runs = 100
	for range runs {
		in := drifting(l, rng, 150, 50, 50)
		in.Facts = map[string]Tuning{"ARPU/all/treatment": {V: 1e6}}
		for range 10 { // looks
			more := drifting(l, rng, 50, 50, 50)
			for k := range DriftWindows {
				for v := range 2 {
					in.Windows[0][k][v].Merge(&more.Windows[0][k][v])
				}
			}
			if len(EvaluateDays(l.plan, 0, in).Warnings()) > 0 {
				warned++
				break
			}
		}
	}
	// At most 1 % of the runs may warn: 5 or more of 100 have a chance below 0.004.
	if warned > 4 {
		t.Errorf("%d of %d steady effects were warned of", warned, runs)
	}
}
