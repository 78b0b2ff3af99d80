package moment

import (
	"fmt"
	"math/big"
)

// Ratio returns Σnum/Σden in (unit of num)/(unit of den); the caller has made sure that Σden is not 0.
func (s *Sums) Ratio(sc Scale) float64 {
	return Shift(s.Num.Float64()/s.Den.Float64(), sc.Den-sc.Num)
}

// RatioVar returns the variance of the ratio Σa/Σd over n ≥ 2 subjects by the delta method:
//
//	n·Q/((n−1)·D⁴),   Q = D²·Σa² − 2·A·D·Σad + A²·Σd²,   A = Σa, D = Σd
//
// Q is exact and rounded once. It returns ErrCorrupt if Q is negative: it is a sum of squares, Σ(D·a − A·d)².
func (s *Sums) RatioVar(sc Scale) (float64, error) {
	a, d := s.Num.Big(), s.Den.Big()
	q := new(big.Int).Mul(d, d)
	q.Mul(q, s.Num2.Big())
	x := new(big.Int).Mul(a, d)
	x.Mul(x, s.NumDen.Big()).Lsh(x, 1)
	q.Sub(q, x)
	x.Mul(a, a)
	x.Mul(x, s.Den2.Big())
	q.Add(q, x)
	if q.Sign() < 0 {
		return 0, fmt.Errorf("moment: variance of a ratio over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	f, _ := new(big.Float).SetInt(q).Float64()
	n, den := float64(s.N), s.Den.Float64()
	den *= den
	return Shift(f/den/den*(n/(n-1)), 2*(sc.Den-sc.Num)), nil
}

// RatioDifference returns t's ratio − c's, with the numerator exact and rounded once; neither Σden may be 0.
//
//	(A_t·D_c − A_c·D_t) / (D_t·D_c)
func RatioDifference(t, c *Sums, sc Scale) float64 {
	x := t.Num.Big()
	x.Mul(x, c.Den.Big())
	y := c.Num.Big()
	y.Mul(y, t.Den.Big())
	f, _ := new(big.Float).SetInt(x.Sub(x, y)).Float64()
	return Shift(f/t.Den.Float64()/c.Den.Float64(), sc.Den-sc.Num)
}
