package state

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// drawAcross lets half of the metrics that are a number of distinct values count them across subjects.
func (w *workload) drawAcross(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 31))
	p := w.plan
	for x := range p.Experiments {
		for i := range p.Experiments[x].Metrics {
			m := &p.Experiments[x].Metrics[i]
			if r.IntN(2) == 0 && m.Numerator >= 0 && m.Denominator < 0 && p.Measures[m.Numerator].Agg == catalog.CountDistinct {
				m.Across, m.Clip, m.Ordered = true, nil, false
			}
		}
	}
}

// addRanks counts one subject's values: for each of 4,096 registers the largest rank, read off the binary digits.
func (b testBins) addRanks(key oracleKey, values []int64) {
	most := map[string]int{}
	for _, v := range values {
		digits := fmt.Sprintf("%064b", mixed(uint64(v)))
		rank := strings.IndexByte(digits[12:]+"1", '1') + 1
		most[digits[:12]] = max(most[digits[:12]], rank)
	}
	for register, rank := range most {
		var i int32
		fmt.Sscanf(register, "%b", &i)
		b.add(key, []moment.Bin{{Index: i*64 + int32(rank), Count: 1}})
	}
}

// TestRanksAreAFunctionOfTheSet: what a set gives to a count across subjects does not depend on how it is held: exactly, or in the finer
// registers of a large set; and it is what the sketch of all its values has.
func TestRanksAreAFunctionOfTheSet(t *testing.T) {
	const seed = 20260302
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 41))
	for _, n := range []int{0, 1, 2, 50, exactDistinct - 1, exactDistinct, exactDistinct + 1, 40_000} {
		var held, fine distinct
		fine.registers = make([]byte, registers)
		want := testBins{}
		var values []int64
		for range n {
			v := r.Uint64() >> (r.IntN(3) * 20)
			values = append(values, int64(v))
			held.add(v)
			fine.add(v)
		}
		want.addRanks(oracleKey{}, values)
		for name, bins := range map[string][]moment.Bin{"held": held.ranks(), "in registers": fine.ranks()} {
			got := testBins{}
			got.add(oracleKey{}, bins)
			if diff := want.difference(got); diff != "" || !slices.IsSortedFunc(bins, func(a, b moment.Bin) int { return int(a.Index - b.Index) }) {
				t.Fatalf("%d values, %s: %s", n, name, diff)
			}
		}
	}
	// Hashes with all but few of their bits 0 have ranks up to the largest.
	for i := range 64 {
		h := uint64(1) << i >> 1
		fine := min(bits.LeadingZeros64(h<<precision)+1, maxRank)
		register, rank := sketch.Coarser(int(h>>(64-precision)), fine, precision)
		if want := min(bits.LeadingZeros64(h<<12)+1, sketch.MaxRank); register != int(h>>52) || rank != want {
			t.Errorf("bit %d: register %d, rank %d, want %d and %d", i, register, rank, h>>52, want)
		}
	}
}
