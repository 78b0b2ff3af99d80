package stats

import (
	"math"
	"testing"
)

// At the number returned the last look finds the effect with the power asked for, and at one less it does not.
func TestNeededSubjectsAreTheLeast(t *testing.T) {
	for _, n := range []Needed{
		{NT: 1000, NC: 1000, SE: 0.02, Tuning: Tuning{V: Intrinsic(1000, 1000, 0.02) * 5}, Alpha: 0.05},
		{NT: 300, NC: 2700, SE: 0.5, Tuning: Tuning{V: Intrinsic(300, 2700, 0.5) * 10}, Alpha: 0.005},
		{NT: 1000, NC: 1000, SE: 0.02, Tuning: Tuning{Tau2: 1e-3}, Alpha: 0.05},
		{NT: 1000, NC: 1000, SE: 0.02, Tuning: Tuning{V: Intrinsic(1000, 1000, 0.02) * 5}, Alpha: 0.05, FinalLook: true},
	} {
		for _, effect := range []float64{n.SE / 2, -n.SE * 3, n.SE * 20} {
			need, err := n.Subjects(effect, 0.8)
			if err != nil {
				t.Fatal(err)
			}
			power := func(subjects int64) float64 {
				x := float64(subjects) / float64(n.NT+n.NC)
				return normalCDF(math.Abs(effect)/(n.SE/math.Sqrt(x)) - n.K(x))
			}
			if power(need) < 0.8-1e-9 || power(need-1) >= 0.8 {
				t.Errorf("%+v, effect %v: %d subjects, power %v, with one less %v", n, effect, need, power(need), power(need-1))
			}
		}
	}
}

// The boundary is that of the always-valid test itself, and with a final look the lesser of the two.
func TestNeededUsesTheTestsOwnBoundary(t *testing.T) {
	tuning := Tuning{V: 400}
	test := normalTest(0.1, Known(0.003), Known(0.001), levelOf(0.05))
	n := Needed{NT: 800, NC: 900, SE: test.SE.V, Tuning: tuning, Alpha: 0.05}
	if want := tuning.Always(test, 800, 900, 0.05).K.V; relative(n.K(1), want) > 1e-14 {
		t.Errorf("k %v, want %v", n.K(1), want)
	}
	n.FinalLook = true
	if want := tuning.Hybrid(test, 800, 900, 0.05, true).K.V; relative(n.K(1), want) > 1e-14 {
		t.Errorf("with a final look k %v, want %v", n.K(1), want)
	}
	// The size at v* against that of one look: (3.035 + 0.842)²/(1.960 + 0.842)² = 1.915 times as many. Widening the standard error by
	// k/z and then using z would give (3.035/1.960)² = 2.398.
	n = Needed{NT: 5000, NC: 5000, SE: 1, Tuning: Tuning{Tau2: 1}, Alpha: 0.05}
	effect := (3.0350 + NormalUpper(0.2)) * 1
	n.Tuning = Tuning{V: Intrinsic(5000, 5000, 1)}
	got, err := n.Subjects(effect, 0.8)
	if err != nil || math.Abs(float64(got)-10000) > 5 {
		t.Errorf("%d subjects, %v", got, err)
	}
	fixed, _ := RequiredSubjects(effect, 2500, 2500, 1, NormalUpper(0.025), 0.8)
	if ratio := float64(got) / (2 * fixed); math.Abs(ratio-1.915) > 0.002 {
		t.Errorf("%v times as many as one look needs", ratio)
	}
}

func TestNeededRefuses(t *testing.T) {
	good := Needed{NT: 100, NC: 100, SE: 1, Tuning: Tuning{V: 10}, Alpha: 0.05}
	for name, f := range map[string]func(*Needed) (float64, float64){
		"no effect": func(*Needed) (float64, float64) { return 0, .8 }, "power 1": func(*Needed) (float64, float64) { return 1, 1 },
		"no error": func(n *Needed) (float64, float64) { n.SE = 0; return 1, .8 }, "no tuning": func(n *Needed) (float64, float64) { n.Tuning = Tuning{}; return 1, .8 },
		"nobody": func(n *Needed) (float64, float64) { n.NT, n.NC = 0, 0; return 1, .8 }, "tiny": func(*Needed) (float64, float64) { return 1e-12, .8 },
		"infinite": func(*Needed) (float64, float64) { return math.Inf(1), .8 },
	} {
		n := good
		effect, power := f(&n)
		if got, err := n.Subjects(effect, power); err == nil {
			t.Errorf("%s: %d", name, got)
		}
	}
}
