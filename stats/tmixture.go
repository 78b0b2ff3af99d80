package stats

import "math"

// StudentMixture is the always-valid test that knows the variance to be estimated: with T = 1 − w of the normal mixture and ν
// degrees of freedom,
//
//	e = sqrt(T)·((1 + z²/ν)/(1 + T·z²/ν))^((ν+1)/2)
//	q = (T·α²)^(1/(ν+1)),   k = sqrt(ν·(1−q)/(q−T)), infinite where q ≤ T
//
// where k is infinite nothing can be significant, which guards small samples without a rule; K and Interval are absent there.
// It tends to Always as ν grows. Source: Lindon et al., arXiv:2210.08589 (avlm).
func (t Tuning) StudentMixture(test Test, nt, nc int64, alpha float64) Always {
	test = t.tested(test)
	if !t.Set() || !test.Z.OK {
		return Always{}
	}
	return studentMixture(t.shrink(nt, nc, test.SE.V, alpha), test, float64(nt+nc-2), alpha)
}

// StudentMixtureByCount is the same test indexed by the number of subjects, like AlwaysByCount.
func StudentMixtureByCount(test Test, n, planned int64, alpha float64) Always {
	if !test.Z.OK || planned <= 0 || n <= 2 {
		return Always{}
	}
	return studentMixture(float64(n)/(float64(n)+Rho(float64(planned), alpha)), test, float64(n-2), alpha)
}

func studentMixture(w float64, test Test, nu, alpha float64) Always {
	if !(w > 0 && w < 1) || !(nu > 0) {
		return Always{}
	}
	t, x := 1-w, test.Z.V*test.Z.V/nu
	logE := math.Log1p(-w)/2 + (nu+1)/2*(math.Log1p(x)-math.Log1p(t*x))
	a := Always{P: Known(math.Max(math.Exp(math.Min(-logE, 0)), minP)), LogE: Known(logE)}
	q := math.Exp((math.Log1p(-w) + 2*math.Log(alpha)) / (nu + 1))
	if q <= t {
		return a
	}
	k := math.Sqrt(nu * (1 - q) / (q - t))
	a.K = Known(k)
	a.Interval = Between(test.Value.V-k*test.SE.V, test.Value.V+k*test.SE.V)
	return a
}
