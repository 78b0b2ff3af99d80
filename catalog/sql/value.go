package sql

import (
	"math"
	"strconv"
	"time"
)

// Fixed returns the value as an integer at a decimal scale: the decimal text is rounded to it once, half away from
// zero. A DOUBLE that came unchanged from the source is its source's text, a computed one the shortest text that reads
// back as it. NULL has no such integer; asking for it is the caller's mistake and refused as type_mismatch.
func (v *Value) Fixed(scale int) (int64, error) {
	if v.Kind == BigInt && scale == 0 {
		return v.I, nil
	}
	from := v.Scale
	var n int128
	status := numberOK
	switch v.Kind {
	case BigInt, Boolean:
		if scale == 0 {
			return v.I, nil
		}
		n = int128From(v.I)
		from = 0
	case Decimal:
		n = v.integer()
	case Double:
		text := v.Text
		if len(text) == 0 {
			if math.IsNaN(v.F) || math.IsInf(v.F, 0) {
				return 0, &ErrorReject{NotANumber, "the value is " + string(v.AppendText(nil))}
			}
			var buffer [32]byte
			text = strconv.AppendFloat(buffer[:0], v.F, 'e', -1, 64)
		}
		n, status = parseDecimal(text, scale)
		from = scale
	default:
		return 0, &ErrorReject{TypeMismatch, "a number is needed, the value is " + v.describe() + "; write CAST(… AS DOUBLE) in the event"}
	}
	if status == numberBad {
		return 0, &ErrorReject{TypeMismatch, "a number is needed, the value is " + v.describe()}
	}
	n, ok := n.rescale(from, scale)
	if small, fits := n.small(); status == numberOK && ok && fits {
		return small, nil
	}
	return 0, &ErrorReject{NumberRange, v.describe() + " does not fit 64 bits at 10^-" + strconv.Itoa(scale)}
}

// AppendText appends the value's canonical text, which is what DuckDB's cast to VARCHAR gives; nothing for NULL. A
// TIMESTAMPTZ is written in UTC.
func (v Value) AppendText(dst []byte) []byte { return v.appendText(dst, time.UTC) }

func (v *Value) appendText(dst []byte, loc *time.Location) []byte {
	if v.Null {
		return dst
	}
	switch v.Kind {
	case BigInt:
		return strconv.AppendInt(dst, v.I, 10)
	case Double:
		return appendDouble(dst, v.F)
	case Decimal:
		return v.integer().appendDecimal(dst, v.Scale)
	case Boolean:
		return strconv.AppendBool(dst, v.I != 0)
	case Date:
		return appendDate(dst, v.I)
	case Timestamp:
		return appendTimestamp(dst, v.I)
	case TimestampTZ:
		return appendTimestampTZ(dst, v.I, loc)
	}
	return append(dst, v.Text...)
}

// appendDouble writes the shortest digits that read back as f: plain from 1e-4 up to 1e16 and with a point always,
// else with an exponent of two digits or more.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, '.', '0')
}

// describe names a value in a reject's detail.
func (v *Value) describe() string {
	if v.Null {
		return "NULL"
	}
	text := v.appendText(nil, time.UTC)
	const most = 80
	if len(text) > most {
		text = append(text[:most], "…"...)
	}
	switch v.Kind {
	case Any, Varchar:
		return strconv.Quote(string(text))
	}
	return string(text)
}

// Instant is the moment of a Timestamp or TimestampTZ or the midnight of a Date, in microseconds UTC; loc is the zone of
// wall clocks that carry none.
func (v *Value) Instant(loc *time.Location) int64 {
	switch v.Kind {
	case Date:
		return instant(v.I*microsDay, loc)
	case Timestamp:
		if v.utc {
			return v.I
		}
		return instant(v.I, loc)
	}
	return v.I
}

// Hash is XXH64 (seed 0) of the canonical text, without any allocation. It is stored in states: it never changes.
func (v Value) Hash() uint64 {
	if v.Kind == Varchar {
		return hashBytes(v.Text)
	}
	var buffer [64]byte
	return hashBytes(v.AppendText(buffer[:0]))
}

// Moment is the value as an event's time, in microseconds UTC: a time, or text that reads as one. NULL and empty text
// are missing_time; a bare number says no unit and is type_mismatch.
func (v *Value) Moment(loc *time.Location) (int64, error) {
	if v.Null || v.Kind == Varchar && len(v.Text) == 0 {
		return 0, errMissingTime
	}
	if v.Kind.temporal() {
		return v.Instant(loc), nil
	}
	if v.Kind == Varchar {
		if micros, z, ok := parseTimestamp(v.Text); ok && z == withZone {
			return micros, nil
		} else if ok {
			return instant(micros, loc), nil
		}
		return 0, &ErrorReject{TypeMismatch, "event_time " + v.describe() + " is not a time ('YYYY-MM-DD HH:MM:SS', with or without an offset)"}
	}
	return 0, &ErrorReject{TypeMismatch, "event_time is the number " + v.describe() + "; use TO_TIMESTAMP(seconds) or EPOCH_MS(milliseconds)"}
}

var errMissingTime = &ErrorReject{MissingTime, "event_time is NULL or empty"}

// HashRow is a 64-bit hash of a row's values, by which two deliveries of one event are told apart from two events with
// one id. It is stored in states: it never changes.
func HashRow(row []Value) uint64 {
	h := uint64(prime5)
	for i := range row {
		v := &row[i]
		var x uint64
		switch {
		case v.Null:
			x = prime4
		case v.Kind == Varchar:
			x = hashBytes(v.Text)
		case v.Kind == Double:
			x = math.Float64bits(v.F)
		case v.wide:
			x = uint64(v.I) ^ uint64(v.hi)*prime3
		default:
			x = uint64(v.I)
		}
		h = (h ^ round(uint64(v.Kind), x)) * prime1
		h ^= h >> 29
	}
	return h
}
