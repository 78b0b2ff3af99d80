package stats

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ErrWeights: counts and weights differ in number, or a count or a weight is negative, or no weight is above 0.
var ErrWeights = errors.New("bad weights")

// SRMState is the word for the split of subjects.
type SRMState string

const (
	SRMOK         SRMState = "ok"
	SRMFailed     SRMState = "failed"
	SRMCollecting SRMState = "collecting"
)

// SRM is the sample ratio check.
type SRM struct {
	Chi2        Number
	DF          int
	P           Number // upper tail of χ²; right for one look only
	PSequential Number // current always-valid p: min(1, 1/BF)
	LogBF       Number // ln of the Bayes factor, an e-value
	State       SRMState
}

// SRMOptions tune the sample ratio check. The zero value is the default.
type SRMOptions struct {
	// Alpha is the level of the sequential p at which the state is failed; default 0.001.
	Alpha float64
	// Concentration is K of the Dirichlet prior: how many subjects the planned weights are worth; default 1000.
	Concentration float64
	// MinSubjects is the number of subjects over all arms below which the state is collecting; default 100.
	MinSubjects int64
	// MinDeviation is the smallest relative deviation of an arm's count from its expectation, |o/e − 1|, that can fail;
	// default 0. Set it where a mismatch too small to matter is known to be there.
	MinDeviation float64
}

func (o SRMOptions) withDefaults() SRMOptions {
	if o.Alpha <= 0 {
		o.Alpha = 0.001
	}
	if o.Concentration <= 0 {
		o.Concentration = 1000
	}
	if o.MinSubjects <= 0 {
		o.MinSubjects = 100
	}
	return o
}

// SampleRatio tests whether counts of exposed subjects fit the planned weights, over the k arms whose weight is above 0
// (an arm with weight 0 is left out with its subjects; one with weight and no subject is in):
//
//	χ² = Σ (oᵢ − eᵢ)²/eᵢ,   e = N·w/Σw,   p the upper tail with k − 1 degrees of freedom
//
// p is right for one look. p_sequential = min(1, 1/BF), of logBayesFactor, is right at every look, and alone decides the
// state: failed if it is at most Alpha, collecting below MinSubjects, else ok. Counts must be exact: the error of an
// estimated count alone makes the test alarm. It returns ErrWeights.
// Source: Fabijan et al., KDD 2019; Lindon & Malek, arXiv:2011.03567; statistics.md §2.9.
func SampleRatio(counts []int64, weights []float64, opt SRMOptions) (SRM, error) {
	opt = opt.withDefaults()
	if len(counts) != len(weights) {
		return SRM{}, fmt.Errorf("stats: sample ratio of %d counts and %d weights: %w", len(counts), len(weights), ErrWeights)
	}
	var o, theta []float64
	var n, sum float64
	for i, w := range weights {
		if counts[i] < 0 || w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
			return SRM{}, fmt.Errorf("stats: sample ratio with count %d, weight %v: %w", counts[i], w, ErrWeights)
		}
		if w > 0 {
			o, theta = append(o, float64(counts[i])), append(theta, w)
			n, sum = n+float64(counts[i]), sum+w
		}
	}
	if sum == 0 {
		return SRM{}, fmt.Errorf("stats: sample ratio without a weight above 0: %w", ErrWeights)
	}
	for i := range theta {
		theta[i] /= sum
	}
	r := SRM{DF: len(o) - 1, State: SRMCollecting}
	if n == 0 || len(o) < 2 {
		return r, nil
	}
	var chi2, deviation float64
	for i := range o {
		e := n * theta[i]
		chi2 += (o[i] - e) * (o[i] - e) / e
		deviation = math.Max(deviation, math.Abs(o[i]/e-1))
	}
	r.Chi2 = Known(chi2)
	r.P = Known(math.Max(distuv.ChiSquared{K: float64(r.DF)}.Survival(chi2), minP))
	bf := logBayesFactor(o, theta, opt.Concentration)
	r.LogBF = Known(bf)
	r.PSequential = Known(math.Max(math.Exp(math.Min(-bf, 0)), minP))
	if int64(n) >= opt.MinSubjects {
		r.State = SRMOK
		if bf >= -math.Log(opt.Alpha) && deviation >= opt.MinDeviation {
			r.State = SRMFailed
		}
	}
	return r, nil
}
