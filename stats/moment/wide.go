package moment

import "math/bits"

// wide is a signed integer of up to 512 bits, sign and magnitude, for the few products that finalising needs: the largest
// is Σ(D·a − A·d)², 445 bits from any sums that have a form in bytes. math/big says the same (the tests hold it to that) but
// allocates, and a page finalises tens of thousands of cells at a time.
type wide struct {
	neg bool
	n   int // words in use; the highest is not 0
	w   [8]uint64
}

func wideOf(x Int192) wide {
	m := x.magnitude()
	r := wide{neg: x.Sign() < 0}
	copy(r.w[:], m[:])
	r.n = 3
	r.trim()
	return r
}

func (x *wide) trim() {
	for x.n > 0 && x.w[x.n-1] == 0 {
		x.n--
	}
	if x.n == 0 {
		x.neg = false
	}
}

func (x *wide) sign() int {
	switch {
	case x.n == 0:
		return 0
	case x.neg:
		return -1
	}
	return 1
}

// mul returns x·y, which must fit.
func (x *wide) mul(y *wide) (r wide) {
	r.neg = x.neg != y.neg
	r.n = min(x.n+y.n, len(r.w)) // what does not fit is caught by the index below
	for i := range x.n {
		var carry uint64
		for j := range y.n {
			hi, lo := bits.Mul64(x.w[i], y.w[j])
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi += c
			r.w[i+j], c = bits.Add64(r.w[i+j], lo, 0)
			carry = hi + c
		}
		if carry != 0 {
			r.w[i+y.n] = carry
		}
	}
	r.trim()
	return r
}

// add returns x + y, which must fit.
func (x *wide) add(y *wide) (r wide) {
	if x.neg == y.neg {
		r.neg = x.neg
		n := max(x.n, y.n)
		var c uint64
		for i := range n {
			r.w[i], c = bits.Add64(x.w[i], y.w[i], c)
		}
		r.n = n
		if c != 0 {
			r.w[n] = c
			r.n++
		}
		return r
	}
	a, b := x, y
	if a.less(b) {
		a, b = b, a
	}
	r.neg = a.neg
	var c uint64
	for i := range a.n {
		r.w[i], c = bits.Sub64(a.w[i], b.w[i], c)
	}
	r.n = a.n
	r.trim()
	return r
}

// sub returns x − y, which must fit.
func (x *wide) sub(y *wide) wide {
	z := *y
	z.neg = !z.neg && z.n > 0
	return x.add(&z)
}

// less compares magnitudes.
func (x *wide) less(y *wide) bool {
	if x.n != y.n {
		return x.n < y.n
	}
	for i := x.n - 1; i >= 0; i-- {
		if x.w[i] != y.w[i] {
			return x.w[i] < y.w[i]
		}
	}
	return false
}

// float returns x rounded once to the nearest float64, ties to even.
func (x *wide) float() float64 {
	f := floatOf(x.w[:x.n])
	if x.neg {
		return -f
	}
	return f
}
