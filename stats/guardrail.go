package stats

// Limit is a guardrail's limit. Its sign is the harmful direction: up where it is above 0, whatever the sign of the metric.
type Limit struct {
	// Value is a part of the control's size if Relative (+5 % is 0.05: "not more than 5 % worse", upwards), else a difference in the
	// metric's unit. The size is |control|: of a control of −100 the limit of +5 % is −95, and of a control of 0 it is 0, so that any
	// movement that way is beyond it.
	Value    float64
	Relative bool
}

// GuardrailWord says where a result stands to its limit.
type GuardrailWord string

const (
	Crossed GuardrailWord = "crossed" // the always-valid interval lies wholly beyond the limit
	Near    GuardrailWord = "near"    // not crossed, but worse, and the harmful bound is past 80 % of the limit
	Within  GuardrailWord = "within"  // neither
)

// nearShare is the part of the limit past which the harmful bound counts as near.
const nearShare = 0.8

// guardrail returns the word for a comparison and its limit. A relative limit L is c + L·|c|, and is tested without division: with
// r = 1 + L, or r = 1 − L where the control's value is below 0, or r = 1 where it is 0,
//
//	d = t − r·c,   SE_d² = v_t + r²·v_c,   crossed iff d is beyond 0 by more than k·SE_d
//
// with k of the always-valid interval, and SE_d² after AlwaysVar like that of the difference: the same as asking whether Fieller's interval lies beyond L. While nothing may be said
// (silence, no tuning, no numbers) the word is within. That a row is unreliable does not silence its guardrail: harm that may be
// there is shown, with the reasons for doubt.
// Source: DESIGN §7; without division as Fieller 1954.
func guardrail(c *Comparison, d Design, silence []Reason) GuardrailWord {
	l := *d.Limit
	if len(silence) > 0 || !c.Difference.Always.Interval.OK || l.Value == 0 {
		return Within
	}
	if low, _ := boundsBeyond(c, l, l.Value); low > 0 {
		return Crossed
	}
	if Judge(c.Difference.Always.Interval, d.Direction) == Worse {
		if _, high := boundsBeyond(c, l, nearShare*l.Value); high > 0 {
			return Near
		}
	}
	return Within
}

// boundsBeyond returns the always-valid bounds of beyond.
func boundsBeyond(c *Comparison, l Limit, value float64) (low, high float64) {
	test := beyond(c, l, value)
	h := c.Difference.Always.K.V * test.Cautious().SE.V
	return test.Value.V - h, test.Value.V + h
}

// beyond returns how far the result is past a limit of the given value in the harmful direction, and its standard errors.
func beyond(c *Comparison, l Limit, value float64) Test {
	test := Test{Value: Known(c.Difference.Value.V - value), SE: c.Difference.SE, SEAlways: c.Difference.SEAlways}
	if l.Relative {
		r := 1.0
		switch size := c.Control.Value.V; {
		case size > 0:
			r += value
		case size < 0:
			r -= value
		}
		control := c.Control
		control.Var = Known(r * r * c.Control.Var.V)
		always := test.SEAlways.OK
		test = armsTest(c.Difference.Value.V-(r-1)*c.Control.Value.V, c.Treatment, control, usual)
		if !always {
			test.SEAlways = Number{}
		}
	}
	if l.Value < 0 {
		test.Value.V = -test.Value.V
	}
	return test
}

// NonInferiority tests whether a comparison is shown to be within a limit: one-sided, that the result is short of the limit on
// its harmful side, fixed-horizon and always-valid. It stands beside the word, which says the opposite: that harm is shown. For a
// relative limit the test is of t − r·c without division, so bounds are in the metric's unit and 0 is the limit.
// Source: elementary; the two verdicts are those of Spotify's non-inferiority tests and guardrails.
func NonInferiority(c Comparison, l Limit, tuning Tuning, alpha float64) OneSided {
	if !c.Difference.SE.OK || l.Value == 0 {
		return OneSided{}
	}
	test := beyond(&c, l, l.Value)
	return tuning.OneSided(test, 0, Less, c.Treatment.N, c.Control.N, alpha)
}
