package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

func newRand(t testing.TB) *rand.Rand {
	const seed = 20260302
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

// meanOf makes the sums of a mean at scale from n, Σx and Σx² as text.
func meanOf(t testing.TB, n int64, sum, sumSq string, scale int) *moment.Sums {
	t.Helper()
	s := ratioOf(t, n, [5]string{sum, "0", sumSq, "0", "0"}, moment.Scale{Num: scale})
	s.Den, s.Den2, s.NumDen = moment.Int128From(n), moment.Int192From(n), s.Num.Wide()
	return s
}

// shareOf makes the sums of a 0/1 metric.
func shareOf(n, ones int64) *moment.Sums {
	return &moment.Sums{
		N: n, NonZero: ones, Num: moment.Int128From(ones), Num2: moment.Int192From(ones),
		Den: moment.Int128From(n), Den2: moment.Int192From(n), NumDen: moment.Int192From(ones),
	}
}

// ratioOf makes the sums of a ratio from Σa, Σd, Σa², Σd², Σad as text.
func ratioOf(t testing.TB, n int64, sums [5]string, sc moment.Scale) *moment.Sums {
	t.Helper()
	parse := func(text string, scale int) moment.Int192 {
		x, err := moment.Parse(text, scale)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	narrow := func(x moment.Int192) moment.Int128 {
		y, ok := x.Narrow()
		if !ok {
			t.Fatalf("%v is too large", x)
		}
		return y
	}
	return &moment.Sums{
		N: n, NonZero: n,
		Num: narrow(parse(sums[0], sc.Num)), Den: narrow(parse(sums[1], sc.Den)),
		Num2: parse(sums[2], 2*sc.Num), Den2: parse(sums[3], 2*sc.Den), NumDen: parse(sums[4], sc.Num+sc.Den),
	}
}
