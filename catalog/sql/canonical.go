package sql

import (
	"strconv"
	"strings"
	"time"
)

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
	case v.Null:
		b.WriteString("NULL")
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
