package sql

import (
	"math"
	"math/bits"
)

// int128 is a signed integer of 128 bits in two's complement: what a DECIMAL of up to 38 digits needs.
type int128 struct {
	hi int64
	lo uint64
}

func int128From(n int64) int128 { return int128{n >> 63, uint64(n)} }

// small returns the value as int64 and whether it fits.
func (a int128) small() (int64, bool) { return int64(a.lo), a.hi == int64(a.lo)>>63 }

func (a int128) negative() bool { return a.hi < 0 }

func (a int128) neg() int128 {
	lo, borrow := bits.Sub64(0, a.lo, 0)
	hi, _ := bits.Sub64(0, uint64(a.hi), borrow)
	return int128{int64(hi), lo}
}

// abs is the magnitude; that of the least value is itself, which no checked result reaches.
func (a int128) abs() int128 {
	if a.hi < 0 {
		return a.neg()
	}
	return a
}

func (a int128) add(b int128) (int128, bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, _ := bits.Add64(uint64(a.hi), uint64(b.hi), carry)
	sum := int128{int64(hi), lo}
	return sum, (a.hi < 0) != (b.hi < 0) || (sum.hi < 0) == (a.hi < 0)
}

func (a int128) cmp(b int128) int {
	switch {
	case a.hi != b.hi:
		if a.hi < b.hi {
			return -1
		}
		return 1
	case a.lo != b.lo:
		if a.lo < b.lo {
			return -1
		}
		return 1
	}
	return 0
}

func (a int128) mul(b int128) (int128, bool) {
	negative := a.negative() != b.negative()
	x, y := a.abs(), b.abs()
	if x.hi != 0 && y.hi != 0 {
		return int128{}, false
	}
	if x.hi != 0 {
		x, y = y, x
	}
	// x fits 64 bits
	hi, lo := bits.Mul64(x.lo, y.lo)
	over, mid := bits.Mul64(x.lo, uint64(y.hi))
	sum, carry := bits.Add64(hi, mid, 0)
	if over != 0 || carry != 0 || sum>>63 != 0 {
		return int128{}, false
	}
	p := int128{int64(sum), lo}
	if negative {
		p = p.neg()
	}
	return p, true
}

// divSmall divides the magnitude by d, which must be positive; the quotient is truncated, the remainder has a's sign lost.
func (a int128) divSmall(d uint64) (q int128, r uint64) {
	hi, rem := bits.Div64(0, uint64(a.hi), d)
	lo, rem := bits.Div64(rem, a.lo, d)
	return int128{int64(hi), lo}, rem
}

// pow10 of up to 38.
var pow10 = func() (p [maxPrecision + 1]int128) {
	p[0] = int128From(1)
	for i := 1; i < len(p); i++ {
		p[i], _ = p[i-1].mul(int128From(10))
	}
	return p
}()

// fits says whether |a| < 10^digits.
func (a int128) fits(digits int) bool { return a.abs().cmp(pow10[min(digits, maxPrecision)]) < 0 }

// rescale moves a from one decimal scale to another, rounding half away from zero; false if it leaves 38 digits.
func (a int128) rescale(from, to int) (int128, bool) {
	switch {
	case to == from:
		return a, true
	case to > from:
		if to-from > maxPrecision {
			return a, a == int128{}
		}
		p, ok := a.mul(pow10[to-from])
		return p, ok
	case from-to > maxPrecision:
		return int128{}, true
	}
	m := a.abs()
	for n := from - to; n > 0; {
		// all but the last step only truncate: the digit that decides is the first one dropped
		if n == 1 {
			q, r := m.divSmall(10)
			if r >= 5 {
				q, _ = q.add(int128From(1))
			}
			m = q
			break
		}
		step := min(n-1, 18)
		m, _ = m.divSmall(pow10[step].lo)
		n -= step
	}
	if a.negative() {
		m = m.neg()
	}
	return m, true
}

// float is the nearest double to a/10^scale as DuckDB computes it: the integer as a double, divided by the power.
func (a int128) float() float64 {
	m := a.abs()
	f := float64(uint64(m.hi))*(1<<64) + float64(m.lo)
	if a.negative() {
		return -f
	}
	return f
}

// appendDecimal writes a/10^scale with exactly scale digits after the point.
func (a int128) appendDecimal(dst []byte, scale int) []byte {
	if a.negative() {
		dst = append(dst, '-')
	}
	var digits [40]byte
	n := len(digits)
	for m := a.abs(); ; {
		q, r := m.divSmall(10)
		n--
		digits[n] = byte('0' + r)
		m = q
		if m == (int128{}) && len(digits)-n > scale {
			break
		}
	}
	text := digits[n:]
	dst = append(dst, text[:len(text)-scale]...)
	if scale > 0 {
		dst = append(dst, '.')
		dst = append(dst, text[len(text)-scale:]...)
	}
	return dst
}

// quoRem divides magnitudes by a power of ten of up to 38 digits, by long division over bits.
func (a int128) quoRem(d int128) (q, r int128) {
	if d.hi == 0 {
		var rem uint64
		q, rem = a.divSmall(d.lo)
		return q, int128{0, rem}
	}
	for i := 127; i >= 0; i-- {
		r = int128{r.hi<<1 | int64(r.lo>>63), r.lo << 1}
		var bit uint64
		if i >= 64 {
			bit = uint64(a.hi) >> (i - 64) & 1
		} else {
			bit = a.lo >> i & 1
		}
		r.lo |= bit
		if uint64(r.hi) > uint64(d.hi) || r.hi == d.hi && r.lo >= d.lo {
			lo, borrow := bits.Sub64(r.lo, d.lo, 0)
			hi, _ := bits.Sub64(uint64(r.hi), uint64(d.hi), borrow)
			r = int128{int64(hi), lo}
			if i >= 64 {
				q.hi |= 1 << (i - 64)
			} else {
				q.lo |= 1 << i
			}
		}
	}
	return q, r
}

// int128FromFloat converts an integral double; false if it is beyond 38 digits.
func int128FromFloat(f float64) (int128, bool) {
	m := math.Abs(f)
	if !(m < 1e38) {
		return int128{}, false
	}
	hi := math.Floor(m / (1 << 64))
	n := int128{int64(hi), uint64(m - hi*(1<<64))}
	if f < 0 {
		n = n.neg()
	}
	return n, true
}
