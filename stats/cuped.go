package stats

import (
	"math"

	"github.com/tidemark/tidemark/stats/moment"
)

// Adjusted is a comparison adjusted by the pre-period.
type Adjusted struct {
	// Theta is the factor of the pre-period's value; it has the unit of 1 for a mean and for a ratio of the same kind.
	Theta Number
	// Treatment and Control are the arms' values moved by −θ times how far their pre-period is from that of both arms
	// together, with the variance of what the pre-period does not explain.
	Treatment, Control Estimate
	Difference         Test
	Lift               Lift
	Reasons            []Reason
}

// CUPED returns the comparison of two arms adjusted by their pre-period. With y and x the (linearised) values of the period
// and of the pre-period, and sample moments of n − 1 within each arm j:
//
//	θ  = Σⱼ (nⱼ−1)·s_yx,j / Σⱼ (nⱼ−1)·s_xx,j
//	δ* = δ − θ·(x̄_t − x̄_c),   v*_j = (s_yy − 2·θ·s_yx + θ²·s_xx)/nⱼ,   SE² = v*_t + v*_c
//
// θ is taken as fixed, and within arms, so that the effect itself does not enter it. For a ratio x is the pre-period's ratio,
// linearised by the delta method like y. If x does not vary, θ is 0 and the reason no_pre_period.
//
// The lift is δ* over the control's unadjusted value, and its interval knows that the two are correlated, Cov(δ*, ȳ_c) =
// −(s_yy − θ·s_yx)/n_c: to leave that out covers too little. Unit: as the metric's.
// Source: Deng, Xu, Kohavi & Walker, WSDM 2013; the missing covariance is GrowthBook #3610.
func CUPED(treatment, control *moment.Sums, d Design) Adjusted {
	var before [2]armBefore
	d.CUPED = true
	t, c, errT, errC := estimates(treatment, control, d, &before)
	if errT != nil || errC != nil {
		reasons := reasonSet{}
		reasons.of(errT)
		reasons.of(errC)
		return Adjusted{Reasons: reasons.sorted()}
	}
	return adjusted(moment.RatioDifference(treatment, control, d.Scale), t, c, &before, d, d.level())
}

// armBefore is what an arm's sums say of the pre-period.
type armBefore struct {
	l   moment.Linear
	err error
}

// estimates returns both arms' values, and fills before if the design asks for CUPED.
func estimates(treatment, control *moment.Sums, d Design, before *[2]armBefore) (t, c Estimate, errT, errC error) {
	if !d.CUPED {
		t, errT = Ratio(treatment, d.Scale)
		c, errC = Ratio(control, d.Scale)
		return t, c, errT, errC
	}
	mean := treatment.IsMean() && control.IsMean()
	one := func(s *moment.Sums, b *armBefore) (Estimate, error) {
		f, err, errLinear := s.FinaliseLinear(d.Scale, mean, &b.l)
		b.err = errLinear
		return estimateOf(s, &f, err)
	}
	t, errT = one(treatment, &before[0])
	c, errC = one(control, &before[1])
	return t, c, errT, errC
}

// adjusted is CUPED with the unadjusted difference and estimates at hand.
func adjusted(unadjusted float64, t, c Estimate, before *[2]armBefore, d Design, level level) Adjusted {
	var a Adjusted
	reasons := reasonSet{}
	if !t.Var.OK || !c.Var.OK {
		return a // the comparison's own reasons say why
	}
	lt, lc := &before[0].l, &before[1].l
	reasons.of(before[0].err)
	reasons.of(before[1].err)
	if before[0].err != nil || before[1].err != nil {
		a.Reasons = reasons.sorted()
		return a
	}
	ft, fc := float64(lt.N-1), float64(lc.N-1)
	theta, xx := 0.0, ft*lt.XX+fc*lc.XX
	if xx > 0 {
		theta = (ft*lt.YX + fc*lc.YX) / xx
	} else {
		reasons.add(NoPrePeriod)
	}
	a.Theta = Known(theta)
	// The pre-period of both arms together, weighted by subjects: for a mean the mean of all.
	x := (float64(lt.N)*lt.X + float64(lc.N)*lc.X) / float64(lt.N+lc.N)
	a.Treatment = adjust(t, lt, theta, x)
	a.Control = adjust(c, lc, theta, x)
	diff := unadjusted - theta*(lt.X-lc.X)
	a.Difference = armsTest(diff, a.Treatment, a.Control, level)
	if a.Difference.SE.OK && a.Difference.SE.V == 0 {
		reasons.add(ZeroVariance)
	}
	a.Difference = d.CUPEDTuning.tests(a.Difference)
	a.Difference.Always = d.Boundary.Test(d.CUPEDTuning, a.Difference, lt.N, lc.N, level.alpha)
	a.Lift = lift(d.Lift.orDefault(), a.Difference, effect{
		diff: diff, base: c.Value.V, varBase: c.Var.V,
		cov: -(lc.YY - theta*lc.YX) / float64(lc.N),
	}.of(a.Difference, a.Treatment, a.Control), level.k, &reasons)
	a.Reasons = reasons.sorted()
	return a
}

func adjust(e Estimate, l *moment.Linear, theta, x float64) Estimate {
	v := l.Residual(theta) / float64(l.N)
	return Estimate{
		N: e.N, Value: Known(e.Value.V - theta*(l.X-x)),
		Var: Known(v), SE: Known(math.Sqrt(v)), DenominatorZ: e.DenominatorZ,
	}
}

// TuneCUPED is Tune for the adjusted difference.
func TuneCUPED(treatment, control *moment.Sums, sc moment.Scale, subjects int64) (v float64, ok bool) {
	if _, ok := Tune(treatment, control, sc, subjects); !ok {
		return 0, false
	}
	a := CUPED(treatment, control, Design{Scale: sc})
	if !a.Difference.SE.OK || a.Difference.SE.V == 0 {
		return 0, false
	}
	return tune(treatment.N, control.N, a.Difference.Cautious().SE.V, subjects), true
}
