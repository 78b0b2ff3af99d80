package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// minP stands for any p that a float64 can't hold: p is never exactly 0 by accident. Log10P has the true size.
const minP = math.SmallestNonzeroFloat64

// NormalUpper returns the x with P(Z > x) = q for a standard normal Z, q in (0, 1), right in every digit also for small q
// (the quantile of 1 − q is not: 1 − q has lost q's digits by then).
func NormalUpper(q float64) float64 { return -mathext.NormalQuantile(q) }

// TwoSidedP returns the chance, with no true difference, of a standard normal |Z| ≥ |z|, and its decimal logarithm:
//
//	p = erfc(|z|/√2)
//
// p is at least the smallest float64 above 0; the logarithm stays right beyond that. Both are absent if z is NaN or
// infinite. Source: elementary; the far tail by logSurvival.
func TwoSidedP(z float64) (p, log10 Number) {
	x := math.Abs(z)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Number{}, Number{}
	}
	v := math.Erfc(x / math.Sqrt2)
	if x < 30 {
		return Known(v), Known(math.Log10(v))
	}
	return Known(math.Max(v, minP)), Known((math.Ln2 + logSurvival(x)) / math.Ln10)
}

// logSurvival returns ln P(Z > x) for x ≥ 5 by Mills' ratio as a continued fraction, φ(x)/(x + 1/(x + 2/(x + …))).
// Source: Abramowitz & Stegun 26.2.14.
func logSurvival(x float64) float64 {
	f := x
	for i := 60; i >= 1; i-- {
		f = x + float64(i)/f
	}
	return -x*x/2 - math.Log(2*math.Pi)/2 - math.Log(f)
}
