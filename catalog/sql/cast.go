package sql

import (
	"bytes"
	"math"
	"strconv"
	"unsafe"
)

// cast converts *v to type to as DuckDB's CAST does; false is a refusal. exact says that v is a field of the source:
// then a DOUBLE's decimal text is rounded, not the double. v and out may be the same.
func (f *frame) cast(v *Value, to Type, exact bool, out *Value) bool {
	if v.Null {
		*out = Value{Kind: to.Kind, Null: true}
		return true
	}
	switch to.Kind {
	case BigInt:
		return f.castBigInt(v, out)
	case Double:
		return f.castDouble(v, out)
	case Decimal:
		return f.castDecimal(v, to, exact, out)
	case Varchar:
		*out = *v
		f.text(out)
		return true
	case Boolean:
		return f.castBoolean(v, out)
	case Date, Timestamp, TimestampTZ:
		return f.castTime(v, to.Kind, out)
	}
	*out = *v
	return true
}

// notA refuses a value that is not of a type at all, tooLarge one that is beyond it. Their text is made only if
// somebody will read it: TRY_CAST refuses all day.
func (f *frame) notA(v *Value, to Type) bool {
	return f.refuseValue(TypeMismatch, v, " is not a ", to)
}

func (f *frame) tooLarge(v *Value, to Type) bool {
	return f.refuseValue(NumberRange, v, " is out of the range of ", to)
}

func (f *frame) refuseValue(reason string, v *Value, between string, to Type) bool {
	if f.quiet {
		return false
	}
	return f.refuse(reason, v.describe()+between+to.String())
}

// mismatch refuses a value where what is needed is more than a type.
func (f *frame) mismatch(v *Value, needed string) bool {
	return f.refuse(TypeMismatch, v.describe()+" is not "+needed)
}

func (f *frame) castBigInt(v *Value, out *Value) bool {
	switch v.Kind {
	case BigInt, Boolean:
		*out = Value{Kind: BigInt, I: v.I}
		return true
	case Double:
		r := math.RoundToEven(v.F)
		if !(r >= -(1<<63) && r < 1<<63) {
			return f.tooLarge(v, Type{Kind: BigInt})
		}
		*out = Value{Kind: BigInt, I: int64(r)}
		return true
	case Decimal:
		n, _ := v.integer().rescale(v.Scale, 0)
		i, ok := n.small()
		if !ok {
			return f.tooLarge(v, Type{Kind: BigInt})
		}
		*out = Value{Kind: BigInt, I: i}
		return true
	case Varchar:
		text := bytes.Trim(v.Text, " \t\n\v\f\r")
		if i, ok := parseInt(text); ok {
			*out = Value{Kind: BigInt, I: i}
			return true
		}
		n, status := parseDecimal(text, 0)
		i, ok := n.small()
		switch {
		case status == numberBad:
			return f.notA(v, Type{Kind: BigInt})
		case status == numberRange || !ok:
			return f.tooLarge(v, Type{Kind: BigInt})
		}
		*out = Value{Kind: BigInt, I: i}
		return true
	}
	return f.notA(v, Type{Kind: BigInt})
}

func (f *frame) castDouble(v *Value, out *Value) bool {
	switch v.Kind {
	case Double:
		*out = *v
		return true
	case BigInt, Boolean, Decimal:
		n, scale := v.integer(), v.scale()
		*out = Value{Kind: Double, F: v.float()}
		if scale == 0 && !n.fits(15) {
			// the double may not be the source's integer, so Fixed gets its digits
			start := len(f.arena)
			f.arena = n.appendDecimal(f.arena, 0)
			out.Text = f.arena[start:len(f.arena):len(f.arena)]
		}
		return true
	case Varchar:
		text := bytes.Trim(v.Text, " \t\n\v\f\r")
		if plainNumber(text) {
			*out = Value{Kind: Double, F: parseFloat(text), Text: text}
			return true
		}
		if n, ok := namedFloat(text); ok {
			*out = Value{Kind: Double, F: n}
			return true
		}
	}
	return f.notA(v, Type{Kind: Double})
}

// float is the value as the double that DuckDB's casts give.
func (v *Value) float() float64 {
	switch v.Kind {
	case Double:
		return v.F
	case Decimal:
		n := v.integer()
		whole := n.float()
		if v.Scale == 0 {
			return whole
		}
		// beyond 2^53 DuckDB converts the whole part and the fraction apart, to keep what a double can
		if m := math.Abs(whole); m <= 1<<53 {
			return whole / pow10[v.Scale].float()
		}
		d := pow10[v.Scale]
		q, r := n.abs().quoRem(d)
		f := q.float() + r.float()/d.float()
		if n.negative() {
			return -f
		}
		return f
	}
	return float64(v.I)
}

// plainNumber says whether text is a decimal number with optional sign, point and exponent.
func plainNumber(text []byte) bool {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	_, _, _, ok := splitNumber(text)
	return ok
}

// parseFloat reads what plainNumber accepts; beyond the doubles it is an infinity, which no column accepts.
func parseFloat(text []byte) float64 {
	f, _ := strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), 64)
	return f
}

// namedFloat reads the words for what is no number.
func namedFloat(text []byte) (float64, bool) {
	negative := false
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		negative = text[0] == '-'
		text = text[1:]
	}
	switch {
	case equalFold(text, "nan"):
		return math.NaN(), true
	case equalFold(text, "inf"), equalFold(text, "infinity"):
		if negative {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	return 0, false
}

func equalFold(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i := range text {
		if text[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

func (f *frame) castDecimal(v *Value, to Type, exact bool, out *Value) bool {
	var n int128
	ok := true
	switch v.Kind {
	case BigInt, Boolean:
		n, ok = int128From(v.I).rescale(0, to.Scale)
	case Decimal:
		n, ok = v.integer().rescale(v.Scale, to.Scale)
	case Double:
		if math.IsNaN(v.F) || math.IsInf(v.F, 0) && len(v.Text) == 0 {
			return f.refuseValue(NotANumber, v, " is not a ", to)
		}
		if exact && len(v.Text) > 0 {
			var status numberStatus
			n, status = parseDecimal(v.Text, to.Scale)
			ok = status == numberOK
			break
		}
		scaled := math.Round(v.F * pow10[to.Scale].float())
		n, ok = int128FromFloat(scaled)
		ok = ok && math.Abs(scaled) < pow10[to.Precision].float() // as doubles: 1e17 at 10^-6 is a little less than 1e23
	case Varchar:
		var status numberStatus
		if n, status = parseDecimal(v.Text, to.Scale); status == numberBad {
			return f.notA(v, to)
		}
		ok = status == numberOK
	default:
		return f.notA(v, to)
	}
	if !ok || !n.fits(to.Precision) {
		return f.tooLarge(v, to)
	}
	*out = Value{Kind: Decimal, Scale: to.Scale}
	out.setDecimal(n)
	return true
}

func (f *frame) castBoolean(v *Value, out *Value) bool {
	truth := false
	switch v.Kind {
	case Boolean, BigInt:
		truth = v.I != 0
	case Double:
		truth = v.F != 0
	case Decimal:
		truth = v.integer() != int128{}
	case Varchar:
		switch t := v.Text; {
		case equalFold(t, "true"), equalFold(t, "t"), equalFold(t, "yes"), equalFold(t, "y"), len(t) == 1 && t[0] == '1':
			truth = true
		case equalFold(t, "false"), equalFold(t, "f"), equalFold(t, "no"), equalFold(t, "n"), len(t) == 1 && t[0] == '0':
		default:
			return f.notA(v, Type{Kind: Boolean})
		}
	default:
		return f.notA(v, Type{Kind: Boolean})
	}
	*out = Value{Kind: Boolean}
	if truth {
		out.I = 1
	}
	return true
}

// castTime converts among times and reads their text. TIMESTAMP refuses text with an offset, which DuckDB drops
// silently, so that no offset is ever lost.
func (f *frame) castTime(v *Value, to Kind, out *Value) bool {
	if v.Kind == Varchar {
		return f.readTime(v, to, out)
	}
	if !v.Kind.temporal() {
		if v.Kind.numeric() && !f.quiet {
			return f.mismatch(v, "a "+to.String()+"; use TO_TIMESTAMP(seconds) or EPOCH_MS(milliseconds)")
		}
		return f.notA(v, Type{Kind: to})
	}
	from, i, utc := v.Kind, v.I, v.utc
	*out = Value{Kind: to}
	switch {
	case from == to:
		out.I, out.utc = i, utc
	case to == TimestampTZ && from == Date:
		out.I = instant(i*microsDay, f.loc)
	case to == TimestampTZ:
		out.I = i
		if !utc {
			out.I = instant(i, f.loc)
		}
	case to == Timestamp && from == Date:
		out.I = i * microsDay
	case to == Timestamp:
		out.I = wall(i, f.loc)
	case from == TimestampTZ:
		out.I = floorDiv(wall(i, f.loc), microsDay)
	default:
		out.I = floorDiv(i, microsDay)
	}
	return true
}

func (f *frame) readTime(v *Value, to Kind, out *Value) bool {
	if to == Date {
		days, rest, ok := parseDate(v.Text)
		if !ok || len(rest) > 0 && isDigit(rest[0]) {
			return f.notA(v, Type{Kind: Date})
		}
		*out = Value{Kind: Date, I: days}
		return true
	}
	micros, z, ok := parseTimestamp(v.Text)
	switch {
	case !ok:
		return f.notA(v, Type{Kind: to})
	case to == Timestamp && z == withZone && f.quiet:
		return false
	case to == Timestamp && z == withZone:
		return f.refuse(TypeMismatch, v.describe()+" has an offset, which a TIMESTAMP can't keep; use TIMESTAMPTZ")
	case to == TimestampTZ && z == noZone:
		micros = instant(micros, f.loc)
	}
	*out = Value{Kind: to, I: micros}
	return true
}

// readMoment gives an untyped value as a time: text with an offset is a TIMESTAMPTZ, without one a TIMESTAMP.
func (f *frame) readMoment(v *Value, out *Value) bool {
	if v.Null || v.Kind.temporal() {
		*out = *v
		return true
	}
	if v.Kind != Varchar {
		return f.castTime(v, Timestamp, out)
	}
	micros, z, ok := parseTimestamp(v.Text)
	if !ok {
		return f.notA(v, Type{Kind: Timestamp})
	}
	*out = Value{Kind: Timestamp, I: micros}
	if z == withZone {
		out.Kind = TimestampTZ
	}
	return true
}
