package stats

import (
	"math"
	"testing"
)

func TestEBenjaminiHochberg(t *testing.T) {
	ln := math.Log
	// m = 4, α = .1: the k-th largest must reach 40/k.
	for _, c := range []struct {
		e    []float64
		want []bool
	}{
		{[]float64{41, 1, 1, 1}, []bool{true, false, false, false}},
		{[]float64{39, 1, 1, 1}, []bool{false, false, false, false}},
		{[]float64{21, 1, 21, 1}, []bool{true, false, true, false}},     // neither alone, both together
		{[]float64{10.5, 11, 10.1, 12}, []bool{true, true, true, true}}, // 40/4 for all four
		{[]float64{9.9, 14, 14, 50}, []bool{false, true, true, true}},
	} {
		var logE []float64
		for _, e := range c.e {
			logE = append(logE, ln(e))
		}
		got := EBenjaminiHochberg(logE, .1)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: %v, want %v", c.e, got, c.want)
				break
			}
		}
	}
	if got := EBenjaminiHochberg(nil, .1); len(got) != 0 {
		t.Error(got)
	}
}

func TestDivideSpendsAlphaOnce(t *testing.T) {
	for _, c := range []struct{ goals, others int }{{1, 0}, {2, 18}, {0, 5}, {3, 3}, {0, 0}} {
		s := Divide(.05, .8, c.goals, c.others)
		spent := s.Goal*float64(c.goals) + s.Other*float64(c.others)
		want := .05
		if c.goals+c.others == 0 {
			want = 0
		}
		if math.Abs(spent-want) > 1e-17 {
			t.Errorf("%+v: %v spends %v", c, s, spent)
		}
	}
	if s := Divide(.05, .8, 2, 10); math.Abs(s.Goal-.02) > 1e-17 || math.Abs(s.Other-.001) > 1e-17 {
		t.Errorf("%+v", s)
	}
}
