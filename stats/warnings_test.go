package stats

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func TestDriftIsTheTestOfEachSubjectsOwnChange(t *testing.T) {
	// Late less early, subject by subject, compared as a plain mean: the same number, from the sums alone.
	r := newRand(t)
	for range 100 {
		arm := func(effect int64) (both, change *moment.Sums) {
			both, change = &moment.Sums{}, &moment.Sums{}
			for range 50 + r.IntN(100) {
				early := r.Int64N(1000)
				late := early/2 + r.Int64N(500) + effect
				both.Add(moment.Point{In: true, Num: late, Den: 1, Pre: early})
				change.Add(moment.Point{In: true, Num: late - early, Den: 1})
			}
			return both, change
		}
		bothT, changeT := arm(60)
		bothC, changeC := arm(0)
		got := Drift(bothT, bothC, moment.Scale{}, true, .05)
		want := Compare(changeT, changeC, Design{}).Difference
		if math.Abs(got.Value.V-want.Value.V) > 1e-9 || relative(got.SE.V, want.SE.V) > 1e-12 || relative(got.P.V, want.P.V) > 1e-9 {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

func TestDriftOfNothing(t *testing.T) {
	for name, s := range map[string]*moment.Sums{
		"nobody": {}, "one subject": constant(1, 2, 1), "no denominators": constant(9, 2, 0), "no early window of a ratio": constant(9, 2, 3),
	} {
		if d := Drift(s, constant(50, 1, 1), moment.Scale{}, false, .05); d.Value.OK || d.P.OK {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestSuspiciousLift(t *testing.T) {
	lift := func(v, low, high float64) Lift { return Lift{Value: Known(v), Interval: Between(low, high)} }
	for _, c := range []struct {
		l    Lift
		want bool
	}{
		{lift(.8, .6, 1), true}, {lift(-.6, -.7, -.5), true}, {lift(.8, -.1, 1.7), false}, {lift(.3, .2, .4), false}, {Lift{Value: Known(5)}, false}, {Lift{}, false},
	} {
		if got := Suspicious(c.l); got != c.want {
			t.Errorf("%+v: %v", c.l, got)
		}
	}
}
