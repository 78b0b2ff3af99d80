package stats

import (
	"math"
	"slices"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// One test for each statistical bug that was found in another project: the name says what went wrong there, the comment where.

// GrowthBook #6658, #401: a baseline below 0 turned the sign of the lift, and with it the verdict.
func TestAnchorBugNegativeBaselineFlipsTheLift(t *testing.T) {
	arm := func(mean int64) *moment.Sums {
		return spread(405, func(i int64) moment.Point { return moment.Point{Num: i%9 - 4 + mean, Den: 1} })
	}
	for _, method := range []LiftMethod{Fieller, Delta, LogDelta} {
		d := Design{Direction: Up, Tuning: Tuning{V: 300}, Lift: method}
		c := Compare(arm(-10), arm(-40), d)
		if c.State != Better || !(c.Difference.Value.V > 0) || c.Lift.Value.V != -.75 {
			t.Errorf("%s: from −40 to −10 is %s, difference %v, lift %v", method, c.State, c.Difference.Value, c.Lift.Value)
		}
		if w := Compare(arm(-50), arm(-40), d); w.State != Worse || !(w.Difference.Value.V < 0) {
			t.Errorf("%s: from −40 to −50 is %s", method, w.State)
		}
		found := false
		for _, r := range c.Reasons {
			found = found || r == NegativeControl
		}
		if !found {
			t.Errorf("%s: no reason tells of the negative control: %v", method, c.Reasons)
		}
		// The lift's interval is on the side of the lift, whatever the baseline.
		if i := c.Lift.Interval; i.OK && !(i.Low < -.75 && -.75 < i.High) {
			t.Errorf("%s: interval %v around −.75", method, i)
		}
	}
}

// GrowthBook #3610: the interval of a CUPED lift took the adjusted difference and the control's value for independent. Where the effect is
// large and the pre-period says much, they are not.
func TestAnchorBugRelativeCUPEDCoversTooLittle(t *testing.T) {
	r := newRand(t)
	const runs, n, lift = 2000, 200, 1.0
	covered, naive := 0, 0
	for range runs {
		arm := func(effect float64) *moment.Sums {
			var s moment.Sums
			for range n {
				x := 10 + 3*r.NormFloat64()
				y := x + r.NormFloat64() + effect
				s.Add(moment.Point{In: true, Num: int64(math.Round(y * 1e4)), Den: 1, Pre: int64(math.Round(x * 1e4))})
			}
			return &s
		}
		a := CUPED(arm(10*lift), arm(0), Design{Scale: moment.Scale{Num: 4}})
		if i := a.Lift.Interval; i.Low <= lift && lift <= i.High {
			covered++
		}
		if math.Abs(a.Lift.Value.V-lift) <= 1.96*a.Difference.SE.V/a.Control.Value.V {
			naive++
		}
	}
	t.Logf("of %d: covered %d, with the base taken for known %d", runs, covered, naive)
	if share := float64(covered) / runs; share < .935 || share > .965 {
		t.Errorf("the interval covers %v, not .95", share)
	}
	if share := float64(naive) / runs; share > .7 {
		t.Errorf("the negative control covers %v: this case does not tell the two apart", share)
	}
}

// GrowthBook #4250: p(1−p) on the diagonal of a covariance matrix and n − 1 beside it gave negative variances.
func TestAnchorBugMixedVarianceConventions(t *testing.T) {
	// A pre-period that is the metric itself, 0 or 1: with one convention nothing is left, with two less than nothing.
	for n := int64(2); n < 60; n++ {
		for ones := int64(1); ones < n; ones += 1 + n/7 {
			s := spread(n, func(i int64) moment.Point {
				one := min(1, max(0, ones-i))
				return moment.Point{Num: one, Den: 1, Pre: one}
			})
			l, err := s.Linear(moment.Scale{}, true)
			if err != nil {
				t.Fatal(err)
			}
			if l.YY != l.YX || l.YX != l.XX {
				t.Fatalf("%d of %d: s_yy %v, s_yx %v, s_xx %v", ones, n, l.YY, l.YX, l.XX)
			}
			for _, theta := range []float64{.5, 1 - 1e-9, 1, 1 + 1e-9, 2} {
				if v := l.Residual(theta); v < 0 {
					t.Fatalf("%d of %d, θ %v: variance %v", ones, n, theta, v)
				}
			}
			p := float64(ones) / float64(n)
			if want := p * (1 - p) * float64(n) / float64(n-1); relative(l.YY, want) > 1e-13 {
				t.Fatalf("%d of %d: variance %v, want %v", ones, n, l.YY, want)
			}
			if mixed := p*(1-p) - 2*l.YX + l.XX; mixed >= 0 {
				t.Fatalf("%d of %d: the mixture %v is not negative, so the case says nothing", ones, n, mixed)
			}
		}
	}
}

// GrowthBook #3767, #3795: CUPED of a ratio adjusted the numerator and the denominator, or one of them, instead of the linearised ratio.
func TestAnchorBugCUPEDOfARatio(t *testing.T) {
	// The oracle: CUPED of the subjects' linearised values as a plain mean of floats.
	r := newRand(t)
	arm := func() (s moment.Sums, points []moment.Point) {
		for range 500 {
			d, w := 1+r.Int64N(9), 1+r.Int64N(9)
			p := moment.Point{In: true, Num: d*r.Int64N(50) + 10*w, Den: d, Pre: w * (5 + r.Int64N(40)), PreDen: w}
			s.Add(p)
			points = append(points, p)
		}
		return s, points
	}
	tr, tp := arm()
	co, cp := arm()
	type line struct{ y, x, ratio, before float64 }
	linear := func(points []moment.Point) (lines []line) {
		var a, d, u, w float64
		for _, p := range points {
			a, d, u, w = a+float64(p.Num), d+float64(p.Den), u+float64(p.Pre), w+float64(p.PreDen)
		}
		n := float64(len(points))
		for _, p := range points {
			lines = append(lines, line{(float64(p.Num) - a/d*float64(p.Den)) / (d / n), (float64(p.Pre) - u/w*float64(p.PreDen)) / (w / n), a / d, u / w})
		}
		return lines
	}
	lt, lc := linear(tp), linear(cp)
	var xy, xx float64
	for _, l := range append(append([]line(nil), lt...), lc...) {
		xy, xx = xy+l.x*l.y, xx+l.x*l.x
	}
	theta := xy / xx
	variance := func(lines []line) (v float64) {
		for _, l := range lines {
			v += (l.y - theta*l.x) * (l.y - theta*l.x)
		}
		return v / float64(len(lines)-1) / float64(len(lines))
	}
	got := CUPED(&tr, &co, Design{})
	diff := lt[0].ratio - lc[0].ratio - theta*(lt[0].before-lc[0].before)
	if relative(got.Theta.V, theta) > 1e-10 || relative(got.Difference.Value.V, diff) > 1e-9 || relative(got.Difference.SE.V, math.Sqrt(variance(lt)+variance(lc))) > 1e-10 {
		t.Errorf("θ %v, difference %v ± %v; want %v, %v ± %v", got.Theta, got.Difference.Value, got.Difference.SE, theta, diff, math.Sqrt(variance(lt)+variance(lc)))
	}
}

// GrowthBook #5028: the uncertainty of the post-stratified difference was not that of its values over experiments.
func TestAnchorBugPostStratificationUncertainty(t *testing.T) {
	r := newRand(t)
	const runs, n = 1500, 300
	var sum, square, se2 float64
	for range runs {
		// Two strata of random sizes with effects of 0 and 10; within an arm the values differ by 1.
		var cells [2][2]moment.Sums
		for i := range 2 * n {
			stratum, arm := 0, i%2
			if r.Float64() < .3 {
				stratum = 1
			}
			v := 5*float64(stratum) + r.NormFloat64()
			if arm == 1 {
				v += 10 * float64(stratum)
			}
			cells[arm][stratum].Add(moment.Point{In: true, Num: int64(math.Round(v * 1000)), Den: 1})
		}
		d := Design{Scale: moment.Scale{Num: 3}}
		got := PostStratify([]Stratum{StratumOf(&cells[1][0], &cells[0][0], d), StratumOf(&cells[1][1], &cells[0][1], d)}, .05)
		sum, square, se2 = sum+got.Value.V, square+got.Value.V*got.Value.V, se2+got.SE.V*got.SE.V
	}
	mean := sum / runs
	real := math.Sqrt((square/runs - mean*mean) * runs / (runs - 1))
	said := math.Sqrt(se2 / runs)
	t.Logf("over %d experiments: sd %v, standard error %v, mean %v", runs, real, said, mean)
	if math.Abs(said/real-1) > 4/math.Sqrt(2*runs) {
		t.Errorf("standard error %v, the values vary by %v", said, real)
	}
	if math.Abs(mean-3) > 4*real/math.Sqrt(runs) {
		t.Errorf("mean %v, want 3", mean)
	}
}

// GrowthBook #4962: with a single stratum the pre-period was forgotten.
func TestAnchorBugCovariateDroppedInAOneCellStratum(t *testing.T) {
	arm := func(shift int64) *moment.Sums {
		return spread(300, func(i int64) moment.Point {
			return moment.Point{Num: 10*(i%17) + i%3 + shift, Den: 1, Pre: 10 * (i % 17)}
		})
	}
	d := Design{CUPED: true}
	tr, co := arm(2), arm(0)
	whole := CUPED(tr, co, d).Difference
	one := PostStratify([]Stratum{StratumOf(tr, co, d)}, .05)
	if relative(one.Value.V, whole.Value.V) > 1e-12 || relative(one.SE.V, whole.SE.V) > 1e-12 {
		t.Errorf("one stratum: %v ± %v, CUPED by itself %v ± %v", one.Value, one.SE, whole.Value, whole.SE)
	}
	if plain := Compare(tr, co, Design{}).Difference; !(one.SE.V < plain.SE.V/5) {
		t.Errorf("one stratum ± %v, unadjusted ± %v", one.SE, plain.SE)
	}
	// A stratum without a pre-period counts unadjusted and does not spoil the other.
	bare := func(shift int64) *moment.Sums {
		return spread(300, func(i int64) moment.Point { return moment.Point{Num: i%5 + shift, Den: 1} })
	}
	mixed := PostStratify([]Stratum{StratumOf(tr, co, d), StratumOf(bare(1), bare(0), d)}, .05)
	if !mixed.SE.OK || math.Abs(mixed.Value.V-1.5) > 1e-9 || !(mixed.SE.V < .2) {
		t.Errorf("two strata: %v ± %v", mixed.Value, mixed.SE)
	}
}

// GrowthBook #3826: the degrees of freedom of the sample ratio counted arms without weight.
func TestAnchorBugSampleRatioDegreesOfFreedom(t *testing.T) {
	want, err := SampleRatio([]int64{1000, 1100}, []float64{1, 1}, SRMOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, zeros := range []int{1, 2, 5} {
		counts, weights := []int64{1000, 1100}, []float64{1, 1}
		for range zeros {
			counts, weights = append(counts, 300), append(weights, 0)
		}
		got, err := SampleRatio(counts, weights, SRMOptions{})
		if err != nil || got != want || got.DF != 1 {
			t.Errorf("with %d arms of weight 0: %+v, %v, want %+v", zeros, got, err, want)
		}
	}
}

// GrowthBook #4427, #4439: an arm that got nobody was left out of the sample ratio, which hid the worst mismatch there is.
func TestAnchorBugZeroUserArmIgnoredBySampleRatio(t *testing.T) {
	r, err := SampleRatio([]int64{0, 5000, 5000}, []float64{1, 1, 1}, SRMOptions{})
	if err != nil || r.State != SRMFailed || r.DF != 2 || !(r.P.V < 1e-100) {
		t.Errorf("%+v, %v", r, err)
	}
	all, err := SampleRatio([]int64{0, 500}, []float64{1, 1}, SRMOptions{})
	if err != nil || all.State != SRMFailed {
		t.Errorf("everybody in one arm: %+v, %v", all, err)
	}
}

// GrowthBook #6250: many equal values around the quantile made its interval a point, and the test certain.
func TestAnchorBugQuantileIntervalCollapses(t *testing.T) {
	k := NormalUpper(.025)
	tied := QuantileEstimate(100, Between(100, 100), 5000, k)
	usual := QuantileEstimate(103, Between(101, 106), 5000, k)
	if tied.Var.OK || tied.SE.OK || !tied.Value.OK {
		t.Errorf("an interval without width gives %+v", tied)
	}
	c := CompareEstimates(usual, tied, Design{Direction: Up, Tuning: Tuning{V: 1}})
	if c.State != Collecting || c.Difference.P.OK || c.Difference.Interval.OK || c.Difference.Value.V != 3 || len(c.Reasons) == 0 {
		t.Errorf("%s %v, %+v", c.State, c.Reasons, c.Difference)
	}
	if e := QuantileEstimate(100, Between(101, 99), 5000, k); e.Var.OK {
		t.Errorf("an interval upside down gives %+v", e)
	}
}

// GrowthBook #5911: the mean of a truncated normal, millions of standard errors from its bound, overflowed or had the wrong sign, and took
// the whole report with it.
func TestAnchorBugTruncatedNormalOverflows(t *testing.T) {
	for _, c := range []struct{ mean, se float64 }{{.01, 4.5e-9}, {-.01, 4.5e-9}, {1, 1e-300}, {-1e300, 1}, {1e-12, 1e-12}, {0, 1}, {37, 1}, {-37, 1}, {-100, 1}} {
		p := Bayes(c.mean, c.se, Prior{}, .05)
		requireFinite(t, "posterior", p)
		if p.RiskTreatment.V < 0 || p.RiskControl.V < 0 || !(p.Win.V > 0 && p.Win.V <= 1) {
			t.Errorf("%v ± %v: %+v", c.mean, c.se, p)
		}
		// What one side loses less what the other does is the mean itself.
		if got := p.RiskControl.V - p.RiskTreatment.V; math.Abs(got-c.mean) > 1e-12*math.Max(math.Abs(c.mean), c.se) {
			t.Errorf("%v ± %v: risks %v and %v", c.mean, c.se, p.RiskControl.V, p.RiskTreatment.V)
		}
		test := Test{Value: Known(c.mean), SE: Known(c.se), Z: Known(c.mean / c.se)}
		for _, side := range []Side{Greater, Less} {
			o := Tuning{Tau2: c.se * c.se}.OneSided(test, 0, side, 1000, 1000, .05)
			requireFinite(t, "one-sided", o)
			if !o.LogE.OK && math.Abs(c.mean/c.se) < 1e8 {
				t.Errorf("%v ± %v: no ln e", c.mean, c.se)
			}
			if o.PAlways.OK && !(o.PAlways.V > 0 && o.PAlways.V <= 1) {
				t.Errorf("%v ± %v: p %v", c.mean, c.se, o.PAlways)
			}
		}
	}
}

// GrowthBook #921: the interval was made with another variance than the test, so that the two disagreed.
func TestAnchorBugIntervalWithAnotherVarianceThanTheTest(t *testing.T) {
	r := newRand(t)
	near := 0
	for range 4000 {
		arm := func(shift int64) *moment.Sums {
			return spread(20+r.Int64N(100), func(int64) moment.Point {
				return moment.Point{Num: r.Int64N(1000) + shift, Den: 1 + r.Int64N(3), Pre: r.Int64N(1000), PreDen: 1}
			})
		}
		c := Compare(arm(r.Int64N(100)), arm(0), Design{Tuning: Tuning{V: 1e5}, CUPED: true, CUPEDTuning: Tuning{V: 1e5}})
		agree := func(what string, i Interval, p Number) {
			if i.OK && p.OK && (i.Low > 0 || i.High < 0) != (p.V < .05) {
				t.Fatalf("%s: interval %v, p %v", what, i, p)
			}
		}
		agree("difference", c.Difference.Interval, c.Difference.P)
		agree("always", c.Difference.Always.Interval, c.Difference.Always.P)
		agree("Welch", c.Welch.Interval, c.Welch.P)
		agree("lift", c.Lift.Interval, c.Difference.P)
		agree("CUPED", c.CUPED.Difference.Interval, c.CUPED.Difference.P)
		agree("CUPED lift", c.CUPED.Lift.Interval, c.CUPED.Difference.P)
		agree("CUPED always", c.CUPED.Difference.Always.Interval, c.CUPED.Difference.Always.P)
		if c.Difference.P.V > .02 && c.Difference.P.V < .1 {
			near++
		}
	}
	if near < 200 {
		t.Errorf("only %d comparisons were near the limit", near)
	}
}

// GrowthBook #1012: a division by zero where a denominator or the control was 0.
func TestAnchorBugDivisionByZero(t *testing.T) {
	usual := spread(400, func(i int64) moment.Point { return moment.Point{Num: i % 9, Den: 1} })
	for name, zero := range map[string]*moment.Sums{
		"no denominators": constant(400, 3, 0), "all zeros": constant(400, 0, 1), "nobody": {}, "no numerators, no denominators": constant(400, 0, 0),
		"denominators that cancel": spread(400, func(i int64) moment.Point { return moment.Point{Num: i % 9, Den: i%2*2 - 1} }),
	} {
		for _, arms := range [][2]*moment.Sums{{usual, zero}, {zero, usual}, {zero, zero}} {
			for _, method := range []LiftMethod{Fieller, Delta, LogDelta} {
				c := Compare(arms[0], arms[1], Design{
					Tuning: Tuning{V: 10}, Lift: method, CUPED: true, CUPEDTuning: Tuning{V: 10}, Limit: &Limit{Value: .1, Relative: true},
				})
				requireFinite(t, name, c)
				if len(c.Reasons) == 0 || c.State == Better || c.State == Worse {
					t.Errorf("%s: %s %v", name, c.State, c.Reasons)
				}
				if zero.N > 0 && zero.Den.Sign() == 0 && !slices.Contains(c.Reasons, ZeroDenominator) {
					t.Errorf("%s: %v", name, c.Reasons)
				}
			}
		}
	}
}

// GrowthBook #1320: no p for metrics with a small base rate in large experiments.
func TestAnchorBugPMissingAtSmallBaseRates(t *testing.T) {
	for _, c := range []struct{ n, control, treatment int64 }{{1e6, 3, 9}, {1e8, 40, 160}, {1e9, 30, 3000}, {1e12, 100, 200}, {1e6, 0, 30}} {
		r := Compare(shareOf(c.n, c.treatment), shareOf(c.n, c.control), Design{Direction: Up, Tuning: Tuning{V: 1}})
		requireFinite(t, "small base rates", r)
		want := float64(c.treatment-c.control) / math.Sqrt(float64(c.treatment+c.control))
		if !r.Difference.P.OK || !(r.Difference.P.V > 0) || !r.Welch.P.OK || relative(r.Difference.Z.V, want) > 1e-3 {
			t.Errorf("%+v: z %v, want %v, p %v, Welch %v", c, r.Difference.Z, want, r.Difference.P, r.Welch.P)
		}
	}
}

// Spotify confidence 2.7.5: intervals of a group-sequential test with several treatments were not corrected for their number.
func TestAnchorBugGroupSequentialIntervalsOfSeveralTreatments(t *testing.T) {
	looks := []float64{.25, .5, .75, 1}
	one, err := GroupSequential(looks, .05, SpendPower(2), true)
	if err != nil {
		t.Fatal(err)
	}
	three, err := GroupSequential(looks, DivideOverTreatments(.05, .5, 1, 0, 3).Goal, SpendPower(2), true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range looks {
		if !(three[i] > one[i]*1.05) {
			t.Errorf("look %d: %v for three treatments, %v for one", i, three[i], one[i])
		}
	}
	// Three treatments that do nothing, each looked at four times: one of them is called in at most 5 % of experiments.
	r := newRand(t)
	const runs = 20000
	wrong := [2]int{}
	for range runs {
		var control, sums [3]float64
		hit := [2]bool{}
		for look := range looks {
			shared := r.NormFloat64()
			for k := range sums {
				sums[k] += r.NormFloat64()
				control[k] += shared
				z := math.Abs(sums[k]-control[k]) / math.Sqrt(2*float64(look+1))
				hit[0] = hit[0] || z >= three[look]
				hit[1] = hit[1] || z >= one[look]
			}
		}
		for i := range hit {
			if hit[i] {
				wrong[i]++
			}
		}
	}
	t.Logf("of %d: %d wrong with shares of α, %d without", runs, wrong[0], wrong[1])
	if limit := runs * (.05 + 3*math.Sqrt(.05*.95/runs)); float64(wrong[0]) > limit {
		t.Errorf("%d of %d wrong, at most %.0f may be", wrong[0], runs, limit)
	}
	if float64(wrong[1]) < runs*.08 {
		t.Errorf("the negative control is wrong only %d times", wrong[1])
	}
}

// Spotify confidence 2.7.3: "computed variance is negative" of data that have one, because Σx² − (Σx)²/n was rounded.
func TestAnchorBugNegativeVariance(t *testing.T) {
	r := newRand(t)
	negative := 0
	for range 2000 {
		base := int64(1e15) + r.Int64N(1e15)
		var s moment.Sums
		var sum, square float64
		for range 2 + r.IntN(30) {
			x := base + r.Int64N(3)
			s.Add(moment.Point{In: true, Num: x, Den: 1})
			sum, square = sum+float64(x), square+float64(x)*float64(x)
		}
		if square-sum*sum/float64(s.N) < 0 {
			negative++
		}
		e, err := Ratio(&s, moment.Scale{})
		if err != nil || !(e.Var.V >= 0) || e.Var.V*float64(s.N) > 4 {
			t.Fatalf("variance %v, %v", e.Var, err)
		}
	}
	if negative < 100 {
		t.Errorf("the float formula was negative only %d times: the case says nothing", negative)
	}
}

// Spotify confidence 2.4.2: N in the place of N − 1.
func TestAnchorBugNInThePlaceOfNMinus1(t *testing.T) {
	// 1, 2, 3, 4 against 2, 4, 6: variances 5/3 and 4.
	arm := func(values ...int64) *moment.Sums {
		var s moment.Sums
		for _, v := range values {
			s.Add(moment.Point{In: true, Num: v, Den: 1})
		}
		return &s
	}
	c := Compare(arm(2, 4, 6), arm(1, 2, 3, 4), Design{})
	if relative(c.Difference.SE.V, math.Sqrt(4./3+5./12)) > 1e-15 || relative(c.Difference.Value.V, 1.5) > 1e-15 {
		t.Errorf("%v ± %v, want 1.5 ± %v", c.Difference.Value, c.Difference.SE, math.Sqrt(4./3+5./12))
	}
	// Satterthwaite: (7/4)²/((4/3)²/2 + (5/12)²/3).
	if want := 1.75 * 1.75 / (16./18 + 25./432); relative(c.Welch.DF.V, want) > 1e-14 {
		t.Errorf("degrees of freedom %v, want %v", c.Welch.DF, want)
	}
	// The ratio 2:1, 4:2, 9:3 of Σ 15/6: residuals −1/2, −1, 3/2 over d̄ = 2 → variance (1/4+1+9/4)/2/4, of the estimate a third.
	var ratio moment.Sums
	for _, p := range [][2]int64{{2, 1}, {4, 2}, {9, 3}} {
		ratio.Add(moment.Point{In: true, Num: p[0], Den: p[1]})
	}
	if e, err := Ratio(&ratio, moment.Scale{}); err != nil || relative(e.Var.V, 3.5/2/4/3) > 1e-15 {
		t.Errorf("variance of the ratio %v, want %v", e.Var, 3.5/2/4/3)
	}
}

// Spotify confidence 1.2.2: p above 1.
func TestAnchorBugPAboveOne(t *testing.T) {
	r := newRand(t)
	for range 500 {
		p := make([]float64, 1+r.IntN(30))
		for i := range p {
			p[i] = r.Float64()
			if r.IntN(4) == 0 {
				p[i] = 1
			}
		}
		logE := make([]float64, len(p))
		for i := range logE {
			logE[i] = -math.Log(p[i])
		}
		for name, q := range map[string][]float64{
			"Bonferroni": Bonferroni(p), "Holm": Holm(p), "Hochberg": Hochberg(p), "BH": BenjaminiHochberg(p), "BY": BenjaminiYekutieli(p),
			"e-BH": EBenjaminiHochbergP(logE),
		} {
			for i := range q {
				if !(q[i] <= 1) || q[i] < p[i]*(1-1e-14) {
					t.Fatalf("%s: %v from %v", name, q[i], p[i])
				}
			}
		}
		z, nu := r.NormFloat64()*1e-9, math.Exp(12*r.Float64()-1)
		two, _ := TwoSidedP(z)
		if v := StudentTwoSidedP(z, nu); v > 1 || v < .99 || two.V > 1 {
			t.Fatalf("p at %v: %v, Student's (ν %v) %v", z, two, nu, v)
		}
		n := 1 + r.Int64N(40)
		a, b := Share{r.Int64N(n + 1), n}, Share{r.Int64N(n + 1), n}
		fisher, _ := FisherExact(a, b)
		barnard, _ := BarnardExact(a, b)
		exact, _ := BinomialExact(a, .5)
		if fisher > 1 || barnard > 1 || exact > 1 || !(fisher > 0 && barnard > 0 && exact > 0) {
			t.Fatalf("%v against %v: Fisher %v, Barnard %v, binomial %v", a, b, fisher, barnard, exact)
		}
	}
	for _, a := range []Always{AlwaysByCount(unit(0), 100, 100, .05), StudentMixtureByCount(unit(0), 100, 100, .05), Tuning{Tau2: 1}.Hybrid(unit(0), 100, 100, .05, true)} {
		if a.P.V != 1 {
			t.Errorf("p at z = 0 is %v", a.P)
		}
	}
}

// Spotify confidence 3.0.2: pre-period data that are singular stopped the analysis.
func TestAnchorBugSingularPreData(t *testing.T) {
	for name, c := range map[string]struct {
		pre, preDen func(i int64) int64
	}{
		"none":                          {func(int64) int64 { return 0 }, func(int64) int64 { return 0 }},
		"the same for all":              {func(int64) int64 { return 7 }, func(int64) int64 { return 2 }},
		"a multiple of its own":         {func(i int64) int64 { return 3 * (i%4 + 1) }, func(i int64) int64 { return i%4 + 1 }},
		"one subject's":                 {func(i int64) int64 { return max(0, 1-i) }, func(i int64) int64 { return max(0, 1-i) }},
		"denominators that add up to 0": {func(i int64) int64 { return i % 5 }, func(i int64) int64 { return i%2*2 - 1 }},
	} {
		for _, den := range []func(i int64) int64{func(int64) int64 { return 1 }, func(i int64) int64 { return i%6 + 1 }} {
			arm := func(mod int64) *moment.Sums {
				return spread(200, func(i int64) moment.Point {
					return moment.Point{Num: i % mod, Den: den(i), Pre: c.pre(i), PreDen: c.preDen(i)}
				})
			}
			r := Compare(arm(11), arm(13), Design{CUPED: true, CUPEDTuning: Tuning{V: 100}, Tuning: Tuning{V: 100}})
			requireFinite(t, name, r)
			if !r.Difference.P.OK || r.State == Failed {
				t.Errorf("%s: the plain test is gone: %s %v", name, r.State, r.Reasons)
			}
			if r.CUPED.Difference.SE.OK && r.CUPED.Difference.SE.V > r.Difference.SE.V*(1+1e-12) {
				t.Errorf("%s: adjusted ± %v, unadjusted ± %v", name, r.CUPED.Difference.SE, r.Difference.SE)
			}
			if !r.CUPED.Difference.SE.OK && len(r.CUPED.Reasons) == 0 {
				t.Errorf("%s: no adjusted difference and no reason", name)
			}
		}
	}
}

// ExpAn and ep-stats: the value of a spending function used as the level of each look.
func TestAnchorBugSpendingFunctionAsCutOff(t *testing.T) {
	// Fourteen looks. The level of a look is never what has been spent until it, but for the first.
	var looks []float64
	for i := 1; i <= 14; i++ {
		looks = append(looks, float64(i)/14)
	}
	bounds, err := GroupSequential(looks, .05, SpendOBrienFleming, true)
	if err != nil {
		t.Fatal(err)
	}
	r := newRand(t)
	const runs = 20000
	right, cutOff := 0, 0
	for range runs {
		sum := 0.0
		hit, naive := false, false
		for i, x := range looks {
			sum += r.NormFloat64()
			z := math.Abs(sum) / math.Sqrt(float64(i+1))
			hit = hit || z >= bounds[i]
			naive = naive || 2*normalCDF(-z) <= SpendOBrienFleming(x, .05)
		}
		if hit {
			right++
		}
		if naive {
			cutOff++
		}
	}
	t.Logf("of %d: %d wrong with the boundary, %d with the spending function as cut-off", runs, right, cutOff)
	sd := math.Sqrt(.05 * .95 / runs)
	if math.Abs(float64(right)/runs-.05) > 4*sd {
		t.Errorf("the boundary is wrong in %d of %d", right, runs)
	}
	if share := float64(cutOff) / runs; math.Abs(share-.072) > .008 {
		t.Errorf("the cut-off is wrong in %v, .072 is known of 14 looks", share)
	}
}

// PostHog #50891: significance was read from the field of the one-look test.
func TestAnchorBugSignificanceFromTheWrongField(t *testing.T) {
	control := spread(4000, func(i int64) moment.Point { return moment.Point{Num: i % 10, Den: 1} })
	slightly := spread(4000, func(i int64) moment.Point {
		p := moment.Point{Num: i % 10, Den: 1}
		if i%25 < 4 {
			p.Num++
		}
		return p
	})
	v, _ := Tune(slightly, control, moment.Scale{}, 10000)
	c := Compare(slightly, control, Design{Direction: Up, Tuning: Tuning{V: v}})
	if !(c.Difference.P.V < .05) || !(c.Difference.Interval.Low > 0) || !(c.Difference.Always.P.V > .05) {
		t.Fatalf("the case says nothing: p %v, always %v", c.Difference.P, c.Difference.Always.P)
	}
	if c.State != NotClear {
		t.Errorf("the one-look test decides: %s", c.State)
	}
	// A guardrail and the non-inferiority verdict follow the always-valid interval too.
	limit := Limit{Value: c.Difference.Interval.Low / 2}
	g := Compare(slightly, control, Design{Direction: Down, Tuning: Tuning{V: v}, Limit: &limit})
	if g.Guardrail != Within {
		t.Errorf("the one-look interval is beyond the limit %v, and the guardrail is %s", limit.Value, g.Guardrail)
	}
}
