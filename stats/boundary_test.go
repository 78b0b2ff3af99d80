package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// Without anything said the test is the one of DESIGN §7, to the bit; and each part changes what it says and no more.
func TestBoundaryIsTheDefaultUnlessSaid(t *testing.T) {
	test := normalTest(0.3, Known(0.01), Known(0.004), levelOf(0.05))
	tuning := Tuning{V: 900}
	if got, want := (Boundary{}).Test(tuning, test, 700, 800, 0.05), tuning.Always(test, 700, 800, 0.05); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := (Boundary{Alpha: 0.01}).Test(tuning, test, 700, 800, 0.05), tuning.Always(test, 700, 800, 0.01); got != want {
		t.Errorf("share: %+v, want %+v", got, want)
	}
	if got, want := (Boundary{Student: true}).Test(tuning, test, 700, 800, 0.05), tuning.StudentMixture(test, 700, 800, 0.05); got != want {
		t.Errorf("student: %+v, want %+v", got, want)
	}
	got, want := (Boundary{FinalLook: true}).Test(tuning, test, 700, 800, 0.05), tuning.Hybrid(test, 700, 800, 0.05, false)
	if got.P != want.P || got.K != want.K || got.Interval != want.Interval {
		t.Errorf("final look: %+v, want %+v", got, want)
	}
	// At its look the p of both halves is twice the lesser of the two.
	if look := tuning.Hybrid(test, 700, 800, 0.05, true); look.P.V != math.Min(got.P.V, 2*test.P.V) {
		t.Errorf("at the look p %v, want the lesser of %v and 2·%v", look.P.V, got.P.V, test.P.V)
	}
}

// At every level and shape, p is at most the level exactly when the interval excludes 0, and e at least its inverse.
func TestBoundaryIsOneDecision(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	decided := 0
	for range 5000 {
		b := Boundary{Student: rng.IntN(2) == 0, FinalLook: rng.IntN(2) == 0}
		if rng.IntN(2) == 0 {
			b.Alpha = 0.05 / float64(1+rng.IntN(20))
		}
		test := normalTest(rng.NormFloat64()*0.4, Known(0.01), Known(0.004), levelOf(0.05))
		a := b.Test(Tuning{V: 900}, test, 700, 800, 0.05)
		if !a.Interval.OK || !a.P.OK {
			continue
		}
		level := b.Level(0.05)
		excludes := a.Interval.Low > 0 || a.Interval.High < 0
		if (a.P.V <= level) != excludes || (a.LogE.V >= -math.Log(level)) != excludes {
			t.Fatalf("%+v: p %v, e %v at level %v, interval %+v", b, a.P.V, math.Exp(a.LogE.V), level, a.Interval)
		}
		if excludes {
			decided++
		}
	}
	if decided < 500 {
		t.Errorf("only %d decided", decided)
	}
}

// The adjusted difference has no final look, and stands at the level that the plain one has for looking: a row has one level.
func TestAdjustedDifferenceStandsAtTheLevelOfThePlainOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	var arms [2]moment.Sums
	for i := range 2000 {
		pre := rng.Int64N(100)
		arms[i%2].Add(moment.Point{In: true, Num: pre + rng.Int64N(50), Den: 1, Pre: pre, PreDen: 1})
	}
	d := Design{Alpha: 0.05, CUPED: true, Tuning: Tuning{V: 5e5}, CUPEDTuning: Tuning{V: 5e5}, Boundary: Boundary{FinalLook: true}}
	half := Compare(&arms[0], &arms[1], d)
	for name, test := range map[string]Test{"plain": half.Difference, "adjusted": half.CUPED.Difference} {
		if want := (Tuning{V: 5e5}).Hybrid(test, 1000, 1000, 0.05, false); test.Always.K != want.K || test.Always.Interval != want.Interval || test.Always.P != want.P {
			t.Errorf("%s: %+v, at half of the level %+v", name, test.Always, want)
		}
	}
	if lift := half.CUPED.Lift.IntervalAlways; !lift.OK || (lift.Low > 0) != (half.CUPED.Difference.Always.Interval.Low > 0) {
		t.Errorf("the lift's interval %+v beside %+v", lift, half.CUPED.Difference.Always)
	}
	d.Boundary.FinalLook = false
	plain := Compare(&arms[0], &arms[1], d)
	if plain.CUPED.Difference.Always == half.CUPED.Difference.Always || plain.CUPED.Difference.Interval != half.CUPED.Difference.Interval {
		t.Errorf("without a look kept: %+v, with one %+v", plain.CUPED.Difference, half.CUPED.Difference)
	}
}
