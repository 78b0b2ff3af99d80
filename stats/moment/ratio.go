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
// Source: Deng, Knoblich & Lu, KDD 2018 (arXiv:1803.06336), as a sum of squares.
func (s *Sums) RatioVar(sc Scale) (float64, error) {
	if s.N < 2 {
		return 0, ErrTooFewSubjects
	}
	caa, cad, cdd := s.cross(Numerator, Numerator), s.cross(Numerator, Denominator), s.cross(Denominator, Denominator)
	v, _, err := s.ratioVar(&caa, &cad, &cdd, sc)
	return v, err
}

// ratioVar is RatioVar with the crosses at hand. q is n·Σ(D·a − A·d)², or C_aa where the denominators do not vary.
func (s *Sums) ratioVar(caa, cad, cdd *int256, sc Scale) (v float64, q exact, err error) {
	n, den := float64(s.N), s.Den.Float64()
	den *= den
	if cad.sign() == 0 && cdd.sign() == 0 {
		// Denominators that do not vary, as every mean's: D² cancels.
		if caa.sign() < 0 {
			return 0, q, s.negative(Numerator)
		}
		return shift(caa.float()/den/(n-1), 2*(sc.Den-sc.Num)), exact{small: *caa}, nil
	}
	q = square(&s.Den, &s.Num, caa, cad, cdd)
	if q.sign() < 0 {
		return 0, q, fmt.Errorf("moment: variance of a ratio over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	return shift(q.float()/den/den/(n-1), 2*(sc.Den-sc.Num)), q, nil
}

// Finals are what the sums of one arm say about its ratio, in the units of the Scale.
type Finals struct {
	Ratio, RatioVar float64 // Σnum/Σden and RatioVar
	Den, DenVar     float64 // the denominators' mean, and the (n−1) variance of one of them
}

// Finalise checks the sums like Check and returns what Ratio, RatioVar, Mean and Var do, for half the work of calling each.
// It returns ErrCorrupt, or ErrTooFewSubjects if n < 2; then Ratio and Den are set if n = 1. Σden must be above 0 unless n is 0.
func (s *Sums) Finalise(sc Scale) (f Finals, err error) {
	var c crosses
	f, _, err = s.finalise(sc, &c)
	return f, err
}

// finalise is Finalise, and leaves what it has checked in c and the q of ratioVar.
func (s *Sums) finalise(sc Scale, c *crosses) (f Finals, q exact, err error) {
	if err := s.crosses(c); err != nil {
		return f, q, err
	}
	if s.N == 0 {
		return f, q, ErrTooFewSubjects
	}
	n := float64(s.N)
	f.Ratio = s.Ratio(sc)
	f.Den = shift(s.Den.Float64()/n, -sc.Den)
	if s.N == 1 {
		return f, q, ErrTooFewSubjects
	}
	f.DenVar = shift(c.dd.float()/n/(n-1), -2*sc.Den)
	f.RatioVar, q, err = s.ratioVar(&c.aa, &c.ad, &c.dd, sc)
	return f, q, err
}

// RatioDifference returns t's ratio − c's, in (unit of num)/(unit of den), with the numerator exact and rounded once. Neither
// Σden may be 0.
//
//	(A_t·D_c − A_c·D_t) / (D_t·D_c)
func RatioDifference(t, c *Sums, sc Scale) float64 {
	x := cross2(t.Num, c.Den, c.Num, t.Den)
	return shift(x.float()/(t.Den.Float64()*c.Den.Float64()), sc.Den-sc.Num)
}
