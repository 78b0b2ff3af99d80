package stats

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// Vectors that others wrote, by the file and project that they come from. Tolerance: the digits printed there.

func printed(t *testing.T, what string, got Number, want float64, digits int) {
	t.Helper()
	if !got.OK || math.Abs(got.V-want) > 0.500001*math.Pow10(-digits) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func low(i Interval) Number  { return Number{i.Low, i.OK} }
func high(i Interval) Number { return Number{i.High, i.OK} }

// GrowthBook packages/stats/tests/frequentist/test_tests.py
func growthbook(t *testing.T, nA int64) (a, b *moment.Sums, sc moment.Scale) {
	return meanOf(t, nA, "1396.87", "52377.9767", 2), meanOf(t, 3461, "2422.7", "134698.29", 2), moment.Scale{Num: 2}
}

func TestGrowthBookDifferenceAndDeltaLift(t *testing.T) {
	a, b, sc := growthbook(t, 3407)
	c := Compare(b, a, Design{Scale: sc, Lift: Delta})
	printed(t, "absolute difference", c.Difference.Value, .29, 5)
	printed(t, "absolute se", c.Difference.SE, .12478, 5)
	printed(t, "absolute p (Welch)", c.Welch.P, .02016, 5)
	printed(t, "absolute low", low(c.Welch.Interval), .04538, 5)
	printed(t, "absolute high", high(c.Welch.Interval), .53462, 5)
	printed(t, "lift", c.Lift.Value, .70732, 5)
	printed(t, "lift se", c.Lift.SE, .37879, 5)
	k := StudentUpper(.025, c.Welch.DF.V)
	i := LiftInterval(Delta, c.Treatment, c.Control, k)
	printed(t, "lift low", low(i), -.03526, 5)
	printed(t, "lift high", high(i), 1.44989, 5)
	printed(t, "lift p", Known(StudentTwoSidedP(c.Lift.Value.V/c.Lift.SE.V, c.Welch.DF.V)), .06191, 5)

	// The point of Fieller: delta says .0619 of the same data of which the absolute test says .0202.
	f := Compare(b, a, Design{Scale: sc})
	if !(f.Lift.Interval.Low > 0) || c.Lift.Interval.Low > 0 {
		t.Errorf("fieller %v, delta %v", f.Lift.Interval, c.Lift.Interval)
	}
}

func TestGrowthBookProportions(t *testing.T) {
	c := Compare(shareOf(30, 16), shareOf(28, 14), Design{Lift: Delta})
	// GrowthBook takes p(1−p) for the variance of a proportion, the general formula p(1−p)·n/(n−1). The latter is used for all
	// metrics here (mixing the two gave GrowthBook negative variances, #4250); with theirs put back the vector is met.
	tr, co := binomial(c.Treatment), binomial(c.Control)
	e := plainEffect(c.Difference, tr, co)
	printed(t, "lift", c.Lift.Value, .06667, 5)
	printed(t, "lift se", Known(e.deltaSE()), .2717, 5)
	test := normalTest(c.Difference.Value.V, tr.Var, co.Var, levelOf(.05))
	df := welch(test, tr, co, levelOf(.05)).DF.V
	i := LiftInterval(Delta, tr, co, StudentUpper(.025, df))
	printed(t, "lift low", low(i), -.47767, 5)
	printed(t, "lift high", high(i), .61101, 5)
	printed(t, "lift p", Known(StudentTwoSidedP(c.Lift.Value.V/e.deltaSE(), df)), .80707, 5)
}

func TestGrowthBookSequential(t *testing.T) {
	a, b, sc := growthbook(t, 3000)
	c := Compare(b, a, Design{Scale: sc, Lift: Delta})
	sequential := func(tr, co Estimate, l Lift, planned int64) (Interval, Always) {
		always := AlwaysByCount(Test{Value: l.Value, SE: l.SE, Z: Known(l.Value.V / l.SE.V)}, tr.N+co.N, planned, .05)
		return LiftInterval(Delta, tr, co, always.K.V), always
	}
	i, always := sequential(c.Treatment, c.Control, c.Lift, 1000)
	printed(t, "lift", c.Lift.Value, .50336, 5)
	printed(t, "low", low(i), -.55844, 5)
	printed(t, "high", high(i), 1.56516, 5)
	printed(t, "p", always.P, 1, 5)

	c = Compare(shareOf(3461, 2422), shareOf(3000, 1396), Design{Lift: Delta})
	tr, co := binomial(c.Treatment), binomial(c.Control)
	l := c.Lift
	l.SE = Known(plainEffect(c.Difference, tr, co).deltaSE())
	i, _ = sequential(tr, co, l, 5000)
	printed(t, "proportions low", low(i), .40098, 5)
	printed(t, "proportions high", high(i), .60675, 5)
}

// GrowthBook packages/stats/tests/test_gbstats.py: the moments are impossible (the denominator's variance is below 0).
// Their arithmetic gives .133333333 and p .610663339; an engine that checks must say that the sums are corrupt instead.
func TestGrowthBookImpossibleMomentsAreRefused(t *testing.T) {
	control := ratioOf(t, 100, [5]string{"270", "510", "848.79", "810", "-900"}, moment.Scale{Num: 2})
	treatment := ratioOf(t, 120, [5]string{"300", "500", "869", "800", "-905"}, moment.Scale{Num: 2})
	c := Compare(treatment, control, Design{Scale: moment.Scale{Num: 2}})
	if c.State != Failed || len(c.Reasons) == 0 || c.Difference.P.OK {
		t.Errorf("%s %v, p %v", c.State, c.Reasons, c.Difference.P)
	}
}

// binomial puts p(1−p)/n in the place of the general variance, as several projects do for proportions.
func binomial(e Estimate) Estimate {
	e.Var = Known(e.Var.V * float64(e.N-1) / float64(e.N))
	return e
}

// PostHog products/experiments/stats/tests/test_frequentist.py
func TestPostHogProportions(t *testing.T) {
	c := Compare(shareOf(1471, 62), shareOf(1529, 87), Design{Lift: Delta})
	tr, co := binomial(c.Treatment), binomial(c.Control)
	df := welch(normalTest(c.Difference.Value.V, tr.Var, co.Var, levelOf(.05)), tr, co, levelOf(.05)).DF.V
	printed(t, "lift", c.Lift.Value, -.25926, 5) // printed as −.25925 there: cut, not rounded
	i := LiftInterval(Delta, tr, co, StudentUpper(.025, df))
	printed(t, "low", low(i), -.49475, 5)
	printed(t, "high", high(i), -.02376, 5)
	printed(t, "p", Known(StudentTwoSidedP(c.Lift.Value.V/plainEffect(c.Difference, tr, co).deltaSE(), df)), .03096, 5)
}

// ep-stats src/epstats/toolkit/testing/resources/evaluations_metrics.csv. Its p has 1572 degrees of freedom, cut to an
// integer from another formula, so p agrees to four digits.
func TestEpStatsUnique(t *testing.T) {
	var p []float64
	for _, c := range []struct {
		ones, n      int64
		statistic, p float64
	}{{448, 1010, -.5216828963, .6019646259}, {432, 1020, -1.4758939143, .1401723865}} {
		r := Compare(shareOf(c.n, c.ones), shareOf(1000, 455), Design{Lift: Delta})
		statistic := r.Lift.Value.V / r.Lift.SE.V
		printed(t, "statistic", Known(statistic), c.statistic, 10)
		printed(t, "p", Known(StudentTwoSidedP(statistic, r.Welch.DF.V)), c.p, 4)
		p = append(p, c.p)
	}
	printed(t, "Holm", Known(Holm(p)[1]), .28034477, 8)
}

// Spotify confidence tests/frequentist/test_ttest.py: p .03334 there is of inputs printed to seven digits.
func TestSpotifyWelch(t *testing.T) {
	c := Compare(meanOf(t, 50571, "1521974", "78621210", 0), meanOf(t, 48351, "1438602", "73305810", 0), Design{})
	printed(t, "p", c.Welch.P, .033264, 4)
}

// Spotify confidence tests/frequentist/test_chisquared.py, us: the general variance gives .0713363, p(1−p) .0700932382.
func TestSpotifyProportions(t *testing.T) {
	c := Compare(shareOf(1009, 500), shareOf(104, 42), Design{})
	printed(t, "difference", c.Difference.Value, .091694, 6)
	printed(t, "p", c.Difference.P, .071336, 6)
	test := normalTest(c.Difference.Value.V, binomial(c.Treatment).Var, binomial(c.Control).Var, levelOf(.05))
	printed(t, "p of p(1−p)", test.P, .0700932382, 10)
	printed(t, "low", low(test.Interval), -.0075254, 7)
	printed(t, "high", high(test.Interval), .190913, 6)
}

// tea-tasting tests/test_aggr.py: ratio_var with means 5 and 4, variances 3 and 2, covariance 1.
func TestTeaTastingRatioVariance(t *testing.T) {
	// Five subjects with exactly these moments: Σ = n·mean, Σxy = (n−1)·cov + n·mean·mean.
	s := &moment.Sums{
		N: 5, NonZero: 5, Num: moment.Int128From(25), Den: moment.Int128From(20), Num2: moment.Int192From(4*3 + 125),
		Den2: moment.Int192From(4*2 + 80), NumDen: moment.Int192From(4*1 + 100),
	}
	e, err := Ratio(s, moment.Scale{})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Var.V * 5; math.Abs(got-.2265625) > 1e-16 {
		t.Errorf("variance of a subject's ratio = %v, want .2265625", got)
	}
}

// tea-tasting tests/metrics/test_proportion.py: 13/47 against 19/53, with the pooled proportion's variance.
func TestTeaTastingProportions(t *testing.T) {
	c := Compare(shareOf(47, 13), shareOf(53, 19), Design{})
	const pooled = 32.0 / 100
	tr, co := c.Treatment, c.Control
	tr.Var = Known(tr.Value.V * tr.Value.V * (1 - pooled) / pooled / 47)
	co.Var = Known(co.Value.V * co.Value.V * (1 - pooled) / pooled / 53)
	i := LiftInterval(LogDelta, tr, co, NormalUpper(.025))
	printed(t, "log lift low", low(i), -.5647346534627081, 14)
	printed(t, "log lift high", high(i), .367670355686605, 14)
	test := normalTest(c.Difference.Value.V, Known(pooled*(1-pooled)/47), Known(pooled*(1-pooled)/53), levelOf(.05))
	printed(t, "pooled p", test.P, .3809096823118986, 14)
	printed(t, "pooled low", low(test.Interval), -.26508014358420723, 14)
	printed(t, "pooled high", high(test.Interval), .10129050087043773, 14)
}

func TestHolmAndBenjaminiHochbergVectors(t *testing.T) {
	for _, c := range []struct {
		name   string
		adjust func([]float64) []float64
		p, q   []float64
	}{
		// GrowthBook packages/shared/test/experiments.test.ts
		{"GrowthBook, Holm", Holm, []float64{.01, .04, .03, .005, .55, .6}, []float64{.05, .12, .12, .03, 1, 1}},
		{"GrowthBook, BH", BenjaminiHochberg, []float64{.898, .138, .007, .964, .538, .006, .138}, []float64{.964, .2415, .0245, .964, .7532, .0245, .2415}},
		// tea-tasting tests/test_multiplicity.py
		{"tea-tasting, BH", BenjaminiHochberg, []float64{.005, .06, .007, .04, .01, .03}, []float64{.02, .06, .02, .048, .02, .045}},
		{"tea-tasting, Holm", Holm, []float64{.005, .06, .007, .04, .01, .03}, []float64{.03, .09, .035, .09, .04, .09}},
		{"Bonferroni", Bonferroni, []float64{.005, .3, 0}, []float64{.015, .9, 0}},
		{"nothing", Holm, nil, []float64{}},
	} {
		got := c.adjust(c.p)
		if len(got) != len(c.q) {
			t.Fatalf("%s: %v", c.name, got)
		}
		for i := range got {
			if math.Abs(got[i]-c.q[i]) > 1e-15 {
				t.Errorf("%s: %v, want %v", c.name, got, c.q)
				break
			}
		}
	}
}

func TestEBenjaminiHochberg(t *testing.T) {
	ln := math.Log
	// m = 4, α = .1: the k-th largest must reach 40/k.
	for _, c := range []struct {
		e    []float64
		want []bool
	}{
		{[]float64{41, 1, 1, 1}, []bool{true, false, false, false}},
		{[]float64{39, 1, 1, 1}, []bool{false, false, false, false}},
		{[]float64{21, 1, 21, 1}, []bool{true, false, true, false}},     // neither alone, both together
		{[]float64{10.5, 11, 10.1, 12}, []bool{true, true, true, true}}, // 40/4 for all four
		{[]float64{9.9, 14, 14, 50}, []bool{false, true, true, true}},
	} {
		var logE []float64
		for _, e := range c.e {
			logE = append(logE, ln(e))
		}
		got := EBenjaminiHochberg(logE, .1)
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: %v, want %v", c.e, got, c.want)
				break
			}
		}
	}
	if got := EBenjaminiHochberg(nil, .1); len(got) != 0 {
		t.Error(got)
	}
}

func TestDivideSpendsAlphaOnce(t *testing.T) {
	for _, c := range []struct{ goals, others int }{{1, 0}, {2, 18}, {0, 5}, {3, 3}, {0, 0}} {
		s := Divide(.05, .8, c.goals, c.others)
		spent := s.Goal*float64(c.goals) + s.Other*float64(c.others)
		want := .05
		if c.goals+c.others == 0 {
			want = 0
		}
		if math.Abs(spent-want) > 1e-17 {
			t.Errorf("%+v: %v spends %v", c, s, spent)
		}
	}
	if s := Divide(.05, .8, 2, 10); math.Abs(s.Goal-.02) > 1e-17 || math.Abs(s.Other-.001) > 1e-17 {
		t.Errorf("%+v", s)
	}
}
