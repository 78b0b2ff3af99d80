package stats

import "math"

// LiftMethod is how a lift's interval is made.
type LiftMethod string

const (
	// Fieller inverts the test of t − r·c: its interval excludes 0 exactly when the difference's does. The default.
	Fieller LiftMethod = "fieller"
	// Delta is first order and symmetric; for parity with tools that use it.
	Delta LiftMethod = "delta"
	// LogDelta is delta on the logarithm; both values must be above 0.
	LogDelta LiftMethod = "log_delta"
)

func (m LiftMethod) orDefault() LiftMethod {
	if m == "" {
		return Fieller
	}
	return m
}

func lift(m LiftMethod, test Test, t, c Estimate, alpha float64, reasons *reasonSet) Lift {
	l := Lift{Method: m}
	if c.Value.V == 0 {
		reasons.add(ZeroControl)
		return l
	}
	if c.Value.V < 0 {
		reasons.add(NegativeControl)
	}
	l.Value = Known(test.Value.V / c.Value.V)
	if !t.Var.OK || !c.Var.OK {
		return l
	}
	k := NormalQuantile(1 - alpha/2)
	l.Interval = LiftInterval(m, t, c, k)
	if !l.Interval.OK {
		reasons.add(LiftUnbounded)
	}
	if test.Always.K.OK {
		l.IntervalAlways = LiftInterval(m, t, c, test.Always.K.V)
		if !l.IntervalAlways.OK {
			reasons.add(LiftUnboundedAlways)
		}
	}
	if m == Delta {
		l.SE = Known(deltaSE(t, c))
	}
	return l
}

// LiftInterval returns the interval of t/c − 1 with k standard errors to a side, absent where it is not finite:
//
//	fieller    all r with (t − r·c)² ≤ k²·(v_t + r²·v_c), less 1; unbounded if c² ≤ k²·v_c
//	delta      t/c − 1 ± k·sqrt(v_t/c² + t²·v_c/c⁴)
//	log_delta  (t/c)·exp(±k·sqrt(v_t/t² + v_c/c²)) − 1
//
// with t, c the values and v their variances. k is the normal quantile, or that of an always-valid test.
// Source: Fieller 1954; statistics.md §2.5.
func LiftInterval(m LiftMethod, t, c Estimate, k float64) Interval {
	if !t.Var.OK || !c.Var.OK || c.Value.V == 0 {
		return Interval{}
	}
	tv, cv, vt, vc := t.Value.V, c.Value.V, t.Var.V, c.Var.V
	r := tv / cv
	switch m {
	case Delta:
		h := k * deltaSE(t, c)
		return Between(r-1-h, r-1+h)
	case LogDelta:
		if tv <= 0 || cv <= 0 {
			return Interval{}
		}
		h := k * math.Sqrt(vt/(tv*tv)+vc/(cv*cv))
		return Between(math.Expm1(math.Log(r)-h), math.Expm1(math.Log(r)+h))
	}
	g := k * k * vc / (cv * cv)
	if g >= 1 {
		return Interval{}
	}
	h := k / math.Abs(cv) * math.Sqrt(vt*(1-g)+r*r*vc)
	return Between((r-h)/(1-g)-1, (r+h)/(1-g)-1)
}

// deltaSE returns sqrt(v_t/c² + t²·v_c/c⁴).
func deltaSE(t, c Estimate) float64 {
	r := t.Value.V / c.Value.V
	return math.Sqrt(t.Var.V+r*r*c.Var.V) / math.Abs(c.Value.V)
}
