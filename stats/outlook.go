package stats

import (
	"fmt"
	"math"
)

// What an experiment that is under way can still find: Subjects says how large it must become, Effect and Power what it finds when there
// are x times as many subjects as now (1: at a look now, with what there is). Both are of the last look; looking before raises the power
// a little. They go by the standard error, not by the effect seen so far: the power of the effect seen is the p in other words.

// Effect returns the smallest true effect that the always-valid test shows with the given power at x times as many subjects,
// (k(x) + z_power)·SE/√x, in the unit of SE. It returns ErrPlan for numbers out of range. Source: elementary.
func (n Needed) Effect(x, power float64) (float64, error) {
	if err := n.check(x); err != nil {
		return 0, err
	}
	effect, err := MDE(n.SE/math.Sqrt(x), n.K(x), power)
	if err == nil && math.IsInf(effect, 0) {
		err = fmt.Errorf("stats: no effect is shown at %v times %d and %d subjects: the tuning %+v is too far from what there is: %w", x, n.NT, n.NC, n.Tuning, ErrPlan)
	}
	if err != nil {
		return 0, err
	}
	return effect, nil
}

// Power returns the chance that the always-valid test shows a true effect at x times as many subjects. It returns ErrPlan for numbers out
// of range. Source: elementary.
func (n Needed) Power(effect, x float64) (float64, error) {
	if err := n.check(x); err != nil {
		return 0, err
	}
	return Power(effect, n.SE/math.Sqrt(x), n.K(x))
}

// Days returns how many more days it takes to come from the subjects of now to the given number, at so many new subjects a day; 0 if they
// are there already. It returns ErrPlan unless the number a day is above 0.
func (n Needed) Days(subjects int64, perDay float64) (float64, error) {
	if !(perDay > 0) || math.IsInf(perDay, 0) {
		return 0, fmt.Errorf("stats: days to %d subjects at %v a day: %w", subjects, perDay, ErrPlan)
	}
	return math.Max(0, float64(subjects-n.NT-n.NC)/perDay), nil
}

func (n Needed) check(x float64) error {
	if !(n.SE > 0) || n.NT <= 0 || n.NC <= 0 || !n.Tuning.Set() || !(n.Alpha > 0 && n.Alpha < 1) || !(x > 0) || math.IsInf(x, 0) {
		return fmt.Errorf("stats: outlook at %v times %d and %d subjects with standard error %v at level %v: %w", x, n.NT, n.NC, n.SE, n.Alpha, ErrPlan)
	}
	return nil
}
