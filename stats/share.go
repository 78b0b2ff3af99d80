package stats

import (
	"fmt"
	"math"
)

// AlwaysShare returns the always-valid interval of one arm's share of ones: the shares that a beta-binomial mixture does not reject at
// level α however often one looks, tightest when there are about planned subjects. It takes no normal approximation, so it holds from
// the first subject and at shares near 0 and 1. For a difference between arms use Always. It returns ErrProportion.
//
// With s ones of n a share p is tested by the mixture of binomial likelihood ratios over a Beta distribution with mean p,
//
//	e = B(K·p + s, K·q + n − s) / (B(K·p, K·q)·p^s·q^(n−s)),   q = 1 − p,   K = max(ρ(planned) − 1, 1/1000)
//
// with ρ of Rho: the Bayes factor of SampleRatio for two arms with the weights p and q. Source: Howard et al., arXiv:1810.08240
// (two-sided beta-binomial mixture), as in confseq.
func AlwaysShare(s Share, planned, alpha float64) (Interval, error) {
	if err := s.check(); err != nil {
		return Interval{}, err
	}
	if !(planned > 0) || !(alpha > 0 && alpha < 1) {
		return Interval{}, fmt.Errorf("stats: share planned for %v subjects at level %v: %w", planned, alpha, ErrPlan)
	}
	o := []float64{float64(s.Ones), float64(s.N - s.Ones)}
	k := math.Max(Rho(planned, alpha)-1, 1e-3)
	rejects := func(p float64) bool { return logBayesFactor(o, []float64{p, 1 - p}, k) >= -math.Log(alpha) }
	// From a share that is not rejected towards an end: the last one that is not.
	edge := func(in, out, end float64) float64 {
		if !rejects(out) {
			return end
		}
		for range 80 {
			if mid := (in + out) / 2; rejects(mid) {
				out = mid
			} else {
				in = mid
			}
		}
		return in
	}
	const least = 1e-15
	at := math.Min(math.Max(o[0]/float64(s.N), least), 1-least)
	i := Interval{Low: 0, High: 1, OK: true}
	if s.Ones > 0 {
		i.Low = edge(at, least, 0)
	}
	if s.Ones < s.N {
		i.High = edge(at, 1-least, 1)
	}
	return i, nil
}
