package stats

import "math"

// CompareEstimates compares two values that were estimated elsewhere, each with its variance: quantiles, values by another tool's
// convention. The two must be independent. It is Compare without what needs sums: the silence rule asks only for 100 subjects an arm,
// variances above 0 and denominators (where the estimates have DenominatorZ) clear of 0, and there is no CUPED.
func CompareEstimates(treatment, control Estimate, d Design) Comparison {
	c := Comparison{Treatment: treatment, Control: control}
	l := d.level()
	reasons := reasonSet{}
	c.Lift.Method = d.Lift.orDefault()
	for _, e := range [2]Estimate{treatment, control} {
		switch {
		case e.N <= 0:
			reasons.add(NoSubjects)
		case !e.Value.OK || !e.Var.OK:
			reasons.add(TooFewSubjects)
		case e.Var.V < 0:
			reasons.add(Corrupt)
		}
		if e.N < minSubjects {
			reasons.add(FewSubjects)
		}
		if !(e.Var.V > 0) {
			reasons.add(NoVariance)
		}
		if e.unstable() {
			reasons.add(UnstableDenominator)
		}
	}
	if treatment.Value.OK && control.Value.OK && treatment.Var.V >= 0 && control.Var.V >= 0 {
		c.Difference = armsTest(treatment.Value.V-control.Value.V, treatment, control, l)
		c.Difference = d.Tuning.tests(c.Difference)
		c.Difference.Always = d.Boundary.Test(d.Tuning, c.Difference, treatment.N, control.N, l.alpha)
		if treatment.N > 1 && control.N > 1 {
			c.Welch = welch(c.Difference, treatment, control, l)
		}
		c.Lift = lift(c.Lift.Method, c.Difference, plainEffect(c.Difference, treatment, control), l.k, &reasons)
	}
	c.State = stateOfEstimates(&c, d, &reasons)
	if d.Limit != nil {
		var silence []Reason
		if c.State == Collecting || c.State == NoData || c.State == Failed {
			silence = []Reason{FewSubjects}
		}
		c.Guardrail = guardrail(&c, d, silence)
	}
	c.Reasons = reasons.sorted()
	return c
}

func stateOfEstimates(c *Comparison, d Design, reasons *reasonSet) State {
	switch {
	case reasons.has(Corrupt):
		return Failed
	case reasons.has(NoSubjects):
		return NoData
	case reasons.has(FewSubjects), reasons.has(NoVariance), reasons.has(TooFewSubjects), reasons.has(UnstableDenominator):
		return Collecting
	case !d.Tuning.Set():
		reasons.add(NotTuned)
		return Collecting
	case !c.Difference.Always.Interval.OK:
		return Collecting
	}
	return Judge(c.Difference.Always.Interval, d.Direction)
}

// QuantileEstimate returns the estimate of a quantile of n subjects from the quantiles at p ∓ k·se around it, se being the standard error
// of the share of values at or below the quantile: its standard error is the half-width of that interval over k. For events, whose
// number differs between subjects, the share is a ratio of counts, Σ 1{value ≤ q} over Σ 1 by subject, and se is that ratio's (Ratio): it
// knows that a subject's events go together. ShareError is se for one value a subject. An interval without width, as many equal values
// make it, says nothing of the error: then the variance is absent.
// Source: Woodruff, JASA 1952; Deng, Knoblich & Lu, KDD 2018 (arXiv:1803.06336), §4.
func QuantileEstimate(value float64, around Interval, n int64, k float64) Estimate {
	e := Estimate{N: n, Value: Known(value)}
	if !e.Value.OK || !around.OK || !(k > 0) || !(around.High > around.Low) {
		return e
	}
	se := (around.High - around.Low) / (2 * k)
	e.Var, e.SE = Known(se*se), Known(se)
	return e
}

// ShareError returns the standard error of the share of values at or below the p-quantile of n subjects with one value each,
// sqrt(p(1−p)/n), and whether n is large enough for an interval around the quantile: n·(1−p) ≥ 4·p and n·p ≥ 4·(1−p).
// Source: elementary; the bound is that of GrowthBook's quantile tests, asked for on both sides.
func ShareError(p float64, n int64) (se float64, enough bool) {
	if !(p > 0 && p < 1) || n < 1 {
		return 0, false
	}
	m := float64(n)
	const rounding = 1e-9
	return math.Sqrt(p * (1 - p) / m), m*(1-p)+rounding >= 4*p && m*p+rounding >= 4*(1-p)
}
