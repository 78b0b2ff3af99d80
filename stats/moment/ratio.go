package moment

import "fmt"

// Ratio returns Σnum/Σden in (unit of num)/(unit of den). Σden must not be 0.
func (s *Sums) Ratio(sc Scale) float64 {
	return shift(s.Num.Float64()/s.Den.Float64(), sc.Den-sc.Num)
}

// RatioVar returns the variance of the ratio A/D = Σa/Σd over n subjects by the delta method:
//
//	n·Σ(D·a − A·d)² / ((n−1)·D⁴) = (D²·C_aa − 2·A·D·C_ad + A²·C_dd) / ((n−1)·D⁴),   C_vw = n·Σvw − Σv·Σw
//
// The numerator is exact and rounded once, so it does not cancel however close the subjects' own ratios are. Σden must not be
// 0. It returns ErrTooFewSubjects if n < 2, and ErrCorrupt if the numerator is negative.
// Source: statistics.md §2.4 and §4, 5.
func (s *Sums) RatioVar(sc Scale) (float64, error) {
	if s.N < 2 {
		return 0, ErrTooFewSubjects
	}
	caa, cad, cdd := s.cross(Numerator, Numerator), s.cross(Numerator, Denominator), s.cross(Denominator, Denominator)
	return s.ratioVar(&caa, &cad, &cdd, sc)
}

func (s *Sums) ratioVar(caa, cad, cdd *int256, sc Scale) (float64, error) {
	n, den := float64(s.N), s.Den.Float64()
	den *= den
	if cad.sign() == 0 && cdd.sign() == 0 {
		// Denominators that do not vary, as every mean's: D² cancels.
		if caa.sign() < 0 {
			return 0, s.negative(Numerator)
		}
		return shift(caa.float()/den/(n-1), 2*(sc.Den-sc.Num)), nil
	}
	a, d := wideOf(s.Num.Wide()), wideOf(s.Den.Wide())
	x, y, z := caa.wide(), cad.wide(), cdd.wide()
	q, p := d.mul(&x), a.mul(&y)
	q = q.sub(&p)
	q = q.sub(&p)
	q = q.mul(&d)
	p = a.mul(&z)
	p = p.mul(&a)
	q = q.add(&p)
	if q.sign() < 0 {
		return 0, fmt.Errorf("moment: variance of a ratio over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	return shift(q.float()/den/den/(n-1), 2*(sc.Den-sc.Num)), nil
}

// Finals are what the sums of one arm say about its ratio, in the units of the Scale.
type Finals struct {
	Ratio, RatioVar float64 // Σnum/Σden and RatioVar
	Den, DenVar     float64 // the denominators' mean, and the (n−1) variance of one of them
}

// Finalise checks the sums like Check and returns what Ratio, RatioVar, Mean and Var do, for half the work of calling each.
// It returns ErrCorrupt, or ErrTooFewSubjects if n < 2; then Ratio and Den are set if n = 1. Σden must be above 0 unless n is 0.
func (s *Sums) Finalise(sc Scale) (f Finals, err error) {
	c, err := s.crosses()
	if err != nil || s.N == 0 {
		if err == nil {
			err = ErrTooFewSubjects
		}
		return f, err
	}
	n := float64(s.N)
	f.Ratio = s.Ratio(sc)
	f.Den = shift(s.Den.Float64()/n, -sc.Den)
	if s.N == 1 {
		return f, ErrTooFewSubjects
	}
	f.DenVar = shift(c[2].float()/n/(n-1), -2*sc.Den)
	f.RatioVar, err = s.ratioVar(&c[0], &c[1], &c[2], sc)
	return f, err
}

// RatioDifference returns t's ratio − c's, in (unit of num)/(unit of den), with the numerator exact and rounded once. Neither
// Σden may be 0.
//
//	(A_t·D_c − A_c·D_t) / (D_t·D_c)
func RatioDifference(t, c *Sums, sc Scale) float64 {
	x := cross2(t.Num, c.Den, c.Num, t.Den)
	return shift(x.float()/(t.Den.Float64()*c.Den.Float64()), sc.Den-sc.Num)
}
