package moment

import (
	"fmt"
	"math"
	"math/big"
)

// Linear are the unbiased (n−1) variances and the covariance, over the n subjects of one arm, of the values that the delta
// method puts in the place of two ratios: y of the numerator over the denominator, and x the same of the pre-period:
//
//	yᵢ = (aᵢ − R·dᵢ)/d̄,   R = Σa/Σd;      xᵢ = (uᵢ − S·wᵢ)/w̄,   S = Σu/Σw
//
// For a mean (every d and w is 1) they are the subjects' own values less their mean.
type Linear struct {
	// N is the number of subjects, X is S.
	N int64
	X float64
	// YY, YX and XX are s_yy, s_yx and s_xx in the square of the ratio's unit, each rounded once from integers.
	YY, YX, XX float64

	unit       float64 // of all three
	d, w       Int128  // Σd, Σw
	yy, yx, xx exact   // n·Σ(D·a − A·d)², n·Σ(D·a − A·d)(W·u − U·w), n·Σ(W·u − U·w)²
}

// Linear returns them. With mean every subject's pre-period denominator is taken as 1, whatever the sums say of it. It
// returns ErrTooFewSubjects if n < 2, ErrCorrupt if a variance is negative, and ErrNoPrePeriod if Σw ≤ 0; Σd must not be 0.
// Source: Deng, Xu, Kohavi & Walker, WSDM 2013, with the delta method of Deng, Knoblich & Lu, KDD 2018.
func (s *Sums) Linear(sc Scale, mean bool) (Linear, error) {
	var c crosses
	if s.N < 2 {
		return Linear{}, ErrTooFewSubjects
	}
	if err := s.crosses(&c); err != nil {
		return Linear{}, err
	}
	q := exact{small: c.aa}
	if c.ad.sign() != 0 || c.dd.sign() != 0 {
		q = square(&s.Den, &s.Num, &c.aa, &c.ad, &c.dd)
	}
	var l Linear
	if err := s.linear(sc, mean, &c, &q, &l); err != nil {
		return Linear{}, err
	}
	return l, nil
}

// FinaliseLinear returns what Finalise does and fills l as Linear does, for half the work of calling each: err is Finalise's, and
// errLinear Linear's; l is of use where both are nil. Σden must be above 0 unless n is 0.
func (s *Sums) FinaliseLinear(sc Scale, mean bool, l *Linear) (f Finals, err, errLinear error) {
	var c crosses
	f, q, err := s.finalise(sc, &c)
	if err != nil {
		return f, err, err
	}
	return f, nil, s.linear(sc, mean, &c, &q, l)
}

// linear is Linear with the crosses and the q of ratioVar at hand.
func (s *Sums) linear(sc Scale, mean bool, c *crosses, q *exact, l *Linear) error {
	n := float64(s.N)
	l.N = s.N
	if mean && s.meanOfNumerators() {
		// Every d and w is 1: the plain covariances, without the products.
		l.yy, l.yx, l.xx = exact{small: c.aa}, exact{small: c.au}, exact{small: c.uu}
		l.d, l.w = Int128From(1), Int128From(1)
		l.unit = shift(1/(n*(n-1)), 2*(sc.Den-sc.Num))
		l.X = shift(s.Before.Pre.Float64()/n, sc.Den-sc.Num)
	} else {
		pre, preDen, aw, dw, uw, ww := s.Before.Pre, s.Before.PreDen, c.aw, c.dw, c.uw, c.ww
		if mean {
			preDen, aw, dw, uw, ww = Int128From(s.N), int256{}, int256{}, int256{}, int256{} // a constant goes with nothing
		}
		if preDen.Sign() <= 0 {
			return ErrNoPrePeriod
		}
		l.d, l.w = s.Den, preDen
		if l.yy = *q; c.ad.sign() == 0 && c.dd.sign() == 0 {
			l.yy = square(&s.Den, &s.Num, &c.aa, &c.ad, &c.dd) // q is without D²
		}
		l.yx = linearised(&s.Den, &s.Num, &preDen, &pre, &c.au, &aw, &c.du, &dw)
		l.xx = square(&preDen, &pre, &c.uu, &uw, &ww)
		l.unit = shift(n/(n-1), 2*(sc.Den-sc.Num))
		l.X = shift(pre.Float64()/preDen.Float64(), sc.Den-sc.Num)
	}
	if l.yy.sign() < 0 || l.xx.sign() < 0 {
		return fmt.Errorf("moment: linearised variance over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	d, w := l.d.Float64(), l.w.Float64()
	l.YY = l.yy.float() / (d * d) / (d * d) * l.unit
	l.YX = l.yx.float() / (d * d) / (w * w) * l.unit
	l.XX = l.xx.float() / (w * w) / (w * w) * l.unit
	// Of each pair of the four totals it is known (crosses), of their combinations not yet. Floats decide all but the nearly collinear.
	if math.Abs(l.YX) > math.Sqrt(l.YY)*math.Sqrt(l.XX)*(1-1e-9) && l.impossible() {
		return fmt.Errorf("moment: linearised covariance over %d subjects is too large: %w", s.N, ErrCorrupt)
	}
	return nil
}

// impossible says that s_yx² > s_yy·s_xx.
func (l *Linear) impossible() bool {
	yx := l.yx.big()
	return yx.Mul(yx, yx).Cmp(new(big.Int).Mul(l.yy.big(), l.xx.big())) > 0
}

// meanOfNumerators says that every subject's denominator is 1, whatever the pre-period's are.
func (s *Sums) meanOfNumerators() bool {
	return s.Den == Int128From(s.N) && s.Den2 == Int192From(s.N) && s.NumDen == s.Num.Wide()
}

// Residual returns the variance of y − θ·x, s_yy − 2·θ·s_yx + θ²·s_xx. Where x predicts y well the three terms cancel; then it is
// evaluated in integers with θ as the binary fraction that a float64 is, and rounded once. θ must be finite.
func (l *Linear) Residual(theta float64) float64 {
	v := l.YY - 2*theta*l.YX + theta*theta*l.XX
	// Each term is right to some 10⁻¹⁵ of s_yy, so 10⁻⁴ of s_yy is still right to 10⁻¹¹.
	if v > 1e-4*l.YY {
		return v
	}
	return l.residualExact(theta)
}

func (l *Linear) residualExact(theta float64) float64 {
	const prec = 1400 // bits: 3·511 of the sums at most, less what they share, 2·53 of θ, and their exponents' distance within reason
	f := func(x *big.Int) *big.Float { return new(big.Float).SetPrec(prec).SetInt(x) }
	mul := func(x, y *big.Float) *big.Float { return new(big.Float).SetPrec(prec).Mul(x, y) }
	sum := func(x Int128) *big.Int { e := exact{small: product(x, Int128From(1))}; return e.big() }
	d, w, th := f(sum(l.d)), f(sum(l.w)), new(big.Float).SetPrec(prec).SetFloat64(theta)
	d2, w2 := mul(d, d), mul(w, w)
	// y·D² − θ·(D²/W²)·x·W², all over D⁴: as (w²)²·yy − 2θ·d²w²·yx + θ²·(d²)²·xx over (d²w²)².
	total := mul(mul(w2, w2), f(l.yy.big()))
	cross := mul(mul(mul(d2, w2), f(l.yx.big())), mul(th, big.NewFloat(2)))
	total.Sub(total, cross)
	total.Add(total, mul(mul(mul(d2, d2), f(l.xx.big())), mul(th, th)))
	den := mul(mul(d2, w2), mul(d2, w2))
	r, _ := total.Quo(total, den).Float64()
	return r * l.unit
}
