package stats

import "math"

// Progress returns v/v*, how much of the information that the tuning was set for a difference with the given standard error has: 1 where
// its interval is tightest. With Tau2 it is that of the V that gives the same prior at level alpha. 0 if the tuning is not set.
func (t Tuning) Progress(nt, nc int64, se, alpha float64) float64 {
	switch {
	case t.V > 0:
		return Intrinsic(nt, nc, se) / t.V
	case t.Tau2 > 0:
		return t.Tau2 / (se * se) / (1 / Rho(1, alpha))
	}
	return 0
}

// AlwaysChiSquared returns the always-valid p of a quadratic form q that is χ² with df degrees of freedom at each look under the
// hypothesis: several differences at once that are all 0, or one difference's z². x is how much of the planned information is there
// (Progress). A normal mixture over all df directions with prior information in proportion to the data's gives, with g = x·γ,
//
//	e = (1+g)^(−df/2)·exp(½·q·g/(1+g)),   p = min(1, 1/e)
//
// where γ, the root of γ − ln(1+γ) = −2·ln α/df, makes the boundary of q at level α lowest at x = 1. With df = 1 it is Always, tuned
// exactly. It is right at every look as far as the information grows in proportion in all directions; a test by the χ² quantile at
// every look would be the peeking that the rest of this package avoids. Absent unless df ≥ 1, x > 0 and α is in (0, 1).
// Source: the multivariate normal mixture of Howard et al., arXiv:1810.08240; γ by setting the derivative of the boundary to 0.
func AlwaysChiSquared(q float64, df int, x, alpha float64) Number {
	if df < 1 || !(x > 0) || !(alpha > 0 && alpha < 1) || math.IsNaN(q) || math.IsInf(x, 0) {
		return Number{}
	}
	d := float64(df)
	a := -2 * math.Log(alpha) / d
	gamma := math.Sqrt(2*a) + a
	for range 50 {
		step := (gamma - math.Log1p(gamma) - a) * (1 + gamma) / gamma
		gamma -= step
		if math.Abs(step) < 1e-12*gamma {
			break
		}
	}
	g := x * gamma
	logE := -d/2*math.Log1p(g) + q/2*g/(1+g)
	return Known(math.Max(math.Exp(math.Min(-logE, 0)), minP))
}
