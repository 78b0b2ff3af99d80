package state

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/axiomhq/hyperloglog"
)

func TestDistinctIsAFunctionOfTheSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 17, exactDistinct - 1, exactDistinct, exactDistinct + 1, 20_000, 300_000} {
		values := make([]uint64, n)
		for i := range values {
			values[i] = r.Uint64()
		}
		var whole distinct
		for _, v := range values {
			whole.add(v)
		}
		// Any parts of it, overlapping and in any order, unite to the same.
		var united distinct
		for range 3 {
			r.Shuffle(n, func(i, j int) { values[i], values[j] = values[j], values[i] })
			var part distinct
			for _, v := range values[:n/2] {
				part.add(v)
			}
			united.union(&part)
		}
		for i, v := range values {
			if i%2 == 0 {
				united.add(v)
			}
		}
		rest := distinct{hashes: slices.Clone(values)}
		slices.Sort(rest.hashes)
		rest.spread()
		united.union(&rest)
		got, approximate := united.count()
		want, _ := whole.count()
		if got != want || approximate != (n > exactDistinct) || !slices.Equal(united.registers, whole.registers) {
			t.Errorf("%d values: united %d (approximate %v), added one by one %d", n, got, approximate, want)
		}
		if n <= exactDistinct && got != int64(n) {
			t.Errorf("%d values: counted %d", n, got)
		}
		// 2^14 registers have a standard error of 0.81 %; four of them are 3.3 %.
		if d := float64(got - int64(n)); n > exactDistinct && (d > 0.033*float64(n) || d < -0.033*float64(n)) {
			t.Errorf("%d values: estimated %d", n, got)
		}
	}
}

// mixed is the finaliser of splitmix64, as the registers mix a hash.
func mixed(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func TestDistinctAgreesWithAnotherSketch(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{5000, 50_000, 500_000} {
		theirs, err := hyperloglog.NewSketch(precision, false)
		if err != nil {
			t.Fatal(err)
		}
		var ours distinct
		for range n {
			v := r.Uint64()
			ours.add(v)
			theirs.InsertHash(mixed(v))
		}
		got, _ := ours.count()
		want := int64(theirs.Estimate())
		// Same registers, other estimators: they differ by less than the sketch's own error.
		if d := float64(got-want) / float64(want); d > 0.01 || d < -0.01 {
			t.Errorf("%d values: we say %d, axiomhq says %d", n, got, want)
		}
	}
}

func TestDistinctOfSmallNumbersIsSpread(t *testing.T) {
	var d distinct
	for v := range uint64(100_000) {
		d.add(v)
	}
	if n, _ := d.count(); n < 97_000 || n > 103_000 {
		t.Errorf("100000 consecutive hashes counted as %d", n)
	}
}
