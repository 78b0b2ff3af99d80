package results

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// By hand: 1,200 and 1,250 of 4,000. SE² = (0.3·0.7 + 0.3125·0.6875)/3999 for the n − 1 variances.
func TestPowerByHand(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1).dimension(catalog.ExposureDimension, "x")
	l.x().MDE = 0.05
	for j := range 4000 {
		for v, ones := range []int{1200, 1250} {
			x := int64(0)
			if j < ones {
				x = 1
			}
			l.subject(v, l.slice("a"), mean(x))
		}
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	row := &r.Rows[0]
	se := math.Sqrt((0.3*0.7 + 0.3125*0.6875) / 3999)
	const z80, z975 = 0.8416212335729143, 1.959963984540054
	k := (row.Difference.IntervalAlways[1] - row.Difference.IntervalAlways[0]) / 2 / se
	near := func(what string, got *float64, want float64) {
		t.Helper()
		if got == nil || math.Abs(*got-want) > 1e-9*want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	p := row.Power
	near("mde_fixed", p.MDEFixed, (z975+z80)*se)
	near("mde_fixed_lift", p.MDEFixedLift, (z975+z80)*se/0.3)
	near("mde", p.MDE, (k+z80)*se)
	near("mde_lift", p.MDELift, (k+z80)*se/0.3)
	near("lift", p.Lift, 0.05)
	// With the boundary at the size itself: a lift of 5 % is 0.015.
	size := func(n float64) float64 {
		s := se * math.Sqrt(8000/n)
		v, rho := n*n/16*s*s, stats.Rho(row.Tuning.V, 0.05)
		return (math.Sqrt((v+rho)/v*math.Log((v+rho)/(rho*0.0025))) + z80) * s
	}
	if n := float64(*p.Subjects); size(n) > 0.015 || size(n-1) <= 0.015 {
		t.Errorf("%v subjects show %v, one less %v", n, size(n), size(n-1))
	}
	if r.Rows[1].Power != nil {
		t.Error("a slice has power")
	}
	l.x().MDE = 0
	if p := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Power; p.Lift != nil || p.Subjects != nil {
		t.Errorf("subjects for no lift: %+v", p)
	}
}

// At its share of alpha a row needs more; a fixed look at the end less.
func TestPowerIsAtTheRowsLevel(t *testing.T) {
	base := func(f func(x *catalog.PlanExperiment)) *Power {
		l := newLab().metric(goal("m"), 0, -1).metric(goal("n"), 0, -1)
		l.x().MDE, l.x().End = 0.05, noon.Add(time.Hour)
		f(l.x())
		l.shares(4000, 1200, 1250)
		return Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Power
	}
	plain := base(func(*catalog.PlanExperiment) {})
	share := base(func(x *catalog.PlanExperiment) { x.Correction = catalog.Bonferroni })
	look := base(func(x *catalog.PlanExperiment) { x.Sequential.FinalLook = true })
	if !(*share.MDE > *plain.MDE) || !(*share.Subjects > *plain.Subjects) || *share.MDEFixed != *plain.MDEFixed {
		t.Errorf("at its share %+v, else %+v", share, plain)
	}
	if !(*look.Subjects < *plain.Subjects) {
		t.Errorf("with a final look %d subjects, without %d", *look.Subjects, *plain.Subjects)
	}
}

// Both questions of a guardrail: is it shown that harm is beyond the limit, and is it shown that it is within.
func TestNonInferiorityIsTheOppositeQuestion(t *testing.T) {
	verdict := func(control, treatment int, limit float64, relative bool) *Guardrail {
		l := newLab().metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "m", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: limit, Relative: relative}}, 0, -1)
		l.shares(4000, control, treatment)
		return Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Guardrail
	}
	for _, c := range []struct {
		control, treatment int
		limit              float64
		relative           bool
		verdict, state     string
	}{
		{1200, 1200, 0.2, true, "shown", "within"}, {1200, 1200, 0.03, true, "not_shown", "within"}, {1200, 1600, 0.05, true, "not_shown", "crossed"},
		{1200, 1200, 0.06, false, "shown", "within"}, {1200, 1200, -0.06, false, "shown", "within"}, {1200, 1190, -0.001, false, "not_shown", "within"},
	} {
		g := verdict(c.control, c.treatment, c.limit, c.relative)
		n := g.NonInferiority
		if n.Verdict != c.verdict || g.State != c.state || (n.Verdict == "shown") != (*n.BoundAlways < 0) || (*n.PAlways <= 0.05) != (n.Verdict == "shown") {
			t.Errorf("%+v: %s and %s, p %v, bound %v", c, n.Verdict, g.State, *n.PAlways, *n.BoundAlways)
		}
		if *n.Bound > *n.BoundAlways {
			t.Errorf("%+v: the bound for one look, %v, is above %v", c, *n.Bound, *n.BoundAlways)
		}
	}
	// By hand: a limit of +20 % of 0.3 is 1.2·c; d = 0.3 − 0.36, SE² = v + 1.44·v, v = 0.21/3999.
	n := verdict(1200, 1200, 0.2, true).NonInferiority
	if z := 0.06 / math.Sqrt(2.44*0.21/3999); math.Abs(*n.Z-z) > 1e-9 {
		t.Errorf("z %v, want %v", *n.Z, z)
	}
	// Nothing is shown while nothing may be said.
	l := newLab().metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "m", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 9}}, 0, -1)
	l.shares(90, 40, 40)
	if n := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Guardrail.NonInferiority; n == nil || n.Verdict != "not_shown" || n.Z == nil {
		t.Errorf("while collecting: %+v", n)
	}
	l.shares(4000, 1600, 1600)
	if n := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Guardrail.NonInferiority; n.Verdict != "shown" {
		t.Errorf("%+v", n)
	}
	in := Inputs{AsOf: noon, Unreliable: []string{"halted_gap"}}
	if row := &Evaluate(l.plan, 0, l.cells(), in, Slices{}).Rows[0]; row.State != "unreliable" || row.Guardrail.NonInferiority.Verdict != "not_shown" {
		t.Errorf("unreliable: %s, %+v", row.State, row.Guardrail.NonInferiority)
	}
}

// The adjusted lift is what stats says, with the covariance of the two.
func TestAdjustedLift(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	l.x().PrePeriod = int64(14 * 24 * time.Hour / time.Microsecond)
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 3000 {
		pre := rng.Int64N(100)
		l.subject(i%2, moment.Slice{}, moment.Point{Num: pre + rng.Int64N(60) + int64(i%2), Den: 1, Pre: pre, PreDen: 1})
	}
	row := &Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]
	cells := l.cells().Whole()
	d := stats.Design{Alpha: 0.05, CUPED: true, Tuning: stats.Tuning{V: row.Tuning.V}, CUPEDTuning: stats.Tuning{V: row.Tuning.VCUPED}}
	want := stats.CUPED(cells[1].Metric(0), cells[0].Metric(0), d).Lift
	if got := row.CUPED.Lift; got == nil || *got.Value != want.Value.V || *got.Interval != *want.Interval.Ptr() || *got.IntervalAlways != *want.IntervalAlways.Ptr() || got.Method != "fieller" {
		t.Errorf("%+v, want %+v", got, want)
	}
}
