package moment

import "math/big"

// exact is an integer that finalising makes: in 256 bits where it fits, as it does for nearly all sums, else wide.
type exact struct {
	small int256
	large *wide // nil if small has it
}

// linearised returns Σ(D·a − A·d)(W·u − U·w)·n over n subjects, for the sums A, D, U, W of a, d, u, w:
//
//	D·W·C_au − D·U·C_aw − A·W·C_du + A·U·C_dw,   C_vw = n·Σvw − Σv·Σw
//
// With u = a and w = d it is n·Σ(D·a − A·d)², the numerator of every variance by the delta method.
func linearised(d, a, w, u *Int128, au, aw, du, dw *int256) exact {
	if x, ok := linearisedNarrow(d, a, w, u, au, aw, du, dw); ok {
		return exact{small: x}
	}
	x := linearisedWide(d, a, w, u, au, aw, du, dw)
	return exact{large: &x}
}

// linearisedNarrow is linearised where the sums have at most 62 bits and the crosses 126: then nothing leaves 256.
func linearisedNarrow(d, a, w, u *Int128, au, aw, du, dw *int256) (int256, bool) {
	cau, ok1 := au.narrow()
	caw, ok2 := aw.narrow()
	cdu, ok3 := du.narrow()
	cdw, ok4 := dw.narrow()
	if !ok1 || !ok2 || !ok3 || !ok4 || !d.below62() || !a.below62() || !w.below62() || !u.below62() {
		return int256{}, false
	}
	x, y := times(d, w, cau), times(a, u, cdw)
	x = x.add(y)
	y, z := times(d, u, caw), times(a, w, cdu)
	y = y.add(z)
	return x.add(y.neg()), true
}

// square is linearised with u = a and w = d: D²·C_aa − 2·A·D·C_ad + A²·C_dd.
func square(d, a *Int128, aa, ad, dd *int256) exact {
	caa, ok1 := aa.narrow()
	cad, ok2 := ad.narrow()
	cdd, ok3 := dd.narrow()
	if ok1 && ok2 && ok3 && d.below62() && a.below62() {
		x, y, z := times(d, d, caa), times(a, a, cdd), times(a, d, cad)
		x = x.add(y)
		z = z.add(z)
		return exact{small: x.add(z.neg())}
	}
	x := linearisedWide(d, a, d, a, aa, ad, ad, dd)
	return exact{large: &x}
}

// times returns v·w·c for v and w that are int64.
func times(v, w *Int128, c Int128) int256 {
	p := Product(int64(v.lo), int64(w.lo))
	return product(Int128{p.mid, p.lo}, c)
}

// linearisedWide is linearised for any sums: at most 511 bits.
func linearisedWide(d, a, w, u *Int128, au, aw, du, dw *int256) wide {
	term := func(v, w *Int128, c *int256) wide {
		x, y, z := wideOf(v.Wide()), wideOf(w.Wide()), c.wide()
		x = x.mul(&y)
		return x.mul(&z)
	}
	x, y := term(d, w, au), term(d, u, aw)
	x = x.sub(&y)
	y = term(a, w, du)
	x = x.sub(&y)
	y = term(a, u, dw)
	return x.add(&y)
}

// below62 says that |x| < 2^62.
func (x *Int128) below62() bool {
	return x.short() && uint64(int64(x.lo)>>62) == x.hi
}

func (x *exact) sign() int {
	if x.large != nil {
		return x.large.sign()
	}
	return x.small.sign()
}

// float returns x rounded once to the nearest float64, ties to even.
func (x *exact) float() float64 {
	if x.large != nil {
		return x.large.float()
	}
	return x.small.float()
}

// big returns x.
func (x *exact) big() *big.Int {
	var w wide
	if x.large != nil {
		w = *x.large
	} else {
		w = x.small.wide()
	}
	b := new(big.Int)
	for i := w.n - 1; i >= 0; i-- {
		b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(w.w[i]))
	}
	if w.neg {
		b.Neg(b)
	}
	return b
}
