package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// unit is a difference of z standard errors of size 1.
func unit(z float64) Test { return Test{Value: Known(z), SE: Known(1), Z: Known(z)} }

func TestBoundaryAtFractionsOfThePlan(t *testing.T) {
	// Computed beforehand from GrowthBook's form: k at n/N*, α = .05.
	const planned = 10_000_000
	for _, c := range []struct{ x, k float64 }{
		{.01, 9.08}, {.03, 5.68}, {.1, 3.855}, {.3, 3.200}, {1, 3.035}, {3, 3.097}, {10, 3.242}, {30, 3.394}, {100, 3.562},
	} {
		n := int64(math.Round(c.x * planned))
		byCount := AlwaysByCount(unit(1), n, planned, 0.05)
		if math.Abs(byCount.K.V-c.k) > 0.006 {
			t.Errorf("k at %v of the plan by count = %v, want %v", c.x, byCount.K.V, c.k)
		}
		// By information: equal arms of variance 1/2 make v = n·(1/4)·… = the same multiple of v*.
		se := math.Sqrt(4 / float64(n))
		v := Intrinsic(n/2, n/2, se)
		test := Test{Value: Known(se), SE: Known(se), Z: Known(1)}
		byInformation := Tuning{V: v / c.x}.Always(test, n/2, n/2, 0.05)
		if math.Abs(byInformation.K.V-byCount.K.V) > 1e-6*byCount.K.V {
			t.Errorf("k at %v of v* = %v, by count %v", c.x, byInformation.K.V, byCount.K.V)
		}
	}
	for _, c := range []struct{ alpha, k float64 }{{.1, 2.764}, {.05, 3.035}, {.01, 3.572}, {.001, 4.206}} {
		if got := AlwaysByCount(unit(1), 1000, 1000, c.alpha).K.V; math.Abs(got-c.k) > 0.0006 {
			t.Errorf("smallest k at α = %v is %v, want %v", c.alpha, got, c.k)
		}
	}
}

func TestBoundaryOfConfseqAndDrconfseq(t *testing.T) {
	// confseq test/uniform_boundaries_unittest.cpp: best_rho and the two-sided normal mixture bound at v = v_opt = 100.
	if got := Rho(100, 0.05); math.Abs(got-12.60056) > 5e-6 {
		t.Errorf("ρ(100, .05) = %v, confseq has 12.60056", got)
	}
	a := AlwaysByCount(unit(1), 100, 100, 0.05)
	if got := a.K.V * 10; math.Abs(got-30.35209) > 5e-6 {
		t.Errorf("bound at v = 100 is %v, confseq has 30.35209", got)
	}
	// confseq, log mixture at s = 10, v = 100.
	if got := AlwaysByCount(Test{Value: Known(1), SE: Known(1), Z: Known(1)}, 100, 100, 0.05).LogE.V; math.Abs(got+0.6510052) > 5e-8 {
		t.Errorf("ln e at z = 1 is %v, confseq has −.6510052", got)
	}
	// drconfseq best_rho2_exact: the ρ that makes the bound at 100 least is 12.17735; ours is the usual approximation, and
	// costs next to nothing.
	bound := func(rho float64) float64 { return mixture(100/(100+rho), unit(1), 0.05).K.V }
	best := RhoExact(100, 0.05)
	if math.Abs(best-12.17735) > 5e-6 {
		t.Errorf("exact ρ(100, .05) = %v, drconfseq has 12.17735", best)
	}
	for _, other := range []float64{best - 0.001, best + 0.001} {
		if bound(other) < bound(best) {
			t.Errorf("ρ = %v gives %v, ρ = %v gives %v", other, bound(other), best, bound(best))
		}
	}
	if loss := bound(Rho(100, 0.05))/bound(best) - 1; loss > 1e-4 {
		t.Errorf("the approximation widens the interval by %v", loss)
	}
}

func TestAlwaysValidFormulaOfTheDesign(t *testing.T) {
	// DESIGN §7, letter by letter.
	const alpha, nt, nc, se, diff, vStar = 0.05, 14000, 9000, 0.021, 0.06, 9e5
	n := float64(nt + nc)
	v := math.Pow(float64(nt)*float64(nc)/n, 2) * se * se
	rho := vStar / (-2*math.Log(alpha) + math.Log(1-2*math.Log(alpha)))
	k := math.Sqrt((v + rho) / v * math.Log((v+rho)/(rho*alpha*alpha)))
	z := diff / se
	e := math.Sqrt(rho/(v+rho)) * math.Exp(z*z/2*v/(v+rho))
	got := Tuning{V: vStar}.Always(Test{Value: Known(diff), SE: Known(se), Z: Known(z)}, nt, nc, alpha)
	for name, c := range map[string][2]float64{
		"k": {got.K.V, k}, "e": {math.Exp(got.LogE.V), e}, "p": {got.P.V, math.Min(1, 1/e)},
		"low": {got.Interval.Low, diff - k*se}, "high": {got.Interval.High, diff + k*se},
	} {
		if relative(c[0], c[1]) > 1e-13 {
			t.Errorf("%s = %v, want %v", name, c[0], c[1])
		}
	}
}

func TestAlwaysPAndIntervalAgree(t *testing.T) {
	// p ≤ α exactly when the interval leaves 0 out, at any tuning: they are one test.
	r := newRand(t)
	for range 5000 {
		alpha := math.Exp(-1 - 8*r.Float64())
		n := 2 + r.Int64N(1e6)
		planned := 1 + r.Int64N(1e6)
		k := AlwaysByCount(unit(1), n, planned, alpha).K.V
		for _, z := range []float64{k * (1 - 1e-9), k * (1 + 1e-9)} {
			a := AlwaysByCount(unit(z), n, planned, alpha)
			if (a.P.V <= alpha) != (a.Interval.Low > 0) {
				t.Fatalf("n %d, N* %d, α %v, z %v (k %v): p %v, interval %v", n, planned, alpha, z, k, a.P.V, a.Interval)
			}
		}
	}
}

func TestAlwaysKeepsItsLogarithmWhereItVanishes(t *testing.T) {
	a := AlwaysByCount(unit(1e4), 20000, 10000, 0.05)
	if !(a.P.V > 0) || !a.LogE.OK || a.LogE.V < 4e7 {
		t.Errorf("%+v", a)
	}
}

func TestNoAlwaysValidNumbersWithoutTuningOrVariance(t *testing.T) {
	for name, a := range map[string]Always{
		"no tuning":      Tuning{}.Always(unit(2), 100, 100, 0.05),
		"no z":           Tuning{V: 1}.Always(Test{Value: Known(1), SE: Known(0)}, 100, 100, 0.05),
		"no plan":        AlwaysByCount(unit(2), 100, 0, 0.05),
		"no subjects":    AlwaysByCount(unit(2), 0, 100, 0.05),
		"tiny prior":     Tuning{Tau2: 1e-300}.Always(unit(2), 100, 100, 0.05),
		"infinite prior": Tuning{Tau2: math.Inf(1)}.Always(unit(2), 100, 100, 0.05),
	} {
		if a.P.OK && math.IsNaN(a.P.V) || a.K.OK && math.IsInf(a.K.V, 0) || name != "tiny prior" && (a != Always{}) {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func TestReferenceDailyConfidenceSequence(t *testing.T) {
	var ref struct {
		Daily struct {
			Tau2      float64
			Snapshots []struct {
				Day                 string
				NC                  int64       `json:"n_control"`
				NT                  int64       `json:"n_treatment"`
				CC                  json.Number `json:"conv_control"`
				CT                  json.Number `json:"conv_treatment"`
				Diff, Rel, SE, Z, P *float64
				Lambda              *float64 `json:"msprt_lambda_se"`
				PMin                *float64 `json:"msprt_p_se"`
				Low                 *float64 `json:"cs_low"`
				High                *float64 `json:"cs_high"`
				SRM                 *float64 `json:"srm_p"`
			}
		} `json:"daily_cumulative"`
	}
	readReference(t, "udacity_ab", &ref)
	if len(ref.Daily.Snapshots) != 23 || ref.Daily.Tau2 != 1e-4 {
		t.Fatalf("%d snapshots, τ² = %v", len(ref.Daily.Snapshots), ref.Daily.Tau2)
	}
	// The reference's p is the running minimum over snapshots: a fact about looks, made here from current values.
	run := 1.0
	for _, day := range ref.Daily.Snapshots {
		arm := func(n int64, x json.Number) *moment.Sums {
			return referenceArm{N: n, Sum: x, SumSq: x}.sums(t, "mean")
		}
		c := Compare(arm(day.NT, day.CT), arm(day.NC, day.CC), Design{
			Scale: moment.Scale{Num: referenceScale}, Direction: Up, Tuning: Tuning{Tau2: ref.Daily.Tau2},
		})
		a := c.Difference.Always
		agree(t, day.Day+" diff", c.Difference.Value, day.Diff)
		agree(t, day.Day+" rel", c.Lift.Value, day.Rel)
		agree(t, day.Day+" se", c.Difference.SE, day.SE)
		agree(t, day.Day+" z", c.Difference.Z, day.Z)
		agree(t, day.Day+" p", c.Difference.P, day.P)
		agree(t, day.Day+" λ", Known(math.Exp(a.LogE.V)), day.Lambda)
		agree(t, day.Day+" low", Number{a.Interval.Low, a.Interval.OK}, day.Low)
		agree(t, day.Day+" high", Number{a.Interval.High, a.Interval.OK}, day.High)
		run = math.Min(run, a.P.V)
		agree(t, day.Day+" p over the looks", Known(run), day.PMin)
		srm, err := SampleRatio([]int64{day.NC, day.NT}, []float64{1, 1}, SRMOptions{})
		if err != nil {
			t.Fatal(err)
		}
		agree(t, day.Day+" srm", srm.P, day.SRM)
		if c.State != NotClear {
			t.Errorf("%s: %s %v", day.Day, c.State, c.Reasons)
		}
	}
}

func TestTuneIsTheInformationAtThePlannedSize(t *testing.T) {
	var control, treatment moment.Sums
	for i := range int64(400) {
		control.Add(moment.Point{In: true, Num: i % 7, Den: 1})
		if i%2 == 0 {
			treatment.Add(moment.Point{In: true, Num: i % 9, Den: 1})
		}
	}
	c := Compare(&treatment, &control, Design{})
	v, ok := Tune(&treatment, &control, moment.Scale{}, 6000)
	want := Intrinsic(200, 400, c.Difference.SE.V) * 6000 / 600
	if !ok || relative(v, want) > 1e-14 {
		t.Errorf("v* = %v, %v, want %v", v, ok, want)
	}
	// At the planned size the interval is as tight as it ever gets.
	for range 10 {
		treatment.Merge(&moment.Sums{})
	}
	var big, bigT moment.Sums
	for range 10 {
		big.Merge(&control)
		bigT.Merge(&treatment)
	}
	k := Compare(&bigT, &big, Design{Tuning: Tuning{V: v}}).Difference.Always.K.V
	if math.Abs(k-3.035) > 0.001 {
		t.Errorf("k at the planned size is %v", k)
	}
}

func TestSilenceRule(t *testing.T) {
	arm := func(n, nonZero int64) *moment.Sums {
		var s moment.Sums
		for i := range n {
			p := moment.Point{In: true, Den: 1}
			if i < nonZero {
				p.Num = 3
			}
			s.Add(p)
		}
		return &s
	}
	bots := func(n, few, den int64) *moment.Sums {
		var s moment.Sums
		for i := range n {
			p := moment.Point{In: true, Den: 1, Num: i % 3}
			if i < few {
				p.Den, p.Num = den, den
			}
			s.Add(p)
		}
		return &s
	}
	for _, c := range []struct {
		name string
		a, b *moment.Sums
		want string
	}{
		{"enough", arm(100, 25), arm(100, 25), "[]"},
		{"99 subjects", arm(99, 25), arm(1000, 25), "[few_subjects]"},
		{"24 with a value", arm(100, 24), arm(1000, 500), "[few_nonzero]"},
		{"no spread", arm(100, 100), arm(100, 25), "[no_variance]"},
		{"all of it", arm(5, 0), arm(100, 25), "[few_subjects no_variance few_nonzero]"},
		{"nobody", arm(0, 0), arm(100, 25), "[few_subjects no_variance few_nonzero]"},
		{"denominators that a few have", arm(200, 100), bots(400, 4, 100), "[unstable_denominator]"},
		{"fewer for them", arm(200, 100), bots(400, 4, 8), "[]"},
	} {
		for _, swap := range []bool{false, true} {
			a, b := c.a, c.b
			if swap {
				a, b = b, a
			}
			ea, _ := Ratio(a, moment.Scale{})
			eb, _ := Ratio(b, moment.Scale{})
			if got := fmt.Sprint(Silence(a, b, ea, eb)); got != c.want {
				t.Errorf("%s: %s, want %s", c.name, got, c.want)
			}
			if _, ok := Tune(a, b, moment.Scale{}, 10000); ok != (c.want == "[]") {
				t.Errorf("%s: tuned is %v", c.name, ok)
			}
		}
	}
}
