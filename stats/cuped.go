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
// Source: Deng, Xu, Kohavi & Walker, WSDM 2013; statistics.md §2.6 (GrowthBook #3610 is the missing covariance).
func CUPED(treatment, control *moment.Sums, d Design) Adjusted {
	t, errT := Ratio(treatment, d.Scale)
	c, errC := Ratio(control, d.Scale)
	if errT != nil || errC != nil {
		reasons := reasonSet{}
		reasons.of(errT)
		reasons.of(errC)
		return Adjusted{Reasons: reasons.sorted()}
	}
	return adjusted(treatment, control, t, c, d, d.level())
}

// adjusted is CUPED with the unadjusted estimates at hand.
func adjusted(treatment, control *moment.Sums, t, c Estimate, d Design, level level) Adjusted {
	var a Adjusted
	reasons := reasonSet{}
	if !t.Var.OK || !c.Var.OK {
		return a // the comparison's own reasons say why
	}
	mean := treatment.IsMean() && control.IsMean()
	lt, errT := treatment.Linear(d.Scale, mean)
	lc, errC := control.Linear(d.Scale, mean)
	reasons.of(errT)
	reasons.of(errC)
	if errT != nil || errC != nil {
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
	a.Treatment = adjust(t, &lt, theta, x)
	a.Control = adjust(c, &lc, theta, x)
	diff := moment.RatioDifference(treatment, control, d.Scale) - theta*(lt.X-lc.X)
	a.Difference = normalTest(diff, a.Treatment.Var, a.Control.Var, level)
	a.Difference.Always = d.CUPEDTuning.Always(a.Difference, lt.N, lc.N, level.alpha)
	a.Lift = lift(d.Lift.orDefault(), a.Difference, effect{
		diff: diff, base: c.Value.V,
		varDiff: a.Treatment.Var.V + a.Control.Var.V, varBase: c.Var.V,
		cov: -(lc.YY - theta*lc.YX) / float64(lc.N),
	}, level.k, &reasons)
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
	return tune(treatment.N, control.N, a.Difference.SE.V, subjects), true
}
