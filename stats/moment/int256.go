package moment

import (
	"math"
	"math/bits"
)

// int256 is a signed 256-bit integer in two's complement, lowest word first: n·Σvw − Σv·Σw of any sums that have a form in
// bytes is below 2^255.
type int256 [4]uint64

// cross returns n·vw − v·w for n ≥ 0.
func cross(n int64, vw Int192, v, w Int128) int256 {
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
	q := product(v, w)
	return p.add(q.neg())
}

// cross2 returns a·b − c·d.
func cross2(a, b, c, d Int128) int256 {
	p, q := product(a, b), product(c, d)
	return p.add(q.neg())
}

// product returns v·w.
func product(v, w Int128) (q int256) {
	a, b := v.magnitude(), w.magnitude()
	var c uint64
	h00, l00 := bits.Mul64(a[0], b[0])
	if a[1]|b[1] == 0 {
		q[0], q[1] = l00, h00
	} else {
		h01, l01 := bits.Mul64(a[0], b[1])
		h10, l10 := bits.Mul64(a[1], b[0])
		h11, l11 := bits.Mul64(a[1], b[1])
		q[0] = l00
		q[1], c = bits.Add64(h00, l01, 0)
		q[2], c = bits.Add64(h01, l11, c)
		q[3] = h11 + c
		q[1], c = bits.Add64(q[1], l10, 0)
		q[2], c = bits.Add64(q[2], h10, c)
		q[3] += c
	}
	if v.Sign()*w.Sign() < 0 {
		q = q.neg()
	}
	return q
}

// magnitude returns |x| as two words, lowest first.
func (x Int128) magnitude() [2]uint64 {
	if int64(x.hi) < 0 {
		x = Int128{}.Sub(x)
	}
	return [2]uint64{x.lo, x.hi}
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
	if x.sign() < 0 {
		m := x.neg()
		return -floatOf(m[:])
	}
	return floatOf(x[:])
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

// exceeds says that c² > x·y, for x, y ≥ 0: that no subjects have the covariance c with the variances x and y.
func (c *int256) exceeds(x, y *int256) bool {
	if c.sign() == 0 {
		return false
	}
	// Floats decide all but the nearly collinear, in a fiftieth of the time.
	f, g := c.float(), math.Sqrt(x.float())*math.Sqrt(y.float())
	if math.Abs(f) < g*(1-1e-9) {
		return false
	}
	a, b, d := x.wide(), y.wide(), c.wide()
	left, right := d.mul(&d), a.mul(&b)
	return right.less(&left)
}
