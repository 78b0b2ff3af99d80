package stats

import (
	"errors"
	"math"
	"testing"
)

func TestSegmentsAgainstRestFindTheOneThatDiffers(t *testing.T) {
	e := func(n int64, value, v float64) Estimate { return Estimate{N: n, Value: Known(value), Var: Known(v)} }
	strata := []Stratum{
		{e(100, 12, .01), e(100, 10, .01)}, {e(300, 12, .01), e(300, 10, .01)}, {e(50, 15, .02), e(50, 10, .02)},
		{e(1, 3, 0), Estimate{N: 1, Value: Known(9)}}, // one subject: no test, and no part of the rest
	}
	got := SegmentsAgainstRest(strata, .05)
	// The third: 5 − 2, variance .04 + (200² + 600²)·.02/800².
	se := math.Sqrt(.04 + (200*200+600*600)*.02/800/800)
	if math.Abs(got[2].Value.V-3) > 1e-12 || relative(got[2].SE.V, se) > 1e-12 || relative(got[2].PAdjusted.V, 3*got[2].P.V) > 1e-12 {
		t.Errorf("%+v, want 3 ± %v", got[2], se)
	}
	// The first against 600 with 2 and 100 with 5.
	if want := 2 - (600*2+100*5)/700.; relative(got[0].Value.V, want) > 1e-12 || got[3].P.OK || got[3].Value.OK {
		t.Errorf("%+v, want %v; without subjects %+v", got[0], want, got[3])
	}
	if one := SegmentsAgainstRest(strata[:1], .05); len(one) != 1 || one[0].Value.OK {
		t.Errorf("one stratum has no rest: %+v", one)
	}
}

func TestNoveltyWords(t *testing.T) {
	test := func(value, p float64) Test { return Test{Value: Known(value), P: Known(p)} }
	early := test(10, 1e-9)
	always := test(-5, .001)
	always.Always.P = Known(.4)
	for _, c := range []struct {
		name         string
		drift, early Test
		want         NoveltyWord
	}{
		{"half of it is gone", test(-5, .001), early, Fading}, {"it has turned", test(-25, .001), early, Fading}, {"it grows", test(5, .001), early, Growing},
		{"nothing shown", test(-5, .2), early, Steady}, {"shown by one look only", always, early, Steady}, {"no drift", Test{}, early, NoveltyUnknown},
		{"a harm that fades", test(5, .001), test(-10, .01), Fading}, {"a harm that grows", test(-5, .001), test(-10, .01), Growing},
		{"from nothing", test(5, .001), test(0, 1), Growing},
	} {
		if got := Novelty(c.drift, c.early, .01); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSampleRatioSlicesShareTheLevel(t *testing.T) {
	// ln BF of 1000 and 1300 at K = 1000 lies between −ln .001 and −ln (.001/500).
	slice := []int64{1000, 1270}
	one, err := SampleRatioSlices([][]int64{slice}, []float64{1, 1}, SRMOptions{})
	if err != nil || one[0].State != SRMFailed {
		t.Fatalf("%+v, %v", one, err)
	}
	many := make([][]int64, 500)
	for i := range many {
		many[i] = []int64{1000, 1000}
	}
	many[7] = slice
	all, err := SampleRatioSlices(many, []float64{1, 1}, SRMOptions{})
	if err != nil || all[7].State != SRMOK || all[7].LogBF != one[0].LogBF {
		t.Errorf("among 500: %+v, %v", all[7], err)
	}
	many[8] = []int64{100, 2000}
	if all, err = SampleRatioSlices(many, []float64{1, 1}, SRMOptions{}); err != nil || all[8].State != SRMFailed {
		t.Errorf("a broken one among 500: %+v, %v", all[8], err)
	}
	if _, err := SampleRatioSlices([][]int64{{1}}, []float64{1, 1}, SRMOptions{}); !errors.Is(err, ErrWeights) {
		t.Errorf("one count, two weights: %v", err)
	}
}
