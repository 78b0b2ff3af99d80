package stats

import (
	"math"
	"slices"
	"testing"
)

func TestEBHAdjustedByHand(t *testing.T) {
	// m = 4: 4/(1·100), 4/(2·30), 4/(3·20) of which the last is the least, and 4/(4·1).
	ln := func(e ...float64) []float64 {
		for i := range e {
			e[i] = math.Log(e[i])
		}
		return e
	}
	got := EBenjaminiHochbergP(ln(20, 100, 1, 30))
	for i, want := range []float64{1.0 / 15, 0.04, 1, 1.0 / 15} {
		if relative(got[i], want) > 1e-14 {
			t.Errorf("adjusted %v, want %v at %d", got, want, i)
		}
	}
	if q := EBenjaminiHochbergP([]float64{5000, -3}); q[0] <= 0 || q[1] != 1 {
		t.Errorf("%v", q)
	}
	if q := EBenjaminiHochbergP(nil); len(q) != 0 {
		t.Errorf("%v", q)
	}
}

// What is at most α is just what e-BH rejects, for e-values with ties and far beyond what a float holds.
func TestEBHAdjustedAgreesWithTheRejections(t *testing.T) {
	rng := newRand(t)
	rejected := 0
	for range 3000 {
		logE := make([]float64, 1+rng.IntN(12))
		for i := range logE {
			logE[i] = math.Round(rng.NormFloat64()*4+1) * []float64{1, 1, 400}[rng.IntN(3)]
		}
		q, want := EBenjaminiHochbergP(logE), EBenjaminiHochberg(logE, 0.07)
		for i := range q {
			if (q[i] <= 0.07) != want[i] {
				t.Fatalf("%v: adjusted %v, rejected %v", logE, q, want)
			}
		}
		if slices.Contains(want, true) {
			rejected++
		}
	}
	if rejected < 300 {
		t.Errorf("only %d families had a rejection", rejected)
	}
}
