package stats

import "math"

// Number is a float64 that may be absent. A present one is finite. The zero Number is absent.
type Number struct {
	V  float64
	OK bool
}

// Known returns v as a present Number, or an absent one if v is NaN or infinite.
func Known(v float64) Number {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Number{}
	}
	return Number{v, true}
}

// Ptr returns nil for an absent number, else a pointer to its own copy: the shape that JSON wants.
func (n Number) Ptr() *float64 {
	if !n.OK {
		return nil
	}
	return &n.V
}

// Interval is a closed interval that may be absent: because it can't be computed, or because an end is infinite.
type Interval struct {
	Low, High float64
	OK        bool
}

// Between returns the interval [low, high], or an absent one if an end is NaN or infinite.
func Between(low, high float64) Interval {
	if !Known(low).OK || !Known(high).OK {
		return Interval{}
	}
	return Interval{low, high, true}
}

// Ptr returns nil for an absent interval, else its two ends.
func (i Interval) Ptr() *[2]float64 {
	if !i.OK {
		return nil
	}
	return &[2]float64{i.Low, i.High}
}

// Reason says why a number is absent or a state is what it is. The set is closed.
type Reason string

const (
	// NoSubjects: an arm has no subject.
	NoSubjects Reason = "no_subjects"
	// TooFewSubjects: an arm has one subject, which has no variance.
	TooFewSubjects Reason = "too_few_subjects"
	// ZeroVariance: the standard error is 0, so there is no test.
	ZeroVariance Reason = "zero_variance"
	// ZeroDenominator: an arm's denominators add up to 0 or less, so there is no ratio.
	ZeroDenominator Reason = "zero_denominator"
	// UnstableDenominator: an arm's mean denominator is less than 10 of its standard errors from 0; the delta method is
	// not to be relied on. The state is collecting.
	UnstableDenominator Reason = "unstable_denominator"
	// ZeroControl: the control's value is 0, so there is no lift.
	ZeroControl Reason = "zero_control"
	// NegativeControl: the control's value is below 0, so lift and difference have opposite signs. The state follows the
	// difference.
	NegativeControl Reason = "negative_control"
	// LiftUnbounded: the control's value is too near 0 for its error; the lift's interval is not finite.
	LiftUnbounded Reason = "lift_unbounded"
	// LiftUnboundedAlways: the same, for the always-valid interval.
	LiftUnboundedAlways Reason = "lift_unbounded_always"
	// FewSubjects, FewNonZero and NoVariance are the silence rule: fewer than 100 subjects, fewer than 25 subjects with a
	// numerator other than 0, or a variance of 0, in one of the arms. The state is collecting.
	FewSubjects Reason = "few_subjects"
	FewNonZero  Reason = "few_nonzero"
	NoVariance  Reason = "no_variance"
	// NotTuned: the always-valid interval has no tuning yet. The state is collecting.
	NotTuned Reason = "not_tuned"
	// Approximate: a distinct count is an estimate.
	Approximate Reason = "approximate"
	// Overflowed: a subject's total left 64 bits and the subject is left out.
	Overflowed Reason = "overflowed"
	// OpenLimit: too many undecided events of one subject; its total may be wrong. The state is unreliable.
	OpenLimit Reason = "open_limit"
	// Corrupt: the sums are impossible. The state is failed.
	Corrupt Reason = "corrupt"
	// NoPrePeriod: the pre-period totals do not vary, so there is nothing to adjust by.
	NoPrePeriod Reason = "no_pre_period"
)

// State is the one word for a comparison, the same everywhere.
type State string

const (
	Better     State = "better"     // the always-valid interval excludes 0 on the good side
	Worse      State = "worse"      // … on the bad side
	NotClear   State = "not_clear"  // it includes 0
	Unreliable State = "unreliable" // the numbers may be wrong; the reasons say why
	Collecting State = "collecting" // too early to say anything
	NoData     State = "no_data"    // an arm has no subject
	Failed     State = "failed"     // the numbers can't be computed
)

// Direction is the side on which a metric is good.
type Direction string

const (
	Up         Direction = "up"
	Down       Direction = "down"
	Undirected Direction = "none" // never better or worse
)

// Estimate is one arm's value: a ratio of means, and for a mean the mean.
type Estimate struct {
	N     int64
	Value Number // Σnum/Σden, in (unit of num)/(unit of den)
	Var   Number // the variance of Value, its standard error squared (n−1, delta method)
	SE    Number
	// DenominatorZ is the mean denominator in its own standard errors, absent where that is infinite (a mean).
	DenominatorZ Number
}

// Test is a difference with its two-sided normal test and, where there is tuning, its always-valid one.
type Test struct {
	Value    Number // treatment − control
	SE       Number // sqrt(Var_t + Var_c)
	SEAlways Number // what Always is made of; absent where that is SE (AlwaysVar)
	Z        Number // Value/SE
	P        Number // two-sided, normal; never 0
	Log10P   Number // log10 of the true P, also where P itself is too small for a float64
	Interval Interval
	Always   Always
}

// Welch is the t-test beside z: t is z, the degrees of freedom are Satterthwaite's.
type Welch struct {
	T, DF, P Number
	Interval Interval
}

// Lift is treatment/control − 1.
type Lift struct {
	Value          Number
	SE             Number // by the delta method; absent for Fieller
	Interval       Interval
	IntervalAlways Interval
	Method         LiftMethod
}

// Comparison is all that two arms of one metric in one cell say.
type Comparison struct {
	Treatment, Control Estimate
	Difference         Test
	Welch              Welch
	Lift               Lift
	CUPED              *Adjusted     // nil unless the Design asks for it
	Guardrail          GuardrailWord // "" unless the Design has a limit
	State              State
	Reasons            []Reason // in a fixed order, each once
}
