package stats

import (
	"math"
	"slices"
)

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
// It holds under any dependence and, for always-valid p, at any stopping time. Source: Holm 1979.
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

// EBenjaminiHochberg says which of m hypotheses are rejected at false discovery rate α by their current e-values, given as ln e:
// the k with the largest e, for the largest k with e₍ₖ₎ ≥ m/(k·α). It holds under any dependence, for e-values of one instant;
// not for their running maxima. Source: Wang & Ramdas, JRSS B 2022 (arXiv:2009.02824).
func EBenjaminiHochberg(logE []float64, alpha float64) []bool {
	down := make([]float64, len(logE))
	for i, e := range logE {
		down[i] = -e
	}
	idx := order(down)
	rejected := make([]bool, len(logE))
	for k := len(idx); k >= 1; k-- {
		if logE[idx[k-1]] < math.Log(float64(len(idx))/(float64(k)*alpha)) {
			continue
		}
		for _, i := range idx[:k] {
			rejected[i] = true
		}
		break
	}
	return rejected
}

// Shares is one experiment's α divided over its metrics, so that all of them together err at most α of the time.
type Shares struct {
	Goal  float64 // for each goal
	Other float64 // for each other metric; 0 if there is none
}

// Divide divides α: the share gamma of it to the goals in equal parts, the rest to the other metrics; all of it to the one kind
// if there is no other. gamma outside (0, 1) means 1/2. Source: Eppo's preferential Bonferroni.
func Divide(alpha, gamma float64, goals, others int) Shares {
	if !(gamma > 0 && gamma < 1) {
		gamma = 0.5
	}
	if goals == 0 {
		gamma = 0
	}
	if others == 0 {
		gamma = 1
	}
	return Shares{Goal: gamma * alpha / float64(max(1, goals)), Other: (1 - gamma) * alpha / float64(max(1, others))}
}

// Hochberg returns p adjusted for the family-wise error rate by the step-up of Holm's steps: the running minimum from the top of
// (m−i+1)·p₍ᵢ₎. It is never larger than Holm's and holds for independent or positively dependent p. Source: Hochberg 1988.
func Hochberg(p []float64) []float64 {
	q := make([]float64, len(p))
	idx := order(p)
	run := 1.0
	for rank := len(idx) - 1; rank >= 0; rank-- {
		i := idx[rank]
		run = min(run, float64(len(idx)-rank)*p[i])
		q[i] = run
	}
	return q
}

// BenjaminiYekutieli returns p adjusted for the false discovery rate under any dependence: BenjaminiHochberg's times 1 + 1/2 + … + 1/m,
// at most 1. Source: Benjamini & Yekutieli 2001.
func BenjaminiYekutieli(p []float64) []float64 {
	sum := 0.0
	for i := range p {
		sum += 1 / float64(i+1)
	}
	q := make([]float64, len(p))
	idx := order(p)
	run := 1.0
	for rank := len(idx) - 1; rank >= 0; rank-- {
		i := idx[rank]
		run = min(run, sum*p[i]*float64(len(p))/float64(rank+1))
		q[i] = run
	}
	return q
}

// DivideOverTreatments is Divide for an experiment with several treatments, each compared with the control: every goal and every other
// metric is tested once for each of them.
func DivideOverTreatments(alpha, gamma float64, goals, others, treatments int) Shares {
	return Divide(alpha, gamma, goals*treatments, others*treatments)
}
