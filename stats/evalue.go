package stats

import "math"

// EBenjaminiHochbergP returns e-values, given as ln e, adjusted for the false discovery rate: with e sorted from the largest, the running
// minimum from the smallest of m/(k·e₍ₖ₎), at most 1. A hypothesis is rejected by EBenjaminiHochberg at α exactly if its number here is
// at most α. What has no evidence yet takes part with ln e = 0. Source: Wang & Ramdas, JRSS B 2022 (arXiv:2009.02824), that e-BH is BH on
// 1/e.
func EBenjaminiHochbergP(logE []float64) []float64 {
	down := make([]float64, len(logE))
	for i, e := range logE {
		down[i] = -e
	}
	q := make([]float64, len(logE))
	idx := order(down)
	run := 0.0 // ln of 1
	for rank := len(idx) - 1; rank >= 0; rank-- {
		i := idx[rank]
		run = math.Min(run, math.Log(float64(len(idx))/float64(rank+1))-logE[i])
		q[i] = math.Max(math.Exp(run), minP)
	}
	return q
}

// CalibratedLogE returns ln e of the e-value that a p-value is worth whatever made it, by the calibrator that needs no tuning, the mean
// of κ·p^(κ−1) over κ in (0, 1):
//
//	e = (1 − p + p·ln p)/(p·(ln p)²) = (exp(u) − 1 − u)/u²,  u = −ln p
//
// Its mean over uniform p is 1, which makes it an e-value; 1/p has an infinite one and is none. It is much smaller than 1/p: p = 0.01
// is worth e = 4.45. Where p is 1/e already, as the always-valid p published is while e ≥ 1, use that e instead. p = 0 is taken for the
// least number above it; p outside [0, 1] gives NaN. Source: Vovk & Wang, "E-values: calibration, combination and applications",
// Annals of Statistics 49(3), 2021 (arXiv:1912.06116), section 2.
func CalibratedLogE(p float64) float64 {
	if !(p >= 0 && p <= 1) {
		return math.NaN()
	}
	u := -math.Log(math.Max(p, minP))
	if u < 1e-3 { // the differences cancel; the series is right to 1e-16
		return math.Log(0.5 + u/6 + u*u/24 + u*u*u/120)
	}
	if u < 1 {
		return math.Log((math.Expm1(u) - u) / (u * u))
	}
	return u + math.Log1p(-(1+u)*math.Exp(-u)) - 2*math.Log(u)
}
