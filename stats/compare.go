package stats

import (
	"errors"
	"math"
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
)

// Design is what a comparison is made with: fixed when the experiment starts, except Tuning, which is set once.
type Design struct {
	// Scale are the decimal scales of the sums.
	Scale moment.Scale
	// Alpha is the error rate of intervals and words, in (0, 1). 0 means 0.05.
	Alpha float64
	// Tuning shapes the always-valid interval. The zero Tuning means that it is not set yet: no always-valid numbers, and
	// the state is collecting.
	Tuning Tuning
	// Direction in which the metric is good; "" means Undirected.
	Direction Direction
	// Limit makes the metric a guardrail.
	Limit *Limit
	// Lift is the method of the lift's intervals; "" means Fieller.
	Lift LiftMethod
	// CUPED asks for the difference adjusted by the pre-period; CUPEDTuning is its tuning.
	CUPED       bool
	CUPEDTuning Tuning
	// Boundary is how the always-valid test is made; the zero value is the default.
	Boundary Boundary
}

// level is an error rate with the normal quantile of half of it.
type level struct{ alpha, k float64 }

func (d Design) level() level {
	if d.Alpha > 0 && d.Alpha < 1 {
		return levelOf(d.Alpha)
	}
	return levelOf(0.05)
}

func levelOf(alpha float64) level {
	if alpha == usual.alpha {
		return usual
	}
	return level{alpha, NormalUpper(alpha / 2)}
}

// usual is the level that nearly every comparison has; its quantile costs as much as a twentieth of the comparison.
var usual = level{0.05, NormalUpper(0.025)}

// Compare compares a treatment with the control: one metric, one cell. What can't be computed is absent and Reasons say
// why; it never fails otherwise. The formulas stand at Ratio, TwoSidedP, Tuning.Always, StudentTwoSidedP, LiftInterval, CUPED and
// Silence.
func Compare(treatment, control *moment.Sums, d Design) Comparison {
	var c Comparison
	l := d.level()
	reasons := reasonSet{}
	var before [2]armBefore
	t, k, errT, errC := estimates(treatment, control, d, &before)
	c.Treatment, c.Control = t, k
	reasons.of(errT)
	reasons.of(errC)
	reasons.flags(treatment, control)
	c.Lift.Method = d.Lift.orDefault()
	if t.Value.OK && k.Value.OK {
		c.Difference = armsTest(moment.RatioDifference(treatment, control, d.Scale), t, k, l)
		c.Difference = d.Tuning.tests(c.Difference)
		c.Difference.Always = d.Boundary.Test(d.Tuning, c.Difference, treatment.N, control.N, l.alpha)
		c.Welch = welch(c.Difference, t, k, l)
		c.Lift = lift(c.Lift.Method, c.Difference, plainEffect(c.Difference, t, k), l.k, &reasons)
		if c.Difference.SE.OK && c.Difference.SE.V == 0 {
			reasons.add(ZeroVariance)
		}
		if d.CUPED {
			a := adjusted(c.Difference.Value.V, t, k, &before, d, l)
			c.CUPED = &a
		}
	}
	silence := Silence(treatment, control, t, k)
	for _, r := range silence {
		reasons.add(r)
	}
	c.State = state(&c, d, silence, errT, errC, treatment, control, &reasons)
	if d.Limit != nil {
		c.Guardrail = guardrail(&c, d, silence)
	}
	c.Reasons = reasons.sorted()
	return c
}

// Difference returns the two-sided normal test of the difference of two arms whose estimates are at hand: the part of Compare that a
// loop over many looks needs. It is absent where a value is.
func Difference(treatment, control *moment.Sums, t, c Estimate, sc moment.Scale, alpha float64) Test {
	if !t.Value.OK || !c.Value.OK {
		return Test{}
	}
	return armsTest(moment.RatioDifference(treatment, control, sc), t, c, levelOf(alpha))
}

// normalTest makes the two-sided normal test of a difference whose arms have the given variances.
func normalTest(diff float64, varT, varC Number, l level) Test {
	test := Test{Value: Known(diff)}
	if !varT.OK || !varC.OK {
		return test
	}
	se := math.Sqrt(varT.V + varC.V)
	test.SE = Known(se)
	test.Interval = Between(diff-l.k*se, diff+l.k*se)
	if se > 0 {
		z := diff / se
		test.Z = Known(z)
		test.P, test.Log10P = TwoSidedP(z)
	}
	return test
}

// reasonSet collects reasons, each once.
type reasonSet struct{ all []Reason }

func (r *reasonSet) add(reason Reason) {
	if !slices.Contains(r.all, reason) {
		r.all = append(r.all, reason)
	}
}

func (r *reasonSet) has(reason Reason) bool { return slices.Contains(r.all, reason) }

func (r *reasonSet) of(err error) {
	switch {
	case err == nil:
	case errors.Is(err, ErrNoSubjects):
		r.add(NoSubjects)
	case errors.Is(err, moment.ErrTooFewSubjects):
		r.add(TooFewSubjects)
	case errors.Is(err, ErrZeroDenominator):
		r.add(ZeroDenominator)
	case errors.Is(err, moment.ErrNoPrePeriod):
		r.add(NoPrePeriod)
	default:
		r.add(Corrupt)
	}
}

func (r *reasonSet) flags(arms ...*moment.Sums) {
	for _, s := range arms {
		if s.Approximate > 0 {
			r.add(Approximate)
		}
		if s.Overflowed > 0 {
			r.add(Overflowed)
		}
		if s.OpenLimit > 0 {
			r.add(OpenLimit)
		}
	}
}

func (r *reasonSet) sorted() []Reason {
	slices.Sort(r.all)
	return r.all
}
