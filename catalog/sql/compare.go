package sql

import (
	"bytes"
	"math"
)

// compare orders two values that are not NULL; false is a refusal. Numbers meet in the wider of their types; text takes
// the type of what it meets; NaN equals itself and is above all.
func (f *frame) compare(a, b *Value) (int, bool) {
	x, y := a.Kind, b.Kind
	switch {
	case x == y && x == BigInt:
		return compareInt(a.I, b.I), true
	case x == Varchar && y == Varchar:
		return bytes.Compare(a.Text, b.Text), true
	case x == Varchar:
		var read Value
		if !f.readAs(a, b, &read) {
			return 0, false
		}
		return f.compare(&read, b)
	case y == Varchar:
		var read Value
		if !f.readAs(b, a, &read) {
			return 0, false
		}
		return f.compare(a, &read)
	case x.temporal() && y.temporal():
		return f.compareTimes(a, b), true
	case x.temporal() || y.temporal():
		return 0, f.refuse(TypeMismatch, a.describe()+" can't be compared with "+b.describe())
	case x == Double || y == Double:
		return compareFloat(a.float(), b.float()), true
	case x == Decimal || y == Decimal:
		return compareDecimal(a, b), true
	}
	return compareInt(a.I, b.I), true
}

// equal compares two values that are not NULL for = and <>, and is total where text meets a number or a truth value: text
// that reads as none is equal to none. It must be so for untyped fields, since one record's event serves many
// experiments: where one asks for experiment 7 and another for 'search', neither may make the other's exposures refused.
func (f *frame) equal(a, b *Value) (same, ok bool) {
	if x, y := a.Kind, b.Kind; x != y && (x == Varchar && !y.temporal() || y == Varchar && !x.temporal()) {
		f.quiet = true
		n, ok := f.compare(a, b)
		f.quiet = false
		return ok && n == 0, true
	}
	n, ok := f.compare(a, b)
	return n == 0, ok
}

// readAs reads text as the type of what it is compared with.
func (f *frame) readAs(v, other *Value, out *Value) bool {
	switch other.Kind {
	case Timestamp, TimestampTZ:
		return f.readMoment(v, out)
	case Decimal:
		return f.cast(v, Type{Kind: Decimal, Precision: maxPrecision, Scale: other.Scale}, true, out)
	}
	return f.cast(v, Type{Kind: other.Kind}, true, out)
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return 0
	case math.IsNaN(a):
		return 1
	}
	return -1
}

func compareDecimal(a, b *Value) int {
	sa, sb := a.scale(), b.scale()
	scale := max(sa, sb)
	x, okX := a.integer().rescale(sa, scale)
	y, okY := b.integer().rescale(sb, scale)
	switch {
	case okX && okY:
		return x.cmp(y)
	case okY: // x is beyond 38 digits at y's scale
		if a.integer().negative() {
			return -1
		}
		return 1
	}
	if b.integer().negative() {
		return 1
	}
	return -1
}

// scale of a number that is not a double.
func (v *Value) scale() int {
	if v.Kind == Decimal {
		return v.Scale
	}
	return 0
}

func (f *frame) compareTimes(a, b *Value) int {
	switch {
	case a.Kind == TimestampTZ || b.Kind == TimestampTZ:
		return compareInt(f.zoned(a), f.zoned(b))
	case a.Kind == Date && b.Kind == Date:
		return compareInt(a.I, b.I)
	}
	return compareInt(a.micros(), b.micros())
}

// micros of a Date or Timestamp on its own wall clock.
func (v *Value) micros() int64 {
	if v.Kind == Date {
		return v.I * microsDay
	}
	return v.I
}

func holds(op string, c int) bool {
	switch op {
	case "=":
		return c == 0
	case "<>":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}
