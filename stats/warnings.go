package stats

import (
	"math"

	"github.com/tidemark/tidemark/stats/moment"
)

// suspiciousLift is the lift beyond which a fault of measurement is likelier than an effect.
const suspiciousLift = 0.5

// Suspicious says that a lift is more than 50 % to either side and clear of 0: in a running product a sign that something is counted
// twice, or not at all, in one arm. Source: GrowthBook's default.
func Suspicious(l Lift) bool {
	return l.Value.OK && l.Interval.OK && math.Abs(l.Value.V) > suspiciousLift && (l.Interval.Low > 0 || l.Interval.High < 0)
}

// Drift tests whether the effect changes with the time since the first exposure: novelty that wears off, or learning. The sums
// have each subject's late window as numerator and denominator and its early window in the place of the pre-period, and only
// subjects whose two windows are over; with mean the early window of a subject counts by itself, else as a ratio.
//
//	d = (R_t − R_c) − (S_t − S_c),   SE² = Σⱼ (s_yy − 2·s_yx + s_xx)/nⱼ
//
// with y the late and x the early (linearised) values: the two windows of a subject go together, and the covariance knows it. Unit:
// the metric's. What can't be computed is absent. Source: CUPED with θ = 1.
func Drift(treatment, control *moment.Sums, sc moment.Scale, mean bool, alpha float64) Test {
	if treatment.Den.Sign() <= 0 || control.Den.Sign() <= 0 {
		return Test{}
	}
	lt, errT := treatment.Linear(sc, mean)
	lc, errC := control.Linear(sc, mean)
	if errT != nil || errC != nil {
		return Test{}
	}
	diff := moment.RatioDifference(treatment, control, sc) - (lt.X - lc.X)
	late := func(l *moment.Linear) Estimate { return Estimate{N: l.N, Var: Known(l.Residual(1) / float64(l.N))} }
	return armsTest(diff, late(&lt), late(&lc), levelOf(alpha))
}
