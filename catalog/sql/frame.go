package sql

import (
	"bytes"
	"encoding/binary"
	"time"
)

// frame is what the closures of one evaluator work on: the record, and buffers that live until the next record.
type frame struct {
	fields []Raw
	row    []Value
	loc    *time.Location
	temps  []Value
	arena  []byte // text made for this record
	reject ErrorReject
	quiet  bool // a refusal is about to become NULL: its text is not needed
}

// evalFn computes a value into out; false means that the record is refused, with the frame's reject saying why.
type evalFn func(f *frame, out *Value) bool

// testFn computes a condition.
type testFn func(f *frame) tri

// tri is a truth value of three-valued logic, or the refusal of the record.
type tri uint8

const (
	no tri = iota
	yes
	unknown
	refused
)

func triOf(b bool) tri {
	if b {
		return yes
	}
	return no
}

func (f *frame) refuse(reason, detail string) bool {
	f.reject = ErrorReject{reason, detail}
	return false
}

// read gives an untyped field its value: a JSON number without point and exponent is a BIGINT, or beyond 64 bits a DECIMAL
// without scale, so that no id loses a digit; any other number is a DOUBLE that keeps its text; a nested value is its
// JSON text. DuckDB's read_json types them so within 64 bits.
func (f *frame) read(raw *Raw, out *Value) {
	switch raw.Kind {
	case String, Nested:
		*out = Value{Kind: Varchar, Text: raw.Text}
	case Number:
		if n, ok := parseInt(raw.Text); ok {
			*out = Value{Kind: BigInt, I: n}
			return
		}
		if !bytes.ContainsAny(raw.Text, ".eE") {
			if n, status := parseDecimal(raw.Text, 0); status == numberOK {
				*out = decimalValue(n, 0)
				return
			}
		}
		*out = Value{Kind: Double, F: parseFloat(raw.Text), Text: raw.Text}
	case True:
		*out = Value{Kind: Boolean, I: 1}
	case False:
		*out = Value{Kind: Boolean}
	default:
		*out = Value{Null: true}
	}
}

// parseInt reads an optional minus and digits, nothing else.
func parseInt(text []byte) (int64, bool) {
	digits := text
	negative := len(digits) > 0 && digits[0] == '-'
	if negative {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	var n uint64
	if count := len(digits); count >= 8 && count <= 16 {
		// The first eight, and the last eight with those that were among the first made zeros.
		rest := uint(count - 8)
		again := uint64(1)<<(8*(8-rest)) - 1
		high, ok := eightDigits(binary.LittleEndian.Uint64(digits))
		low, okLow := eightDigits(binary.LittleEndian.Uint64(digits[rest:])&^again | zeros&again)
		if !ok || !okLow {
			return 0, false
		}
		n = high*powersOfTen[rest] + low
	} else {
		for _, c := range digits {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + uint64(c-'0')
		}
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
}

// zeros are eight digits 0.
const zeros = 0x3030303030303030

var powersOfTen = [9]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// eightDigits reads eight digits, the first in the lowest byte, in three multiplications: neighbours become pairs, pairs fours,
// fours the number.
func eightDigits(x uint64) (uint64, bool) {
	x ^= zeros
	if (x+0x7676767676767676|x)&0x8080808080808080 != 0 {
		return 0, false
	}
	x = x*10 + x>>8
	const pairs = 0x000000ff000000ff
	return (x&pairs*(100+1000000<<32) + x>>16&pairs*(1+10000<<32)) >> 32, true
}

// text makes v a Varchar in place, as a cast to VARCHAR does.
func (f *frame) text(v *Value) {
	if v.Null || v.Kind == Varchar {
		return
	}
	start := len(f.arena)
	f.arena = v.appendText(f.arena, f.loc)
	*v = Value{Kind: Varchar, Text: f.arena[start:len(f.arena):len(f.arena)]}
}

// zoned is the instant of a wall clock, wall the wall clock of an instant, in the source's zone.
func (f *frame) zoned(v *Value) int64 { return v.Instant(f.loc) }
