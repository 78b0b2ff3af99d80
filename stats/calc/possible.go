package calc

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// part is a named sum of an arm.
type part struct {
	name string
	sum  Sum
}

// given says which of the sums are there, and names the first that is not.
func given(parts []part) (any bool, missing string) {
	for _, p := range parts {
		if p.sum != "" {
			any = true
		} else if missing == "" {
			missing = p.name
		}
	}
	return any, missing
}

// complete refuses an arm with sums left out: a missing one is not 0. Without subjects there is nothing to sum. other is the other arm:
// what one has the other must have.
func (a *Arm) complete(name string, other *Arm) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%s "+format+": %w", append(append([]any{name}, args...), ErrRequest)...)
	}
	if a.N == nil {
		return refuse("has no n, its number of subjects")
	}
	n := *a.N
	switch {
	case n < 0:
		return refuse("has n = %d; it must be a number of subjects", n)
	case a.NonZero != nil && (*a.NonZero < 0 || *a.NonZero > n):
		return refuse("has nonzero = %d; it must be a part of its %d subjects", *a.NonZero, n)
	}
	all := []part{{"sum_num", a.SumNum}, {"sum_num2", a.SumNum2}}
	denominators := []part{{"sum_den", a.SumDen}, {"sum_den2", a.SumDen2}, {"sum_numden", a.SumNumDen}}
	before := []part{{"sum_pre", a.SumPre}, {"sum_pre2", a.SumPre2}, {"sum_numpre", a.SumNumPre}}
	// Of a mean the product of its denominator, 1, and the pre-period is sum_pre.
	beforeRatio := []part{{"sum_denpre", a.SumDenPre}, {"sum_preden", a.SumPreDen}, {"sum_preden2", a.SumPreDen2},
		{"sum_prepreden", a.SumPrePreDen}, {"sum_numpreden", a.SumNumPreDen}, {"sum_denpreden", a.SumDenPreDen}}
	if n == 0 {
		for _, p := range append(append(append(all, denominators...), before...), beforeRatio...) {
			if p.sum != "" && !p.sum.is("0") {
				return refuse("has no subjects, but %s = %s", p.name, p.sum)
			}
		}
		return nil
	}
	if _, missing := given(all); missing != "" {
		return refuse("has no %s", missing)
	}
	ratio, missing := given(denominators)
	if ratio && missing != "" {
		return refuse("has denominators, but no %s", missing)
	}
	ratio = ratio && !a.constant()
	if a.mean() && !other.mean() && !other.constant() {
		return refuse("has no sum_den, sum_den2 and sum_numden, but the other arm has: give both arms' denominators, or none for a mean")
	}
	hasBefore, missing := given(before)
	if hasBefore && missing != "" {
		return refuse("has a pre-period, but no %s", missing)
	}
	hasRatioBefore, missing := given(beforeRatio)
	if hasRatioBefore && !hasBefore {
		return refuse("has a pre-period, but no sum_pre")
	}
	if ratio && hasBefore && missing != "" {
		return refuse("has denominators and a pre-period, but no %s", missing)
	}
	if otherBefore := other.SumPre != ""; otherBefore && !hasBefore {
		return refuse("has no pre-period (sum_pre, sum_pre2, sum_numpre), but the other arm has")
	}
	return nil
}

// is says whether two sums are written for the same number.
func (s Sum) is(o Sum) bool {
	plain := func(s Sum) string {
		text := string(s)
		if strings.Contains(text, ".") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		return text
	}
	return plain(s) == plain(o)
}

// constant says whether every denominator is 1, as published means have it.
func (a *Arm) constant() bool {
	if a.N == nil {
		return false
	}
	n := Sum(strconv.FormatInt(*a.N, 10))
	return a.SumDen.is(n) && a.SumDen2.is(n) && a.SumNumDen.is(a.SumNum)
}

// possible refuses sums that no values have, and says which inequality they break: Cauchy and Schwarz's, Σx² ≥ (Σx)²/n, or of a product
// (n·Σxy − Σx·Σy)² ≤ (n·Σx² − (Σx)²)·(n·Σy² − (Σy)²). The sums have been read before, so all of them are decimal numbers.
func (a *Arm) possible(name string) error {
	if *a.N == 0 {
		return nil
	}
	n := new(big.Rat).SetInt64(*a.N)
	number := func(s Sum) *big.Rat {
		if r, ok := new(big.Rat).SetString(string(s)); ok {
			return r
		}
		return new(big.Rat)
	}
	// n²·covariance, exactly.
	cross := func(xy, x, y Sum) *big.Rat {
		left := new(big.Rat).Mul(n, number(xy))
		return left.Sub(left, new(big.Rat).Mul(number(x), number(y)))
	}
	type variable struct {
		part
		square part
		spread *big.Rat
	}
	x := []variable{
		{part{"sum_num", a.SumNum}, part{"sum_num2", a.SumNum2}, nil}, {part{"sum_den", a.SumDen}, part{"sum_den2", a.SumDen2}, nil},
		{part{"sum_pre", a.SumPre}, part{"sum_pre2", a.SumPre2}, nil}, {part{"sum_preden", a.SumPreDen}, part{"sum_preden2", a.SumPreDen2}, nil},
	}
	for i, v := range x {
		x[i].spread = cross(v.square.sum, v.sum, v.sum)
		if x[i].spread.Sign() < 0 {
			least := new(big.Rat).Mul(number(v.sum), number(v.sum))
			return fmt.Errorf("%s: %s is %s, smaller than %s²/n = %s: no %d values have these sums: %w", name, v.square.name, v.square.sum, v.name, short6(least.Quo(least, n)), *a.N, ErrRequest)
		}
	}
	for _, c := range []struct {
		part
		x, y int
	}{{part{"sum_numden", a.SumNumDen}, 0, 1}, {part{"sum_numpre", a.SumNumPre}, 0, 2}, {part{"sum_denpre", a.SumDenPre}, 1, 2},
		{part{"sum_prepreden", a.SumPrePreDen}, 2, 3}, {part{"sum_numpreden", a.SumNumPreDen}, 0, 3}, {part{"sum_denpreden", a.SumDenPreDen}, 1, 3}} {
		if c.sum == "" {
			continue
		}
		v, w := x[c.x], x[c.y]
		covariance := cross(c.sum, v.sum, w.sum)
		if covariance.Mul(covariance, covariance).Cmp(new(big.Rat).Mul(v.spread, w.spread)) > 0 {
			return fmt.Errorf("%s: %s is %s, further from %s·%s/n than %s and %s allow: no %d pairs of values have these sums: %w", name, c.name, c.sum, v.name, w.name, v.square.name, w.square.name, *a.N, ErrRequest)
		}
	}
	if nonzero := a.NonZero; nonzero != nil && (*nonzero == 0) != (number(a.SumNum2).Sign() == 0) {
		return fmt.Errorf("%s: nonzero is %d, but sum_num2 is %s: the one is 0 only with the other: %w", name, *nonzero, a.SumNum2, ErrRequest)
	}
	return nil
}

// short6 writes a number with six digits, for a message.
func short6(x *big.Rat) string {
	v, _ := x.Float64()
	return strconv.FormatFloat(v, 'g', 6, 64)
}
