package stats

import "math"

// Side is the alternative of a one-sided test.
type Side int

const (
	Greater Side = iota // the difference is above the margin
	Less                // the difference is below the margin
)

// OneSided is a one-sided test of a difference against a margin: fixed-horizon and always-valid.
type OneSided struct {
	Z       Number // (difference − margin)/SE, with the sign of the alternative: positive speaks for it
	P       Number // normal, for one look
	Bound   Number // the difference is beyond this, in the direction of the alternative, at level α; for one look
	PAlways Number // current always-valid p
	LogE    Number // ln e
	K       Number
	// BoundAlways is the always-valid bound: difference ∓ K·SE.
	BoundAlways Number
}

// OneSided tests whether a difference is beyond a margin, in the unit of the difference, on one side. At a fixed horizon p =
// P(Z ≥ z). Always-valid: with w as in Always, but ρ tuned for 2α, the mixture over the positive half of the prior,
//
//	e = 2·sqrt(1−w)·exp(w·z²/2)·Φ(z·√w),   p = min(1, 1/e)
//
// and K the z at which e = 1/α. What can't be computed is absent. Source: Howard et al., arXiv:1810.08240, prop. 6
// (one-sided normal mixture; the values of confseq).
func (t Tuning) OneSided(test Test, margin float64, side Side, nt, nc int64, alpha float64) OneSided {
	var o OneSided
	if !test.Value.OK || !test.SE.OK || test.SE.V == 0 {
		return o
	}
	sign := 1.0
	if side == Less {
		sign = -1
	}
	z := sign * (test.Value.V - margin) / test.SE.V
	o.Z = Known(z)
	o.P = Known(math.Max(math.Erfc(z/math.Sqrt2)/2, minP))
	o.Bound = Known(test.Value.V - sign*NormalUpper(alpha)*test.SE.V)
	if !t.Set() {
		return o
	}
	test = t.tested(test)
	o.always(t.shrink(nt, nc, test.SE.V, 2*alpha), sign*(test.Value.V-margin)/test.SE.V, sign, test, alpha)
	return o
}

// OneSidedByCount is OneSided indexed by the number of subjects, like AlwaysByCount: w = n/(n+r), r tuned for 2α at the planned number.
func OneSidedByCount(test Test, margin float64, side Side, n, planned int64, alpha float64) OneSided {
	o := Tuning{}.OneSided(test, margin, side, n, n, alpha)
	if !o.Z.OK || n <= 0 || planned <= 0 {
		return o
	}
	sign := 1.0
	if side == Less {
		sign = -1
	}
	o.always(float64(n)/(float64(n)+Rho(float64(planned), 2*alpha)), o.Z.V, sign, test, alpha)
	return o
}

// OneSidedBoundByCount returns an upper bound of OneSidedByCount's K in closed form, sqrt((2/w)·ln(1 + 1/(2α·sqrt(1−w)))): for parity with
// tools that use it. Source: Waudby-Smith et al., arXiv:2103.06476, the one-sided asymptotic confidence sequence.
func OneSidedBoundByCount(n, planned, alpha float64) float64 {
	w := n / (n + Rho(planned, 2*alpha))
	return math.Sqrt(2 / w * math.Log1p(1/(2*alpha*math.Sqrt(1-w))))
}

// always fills what is always-valid, for the mixture with share w.
func (o *OneSided) always(w, z, sign float64, test Test, alpha float64) {
	if !(w > 0 && w < 1) {
		return
	}
	logE := halfMixture(w, z)
	o.LogE = Known(logE)
	o.PAlways = Known(math.Max(math.Exp(math.Min(-logE, 0)), minP))
	k := halfMixtureBound(w, alpha)
	o.K = Known(k)
	o.BoundAlways = Known(test.Value.V - sign*k*test.SE.V)
}

// halfMixture returns ln e of the one-sided mixture.
func halfMixture(w, z float64) float64 {
	x := z * math.Sqrt(w)
	var logPhi float64
	if x < -6 {
		logPhi = logSurvival(-x)
	} else {
		logPhi = math.Log(math.Erfc(-x/math.Sqrt2) / 2)
	}
	return math.Ln2 + math.Log1p(-w)/2 + x*x/2 + logPhi
}

// halfMixtureBound returns the z at which halfMixture reaches −ln α: it rises with z, and beyond z = 0 like z², so Newton's
// method from the two-sided bound of 2α, which lies above, comes down on it.
func halfMixtureBound(w, alpha float64) float64 {
	target := -math.Log(alpha)
	z := math.Sqrt((2*math.Log1p(1/(2*alpha)) - math.Log1p(-w)) / w)
	for range 50 {
		x := z * math.Sqrt(w)
		phi := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
		slope := math.Sqrt(w) * (x + phi/(math.Erfc(-x/math.Sqrt2)/2))
		step := (halfMixture(w, z) - target) / slope
		z -= step
		if math.Abs(step) < 1e-14*math.Abs(z) {
			break
		}
	}
	return z
}
