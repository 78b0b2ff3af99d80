package sql

import "strings"

// op says what an expression does.
type op uint8

const (
	opLiteral  op = iota
	opField       // a path into the record
	opColumn      // a column of the event, in predicates
	opCast        // args[0] to typ
	opTryCast     //
	opNegate      // -x
	opNot         //
	opAnd         // two or more
	opOr          //
	opCompare     // name: = <> < <= > >=
	opDistinct    // IS DISTINCT FROM: NULLs are equal
	opArith       // name: + - * / // %
	opConcat      // ||: NULL if a side is
	opLike        // value, pattern, escape?
	opIn          // value, then the list
	opBetween     // value, low, high
	opIsNull      //
	opIsTrue      // literal name: TRUE or FALSE
	opCase        // when, then, when, then …, else
	opCoalesce    //
	opNullIf      //
	opCall        // fn
	opAdapt       // args[0], cast to the field to if it is text at run time
	opBad         // a mistake that has been reported
)

// expr is one node of the tree. The parser fills op, name, args, path and literals; bind fills the rest.
type expr struct {
	op      op
	at, end int // bytes of the text
	name    string
	args    []*expr
	value   Value // of a literal
	path    Path  // of a field
	slot    int   // of a field: index into Query.Paths; of a column: index of the column
	fn      *function
	nameEnd int // of a call: end of its name
	typ     Type
	to      Type // of opAdapt
	depth   int

	bound bool
	// constant: reads nothing of the record. fallible: may refuse a record.
	constant, fallible bool
}

// maxDepth bounds the tree, so that no text can exhaust the stack of whoever walks it.
const maxDepth = 200

func newExpr(o op, name string, at, end int, args ...*expr) *expr {
	e := &expr{op: o, name: name, at: at, end: end, args: args, depth: 1}
	for _, a := range args {
		e.depth = max(e.depth, a.depth+1)
	}
	return e
}

// isNull says that e is the literal NULL, which has no type; NULL::BIGINT has one.
func (e *expr) isNull() bool { return e.op == opLiteral && e.value.Null && e.typ.Kind == Any }

// isText says that e is a string literal, which in DuckDB takes the type of what it meets.
func (e *expr) isText() bool {
	return e.op == opLiteral && !e.value.Null && e.value.Kind == Varchar
}

func (p Path) String() string {
	var b strings.Builder
	for i, step := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quoteIfNeeded(step))
	}
	return b.String()
}

func quoteIfNeeded(name string) string {
	for i := 0; i < len(name); i++ {
		if !isWordStart(name[i]) && (i == 0 || !isDigit(name[i])) {
			return quote(name)
		}
	}
	if upper := strings.ToUpper(name); reserved[upper] || functionWords[upper] {
		return quote(name)
	}
	return name
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
