package sql

// comparableKinds says which kinds DuckDB compares, with what conversion: VARCHAR takes the other's type.
func comparableKinds(x, y Kind) bool {
	switch {
	case x == y, x == Any, y == Any, x == Varchar, y == Varchar:
		return true
	case x.numeric() || x == Boolean:
		return y.numeric() || y == Boolean
	}
	return x.temporal() && y.temporal()
}

func (b *binder) compare(e *expr) {
	x, y := e.args[0], e.args[1]
	e.typ = Type{Kind: Boolean}
	if !comparableKinds(x.typ.Kind, y.typ.Kind) {
		hint := "write CAST(… AS …) on one side"
		if x.typ.Kind.temporal() || y.typ.Kind.temporal() {
			hint = "TO_TIMESTAMP(seconds) and EPOCH_MS(milliseconds) make times of numbers"
		}
		b.bad(e, hint, "%s can't be compared with %s", x.typ, y.typ)
		return
	}
	if e.op == opCompare && e.name != "=" && e.name != "<>" && (b.mixed(e, x, y) || b.mixed(e, y, x)) {
		return
	}
	b.coerceText(e, 0, y.typ)
	b.coerceText(e, 1, x.typ)
	total := e.op != opCompare || e.name == "=" || e.name == "<>"
	e.fallible = e.fallible || untypedMeets(x, y, total) || untypedMeets(y, x, total)
}

// untypedMeets says whether an untyped operand may make a comparison refuse a record: ordering it may, equality only
// where a time is on the other side, or may be.
func untypedMeets(x, y *expr, total bool) bool {
	if x.typ.Kind != Any || x.isNull() || y.isNull() {
		return false
	}
	return !total || y.typ.Kind.temporal()
}

// mixed refuses to order text among other types, and truth values among fractions, as DuckDB does: only = and <> cast
// them, and only literals take the type of what they meet.
func (b *binder) mixed(e, text, other *expr) bool {
	if k := other.typ.Kind; text.typ.Kind == Boolean && (k == Double || k == Decimal) {
		b.bad(e, "write CAST(… AS BIGINT)", "BOOLEAN can't be ordered with %s", k)
		return true
	}
	if text.typ.Kind != Varchar || text.isText() || other.isNull() || other.typ.Kind == Varchar || other.typ.Kind == Any {
		return false
	}
	b.errors.add(text.at, text.end, "write CAST(… AS "+other.typ.plain()+")", "VARCHAR can't be ordered with %s", other.typ.plain())
	e.op, e.typ = opBad, Type{}
	return true
}

// coerceText casts a VARCHAR to the type of what it is compared with.
func (b *binder) coerceText(e *expr, i int, other Type) {
	a := e.args[i]
	if e.op == opBad || a.typ.Kind != Varchar || other.Kind == Varchar || other.Kind == Any {
		return
	}
	b.coerce(e, i, other)
}

// compareAll is compare for IN and BETWEEN, where all operands meet in one type.
func (b *binder) compareAll(e *expr) {
	e.typ = Type{Kind: Boolean}
	var common Type
	for _, a := range e.args {
		switch {
		case a.isNull() || a.typ.Kind == Any || a.typ.Kind == Varchar:
		case common.Kind == Any:
			common = a.typ
		case !comparableKinds(common.Kind, a.typ.Kind):
			b.bad(e, "write CAST(… AS …)", "%s can't be compared with %s", common, a.typ)
			return
		default:
			if t, ok := widen(common, a.typ); ok {
				common = t
			} else if common.Kind == Boolean {
				common = a.typ
			}
		}
	}
	for _, a := range e.args {
		if e.op == opBetween && common.Kind != Any && a.typ.Kind == Varchar && b.mixed(e, a, &expr{typ: common}) {
			return
		}
	}
	for i, a := range e.args {
		e.fallible = e.fallible || a.typ.Kind == Any && (e.op == opBetween || common.Kind.temporal())
		if common.Kind == Any {
			continue
		}
		b.coerceText(e, i, common)
		if common.Kind == Double && (a.typ.Kind == BigInt || a.typ.Kind == Decimal) {
			b.coerce(e, i, common) // all meet as doubles, also those of which neither is one
		}
		if e.op != opBad && a.typ.Kind == Any && !a.isNull() && common.Kind.numeric() {
			to := common
			if to.Kind == Decimal {
				to = Type{Kind: Double}
			}
			adapted := newExpr(opAdapt, "", a.at, a.end, a)
			adapted.typ, adapted.bound, adapted.fallible, adapted.constant = Type{}, true, a.fallible, a.constant
			adapted.to = to
			e.args[i] = adapted
		}
	}
}
