package moment

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Apply is Sub and Add, whatever the two points are.
func TestApplyIsSubAndAdd(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	number := func() int64 {
		switch r.IntN(5) {
		case 0:
			return 0
		case 1:
			return []int64{math.MinInt64, math.MaxInt64, -1, 1}[r.IntN(4)]
		case 2:
			return int64(r.Uint64())
		}
		return r.Int64N(2000) - 1000
	}
	point := func() Point {
		p := Point{In: r.IntN(8) > 0}
		if r.IntN(8) == 0 {
			p.Flags = Flags(r.IntN(8))
		}
		if !p.In {
			return p
		}
		p.Num, p.Den = number(), 1
		if r.IntN(3) == 0 {
			p.Den = number()
		}
		if r.IntN(4) == 0 {
			p.Pre, p.PreDen = number(), number()
		}
		return p
	}
	for range 2_000 {
		var got, want Sums
		old := point()
		got.Add(old)
		want.Add(old)
		for range 20 {
			next := point()
			got.Apply(old, next)
			want.Sub(old)
			want.Add(next)
			if got != want {
				t.Fatalf("from %+v to %+v: %+v, want %+v", old, next, got, want)
			}
			old = next
		}
		if got.Apply(old, Point{}); got != (Sums{}) {
			t.Fatalf("all taken out again: %+v", got)
		}
	}
}
