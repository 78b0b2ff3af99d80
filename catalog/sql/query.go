package sql

import (
	"math"
	"strings"
	"time"
)

// EventTime is the column that says when an event happened.
const EventTime = "event_time"

// Query is a parsed and type-checked SELECT; immutable, shared by all shards.
type Query struct {
	Text    string
	From    string
	Columns []Column
	Paths   []Path // fields it reads, each once

	exprs []*expr // parallel to Columns
	where *expr   // nil: all records
	csv   bool
}

// Parse parses an event's SELECT over a source whose fields have no type of their own: a JSON value is what its text
// says. It returns a query without errors, or all the errors that it can tell apart.
func Parse(text string) (*Query, []SyntaxError) { return parse(text, false) }

// ParseCSV is Parse for a source of CSV, whose fields are VARCHAR: arithmetic on one without a cast is an error here,
// where Parse leaves it to the record.
func ParseCSV(text string) (*Query, []SyntaxError) { return parse(text, true) }

func parse(text string, csv bool) (*Query, []SyntaxError) {
	p := newParser(text)
	items, from, alias, where := p.statement()
	b := &binder{errors: p.errors, source: from, alias: alias, csv: csv}
	q := &Query{Text: text, From: from, where: where, csv: csv}
	if where != nil {
		b.bind(where)
		if where.op != opBad {
			w := newExpr(opAnd, "AND", where.at, where.end, where)
			w.bound = true
			b.condition(w, 0)
			q.where = w.args[0]
		}
	}
	for i, item := range items {
		b.bind(item.expr)
		if item.name != "" {
			b.duplicate(items[:i], item)
		}
		line, col := position(text, item.at)
		typ := item.expr.typ
		if typ.Kind != Decimal {
			typ = Type{Kind: typ.Kind}
		}
		if k := typ.Kind; item.name == EventTime && item.expr.op != opBad && k != Any && k != Varchar && !k.temporal() {
			b.errors.add(item.at, item.end, "use TO_TIMESTAMP(seconds) or EPOCH_MS(milliseconds)", "event_time must be a time, this is %s", typ)
		}
		q.Columns = append(q.Columns, Column{Name: item.name, Type: typ, Constant: item.expr.constant, Line: line, Col: col})
		q.exprs = append(q.exprs, item.expr)
	}
	q.Paths = b.paths
	if errs := p.errors.errors(); len(errs) > 0 {
		return nil, errs
	}
	return q, nil
}

// duplicate refuses a second column of one name; DuckDB tells no case apart in names.
func (b *binder) duplicate(before []selectItem, item selectItem) {
	for _, other := range before {
		if strings.EqualFold(other.name, item.name) {
			line, col := position(b.errors.text, other.at)
			b.errors.add(item.nameAt, item.nameEnd, "give it another name with AS", "a second column named %s (the first is at %d:%d)", quote(item.name), line, col)
			return
		}
	}
}

// Field returns the record's field that a column takes unchanged, if its expression is just that.
func (q *Query) Field(i int) (Path, bool) {
	e := q.exprs[i]
	return e.path, e.op == opField
}

// EvalOptions say how a source's fields are read. The zero value reads JSON with times without a zone as UTC.
type EvalOptions struct {
	Location *time.Location // of times without a zone; nil: UTC
	CSV      bool           // fields are VARCHAR, as DuckDB's all_varchar reads them
	// Fields maps Query.Paths to positions in the slice given to Eval; nil: the slice is parallel to Query.Paths.
	Fields []int
}

// Evaluator evaluates one query; it belongs to one goroutine.
type Evaluator struct {
	frame   frame
	guard   guard
	where   testFn // nil: all records
	columns []column
}

// NewEvaluator compiles the query. With CSV it reads the text again, so that fields are VARCHAR as ParseCSV has them; a
// query that ParseCSV refuses keeps its dynamic types and refuses the records concerned.
func (q *Query) NewEvaluator(opt EvalOptions) *Evaluator { return q.newEvaluator(opt, false) }

func (q *Query) newEvaluator(opt EvalOptions, plain bool) *Evaluator {
	if opt.CSV && !q.csv {
		if typed, errs := ParseCSV(q.Text); errs == nil && len(typed.Paths) == len(q.Paths) {
			q = typed
		}
	}
	c := compiler{fields: opt.Fields, plain: plain}
	e := &Evaluator{guard: c.guard(q.where), columns: make([]column, len(q.exprs))}
	if q.where != nil {
		e.where = c.test(q.where)
	}
	for i, x := range q.exprs {
		e.columns[i] = c.column(x)
	}
	e.frame = frame{loc: opt.Location, temps: make([]Value, c.temps)}
	if e.frame.loc == nil {
		e.frame.loc = time.UTC
	}
	return e
}

// Eval evaluates one record: whether WHERE keeps it and, if so, its columns into out, which must have as many entries as
// Query.Columns. A record that an expression refuses gives an *ErrorReject, which is valid until the next Eval, as is
// the text of the values.
func (e *Evaluator) Eval(fields []Raw, out []Value) (keep bool, err error) {
	f := &e.frame
	f.fields = fields
	f.arena = f.arena[:0]
	if e.where != nil {
		switch e.where(f) {
		case refused:
			return false, &f.reject
		case no, unknown:
			return false, nil
		}
	}
	for i := range e.columns {
		c, v := &e.columns[i], &out[i]
		if c.slot >= 0 && fields[c.slot].Kind == String {
			*v = Value{Kind: Varchar, Text: fields[c.slot].Text}
			continue
		}
		if !c.value(f, v) || v.Kind == Double && !f.finite(v) {
			return false, &f.reject
		}
	}
	return true, nil
}

// Excludes says at little cost that Eval of the record gives keep = false without an error; false says nothing.
func (e *Evaluator) Excludes(fields []Raw) bool {
	g := &e.guard
	return g.slot >= 0 && fields[g.slot].Kind == String && string(fields[g.slot].Text) != g.text
}

// finite refuses a double that is no number where it becomes a value. A number of the source that is beyond the doubles
// is out of range.
func (f *frame) finite(v *Value) bool {
	if v.Kind != Double || v.Null || !math.IsNaN(v.F) && !math.IsInf(v.F, 0) {
		return true
	}
	if len(v.Text) > 0 {
		return f.refuse(NumberRange, string(v.Text)+" is out of the range of DOUBLE")
	}
	return f.refuse(NotANumber, "a column is "+v.describe())
}
