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

func TestPowerVectors(t *testing.T) {
	// GrowthBook packages/shared/test/power.test.ts: mean 10, variance 3909.99977, lift .05, 400,000 subjects in three arms.
	const mean, variance, lift = 10, 3909.99977, 0.05
	n := int64(400000) / 3
	v := variance / float64(n)
	arm := func(value float64) Estimate {
		return Estimate{N: n, Value: Known(value), Var: Known(v)}
	}
	se := plainEffect(Test{Value: Known(mean * lift)}, arm(mean*(1+lift)), arm(mean)).deltaSE()
	z := NormalUpper(.025)
	printed(t, "power", must(t)(Power(lift, se, z)), .52144, 5)
	printed(t, "MDE at 80 %", must(t)(MDELift(mean, v, z, .8)), .07027, 5)

	// Its planner has .20596 and .12821 for the sequential test with N* = 5000: it widens the error by k/z and then uses z. At
	// the last look the boundary is k, which gives .07206 and .11044.
	k := AlwaysByCount(unit(1), 2*n, 5000, .05).K.V
	printed(t, "sequential power", must(t)(Power(lift, se, k)), .07206, 5)
	printed(t, "sequential MDE", must(t)(MDELift(mean, v, k, .8)), .11044, 4)
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
