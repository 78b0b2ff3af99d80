package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// requireFinite fails if a float64 anywhere in v is NaN or infinite, or a p is 0.
func requireFinite(t *testing.T, where string, v any) {
	t.Helper()
	if _, err := json.Marshal(v); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	var visit func(v reflect.Value, path string)
	visit = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Float64:
			if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
				t.Errorf("%s: %s is %v", where, path, f)
			}
		case reflect.Pointer:
			if !v.IsNil() {
				visit(v.Elem(), path)
			}
		case reflect.Slice:
			for i := range v.Len() {
				visit(v.Index(i), path)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if n, ok := v.Field(i).Interface().(Number); ok && name == "P" && n.OK && !(n.V > 0 && n.V <= 1) {
					t.Errorf("%s: %s.%s = %v", where, path, name, n.V)
				}
				visit(v.Field(i), path+"."+name)
			}
		}
	}
	visit(reflect.ValueOf(v), "")
}

func constant(n int64, x, d int64) *moment.Sums {
	var s moment.Sums
	for range n {
		s.Add(moment.Point{In: true, Num: x, Den: d})
	}
	return &s
}

func spread(n int64, f func(i int64) moment.Point) *moment.Sums {
	var s moment.Sums
	for i := range n {
		p := f(i)
		p.In = true
		s.Add(p)
	}
	return &s
}

func TestEdgesHaveAWordAndAReasonAndNoNaN(t *testing.T) {
	usual := spread(400, func(i int64) moment.Point { return moment.Point{Num: i % 9, Den: 1} })
	ratio := func(den func(i int64) int64) *moment.Sums {
		return spread(400, func(i int64) moment.Point { return moment.Point{Num: i % 9, Den: den(i)} })
	}
	impossible := *usual
	impossible.Num2 = moment.Int192From(1)
	flagged := func(f moment.Flags) *moment.Sums {
		s := *usual
		s.Add(moment.Point{In: f != moment.Overflowed, Num: 1, Den: 1, Flags: f})
		return &s
	}
	for _, c := range []struct {
		name               string
		treatment, control *moment.Sums
		state              State
		reasons            string
	}{
		{"nobody anywhere", &moment.Sums{}, &moment.Sums{}, NoData, "[few_nonzero few_subjects no_subjects no_variance]"},
		{"nobody in the treatment", &moment.Sums{}, usual, NoData, "[few_nonzero few_subjects no_subjects no_variance]"},
		{"nobody in the control", usual, &moment.Sums{}, NoData, "[few_nonzero few_subjects no_subjects no_variance]"},
		{"one subject", constant(1, 5, 1), usual, Collecting, "[few_nonzero few_subjects no_variance too_few_subjects]"},
		{"one subject in each arm", constant(1, 5, 1), constant(1, 4, 1), Collecting, "[few_nonzero few_subjects no_variance too_few_subjects]"},
		{"no variance anywhere", constant(200, 3, 1), constant(200, 2, 1), Collecting, "[no_variance zero_variance]"},
		{"all zeros", constant(200, 0, 1), constant(200, 0, 1), Collecting, "[few_nonzero no_variance zero_control zero_variance]"},
		{"no variance in the control", usual, constant(200, 2, 1), Collecting, "[no_variance]"},
		// GrowthBook #1012: division by zero; test_gbstats.py has value 0 and p 1 for it, which looks like a result
		{"denominators of 0", constant(200, 3, 0), usual, Collecting, "[no_variance zero_denominator]"},
		{"denominators below 0", ratio(func(int64) int64 { return -1 }), usual, Collecting, "[no_variance zero_denominator]"},
		{"denominators around 0", ratio(func(i int64) int64 { return i%40*10 - 150 }), ratio(func(i int64) int64 { return i%40*10 - 150 }), Collecting, "[lift_unbounded_always unstable_denominator]"},
		// GrowthBook #6658, #401: a baseline below 0 turned the sign of the lift and with it the verdict
		{"a control below 0", spread(400, func(i int64) moment.Point { return moment.Point{Num: i%9 - 20, Den: 1} }), spread(400, func(i int64) moment.Point { return moment.Point{Num: i%9 - 40, Den: 1} }), Better, "[negative_control]"},
		{"a control of 0", usual, spread(399, func(i int64) moment.Point { return moment.Point{Num: i%3 - 1, Den: 1} }), Better, "[zero_control]"},
		{"a control near 0", usual, spread(400, func(i int64) moment.Point { return moment.Point{Num: i%3*1000 - 999, Den: 1} }), NotClear, "[lift_unbounded lift_unbounded_always negative_control]"},
		// GrowthBook reports ZERO_NEGATIVE_VARIANCE, Spotify 2.7.3 raised: here it is the state that is broken, and it says so
		{"impossible moments", usual, &impossible, Failed, "[corrupt no_variance]"},
		{"an estimate of a distinct count", flagged(moment.Approximate), usual, NotClear, "[approximate]"},
		{"a subject left out", flagged(moment.Overflowed), usual, NotClear, "[overflowed]"},
		{"a tail over its bound", usual, flagged(moment.OpenLimit), Unreliable, "[open_limit]"},
		{"a tail over its bound in a small cell", spread(9, func(i int64) moment.Point { return moment.Point{Num: i, Den: 1, Flags: moment.OpenLimit} }), usual, Unreliable, "[few_nonzero few_subjects open_limit]"},
		{"as it should be", usual, usual, NotClear, "[]"},
	} {
		for _, method := range []LiftMethod{Fieller, Delta, LogDelta} {
			r := Compare(c.treatment, c.control, Design{
				Direction: Up, Tuning: Tuning{V: 1000}, Lift: method, CUPED: true, CUPEDTuning: Tuning{V: 1000}, Limit: &Limit{Value: -0.05, Relative: true},
			})
			requireFinite(t, c.name, r)
			if method != Fieller {
				continue
			}
			if r.State != c.state || fmt.Sprint(r.Reasons) != c.reasons {
				t.Errorf("%s: %s %v, want %s %s", c.name, r.State, r.Reasons, c.state, c.reasons)
			}
		}
	}
}

func TestStateFollowsTheAlwaysValidIntervalAndTheDirection(t *testing.T) {
	control := spread(4000, func(i int64) moment.Point { return moment.Point{Num: i % 10, Den: 1} })
	up := spread(4000, func(i int64) moment.Point { return moment.Point{Num: i%10 + 1, Den: 1} })
	// z = 2.5: significant to somebody who looks once, not to one who may look any time.
	slightly := spread(4000, func(i int64) moment.Point {
		p := moment.Point{Num: i % 10, Den: 1}
		if i%25 < 4 {
			p.Num++
		}
		return p
	})
	v, ok := Tune(up, control, moment.Scale{}, 10000)
	if !ok {
		t.Fatal("not tuned")
	}
	for _, c := range []struct {
		name      string
		treatment *moment.Sums
		direction Direction
		tuning    Tuning
		want      State
	}{
		{"more, and more is good", up, Up, Tuning{V: v}, Better},
		{"more, and less is good", up, Down, Tuning{V: v}, Worse},
		{"more, and nobody says what is good", up, Undirected, Tuning{V: v}, NotClear},
		{"fixed-horizon significance only", slightly, Up, Tuning{V: v}, NotClear},
		{"no tuning", up, Up, Tuning{}, Collecting},
	} {
		r := Compare(c.treatment, control, Design{Direction: c.direction, Tuning: c.tuning})
		if r.State != c.want {
			t.Errorf("%s: %s %v", c.name, r.State, r.Reasons)
		}
		// PostHog #50891 read significance from the wrong field.
		if c.treatment == slightly && !(r.Difference.P.V < 0.05 && r.Difference.Always.P.V > 0.05) {
			t.Errorf("%s: p %v, always %v", c.name, r.Difference.P, r.Difference.Always.P)
		}
		if back := Compare(control, c.treatment, Design{Direction: c.direction, Tuning: c.tuning}); c.want == Better && back.State != Worse {
			t.Errorf("%s: the other way round it is %s", c.name, back.State)
		}
	}
}

func TestNumbersAreGivenWhileCollecting(t *testing.T) {
	a := spread(30, func(i int64) moment.Point { return moment.Point{Num: i % 4, Den: 1} })
	r := Compare(a, a, Design{Tuning: Tuning{Tau2: 1e-2}})
	if r.State != Collecting || !r.Difference.P.OK || !r.Difference.Interval.OK || !r.Difference.Always.Interval.OK || !r.Lift.Interval.OK || !r.Welch.P.OK {
		t.Errorf("%+v", r)
	}
}

func TestMeanIsARatioWithDenominatorOne(t *testing.T) {
	r := newRand(t)
	for range 200 {
		var mean, ratio moment.Sums
		d := 1 + r.Int64N(1000)
		for range 2 + r.IntN(50) {
			x := r.Int64N(1e12) - 2e11
			mean.Add(moment.Point{In: true, Num: x, Den: 1})
			ratio.Add(moment.Point{In: true, Num: x * d, Den: d})
		}
		a, errA := Ratio(&mean, moment.Scale{Num: 3})
		b, errB := Ratio(&ratio, moment.Scale{Num: 3})
		if errA != nil || errB != nil || relative(a.Value.V, b.Value.V) > 1e-15 || relative(a.Var.V, b.Var.V) > 4e-15 {
			t.Fatalf("%+v %v, %+v %v", a, errA, b, errB)
		}
		v, err := mean.Var(moment.Numerator, moment.Scale{Num: 3})
		if err != nil || relative(a.Var.V, v/float64(mean.N)) > 2e-15 {
			t.Fatalf("variance of the mean %v, s²/n %v", a.Var.V, v/float64(mean.N))
		}
	}
}

func TestScaleIsAUnitAndNothingElse(t *testing.T) {
	cents := spread(500, func(i int64) moment.Point { return moment.Point{Num: 100 * (i*i%977 + 50), Den: i%5 + 1} })
	whole := spread(500, func(i int64) moment.Point { return moment.Point{Num: i*i%977 + 50, Den: i%5 + 1} })
	other := spread(500, func(i int64) moment.Point { return moment.Point{Num: 100 * (i*i%991 + 50), Den: i%5 + 1} })
	otherWhole := spread(500, func(i int64) moment.Point { return moment.Point{Num: i*i%991 + 50, Den: i%5 + 1} })
	a := Compare(cents, other, Design{Scale: moment.Scale{Num: 2}})
	b := Compare(whole, otherWhole, Design{})
	if relative(a.Difference.Value.V, b.Difference.Value.V) > 1e-15 || relative(a.Difference.SE.V, b.Difference.SE.V) > 1e-15 {
		t.Errorf("%+v, %+v", a.Difference, b.Difference)
	}
	// A denominator in hundredths makes the ratio a hundred times as large.
	c := Compare(whole, otherWhole, Design{Scale: moment.Scale{Den: 2}})
	if relative(c.Difference.Value.V, 100*b.Difference.Value.V) > 1e-15 || relative(c.Difference.SE.V, 100*b.Difference.SE.V) > 1e-15 {
		t.Errorf("%+v, %+v", c.Difference, b.Difference)
	}
}

func TestDifferenceOfNearlyEqualArmsKeepsItsDigits(t *testing.T) {
	// Milliseconds since 1970: the means share their first 12 digits.
	at := func(shift int64) *moment.Sums {
		return spread(300, func(i int64) moment.Point { return moment.Point{Num: 1700000000000000000 + i*7 + shift, Den: 1} })
	}
	r := Compare(at(1), at(0), Design{Scale: moment.Scale{Num: 6}})
	if r.Difference.Value.V != 1e-6 {
		t.Errorf("difference %v, want 1e-6", r.Difference.Value.V)
	}
	want := math.Sqrt(2 * 49 * (300*300 - 1) / 12.0 * 300 / 299 / 300)
	if relative(r.Difference.SE.V, want*1e-6) > 1e-14 {
		t.Errorf("se %v, want %v", r.Difference.SE.V, want*1e-6)
	}
}

func TestSmallBaseRatesHaveAP(t *testing.T) {
	// GrowthBook #1320 had none.
	c := Compare(shareOf(1000000, 9), shareOf(1000000, 3), Design{Direction: Up, Tuning: Tuning{V: 1}})
	if !c.Difference.P.OK || math.Abs(c.Difference.Z.V-math.Sqrt(3)) > 1e-4 || c.State != Collecting {
		t.Errorf("%+v", c)
	}
	requireFinite(t, "small base rates", c)
}
