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
	// default 0. Set it where a mismatch too small to matter is known to be there. Over epochs it is Σ|o − e| / Σe: what is too
	// much in one does not make up for what is too little in another, and a small epoch weighs little.
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
// Source: Fabijan et al., KDD 2019; Lindon & Malek, arXiv:2011.03567.
func SampleRatio(counts []int64, weights []float64, opt SRMOptions) (SRM, error) {
	return SampleRatioEpochs([]Epoch{{counts, weights}}, opt)
}

// Epoch is a stretch of time with planned weights of its own, as a ramp has: the subjects first exposed in it, by arm.
type Epoch struct {
	Counts  []int64
	Weights []float64
}

// SampleRatioEpochs tests counts whose planned weights changed in time: each epoch against its own weights. χ² and its degrees
// of freedom add up over epochs, and so do the logarithms of the Bayes factors (a product of e-values, each conditional on the
// past, is an e-value). Pooled counts against any one set of weights would alarm at every ramp, or miss what two epochs hide.
// It returns ErrWeights. Source: Lindon & Malek, arXiv:2011.03567.
func SampleRatioEpochs(epochs []Epoch, opt SRMOptions) (SRM, error) {
	opt = opt.withDefaults()
	r := SRM{State: SRMCollecting}
	var chi2, bf, total, deviation float64
	testable := false
	off, as := map[int]float64{}, map[int]float64{} // by arm: how many subjects are too many or too few, and how many are planned
	for _, e := range epochs {
		o, theta, arms, err := e.planned()
		if err != nil {
			return SRM{}, err
		}
		var n float64
		for _, v := range o {
			n += v
		}
		testable = testable || len(o) > 1
		if len(epochs) == 1 {
			r.DF = len(o) - 1
		}
		if n == 0 || len(o) < 2 {
			continue
		}
		total += n
		for i := range o {
			expected := n * theta[i]
			chi2 += (o[i] - expected) * (o[i] - expected) / expected
			off[arms[i]] += math.Abs(o[i] - expected)
			as[arms[i]] += expected
		}
		if len(epochs) > 1 {
			r.DF += len(o) - 1
		}
		bf += logBayesFactor(o, theta, opt.Concentration)
	}
	if total == 0 {
		if testable {
			r.LogBF, r.PSequential = Known(0), Known(1) // nothing seen, nothing learnt
		}
		return r, nil
	}
	for arm, expected := range as {
		deviation = math.Max(deviation, off[arm]/expected)
	}
	r.Chi2 = Known(chi2)
	r.P = Known(chiSquaredUpper(chi2, r.DF))
	r.LogBF = Known(bf)
	r.PSequential = Known(math.Max(math.Exp(math.Min(-bf, 0)), minP))
	if int64(total) >= opt.MinSubjects {
		r.State = SRMOK
		if bf >= -math.Log(opt.Alpha) && deviation >= opt.MinDeviation {
			r.State = SRMFailed
		}
	}
	return r, nil
}

// planned returns the counts and planned shares of the arms whose weight is above 0, and which arms these are.
func (e Epoch) planned() (o, theta []float64, arms []int, err error) {
	if len(e.Counts) != len(e.Weights) {
		return nil, nil, nil, fmt.Errorf("stats: sample ratio of %d counts and %d weights: %w", len(e.Counts), len(e.Weights), ErrWeights)
	}
	var sum float64
	for i, w := range e.Weights {
		if e.Counts[i] < 0 || w < 0 || math.IsNaN(w) || math.IsInf(w, 0) {
			return nil, nil, nil, fmt.Errorf("stats: sample ratio with count %d, weight %v: %w", e.Counts[i], w, ErrWeights)
		}
		if w > 0 {
			o, theta, arms = append(o, float64(e.Counts[i])), append(theta, w), append(arms, i)
			sum += w
		}
	}
	if sum == 0 {
		return nil, nil, nil, fmt.Errorf("stats: sample ratio without a weight above 0: %w", ErrWeights)
	}
	for i := range theta {
		theta[i] /= sum
	}
	return o, theta, arms, nil
}

// chiSquaredUpper returns P(χ² ≥ x) with df degrees of freedom, at least the smallest float64 above 0.
func chiSquaredUpper(x float64, df int) float64 {
	return math.Max(distuv.ChiSquared{K: float64(df)}.Survival(x), minP)
}
