package moment

import (
	"errors"
	"math"
	"testing"
)

func TestLinearOfAMeanIsThatOfARatioWithEqualDenominators(t *testing.T) {
	r := newRand(t)
	for range 200 {
		var mean, ratio Sums
		d, w := 1+r.Int64N(50), 1+r.Int64N(50)
		for range 3 + r.IntN(40) {
			a, u := r.Int64N(1e9)-4e8, r.Int64N(1e9)
			mean.Add(Point{In: true, Num: a, Den: 1, Pre: u})
			ratio.Add(Point{In: true, Num: a * d, Den: d, Pre: u * w, PreDen: w})
		}
		x, errX := mean.Linear(Scale{Num: 3}, true)
		y, errY := ratio.Linear(Scale{Num: 3}, false)
		if errX != nil || errY != nil {
			t.Fatal(errX, errY)
		}
		theta := r.NormFloat64()
		for name, c := range map[string][2]float64{
			"s_yy": {x.YY, y.YY}, "s_yx": {x.YX, y.YX}, "s_xx": {x.XX, y.XX}, "x̄": {x.X, y.X}, "residual": {x.Residual(theta), y.Residual(theta)},
		} {
			if math.Abs(c[0]-c[1]) > 1e-13*math.Abs(c[1]) {
				t.Fatalf("%s of the mean %v, of the ratio %v", name, c[0], c[1])
			}
		}
		if v, err := mean.Var(Numerator, Scale{Num: 3}); err != nil || math.Abs(v-x.YY) > 1e-14*v {
			t.Fatalf("s_yy %v, variance %v, %v", x.YY, v, err)
		}
		if v, err := mean.Cov(Numerator, PreNumerator, Scale{Num: 3}); err != nil || math.Abs(v-x.YX) > 1e-14*math.Abs(v) {
			t.Fatalf("s_yx %v, covariance %v, %v", x.YX, v, err)
		}
	}
}

func TestResidualIsExactWhereItCancels(t *testing.T) {
	// x = y: with θ = 1 nothing is left, with θ = 1 + 2⁻³⁰ exactly 2⁻⁶⁰ of the variance; for a mean, and for a ratio.
	var mean, ratio Sums
	for i := range int64(100) {
		mean.Add(Point{In: true, Num: 1e15 + i, Den: 1, Pre: 1e15 + i})
		ratio.Add(Point{In: true, Num: 1e15 + i*i, Den: 3 + i%5, Pre: 1e15 + i*i, PreDen: 3 + i%5})
	}
	for name, l := range map[string]func() (Linear, error){
		"mean":  func() (Linear, error) { return mean.Linear(Scale{}, true) },
		"ratio": func() (Linear, error) { return ratio.Linear(Scale{}, false) },
	} {
		l, err := l()
		if err != nil {
			t.Fatal(name, err)
		}
		if got := l.Residual(1); got != 0 {
			t.Errorf("%s: %v is left of x = y", name, got)
		}
		want := math.Ldexp(l.YY, -60)
		if got := l.Residual(1 + math.Ldexp(1, -30)); math.Abs(got-want) > 1e-15*want {
			t.Errorf("%s: %v is left, want %v", name, got, want)
		}
	}
}

func TestLinearRefuses(t *testing.T) {
	var one, none Sums
	one.Add(Point{In: true, Num: 1, Den: 1, Pre: 1})
	none.Add(Point{In: true, Num: 1, Den: 2, Pre: 1})
	none.Add(Point{In: true, Num: 2, Den: 2, Pre: 1})
	if _, err := one.Linear(Scale{}, true); !errors.Is(err, ErrTooFewSubjects) {
		t.Errorf("one subject: %v", err)
	}
	if _, err := none.Linear(Scale{}, false); !errors.Is(err, ErrNoPrePeriod) {
		t.Errorf("no denominators before: %v", err)
	}
	bad := none
	bad.Before.Pre2 = Int192{}
	if _, err := bad.Linear(Scale{}, true); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Σpre² of 0: %v", err)
	}
}
