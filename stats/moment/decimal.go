package moment

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// String returns x in decimal.
func (x Int128) String() string { return x.Wide().Decimal(0) }

// String returns x in decimal.
func (x Int192) String() string { return x.Decimal(0) }

// Decimal returns x·10^−scale as decimal text: no exponent, no trailing zeros after the point, "0" for zero.
// The scale of a square is twice that of its root.
func (x Int128) Decimal(scale int) string { return x.Wide().Decimal(scale) }

// Decimal returns x·10^−scale as decimal text: no exponent, no trailing zeros after the point, "0" for zero.
func (x Int192) Decimal(scale int) string {
	var buf [80]byte
	return string(x.AppendDecimal(buf[:0], scale))
}

// AppendDecimal appends what Decimal returns.
func (x Int192) AppendDecimal(b []byte, scale int) []byte {
	if x.Sign() < 0 {
		b = append(b, '-')
	}
	var buf [64]byte
	d := appendDigits(buf[:0], x.magnitude())
	if scale <= 0 {
		b = append(b, d...)
		if x.Sign() != 0 {
			for ; scale < 0; scale++ {
				b = append(b, '0')
			}
		}
		return b
	}
	whole, frac := d[:max(0, len(d)-scale)], d[max(0, len(d)-scale):]
	if len(whole) == 0 {
		whole = []byte{'0'}
	}
	b = append(b, whole...)
	end := len(b)
	b = append(b, '.')
	for range scale - len(frac) {
		b = append(b, '0')
	}
	b = append(b, frac...)
	// Trailing zeros say nothing: 2.50 and 2.5 are the same sum and must be the same text.
	for len(b) > end && b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// appendDigits appends m in decimal: 19 digits at a time, the most that a uint64 remainder holds.
func appendDigits(b []byte, m [3]uint64) []byte {
	const chunk = 1e19
	var parts [4]uint64
	n := 0
	for m[1]|m[2] != 0 {
		var r uint64
		m[2], r = m[2]/chunk, m[2]%chunk
		m[1], r = bits.Div64(r, m[1], chunk)
		m[0], r = bits.Div64(r, m[0], chunk)
		parts[n] = r
		n++
	}
	b = strconv.AppendUint(b, m[0], 10)
	for n--; n >= 0; n-- {
		var buf [20]byte
		d := strconv.AppendUint(buf[:0], parts[n], 10)
		for range 19 - len(d) {
			b = append(b, '0')
		}
		b = append(b, d...)
	}
	return b
}

// ErrDecimal marks text that is no decimal number, has more digits after the point than the scale, or leaves 192 bits.
var ErrDecimal = errors.New("not a decimal number of this scale")

// Parse reads what Decimal writes: text·10^scale, exactly. Trailing zeros beyond the scale are taken, other digits there
// refused, because a sum that is rounded is no longer the sum.
func Parse(text string, scale int) (Int192, error) {
	digits, negative := strings.CutPrefix(text, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if len(frac) > scale {
		frac = strings.TrimRight(frac, "0")
	}
	if len(whole)+len(frac) == 0 || len(frac) > scale {
		return Int192{}, fmt.Errorf("moment: parse %q at scale %d: %w", text, scale, ErrDecimal)
	}
	var x wide
	ten := wideOf(Int192From(10))
	for i := range len(whole) + scale {
		d := byte('0')
		switch {
		case i < len(whole):
			d = whole[i]
		case i < len(whole)+len(frac):
			d = frac[i-len(whole)]
		}
		if d < '0' || d > '9' {
			return Int192{}, fmt.Errorf("moment: parse %q at scale %d: %w", text, scale, ErrDecimal)
		}
		digit := wideOf(Int192From(int64(d - '0')))
		x = x.mul(&ten)
		x = x.add(&digit)
		if x.n > 3 || x.n == 3 && x.w[2]>>63 != 0 {
			return Int192{}, fmt.Errorf("moment: parse %q at scale %d: %w", text, scale, ErrDecimal)
		}
	}
	r := Int192{x.w[2], x.w[1], x.w[0]}
	if negative {
		r = r.Neg()
	}
	return r, nil
}
