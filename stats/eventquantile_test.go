package stats

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// sortedValues is a Distribution without bins: the value at a share lies on the line between those around it.
type sortedValues []float64

func (v sortedValues) At(p float64) (float64, error) {
	if len(v) == 0 {
		return 0, errors.New("no values")
	}
	x := min(max(p, 0), 1) * float64(len(v)-1)
	i := min(int(x), len(v)-2)
	return v[i] + (x-float64(i))*(v[i+1]-v[i]), nil
}

// clustered draws subjects with several events, which go together, and counts them up to a cut.
func clustered(subjects int, cut float64, draw func() []float64) (*moment.Sums, sortedValues) {
	var sums moment.Sums
	var all sortedValues
	for range subjects {
		p := moment.Point{In: true}
		for _, v := range draw() {
			p.Den++
			if v <= cut {
				p.Num++
			}
			all = append(all, v)
		}
		sums.Add(p)
	}
	slices.Sort(all)
	return &sums, all
}

// The estimate is the events' quantile in the metric's unit, and its error is the spread of that estimate over data drawn again: also where
// the cut is a little off, and with subjects whose events go together.
func TestEventQuantileHasTheErrorOfTheEstimate(t *testing.T) {
	r := newRand(t)
	const runs, unit = 400, 10
	for _, c := range []struct{ p, cut float64 }{{.5, 1}, {.5, 1.1}, {.95, 2.6}, {.05, .4}} {
		var sum, sum2, se float64
		for range runs {
			sums, events := clustered(500, c.cut, func() []float64 {
				pace := math.Exp(.5 * r.NormFloat64())
				v := make([]float64, 1+r.IntN(9))
				for i := range v {
					v[i] = pace * math.Exp(.3*r.NormFloat64())
				}
				return v
			})
			e, few := EventQuantile(sums, events, c.p, unit)
			want, _ := events.At(c.p)
			if few || !e.SE.OK || e.N != 500 || e.Value.V != want/unit || e.Var.V != e.SE.V*e.SE.V {
				t.Fatalf("p %v: %+v, few %t, want the value %v", c.p, e, few, want/unit)
			}
			sum, sum2, se = sum+e.Value.V, sum2+e.Value.V*e.Value.V, se+e.SE.V
		}
		spread := math.Sqrt((sum2 - sum*sum/runs) / (runs - 1))
		// The error takes the wider of two intervals, so it is rather too large.
		if ratio := se / runs / spread; ratio < .93 || ratio > 1.25 {
			t.Errorf("p %v, cut %v: the error is %.3f of the spread", c.p, c.cut, ratio)
		}
	}
}

// What is absent, and why.
func TestEventQuantileSaysWhatItCantKnow(t *testing.T) {
	one := func() []float64 { return []float64{1, 2, 3, 4} }
	if e, few := EventQuantile(&moment.Sums{}, sortedValues{}, .5, 1); e.Value.OK || e.SE.OK || few {
		t.Errorf("without events: %+v, %t", e, few)
	}
	for _, cut := range []float64{0, 9} {
		sums, events := clustered(200, cut, one)
		if e, few := EventQuantile(sums, events, .5, 1); !e.Value.OK || e.SE.OK || few {
			t.Errorf("all on one side of the cut: %+v, %t", e, few)
		}
	}
	// 20 subjects with all their events alike are worth 20 events: not enough for a p95, and for a p90 none too many.
	r := newRand(t)
	sums, events := clustered(20, 15, func() []float64 { v := float64(r.IntN(20)); return []float64{v, v, v, v, v, v, v, v} })
	if e, few := EventQuantile(sums, events, .95, 1); !few || e.SE.OK || !e.Value.OK {
		t.Errorf("20 events' worth: %+v, %t", e, few)
	}
	if e, few := EventQuantile(sums, events, .5, 1); few || !e.SE.OK {
		t.Errorf("the median of 20 events' worth: %+v, %t", e, few)
	}
}

// TuneEstimates is Tune where the estimates come from sums, and is silent where Compare is.
func TestTuneEstimatesIsTuneOfSums(t *testing.T) {
	r := newRand(t)
	for range 200 {
		arm := func() *moment.Sums {
			return spread(90+r.Int64N(400), func(int64) moment.Point { return moment.Point{Num: 1 + r.Int64N(50), Den: 1 + r.Int64N(3)} })
		}
		treatment, control := arm(), arm()
		te, _ := Ratio(treatment, moment.Scale{})
		ce, _ := Ratio(control, moment.Scale{})
		want, ok := Tune(treatment, control, moment.Scale{}, 12345)
		got, can := TuneEstimates(te, ce, 12345)
		if ok != can || relative(got, want) > 1e-14 && ok {
			t.Fatalf("%v %t, want %v %t", got, can, want, ok)
		}
	}
	fine := Estimate{N: 100, Value: Known(1), Var: Known(1), DenominatorZ: Known(10)}
	for name, e := range map[string]Estimate{
		"few": {N: 99, Value: Known(1), Var: Known(1)}, "no variance": {N: 100, Value: Known(1)}, "unstable": {N: 100, Value: Known(1), Var: Known(1), DenominatorZ: Known(9.9)},
	} {
		for _, arms := range [][2]Estimate{{fine, e}, {e, fine}} {
			if v, ok := TuneEstimates(arms[0], arms[1], 1000); ok {
				t.Errorf("%s: tuned to %v", name, v)
			}
		}
	}
	if _, ok := TuneEstimates(fine, fine, 1000); !ok {
		t.Error("nothing is wrong with these")
	}
}
