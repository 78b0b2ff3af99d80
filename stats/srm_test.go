package stats

import (
	"errors"
	"math"
	"math/bits"
	"testing"
)

func TestSampleRatioVectors(t *testing.T) {
	for _, c := range []struct {
		name    string
		counts  []int64
		weights []float64
		p       float64
		df      int
	}{
		// GrowthBook packages/back-end/test/stats.test.ts
		{"equal weights", []int64{1000, 1200}, []float64{0.5, 0.5}, .000020079, 1},
		{"no mismatch", []int64{135, 115}, []float64{0.5, 0.5}, .205903211, 1},
		{"unequal weights", []int64{310, 98}, []float64{0.75, 0.25}, .647434186, 1},
		// GrowthBook #3826 (degrees of freedom) and its Python, which counts the arm of weight 0 in the total
		{"an arm of weight 0", []int64{1000, 1200, 900}, []float64{0.5, 0.5, 0}, .000020079, 1},
		// GrowthBook #4427, #4439: an arm without subjects is a mismatch, not an arm to ignore
		{"an arm without subjects", []int64{0, 10, 10}, []float64{0.34, 0.33, 0.33}, .005790624, 2},
		{"three arms", []int64{500, 500, 600}, []float64{0.34, 0.33, 0.33}, .000592638, 2},
		{"as planned", []int64{500, 500}, []float64{0.5, 0.5}, 1, 1},
		// tea-tasting tests/metrics/test_proportion.py
		{"tea-tasting", []int64{53, 47}, []float64{1, 1}, .5485062355001472, 1},
	} {
		r, err := SampleRatio(c.counts, c.weights, SRMOptions{})
		if err != nil {
			t.Fatal(c.name, err)
		}
		if math.Abs(r.P.V-c.p) > 6e-10 || !r.P.OK || r.DF != c.df {
			t.Errorf("%s: p %v, df %d, want %v, %d", c.name, r.P.V, r.DF, c.p, c.df)
		}
	}
}

func TestBayesFactorVectors(t *testing.T) {
	// mpmath 1.3.0, 40 digits. The first, third and fourth were computed elsewhere as p .07486, .00343 and .561, the second as
	// .000793; seqabpy's blog has .075 for the first.
	for _, c := range []struct {
		counts  []int64
		weights []float64
		k, want float64
	}{
		{[]int64{156, 212}, []float64{1, 1}, 100, 2.5920750682149900037},
		{[]int64{1000, 1200}, []float64{1, 1}, 100, 7.1403018759896054372},
		{[]int64{1000, 1200}, []float64{1, 1}, 1000, 5.674285459877297586},
		{[]int64{5000, 5200}, []float64{1, 1}, 1000, 0.57778410786925519243},
		{[]int64{0, 10, 10}, []float64{34, 33, 33}, 1000, 0.081370229751678151077},
		{[]int64{3, 0}, []float64{1, 99}, 5, 6.2393007110125632437},
		{[]int64{500, 0}, []float64{1, 1}, 1000, 84.805621805934780119},
		{[]int64{145274, 145310}, []float64{1, 1}, 1000, -2.8356908552559378321},
		{[]int64{1e9, 1e9}, []float64{1, 1}, 1000, -7.2545791190953806526},
		{[]int64{1e9 + 1e5, 1e9}, []float64{1, 1}, 1000, -4.7547303597912226862},
		{[]int64{1e12, 1e12 + 1e7}, []float64{1, 1}, 1000, 14.291415979286651472},
		{[]int64{4e14, 1e14 + 7e7}, []float64{4, 1}, 1000, 6.1306197646274691838},
	} {
		r, err := SampleRatio(c.counts, c.weights, SRMOptions{Concentration: c.k})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(r.LogBF.V-c.want) > 1e-10*math.Max(1, math.Abs(c.want)) {
			t.Errorf("%v, K = %v: ln BF %.15g, want %.15g", c.counts, c.k, r.LogBF.V, c.want)
		}
		if want := math.Min(1, math.Exp(-c.want)); relative(r.PSequential.V, want) > 1e-9 {
			t.Errorf("%v, K = %v: p %v, want %v", c.counts, c.k, r.PSequential.V, want)
		}
	}
}

func TestSampleRatioState(t *testing.T) {
	for _, c := range []struct {
		name    string
		counts  []int64
		weights []float64
		opt     SRMOptions
		want    SRMState
	}{
		{"nobody", []int64{0, 0}, []float64{1, 1}, SRMOptions{}, SRMCollecting},
		{"too few", []int64{99, 0}, []float64{1, 1}, SRMOptions{}, SRMCollecting},
		{"enough, and all in one arm", []int64{150, 0}, []float64{1, 1}, SRMOptions{}, SRMFailed},
		{"fixed p of .00002 after one look", []int64{1000, 1200}, []float64{1, 1}, SRMOptions{}, SRMOK},
		{"the same share of ten times as many", []int64{10000, 12000}, []float64{1, 1}, SRMOptions{}, SRMFailed},
		{"as planned", []int64{145274, 145310}, []float64{1, 1}, SRMOptions{}, SRMOK},
		{"a looser level", []int64{1000, 1200}, []float64{1, 1}, SRMOptions{Alpha: 0.01}, SRMFailed},
		// Mozilla experimenter #16011: 0.2 % is certain at this size and means nothing
		{"tiny and certain", []int64{100200000, 99800000}, []float64{1, 1}, SRMOptions{}, SRMFailed},
		{"tiny, certain, below the practical size", []int64{100200000, 99800000}, []float64{1, 1}, SRMOptions{MinDeviation: 0.05}, SRMOK},
		{"a single arm", []int64{500}, []float64{1}, SRMOptions{}, SRMCollecting},
	} {
		r, err := SampleRatio(c.counts, c.weights, c.opt)
		if err != nil || r.State != c.want {
			t.Errorf("%s: %s (p %v, sequential %v), %v; want %s", c.name, r.State, r.P, r.PSequential, err, c.want)
		}
	}
}

func TestSampleRatioOfNobody(t *testing.T) {
	r, err := SampleRatio([]int64{0, 0, 5}, []float64{1, 1, 0}, SRMOptions{})
	if err != nil || r.Chi2.OK || r.P.OK || r.PSequential.V != 1 || r.DF != 1 || r.State != SRMCollecting {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSampleRatioRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		counts  []int64
		weights []float64
	}{
		"different lengths": {[]int64{1, 2}, []float64{1}},
		"a negative count":  {[]int64{1, -2}, []float64{1, 1}},
		"a negative weight": {[]int64{1, 2}, []float64{1, -1}},
		"a weight of NaN":   {[]int64{1, 2}, []float64{1, math.NaN()}},
		"only weights of 0": {[]int64{1, 2}, []float64{0, 0}},
	} {
		if r, err := SampleRatio(c.counts, c.weights, SRMOptions{}); !errors.Is(err, ErrWeights) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestSampleRatioOfHugeMismatchIsNotZero(t *testing.T) {
	r, err := SampleRatio([]int64{1e9, 2e9}, []float64{1, 1}, SRMOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !(r.P.V > 0) || !(r.PSequential.V > 0) || r.LogBF.V < 1e7 {
		t.Errorf("p %v, sequential %v, ln BF %v", r.P, r.PSequential, r.LogBF)
	}
}

func TestSampleRatioOfARampIsTestedByEpoch(t *testing.T) {
	// 1 % for a day, then half: each as planned. Together they fit neither set of weights.
	ramp := []Epoch{{[]int64{99000, 1010}, []float64{99, 1}}, {[]int64{50100, 49900}, []float64{1, 1}}}
	r, err := SampleRatioEpochs(ramp, SRMOptions{})
	if err != nil || r.State != SRMOK || r.DF != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	pooled, err := SampleRatio([]int64{149100, 50910}, []float64{1, 1}, SRMOptions{})
	if err != nil || pooled.State != SRMFailed {
		t.Errorf("pooled: %+v, %v", pooled, err)
	}
	// Two epochs whose faults cancel in the sum.
	hidden := []Epoch{{[]int64{5500, 4500}, []float64{1, 1}}, {[]int64{4500, 5500}, []float64{1, 1}}}
	if r, err := SampleRatioEpochs(hidden, SRMOptions{}); err != nil || r.State != SRMFailed {
		t.Errorf("hidden: %+v, %v", r, err)
	}
	a, _ := SampleRatio(hidden[0].Counts, hidden[0].Weights, SRMOptions{})
	b, _ := SampleRatio(hidden[1].Counts, hidden[1].Weights, SRMOptions{})
	if r, _ := SampleRatioEpochs(hidden, SRMOptions{}); math.Abs(r.LogBF.V-a.LogBF.V-b.LogBF.V) > 1e-12 || r.Chi2.V != a.Chi2.V+b.Chi2.V {
		t.Errorf("epochs do not add up: %+v, %+v, %+v", r, a, b)
	}
}

func TestSequentialSampleRatioKeepsItsLevelAndFindsAMismatch(t *testing.T) {
	// A look every 640 subjects. χ² at every look of α = .001 alarms in 4 % of clean experiments; the sequential p keeps its
	// level, here .01 for resolution, and finds 51/49 by 400,000 subjects (median 39,000 at α = .001, measured beforehand).
	r := newRand(t)
	const runs = 400
	var clean, fixed, found int
	for range runs {
		var a, b [2]int64
		var cleanHit, fixedHit, foundAt bool
		for look := range 625 {
			ones := int64(0)
			for range 10 {
				ones += int64(bits.OnesCount64(r.Uint64()))
			}
			a[0], a[1] = a[0]+ones, a[1]+640-ones
			if look < 200 {
				s, err := SampleRatio(a[:], []float64{1, 1}, SRMOptions{Alpha: .01})
				if err != nil {
					t.Fatal(err)
				}
				cleanHit = cleanHit || s.State == SRMFailed
				fixedHit = fixedHit || s.P.V <= .01
			}
			if foundAt {
				continue
			}
			// 51/49: one subject in fifty of the second arm changes sides.
			moved := int64(0)
			for range 640 - ones {
				if r.Uint64()%50 == 0 {
					moved++
				}
			}
			b[0], b[1] = b[0]+ones+moved, b[1]+640-ones-moved
			s, _ := SampleRatio(b[:], []float64{1, 1}, SRMOptions{})
			foundAt = s.State == SRMFailed
		}
		if cleanHit {
			clean++
		}
		if fixedHit {
			fixed++
		}
		if foundAt {
			found++
		}
	}
	t.Logf("of %d: clean ones failed %d (χ² at every look %d), 51/49 found %d", runs, clean, fixed, found)
	if limit := runs * (.01 + 3*math.Sqrt(.01*.99/runs)); float64(clean) > limit {
		t.Errorf("%d clean experiments failed, at most %.0f may", clean, limit)
	}
	if fixed < 3*clean || fixed < runs/50 {
		t.Errorf("the negative control failed only %d", fixed)
	}
	if found != runs {
		t.Errorf("51/49 was found in %d of %d", found, runs)
	}
}
