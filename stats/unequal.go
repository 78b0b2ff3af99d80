package stats

import "math"

// Arms of which one has at least balanced of the other's subjects are as good as equal, those with at most unequal of them are not; between
// the two the allowance grows from none to all.
const (
	balanced = 2.0 / 3
	unequal  = 1.0 / 2
)

// allowance returns the factors by which the arms' variances count in the second form of AlwaysVar: (1−g) + g·n_t/n_c and
// (1−g) + g·n_c/n_t. Both are 1 where the arms are balanced, or one is empty.
func allowance(nt, nc int64) (ft, fc float64) {
	t, c := float64(nt), float64(nc)
	share := math.Min(t, c) / math.Max(t, c)
	if !(share > 0) || share >= balanced {
		return 1, 1
	}
	g := math.Min(1, (balanced-share)/(balanced-unequal))
	return 1 - g + g*t/c, 1 - g + g*c/t
}

// AlwaysVar returns the variance of a difference that the always-valid test goes by:
//
//	V* = max(v_t + v_c, (1−g)·(v_t + v_c) + g·P),   P = v_t·n_t/n_c + v_c·n_c/n_t
//
// where v are the variances of the arms' values and P is the variance with one pooled estimate for both arms, s²·(1/n_t + 1/n_c) with
// s² = (n_t·s_t² + n_c·s_c²)/n. g is 0 while the smaller arm has at least 2/3 of the larger one's subjects, 1 from 1/2 on, and linear
// between: balanced arms are tested by v_t + v_c, to the bit.
//
// The reason are skewed values in arms of very different size. An arm that has not met its outliers yet has a low value and a low
// variance, both at once: the covariance of the difference with v_t + v_c is κ₃·(1/n_t² − 1/n_c²), κ₃ being the third moment. That is
// nothing between equal arms, and in a canary it makes |z| large exactly when the small arm is low. With P it is 0, whatever the sizes: the
// large arm knows better what outliers there are. By P alone an outlier in the small arm would be judged by a variance that hardly knows
// it, and a small arm that truly varies more by one that is not its own; so the greater of the two counts. The price is an interval that is
// too wide where the smaller arm truly varies less.
//
// It is for the always-valid test only. The one-look test and interval, an explicit Tau2 and the forms by count keep v_t + v_c, for they are
// held against other tools. Source: elementary; measured in docs/protocol.md (rows A4s).
func AlwaysVar(t, c Estimate) Number {
	if !t.Var.OK || !c.Var.OK {
		return Number{}
	}
	ft, fc := allowance(t.N, c.N)
	return Known(math.Max(t.Var.V+c.Var.V, ft*t.Var.V+fc*c.Var.V))
}

// armsTest is normalTest of the difference of two arms, with what the always-valid test goes by where that is another error.
func armsTest(diff float64, t, c Estimate, l level) Test {
	test := normalTest(diff, t.Var, c.Var, l)
	if ft, fc := allowance(t.N, c.N); ft != fc {
		if v := AlwaysVar(t, c); v.OK {
			test.SEAlways = Known(math.Sqrt(v.V))
		}
	}
	return test
}

// Cautious returns the test with SEAlways in the place of SE, and Z after it: what an always-valid test is made of. The parts for one look
// are not in it. A test without SEAlways is returned as it is.
func (t Test) Cautious() Test {
	if !t.SEAlways.OK || !t.SE.OK {
		return t
	}
	c := Test{Value: t.Value, SE: t.SEAlways, SEAlways: t.SEAlways}
	if c.SE.V > 0 {
		c.Z = Known(c.Value.V / c.SE.V)
	}
	return c
}

// tests takes SEAlways out of a test that a tuning with Tau2 is for.
func (t Tuning) tests(test Test) Test {
	if t.Tau2 > 0 {
		test.SEAlways = Number{}
	}
	return test
}

// tested is what a tuning's test goes by: with Tau2 the test as it is, for parity with other tools.
func (t Tuning) tested(test Test) Test {
	if t.Tau2 > 0 {
		return test
	}
	return test.Cautious()
}
