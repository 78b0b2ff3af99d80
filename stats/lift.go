package stats

import "math"

// LiftMethod is how a lift's interval is made.
type LiftMethod string

const (
	// Fieller inverts the test of t − r·c: its interval excludes 0 exactly when the difference's does. The default.
	Fieller LiftMethod = "fieller"
	// Delta is first order and symmetric; for parity with tools that use it. It can disagree with the difference.
	Delta LiftMethod = "delta"
	// LogDelta is delta on the logarithm; both values must be above 0. It can disagree with the difference.
	LogDelta LiftMethod = "log_delta"
)

func (m LiftMethod) orDefault() LiftMethod {
	if m == "" {
		return Fieller
	}
	return m
}

// effect is a difference over the control's value: what a lift's interval needs to know of the two.
type effect struct {
	diff, base float64 // the difference, and the control's value that it is measured by
	varT, varC float64 // diff's variance by arms
	varBase    float64
	cov        float64 // of diff and base: −v_c for t − c over c
	ft, fc     float64 // the factors of allowance; both are 1 where the difference makes none
}

func (e effect) varDiff() float64 { return e.varT + e.varC }

// plainEffect is that of two independent arms with test's difference.
func plainEffect(test Test, t, c Estimate) effect {
	e := effect{diff: test.Value.V, base: c.Value.V, varBase: c.Var.V, cov: -c.Var.V}
	return e.of(test, t, c)
}

// of gives the effect the variances of test's arms, t and c, and makes its always-valid interval allow for their sizes as test does.
func (e effect) of(test Test, t, c Estimate) effect {
	e.varT, e.varC, e.ft, e.fc = t.Var.V, c.Var.V, 1, 1
	if test.SEAlways.OK {
		e.ft, e.fc = allowance(t.N, c.N)
	}
	return e
}

// lift fills a Lift for a difference that has been tested, with k standard errors to a side of the fixed-horizon interval, and says
// why a part of it is absent.
func lift(m LiftMethod, test Test, e effect, k float64, reasons *reasonSet) Lift {
	l := Lift{Method: m}
	if e.base == 0 {
		reasons.add(ZeroControl)
		return l
	}
	if e.base < 0 {
		reasons.add(NegativeControl)
	}
	l.Value = Known(e.diff / e.base)
	if !test.SE.OK {
		return l
	}
	if m == Delta {
		l.SE = Known(e.deltaSE())
	}
	if l.Interval = e.interval(m, k); !l.Interval.OK {
		reasons.add(LiftUnbounded)
	}
	if test.Always.K.OK {
		if l.IntervalAlways = e.intervalAlways(m, test.Always.K.V); !l.IntervalAlways.OK {
			reasons.add(LiftUnboundedAlways)
		}
	}
	return l
}

// LiftInterval returns the interval of t/c − 1 with k standard errors to a side, for two independent arms. It is absent
// where it is not finite:
//
//	fieller    all r with (t − r·c)² ≤ k²·(v_t + r²·v_c), less 1; not finite if c² ≤ k²·v_c
//	delta      t/c − 1 ± k·sqrt(v_t/c² + t²·v_c/c⁴)
//	log_delta  (t/c)·exp(±k·sqrt(v_t/t² + v_c/c²)) − 1; needs t, c > 0
//
// with t, c the values and v their variances. k is the normal quantile, or that of an always-valid test: the set of r whose
// test with k does not reject stays an interval for any k. Source: Fieller 1954; delta as GrowthBook and Eppo, log_delta as tea-tasting.
func LiftInterval(m LiftMethod, t, c Estimate, k float64) Interval {
	if !t.Var.OK || !c.Var.OK || c.Value.V == 0 {
		return Interval{}
	}
	return plainEffect(Test{Value: Known(t.Value.V - c.Value.V)}, t, c).interval(m.orDefault(), k)
}

// intervalAlways is interval for the variance of AlwaysVar, which is the greater of two for each lift that is asked about: what is not
// rejected is the one interval and the other, which both hold diff/base. So Fieller's stays dual to the difference.
func (e effect) intervalAlways(m LiftMethod, k float64) Interval {
	own := e.interval(m, k)
	if e.ft == e.fc {
		return own
	}
	allowed := e
	allowed.varT, allowed.varC = e.ft*e.varT, e.fc*e.varC
	allowed.varBase, allowed.cov = e.fc*e.varBase, e.fc*e.cov
	other := allowed.interval(m, k)
	if !own.OK || !other.OK {
		return Interval{}
	}
	return Between(math.Min(own.Low, other.Low), math.Max(own.High, other.High))
}

func (e effect) interval(m LiftMethod, k float64) Interval {
	switch m {
	case Delta:
		l, h := e.diff/e.base, k*e.deltaSE()
		return Between(l-h, l+h)
	case LogDelta:
		if e.base <= 0 || e.base+e.diff <= 0 {
			return Interval{}
		}
		// The logarithm's derivative brings the lift's own error to that of ln(1 + lift).
		ln, h := math.Log1p(e.diff/e.base), k*e.deltaSE()*e.base/(e.base+e.diff)
		return Between(math.Expm1(ln-h), math.Expm1(ln+h))
	}
	return e.fieller(k)
}

// fieller returns all L with (diff − L·base)² ≤ k²·Var(diff − L·base): between the roots of
//
//	(base² − k²·B)·L² − 2·(diff·base − k²·C)·L + (diff² − k²·V) = 0
//
// with V, B and C the variances of diff and base and their covariance.
func (e effect) fieller(k float64) Interval {
	k2 := k * k
	a := e.base*e.base - k2*e.varBase
	if a <= 0 {
		return Interval{}
	}
	mid := e.diff*e.base - k2*e.cov
	// The discriminant over k², in terms of t = diff + base, whose variance is V + 2C + B and whose covariance with base is C + B: as it
	// stands above it would cancel, and so it would with V where the control's part of it is far the greater.
	t, cov := e.diff+e.base, e.cov+e.varBase
	v := e.varT + (e.varC + 2*e.cov + e.varBase)
	spread := e.base*e.base*v - 2*t*e.base*cov + t*t*e.varBase - k2*(e.varBase*v-cov*cov)
	h := k * math.Sqrt(math.Max(spread, 0))
	return Between((mid-h)/a, (mid+h)/a)
}

// deltaSE returns the first-order standard error of diff/base: sqrt(V − 2·L·C + L²·B)/|base|, L = diff/base.
func (e effect) deltaSE() float64 {
	l := e.diff / e.base
	return math.Sqrt(math.Max(e.varDiff()-2*l*e.cov+l*l*e.varBase, 0)) / math.Abs(e.base)
}
