package stats

import (
	"math"

	"github.com/tidemark/tidemark/stats/moment"
)

// Tuning is the prior of the always-valid test, set once. Exactly one of V and Tau2 is above 0; the zero Tuning is unset.
type Tuning struct {
	// V is v*, the intrinsic time (see Intrinsic) at which the interval is tightest.
	V float64
	// Tau2 is the variance of the normal prior of the difference, in the square of its unit; for parity with other tools.
	Tau2 float64
}

// Set says that the tuning is set.
func (t Tuning) Set() bool { return t.V > 0 || t.Tau2 > 0 }

// Always is the always-valid test of a difference: right at every look, however often and whenever one looks.
type Always struct {
	P        Number   // current p: min(1, 1/e)
	LogE     Number   // ln e, the natural logarithm of the e-value; e itself overflows
	K        Number   // half-width of the interval in standard errors (SEAlways)
	Interval Interval // difference ± K·SE
}

// Intrinsic returns the intrinsic time of a difference, its information on the scale of sums:
//
//	v = (n_t·n_c/n)²·SE²,   n = n_t + n_c
//
// Unit: the square of the metric's. Source: DESIGN §7.
func Intrinsic(nt, nc int64, se float64) float64 {
	h := float64(nt) * float64(nc) / float64(nt+nc) * se
	return h * h
}

// Rho returns ρ = v*/(−2·ln α + ln(1 − 2·ln α)): the prior under which the two-sided normal mixture at level α is
// (nearly) tightest at v*. Source: Howard et al., arXiv:1810.08240, by the approximation of confseq (best_rho).
func Rho(v, alpha float64) float64 {
	l := -2 * math.Log(alpha)
	return v / (l + math.Log1p(l))
}

// RhoExact returns the ρ under which that boundary is lowest at v* exactly, v*/γ with γ − ln(1+γ) = −2·ln α: what Rho approximates at a
// cost of less than 10⁻⁴ of the width. For parity with tools that use it; the design's tuning is Rho's.
// Source: Waudby-Smith et al., arXiv:2103.06476 (drconfseq's best_rho2_exact, there by Lambert's W).
func RhoExact(v, alpha float64) float64 {
	a := -2 * math.Log(alpha)
	gamma := a + math.Sqrt(2*a)
	for range 50 {
		step := (gamma - math.Log1p(gamma) - a) * (1 + gamma) / gamma
		gamma -= step
		if math.Abs(step) < 1e-14*gamma {
			break
		}
	}
	return v / gamma
}

// shrink returns w = v/(v+ρ), the share of the data in the mixture: the one parameter of the boundary.
func (t Tuning) shrink(nt, nc int64, se, alpha float64) float64 {
	if t.Tau2 > 0 {
		return t.Tau2 / (se*se + t.Tau2)
	}
	v := Intrinsic(nt, nc, se)
	return v / (v + Rho(t.V, alpha))
}

// Always returns the two-sided normal-mixture test at level α of a difference between arms of nt and nc subjects. With
// w = v/(v+ρ), or τ²/(SE²+τ²) if Tau2 is set:
//
//	e  = sqrt(1−w)·exp(w·z²/2),   p = min(1, 1/e)
//	k² = (−ln(1−w) − 2·ln α)/w = ((v+ρ)/v)·ln((v+ρ)/(ρ·α²))
//
// so that e ≥ 1/α exactly when |z| ≥ k. SE and z are those of AlwaysVar, which for balanced arms, and with Tau2, are the test's own. It is absent if the tuning is not set or SE is not above 0. It takes the difference for normal,
// as means of many subjects nearly are; of heavy tails (a few subjects with most of the total) that is true late, so cap or winsorise such
// metrics. Early looks are what the silence rule and StudentMixture are for.
// Source: DESIGN §7; Howard et al., arXiv:1810.08240; Johari et al., KDD 2017.
func (t Tuning) Always(test Test, nt, nc int64, alpha float64) Always {
	test = t.tested(test)
	if !t.Set() || !test.Z.OK {
		return Always{}
	}
	return mixture(t.shrink(nt, nc, test.SE.V, alpha), test, alpha)
}

func mixture(w float64, test Test, alpha float64) Always {
	if !(w > 0 && w < 1) {
		return Always{}
	}
	z := test.Z.V
	logE := math.Log1p(-w)/2 + w*z*z/2
	k := boundary(w, alpha)
	p := 1.0
	if logE > 0 {
		p = math.Max(math.Exp(-logE), minP)
	}
	return Always{
		P: Known(p), LogE: Known(logE), K: Known(k),
		Interval: Between(test.Value.V-k*test.SE.V, test.Value.V+k*test.SE.V),
	}
}

// AlwaysByCount is the same test indexed by the number of subjects instead of by information, with
// r = N*/(−2·ln α + ln(1 − 2·ln α)) and w = n/(n+r). It is for parity with tools that do so: it spends more than its
// α when the allocation ramps up or subjects keep accruing events, which the simulations of stats/simulate show.
// Source: Waudby-Smith et al., arXiv:2103.06476; GrowthBook and Eppo.
func AlwaysByCount(test Test, n, planned int64, alpha float64) Always {
	if !test.Z.OK || planned <= 0 || n <= 0 {
		return Always{}
	}
	r := Rho(float64(planned), alpha)
	return mixture(float64(n)/(float64(n)+r), test, alpha)
}

// BoundaryByCount returns k of AlwaysByCount at n subjects, for planning; both numbers are above 0 and need not be whole.
func BoundaryByCount(n, planned, alpha float64) float64 {
	return boundary(n/(n+Rho(planned, alpha)), alpha)
}

// boundary returns k of the mixture with share w.
func boundary(w, alpha float64) float64 {
	return math.Sqrt((-math.Log1p(-w) - 2*math.Log(alpha)) / w)
}

// The silence rule: below these numbers of subjects per arm nothing is said. Source: DESIGN §7; the numbers lie between
// the thresholds of GrowthBook and Statsig.
const (
	minSubjects = 100
	minNonZero  = 25
)

// Silence returns why nothing may be said yet about two arms, nil if something may: fewer than 100 subjects, a variance
// that is not above 0 (or can't be computed), fewer than 25 subjects with a numerator other than 0, or a mean denominator less than 10
// of its standard errors from 0, in either arm. Source: DESIGN §7.
func Silence(treatment, control *moment.Sums, t, c Estimate) []Reason {
	var rs []Reason
	if treatment.N < minSubjects || control.N < minSubjects {
		rs = append(rs, FewSubjects)
	}
	if !(t.Var.V > 0) || !(c.Var.V > 0) {
		rs = append(rs, NoVariance)
	}
	if treatment.NonZero < minNonZero || control.NonZero < minNonZero {
		rs = append(rs, FewNonZero)
	}
	if t.unstable() || c.unstable() {
		rs = append(rs, UnstableDenominator)
	}
	return rs
}

// Tune returns v* = v·subjects/n, the intrinsic time that two arms are expected to have when they hold the planned number
// of subjects together, and whether the silence rule allows to set it. It is to be set once and kept.
// Source: DESIGN §7.
func Tune(treatment, control *moment.Sums, sc moment.Scale, subjects int64) (v float64, ok bool) {
	t, errT := Ratio(treatment, sc)
	c, errC := Ratio(control, sc)
	if errT != nil || errC != nil || len(Silence(treatment, control, t, c)) > 0 {
		return 0, false
	}
	return tune(treatment.N, control.N, math.Sqrt(AlwaysVar(t, c).V), subjects), true
}

func tune(nt, nc int64, se float64, subjects int64) float64 {
	return Intrinsic(nt, nc, se) * float64(subjects) / float64(nt+nc)
}
