package stats

import "slices"

// Bonferroni returns p·m for each of m p-values, at most 1.
func Bonferroni(p []float64) []float64 {
	q := make([]float64, len(p))
	for i, v := range p {
		q[i] = min(1, v*float64(len(p)))
	}
	return q
}

// order returns the indices of p from the smallest to the largest; ties in their own order.
func order(p []float64) []int {
	idx := make([]int, len(p))
	for i := range idx {
		idx[i] = i
	}
	slices.SortStableFunc(idx, func(a, b int) int {
		switch {
		case p[a] < p[b]:
			return -1
		case p[a] > p[b]:
			return 1
		}
		return 0
	})
	return idx
}

// Holm returns p adjusted for the family-wise error rate: with p sorted, the running maximum of (m−i+1)·p₍ᵢ₎, at most 1.
// It holds under any dependence and, for always-valid p, at any stopping time. Source: Holm 1979; statistics.md §2.10.
func Holm(p []float64) []float64 {
	q := make([]float64, len(p))
	run := 0.0
	for rank, i := range order(p) {
		run = max(run, min(1, float64(len(p)-rank)*p[i]))
		q[i] = run
	}
	return q
}

// BenjaminiHochberg returns p adjusted for the false discovery rate: with p sorted, the running minimum from the top of
// m·p₍ᵢ₎/i. It holds for independent or positively dependent p at one look. Source: Benjamini & Hochberg 1995.
func BenjaminiHochberg(p []float64) []float64 {
	q := make([]float64, len(p))
	idx := order(p)
	run := 1.0
	for rank := len(idx) - 1; rank >= 0; rank-- {
		i := idx[rank]
		run = min(run, p[i]*float64(len(p))/float64(rank+1))
		q[i] = run
	}
	return q
}
