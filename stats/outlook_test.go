package stats

import (
	"errors"
	"math"
	"testing"
)

func TestOutlookAgreesWithItself(t *testing.T) {
	r := newRand(t)
	for range 2000 {
		n := Needed{
			NT: 100 + r.Int64N(1e6), NC: 100 + r.Int64N(1e6), SE: math.Exp(5 * r.NormFloat64()), Alpha: math.Exp(-2 - 8*r.Float64()), FinalLook: r.IntN(2) == 0,
		}
		n.Tuning = Tuning{V: Intrinsic(n.NT, n.NC, n.SE) * math.Exp(2*r.NormFloat64())}
		if r.IntN(3) == 0 {
			n.Tuning = Tuning{Tau2: n.SE * n.SE * math.Exp(2*r.NormFloat64())}
		}
		x, power := math.Exp(r.NormFloat64()), .5+.49*r.Float64()
		effect, err := n.Effect(x, power)
		if err != nil {
			t.Fatal(err)
		}
		// The effect that is found with a power has that power there (the wrong side, left out by the one, is nothing here) …
		if got, err := n.Power(-effect, x); err != nil || math.Abs(got-power) > 2e-3 {
			t.Fatalf("%+v: power %v of the effect found with %v, %v", n, got, power, err)
		}
		// … and needs that many subjects.
		now := float64(n.NT + n.NC)
		if got, err := n.Subjects(effect, power); err != nil || math.Abs(float64(got)-x*now) > 1+1e-6*x*now {
			t.Fatalf("%+v: %d subjects for the effect found at %v, %v", n, got, x*now, err)
		}
	}
	// Planned for 5,000 subjects, needed some 36 times as many: k lies between 3.394 (at 30 times) and 3.562 (at 100), where a fixed test
	// has 1.96.
	n := Needed{NT: 50, NC: 50, SE: 1, Tuning: Tuning{V: Intrinsic(50, 50, 1) * 50}, Alpha: .05}
	z := NormalUpper(.2)
	for k, low := range map[float64]bool{3.394: true, 3.562: false} {
		bound := math.Pow((k+z)/.1, 2) * 100
		if got, err := n.Subjects(.1, .8); err != nil || (float64(got) > bound) != low {
			t.Errorf("%v subjects, %v; with k = %v they would be %v", got, err, k, bound)
		}
	}
	if d, err := n.Days(1100, 50); d != 20 || err != nil {
		t.Errorf("%v days, %v", d, err)
	}
	if d, err := n.Days(10, 50); d != 0 || err != nil {
		t.Errorf("%v days, %v", d, err)
	}
}

func TestOutlookRefuses(t *testing.T) {
	good := Needed{NT: 10, NC: 10, SE: 1, Tuning: Tuning{V: 1}, Alpha: .05}
	for name, change := range map[string]func(*Needed){
		"no error": func(n *Needed) { n.SE = 0 }, "NaN": func(n *Needed) { n.SE = math.NaN() }, "nobody": func(n *Needed) { n.NT = 0 },
		"no tuning": func(n *Needed) { n.Tuning = Tuning{} }, "α of 1": func(n *Needed) { n.Alpha = 1 },
	} {
		n := good
		change(&n)
		_, e := n.Effect(1, .8)
		_, p := n.Power(1, 1)
		if !errors.Is(e, ErrPlan) || !errors.Is(p, ErrPlan) {
			t.Errorf("%s: %v, %v", name, e, p)
		}
	}
	if _, err := good.Effect(0, .8); !errors.Is(err, ErrPlan) {
		t.Error(err)
	}
	if _, err := good.Days(5, 0); !errors.Is(err, ErrPlan) {
		t.Error(err)
	}
}
