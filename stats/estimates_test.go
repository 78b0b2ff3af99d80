package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func TestCompareEstimatesIsCompareOfTheSumsEstimates(t *testing.T) {
	r := newRand(t)
	for range 300 {
		arm := func(shift int64) *moment.Sums {
			return spread(100+r.Int64N(400), func(int64) moment.Point { return moment.Point{Num: 1 + r.Int64N(50) + shift, Den: 1 + r.Int64N(3)} })
		}
		d := Design{Direction: Up, Tuning: Tuning{V: 1e3}, Lift: []LiftMethod{Fieller, Delta, LogDelta}[r.IntN(3)], Limit: &Limit{Value: -.05, Relative: true}}
		c := Compare(arm(r.Int64N(10)), arm(0), d)
		e := CompareEstimates(c.Treatment, c.Control, d)
		if relative(e.Difference.Z.V, c.Difference.Z.V) > 1e-10 || relative(e.Welch.DF.V, c.Welch.DF.V) > 1e-12 || relative(e.Lift.Interval.Low, c.Lift.Interval.Low) > 1e-8 ||
			e.State != c.State || e.Guardrail != c.Guardrail || !slices.Equal(e.Reasons, c.Reasons) {
			t.Fatalf("%+v\n%+v", e, c)
		}
	}
	for name, e := range map[string]Estimate{
		"nobody": {}, "one subject": {N: 1, Value: Known(3)}, "no variance": {N: 500, Value: Known(3), Var: Known(0)}, "below 0": {N: 500, Value: Known(3), Var: Known(-1)},
	} {
		usual := Estimate{N: 500, Value: Known(2), Var: Known(.01)}
		for _, arms := range [][2]Estimate{{e, usual}, {usual, e}} {
			c := CompareEstimates(arms[0], arms[1], Design{Direction: Up, Tuning: Tuning{V: 1}, Limit: &Limit{Value: -.1}})
			requireFinite(t, name, c)
			want := map[string]State{"nobody": NoData, "one subject": Collecting, "no variance": Collecting, "below 0": Failed}[name]
			if c.State != want || len(c.Reasons) == 0 || c.Guardrail != Within {
				t.Errorf("%s: %s %v %s", name, c.State, c.Reasons, c.Guardrail)
			}
		}
	}
}

// A p90 of events: subjects have several, alike among themselves. The share's error by the ratio of counts makes the test of two arms
// right, the one that takes events for independent does not.
func TestQuantileEstimateKnowsThatEventsGoTogether(t *testing.T) {
	r := newRand(t)
	const runs, subjects, p = 400, 300, .9
	k := NormalUpper(.025)
	wrong := [2]int{}
	for range runs {
		var est [2][2]Estimate
		for arm := range est {
			var values []float64
			var owner []int
			for i := range subjects {
				level := r.NormFloat64()
				for range 1 + r.IntN(20) {
					values = append(values, math.Exp(level+.3*r.NormFloat64()))
					owner = append(owner, i)
				}
			}
			order := order(values)
			at := func(q float64) float64 {
				i := int(math.Ceil(q*float64(len(values)))) - 1
				return values[order[min(max(i, 0), len(values)-1)]]
			}
			cut := at(p)
			below, all := make([]int64, subjects), make([]int64, subjects)
			for i, v := range values {
				all[owner[i]]++
				if v <= cut {
					below[owner[i]]++
				}
			}
			var s moment.Sums
			for i := range all {
				s.Add(moment.Point{In: true, Num: below[i], Den: all[i]})
			}
			share, err := Ratio(&s, moment.Scale{})
			if err != nil {
				t.Fatal(err)
			}
			naive, _ := ShareError(p, int64(len(values)))
			for i, se := range []float64{share.SE.V, naive} {
				est[i][arm] = QuantileEstimate(cut, Between(at(p-k*se), at(p+k*se)), subjects, k)
			}
		}
		for i := range est {
			if CompareEstimates(est[i][1], est[i][0], Design{}).Difference.P.V < .05 {
				wrong[i]++
			}
		}
	}
	t.Logf("of %d A/A comparisons: %d significant, %d with events taken for independent", runs, wrong[0], wrong[1])
	if sd := math.Sqrt(.05 * .95 * runs); float64(wrong[0]) > .05*runs+3*sd {
		t.Errorf("%d of %d are significant", wrong[0], runs)
	}
	if wrong[1] < runs/5 {
		t.Errorf("the negative control is significant only %d times", wrong[1])
	}
}

func TestShareError(t *testing.T) {
	for _, c := range []struct {
		p      float64
		n      int64
		se     float64
		enough bool
	}{{.5, 100, .05, true}, {.9, 36, .05, true}, {.9, 35, .0507092553, false}, {.1, 36, .05, true}, {.5, 3, .28867513459, false}, {0, 10, 0, false}, {.5, 0, 0, false}} {
		if se, enough := ShareError(c.p, c.n); math.Abs(se-c.se) > 1e-9 || enough != c.enough {
			t.Errorf("%v of %d: %v, %v", c.p, c.n, se, enough)
		}
	}
}

func TestBayes(t *testing.T) {
	// Prior 0 ± 2, estimate 3 ± 2: half-way, and √2 wide.
	p := Bayes(3, 2, Prior{0, 2}, .05)
	if relative(p.Mean.V, 1.5) > 1e-15 || relative(p.SD.V, math.Sqrt2) > 1e-15 || relative(p.Win.V, normalCDF(1.5/math.Sqrt2)) > 1e-15 {
		t.Errorf("%+v", p)
	}
	if flat := Bayes(3, 2, Prior{}, .05); flat.Mean.V != 3 || flat.SD.V != 2 || relative(flat.Interval.High, 3+2*NormalUpper(.025)) > 1e-15 {
		t.Errorf("flat: %+v", flat)
	}
	// The risk by brute force.
	sum := 0.0
	for x := -20.0; x < 0; x += 1e-3 {
		z := (x - 1.5) / math.Sqrt2
		sum += -x * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi*2) * 1e-3
	}
	if relative(p.RiskTreatment.V, sum) > 1e-5 {
		t.Errorf("risk %v, summed up %v", p.RiskTreatment, sum)
	}
	for name, bad := range map[string]Posterior{
		"no error": Bayes(1, 0, Prior{}, .05), "NaN": Bayes(math.NaN(), 1, Prior{}, .05), "a prior below 0": Bayes(1, 1, Prior{0, -1}, .05), "infinite": Bayes(1, math.Inf(1), Prior{}, .05),
	} {
		if bad != (Posterior{}) {
			t.Errorf("%s: %+v", name, bad)
		}
	}
}

func TestGroupSequentialRefuses(t *testing.T) {
	for name, looks := range map[string][]float64{"none": nil, "falling": {.5, .4}, "beyond the plan": {.5, 1.1}, "at nothing": {0, 1}, "twice": {.5, .5}} {
		if b, err := GroupSequential(looks, .05, SpendOBrienFleming, true); err == nil {
			t.Errorf("%s: %v", name, b)
		}
	}
	if _, err := GroupSequential([]float64{1}, 1, SpendPower(1), false); err == nil {
		t.Error("α of 1")
	}
	// One look is the classical test.
	b, err := GroupSequential([]float64{1}, .05, SpendOBrienFleming, true)
	if err != nil || relative(b[0], NormalUpper(.025)) > 1e-12 {
		t.Errorf("%v, %v", b, err)
	}
}
