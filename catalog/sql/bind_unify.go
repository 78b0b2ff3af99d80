package sql

// widen is the type in which two alternatives meet, as in DuckDB; false if there is none.
func widen(x, y Type) (Type, bool) {
	if x.Kind == y.Kind && x.Kind != Decimal {
		return x, true
	}
	switch {
	case x.Kind == Any || y.Kind == Any:
		return Type{}, true
	case x.Kind.temporal() && y.Kind.temporal():
		if x.Kind > y.Kind {
			return x, true
		}
		return y, true
	case x.Kind == Boolean && y.Kind == BigInt:
		return y, true
	case y.Kind == Boolean && x.Kind == BigInt:
		return x, true
	case !x.Kind.numeric() || !y.Kind.numeric():
		return Type{}, false
	case x.Kind == Double || y.Kind == Double:
		return Type{Kind: Double}, true
	}
	px, sx := digitsOfType(x)
	py, sy := digitsOfType(y)
	whole, scale := max(px-sx, py-sy), max(sx, sy)
	if whole+scale > maxPrecision { // digits before the point come first
		scale = maxPrecision - whole
	}
	return Type{Kind: Decimal, Precision: whole + scale, Scale: scale}, true
}

// digitsOfType gives the digits that a BIGINT or DECIMAL brings to decimal arithmetic. A literal that fits 32 bits is
// an INTEGER of ten digits in DuckDB; its type carries that in Precision.
func digitsOfType(t Type) (precision, scale int) {
	switch {
	case t.Kind == Decimal:
		return t.Precision, t.Scale
	case t.Kind == BigInt && t.Precision > 0:
		return t.Precision, 0
	}
	return 19, 0
}

// unify finds the type of the alternatives args of e and casts each to it. An untyped alternative leaves it to run time.
func (b *binder) unify(e *expr, args []*expr) Type {
	var common Type
	first, untyped := true, false
	for _, a := range args {
		if a.isNull() || a.isText() {
			continue
		}
		if a.typ.Kind == Any {
			untyped = true
			continue
		}
		if first {
			common, first = a.typ, false
			continue
		}
		t, ok := widen(common, a.typ)
		if !ok {
			b.bad(e, "write CAST(… AS …)", "the alternatives are of different types: %s and %s", common, a.typ)
			return Type{}
		}
		common = t
	}
	if untyped {
		return Type{}
	}
	for _, a := range args {
		if first && a.isText() {
			common, first = a.typ, false
		}
	}
	if first {
		return Type{}
	}
	if common.Kind == BigInt {
		common.Precision = 0
	}
	for i, a := range e.args {
		for _, x := range args {
			if a == x {
				b.coerce(e, i, common)
				break
			}
		}
	}
	return common
}

func (b *binder) caseWhen(e *expr) {
	var results []*expr
	for i := range e.args {
		if i%2 == 0 && i < len(e.args)-1 {
			b.condition(e, i)
		} else {
			results = append(results, e.args[i])
		}
	}
	if e.op != opBad {
		e.typ = b.unify(e, results)
	}
}

func (b *binder) like(e *expr) {
	e.typ = Type{Kind: Boolean}
	for _, a := range e.args {
		if a.typ.Kind != Any && a.typ.Kind != Varchar {
			b.bad(e, "write CAST(… AS VARCHAR)", "LIKE needs VARCHAR, not %s", a.typ)
			return
		}
	}
}
