package sketch

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func newRand(t testing.TB) *rand.Rand {
	const seed = 20260302
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 3))
}

// draw gives values of every size and sign.
func draw(r *rand.Rand) int64 {
	switch r.IntN(8) {
	case 0:
		return 0
	case 1:
		return []int64{math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 255, 256, 257, -255, -256, 511, 512}[r.IntN(10)]
	}
	v := int64(r.Uint64() >> r.IntN(64))
	if r.IntN(3) == 0 {
		v = -v
	}
	return v
}

func encode(t testing.TB, q *Quantiles) []byte {
	t.Helper()
	b, err := q.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBinsRiseWithTheValueAndAreNarrow(t *testing.T) {
	r := newRand(t)
	values := []int64{math.MinInt64, math.MaxInt64, 0, 1, -1, 255, 256, 257, 258}
	for range 20000 {
		v := draw(r)
		values = append(values, v)
		if v < math.MaxInt64 {
			values = append(values, v+1)
		}
	}
	slices.Sort(values)
	last := indexOf(math.MinInt64)
	for _, v := range values {
		i := indexOf(v)
		if i < last {
			t.Fatalf("the bin of %d is %d, that of a smaller value %d", v, i, last)
		}
		last = i
		m := middle(i)
		if d := math.Abs(float64(m) - float64(v)); d > math.Abs(float64(v))/256 {
			t.Fatalf("%d has the bin %d, whose middle is %d", v, i, m)
		}
		if v > -256 && v < 256 && m != v {
			t.Fatalf("%d has the middle %d", v, m)
		}
		if indexOf(m) != i {
			t.Fatalf("the middle %d of bin %d is in bin %d", m, i, indexOf(m))
		}
	}
}

func TestQuantilesAgreeWithSorting(t *testing.T) {
	r := newRand(t)
	for range 300 {
		values := make([]int64, 1+r.IntN(300))
		var q Quantiles
		for i := range values {
			values[i] = draw(r)
			q.Add(values[i], 1)
		}
		slices.Sort(values)
		for _, p := range []float64{-1, 0, .001, .25, .5, .9, .95, .999, 1, 2} {
			rank := min(max(int(math.Ceil(p*float64(len(values)))), 1), len(values))
			want := values[rank-1]
			got, err := q.Quantile(p)
			if err != nil || indexOf(got) != indexOf(want) {
				t.Fatalf("quantile %v of %d values: %d, %v, want %d", p, len(values), got, err, want)
			}
		}
	}
}

func TestOrderGroupingAndRetractionLeaveTheSameBytes(t *testing.T) {
	r := newRand(t)
	for range 200 {
		values := make([]int64, r.IntN(200))
		var inOrder Quantiles
		for i := range values {
			values[i] = draw(r)
			inOrder.Add(values[i], 1)
		}
		var parts [16]Quantiles
		for _, i := range r.Perm(len(values)) {
			p, wrong := &parts[r.IntN(16)], draw(r)
			p.Add(wrong, 2)
			p.Add(values[i], 1)
			p.Add(wrong, -2)
		}
		var merged Quantiles
		for _, i := range r.Perm(16) {
			merged.Merge(&parts[i])
		}
		want := encode(t, &inOrder)
		if got := encode(t, &merged); !bytes.Equal(got, want) {
			t.Fatalf("shuffled %x, in order %x", got, want)
		}
		back, rest, err := Decode(append(slices.Clone(want), 7))
		if err != nil || len(rest) != 1 || !bytes.Equal(encode(t, back), want) || back.Count() != int64(len(values)) {
			t.Fatalf("decoded %+v, %v, %v", back, rest, err)
		}
		for i := range want {
			if _, _, err := Decode(want[:i]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%x cut to %d: %v", want, i, err)
			}
		}
		for _, v := range values {
			merged.Add(v, -1)
		}
		if !merged.IsZero() || merged.Count() != 0 {
			t.Fatalf("all taken out leaves %+v", merged)
		}
	}
}

func TestRefusals(t *testing.T) {
	var q Quantiles
	if _, err := q.Quantile(.5); !errors.Is(err, ErrEmpty) {
		t.Errorf("of nothing: %v", err)
	}
	q.Add(5, 3)
	q.Add(1000, -1)
	if _, err := q.Quantile(.5); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with a negative count: %v", err)
	}
	for name, b := range map[string][]byte{
		"a later version":   {2, 0},
		"a long number":     {1, 0x80, 0},
		"a count of 0":      {1, 1, 2, 0},
		"bins out of order": {1, 2, 4, 2, 1, 2},
		"a bin twice":       {1, 2, 4, 2, 0, 2},
		"a bin too far":     {1, 1, 0xff, 0xff, 7, 2},
	} {
		if x, _, err := Decode(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %+v, %v", name, x, err)
		}
	}
}

func TestIntervalCoversTheQuantileOfClusters(t *testing.T) {
	// Subjects with a pace of their own and several events each: an error per event would cover far too little. The share at or
	// below the quantile is a ratio over subjects; 1.96 of its errors cover the true quantile 95 % of the time.
	r := newRand(t)
	const runs, subjects, p = 400, 400, .9
	// ln of an event is normal with variance .25 + .09; subjects' numbers of events do not depend on their pace.
	trueQuantile := 1e6 * math.Exp(1.2815515655446004*math.Sqrt(.25+.09))
	covered := 0
	for range runs {
		type subject struct{ events []int64 }
		all := make([]subject, subjects)
		var q Quantiles
		for i := range all {
			pace := math.Exp(.5 * r.NormFloat64())
			for range 1 + r.IntN(10) {
				v := int64(1e6 * pace * math.Exp(.3*r.NormFloat64()))
				all[i].events = append(all[i].events, v)
				q.Add(v, 1)
			}
		}
		c, err := q.Quantile(p)
		if err != nil {
			t.Fatal(err)
		}
		var sa, sd, saa, sad, sdd float64
		for _, s := range all {
			var a, d float64
			for _, v := range s.events {
				d++
				if v <= c {
					a++
				}
			}
			sa, sd, saa, sad, sdd = sa+a, sd+d, saa+a*a, sad+a*d, sdd+d*d
		}
		ratio := sa / sd
		se := math.Sqrt((saa-2*ratio*sad+ratio*ratio*sdd)*subjects/(subjects-1)) / sd
		low, high, err := q.Interval(p, se, 1.96)
		if err != nil {
			t.Fatal(err)
		}
		if float64(low) <= trueQuantile && trueQuantile <= float64(high) {
			covered++
		}
	}
	if got := float64(covered) / runs; math.Abs(got-.95) > 4*math.Sqrt(.95*.05/runs) {
		t.Errorf("covered in %.3f of the runs", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	r := newRand(b)
	var q Quantiles
	b.ReportAllocs()
	for range b.N {
		q.Add(int64(1e6*math.Exp(r.NormFloat64())), 1)
	}
}

// GrowthBook #6331, #6428: the numerator's cap was taken over all exposed subjects, the denominator's over those that had one.
func TestAnchorBugRatioCapOverDifferentPopulations(t *testing.T) {
	// 100 subjects; 20 buy for 20 an order, 19 of them once and one 30 times: revenue per order is 20, capped or not.
	var num, den, denOfBuyers Quantiles
	type subject struct{ spent, orders int64 }
	var all []subject
	for i := range int64(100) {
		s := subject{}
		switch {
		case i == 0:
			s = subject{600, 30}
		case i < 20:
			s = subject{20, 1}
		}
		all = append(all, s)
		num.Add(s.spent, 1)
		den.Add(s.orders, 1)
		if s.orders > 0 {
			denOfBuyers.Add(s.orders, 1)
		}
	}
	ratio := func(capNum, capDen int64) float64 {
		var a, d int64
		for _, s := range all {
			a, d = a+min(s.spent, capNum), d+min(s.orders, capDen)
		}
		return float64(a) / float64(d)
	}
	const p = .97
	capNum, capDen, err := RatioCaps(&num, &den, p)
	if err != nil || ratio(capNum, capDen) != 20 {
		t.Errorf("capped at %d and %d the ratio is %v, %v; want 20", capNum, capDen, ratio(capNum, capDen), err)
	}
	if _, _, err := RatioCaps(&num, &denOfBuyers, p); !errors.Is(err, ErrPopulations) {
		t.Errorf("100 subjects above, 20 below: %v", err)
	}
	// What happened there.
	wrong, err := denOfBuyers.Quantile(p)
	if err != nil || ratio(capNum, wrong) > 15 {
		t.Errorf("the negative control has %v, %v", ratio(capNum, wrong), err)
	}
}

func TestWithout0LeavesAllOthers(t *testing.T) {
	r := newRand(t)
	var all, others Quantiles
	for range 2000 {
		v := draw(r)
		all.Add(v, 1)
		if v != 0 {
			others.Add(v, 1)
		}
	}
	got := all.Without0()
	if !got.Equal(&others) || got.Count() != others.Count() || got.Equal(&all) {
		t.Errorf("%d values without the zeros, want %d of %d", got.Count(), others.Count(), all.Count())
	}
}

// TestAtSpreadsABinEvenly: At is within the width of the quantile's bin of it, rises with p, moves through a single value's bin by
// half a unit on both sides, and takes back what is taken out.
func TestAtSpreadsABinEvenly(t *testing.T) {
	r := newRand(t)
	for range 200 {
		var q Quantiles
		for range 1 + r.IntN(300) {
			q.Add(draw(r), 1)
		}
		last := math.Inf(-1)
		for p := 0.001; p < 1; p += 0.037 {
			v, err := q.Quantile(p)
			if err != nil {
				t.Fatal(err)
			}
			at, err := q.At(p)
			if err != nil || math.Abs(at-float64(v)) > math.Abs(float64(v))/100+1 || at < last {
				t.Fatalf("at %g: %g (%v), the quantile is %d, before it %g", p, at, err, v, last)
			}
			last = at
		}
		with := q.Clone()
		other := &Quantiles{}
		other.Add(draw(r), 3)
		with.Merge(other)
		with.Unmerge(other)
		if !with.Equal(&q) || with.Count() != q.Count() {
			t.Fatal("merged and unmerged is not what was")
		}
	}
	var ties Quantiles
	ties.Add(7, 100)
	ties.Add(-7, 100)
	for p, want := range map[float64]float64{0: -7.5, 0.25: -7, 0.5: -6.5, 0.75: 7, 1: 7.5, 2: 7.5} {
		if got, err := ties.At(p); err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("of −7 and 7 at %g: %g, %v, want %g", p, got, err, want)
		}
	}
	if _, err := new(Quantiles).At(.5); !errors.Is(err, ErrEmpty) {
		t.Errorf("of nothing: %v", err)
	}
	ties.Add(1000, -1)
	if _, err := ties.At(.5); !errors.Is(err, ErrCorrupt) {
		t.Errorf("with a negative count: %v", err)
	}
	if !ValidIndex(IndexOf(math.MaxInt64)) || !ValidIndex(IndexOf(math.MinInt64)) || ValidIndex(IndexOf(math.MaxInt64)+1) || ValidIndex(IndexOf(math.MinInt64)-1) {
		t.Error("the ends of the bins")
	}
}
