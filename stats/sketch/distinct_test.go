package sketch

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
)

// ranksOf adds a set to a sketch, or takes it out.
func ranksOf(d *Distinct, set []uint64, n int64) {
	most := map[int]int{}
	for _, h := range set {
		register, rank := RankOf(h)
		most[register] = max(most[register], rank)
	}
	for register, rank := range most {
		d.AddBin(RankIndex(register, rank), n)
	}
}

// TestDistinctOfSetsIsThatOfTheirUnion: sets that overlap, come in any order and in parts, go and come back, have the estimate of all
// values at once; and that is within four of the errors it states, whatever the number.
func TestDistinctOfSetsIsThatOfTheirUnion(t *testing.T) {
	const seed = 20260302
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, n := range []int{0, 1, 2, 10, 100, 1000, 4096, 20_000, 300_000} {
		values := make([]uint64, n)
		for i := range values {
			values[i] = uint64(i) // the mixing spreads them
		}
		var once, parts, others Distinct
		ranksOf(&once, values, 1)
		var sets [][]uint64
		for at := 0; at < n; {
			to := min(n, at+1+r.IntN(1+n/20))
			sets = append(sets, values[max(0, at-r.IntN(1+n/50)):to])
			at = to
		}
		gone := make([]uint64, 500)
		for i := range gone {
			gone[i] = r.Uint64()
		}
		ranksOf(&parts, gone, 1)
		for i, k := range r.Perm(len(sets)) {
			ranksOf([]*Distinct{&parts, &others}[i%2], sets[k], 1)
		}
		ranksOf(&parts, gone, -1)
		parts.Merge(&others.Bins)
		want, err := once.Estimate()
		got, errGot := parts.Estimate()
		if got != want || err != nil || errGot != nil {
			t.Errorf("%d values: %g in %d sets, %g at once (%v, %v)", n, got, len(sets), want, err, errGot)
		}
		if math.Abs(want-float64(n)) > 4*DistinctError*float64(n) {
			t.Errorf("%d values: estimated %g", n, want)
		}
		b, _ := once.AppendBinary(nil)
		back, rest, err := DecodeDistinct(append(b, 7))
		if err != nil || len(rest) != 1 || !back.Equal(&once.Bins) {
			t.Errorf("%d values: read back with %v, %d bytes left", n, err, len(rest))
		}
	}
}

// TestDistinctErrorIsAsStated: over independent sets the estimate is unbiased and misses by the standard error that it states, and by less while registers are empty.
func TestDistinctErrorIsAsStated(t *testing.T) {
	const seed, runs = 20260302, 300
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	for _, n := range []int{300, 100_000} {
		var sum, sum2 float64
		for range runs {
			var held [MaxRank + 1]int64
			var most [Registers]int
			for range n {
				register, rank := RankOf(r.Uint64())
				most[register] = max(most[register], rank)
			}
			for _, rank := range most {
				held[rank]++
			}
			e := Cardinality(held[:])/float64(n) - 1
			sum, sum2 = sum+e, sum2+e*e
		}
		mean, se := sum/runs, math.Sqrt(sum2/runs)
		t.Logf("%d values: mean error %.4f, standard error %.4f, stated %.4f", n, mean, se, DistinctError)
		if math.Abs(mean) > 4*DistinctError/math.Sqrt(runs) || se > 1.15*DistinctError || n > 10_000 && se < 0.85*DistinctError {
			t.Errorf("%d values: mean error %.4f, standard error %.4f, stated %.4f", n, mean, se, DistinctError)
		}
	}
}

func TestDistinctRefusesWhatIsNone(t *testing.T) {
	var d Distinct
	d.AddBin(RankIndex(3, 2), -1)
	if _, err := d.Estimate(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a negative count: %v", err)
	}
	for _, index := range []int32{-1, RankIndex(0, 0), RankIndex(5, MaxRank+1), RankIndex(Registers, 1)} {
		var bad Distinct
		bad.AddBin(index, 1)
		b, _ := bad.AppendBinary(nil)
		if _, _, err := DecodeDistinct(b); !errors.Is(err, ErrFormat) {
			t.Errorf("bin %d: %v", index, err)
		}
	}
	var q Quantiles
	q.AddBin(RankIndex(Registers-1, MaxRank), 1)
	b, _ := q.AppendBinary(nil)
	if _, _, err := Decode(b); !errors.Is(err, ErrFormat) {
		t.Errorf("a rank as a bin of values: %v", err)
	}
}

// TestMergeInOnePassIsMergeOneByOne: many bins are merged another way than few.
func TestMergeInOnePassIsMergeOneByOne(t *testing.T) {
	const seed = 20260302
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 3))
	for range 200 {
		var a, b Bins
		for range r.IntN(300) {
			a.AddBin(int32(r.IntN(200)-100), r.Int64N(7)-3)
		}
		for range r.IntN(600) {
			b.AddBin(int32(r.IntN(200)-100), r.Int64N(7)-3)
		}
		for sign := int64(1); sign >= -1; sign -= 2 {
			want, got := *a.Clone(), a.Clone()
			for _, x := range b.bins {
				want.AddBin(x.index, sign*x.count)
			}
			if sign > 0 {
				got.Merge(&b)
			} else {
				got.Unmerge(&b)
			}
			if !got.Equal(&want) || got.Count() != want.Count() {
				t.Fatalf("sign %d: %v, want %v", sign, got, want)
			}
		}
	}
}
