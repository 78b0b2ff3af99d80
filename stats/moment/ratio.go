package moment

import "fmt"

// Ratio returns Σnum/Σden in (unit of num)/(unit of den). Σden must not be 0.
func (s *Sums) Ratio(sc Scale) float64 {
	return shift(s.Num.Float64()/s.Den.Float64(), sc.Den-sc.Num)
}

// RatioVar returns the variance of the ratio A/D = Σa/Σd over n subjects by the delta method:
//
//	n·Q/((n−1)·D⁴),   Q = Σ(D·a − A·d)² = D²·Σa² − 2·A·D·Σad + A²·Σd²
//
// Q is exact and rounded once, so it does not cancel however close the subjects' own ratios are. Σden must not be 0. It
// returns ErrTooFewSubjects if n < 2, and ErrCorrupt if Q is negative. Source: statistics.md §2.4 and §4, 5.
func (s *Sums) RatioVar(sc Scale) (float64, error) {
	if s.N < 2 {
		return 0, ErrTooFewSubjects
	}
	a, d := wideOf(s.Num.Wide()), wideOf(s.Den.Wide())
	aa, ad, dd := wideOf(s.Num2), wideOf(s.NumDen), wideOf(s.Den2)
	d2, a2, twice := d.mul(&d), a.mul(&a), a.mul(&d)
	twice = twice.add(&twice)
	q, x, y := d2.mul(&aa), twice.mul(&ad), a2.mul(&dd)
	q = q.sub(&x)
	q = q.add(&y)
	if q.sign() < 0 {
		return 0, fmt.Errorf("moment: variance of a ratio over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	n, den := float64(s.N), s.Den.Float64()
	den *= den
	return shift(q.float()/den/den*(n/(n-1)), 2*(sc.Den-sc.Num)), nil
}

// RatioDifference returns t's ratio − c's, in (unit of num)/(unit of den), with the numerator exact and rounded once. Neither
// Σden may be 0.
//
//	(A_t·D_c − A_c·D_t) / (D_t·D_c)
func RatioDifference(t, c *Sums, sc Scale) float64 {
	at, dt := wideOf(t.Num.Wide()), wideOf(t.Den.Wide())
	ac, dc := wideOf(c.Num.Wide()), wideOf(c.Den.Wide())
	x, y := at.mul(&dc), ac.mul(&dt)
	x = x.sub(&y)
	return shift(x.float()/(t.Den.Float64()*c.Den.Float64()), sc.Den-sc.Num)
}
