package stats

import (
	"errors"
	"math"
	"testing"
)

func must(t *testing.T) func(float64, error) Number {
	return func(v float64, err error) Number {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return Known(v)
	}
}

func TestRequiredSubjectsVectors(t *testing.T) {
	// ep-stats tests/epstats/toolkit/test_statistics.py, said there to match Booking's calculator; rounded up.
	z := NormalUpper(.025)
	for _, c := range []struct {
		effect, varC, varT float64
		want               float64
	}{
		{.1 * .2, 1.2 * 1.2, 1.2 * 1.2, 56512},
		{.05 * .3, 4, 4, 279072},
		{.05 * .4, .4 * .6, .42 * .58, 9490},
		{.1 * .1, .1 * .9, .11 * .89, 14749},
	} {
		n, err := RequiredSubjects(c.effect, c.varC, c.varT, 1, z, .8)
		if err != nil || math.Ceil(n) != c.want {
			t.Errorf("effect %v: %v, %v, want %v", c.effect, n, err, c.want)
		}
		// At that size the effect is the MDE, and its power 80 %.
		se := math.Sqrt((c.varC + c.varT) / n)
		printed(t, "MDE", must(t)(MDE(se, z, .8)), c.effect, 12)
		printed(t, "power", must(t)(Power(-c.effect, se, z)), .8, 5)
	}
	// A treatment half as large makes the control larger by half.
	one, _ := RequiredSubjects(1, 1, 1, 1, z, .8)
	half, _ := RequiredSubjects(1, 1, 1, .5, z, .8)
	if relative(half, 1.5*one) > 1e-12 {
		t.Errorf("%v, %v", one, half)
	}
}

func TestPlansAreRefused(t *testing.T) {
	for name, err := range map[string]error{
		"power without error":    second(Power(1, 0, 2)),
		"MDE without error":      second(MDE(0, 2, .8)),
		"MDE at power 1":         second(MDE(1, 2, 1)),
		"lift over 0":            second(MDELift(0, 1, 2, .8)),
		"lift over almost 0":     second(MDELift(.1, 1, 2, .8)),
		"no effect":              second(RequiredSubjects(0, 1, 1, 1, 2, .8)),
		"no share":               second(RequiredSubjects(1, 1, 1, 0, 2, .8)),
		"a variance that is NaN": second(RequiredSubjects(1, math.NaN(), 1, 1, 2, .8)),
	} {
		if !errors.Is(err, ErrPlan) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ float64, err error) error { return err }
