package results

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

func codes(row *Row) string {
	var list []string
	for _, w := range row.Warnings {
		list = append(list, strings.Trim(w.Code+" "+w.Dimension, " "))
	}
	return strings.Join(list, ", ")
}

// world is an experiment of subjects with two dimensions whose faults are the test's.
func world(seed uint64, n int, subject func(rng *rand.Rand, arm int) (x, y string, num, pre int64)) *lab {
	l := newLab().dimension(catalog.ExposureDimension, "x", "y").metric(goal("m"), 0, -1)
	l.x().PrePeriod = int64(7 * 24 * time.Hour / time.Microsecond)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		x, y, num, pre := subject(rng, i%2)
		l.subject(i%2, l.slice(x, y), moment.Point{Num: num, Den: 1, Pre: pre, PreDen: 1})
	}
	return l
}

func coin(rng *rand.Rand, p float64) int64 {
	if rng.Float64() < p {
		return 1
	}
	return 0
}

// Each fault has its warning, and no other.
func TestEachFaultHasItsWarning(t *testing.T) {
	parts := []string{"a", "b", "c"}
	for want, subject := range map[string]func(rng *rand.Rand, arm int) (x, y string, num, pre int64){
		"": func(rng *rand.Rand, arm int) (string, string, int64, int64) {
			return parts[rng.IntN(3)], parts[rng.IntN(2)], coin(rng, 0.3+0.02*float64(arm)), rng.Int64N(5)
		},
		"heterogeneity x": func(rng *rand.Rand, arm int) (string, string, int64, int64) {
			x := rng.IntN(3)
			return parts[x], parts[rng.IntN(2)], coin(rng, 0.3+0.1*float64(arm*(x-1))), rng.Int64N(5)
		},
		"mix_shift": func(rng *rand.Rand, arm int) (string, string, int64, int64) {
			y := int(coin(rng, 0.4+0.1*float64(arm))) // the arms are made up differently
			return parts[rng.IntN(3)], parts[y], coin(rng, 0.1+0.6*float64(y)), rng.Int64N(5)
		},
		"pre_exposure_bias": func(rng *rand.Rand, arm int) (string, string, int64, int64) {
			return parts[rng.IntN(3)], parts[rng.IntN(2)], coin(rng, 0.3), 10*rng.Int64N(5) + int64(3*arm)
		},
		"suspicious_lift": func(rng *rand.Rand, arm int) (string, string, int64, int64) {
			return parts[rng.IntN(3)], parts[rng.IntN(2)], coin(rng, 0.2+0.2*float64(arm)), rng.Int64N(5)
		},
	} {
		l := world(31, 12000, subject)
		for _, sl := range []Slices{{}, {Mode: NoSlices}} {
			row := &Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, sl).Rows[0]
			if got := codes(row); got != want {
				t.Errorf("warnings %q, want %q: %+v", got, want, row.Warnings)
			}
			for _, w := range row.Warnings {
				if w.Text == "" || strings.Contains(w.Text, Missing) || w.P != nil && !(*w.P >= 0 && *w.P <= oddLevel) {
					t.Errorf("%+v", w)
				}
			}
		}
	}
}

// By hand from the strata: Cochran's Q, and the mixture over its k − 1 directions at the row's progress.
func TestHeterogeneityByHand(t *testing.T) {
	l := world(7, 12000, func(rng *rand.Rand, arm int) (string, string, int64, int64) {
		x := rng.IntN(3)
		return []string{"a", "b", "c"}[x], "y", coin(rng, 0.3+0.1*float64(arm*(x-1))), rng.Int64N(5)
	})
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	whole := &r.Rows[0]
	var sum, weight, q float64
	var parts []*Row
	for i := range r.Rows {
		if r.Rows[i].Slice["x"] != "" {
			parts = append(parts, &r.Rows[i])
		}
	}
	for _, p := range parts {
		v := *p.Difference.SE * *p.Difference.SE
		sum, weight = sum+*p.Difference.Value/v, weight+1/v
	}
	for _, p := range parts {
		q += math.Pow((*p.Difference.Value-sum/weight) / *p.Difference.SE, 2)
	}
	n := whole.ByVariant["treatment"].N
	progress := stats.Intrinsic(n, n, *whole.Difference.SE) / whole.Tuning.V
	// Two dimensions, one metric, one treatment: two checks.
	want := 2 * stats.AlwaysChiSquared(q, 2, progress, oddLevel/2).V
	if w := whole.Warnings[0]; w.Code != "heterogeneity" || w.Dimension != "x" || math.Abs(*w.P-want) > 1e-9*want {
		t.Errorf("%+v, want p %v", w, want)
	}
}

// The difference of the strata by their shares, the error of the shares with it, and small cells merged by their numbers alone.
func TestStratifiedDifferenceByHand(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "x", "y").metric(goal("m"), 0, -1).metric(goal("ratio"), 0, 0)
	add := func(arm int, x, y string, values ...int64) {
		for _, v := range values {
			l.subject(arm, l.slice(x, y), mean(v), moment.Point{Num: v, Den: 2})
		}
	}
	twice := func(n int, values ...int64) []int64 { return slices.Repeat(values, n) }
	add(0, "a", "p", twice(100, 0, 2)...)
	add(1, "a", "p", twice(150, 1, 3)...)
	add(0, "b", "p", twice(60, 4, 8)...)
	add(1, "b", "p", twice(40, 6, 8)...)
	// Together a stratum of 3 and 2; alone none of them is.
	add(0, "c", "p", 5)
	add(0, "c", "q", 7, 9)
	add(1, "d", "q", 2, 4)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{Mode: NoSlices})
	row := &r.Rows[0]
	type stratum struct{ nt, nc, d, v float64 }
	variance := func(ss, n float64) float64 { return ss / (n - 1) / n }
	strata := []stratum{
		{300, 200, 1, variance(300, 300) + variance(200, 200)},
		{80, 120, 1, variance(80, 80) + variance(480, 120)},
		{2, 3, -4, variance(2, 2) + variance(8, 3)},
	}
	n, diff, v := 705.0, 0.0, 0.0
	for _, s := range strata {
		w := (s.nt + s.nc) / n
		diff, v = diff+w*s.d, v+w*w*s.v
	}
	for _, s := range strata {
		v += (s.nt + s.nc) / n * (s.d - diff) * (s.d - diff) / n
	}
	s := row.Stratified
	if s == nil || math.Abs(*s.Value-diff) > 1e-12 || math.Abs(*s.SE-math.Sqrt(v)) > 1e-12 {
		t.Fatalf("%+v, want %v ± %v", s, diff, math.Sqrt(v))
	}
	always := stats.Tuning{V: row.Tuning.V}.Always(stats.Test{Value: stats.Known(*s.Value), SE: stats.Known(*s.SE), Z: stats.Known(*s.Z)}, 382, 323, 0.05)
	if *s.IntervalAlways != *always.Interval.Ptr() || *s.PAlways != always.P.V {
		t.Errorf("always-valid %v, want %+v", *s.IntervalAlways, always)
	}
	if r.Rows[1].Stratified != nil {
		t.Error("a ratio is stratified")
	}
	// A lone stratum of its own too small to stand goes into the smallest other.
	l = newLab().dimension(catalog.ExposureDimension, "x").metric(goal("m"), 0, -1)
	add = func(arm int, x, _ string, values ...int64) {
		for _, v := range values {
			l.subject(arm, l.slice(x), mean(v))
		}
	}
	add(0, "a", "", twice(200, 0, 2)...)
	add(1, "a", "", twice(200, 1, 3)...)
	add(0, "b", "", twice(60, 4, 8)...)
	add(1, "b", "", twice(60, 6, 8)...)
	add(1, "c", "", 100)
	s = Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0].Stratified
	want := 800.0/1041*1 + 241.0/1041*((120*7+100)/121.0-6)
	if s == nil || math.Abs(*s.Value-want) > 1e-12 {
		t.Errorf("%+v, want %v", s, want)
	}
}

// A healthy experiment, looked at again and again while it grows, has hardly ever a warning. The same checks at one look's level would
// warn in many of them.
func TestHealthyExperimentsAreNotWarnedOf(t *testing.T) {
	seed := rand.Uint64()
	const runs = 60
	warned, pvalues := 0, 0
	for run := range runs {
		rng := rand.New(rand.NewPCG(seed, uint64(run)))
		l := newLab().dimension(catalog.ExposureDimension, "x").metric(goal("m"), 0, -1)
		l.x().PrePeriod = int64(7 * 24 * time.Hour / time.Microsecond)
		e := NewEvaluator(l.plan, 0)
		facts := map[string]Tuning{}
		any, odd := false, false
		for range 40 {
			for i := range 150 {
				l.subject(i%2, l.slice(fmt.Sprint("x", rng.IntN(4))), moment.Point{Num: coin(rng, 0.3), Den: 1, Pre: rng.Int64N(4), PreDen: 1})
			}
			r := e.Evaluate(l.cells(), Inputs{AsOf: noon, Facts: facts}, Slices{})
			for k, f := range r.Facts {
				facts[k] = f
			}
			any = any || len(r.Rows[0].Warnings) > 0
			if g := e.strata[1]; r.Rows[0].Tuning != nil && g != nil {
				h := stats.CochranQ(e.speaking(g, 0, 1))
				odd = odd || h.P.OK && h.P.V <= 0.05
			}
		}
		if any {
			warned++
		}
		if odd {
			pvalues++
		}
	}
	t.Logf("seed %d: %d of %d healthy experiments warned of, %d with Cochran's p at 0.05 at every look", seed, warned, runs, pvalues)
	if warned > 5 {
		t.Errorf("seed %d: %d of %d healthy experiments were warned of", seed, warned, runs)
	}
	if pvalues < 6 {
		t.Errorf("seed %d: only %d of %d would be by a classical test: the looks do not peek", seed, pvalues, runs)
	}
}

// What is told from outside joins the row's own, and a row that is told something else is another row.
func TestWarningsFromOutside(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	l.shares(400, 100, 200)
	e, hub := NewEvaluator(l.plan, 0), NewHub()
	sub := hub.Subscribe()
	told := Inputs{AsOf: noon, Warnings: map[string][]Warning{"m/all/treatment": {{Code: "novelty", Text: "it wears off"}}}}
	for i, c := range []struct {
		in      Inputs
		want    string
		changed int
	}{{Inputs{AsOf: noon}, "suspicious_lift", 1}, {told, "suspicious_lift, novelty", 1}, {told, "suspicious_lift, novelty", 0}, {Inputs{AsOf: noon}, "suspicious_lift", 1}} {
		r := e.Evaluate(l.cells(), c.in, Slices{})
		hub.Publish(r)
		changed := 0
		for _, u := range sub.Take() {
			changed += len(u.Changed)
		}
		if got := codes(&r.Rows[0]); got != c.want || changed != c.changed {
			t.Errorf("look %d: %q, want %q; %d rows changed, want %d", i, got, c.want, changed, c.changed)
		}
	}
}

// A split that is right on the whole and wrong in two slices, by the least deviation that matters.
func TestSplitsOfSlices(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "x").dimension(catalog.EventDimension, "page").metric(goal("m"), 0, -1)
	add := func(x string, control, treatment int) {
		for v, n := range []int{control, treatment} {
			for i := range n {
				l.subject(v, l.slice(x), mean(int64(i%2)))
			}
		}
	}
	add("a", 2000, 2400)
	add("b", 2400, 2000)
	add("c", 3000, 3000)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{Mode: NoSlices})
	if s := r.SRM.Slices; r.SRM.State != "ok" || len(s) != 2 || s[0].Dimension != "x" || s[0].Value != "a" || s[1].Value != "b" || s[0].Subjects["treatment"] != 2400 || !(*s[0].PSequential < 0.001/3) {
		t.Errorf("%s, slices %+v", r.SRM.State, s)
	}
	l.x().SRMDeviation = 0.2
	if s := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).SRM.Slices; s != nil {
		t.Errorf("deviations that do not matter: %+v", s)
	}
	// The same key holds for the whole.
	w := newLab().metric(goal("m"), 0, -1)
	for i := range 6000 {
		w.subject(min(i%5, 1), moment.Slice{}, mean(int64(i%2))) // 1 : 4
	}
	w.x().SRMDeviation = 0.9
	if r := Evaluate(w.plan, 0, w.cells(), Inputs{AsOf: noon}, Slices{}); r.SRM.State != "ok" {
		t.Errorf("%+v", r.SRM)
	}
}
