package sql

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"unicode"
	"unicode/utf8"
)

// made ends a text that was appended to the arena from start.
func (f *frame) made(start int, out *Value) bool {
	*out = Value{Kind: Varchar, Text: f.arena[start:len(f.arena):len(f.arena)]}
	return true
}

func callLower(f *frame, args []Value, out *Value) bool { return f.mapRunes(args[0].Text, lower, out) }
func callUpper(f *frame, args []Value, out *Value) bool { return f.mapRunes(args[0].Text, upper, out) }

func lower(r rune) rune { return unicode.ToLower(r) }

// upper maps single code points, as DuckDB does; Go leaves ß, whose capital is of 2008, as it is.
func upper(r rune) rune {
	if r == 'ß' {
		return 'ẞ'
	}
	return unicode.ToUpper(r)
}

func (f *frame) mapRunes(text []byte, mapping func(rune) rune, out *Value) bool {
	start := len(f.arena)
	for len(text) > 0 {
		if c := text[0]; c < utf8.RuneSelf {
			f.arena = append(f.arena, byte(mapping(rune(c))))
			text = text[1:]
			continue
		}
		r, n := utf8.DecodeRune(text)
		f.arena = utf8.AppendRune(f.arena, mapping(r))
		text = text[n:]
	}
	return f.made(start, out)
}

func callLength(f *frame, args []Value, out *Value) bool {
	*out = Value{Kind: BigInt, I: int64(utf8.RuneCount(args[0].Text))}
	return true
}

// trimmed says whether r is cut: without a set the spaces of Unicode's class Zs, as in DuckDB, so no tab.
func trimmed(r rune, args []Value) bool {
	if len(args) > 1 {
		return bytes.ContainsRune(args[1].Text, r)
	}
	return r == ' ' || unicode.Is(unicode.Zs, r)
}

func cutLeft(text []byte, args []Value) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if !trimmed(r, args) {
			break
		}
		text = text[n:]
	}
	return text
}

func cutRight(text []byte, args []Value) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeLastRune(text)
		if !trimmed(r, args) {
			break
		}
		text = text[:len(text)-n]
	}
	return text
}

func callTrim(f *frame, args []Value, out *Value) bool {
	*out = Value{Kind: Varchar, Text: cutRight(cutLeft(args[0].Text, args), args)}
	return true
}

func callTrimLeft(f *frame, args []Value, out *Value) bool {
	*out = Value{Kind: Varchar, Text: cutLeft(args[0].Text, args)}
	return true
}

func callTrimRight(f *frame, args []Value, out *Value) bool {
	*out = Value{Kind: Varchar, Text: cutRight(args[0].Text, args)}
	return true
}

// callSubstr counts code points from 1, from the end if negative; a negative length goes to the left of start. At 0 it
// starts one before the first.
func callSubstr(f *frame, args []Value, out *Value) bool {
	text := args[0].Text
	size := int64(utf8.RuneCount(text))
	start, length := args[1].I, int64(math.MaxInt32)
	bounded := len(args) > 2
	if bounded {
		length = args[2].I
	}
	const most = math.MaxInt32 // DuckDB refuses beyond 32 bits; no text is as long
	start, length = max(-most, min(start, most)), max(-most, min(length, most))
	switch {
	case start > 0:
		start--
	case start < 0:
		start += size
		if !bounded {
			start = max(start, 0)
		}
	case length > 0:
		length--
	}
	end := start + length
	if length < 0 {
		start, end = end, start
	}
	start, end = max(0, min(start, size)), max(0, min(end, size))
	from := runeOffset(text, int(start))
	*out = Value{Kind: Varchar, Text: text[from : from+runeOffset(text[from:], int(max(0, end-start)))]}
	return true
}

// runeOffset is the byte at which the n-th code point (from 0) begins.
func runeOffset(text []byte, n int) int {
	at := 0
	for ; n > 0 && at < len(text); n-- {
		if text[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

func callReplace(f *frame, args []Value, out *Value) bool {
	text, old := args[0].Text, args[1].Text
	start := len(f.arena)
	for len(old) > 0 {
		i := bytes.Index(text, old)
		if i < 0 {
			break
		}
		f.arena = append(append(f.arena, text[:i]...), args[2].Text...)
		text = text[i+len(old):]
	}
	f.arena = append(f.arena, text...)
	return f.made(start, out)
}

func callStartsWith(f *frame, args []Value, out *Value) bool {
	return booleanValue(bytes.HasPrefix(args[0].Text, args[1].Text), out)
}

func callContains(f *frame, args []Value, out *Value) bool {
	return booleanValue(bytes.Contains(args[0].Text, args[1].Text), out)
}

func booleanValue(b bool, out *Value) bool {
	*out = Value{Kind: Boolean}
	if b {
		out.I = 1
	}
	return true
}

// callSplitPart counts parts from 1, from the end if negative; where there is none it is empty. The empty separator
// splits into characters.
func callSplitPart(f *frame, args []Value, out *Value) bool {
	text, separator, n := args[0].Text, args[1].Text, args[2].I
	*out = Value{Kind: Varchar}
	parts := int64(bytes.Count(text, separator)) + 1
	if len(separator) == 0 {
		parts = max(1, int64(utf8.RuneCount(text)))
	}
	if n < 0 {
		n += parts + 1
	}
	if n <= 0 || n > parts {
		return true
	}
	if len(separator) == 0 {
		text = text[runeOffset(text, int(n-1)):]
		out.Text = text[:runeOffset(text, 1)]
		return true
	}
	for range n - 1 {
		text = text[bytes.Index(text, separator)+len(separator):]
	}
	if end := bytes.Index(text, separator); end >= 0 {
		text = text[:end]
	}
	out.Text = text
	return true
}

func callSHA256(f *frame, args []Value, out *Value) bool {
	sum := sha256.Sum256(args[0].Text)
	start := len(f.arena)
	f.arena = hex.AppendEncode(f.arena, sum[:])
	return f.made(start, out)
}

func callConcat(f *frame, args []Value, out *Value) bool {
	start := len(f.arena)
	for i := range args {
		f.arena = args[i].appendText(f.arena, f.loc)
	}
	return f.made(start, out)
}

// callAbs keeps the text of a source's number that is positive.
func callAbs(f *frame, args []Value, out *Value) bool {
	v := &args[0]
	switch {
	case v.Kind == BigInt && v.I < 0:
		return f.arithInt('-', 0, v.I, out)
	case v.Kind == Double && math.Signbit(v.F):
		*out = Value{Kind: Double, F: math.Abs(v.F)}
		return true
	case v.Kind == Decimal && v.integer().negative():
		return f.negate(v, out)
	}
	*out = *v
	return true
}

// callRound rounds half away from zero; a double by scaling it, as DuckDB does.
func callRound(f *frame, args []Value, out *Value) bool {
	v := &args[0]
	digits := int64(0)
	if len(args) > 1 {
		digits = max(-1000, min(args[1].I, 1000))
	}
	switch v.Kind {
	case BigInt:
		return f.roundInt(v, digits, out)
	case Decimal:
		return f.roundDecimal(v, digits, out)
	}
	var x float64
	switch {
	case len(args) == 1:
		x = math.Round(v.F)
	case digits < 0:
		unit := math.Pow(10, float64(-digits))
		if x = math.Round(v.F/unit) * unit; math.IsNaN(x) || math.IsInf(x, 0) {
			x = 0
		}
	default:
		unit := math.Pow(10, float64(digits))
		if x = math.Round(v.F*unit) / unit; math.IsNaN(x) || math.IsInf(x, 0) {
			x = v.F
		}
	}
	*out = Value{Kind: Double, F: x}
	return true
}

func (f *frame) roundInt(v *Value, digits int64, out *Value) bool {
	n := int128From(v.I)
	if digits < 0 {
		n, _ = n.rescale(int(-digits), 0)
		if n, _ = n.rescale(0, int(min(-digits, maxPrecision))); digits < -maxPrecision {
			n = int128{}
		}
	}
	i, ok := n.small()
	if !ok {
		return f.refuse(NumberRange, "ROUND leaves BIGINT")
	}
	*out = Value{Kind: BigInt, I: i}
	return true
}

func (f *frame) roundDecimal(v *Value, digits int64, out *Value) bool {
	scale := max(0, min(digits, int64(v.Scale)))
	n, ok := v.integer().rescale(v.Scale, int(min(digits, int64(v.Scale))))
	if digits < 0 && ok {
		n, ok = n.rescale(0, int(min(-digits, maxPrecision)))
	}
	if !ok {
		return f.refuse(NumberRange, "ROUND leaves 38 digits")
	}
	*out = Value{Kind: Decimal, Scale: int(scale)}
	out.setDecimal(n)
	return true
}

func callFloor(f *frame, args []Value, out *Value) bool {
	return f.whole(&args[0], math.Floor, -1, out)
}
func callCeil(f *frame, args []Value, out *Value) bool { return f.whole(&args[0], math.Ceil, 1, out) }

// whole rounds to an integer in direction (-1 down, 1 up).
func (f *frame) whole(v *Value, float func(float64) float64, direction int64, out *Value) bool {
	switch v.Kind {
	case Double:
		*out = Value{Kind: Double, F: float(v.F)}
		return true
	case Decimal:
		n := v.integer()
		q, r := n.abs().quoRem(pow10[v.Scale])
		if n.negative() {
			q = q.neg()
		}
		if r != (int128{}) && n.negative() == (direction < 0) {
			q, _ = q.add(int128From(direction))
		}
		*out = Value{Kind: Decimal}
		out.setDecimal(q)
		return true
	}
	*out = *v
	return true
}

func callToTimestamp(f *frame, args []Value, out *Value) bool {
	micros := math.RoundToEven(args[0].F * 1e6)
	if !(micros > -(1<<63) && micros < 1<<63) {
		return f.tooLarge(&args[0], Type{Kind: TimestampTZ})
	}
	*out = Value{Kind: TimestampTZ, I: int64(micros)}
	return true
}

// callEpochMS makes a TIMESTAMP of milliseconds, or milliseconds of a time. The TIMESTAMP is the wall clock of UTC and
// stays the moment that it is when the source has another zone; DuckDB would move it there.
func callEpochMS(f *frame, args []Value, out *Value) bool {
	v := &args[0]
	if v.Kind.temporal() {
		i := v.micros()
		*out = Value{Kind: BigInt, I: i / 1000}
		return true
	}
	if v.Kind != BigInt && !f.castBigInt(v, v) {
		return false
	}
	if v.I > math.MaxInt64/1000 || v.I < math.MinInt64/1000 {
		return f.tooLarge(v, Type{Kind: Timestamp})
	}
	*out = Value{Kind: Timestamp, I: v.I * 1000, utc: true}
	return true
}

// clock is the wall clock that EXTRACT, DATE_TRUNC and STRFTIME work on: that of the source's zone for an instant.
func (f *frame) clock(v *Value) int64 {
	if v.Kind == TimestampTZ {
		return wall(v.I, f.loc)
	}
	return v.micros()
}

func preparePart(e *expr) func(*frame, []Value, *Value) bool {
	p, _ := partNamed(string(e.args[0].value.Text))
	return func(f *frame, args []Value, out *Value) bool {
		v := &args[1]
		if p == partEpoch {
			*out = Value{Kind: Double, F: float64(v.micros()) / 1e6}
			return true
		}
		*out = Value{Kind: BigInt, I: p.extract(f.clock(v))}
		return true
	}
}

func prepareTrunc(e *expr) func(*frame, []Value, *Value) bool {
	p, _ := partNamed(string(e.args[0].value.Text))
	return func(f *frame, args []Value, out *Value) bool {
		v := &args[1]
		cut := p.truncate(f.clock(v))
		switch {
		case v.Kind == TimestampTZ:
			*out = Value{Kind: TimestampTZ, I: instant(cut, f.loc)}
		case p.daily():
			*out = Value{Kind: Date, I: floorDiv(cut, microsDay)}
		default:
			*out = Value{Kind: Timestamp, I: cut, utc: v.utc}
		}
		return true
	}
}
