package sql

import (
	"fmt"
	"sync"
	"time"
)

// Predicate is a boolean expression over an event's columns; immutable, may be evaluated from any goroutine.
type Predicate struct {
	Text    string
	Columns []int // columns it reads

	expr   *expr
	frames sync.Pool // of *Condition in UTC, for Eval
}

// Condition is a predicate compiled for one goroutine.
type Condition struct {
	frame frame
	test  testFn
}

// ParsePredicate parses a where: over the columns of an event.
func ParsePredicate(text string, columns []Column) (*Predicate, []SyntaxError) {
	p := newParser(text)
	t := p.peek()
	var e *expr
	switch {
	case t.kind == tokenEnd:
		p.fail(t, "write a condition, or leave where: out", "the condition is empty")
	case t.word("WHERE") || t.word("SELECT"):
		p.fail(t, "write the condition alone: platform = 'ios'", "where: takes a condition, found %s", p.describe(t))
	default:
		e = p.expression()
		if t := p.peek(); !p.failed && t.kind != tokenEnd {
			p.trailing(t)
		}
	}
	b := &binder{errors: p.errors, predicate: true, columns: columns}
	if e != nil {
		b.bind(e)
		if e.op != opBad {
			w := newExpr(opAnd, "AND", e.at, e.end, e)
			w.bound = true
			b.condition(w, 0)
			e = w.args[0]
		}
	}
	if errs := p.errors.errors(); len(errs) > 0 {
		return nil, errs
	}
	q := &Predicate{Text: text, Columns: b.used, expr: e}
	q.frames.New = func() any { return q.Compile(nil) }
	return q, nil
}

// Canonical is the typed tree as text, for hashing; columns are named.
func (p *Predicate) Canonical() string { return p.expr.canonical() }

// Compile makes what evaluates the predicate without locks and without allocating; loc is the zone of times without one,
// nil: UTC.
func (p *Predicate) Compile(loc *time.Location) *Condition {
	if loc == nil {
		loc = time.UTC
	}
	var comp compiler
	c := &Condition{test: comp.test(p.expr)}
	c.frame = frame{loc: loc, temps: make([]Value, comp.temps)}
	return c
}

// Eval says whether the condition holds for a row: unknown is false. A row that it refuses gives an *ErrorReject.
func (c *Condition) Eval(row []Value) (bool, error) {
	c.frame.row = row
	c.frame.arena = c.frame.arena[:0]
	switch c.test(&c.frame) {
	case yes:
		return true, nil
	case refused:
		return false, &c.frame.reject
	}
	return false, nil
}

// Eval is Condition.Eval with times without a zone in UTC. row has a value for each column of the event; values of an
// untyped column carry their own kind.
func (p *Predicate) Eval(row []Value) (bool, error) {
	if p.expr == nil {
		return false, fmt.Errorf("sql: a Predicate must come from ParsePredicate")
	}
	c := p.frames.Get().(*Condition)
	defer p.frames.Put(c)
	holds, err := c.Eval(row)
	if err != nil {
		reject := *err.(*ErrorReject)
		err = &reject
	}
	return holds, err
}
