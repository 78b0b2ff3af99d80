package moment

import (
	"math"
	"math/bits"
)

// int256 is a signed 256-bit integer in two's complement, lowest word first: n·Σvw − Σv·Σw of any sums that have a form in
// bytes is below 2^255.
type int256 [4]uint64

// cross returns n·vw − v·w for n ≥ 0.
func cross(n int64, vw *Int192, v, w *Int128) int256 {
	if int64(vw.hi) == int64(vw.mid)>>63 && v.short() && w.short() {
		// Most sums by far: n·vw in 192 bits and v·w in 128, without magnitudes.
		m := uint64(n)
		h0, l0 := bits.Mul64(vw.lo, m)
		h1, l1 := bits.Mul64(vw.mid, m)
		mid, c := bits.Add64(l1, h0, 0)
		// Mul64 took a negative vw for itself + 2^128, which put n into the third word.
		hi := h1 + c - m&vw.hi
		p := Product(int64(v.lo), int64(w.lo))
		var b uint64
		l0, b = bits.Sub64(l0, p.lo, 0)
		mid, b = bits.Sub64(mid, p.mid, b)
		hi, _ = bits.Sub64(hi, p.hi, b)
		return int256{l0, mid, hi, uint64(int64(hi) >> 63)}
	}
	return crossPlain(n, vw, v, w)
}

// crossPlain is cross for any sums.
func crossPlain(n int64, vw *Int192, v, w *Int128) int256 {
	x := vw.magnitude()
	var p int256
	var c uint64
	h0, l0 := bits.Mul64(x[0], uint64(n))
	h1, l1 := bits.Mul64(x[1], uint64(n))
	h2, l2 := bits.Mul64(x[2], uint64(n))
	p[0] = l0
	p[1], c = bits.Add64(l1, h0, 0)
	p[2], c = bits.Add64(l2, h1, c)
	p[3] = h2 + c

	if vw.Sign() < 0 {
		p = p.neg()
	}
	q := product(*v, *w)
	return p.add(q.neg())
}

// short says that x is an int64.
func (x *Int128) short() bool { return x.hi == uint64(int64(x.lo)>>63) }

// cross2 returns a·b − c·d.
func cross2(a, b, c, d Int128) int256 {
	p, q := product(a, b), product(c, d)
	return p.add(q.neg())
}

// product returns v·w.
func product(v, w Int128) int256 {
	h00, l00 := bits.Mul64(v.lo, w.lo)
	h01, l01 := bits.Mul64(v.lo, w.hi)
	h10, l10 := bits.Mul64(v.hi, w.lo)
	h11, l11 := bits.Mul64(v.hi, w.hi)
	q1, c := bits.Add64(h00, l01, 0)
	q2, c := bits.Add64(h01, l11, c)
	q3 := h11 + c
	q1, c = bits.Add64(q1, l10, 0)
	q2, c = bits.Add64(q2, h10, c)
	q3 += c
	// A negative factor was taken for itself + 2^128, which put the other factor into the upper half.
	m, n := uint64(int64(v.hi)>>63), uint64(int64(w.hi)>>63)
	q2, c = bits.Sub64(q2, w.lo&m, 0)
	q3, _ = bits.Sub64(q3, w.hi&m, c)
	q2, c = bits.Sub64(q2, v.lo&n, 0)
	q3, _ = bits.Sub64(q3, v.hi&n, c)
	return int256{l00, q1, q2, q3}
}

func (x *int256) add(y int256) (r int256) {
	var c uint64
	r[0], c = bits.Add64(x[0], y[0], 0)
	r[1], c = bits.Add64(x[1], y[1], c)
	r[2], c = bits.Add64(x[2], y[2], c)
	r[3], _ = bits.Add64(x[3], y[3], c)
	return r
}

func (x *int256) neg() (r int256) {
	var b uint64
	r[0], b = bits.Sub64(0, x[0], 0)
	r[1], b = bits.Sub64(0, x[1], b)
	r[2], b = bits.Sub64(0, x[2], b)
	r[3], _ = bits.Sub64(0, x[3], b)
	return r
}

func (x *int256) sign() int {
	switch {
	case int64(x[3]) < 0:
		return -1
	case x[0]|x[1]|x[2]|x[3] == 0:
		return 0
	}
	return 1
}

// float returns x rounded once to the nearest float64, ties to even.
func (x *int256) float() float64 {
	s := uint64(int64(x[3]) >> 63)
	if x[1] == s && x[2] == s && x[3] == s && x[0]>>63 == s&1 {
		return float64(int64(x[0]))
	}
	m := *x
	if s != 0 {
		m = x.neg()
	}
	n := 4
	for m[n-1] == 0 {
		n--
	}
	f := floatOf(m[:n])
	if s != 0 {
		return -f
	}
	return f
}

// wide returns x.
func (x *int256) wide() wide {
	r := wide{neg: x.sign() < 0, n: 4}
	m := *x
	if r.neg {
		m = x.neg()
	}
	copy(r.w[:], m[:])
	r.trim()
	return r
}

// narrow returns x in 128 bits, and whether its magnitude is below 2^126: four products of such a number and one below 2^126 add up in
// 256 bits.
func (x *int256) narrow() (Int128, bool) {
	s := uint64(int64(x[1]) >> 63)
	return Int128{x[1], x[0]}, x[2] == s && x[3] == s && x[1]>>62 == s>>62
}

// exceeds says that c² > x·y, for x, y ≥ 0: that no subjects have the covariance c with the variances x and y. rootX and rootY are √x and √y.
func (c *int256) exceeds(x, y *int256, rootX, rootY float64) bool {
	// Floats decide all but the nearly collinear, in a fiftieth of the time.
	if math.Abs(c.float()) < rootX*rootY*(1-1e-9) || c.sign() == 0 {
		return false
	}
	a, b, d := x.wide(), y.wide(), c.wide()
	left, right := d.mul(&d), a.mul(&b)
	return right.less(&left)
}
