package stats

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// around makes n subjects whose values have the given mean (in thousandths) and a spread that is the same for every mean.
func around(n, mean int64) *moment.Sums {
	return spread(n, func(i int64) moment.Point { return moment.Point{Num: mean + (i%201-100)*10, Den: 1} })
}

func TestGuardrailWords(t *testing.T) {
	const n = 40200 // the always-valid interval reaches .0124 to a side
	scale := moment.Scale{Num: 3}
	control := around(n, 1000)
	v, ok := Tune(control, control, scale, 2*n)
	if !ok {
		t.Fatal("not tuned")
	}
	for _, c := range []struct {
		name      string
		mean      int64
		limit     Limit
		direction Direction
		tuning    Tuning
		want      GuardrailWord
	}{
		{"no harm", 1000, Limit{+0.05, true}, Down, Tuning{V: v}, Within},
		{"harm, far from the limit", 1026, Limit{+0.05, true}, Down, Tuning{V: v}, Within},
		{"worse, and the bound past 80 % of it", 1034, Limit{+0.05, true}, Down, Tuning{V: v}, Near},
		{"the estimate past the limit, not the interval", 1055, Limit{+0.05, true}, Down, Tuning{V: v}, Near},
		{"wholly beyond", 1080, Limit{+0.05, true}, Down, Tuning{V: v}, Crossed},
		{"wholly beyond on the good side", 920, Limit{+0.05, true}, Down, Tuning{V: v}, Within},
		{"a fall, far from the limit", 974, Limit{-0.05, true}, Up, Tuning{V: v}, Within},
		{"a fall near the limit", 966, Limit{-0.05, true}, Up, Tuning{V: v}, Near},
		{"a fall beyond it", 920, Limit{-0.05, true}, Up, Tuning{V: v}, Crossed},
		{"a rise where falls do harm", 1080, Limit{-0.05, true}, Up, Tuning{V: v}, Within},
		{"absolute, beyond", 1080, Limit{+0.05, false}, Down, Tuning{V: v}, Crossed},
		{"absolute, near", 1034, Limit{+0.05, false}, Down, Tuning{V: v}, Near},
		{"absolute, within", 1026, Limit{+0.05, false}, Down, Tuning{V: v}, Within},
		{"crossed without a direction", 1080, Limit{+0.05, true}, Undirected, Tuning{V: v}, Crossed},
		{"near needs worse", 1055, Limit{+0.05, true}, Undirected, Tuning{V: v}, Within},
		{"not while collecting", 1500, Limit{+0.05, true}, Down, Tuning{}, Within},
	} {
		r := Compare(around(n, c.mean), control, Design{Scale: scale, Direction: c.direction, Tuning: c.tuning, Limit: &c.limit})
		if r.Guardrail != c.want {
			t.Errorf("%s: %s (%s, difference %v, lift %v)", c.name, r.Guardrail, r.State, r.Difference.Always.Interval, r.Lift.IntervalAlways)
		}
	}
}

// A relative limit is a part of the control's size on the harmful side: turning a metric's sign around, with that of the limit and of what
// is good, changes no word, no verdict and no bound; and nothing happens where the control passes 0.
func TestRelativeLimitIsOfTheControlsSize(t *testing.T) {
	const n = 40200
	scale := moment.Scale{Num: 3}
	v, _ := Tune(around(n, 1000), around(n, 1000), scale, 2*n)
	other := map[Direction]Direction{Up: Down, Down: Up, Undirected: Undirected}
	said := map[GuardrailWord]int{}
	for _, c := range []struct {
		control, mean int64
		limit         float64
		direction     Direction
		word          GuardrailWord
		shown         bool
	}{
		{1000, 1080, +0.05, Down, Crossed, false},
		{1000, 1034, +0.05, Down, Near, true},
		{1000, 1000, +0.05, Down, Within, true},
		{1000, 920, -0.05, Up, Crossed, false},
		{-1000, -920, +0.05, Down, Crossed, false}, // +8 % of its size, upwards: the lift is −8 %
		{-1000, -966, +0.05, Down, Near, true},
		{-1000, -1000, +0.05, Down, Within, true},
		{-1000, -1080, +0.05, Down, Within, true},
		{-1000, -1080, -0.05, Up, Crossed, false},
		{0, 20, +0.05, Down, Crossed, false}, // of nothing not more than nothing
		{0, 0, +0.05, Down, Within, false},
		{0, -20, +0.05, Down, Within, true},
	} {
		design := func(sign int64) Design {
			d := Design{Scale: scale, Direction: c.direction, Tuning: Tuning{V: v}, Limit: &Limit{float64(sign) * c.limit, true}}
			if sign < 0 {
				d.Direction = other[c.direction]
			}
			return d
		}
		var got [2]OneSided
		for i, sign := range []int64{1, -1} {
			d := design(sign)
			r := Compare(around(n, sign*c.mean), around(n, sign*c.control), d)
			got[i] = NonInferiority(r, *d.Limit, d.Tuning, 0.05)
			if r.Guardrail != c.word || (got[i].BoundAlways.V < 0) != c.shown {
				t.Errorf("%+v, sign %d: %s, bound %v", c, sign, r.Guardrail, got[i].BoundAlways)
			}
			said[r.Guardrail]++
		}
		size := math.Abs(float64(c.control))
		distance := (float64(c.mean-c.control) - c.limit*size) / 1000 * math.Copysign(1, c.limit)
		if math.Abs((got[0].Bound.V+got[0].BoundAlways.V)-(got[1].Bound.V+got[1].BoundAlways.V)) > 1e-12 || (got[0].Z.V > 0) != (distance < 0) && distance != 0 {
			t.Errorf("%+v: %+v, mirrored %+v; distance %v", c, got[0], got[1], distance)
		}
	}
	if len(said) != 3 {
		t.Errorf("said %v", said)
	}
	// A limit beside a control just below and just above 0 is nearly the same.
	d := Design{Scale: scale, Tuning: Tuning{V: v}, Limit: &Limit{0.05, true}}
	below, above := Compare(around(n, 5), around(n, -1), d), Compare(around(n, 5), around(n, 1), d)
	b, a := NonInferiority(below, *d.Limit, d.Tuning, 0.05), NonInferiority(above, *d.Limit, d.Tuning, 0.05)
	if jump := math.Abs(b.Bound.V - a.Bound.V - 0.002); jump > 0.0015 { // the controls are .002 apart
		t.Errorf("the bound jumps by %v where the control passes 0", jump)
	}
}

func TestGuardrailIsTheLiftsIntervalWithoutDivision(t *testing.T) {
	// crossed says the same as "Fieller's always-valid interval lies beyond the limit", wherever that interval exists.
	r := newRand(t)
	seen := map[GuardrailWord]int{}
	for range 2000 {
		control := around(2010, 300+r.Int64N(2000))
		treatment := around(2010, 300+r.Int64N(2000))
		limit := Limit{Value: []float64{-0.3, -0.05, 0.05, 0.5}[r.IntN(4)], Relative: true}
		direction := Down
		if limit.Value < 0 {
			direction = Up
		}
		c := Compare(treatment, control, Design{Scale: moment.Scale{Num: 3}, Direction: direction, Tuning: Tuning{V: 1000}, Limit: &limit})
		i := c.Lift.IntervalAlways
		if !i.OK {
			continue
		}
		seen[c.Guardrail]++
		beyond, harmful := i.Low > limit.Value, i.High > 0.8*limit.Value
		if limit.Value < 0 {
			beyond, harmful = i.High < limit.Value, i.Low < 0.8*limit.Value
		}
		want := Within
		if beyond {
			want = Crossed
		} else if c.State == Worse && harmful {
			want = Near
		}
		if c.Guardrail != want {
			t.Fatalf("limit %v, lift %v, %s: %s, want %s", limit.Value, i, c.State, c.Guardrail, want)
		}
	}
	if len(seen) != 3 {
		t.Errorf("the words seen were %v", seen)
	}
}

func TestGuardrailWithAControlBelowZeroKeepsItsDirection(t *testing.T) {
	// Profit of −1 a head; the limit is a fall of 5 %. The treatment loses 1.2: that is harm, though −1.2/−1 − 1 is +20 %.
	control, treatment := around(20100, -1000), around(20100, -1200)
	d := Design{Scale: moment.Scale{Num: 3}, Direction: Up, Tuning: Tuning{V: 1000}, Limit: &Limit{Value: -0.05, Relative: true}}
	if c := Compare(treatment, control, d); c.State != Worse || c.Guardrail != Crossed || !(c.Lift.Value.V > 0) {
		t.Errorf("%s, %s, lift %v", c.State, c.Guardrail, c.Lift.Value)
	}
	if c := Compare(around(80400, -1025), around(80400, -1000), d); c.State != Worse || c.Guardrail != Within {
		t.Errorf("a loss of 2.5 %% is %s, %s", c.State, c.Guardrail)
	}
	if c := Compare(control, treatment, d); c.State != Better || c.Guardrail != Within {
		t.Errorf("the other way round: %s, %s", c.State, c.Guardrail)
	}
}

func TestGuardrailOfAnUnreliableRowStillSpeaks(t *testing.T) {
	treatment := around(40200, 1080)
	treatment.Add(moment.Point{In: true, Num: 1000, Den: 1, Flags: moment.OpenLimit})
	c := Compare(treatment, around(40200, 1000), Design{
		Scale: moment.Scale{Num: 3}, Direction: Down, Tuning: Tuning{V: 1000}, Limit: &Limit{Value: 0.05, Relative: true},
	})
	if c.State != Unreliable || c.Guardrail != Crossed {
		t.Errorf("%s, %s", c.State, c.Guardrail)
	}
}

func TestGuardrailWhereTheLiftIsUnbounded(t *testing.T) {
	// The control is within its error of 0, so the lift has no interval; the rule without division still has a word.
	control := around(20100, 5)
	treatment := around(20100, 600)
	c := Compare(treatment, control, Design{
		Scale: moment.Scale{Num: 3}, Direction: Down, Tuning: Tuning{V: 1000}, Limit: &Limit{Value: 0.05, Relative: true},
	})
	if c.Lift.IntervalAlways.OK || c.Guardrail != Crossed {
		t.Errorf("%s, lift %v", c.Guardrail, c.Lift.IntervalAlways)
	}
}

func TestNonInferiorityIsShownWhereTheBoundIsShortOfTheLimit(t *testing.T) {
	scale, tuning := moment.Scale{Num: 3}, Tuning{V: 1000}
	for _, c := range []struct {
		mean  int64
		limit Limit
		shown bool
	}{
		{1000, Limit{+0.05, true}, true},
		{1000, Limit{-0.05, true}, true},
		{1045, Limit{+0.05, true}, false}, // short of it, but not surely
		{1080, Limit{+0.05, true}, false},
		{1080, Limit{-0.05, true}, true},
		{960, Limit{-0.05, false}, false},
		{1030, Limit{-0.05, false}, true},
	} {
		r := Compare(around(40200, c.mean), around(40200, 1000), Design{Scale: scale, Tuning: tuning, Limit: &c.limit})
		o := NonInferiority(r, c.limit, tuning, .05)
		if got := o.PAlways.V <= .05; got != c.shown || got != (o.BoundAlways.V < 0) {
			t.Errorf("mean %d, limit %v: p %v, bound %v", c.mean, c.limit, o.PAlways, o.BoundAlways)
		}
		if r.Guardrail == Crossed && o.PAlways.V <= .05 {
			t.Errorf("mean %d, limit %v: crossed and within", c.mean, c.limit)
		}
	}
}
