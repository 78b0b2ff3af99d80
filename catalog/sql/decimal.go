package sql

import "bytes"

type numberStatus uint8

const (
	numberOK numberStatus = iota
	numberBad
	numberRange
)

// parseDecimal reads decimal text (sign, digits, point, exponent, spaces around it) exactly, and rounds it once to
// scale, half away from zero. All digits count: only the first dropped one decides. Range means more than 38 digits.
func parseDecimal(text []byte, scale int) (int128, numberStatus) {
	text = bytes.Trim(text, " \t\n\v\f\r")
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	digits, point, exponent, ok := splitNumber(text)
	if !ok {
		return int128{}, numberBad
	}
	// The value is 0.d₁d₂… × 10^point, with the point's byte in digits skipped.
	keep := point + exponent + scale // how many digits, from the first, survive
	var n int128
	var small uint64
	seen, round := 0, false
	for _, c := range digits {
		if c == '.' {
			continue
		}
		if seen >= keep {
			round = seen == keep && c >= '5'
			break
		}
		seen++
		if seen <= 18 {
			small = small*10 + uint64(c-'0')
			continue
		}
		if seen == 19 {
			n = int128{0, small}
		}
		var fits bool
		if n, fits = n.mul(int128From(10)); fits {
			n, fits = n.add(int128From(int64(c - '0')))
		}
		if !fits || !n.fits(maxPrecision) {
			return int128{}, numberRange
		}
	}
	if seen <= 18 {
		n = int128{0, small}
	}
	if round {
		n, _ = n.add(int128From(1))
	}
	if missing := keep - seen; missing > 0 && n != (int128{}) {
		if missing > maxPrecision {
			return int128{}, numberRange
		}
		var fits bool
		if n, fits = n.mul(pow10[missing]); !fits {
			return int128{}, numberRange
		}
	}
	if !n.fits(maxPrecision) {
		return int128{}, numberRange
	}
	if negative {
		n = n.neg()
	}
	return n, numberOK
}

// splitNumber finds the parts of an unsigned decimal text: the significant digits from the first that is not 0 (with the
// point among them), how many of them stand before the point (negative: zeros after it that were skipped), the exponent.
func splitNumber(text []byte) (digits []byte, point, exponent int, ok bool) {
	i, count, before := 0, 0, -1
	first := -1
	lead := 0 // zeros skipped after the point
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' && before < 0 {
			before = 0
			if first >= 0 {
				before = 1
				point = count
			}
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		ok = true
		if first < 0 {
			if c == '0' {
				if before == 0 {
					lead++
				}
				continue
			}
			first = i
		}
		count++
	}
	if !ok {
		return nil, 0, 0, false
	}
	end := i
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		if exponent, ok = parseExponent(text[i+1:]); !ok {
			return nil, 0, 0, false
		}
	} else if i < len(text) {
		return nil, 0, 0, false
	}
	if first < 0 {
		return nil, 0, 0, true
	}
	switch {
	case before < 0:
		point = count // no point
	case before == 0:
		point = -lead // the first digit comes after the point
	}
	return text[first:end], point, exponent, true
}

// parseExponent clamps what is far beyond any number that fits.
func parseExponent(text []byte) (int, bool) {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), 1<<30)
	}
	if negative {
		n = -n
	}
	return n, len(text) > 0
}

func decimalValue(n int128, scale int) Value {
	v := Value{Kind: Decimal, Scale: scale}
	v.setDecimal(n)
	return v
}

func (v *Value) setDecimal(n int128) {
	small, ok := n.small()
	v.I, v.hi, v.wide = small, n.hi, !ok
	if ok {
		v.hi = 0
	}
}

// integer is the unscaled integer of a Decimal, or the value of a BigInt or Boolean.
func (v *Value) integer() int128 {
	if v.wide {
		return int128{v.hi, uint64(v.I)}
	}
	return int128From(v.I)
}
