package sql

import (
	"fmt"
	"strings"
)

// binder gives every node its type and resolves names. A node with a mistake becomes opBad, which nothing above
// complains about again.
type binder struct {
	errors *errorList
	// of a query: the source's names, and the fields found so far. csv says that fields are VARCHAR.
	source, alias string
	csv           bool
	paths         []Path
	// of a predicate
	predicate bool
	columns   []Column
	used      []int
}

func (b *binder) bad(e *expr, hint, format string, args ...any) {
	b.errors.add(e.at, e.end, hint, format, args...)
	e.op, e.typ = opBad, Type{}
}

// bind types e and all below it. Nodes may be shared (the subject of a CASE), so each is bound once.
func (b *binder) bind(e *expr) {
	if e.bound {
		return
	}
	e.bound = true
	e.constant = true
	for _, a := range e.args {
		b.bind(a)
		e.constant = e.constant && a.constant
		e.fallible = e.fallible || a.fallible
	}
	for _, a := range e.args {
		if a.op == opBad {
			e.op, e.typ = opBad, Type{}
			return
		}
	}
	switch e.op {
	case opLiteral:
		if e.typ.Kind == Any {
			e.typ = Type{Kind: e.value.Kind}
		}
	case opField:
		b.name(e)
	case opCast, opTryCast:
		b.cast(e)
	case opNegate:
		b.negate(e)
	case opNot, opAnd, opOr, opIsTrue:
		for i := range e.args {
			b.condition(e, i)
		}
		e.typ = Type{Kind: Boolean}
	case opIsNull:
		e.typ = Type{Kind: Boolean}
	case opCompare, opDistinct:
		b.compare(e)
	case opIn, opBetween:
		b.compareAll(e)
	case opArith:
		b.arith(e)
	case opConcat:
		e.typ = Type{Kind: Varchar}
	case opLike:
		b.like(e)
	case opCase:
		b.caseWhen(e)
	case opCoalesce:
		e.typ = b.unify(e, e.args)
	case opNullIf:
		result := e.args[0].typ
		b.compare(e)
		if e.op != opBad {
			e.typ = result
		}
	case opCall:
		b.call(e)
	}
}

// name resolves a field of the record, or a column of the event in a predicate.
func (b *binder) name(e *expr) {
	e.constant = false
	if b.predicate {
		b.column(e)
		return
	}
	if len(e.path) > 1 && (e.path[0] == b.alias || b.alias == "" && e.path[0] == b.source) {
		e.path = e.path[1:]
	}
	e.typ = Type{Kind: Any}
	if b.csv {
		e.typ = Type{Kind: Varchar}
		if len(e.path) > 1 {
			b.bad(e, "quote a column whose name has a dot: "+quote(strings.Join(e.path, ".")), "a CSV row has no nested fields")
			return
		}
	}
	for i, p := range b.paths {
		if samePath(p, e.path) {
			e.slot = i
			return
		}
	}
	e.slot = len(b.paths)
	b.paths = append(b.paths, e.path)
}

func samePath(a, b Path) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (b *binder) column(e *expr) {
	name := strings.Join(e.path, ".")
	for i, c := range b.columns {
		if c.Name != name {
			continue
		}
		e.op, e.slot, e.typ = opColumn, i, c.Type
		for _, u := range b.used {
			if u == i {
				return
			}
		}
		b.used = append(b.used, i)
		return
	}
	var names []string
	for _, c := range b.columns {
		names = append(names, c.Name)
	}
	hint := nearest(name, names)
	if hint == "" {
		hint = "columns: " + strings.Join(names, ", ")
	}
	b.bad(e, hint, "the event has no column %s", quote(name))
}

// coerce makes args[i] of e a cast to t unless it is of that type.
func (b *binder) coerce(e *expr, i int, t Type) {
	a := e.args[i]
	if a.op == opBad || a.isNull() || a.typ == t || a.typ.Kind == t.Kind && t.Kind != Decimal {
		return
	}
	c := newExpr(opCast, "", a.at, a.end, a)
	c.typ = t
	b.bind(c)
	e.args[i] = c
	e.fallible = e.fallible || c.fallible
	if c.op == opBad {
		e.op = opBad
	}
}

func (b *binder) condition(e *expr, i int) {
	a := e.args[i]
	if a.typ.Kind.temporal() {
		b.bad(e, "compare it: x IS NOT NULL, x > 0", "a condition is needed, this is %s", a.typ)
		return
	}
	b.coerce(e, i, Type{Kind: Boolean})
}

// castable says which casts exist; among them some fail at run time.
func castable(from, to Kind) bool {
	switch {
	case from == to, from == Any, to == Varchar, from == Varchar:
		return true
	case from.numeric() || from == Boolean:
		return to.numeric() || to == Boolean
	}
	return from.temporal() && to.temporal()
}

func (b *binder) cast(e *expr) {
	a, to := e.args[0], e.typ
	if !castable(a.typ.Kind, to.Kind) {
		hint := ""
		if a.typ.Kind.numeric() && to.Kind.temporal() {
			hint = "TO_TIMESTAMP(seconds) and EPOCH_MS(milliseconds) make times of numbers"
		}
		if a.typ.Kind.temporal() && to.Kind.numeric() {
			hint = "use EXTRACT(epoch FROM x)"
		}
		b.bad(e, hint, "%s can't be cast to %s", a.typ, to)
		return
	}
	safe := a.typ == to || to.Kind == Varchar || a.typ.Kind == Boolean && to.Kind != Decimal ||
		a.typ.Kind == BigInt && (to.Kind == Double || to.Kind == Boolean)
	if a.op != opLiteral {
		e.fallible = e.fallible || e.op == opCast && !safe
		return
	}
	b.foldCast(e, a, to)
}

// foldCast replaces the cast of a literal by its value, so that DATE '2024-02-30' is a mistake of the text and not of
// every record. A TIMESTAMPTZ without a zone depends on the source's and stays.
func (b *binder) foldCast(e, a *expr, to Type) {
	if to.Kind == TimestampTZ && !a.isNull() {
		if _, z, ok := parseTimestamp(a.value.Text); a.value.Kind != Varchar || ok && z == noZone {
			return
		}
	}
	f := &frame{}
	var v Value
	if !f.cast(&a.value, to, a.value.Kind == Varchar, &v) {
		if e.op == opCast {
			b.bad(e, "", "%s", f.reject.Detail)
			return
		}
		v = Value{Null: true}
	}
	if !v.Null {
		v.Text = append([]byte(nil), v.Text...)
	}
	e.op, e.args, e.value = opLiteral, nil, v
	if v.Null {
		e.typ = Type{}
	}
}

func (b *binder) negate(e *expr) {
	switch t := e.args[0].typ; {
	case t.Kind.numeric() || t.Kind == Any:
		e.typ = t
		e.fallible = true
	case t.Kind == Varchar:
		b.bad(e, "write CAST(… AS DOUBLE)", "%s needs a number, this is VARCHAR", e.name)
	default:
		b.bad(e, "", "%s needs a number, this is %s", e.name, t)
	}
}

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
	e.fallible = e.fallible || x.typ.Kind == Any || y.typ.Kind == Any
}

// mixed refuses to order text among other types, as DuckDB does: only = and <> cast it, and only literals take the
// type of what they meet.
func (b *binder) mixed(e, text, other *expr) bool {
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
			common, _ = widen(common, a.typ)
		}
	}
	for _, a := range e.args {
		if e.op == opBetween && common.Kind != Any && b.mixed(e, a, &expr{typ: common}) {
			return
		}
	}
	for i, a := range e.args {
		e.fallible = e.fallible || a.typ.Kind == Any
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
			adapted.typ, adapted.bound, adapted.fallible, adapted.constant = Type{}, true, true, a.constant
			adapted.to = to
			e.args[i] = adapted
		}
	}
}

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
	case x.Kind == Boolean && y.Kind.numeric():
		return y, true
	case y.Kind == Boolean && x.Kind.numeric():
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

func (b *binder) call(e *expr) {
	fn := functions[e.name]
	if fn == nil {
		hint := nearest(e.name, functionNames)
		if hint == "" {
			hint = "functions: " + strings.Join(functionNames, ", ")
		}
		b.errors.add(e.at, e.nameEnd, hint, "unknown function %s", e.name)
		e.op, e.typ = opBad, Type{}
		return
	}
	e.fn = fn
	if len(e.args) < fn.least || len(e.args) > fn.most() {
		b.bad(e, "write "+fn.form, "%s has %s", e.name, plural(len(e.args), "argument"))
		return
	}
	for i, a := range e.args {
		if want, ok := fn.param(i).takes(a); !ok {
			hint := "write " + fn.form
			if target := fn.param(i).castTo(); target != "" {
				hint = "write CAST(… AS " + target + ")"
			}
			name, _, _ := strings.Cut(fn.form, "(")
			b.bad(e, hint, "%s needs %s, not %s", name, want, a.typ.plain())
			return
		}
		if fn.param(i) == paramSeconds {
			b.coerce(e, i, Type{Kind: Double})
		}
		if e.op == opBad {
			return
		}
	}
	e.typ = Type{Kind: fn.result}
	e.fallible = e.fallible || fn.fallible
	if fn.check != nil {
		if problem, hint := fn.check(e); problem != "" {
			b.bad(e, hint, "%s", problem)
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
