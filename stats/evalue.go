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
