package moment

import (
	"math"
	"math/bits"
)

// Int128 is a signed 128-bit integer in two's complement: a sum of up to 2^40 subjects' int64 totals needs 104 bits.
// The zero value is 0. Values are comparable with ==.
type Int128 struct{ hi, lo uint64 }

// Int192 is a signed 192-bit integer in two's complement. A square of an int64 needs 127 bits and a sum of 2^40 of them
// 167, so what a cell adds up can never wrap. The zero value is 0. Values are comparable with ==.
type Int192 struct{ hi, mid, lo uint64 }

// Int128From returns x.
func Int128From(x int64) Int128 { return Int128{uint64(x >> 63), uint64(x)} }

// Int192From returns x.
func Int192From(x int64) Int192 { s := uint64(x >> 63); return Int192{s, s, uint64(x)} }

// Product returns x·y, exactly.
func Product(x, y int64) Int192 {
	hi, lo := bits.Mul64(uint64(x), uint64(y))
	// Mul64 took both for unsigned: a negative factor stands for itself + 2^64, which put the other factor into hi.
	hi -= uint64(x>>63)&uint64(y) + uint64(y>>63)&uint64(x)
	return Int192{uint64(int64(hi) >> 63), hi, lo}
}

// Add returns x + y.
func (x Int128) Add(y Int128) Int128 {
	lo, c := bits.Add64(x.lo, y.lo, 0)
	hi, _ := bits.Add64(x.hi, y.hi, c)
	return Int128{hi, lo}
}

// Sub returns x − y.
func (x Int128) Sub(y Int128) Int128 {
	lo, b := bits.Sub64(x.lo, y.lo, 0)
	hi, _ := bits.Sub64(x.hi, y.hi, b)
	return Int128{hi, lo}
}

// Sign returns −1, 0 or 1.
func (x Int128) Sign() int {
	switch {
	case int64(x.hi) < 0:
		return -1
	case x.hi|x.lo == 0:
		return 0
	}
	return 1
}

// Wide returns x in 192 bits.
func (x Int128) Wide() Int192 { return Int192{uint64(int64(x.hi) >> 63), x.hi, x.lo} }

// Int64 returns x and whether it fits.
func (x Int128) Int64() (int64, bool) {
	return int64(x.lo), x.hi == uint64(int64(x.lo)>>63)
}

// Float64 returns x rounded once to the nearest float64, ties to even.
func (x Int128) Float64() float64 { return x.Wide().Float64() }

// Add returns x + y.
func (x Int192) Add(y Int192) Int192 {
	lo, c := bits.Add64(x.lo, y.lo, 0)
	mid, c := bits.Add64(x.mid, y.mid, c)
	hi, _ := bits.Add64(x.hi, y.hi, c)
	return Int192{hi, mid, lo}
}

// Sub returns x − y.
func (x Int192) Sub(y Int192) Int192 {
	lo, b := bits.Sub64(x.lo, y.lo, 0)
	mid, b := bits.Sub64(x.mid, y.mid, b)
	hi, _ := bits.Sub64(x.hi, y.hi, b)
	return Int192{hi, mid, lo}
}

// Neg returns −x.
func (x Int192) Neg() Int192 { return Int192{}.Sub(x) }

// Sign returns −1, 0 or 1.
func (x Int192) Sign() int {
	switch {
	case int64(x.hi) < 0:
		return -1
	case x.hi|x.mid|x.lo == 0:
		return 0
	}
	return 1
}

// Narrow returns x in 128 bits and whether it fits.
func (x Int192) Narrow() (Int128, bool) {
	return Int128{x.mid, x.lo}, x.hi == uint64(int64(x.mid)>>63)
}

// magnitude returns |x| as three words, lowest first. The least value is its own magnitude, read as unsigned.
func (x Int192) magnitude() [3]uint64 {
	if int64(x.hi) < 0 {
		x = x.Neg()
	}
	return [3]uint64{x.lo, x.mid, x.hi}
}

// Float64 returns x rounded once to the nearest float64, ties to even.
func (x Int192) Float64() float64 {
	if x.hi == uint64(int64(x.lo)>>63) && x.mid == x.hi {
		return float64(int64(x.lo))
	}
	m := x.magnitude()
	return math.Copysign(floatOf(m[:]), float64(int64(x.hi)|1))
}

// floatOf returns the unsigned integer with the given words, lowest first, rounded once, ties to even.
func floatOf(words []uint64) float64 {
	n := len(words)
	for n > 0 && words[n-1] == 0 {
		n--
	}
	if n == 0 {
		return 0
	}
	if n == 1 {
		return float64(words[0])
	}
	// The top 64 bits decide the float, all below only whether there is something: they become one sticky bit.
	shift := bits.LeadingZeros64(words[n-1])
	top := words[n-1]<<shift | words[n-2]>>(64-shift)
	sticky := words[n-2] << shift
	for _, w := range words[:n-2] {
		sticky |= w
	}
	if sticky != 0 {
		top |= 1
	}
	// At most 2^511: the power of two is a float64 and so is the product, without rounding again.
	return float64(top) * math.Float64frombits(uint64(1023+64*(n-1)-shift)<<52)
}
