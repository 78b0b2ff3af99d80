package stats

import (
	"fmt"
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// A vector is a set of numbers that another project's tests hold, by the project and the file that they come from. They are met to the
// digits printed there; where the other project is wrong, the check says what is right, why, and that theirs is met by their arithmetic.
type vector struct {
	number  int // as the vectors were gathered; some numbers were never given
	project string
	file    string
	name    string
	check   func(t *testing.T)
}

func TestVectors(t *testing.T) {
	var all []vector
	for _, list := range [][]vector{growthbookVectors, posthogVectors, epstatsVectors, spotifyVectors, teaTastingVectors, confseqVectors, ldBoundsVectors} {
		all = append(all, list...)
	}
	seen := map[int]int{}
	for _, v := range all {
		seen[v.number]++
		t.Run(fmt.Sprintf("%02d %s %s: %s", v.number, v.project, v.file, v.name), v.check)
	}
	for _, n := range []int{1, 2, 3, 4, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 22, 25, 26, 28, 30, 31, 32, 33, 35} {
		if seen[n] == 0 {
			t.Errorf("vector %d is not in the table", n)
		}
	}
}

// printed checks a number to the digits after the point that its origin prints.
func printed(t *testing.T, what string, got Number, want float64, digits int) {
	t.Helper()
	if !got.OK || math.Abs(got.V-want) > 0.500001*math.Pow10(-digits) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func low(i Interval) Number  { return Number{i.Low, i.OK} }
func high(i Interval) Number { return Number{i.High, i.OK} }

// binomial puts p(1−p)/n in the place of the general variance, as several projects do for proportions.
func binomial(e Estimate) Estimate {
	e.Var = Known(e.Var.V * float64(e.N-1) / float64(e.N))
	return e
}

// momentsOf makes the sums of n subjects with exactly these means and (n−1) covariances of numerator, denominator and their pre-period:
// Σv = n·mean, Σvw = (n−1)·cov + n·mean·mean.
func momentsOf(n int64, mean [4]int64, cov func(v, w int) int64) *moment.Sums {
	sum := func(v int) moment.Int128 { return moment.Int128From(n * mean[v]) }
	product := func(v, w int) moment.Int192 { return moment.Int192From((n-1)*cov(v, w) + n*mean[v]*mean[w]) }
	return &moment.Sums{
		N: n, NonZero: n, Num: sum(0), Den: sum(1), Num2: product(0, 0), NumDen: product(0, 1), Den2: product(1, 1),
		Before: moment.Before{
			Pre: sum(2), PreDen: sum(3), Pre2: product(2, 2), PrePreDen: product(2, 3), PreDen2: product(3, 3),
			NumPre: product(0, 2), NumPreDen: product(0, 3), DenPre: product(1, 2), DenPreDen: product(1, 3),
		},
	}
}
