package stats

import "math"

// minP stands for any p that a float64 can't hold: p is never exactly 0 by accident. Log10P has the true size.
const minP = math.SmallestNonzeroFloat64

// NormalQuantile returns the p-quantile of the standard normal distribution, for p in (0, 1).
func NormalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// TwoSidedP returns the chance, with no true difference, of a standard normal |Z| ≥ |z|, and its decimal logarithm:
//
//	p = erfc(|z|/√2)
//
// p is at least the smallest float64 above 0; log10 stays right beyond that. Source: elementary; tail by the continued
// fraction of Mills' ratio.
func TwoSidedP(z float64) (p, log10 Number) {
	x := math.Abs(z)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Number{}, Number{}
	}
	v := math.Erfc(x / math.Sqrt2)
	if x < 30 {
		return Number{v, true}, Known(math.Log10(v))
	}
	return Number{math.Max(v, minP), true}, Known((math.Ln2 + logSurvival(x)) / math.Ln10)
}

// logSurvival returns ln P(Z > x) for x ≥ 5 by Mills' ratio as a continued fraction, φ(x)/(x + 1/(x + 2/(x + …))).
func logSurvival(x float64) float64 {
	f := x
	for i := 60; i >= 1; i-- {
		f = x + float64(i)/f
	}
	return -x*x/2 - math.Log(2*math.Pi)/2 - math.Log(f)
}
