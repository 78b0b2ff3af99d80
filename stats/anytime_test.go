package stats

import (
	"math"
	"testing"
)

// γ = v*/ρ is the exact optimum of the mixture: v* = 100 and α = 0.05 give ρ = 12.17735 (drconfseq, best_rho2_exact).
func TestAlwaysChiSquaredIsTunedExactly(t *testing.T) {
	const q = 20.0
	g := 100 / 12.17735
	want := math.Sqrt(1+g) * math.Exp(-q/2*g/(1+g))
	if got := AlwaysChiSquared(q, 1, 1, 0.05); relative(got.V, want) > 1e-5 {
		t.Errorf("p %v, want %v", got.V, want)
	}
	// One direction is the always-valid test with the prior's information in the place of v*.
	test := normalTest(0.4, Known(0.006), Known(0.004), levelOf(0.05))
	v := Intrinsic(600, 700, test.SE.V)
	rho := v / g
	a := Tuning{V: rho * (-2*math.Log(0.05) + math.Log1p(-2*math.Log(0.05)))}.Always(test, 600, 700, 0.05)
	if got := AlwaysChiSquared(test.Z.V*test.Z.V, 1, 1, 0.05); relative(got.V, a.P.V) > 1e-5 {
		t.Errorf("p %v, Always says %v", got.V, a.P.V)
	}
	for _, bad := range []Number{AlwaysChiSquared(1, 0, 1, .05), AlwaysChiSquared(1, 1, 0, .05), AlwaysChiSquared(math.NaN(), 1, 1, .05), AlwaysChiSquared(1, 1, 1, 0), AlwaysChiSquared(1, 1, math.Inf(1), .05)} {
		if bad.OK {
			t.Errorf("%v where there is none", bad)
		}
	}
	if p := AlwaysChiSquared(1e6, 3, 1, 0.05); !(p.V > 0) {
		t.Errorf("p %v", p)
	}
}

// Sums in several directions, looked at after each step: χ² at its quantile alarms far too often, the mixture does not.
func TestAlwaysChiSquaredHoldsUnderLooking(t *testing.T) {
	rng := newRand(t)
	const runs, looks, df = 1500, 400, 4
	always, fixed := 0, 0
	for range runs {
		var sum [df]float64
		hitAlways, hitFixed := false, false
		for n := 1; n <= looks; n++ {
			q := 0.0
			for i := range sum {
				sum[i] += rng.NormFloat64()
				q += sum[i] * sum[i] / float64(n)
			}
			hitAlways = hitAlways || AlwaysChiSquared(q, df, float64(n)/200, 0.05).V <= 0.05
			hitFixed = hitFixed || chiSquaredUpper(q, df) <= 0.05
		}
		if hitAlways {
			always++
		}
		if hitFixed {
			fixed++
		}
	}
	a, f := float64(always)/runs, float64(fixed)/runs
	t.Logf("looked at %d times: always-valid %.3f, χ² %.3f", looks, a, f)
	if a > 0.05+3*math.Sqrt(.05*.95/runs) || a < 0.005 || f < 0.3 {
		t.Errorf("error rates %v and %v", a, f)
	}
}

// The share of the planned information is the same whichever way the prior is given.
func TestProgress(t *testing.T) {
	v := Tuning{V: Intrinsic(1000, 1000, 0.02) * 4}
	if x := v.Progress(1000, 1000, 0.02, 0.05); relative(x, 0.25) > 1e-14 {
		t.Errorf("a quarter of v* is %v", x)
	}
	// τ² with the same share of the data in the mixture: τ²/(SE²+τ²) = v/(v+ρ), so τ² = SE²·v/ρ.
	tau := Tuning{Tau2: 0.02 * 0.02 * Intrinsic(1000, 1000, 0.02) / Rho(v.V, 0.05)}
	if x := tau.Progress(1000, 1000, 0.02, 0.05); relative(x, 0.25) > 1e-12 {
		t.Errorf("by τ² it is %v", x)
	}
	if x := (Tuning{}).Progress(10, 10, 1, 0.05); x != 0 {
		t.Errorf("without tuning %v", x)
	}
}
