package stats

import (
	"errors"
	"fmt"
	"math"
)

// ErrPlan: a plan's number is out of its range.
var ErrPlan = errors.New("bad plan")

// normalCDF returns Φ(x), right in every digit in both tails.
func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// finite says that all numbers are neither infinite nor NaN.
func finite(of ...float64) bool {
	for _, v := range of {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// Power returns the chance that a two-sided test with k standard errors to a side rejects, when the true effect has the given
// standard error:
//
//	Φ(|effect|/SE − k) + Φ(−|effect|/SE − k)
//
// The second term, a rejection on the wrong side, matters only for effects that are hardly ever found. k is NormalUpper(α/2) for one look at the end, or K of Always at the planned size for the last look of a sequential test
// (looking before raises it a little). Effect and se have one unit. It returns ErrPlan unless se and k are finite, se > 0 and
// k ≥ 0. Source: elementary. Widening the standard error by k/z and then using z, as GrowthBook's planner does (packages/shared/src/power), is
// another number: about a third less in sample size.
func Power(effect, se, k float64) (float64, error) {
	if !finite(se, k) || !(se > 0) || !(k >= 0) || math.IsNaN(effect) {
		return 0, fmt.Errorf("stats: power of effect %v with standard error %v and k %v: %w", effect, se, k, ErrPlan)
	}
	z := math.Abs(effect) / se
	return normalCDF(z-k) + normalCDF(-z-k), nil
}

// MDE returns the smallest effect that a test with k standard errors to a side finds with the given power: (k + z_power)·SE,
// rejections on the wrong side left out.
// Unit: that of se. It returns ErrPlan unless se and k are finite, se > 0, k ≥ 0 and power is in (0, 1). Source: elementary.
func MDE(se, k, power float64) (float64, error) {
	if !finite(se, k) || !(se > 0) || !(k >= 0) || !(power > 0 && power < 1) {
		return 0, fmt.Errorf("stats: MDE with standard error %v, k %v, power %v: %w", se, k, power, ErrPlan)
	}
	c := k + NormalUpper(1-power)
	if c <= 0 {
		return 0, fmt.Errorf("stats: MDE for power %v: no effect at all is found more often than that: %w", power, ErrPlan)
	}
	return c * se, nil
}

// MDELift is MDE for a lift that is tested by the delta method, whose standard error grows with the lift itself: the L > 0 with
//
//	L = (k + z_power)·sqrt(v_c·(1 + (1+L)²))/|m|
//
// for a control of value m and arms whose values have the variance v_c. It returns ErrPlan if no lift is large enough, and for
// numbers out of range.
func MDELift(m, v, k, power float64) (float64, error) {
	if !finite(m, v, k) || !(v > 0) || m == 0 || !(k >= 0) || !(power > 0 && power < 1) {
		return 0, fmt.Errorf("stats: MDE of a lift over %v with variance %v, power %v: %w", m, v, power, ErrPlan)
	}
	c := k + NormalUpper(1-power)
	a := c * c * v / (m * m)
	if a >= 1 {
		return 0, fmt.Errorf("stats: MDE of a lift over %v with variance %v: the control is too near 0: %w", m, v, ErrPlan)
	}
	// (1−a)·L² − 2a·L − 2a = 0
	return (a + math.Sqrt(a*a+2*a*(1-a))) / (1 - a), nil
}

// RequiredSubjects returns how many subjects the control needs, unrounded, for a test with k standard errors to a side to find
// an effect with the given power, where a treatment has share times as many:
//
//	n_c = (k + z_power)²·(s_c² + s_t²/share)/effect²
//
// s² are the variances of one subject. It returns ErrPlan for an effect or share of 0, for numbers out of range,
// and where n leaves the range of float64.
// Source: elementary; the same as Booking's calculator and ep-stats.
func RequiredSubjects(effect, varControl, varTreatment, share, k, power float64) (float64, error) {
	if !finite(effect, varControl, varTreatment, share, k) || effect == 0 || !(k >= 0) || !(varControl >= 0) || !(varTreatment >= 0) || !(share > 0) || !(power > 0 && power < 1) {
		return 0, fmt.Errorf("stats: subjects for effect %v, variances %v and %v, share %v, power %v: %w", effect, varControl, varTreatment, share, power, ErrPlan)
	}
	c := (k + NormalUpper(1-power)) / effect
	if c*effect <= 0 {
		return 0, fmt.Errorf("stats: subjects for power %v: no effect at all is found more often than that: %w", power, ErrPlan)
	}
	n := c * c * (varControl + varTreatment/share)
	if !finite(n) {
		return 0, fmt.Errorf("stats: subjects for effect %v are more than a float64 can count: %w", effect, ErrPlan)
	}
	return n, nil
}
