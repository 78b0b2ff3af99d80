package stats

import (
	"math"
	"testing"
)

func TestOneSidedBoundOfConfseq(t *testing.T) {
	// confseq test/uniform_boundaries_unittest.cpp: one-sided normal mixture bound at v = v_opt = 100, α = .05.
	w := 100 / (100 + Rho(100, 0.1))
	if got := halfMixtureBound(w, 0.05) * 10; math.Abs(got-27.66071) > 5e-6 {
		t.Errorf("bound %v, confseq has 27.66071", got)
	}
	// The same through the front door: arms of 200 with an error that makes v = 100.
	se := 10 / 100.0
	o := Tuning{V: 100}.OneSided(Test{Value: Known(0), SE: Known(se), Z: Known(0)}, 0, Greater, 200, 200, 0.05)
	if math.Abs(o.K.V*10-27.66071) > 5e-6 || math.Abs(o.BoundAlways.V+se*o.K.V) > 1e-15 {
		t.Errorf("%+v, confseq has 27.66071", o)
	}
}

func TestOneSidedBoundReachesItsLevel(t *testing.T) {
	r := newRand(t)
	for range 3000 {
		w, alpha := r.Float64(), 0.4*math.Exp(-8*r.Float64())
		if w < 1e-4 {
			continue
		}
		k := halfMixtureBound(w, alpha)
		if got := halfMixture(w, k); math.Abs(got+math.Log(alpha)) > 1e-9 {
			t.Fatalf("w %v, α %v: ln e at k = %v is %v", w, alpha, k, got)
		}
	}
}

func TestOneSidedTest(t *testing.T) {
	test := Test{Value: Known(0.3), SE: Known(0.1), Z: Known(3)}
	tuning := Tuning{V: 30}
	up := tuning.OneSided(test, 0, Greater, 1000, 1000, 0.05)
	down := tuning.OneSided(test, 0, Less, 1000, 1000, 0.05)
	if math.Abs(up.Z.V-3) > 1e-15 || math.Abs(down.Z.V+3) > 1e-15 {
		t.Errorf("z %v and %v", up.Z, down.Z)
	}
	if relative(up.P.V, 0.0013498980316300945) > 1e-12 || relative(down.P.V, 1-0.0013498980316300945) > 1e-12 {
		t.Errorf("p %v and %v", up.P.V, down.P.V)
	}
	if relative(up.Bound.V, 0.3-0.1644853626951472) > 1e-12 || relative(down.Bound.V, 0.3+0.1644853626951472) > 1e-12 {
		t.Errorf("bounds %v and %v", up.Bound, down.Bound)
	}
	if up.BoundAlways.V >= up.Bound.V || down.PAlways.V != 1 {
		t.Errorf("always %v, %v; the other side's p %v", up.BoundAlways, up.Bound, down.PAlways)
	}
	// A margin moves the test, not the bound.
	moved := tuning.OneSided(test, 0.3, Greater, 1000, 1000, 0.05)
	if math.Abs(moved.P.V-.5) > 1e-12 || moved.BoundAlways != up.BoundAlways {
		t.Errorf("%+v", moved)
	}
	// One side at α is tighter than both sides at α, and not as tight as ignoring one side would be.
	both := tuning.Always(test, 1000, 1000, 0.05)
	wide := tuning.Always(test, 1000, 1000, 0.1)
	if !(up.K.V < both.K.V) || !(up.K.V > wide.K.V*0.97) {
		t.Errorf("k one-sided %v, two-sided %v and %v at 2α", up.K, both.K, wide.K)
	}
	for name, o := range map[string]OneSided{
		"no se":           tuning.OneSided(Test{Value: Known(1), SE: Known(0)}, 0, Greater, 10, 10, .05),
		"far away":        tuning.OneSided(Test{Value: Known(1e5), SE: Known(1), Z: Known(1e5)}, 0, Greater, 10, 10, .05),
		"far on the left": tuning.OneSided(Test{Value: Known(-100), SE: Known(1), Z: Known(-100)}, 0, Greater, 10, 10, .05),
	} {
		requireFinite(t, name, o)
		if name != "no se" && !o.LogE.OK {
			t.Errorf("%s: no ln e", name)
		}
	}
}

func TestStudentMixtureGuardsSmallSamples(t *testing.T) {
	// Computed beforehand by avlm's formula, with r from N* = 10,000: infinite at n ≤ 50, 20.3 at 100 (the normal mixture has
	// 9.08), 3.876 at 1,000 (3.855).
	k := func(n int64) (student, normal Always) {
		r := Rho(10000, 0.05)
		w := float64(n) / (float64(n) + r)
		return studentMixture(w, unit(1), float64(n-2), 0.05), mixture(w, unit(1), 0.05)
	}
	if s, _ := k(50); s.K.OK || s.Interval.OK || !s.P.OK {
		t.Errorf("at 50 subjects: %+v", s)
	}
	if s, n := k(100); math.Abs(s.K.V-20.3) > 0.06 || math.Abs(n.K.V-9.08) > 0.005 {
		t.Errorf("at 100 subjects: %v, normal %v", s.K.V, n.K.V)
	}
	if s, n := k(1000); math.Abs(s.K.V-3.876) > 0.002 || math.Abs(n.K.V-3.855) > 0.0005 {
		t.Errorf("at 1,000 subjects: %v, normal %v", s.K.V, n.K.V)
	}
	if s, n := k(10000000); relative(s.K.V, n.K.V) > 1e-5 {
		t.Errorf("at 10 million subjects: %v, normal %v", s.K.V, n.K.V)
	}
	// p ≤ α exactly beyond k.
	for _, n := range []int64{100, 500, 5000} {
		s, _ := k(n)
		w := float64(n) / (float64(n) + Rho(10000, 0.05))
		for _, z := range []float64{s.K.V * (1 - 1e-9), s.K.V * (1 + 1e-9)} {
			a := studentMixture(w, unit(z), float64(n-2), 0.05)
			if (a.P.V <= 0.05) != (a.Interval.Low > 0) {
				t.Errorf("n %d, z %v: p %v, interval %v", n, z, a.P.V, a.Interval)
			}
		}
	}
}
