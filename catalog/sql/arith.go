package sql

import (
	"math"
	"math/bits"
)

// arith computes a op b; typ is the static type, or Any where fields decide at run time. Integers and decimals are
// exact and refuse what does not fit; / is of doubles; // and % by zero are NULL for integers, as in DuckDB.
func (f *frame) arith(op byte, a, b *Value, typ Type, out *Value) bool {
	if a.Null || b.Null {
		*out = Value{Kind: typ.Kind, Null: true}
		return true
	}
	if a.Kind == Date && typ.Kind != Any {
		return f.dateArith(op, a, b, out)
	}
	if !a.Kind.numeric() {
		return f.mismatch(a, "a number; arithmetic needs one, write CAST(… AS DOUBLE)")
	}
	if !b.Kind.numeric() {
		return f.mismatch(b, "a number; arithmetic needs one, write CAST(… AS DOUBLE)")
	}
	switch {
	case a.Kind == BigInt && b.Kind == BigInt && op != '/':
		return f.arithInt(op, a.I, b.I, out)
	case a.Kind == Double || b.Kind == Double || op == '/' || op == 'd' || typ.Kind == Double:
		if b.float() == 0 && (op == 'd' || op == '%' && a.Kind != Double && b.Kind != Double) {
			*out = Value{Kind: Double, Null: true}
			return true
		}
		*out = Value{Kind: Double, F: arithFloat(op, a.float(), b.float())}
		return true
	}
	return f.arithDecimal(op, a, b, typ, out)
}

// opCode is the byte under which arith knows an operator; // is 'd', since it is one only for integers.
func opCode(name string) byte {
	if name == "//" {
		return 'd'
	}
	return name[0]
}

func (f *frame) arithInt(op byte, a, b int64, out *Value) bool {
	*out = Value{Kind: BigInt}
	ok := true
	switch op {
	case '+':
		out.I = a + b
		ok = (a < 0) != (b < 0) || (out.I < 0) == (a < 0)
	case '-':
		out.I = a - b
		ok = (a < 0) == (b < 0) || (out.I < 0) == (a < 0)
	case '*':
		hi, lo := bits.Mul64(uint64(a), uint64(b))
		signed := int64(hi) - a>>63&b - b>>63&a
		out.I = int64(lo)
		ok = signed == out.I>>63
	default:
		if b == 0 {
			out.Null = true
			return true
		}
		if b == -1 {
			out.I = 0
			if op == 'd' {
				out.I, ok = -a, a != math.MinInt64
			}
			break
		}
		if op == 'd' {
			out.I = a / b
		} else {
			out.I = a % b
		}
	}
	if !ok {
		return f.refuse(NumberRange, "the result of "+opText(op)+" leaves BIGINT")
	}
	return true
}

func opText(op byte) string {
	if op == 'd' {
		return "//"
	}
	return string(rune(op))
}

func arithFloat(op byte, a, b float64) float64 {
	switch op {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	case '%':
		return math.Mod(a, b)
	}
	return a / b
}

// arithDecimal works on 128 bits. Where the types are known the result has their scale and digits; with untyped operands
// it has their scale and up to 38 digits.
func (f *frame) arithDecimal(op byte, a, b *Value, typ Type, out *Value) bool {
	if typ.Kind != Decimal {
		typ.Scale = max(a.scale(), b.scale())
		if op == '*' {
			typ.Scale = a.scale() + b.scale()
		}
		if typ.Scale > maxPrecision {
			return f.refuse(NumberRange, "the product needs more than 38 digits after the point")
		}
		typ = Type{Kind: Decimal, Precision: maxPrecision, Scale: typ.Scale}
	}
	x, y := a.integer(), b.integer()
	var n int128
	ok := true
	if op == '*' {
		n, ok = x.mul(y)
	} else {
		var okX, okY bool
		x, okX = x.rescale(a.scale(), typ.Scale)
		y, okY = y.rescale(b.scale(), typ.Scale)
		ok = okX && okY && x.fits(typ.Precision) && y.fits(typ.Precision)
		switch {
		case !ok:
		case op == '%':
			if (y == int128{}) {
				*out = Value{Kind: Decimal, Null: true, Scale: typ.Scale}
				return true
			}
			n = x.rem(y)
		case op == '-':
			n, ok = x.add(y.neg())
		default:
			n, ok = x.add(y)
		}
	}
	if !ok || !n.fits(typ.Precision) {
		return f.refuse(NumberRange, "the result of "+opText(op)+" leaves "+typ.String())
	}
	*out = Value{Kind: Decimal, Scale: typ.Scale}
	out.setDecimal(n)
	return true
}

// rem is the remainder with the sign of a.
func (a int128) rem(b int128) int128 {
	_, r := a.abs().quoRem(b.abs())
	if a.negative() {
		return r.neg()
	}
	return r
}

func (f *frame) dateArith(op byte, a, b *Value, out *Value) bool {
	if b.Kind == Date {
		*out = Value{Kind: BigInt, I: a.I - b.I}
		return true
	}
	days := b.I
	if op == '-' {
		days = -days
	}
	const most = 5_000_000 // years that a timestamp of 64 bits can't reach are of no use
	if sum := a.I + days; days > -most && days < most {
		*out = Value{Kind: Date, I: sum}
		return true
	}
	return f.tooLarge(b, Type{Kind: Date})
}

func (f *frame) negate(v *Value, out *Value) bool {
	switch {
	case v.Null:
		*out = *v
	case v.Kind == BigInt:
		return f.arithInt('-', 0, v.I, out)
	case v.Kind == Double:
		*out = Value{Kind: Double, F: -v.F}
	case v.Kind == Decimal:
		scale, n := v.Scale, v.integer().neg()
		*out = Value{Kind: Decimal, Scale: scale}
		out.setDecimal(n)
	default:
		return f.mismatch(v, "a number; - needs one, write CAST(… AS DOUBLE)")
	}
	return true
}
