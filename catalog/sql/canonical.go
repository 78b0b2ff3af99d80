package sql

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// Canonical is the typed tree as text, for hashing: equal for texts that differ only in spaces, comments, the case of
// keywords, the spelling of operators and types, or the order of the columns.
func (q *Query) Canonical() string {
	lines := make([]string, len(q.Columns))
	for i, c := range q.Columns {
		lines[i] = "column " + quote(c.Name) + " " + q.CanonicalColumn(i) + "\n"
	}
	sort.Strings(lines)
	return "from " + quote(q.From) + "\n" + strings.Join(lines, "") + "where " + q.CanonicalWhere() + "\n"
}

// CanonicalColumn is the canonical text of one column's expression: equal texts mean the same.
func (q *Query) CanonicalColumn(i int) string { return q.exprs[i].canonical() }

// CanonicalWhere is the canonical text of the WHERE condition, empty if there is none.
func (q *Query) CanonicalWhere() string {
	if q.where == nil {
		return ""
	}
	return q.where.canonical()
}

// CanonicalAccepts are the canonical texts, sorted, of the columns that may refuse a record and are not among the given
// ones: a refused event counts nowhere, so they are part of what every reader of the event reads.
func (q *Query) CanonicalAccepts(except ...int) []string {
	known := make(map[int]bool, len(except))
	for _, i := range except {
		known[i] = true
	}
	var out []string
	for i, e := range q.exprs {
		if e.fallible && !known[i] {
			out = append(out, e.canonical())
		}
	}
	sort.Strings(out)
	return out
}

// canonical writes the tree in prefix form with its types.
func (e *expr) canonical() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *expr) write(b *strings.Builder) {
	switch e.op {
	case opLiteral:
		e.writeLiteral(b)
		return
	case opField:
		b.WriteString("field(")
		for i, step := range e.path {
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(quote(step))
		}
		b.WriteByte(')')
		return
	case opColumn:
		b.WriteString("column(" + quote(strings.Join(e.path, ".")) + " " + e.typ.String() + ")")
		return
	}
	b.WriteString("(" + e.canonicalName())
	for _, a := range e.args {
		b.WriteByte(' ')
		a.write(b)
	}
	b.WriteByte(')')
}

func (e *expr) canonicalName() string {
	switch e.op {
	case opCast:
		return "CAST:" + e.typ.String()
	case opTryCast:
		return "TRY_CAST:" + e.typ.String()
	case opAdapt:
		return "TEXT_AS:" + e.to.String()
	case opIsTrue:
		return "IS_" + e.name
	case opArith, opCall, opCase, opCoalesce, opNullIf:
		return strings.ReplaceAll(e.name, " ", "_") + ":" + Type{Kind: e.typ.Kind, Precision: precisionKept(e.typ), Scale: e.typ.Scale}.String()
	}
	return strings.ReplaceAll(e.name, " ", "_")
}

func (e *expr) writeLiteral(b *strings.Builder) {
	v := e.value
	switch {
	case e.isNull():
		b.WriteString("NULL")
	case v.Null:
		b.WriteString(e.typ.plain() + ":NULL")
	case v.Kind == Varchar:
		b.WriteString("'" + strings.ReplaceAll(string(v.Text), "'", "''") + "'")
	case v.Kind == Double:
		b.WriteString("DOUBLE:" + strconv.FormatFloat(v.F, 'g', -1, 64))
	default:
		b.WriteString(e.typ.plain() + ":" + string(v.appendText(nil, time.UTC)))
	}
}

// plain is the type without the digits of an INTEGER literal.
func (t Type) plain() string {
	if t.Kind == Decimal {
		return t.String()
	}
	return t.Kind.String()
}
