package stats

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func randomArm(t *testing.T, draw func() moment.Point, n int) (*moment.Sums, []moment.Point) {
	t.Helper()
	var s moment.Sums
	ps := make([]moment.Point, n)
	for i := range ps {
		ps[i] = draw()
		ps[i].In = true
		s.Add(ps[i])
	}
	return &s, ps
}

func TestScalingTheNumeratorScalesTheEffectAndLeavesZ(t *testing.T) {
	r := newRand(t)
	for range 200 {
		draw := func() moment.Point {
			return moment.Point{Num: r.Int64N(10000), Den: 1 + r.Int64N(20), Pre: r.Int64N(5000), PreDen: 1 + r.Int64N(9)}
		}
		treatment, ts := randomArm(t, draw, 100+r.IntN(200))
		control, cs := randomArm(t, draw, 100+r.IntN(200))
		k := 2 + r.Int64N(1e6)
		scale := func(ps []moment.Point) *moment.Sums {
			var s moment.Sums
			for _, p := range ps {
				p.Num, p.Pre = p.Num*k, p.Pre*k
				s.Add(p)
			}
			return &s
		}
		d := Design{Direction: Up, CUPED: true}
		v, ok := Tune(treatment, control, d.Scale, 10000)
		if !ok {
			t.Fatal("not tuned")
		}
		d.Tuning, d.CUPEDTuning = Tuning{V: v}, Tuning{V: v}
		a := Compare(treatment, control, d)
		f := float64(k)
		d.Tuning, d.CUPEDTuning = Tuning{V: v * f * f}, Tuning{V: v * f * f}
		b := Compare(scale(ts), scale(cs), d)
		for name, c := range map[string][2]float64{
			"difference":  {b.Difference.Value.V, f * a.Difference.Value.V},
			"se":          {b.Difference.SE.V, f * a.Difference.SE.V},
			"z":           {b.Difference.Z.V, a.Difference.Z.V},
			"p":           {b.Difference.P.V, a.Difference.P.V},
			"always p":    {b.Difference.Always.P.V, a.Difference.Always.P.V},
			"k":           {b.Difference.Always.K.V, a.Difference.Always.K.V},
			"lift":        {b.Lift.Value.V, a.Lift.Value.V},
			"lift's low":  {b.Lift.Interval.Low, a.Lift.Interval.Low},
			"df":          {b.Welch.DF.V, a.Welch.DF.V},
			"θ":           {b.CUPED.Theta.V, a.CUPED.Theta.V},
			"adjusted":    {b.CUPED.Difference.Value.V, f * a.CUPED.Difference.Value.V},
			"adjusted se": {b.CUPED.Difference.SE.V, f * a.CUPED.Difference.SE.V},
		} {
			if relative(c[0], c[1]) > 1e-11 {
				t.Fatalf("k = %d: %s is %v, want %v", k, name, c[0], c[1])
			}
		}
		if a.State != b.State {
			t.Fatalf("k = %d: %s became %s", k, a.State, b.State)
		}
	}
}

func TestSwappingTheArmsTurnsTheSign(t *testing.T) {
	r := newRand(t)
	for range 300 {
		draw := func() moment.Point {
			return moment.Point{Num: r.Int64N(1000) - 200, Den: 1 + r.Int64N(5), Pre: r.Int64N(100), PreDen: 1}
		}
		x, _ := randomArm(t, draw, 2+r.IntN(300))
		y, _ := randomArm(t, draw, 2+r.IntN(300))
		d := Design{Direction: Up, Tuning: Tuning{V: 1e5}, CUPED: true, CUPEDTuning: Tuning{V: 1e5}}
		a, b := Compare(x, y, d), Compare(y, x, d)
		for _, c := range [][2]Test{{a.Difference, b.Difference}, {a.CUPED.Difference, b.CUPED.Difference}} {
			f, g := c[0], c[1]
			if f.Value.V != -g.Value.V || f.SE != g.SE || f.Z.V != -g.Z.V || f.P != g.P || f.Interval.Low != -g.Interval.High ||
				relative(f.Always.K.V, g.Always.K.V) > 1e-15 || relative(f.Always.Interval.Low, -g.Always.Interval.High) > 1e-13 {
				t.Fatalf("%+v\n%+v", f, g)
			}
		}
		turned := map[State]State{Better: Worse, Worse: Better}
		if want, ok := turned[a.State]; ok && b.State != want || !ok && b.State != a.State {
			t.Fatalf("%s and %s", a.State, b.State)
		}
	}
}

func TestFiellerIsDualToTheDifference(t *testing.T) {
	// Its interval leaves 0 out exactly when |z| > k, for the fixed and the always-valid k, adjusted or not; where the control is not
	// clear of 0 it has no end.
	r := newRand(t)
	var outside, inside, unbounded int
	for range 2000 {
		shift := r.Int64N(300)
		x, _ := randomArm(t, func() moment.Point {
			p := r.Int64N(1000)
			return moment.Point{Num: p + r.Int64N(1000) - 900 + shift, Den: 1, Pre: p}
		}, 100+r.IntN(100))
		y, _ := randomArm(t, func() moment.Point {
			p := r.Int64N(1000)
			return moment.Point{Num: p + r.Int64N(1000) - 900, Den: 1, Pre: p}
		}, 100+r.IntN(400))
		d := Design{Tuning: Tuning{V: 1e6}, CUPED: true, CUPEDTuning: Tuning{V: 1e6}}
		c := Compare(x, y, d)
		_, fc := allowance(c.Treatment.N, c.Control.N)
		check := func(i Interval, z, k float64, base Estimate, wider float64) {
			t.Helper()
			if clear := math.Abs(base.Value.V)/base.SE.V > k*wider; i.OK != clear {
				t.Fatalf("interval %v with the control %v standard errors from 0, k = %v", i, base.Value.V/base.SE.V, k)
			}
			if !i.OK {
				unbounded++
				return
			}
			if i.Low > 0 || i.High < 0 {
				outside++
			} else {
				inside++
			}
			if (i.Low > 0 || i.High < 0) != (math.Abs(z) > k) {
				t.Fatalf("interval %v, z = %v, k = %v", i, z, k)
			}
		}
		fixed := NormalUpper(.025)
		wider := math.Sqrt(max(1, fc))
		check(c.Lift.Interval, c.Difference.Z.V, fixed, c.Control, 1)
		check(c.Lift.IntervalAlways, c.Difference.Cautious().Z.V, c.Difference.Always.K.V, c.Control, wider)
		check(c.CUPED.Lift.Interval, c.CUPED.Difference.Z.V, fixed, c.Control, 1)
		check(c.CUPED.Lift.IntervalAlways, c.CUPED.Difference.Cautious().Z.V, c.CUPED.Difference.Always.K.V, c.Control, wider)
	}
	if outside < 100 || inside < 100 || unbounded < 100 {
		t.Errorf("%d outside, %d inside, %d unbounded: too few of one kind to say", outside, inside, unbounded)
	}
}

func TestFiellerEndsSolveTheirEquation(t *testing.T) {
	r := newRand(t)
	for range 1000 {
		e := func() Estimate {
			return Estimate{Value: Known(r.Float64()*20 - 10), Var: Known(r.Float64() * r.Float64())}
		}
		tr, co, k := e(), e(), 1+3*r.Float64()
		i := LiftInterval(Fieller, tr, co, k)
		if !i.OK {
			continue
		}
		for _, l := range []float64{i.Low, i.High} {
			d := tr.Value.V - (1+l)*co.Value.V
			want := k * math.Sqrt(tr.Var.V+(1+l)*(1+l)*co.Var.V)
			if relative(math.Abs(d), want) > 1e-9 {
				t.Fatalf("|t − r·c| = %v, k·SE = %v at L = %v", math.Abs(d), want, l)
			}
		}
	}
}

func TestPOfEqualArmsIsUniform(t *testing.T) {
	// 4,000 A/A experiments of 400 subjects an arm: the p-values' distribution, and how many are at most .05.
	r := newRand(t)
	const runs = 4000
	var bins [10]int
	var significant, always int
	for range runs {
		draw := func() moment.Point {
			d := 1 + r.Int64N(5)
			var x int64
			for range d {
				if r.IntN(5) == 0 {
					x++
				}
			}
			return moment.Point{Num: x, Den: d}
		}
		x, _ := randomArm(t, draw, 400)
		y, _ := randomArm(t, draw, 400)
		c := Compare(x, y, Design{Tuning: Tuning{V: 100}})
		bins[min(9, int(c.Difference.P.V*10))]++
		if c.Difference.P.V <= .05 {
			significant++
		}
		if c.Difference.Always.P.V <= .05 {
			always++
		}
	}
	chi2 := 0.0
	for _, b := range bins {
		chi2 += math.Pow(float64(b)-runs/10, 2) / (runs / 10)
	}
	if chi2 > 33.7 { // 9 degrees of freedom, p = .0001
		t.Errorf("χ² of the p-values' deciles %v is %v", bins, chi2)
	}
	if s := float64(significant) / runs; math.Abs(s-.05) > 4*math.Sqrt(.05*.95/runs) {
		t.Errorf("%v of the p-values are at most .05", s)
	}
	if always > significant/2 {
		t.Errorf("%d always-valid p-values of one look are at most .05, %d fixed ones", always, significant)
	}
}

func TestSameInputSameBits(t *testing.T) {
	x := spread(500, func(i int64) moment.Point { return moment.Point{Num: i * i % 97, Den: i%7 + 1, Pre: i % 31, PreDen: 1} })
	y := spread(700, func(i int64) moment.Point { return moment.Point{Num: i * i % 89, Den: i%7 + 1, Pre: i % 29, PreDen: 1} })
	d := Design{Direction: Up, Tuning: Tuning{V: 1e4}}
	a, b := Compare(x, y, d), Compare(x, y, d)
	if a.Difference != b.Difference || a.Lift != b.Lift || a.Welch != b.Welch {
		t.Error("two runs differ")
	}
}
