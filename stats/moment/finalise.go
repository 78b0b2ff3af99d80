package moment

import (
	"errors"
	"fmt"
	"math"
)

// Variable is one of the four totals of a subject.
type Variable int

const (
	Numerator Variable = iota
	Denominator
	PreNumerator
	PreDenominator
)

// Scale are the decimal scales of a metric's numerator and denominator: a sum is in units of 10^−scale.
// The pre-period's totals have the same two scales.
type Scale struct{ Num, Den int }

// of returns the scale of one variable.
func (sc Scale) of(v Variable) int {
	if v == Numerator || v == PreNumerator {
		return sc.Num
	}
	return sc.Den
}

var (
	// ErrCorrupt: no set of subjects has these sums (a negative count, a negative variance). The state is damaged.
	ErrCorrupt = errors.New("impossible sums: the state is corrupt")
	// ErrNoPrePeriod: the pre-period has no denominators, or nothing in it varies.
	ErrNoPrePeriod = errors.New("no pre-period")
	// ErrTooFewSubjects: a mean needs one subject, a variance two.
	ErrTooFewSubjects = errors.New("too few subjects")
)

// Sum returns Σv.
func (s *Sums) Sum(v Variable) Int128 {
	switch v {
	case Numerator:
		return s.Num
	case Denominator:
		return s.Den
	case PreNumerator:
		return s.Before.Pre
	default:
		return s.Before.PreDen
	}
}

// Product returns Σv·w.
func (s *Sums) Product(v, w Variable) Int192 {
	if v > w {
		v, w = w, v
	}
	b := &s.Before
	switch {
	case v == Numerator:
		return [...]Int192{s.Num2, s.NumDen, b.NumPre, b.NumPreDen}[w]
	case v == Denominator:
		return [...]Int192{{}, s.Den2, b.DenPre, b.DenPreDen}[w]
	case w == PreNumerator:
		return b.Pre2
	case v == PreNumerator:
		return b.PrePreDen
	}
	return b.PreDen2
}

// cross returns n·Σvw − Σv·Σw, exactly.
func (s *Sums) cross(v, w Variable) int256 {
	vw, sv, sw := s.Product(v, w), s.Sum(v), s.Sum(w)
	return cross(s.N, &vw, &sv, &sw)
}

// Mean returns the mean of v over the n subjects, Σv/n, in the unit of v. It returns ErrTooFewSubjects if n < 1.
func (s *Sums) Mean(v Variable, sc Scale) (float64, error) {
	if s.N < 1 {
		return 0, ErrTooFewSubjects
	}
	return shift(s.Sum(v).Float64()/float64(s.N), -sc.of(v)), nil
}

// Cov returns the unbiased (n−1) sample covariance of v and w over the n subjects:
//
//	c_vw = (n·Σvw − Σv·Σw) / (n·(n−1))
//
// The numerator is exact and rounded once. Unit: (unit of v)·(unit of w). It returns ErrTooFewSubjects if n < 2, and
// ErrCorrupt if v = w and the numerator is negative, which the Cauchy–Schwarz inequality forbids: it is never clamped.
// Source: elementary; why in integers: Chan, Golub & LeVeque 1983, and the NIST StRD sets NumAcc3 and NumAcc4.
func (s *Sums) Cov(v, w Variable, sc Scale) (float64, error) {
	if s.N < 2 {
		return 0, ErrTooFewSubjects
	}
	x := s.cross(v, w)
	if v == w && x.sign() < 0 {
		return 0, s.negative(v)
	}
	n := float64(s.N)
	return shift(x.float()/n/(n-1), -sc.of(v)-sc.of(w)), nil
}

// Var returns the unbiased (n−1) sample variance of v: Cov(v, v).
func (s *Sums) Var(v Variable, sc Scale) (float64, error) { return s.Cov(v, v, sc) }

func (s *Sums) negative(v Variable) error {
	return fmt.Errorf("moment: variance of variable %d over %d subjects is negative: %w", v, s.N, ErrCorrupt)
}

// Check returns ErrCorrupt if no subjects can have these sums: a negative count, sums without subjects, a negative variance,
// or a covariance larger than its two variances allow.
func (s *Sums) Check() error {
	var c crosses
	return s.crosses(&c)
}

// crosses are n·Σvw − Σv·Σw of the numerator a, the denominator d, and of u and w, the same before. Without a pre-period the latter are 0.
type crosses struct{ aa, ad, dd, au, aw, du, dw, uu, uw, ww int256 }

// crosses checks the sums and fills c.
func (s *Sums) crosses(c *crosses) error {
	if s.N < 0 || s.NonZero < 0 || s.NonZero > s.N || s.Approximate < 0 || s.Overflowed < 0 || s.OpenLimit < 0 {
		return fmt.Errorf("moment: counts n=%d, non-zero %d: %w", s.N, s.NonZero, ErrCorrupt)
	}
	if s.N == 0 {
		if (*s != Sums{Approximate: s.Approximate, Overflowed: s.Overflowed, OpenLimit: s.OpenLimit}) {
			return fmt.Errorf("moment: sums without subjects: %w", ErrCorrupt)
		}
		return nil
	}
	b := &s.Before
	var root [4]float64
	variance := func(v Variable, x *int256) error {
		if x.sign() < 0 {
			return s.negative(v)
		}
		root[v] = math.Sqrt(x.float())
		return nil
	}
	covariance := func(v, w Variable, x, vv, ww *int256) error {
		if x.exceeds(vv, ww, root[v], root[w]) {
			return fmt.Errorf("moment: covariance of variables %d and %d over %d subjects is too large: %w", v, w, s.N, ErrCorrupt)
		}
		return nil
	}
	c.aa = cross(s.N, &s.Num2, &s.Num, &s.Num)
	if err := variance(Numerator, &c.aa); err != nil {
		return err
	}
	if !s.meanOfNumerators() { // else both are 0, exactly
		c.ad, c.dd = cross(s.N, &s.NumDen, &s.Num, &s.Den), cross(s.N, &s.Den2, &s.Den, &s.Den)
		if err := variance(Denominator, &c.dd); err != nil {
			return err
		}
		if err := covariance(Numerator, Denominator, &c.ad, &c.aa, &c.dd); err != nil {
			return err
		}
	}
	if !s.HasBefore() {
		return nil
	}
	c.uu, c.ww = cross(s.N, &b.Pre2, &b.Pre, &b.Pre), cross(s.N, &b.PreDen2, &b.PreDen, &b.PreDen)
	if err := variance(PreNumerator, &c.uu); err != nil {
		return err
	}
	if err := variance(PreDenominator, &c.ww); err != nil {
		return err
	}
	c.au, c.aw = cross(s.N, &b.NumPre, &s.Num, &b.Pre), cross(s.N, &b.NumPreDen, &s.Num, &b.PreDen)
	c.du, c.dw = cross(s.N, &b.DenPre, &s.Den, &b.Pre), cross(s.N, &b.DenPreDen, &s.Den, &b.PreDen)
	c.uw = cross(s.N, &b.PrePreDen, &b.Pre, &b.PreDen)
	if err := covariance(Numerator, PreNumerator, &c.au, &c.aa, &c.uu); err != nil {
		return err
	}
	if err := covariance(Denominator, PreNumerator, &c.du, &c.dd, &c.uu); err != nil {
		return err
	}
	if err := covariance(Numerator, PreDenominator, &c.aw, &c.aa, &c.ww); err != nil {
		return err
	}
	if err := covariance(Denominator, PreDenominator, &c.dw, &c.dd, &c.ww); err != nil {
		return err
	}
	return covariance(PreNumerator, PreDenominator, &c.uw, &c.uu, &c.ww)
}

// shift returns f·10^places, rounded once for |places| ≤ 22.
func shift(f float64, places int) float64 {
	switch {
	case places == 0 || f == 0:
		return f
	case places > 0:
		return f * math.Pow10(places)
	default:
		return f / math.Pow10(-places)
	}
}
