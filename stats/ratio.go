package stats

import (
	"errors"
	"math"
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
)

var (
	// ErrNoSubjects: the arm is empty.
	ErrNoSubjects = errors.New("no subjects")
	// ErrZeroDenominator: the denominators add up to 0 or less.
	ErrZeroDenominator = errors.New("the denominators add up to 0 or less")
)

// minDenominatorZ is the distance of a mean denominator from 0, in its standard errors, below which the delta method is
// not to be relied on, and nothing is said. Few subjects with most of the denominator bring it about: with d̄/SE = 10 the subjects
// are worth a hundred equal ones. Source: Eppo's documentation withholds a lift whose control is that near to 0; here any ratio.
const minDenominatorZ = 10

// unstable says that the estimate's mean denominator is too near 0 for its error.
func (e Estimate) unstable() bool { return e.DenominatorZ.OK && e.DenominatorZ.V < minDenominatorZ }

// Ratio returns the ratio of means R = Σnum/Σden over n subjects and its variance by the delta method:
//
//	Var(R) = (s_aa − 2·R·s_ad + R²·s_dd) / (n·d̄²) = n·Σ(aᵢ − R·dᵢ)² / ((n−1)·(Σd)²)
//
// with s the unbiased (n−1) sample moments of numerator a and denominator d. The right-hand form is evaluated in
// integers and rounded once. With every d = 1 it is the mean and s²/n. Unit: (unit of num)/(unit of den).
// The estimate holds what can be computed also when err is not nil: ErrNoSubjects if n = 0, moment.ErrTooFewSubjects if
// n = 1, ErrZeroDenominator if Σd ≤ 0, moment.ErrCorrupt if the sums are impossible.
// Source: Deng, Knoblich & Lu, KDD 2018 (arXiv:1803.06336).
func Ratio(s *moment.Sums, sc moment.Scale) (Estimate, error) {
	f, err := s.Finalise(sc)
	return estimateOf(s, &f, err)
}

// estimateOf is Ratio with the finalised sums and the error of that at hand.
func estimateOf(s *moment.Sums, f *moment.Finals, err error) (Estimate, error) {
	e := Estimate{N: s.N}
	switch {
	case errors.Is(err, moment.ErrCorrupt):
		return e, err
	case s.N == 0:
		return e, ErrNoSubjects
	case s.Den.Sign() <= 0:
		return e, ErrZeroDenominator
	}
	e.Value = Known(f.Ratio)
	if err != nil {
		return e, err
	}
	e.Var = Known(f.RatioVar)
	e.SE = Known(math.Sqrt(f.RatioVar))
	e.DenominatorZ = Known(f.Den / math.Sqrt(f.DenVar/float64(s.N)))
	return e, nil
}

// StableDenominators says that no estimate's mean denominator is too near 0 for its error (UnstableDenominator). A mean's never is.
func StableDenominators(es ...Estimate) bool { return !slices.ContainsFunc(es, Estimate.unstable) }
