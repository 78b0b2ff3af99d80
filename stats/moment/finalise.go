package moment

import (
	"errors"
	"fmt"
	"math"
	"math/big"
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
	// ErrTooFewSubjects: a mean needs one subject, a variance two.
	ErrTooFewSubjects = errors.New("too few subjects")
)

// Sum returns Σ v.
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

// Products returns Σ v·w.
func (s *Sums) Products(v, w Variable) Int192 {
	if v > w {
		v, w = w, v
	}
	b := &s.Before
	return [4][4]Int192{
		{s.Num2, s.NumDen, b.NumPre, b.NumPreDen},
		{{}, s.Den2, b.DenPre, b.DenPreDen},
		{{}, {}, b.Pre2, b.PrePreDen},
		{{}, {}, {}, b.PreDen2},
	}[v][w]
}

// Mean returns the mean of v over the n subjects, Σv/n, in the unit of v. It returns ErrTooFewSubjects if n < 1.
func (s *Sums) Mean(v Variable, sc Scale) (float64, error) {
	if s.N < 1 {
		return 0, ErrTooFewSubjects
	}
	return Shift(s.Sum(v).Float64()/float64(s.N), -sc.of(v)), nil
}

// Cov returns the unbiased (n−1) sample covariance of v and w over the n subjects:
//
//	c_vw = (n·Σvw − Σv·Σw) / (n·(n−1))
//
// The numerator is exact and rounded once. Unit: (unit of v)·(unit of w). It returns ErrTooFewSubjects if n < 2, and
// ErrCorrupt if v = w and the numerator is negative, which the Cauchy–Schwarz inequality forbids.
// Source: statistics.md §4; the identity is elementary.
func (s *Sums) Cov(v, w Variable, sc Scale) (float64, error) {
	if s.N < 2 {
		return 0, ErrTooFewSubjects
	}
	x := s.CrossBig(v, w)
	if v == w && x.Sign() < 0 {
		return 0, fmt.Errorf("moment: variance of variable %d over %d subjects is negative: %w", v, s.N, ErrCorrupt)
	}
	f, _ := new(big.Float).SetInt(x).Float64()
	n := float64(s.N)
	return Shift(f/n/(n-1), -sc.of(v)-sc.of(w)), nil
}

// Var returns the unbiased (n−1) sample variance of v: Cov(v, v).
func (s *Sums) Var(v Variable, sc Scale) (float64, error) { return s.Cov(v, v, sc) }

// CrossBig returns n·Σvw − Σv·Σw, exactly.
func (s *Sums) CrossBig(v, w Variable) *big.Int {
	x := s.Products(v, w).Big()
	x.Mul(x, big.NewInt(s.N))
	y := s.Sum(v).Big()
	return x.Sub(x, y.Mul(y, s.Sum(w).Big()))
}

// Check returns ErrCorrupt if no subjects can have these sums.
func (s *Sums) Check() error {
	if s.N < 0 || s.NonZero < 0 || s.NonZero > s.N || s.Approximate < 0 || s.Overflowed < 0 || s.OpenLimit < 0 {
		return fmt.Errorf("moment: counts n=%d nonzero=%d: %w", s.N, s.NonZero, ErrCorrupt)
	}
	if s.N == 0 && (*s != Sums{Approximate: s.Approximate, Overflowed: s.Overflowed, OpenLimit: s.OpenLimit}) {
		return fmt.Errorf("moment: no subjects but sums: %w", ErrCorrupt)
	}
	for v := Numerator; v <= PreDenominator; v++ {
		if s.CrossBig(v, v).Sign() < 0 {
			return fmt.Errorf("moment: variance of variable %d over %d subjects is negative: %w", v, s.N, ErrCorrupt)
		}
	}
	return nil
}

// Shift returns f·10^places, rounded once for |places| ≤ 22.
func Shift(f float64, places int) float64 {
	switch {
	case places == 0 || f == 0:
		return f
	case places > 0:
		return f * math.Pow10(places)
	default:
		return f / math.Pow10(-places)
	}
}

// Big returns x.
func (x Int128) Big() *big.Int { return x.Wide().Big() }

// Big returns x.
func (x Int192) Big() *big.Int {
	m := x.magnitude()
	b := new(big.Int).SetUint64(m[2])
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(m[1]))
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(m[0]))
	if x.Sign() < 0 {
		b.Neg(b)
	}
	return b
}
