package stats

import (
	"math"
	"testing"
)

func TestHybridSpendsHalfOfAlphaOnEach(t *testing.T) {
	tuning, test := Tuning{V: 500}, Test{Value: Known(.05), SE: Known(.02), Z: Known(2.5)}
	test.P, _ = TwoSidedP(2.5)
	before := tuning.Hybrid(test, 1000, 1000, .05, false)
	half := tuning.Always(test, 1000, 1000, .025)
	if before.K != half.K || before.Interval != half.Interval || before.P.V != math.Min(1, 2*half.P.V) {
		t.Errorf("before the end %+v, always-valid at α/2 %+v", before, half)
	}
	at := tuning.Hybrid(test, 1000, 1000, .05, true)
	if relative(at.K.V, 2.2414027276049473) > 1e-14 || relative(at.P.V, 2*test.P.V) > 1e-14 {
		t.Errorf("at the end k %v, p %v", at.K, at.P)
	}
	// p ≤ α exactly when the interval leaves 0 out, here too.
	for _, z := range []float64{at.K.V * (1 - 1e-9), at.K.V * (1 + 1e-9)} {
		test := Test{Value: Known(z), SE: Known(1), Z: Known(z)}
		test.P, _ = TwoSidedP(z)
		a := Tuning{Tau2: .01}.Hybrid(test, 1000, 1000, .05, true)
		if (a.P.V <= .05) != (a.Interval.Low > 0) {
			t.Errorf("z %v: %+v", z, a)
		}
	}
	if a := (Tuning{}).Hybrid(test, 1000, 1000, .05, true); a != (Always{}) {
		t.Errorf("without tuning: %+v", a)
	}
}
