package sql

import (
	"bytes"
	"math"
)

// Most events take most of their columns from fields as they are, or by one cast, and are told from others by one field
// that equals a text. Here are the straight ways for these: each gives what the general closures give, to which it leaves
// everything that it does not know.

// column computes one column of a query.
type column struct {
	// slot of a field whose text is the value wherever the record has a string there; -1: value computes all.
	slot  int
	value evalFn
}

func (c *compiler) column(e *expr) column {
	out := column{slot: -1, value: c.value(e)}
	field := e
	if e.op == opCast && e.typ.Kind == Varchar {
		field = e.args[0]
	}
	if field.op == opField && !c.plain {
		out.slot = c.slot(field)
	}
	return out
}

// guard is the first thing that a WHERE asks, where that is whether a field equals a text: a record with another text
// there is none of the query's.
type guard struct {
	slot int // -1: there is none
	text string
}

func (c *compiler) guard(where *expr) guard {
	for where != nil && where.op == opAnd {
		where = where.args[0]
	}
	if where == nil || where.op != opCompare || where.name != "=" || c.plain {
		return guard{slot: -1}
	}
	x, y := where.args[0], where.args[1]
	if y.op == opField {
		x, y = y, x
	}
	if x.op != opField || !y.isText() {
		return guard{slot: -1}
	}
	return guard{c.slot(x), string(y.value.Text)}
}

// epochMS is the function that makes a time of milliseconds.
var epochMS = functions["EPOCH_MS"]

// epochOf is EPOCH_MS of a field.
func epochOf(slot int, general evalFn) evalFn {
	return func(f *frame, out *Value) bool {
		if raw := &f.fields[slot]; raw.Kind == Number {
			if n, ok := parseInt(raw.Text); ok && n <= math.MaxInt64/1000 && n >= math.MinInt64/1000 {
				*out = Value{Kind: Timestamp, I: n * 1000, utc: true}
				return true
			}
		}
		return general(f, out)
	}
}

// castField goes straight from the record's bytes to the type, for the casts that nearly every event has.
func (c *compiler) castField(slot int, to Type) evalFn {
	general := func(f *frame, raw *Raw, out *Value) bool {
		f.read(raw, out)
		return f.cast(out, to, true, out)
	}
	switch to.Kind {
	case BigInt:
		return func(f *frame, out *Value) bool {
			raw := &f.fields[slot]
			if raw.Kind == Number {
				if n, ok := parseInt(raw.Text); ok {
					*out = Value{Kind: BigInt, I: n}
					return true
				}
			}
			return general(f, raw, out)
		}
	case Varchar:
		return func(f *frame, out *Value) bool {
			raw := &f.fields[slot]
			if raw.Kind == String {
				*out = Value{Kind: Varchar, Text: raw.Text}
				return true
			}
			return general(f, raw, out)
		}
	case Double:
		return func(f *frame, out *Value) bool {
			raw := &f.fields[slot]
			if raw.Kind == Number {
				*out = Value{Kind: Double, F: parseFloat(raw.Text), Text: raw.Text}
				return true
			}
			return general(f, raw, out)
		}
	case Decimal:
		return func(f *frame, out *Value) bool {
			raw := &f.fields[slot]
			if raw.Kind == Number {
				if n, status := parseDecimal(raw.Text, to.Scale); status == numberOK && n.fits(to.Precision) {
					*out = Value{Kind: Decimal, Scale: to.Scale}
					out.setDecimal(n)
					return true
				}
			}
			return general(f, raw, out)
		}
	}
	return nil
}

// equalsText tests a field against a string literal without making a value: the commonest condition of all.
func equalsText(slot int, text []byte, equal bool) testFn {
	return func(f *frame) tri {
		raw := &f.fields[slot]
		switch raw.Kind {
		case String:
			return triOf(bytes.Equal(raw.Text, text) == equal)
		case Missing, Null:
			return unknown
		}
		var a Value
		f.read(raw, &a)
		b := Value{Kind: Varchar, Text: text}
		same, ok := f.equal(&a, &b)
		if !ok {
			return refused
		}
		return triOf(same == equal)
	}
}
