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
