package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func armOf(n int64, value, perSubject float64) Estimate {
	v := perSubject / float64(n)
	return Estimate{N: n, Value: Known(value), Var: Known(v), SE: Known(math.Sqrt(v))}
}

func TestAlwaysVarOfBalancedArmsIsThePlainOneToTheBit(t *testing.T) {
	r := newRand(t)
	for range 2000 {
		n := 3 * (1 + r.Int64N(1e6))
		a, b := armOf(n, 1, r.ExpFloat64()), armOf(n*2/3+r.Int64N(n/3+1), 1, r.ExpFloat64())
		for _, v := range []Number{AlwaysVar(a, b), AlwaysVar(b, a)} {
			if v.V != a.Var.V+b.Var.V && v.V != b.Var.V+a.Var.V {
				t.Fatalf("%d and %d subjects: %v, want %v", a.N, b.N, v.V, a.Var.V+b.Var.V)
			}
		}
		if test := armsTest(1, a, b, usual); test.SEAlways.OK || test.Cautious() != test {
			t.Fatalf("%+v", test)
		}
	}
}

func TestAlwaysVarIsTheGreaterOfPooledAndUnpooled(t *testing.T) {
	r := newRand(t)
	var pooled, own int
	for range 2000 {
		large := 1000 + r.Int64N(1e6)
		small := 2 + r.Int64N(large/2-1)
		sSmall, sLarge := r.ExpFloat64(), r.ExpFloat64()
		a, b := armOf(small, 1, sSmall), armOf(large, 1, sLarge)
		n, m := float64(small), float64(large)
		p := (n*sSmall + m*sLarge) / (n + m) * (1/n + 1/m)
		want := math.Max(p, sSmall/n+sLarge/m)
		for _, v := range []Number{AlwaysVar(a, b), AlwaysVar(b, a)} {
			if math.Abs(v.V/want-1) > 1e-12 {
				t.Fatalf("%d subjects of variance %v, %d of %v: %v, want %v", small, sSmall, large, sLarge, v.V, want)
			}
		}
		// Only a small arm that varies less than the large one is not believed.
		if (sSmall < sLarge) != (want == p) {
			t.Fatalf("small %v, large %v: pooled %t", sSmall, sLarge, want == p)
		}
		if want == p {
			pooled++
		} else {
			own++
		}
	}
	if pooled < 500 || own < 500 {
		t.Errorf("%d pooled, %d unpooled", pooled, own)
	}
}

func TestAlwaysVarHasNoStep(t *testing.T) {
	last := 0.0
	for small := int64(1_000_000); small > 300_000; small-- {
		a, b := armOf(small, 1, 1), armOf(1_000_000, 1, 3)
		v := AlwaysVar(a, b).V
		if last > 0 && !(v > last && v/last < 1+1e-5) {
			t.Fatalf("at %d subjects %v after %v", small, v, last)
		}
		last = v
	}
	if v := AlwaysVar(armOf(0, 1, 1), armOf(10, 1, 1)); v.OK && math.IsNaN(v.V) {
		t.Errorf("an empty arm has %v", v)
	}
}

// What the allowance is for: over repeated experiments with one skewed distribution in both arms the difference goes together with its own
// variance where the arms are unequal, and not with the pooled one.
func TestPooledVarianceDoesNotGoWithTheDifference(t *testing.T) {
	r := newRand(t)
	const runs, small, large = 4000, 40, 400
	arm := func(n int64) Estimate {
		var s, q float64
		for range n {
			x := r.ExpFloat64()
			s, q = s+x, q+x*x
		}
		m := s / float64(n)
		return armOf(n, m, (q-s*m)/float64(n-1))
	}
	var d, own, pooled []float64
	for range runs {
		a, b := arm(small), arm(large)
		ft, fc := allowance(a.N, b.N)
		d, own, pooled = append(d, a.Value.V-b.Value.V), append(own, a.Var.V+b.Var.V), append(pooled, ft*a.Var.V+fc*b.Var.V)
	}
	if c := correlation(d, own); c < 0.4 {
		t.Errorf("the difference and its own variance correlate by %v, expected to be large", c)
	}
	if c := correlation(d, pooled); math.Abs(c) > 4/math.Sqrt(runs) {
		t.Errorf("the difference and the pooled variance correlate by %v", c)
	}
}

func correlation(x, y []float64) float64 {
	var sx, sy, xx, yy, xy float64
	n := float64(len(x))
	for i := range x {
		sx, sy = sx+x[i]/n, sy+y[i]/n
	}
	for i := range x {
		a, b := x[i]-sx, y[i]-sy
		xx, yy, xy = xx+a*a, yy+b*b, xy+a*b
	}
	return xy / math.Sqrt(xx*yy)
}

// unevenArms are two arms of very different size, of a mean or a ratio, skewed.
func unevenArms(t *testing.T, r interface {
	Int64N(int64) int64
	ExpFloat64() float64
}, shift int64) (small, large *moment.Sums) {
	draw := func(shift int64) func() moment.Point {
		return func() moment.Point {
			p := int64(300 * r.ExpFloat64())
			return moment.Point{Num: p + int64(300*r.ExpFloat64()) + 600 + shift, Den: 1 + r.Int64N(3), Pre: p, PreDen: 1}
		}
	}
	small, _ = randomArm(t, draw(shift), 120+int(r.Int64N(200)))
	large, _ = randomArm(t, draw(0), 700+int(r.Int64N(900)))
	return small, large
}

func TestUnequalArmsHaveOneDecision(t *testing.T) {
	// p ≤ α, the interval, e, the lift's interval, the guardrail's word: one test, whichever arm is the small one, for every boundary.
	r := newRand(t)
	decided, plainDecides := 0, 0
	for i := range 3000 {
		treatment, control := unevenArms(t, r, 150-r.Int64N(400))
		if i%2 == 0 {
			treatment, control = control, treatment
		}
		limit := Limit{Value: []float64{-0.1, 0.1}[r.Int64N(2)], Relative: true}
		d := Design{Direction: Down, CUPED: true, Limit: &limit, Boundary: Boundary{Student: i%3 == 0, FinalLook: i%5 == 0}}
		if limit.Value < 0 {
			d.Direction = Up
		}
		d.Tuning.V, _ = Tune(treatment, control, d.Scale, 2000)
		d.CUPEDTuning.V, _ = TuneCUPED(treatment, control, d.Scale, 2000)
		c := Compare(treatment, control, d)
		for name, one := range map[string]struct {
			test Test
			lift Lift
		}{"plain": {c.Difference, c.Lift}, "adjusted": {c.CUPED.Difference, c.CUPED.Lift}} {
			a := one.test.Always
			if !a.K.OK || !one.test.SEAlways.OK || one.test.SEAlways.V < one.test.SE.V {
				t.Fatalf("%s: %+v", name, one.test)
			}
			out := a.Interval.Low > 0 || a.Interval.High < 0
			if (a.P.V <= 0.05) != out || (a.LogE.V >= -math.Log(0.05)) != out {
				t.Fatalf("%s: interval %v, p %v, e %v", name, a.Interval, a.P, math.Exp(a.LogE.V))
			}
			if l := one.lift.IntervalAlways; !l.OK || (l.Low > 0) != (a.Interval.Low > 0) || (l.High < 0) != (a.Interval.High < 0) {
				t.Fatalf("%s: difference %v, lift %v", name, a.Interval, l)
			}
			if out {
				decided++
			} else if math.Abs(one.test.Z.V) > a.K.V {
				plainDecides++
			}
		}
		l := c.Lift.IntervalAlways
		beyond := l.Low > limit.Value
		if limit.Value < 0 {
			beyond = l.High < limit.Value
		}
		if beyond != (c.Guardrail == Crossed) {
			t.Fatalf("limit %v, lift %v: %s", limit.Value, l, c.Guardrail)
		}
		o := NonInferiority(c, limit, d.Tuning, 0.05)
		if c.Guardrail == Crossed && o.PAlways.V <= 0.05 || (o.PAlways.V <= 0.05) != (o.BoundAlways.V <= 0) {
			t.Fatalf("limit %v: %s, non-inferior %+v", limit.Value, c.Guardrail, o)
		}
	}
	if decided < 300 || plainDecides < 20 {
		t.Errorf("%d decided, %d would have been by the plain variance: too few to say", decided, plainDecides)
	}
}

func TestUnequalArmsLeaveOneLookAndTau2Alone(t *testing.T) {
	small, large := meanOf(t, 200, "20000", "2100000", 0), meanOf(t, 2000, "200000", "23000000", 0) // variances 500 and 1,500
	d := Design{Tuning: Tuning{Tau2: 3}, Limit: &Limit{Value: 0.01, Relative: true}, Direction: Down}
	c := Compare(small, large, d)
	want := mixture(3/(c.Difference.SE.V*c.Difference.SE.V+3), c.Difference, 0.05)
	if c.Difference.SEAlways.OK || c.Difference.Always != want {
		t.Errorf("with τ² %+v, want %+v", c.Difference.Always, want)
	}
	if want := LiftInterval(Fieller, c.Treatment, c.Control, want.K.V); c.Lift.IntervalAlways != want {
		t.Errorf("with τ² the lift is %v, want %v", c.Lift.IntervalAlways, want)
	}
	byV := Compare(small, large, Design{Tuning: Tuning{V: 1e6}})
	if !byV.Difference.SEAlways.OK || byV.Difference.SE != c.Difference.SE || byV.Difference.Interval != c.Difference.Interval || byV.Lift.Interval != c.Lift.Interval || byV.Welch != c.Welch {
		t.Errorf("one look by v*: %+v\nby τ²: %+v", byV, c)
	}
	if got, want := AlwaysByCount(byV.Difference, 1000, 1000, 0.05), AlwaysByCount(c.Difference, 1000, 1000, 0.05); got != want {
		t.Errorf("by count %+v, want %+v", got, want)
	}
}

// The planned look decides too: it must not go by less than the looks before it.
func TestThePlannedLookAllowsForUnequalArms(t *testing.T) {
	treatment, control := armOf(400, 4, 1), armOf(19_600, 5, 400) // a canary that has not met its outliers
	test := armsTest(treatment.Value.V-control.Value.V, treatment, control, levelOf(0.05))
	tuning := Tuning{V: Intrinsic(400, 19_600, test.Cautious().SE.V)}
	at := tuning.Hybrid(test, 400, 19_600, 0.05, true)
	if test.P.V > 1e-9 {
		t.Fatalf("one look by the arms' own variances has p %g; the case is none", test.P.V)
	}
	if at.P.V <= 0.05 || at.Interval.Low > 0 || at.Interval.High < 0 {
		t.Errorf("p %g, interval %v: want nothing decided by a variance that the small arm alone has", at.P.V, at.Interval)
	}
	look, _ := TwoSidedP(test.Cautious().Z.V)
	if want := math.Min(1, 2*math.Min(look.V, tuning.Always(test, 400, 19_600, 0.025).P.V)); at.P.V != want {
		t.Errorf("p %g, want %g", at.P.V, want)
	}
	fixed := Tuning{Tau2: 0.01}
	if at := fixed.Hybrid(test, 400, 19_600, 0.05, true); at.P.V > 1e-9 {
		t.Errorf("with tau2 p %g: want the arms' own variances", at.P.V)
	}
}

// In a ramp the arms may be of one size over all, and very unequal in a stratum that weighs much.
func TestPostStratifyAllowsByStratum(t *testing.T) {
	ramp := []Stratum{
		{armOf(50, 0, 1), armOf(4_950, 1, 400)},
		{armOf(7_500, 1, 400), armOf(7_500, 1, 400)},
	}
	test := PostStratify(ramp, 0.05)
	small := AlwaysVar(ramp[0].Treatment, ramp[0].Control).V
	if own := ramp[0].Treatment.Var.V + ramp[0].Control.Var.V; small < 10*own {
		t.Fatalf("the small stratum's variance %g is near its own %g; the case is none", small, own)
	}
	if !test.SEAlways.OK || test.SEAlways.V < 0.25*math.Sqrt(small) {
		t.Errorf("error %v, always-valid %v: want at least the small stratum's, %g of a quarter weight", test.SE, test.SEAlways, math.Sqrt(small))
	}
	balanced := PostStratify([]Stratum{ramp[1], ramp[1]}, 0.05)
	if balanced.SEAlways.OK {
		t.Errorf("balanced strata have another error for the always-valid test: %v", balanced.SEAlways)
	}
}

// Wherever Fieller's interval is finite it holds the estimate, however far the arms are apart.
func TestFiellersIntervalHoldsItsEstimate(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 11))
	size := func() float64 { return math.Exp(r.Float64()*60 - 20) }
	finite := 0
	for range 200_000 {
		t1 := Estimate{Value: Known(size()), Var: Known(size())}
		c := Estimate{Value: Known(size()), Var: Known(size())}
		c.Var.V = math.Min(c.Var.V, c.Value.V*c.Value.V/10)
		i := LiftInterval(Fieller, t1, c, 1.96)
		if !i.OK {
			continue
		}
		finite++
		// A lift near −1 has no more digits than 1 has.
		if at := t1.Value.V/c.Value.V - 1; at < i.Low-1e-12*(1+math.Abs(at)) || at > i.High+1e-12*(1+math.Abs(at)) {
			t.Fatalf("t %v, c %v: %v does not hold %v", t1, c, i, at)
		}
	}
	if finite < 50_000 {
		t.Errorf("only %d of the intervals were finite", finite)
	}
	if i := LiftInterval(Fieller, Estimate{Value: Known(5), Var: Known(0.01)}, Estimate{Value: Known(1e9), Var: Known(9e16)}, 1.96); i.High-i.Low < 1e-9 {
		t.Errorf("interval %v: want that of a ratio with an error of a third", i)
	}
}

// A limit that docs/statistics.md states: against a treatment of the same mean and a heavier tail no variance of what was seen helps. Should
// this ever hold its level, the page is to be corrected.
func TestHeavierTailOfTheSameMeanIsAKnownLimit(t *testing.T) {
	const runs, subjects, every, alpha = 1000, 20_000, 20, 0.05
	for _, c := range []struct {
		sigma, share, low, high float64 // of the treatment; the control's σ is 1
	}{{2, 0.5, 0.08, 0.2}, {2, 0.1, 0.2, 0.35}, {1.5, 0.5, 0.01, 0.08}, {1.5, 0.1, 0.04, 0.14}} {
		erred := 0
		for run := range uint64(runs) {
			r := rand.New(rand.NewPCG(run, 79))
			var n, sum, squares [2]float64 // control, treatment
			arm := func(i int) Estimate {
				mean := sum[i] / n[i]
				return Estimate{N: int64(n[i]), Value: Known(mean), Var: Known((squares[i]/n[i] - mean*mean) / (n[i] - 1))}
			}
			var tuning Tuning
			for i := 1; i <= subjects; i++ {
				at, sigma := 0, 1.0
				if r.Float64() < c.share {
					at, sigma = 1, c.sigma
				}
				x := math.Exp(sigma*r.NormFloat64() - sigma*sigma/2)
				n[at], sum[at], squares[at] = n[at]+1, sum[at]+x, squares[at]+x*x
				if i%every != 0 || min(n[0], n[1]) < minSubjects {
					continue
				}
				control, treatment := arm(0), arm(1)
				test := armsTest(treatment.Value.V-control.Value.V, treatment, control, levelOf(alpha))
				if !tuning.Set() {
					tuning = Tuning{V: tune(treatment.N, control.N, test.Cautious().SE.V, subjects)}
				}
				if tuning.Always(test, treatment.N, control.N, alpha).P.V <= alpha {
					erred++
					break
				}
			}
		}
		rate := float64(erred) / runs
		t.Logf("lognormal σ = %g against 1, %g of the subjects: %.3f", c.sigma, c.share, rate)
		if rate < c.low || rate > c.high {
			t.Errorf("σ = %g, share %g: %.3f, docs/statistics.md says between %g and %g", c.sigma, c.share, rate, c.low, c.high)
		}
	}
}
