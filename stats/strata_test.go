package stats

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func estimate(t *testing.T, s *moment.Sums) Estimate {
	t.Helper()
	e, err := Ratio(s, moment.Scale{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// simpson has an effect of +1 in both strata, and a treatment that got most of the low one.
func simpson(t *testing.T, nLowT, nHighT, nLowC, nHighC int64) (strata []Stratum, treatment, control *moment.Sums) {
	arm := func(n, base int64) *moment.Sums {
		return spread(n, func(i int64) moment.Point { return moment.Point{Num: base + i%5, Den: 1} })
	}
	lowT, highT, lowC, highC := arm(nLowT, 11), arm(nHighT, 51), arm(nLowC, 10), arm(nHighC, 50)
	strata = []Stratum{{estimate(t, lowT), estimate(t, lowC)}, {estimate(t, highT), estimate(t, highC)}}
	treatment, control = &moment.Sums{}, &moment.Sums{}
	treatment.Merge(lowT)
	treatment.Merge(highT)
	control.Merge(lowC)
	control.Merge(highC)
	return strata, treatment, control
}

func TestPostStratifyAndMixShift(t *testing.T) {
	strata, treatment, control := simpson(t, 3000, 1000, 1000, 3000)
	m := MixShift(strata, .05)
	c := Compare(treatment, control, Design{})
	if relative(m.Pooled.Value.V, c.Difference.Value.V) > 1e-12 || relative(m.Pooled.SE.V, c.Difference.SE.V) > 1e-12 {
		t.Errorf("pooled from strata %v ± %v, from the whole %v ± %v", m.Pooled.Value, m.Pooled.SE, c.Difference.Value, c.Difference.SE)
	}
	if math.Abs(m.Stratified.Value.V-1) > 1e-12 || !(m.Pooled.Value.V < -15) || !m.Flips || !m.Shifted {
		t.Errorf("%+v", m)
	}
	if math.Abs(m.Pooled.Value.V-m.Stratified.Value.V-m.Shift.Value.V) > 1e-12 {
		t.Errorf("pooled %v − stratified %v is not the shift %v", m.Pooled.Value, m.Stratified.Value, m.Shift.Value)
	}
	// Shares off the same way as the effect: shifted, but both differences agree in sign.
	strata, _, _ = simpson(t, 1000, 3000, 3000, 1000)
	if m = MixShift(strata, .05); m.Flips || !m.Shifted || !(m.Pooled.Z.V > 2) || !(m.Stratified.Z.V > 2) {
		t.Errorf("%+v", m)
	}
	// As randomised: nothing to warn of, and a gain from the strata.
	strata, _, _ = simpson(t, 2010, 1990, 1995, 2005)
	m = MixShift(strata, .05)
	if m.Flips || m.Shifted || !(m.Stratified.SE.V < m.Pooled.SE.V/5) {
		t.Errorf("%+v", m)
	}
}

func TestMixShiftAlarmsAsOftenAsItShould(t *testing.T) {
	// Random assignment, an effect that differs between strata: |z| of the shift is above 2 in 4.6 % of experiments.
	r := newRand(t)
	const runs = 2000
	alarms := 0
	for range runs {
		var cells [2][4]moment.Sums
		for range 400 {
			s, arm := r.IntN(4), r.IntN(2)
			cells[arm][s].Add(moment.Point{In: true, Num: int64(s)*20 + int64(arm*s)*3 + r.Int64N(10), Den: 1})
		}
		var strata []Stratum
		for s := range 4 {
			strata = append(strata, Stratum{estimate(t, &cells[0][s]), estimate(t, &cells[1][s])})
		}
		if MixShift(strata, .05).Shifted {
			alarms++
		}
	}
	if share := float64(alarms) / runs; math.Abs(share-.0455) > 4*math.Sqrt(.0455*.95/runs) {
		t.Errorf("%v of randomised experiments look shifted", share)
	}
}

func TestPostStratifyKnowsThatSizesAreRandom(t *testing.T) {
	// GrowthBook #5028. By hand: two strata of 200 and 600 subjects, differences 2 and 6, v 0.01 each arm.
	e := func(n int64, value float64) Estimate { return Estimate{N: n, Value: Known(value), Var: Known(.01)} }
	got := PostStratify([]Stratum{{e(100, 12), e(100, 10)}, {e(300, 16), e(300, 10)}}, .05)
	want := .0625*.02 + .5625*.02 + (.25*9+.75*1)/800
	if got.Value.V != 5 || relative(got.SE.V, math.Sqrt(want)) > 1e-14 {
		t.Errorf("%v ± %v, want 5 ± %v", got.Value, got.SE, math.Sqrt(want))
	}
	// One stratum is the plain difference.
	one := PostStratify([]Stratum{{e(100, 12), e(100, 10)}}, .05)
	if one.Value.V != 2 || relative(one.SE.V, math.Sqrt(.02)) > 1e-14 {
		t.Errorf("%+v", one)
	}
	if x := PostStratify([]Stratum{{e(100, 12), Estimate{N: 1, Value: Known(3)}}}, .05); x.Value.OK || x.SE.OK {
		t.Errorf("a stratum with one subject in an arm: %+v", x)
	}
	if x := PostStratify(nil, .05); x.Value.OK {
		t.Errorf("no strata: %+v", x)
	}
}

func TestCochranQ(t *testing.T) {
	e := func(value, v float64) Estimate { return Estimate{N: 100, Value: Known(value), Var: Known(v)} }
	// Differences 1, 2 and 4 with variances 1, 1 and 2: δ̄ = 2, Q = 1 + 0 + 2 = 3, p = exp(−3/2).
	h := CochranQ([]Stratum{{e(1, .5), e(0, .5)}, {e(2, 1), e(0, 0)}, {e(5, 1), e(1, 1)}, {e(9, 0), e(1, 0)}, {Treatment: e(1, 1)}})
	if math.Abs(h.Q.V-3) > 1e-14 || h.DF != 2 || relative(h.P.V, math.Exp(-1.5)) > 1e-13 {
		t.Errorf("%+v", h)
	}
	if h := CochranQ([]Stratum{{e(1, .5), e(0, .5)}}); h.Q.OK || h.P.OK {
		t.Errorf("one stratum: %+v", h)
	}
}

func TestPreExposureFindsABiasThatWasThereBefore(t *testing.T) {
	arm := func(shift int64) *moment.Sums {
		return spread(500, func(i int64) moment.Point {
			return moment.Point{Num: i % 10, Den: 1, Pre: i%7 + shift, PreDen: i%3 + 1}
		})
	}
	for _, mean := range []bool{true, false} {
		if p := PreExposure(arm(1), arm(0), moment.Scale{}, mean, .05); !(p.P.V < .001) {
			t.Errorf("mean %v: %+v", mean, p)
		} else if want := map[bool]float64{true: 1, false: 500.0 / 999}[mean]; relative(p.Value.V, want) > 1e-12 {
			t.Errorf("mean %v: difference %v, want %v", mean, p.Value.V, want)
		}
		if p := PreExposure(arm(0), arm(0), moment.Scale{}, mean, .05); p.P.V != 1 {
			t.Errorf("mean %v, no bias: %+v", mean, p)
		}
	}
	if p := PreExposure(constant(50, 1, 1), constant(50, 1, 1), moment.Scale{}, false, .05); p.P.OK || p.Value.OK {
		t.Errorf("no pre-period: %+v", p)
	}
}
