package sql

import (
	"bytes"
	"time"
)

// frame is what the closures of one evaluator work on: the record, and buffers that live until the next record.
type frame struct {
	fields []Raw
	remap  []int // slot → index in fields; nil: the slot itself
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

func (f *frame) field(slot int) *Raw {
	if f.remap != nil {
		slot = f.remap[slot]
	}
	return &f.fields[slot]
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
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n < 1<<63:
		return int64(n), true
	}
	return 0, false
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
