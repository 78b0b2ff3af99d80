package moment

import (
	"fmt"
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
	d, w       wide    // Σd, Σw
	yy, yx, xx wide    // Σ(D·a − A·d)², Σ(D·a − A·d)(W·u − U·w), Σ(W·u − U·w)²
}

// Linear returns them. With mean every subject's pre-period denominator is taken as 1, whatever the sums say of it. It
// returns ErrTooFewSubjects if n < 2, ErrCorrupt if a variance is negative, and ErrNoPrePeriod if Σw ≤ 0; Σd must not be 0.
// Source: statistics.md §2.6; Deng, Knoblich & Lu, KDD 2018.
func (s *Sums) Linear(sc Scale, mean bool) (Linear, error) {
	if s.N < 2 {
		return Linear{}, ErrTooFewSubjects
	}
	n := float64(s.N)
	l := Linear{N: s.N}
	if mean && s.meanOfNumerators() {
		// Every d and w is 1: the plain covariances, without the wide products.
		caa, cau, cuu := s.cross(Numerator, Numerator), s.cross(Numerator, PreNumerator), s.cross(PreNumerator, PreNumerator)
		l.yy, l.yx, l.xx = caa.wide(), cau.wide(), cuu.wide()
		l.d, l.w = wideOf(Int192From(1)), wideOf(Int192From(1))
		l.unit = shift(1/(n*(n-1)), 2*(sc.Den-sc.Num))
		l.X = shift(s.Before.Pre.Float64()/n, sc.Den-sc.Num)
	} else {
		b := s.Before
		if mean {
			b.PreDen, b.PreDen2, b.PrePreDen = Int128From(s.N), Int192From(s.N), b.Pre.Wide()
			b.NumPreDen, b.DenPreDen = s.Num.Wide(), s.Den.Wide()
		}
		if b.PreDen.Sign() <= 0 {
			return Linear{}, ErrNoPrePeriod
		}
		l.d, l.w = wideOf(s.Den.Wide()), wideOf(b.PreDen.Wide())
		a, u := wideOf(s.Num.Wide()), wideOf(b.Pre.Wide())
		l.yy = bilinear(&l.d, &a, &l.d, &a, s.Num2, s.NumDen, s.NumDen, s.Den2)
		l.yx = bilinear(&l.d, &a, &l.w, &u, b.NumPre, b.NumPreDen, b.DenPre, b.DenPreDen)
		l.xx = bilinear(&l.w, &u, &l.w, &u, b.Pre2, b.PrePreDen, b.PrePreDen, b.PreDen2)
		l.unit = shift(n*(n/(n-1)), 2*(sc.Den-sc.Num))
		l.X = shift(u.float()/l.w.float(), sc.Den-sc.Num)
	}
	if l.yy.sign() < 0 || l.xx.sign() < 0 {
		return Linear{}, fmt.Errorf("moment: linearised variance over %d subjects is negative: %w", s.N, ErrCorrupt)
	}
	d, w := l.d.float(), l.w.float()
	l.YY = l.yy.float() / (d * d) / (d * d) * l.unit
	l.YX = l.yx.float() / (d * d) / (w * w) * l.unit
	l.XX = l.xx.float() / (w * w) / (w * w) * l.unit
	return l, nil
}

// meanOfNumerators says that every subject's denominator is 1, whatever the pre-period's are.
func (s *Sums) meanOfNumerators() bool {
	return s.Den == Int128From(s.N) && s.Den2 == Int192From(s.N) && s.NumDen == s.Num.Wide()
}

// bilinear returns Σ(p·a − q·d)·(r·u − s·w) = pr·Σau − ps·Σaw − qr·Σdu + qs·Σdw.
func bilinear(p, q, r, s *wide, au, aw, du, dw Int192) wide {
	term := func(x, y *wide, sum Int192) wide {
		z, t := x.mul(y), wideOf(sum)
		return z.mul(&t)
	}
	x, y := term(p, r, au), term(p, s, aw)
	x = x.sub(&y)
	y = term(q, r, du)
	x = x.sub(&y)
	y = term(q, s, dw)
	return x.add(&y)
}

// Residual returns the variance of y − θ·x, s_yy − 2·θ·s_yx + θ²·s_xx. Where x predicts y well the three terms cancel; then it is
// evaluated in integers with θ as the binary fraction that a float64 is, and rounded once.
func (l *Linear) Residual(theta float64) float64 {
	v := l.YY - 2*theta*l.YX + theta*theta*l.XX
	// Each term is right to some 10⁻¹⁵ of s_yy, so 10⁻⁴ of s_yy is still right to 10⁻¹¹.
	if v > 1e-4*l.YY {
		return v
	}
	const exact = 1200 // bits: 2·372 of the sums, 2·53 of θ, and their exponents' distance within reason
	f := func(x *wide) *big.Float {
		b := new(big.Int)
		for i := x.n - 1; i >= 0; i-- {
			b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(x.w[i]))
		}
		if x.neg {
			b.Neg(b)
		}
		return new(big.Float).SetPrec(exact).SetInt(b)
	}
	mul := func(x, y *big.Float) *big.Float { return new(big.Float).SetPrec(exact).Mul(x, y) }
	d, w, th := f(&l.d), f(&l.w), new(big.Float).SetPrec(exact).SetFloat64(theta)
	d2, w2 := mul(d, d), mul(w, w)
	// y·D² − θ·(D²/W²)·x·W², all over D⁴: as (w²)²·yy − 2θ·d²w²·yx + θ²·(d²)²·xx over (d²w²)².
	sum := mul(mul(w2, w2), f(&l.yy))
	cross := mul(mul(mul(d2, w2), f(&l.yx)), mul(th, big.NewFloat(2)))
	sum.Sub(sum, cross)
	sum.Add(sum, mul(mul(mul(d2, d2), f(&l.xx)), mul(th, th)))
	den := mul(mul(d2, w2), mul(d2, w2))
	r, _ := sum.Quo(sum, den).Float64()
	return r * l.unit
}
