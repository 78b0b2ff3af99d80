package sql

// arith types + - * / // % as DuckDB does.
func (b *binder) arith(e *expr) {
	x, y := e.args[0].typ, e.args[1].typ
	e.fallible = true
	for i, t := range []Type{x, y} {
		switch {
		case t.Kind == Varchar:
			b.bad(e, "write CAST(… AS DOUBLE)", "%s needs numbers, the %s side is VARCHAR", e.name, side(i))
			return
		case t.Kind == Boolean:
			b.bad(e, "write CAST(… AS BIGINT)", "%s needs numbers, the %s side is BOOLEAN", e.name, side(i))
			return
		}
	}
	if x.Kind.temporal() || y.Kind.temporal() {
		b.dateArith(e, x, y)
		return
	}
	switch {
	case e.name == "/":
		e.typ = Type{Kind: Double}
	case x.Kind == Any || y.Kind == Any:
		if x.Kind == Double || y.Kind == Double {
			e.typ = Type{Kind: Double}
		}
	case x.Kind == Double || y.Kind == Double:
		e.typ = Type{Kind: Double}
	case x.Kind == BigInt && y.Kind == BigInt:
		e.typ = Type{Kind: BigInt}
	case e.name == "//":
		e.typ = Type{Kind: Double}
	default:
		var ok bool
		if e.typ, ok = decimalResult(e.name, x, y); !ok {
			b.bad(e, "cast one side to DOUBLE or to fewer digits", "the product needs %d digits after the point, a DECIMAL has at most 38", e.typ.Scale)
		}
	}
}

func side(i int) string { return []string{"left", "right"}[i] }

func (b *binder) dateArith(e *expr, x, y Type) {
	switch {
	case x.Kind == Date && (y.Kind == BigInt || y.Kind == Any) && (e.name == "+" || e.name == "-"):
		e.typ = Type{Kind: Date}
		if y.Kind == Any {
			b.coerce(e, 1, Type{Kind: BigInt})
		}
	case x.Kind == Date && y.Kind == Date && e.name == "-":
		e.typ = Type{Kind: BigInt}
	default:
		b.bad(e, "use EXTRACT(epoch FROM x), in seconds", "%s %s %s is not in the dialect", x, e.name, y)
	}
}

// decimalResult is the type of decimal arithmetic by DuckDB's rules: a sum keeps the larger scale and grows by a digit,
// a product adds both; operands of at most 18 digits stay at 18 where they can, and what does not fit is refused.
func decimalResult(name string, x, y Type) (Type, bool) {
	px, sx := digitsOfType(x)
	py, sy := digitsOfType(y)
	widest := max(px, py)
	t := Type{Kind: Decimal, Scale: max(sx, sy)}
	switch name {
	case "*":
		t.Scale = sx + sy
		if t.Scale > maxPrecision {
			return t, false
		}
		t.Precision = px + py
		if t.Precision > 18 && widest <= 18 && t.Scale < 18 {
			t.Precision = 18
		}
	case "%":
		if t.Precision = max(px-sx, py-sy) + t.Scale; t.Precision > maxPrecision {
			return Type{Kind: Double}, true
		}
	default:
		t.Precision = max(max(px-sx, py-sy)+t.Scale, widest) + 1
		if t.Precision > 18 && widest <= 18 {
			t.Precision = 18
		}
	}
	t.Precision = min(t.Precision, maxPrecision)
	return t, true
}
