package stats

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrLooks: looks that are not a rising sequence of shares of the planned information, or a level outside (0, 1).
var ErrLooks = errors.New("bad looks")

// Spending says how much of α may be spent up to the share t of the planned information: 0 at 0, α at 1.
type Spending func(t, alpha float64) float64

// SpendPower is α·t^ρ: with 1 the same at every time, with 2 or 3 more of it late. Source: Kim & DeMets 1987.
func SpendPower(rho float64) Spending {
	return func(t, alpha float64) float64 { return alpha * math.Pow(t, rho) }
}

// SpendOBrienFleming is 2 − 2·Φ(z_{α/2}/√t): next to nothing early. Source: Lan & DeMets 1983.
func SpendOBrienFleming(t, alpha float64) float64 {
	return math.Erfc(NormalUpper(alpha/2) / math.Sqrt(2*t))
}

// GroupSequential returns the boundary of z at each of a few planned looks, for a test that errs at most α of the time over all of them,
// one-sided or (with twoSided) both sides together: the k with
//
//	P(|Z₁| < k₁, …, |Zᵢ₋₁| < kᵢ₋₁, |Zᵢ| ≥ kᵢ) = spend(tᵢ) − spend(tᵢ₋₁)
//
// where Zᵢ·√tᵢ has independent increments. t are the shares of the planned information at the looks, rising, at most 1. A spending
// function's value is no level for a look by itself: to use it so errs more often than α. Several treatments need their share of α
// each. The tests of this engine look at any time and don't need it (Always); it is for comparing with tools that plan their looks.
// It returns ErrLooks. Source: Lan & DeMets, Biometrika 1983, by the recursion of Armitage, McPherson & Rowe 1969.
func GroupSequential(t []float64, alpha float64, spend Spending, twoSided bool) ([]float64, error) {
	last := 0.0
	for i, x := range t {
		if !(x > last && x <= 1) || x-last < 1e-4 {
			return nil, fmt.Errorf("stats: look %d at the share %v after %v: %w", i, x, last, ErrLooks)
		}
		last = x
	}
	if !(alpha > 0 && alpha < 1) || len(t) == 0 {
		return nil, fmt.Errorf("stats: %d looks at level %v: %w", len(t), alpha, ErrLooks)
	}
	sides := 1.0
	if twoSided {
		sides = 2
	}
	var bounds []float64
	var going density // of the sum z·√t among those that go on
	spent, at := 0.0, 0.0
	for _, x := range t {
		step := spend(x, alpha) - spent
		spent += step
		sd := math.Sqrt(x - at)
		cross := func(bound float64) float64 { // the chance to stop at this look, for one side
			if going.x == nil {
				return normalCDF(-bound / sd)
			}
			return going.integrate(func(b float64) float64 { return normalCDF((b - bound) / sd) })
		}
		// The chance falls with the bound, from more than enough to nothing.
		low, high := -9*math.Sqrt(x), 9*math.Sqrt(x)
		for range 60 {
			mid := (low + high) / 2
			if sides*cross(mid) > step {
				low = mid
			} else {
				high = mid
			}
		}
		bound := (low + high) / 2
		bounds = append(bounds, bound/math.Sqrt(x))
		floor := -9 * math.Sqrt(x)
		if twoSided {
			floor = -bound
		}
		going = going.next(floor, bound, sd)
		at = x
	}
	return bounds, nil
}

// density is a function on a grid with the weights of Simpson's rule.
type density struct{ x, w, f []float64 }

func (d density) integrate(g func(float64) float64) (sum float64) {
	for i, x := range d.x {
		sum += d.w[i] * d.f[i] * g(x)
	}
	return sum
}

// next returns the density of d plus an independent normal increment, between low and high; without d that of the increment alone. The
// grid is as fine as the narrower of the two curves needs.
func (d density) next(low, high, sd float64) density {
	n := min(4000, 2*int(math.Ceil((high-low)/sd*16))+2)
	if high <= low {
		return density{x: []float64{low}, w: []float64{0}, f: []float64{0}}
	}
	h := (high - low) / float64(n)
	var r density
	for i := range n + 1 {
		x := low + float64(i)*h
		w := h / 3 * float64(2+2*(i%2))
		if i == 0 || i == n {
			w = h / 3
		}
		at := func(b float64) float64 {
			z := (x - b) / sd
			return math.Exp(-z*z/2) / (sd * math.Sqrt(2*math.Pi))
		}
		f := at(0)
		if d.x != nil {
			f = d.integrate(at)
		}
		r.x, r.w, r.f = append(r.x, x), append(r.w, w), append(r.f, f)
	}
	r.x, r.w, r.f = slices.Clip(r.x), slices.Clip(r.w), slices.Clip(r.f)
	return r
}
