package sql

import (
	"fmt"
	"strings"
)

// selectItem is one column of the SELECT list.
type selectItem struct {
	expr     *expr
	name     string
	at, end  int // of the expression
	nameAt   int
	nameEnd  int
	explicit bool
}

// parser is recursive descent over tokens. A mistake is reported once, then the parser moves to the next place where
// it can go on: a comma of the SELECT list, FROM, WHERE.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
	errors *errorList
	// depths of parentheses by token, and whether one is never closed.
	depths     []int32
	unbalanced bool
	// failed says that the current expression has a mistake that has been reported.
	failed bool
}

func newParser(text string) *parser {
	errs := &errorList{text: text}
	l := lexer{text: text, errors: errs}
	p := &parser{text: text, tokens: l.all(), errors: errs}
	p.nest()
	return p
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

func (p *parser) takeOp(s string) bool {
	if p.peek().op(s) {
		p.next()
		return true
	}
	return false
}

func (p *parser) takeWord(w string) bool {
	if p.peek().word(w) {
		p.next()
		return true
	}
	return false
}

// describe names a token in a message.
func (p *parser) describe(t token) string {
	switch t.kind {
	case tokenEnd:
		return "the end of the text"
	case tokenString:
		return "a string"
	case tokenQuoted:
		return quote(t.value)
	}
	return fmt.Sprintf("%q", t.value)
}

// fail reports a mistake at t unless the expression has one already, and returns a node that stands for it.
func (p *parser) fail(t token, hint, format string, args ...any) *expr {
	if !p.failed && t.kind != tokenBad {
		p.errors.add(t.at, max(t.end, t.at+1), hint, format, args...)
	}
	p.failed = true
	return &expr{op: opBad, at: t.at, end: t.end, depth: 1}
}

func (p *parser) expectOp(s, after string) bool {
	if p.takeOp(s) {
		return true
	}
	t := p.peek()
	p.fail(t, "", "expected %q %s, found %s", s, after, p.describe(t))
	return false
}

func (p *parser) expectWord(w, after string) bool {
	if p.takeWord(w) {
		return true
	}
	t := p.peek()
	p.fail(t, "", "expected %s %s, found %s", w, after, p.describe(t))
	return false
}

// statement parses SELECT … FROM … WHERE ….
func (p *parser) statement() (items []selectItem, from, alias string, where *expr) {
	if t := p.peek(); !p.takeWord("SELECT") {
		p.notSelect(t)
		return nil, "", "", nil
	}
	if t := p.peek(); t.word("DISTINCT") {
		p.errors.add(t.at, t.end, "an event_id column makes duplicates known; agg: COUNT_DISTINCT counts distinct values",
			"DISTINCT is not allowed in an event")
		p.next()
	} else if t.word("ALL") {
		p.next()
	}
	items = p.selectList()
	if !p.failed || p.peek().word("FROM") { // else the mistake in the list has swallowed FROM
		from, alias = p.from()
	}
	for {
		t := p.peek()
		switch {
		case t.kind == tokenEnd:
			return items, from, alias, where
		case t.op(";") && p.ahead(1).kind == tokenEnd:
			p.next()
		case t.word("WHERE"):
			p.next()
			if where != nil {
				p.errors.add(t.at, t.end, "join the conditions with AND", "a second WHERE")
			}
			p.failed = false
			where = p.expression()
			if p.failed {
				p.sync(false)
			}
		default:
			p.failed = false
			p.trailing(t)
			p.next()
			if n := p.peek(); n.word("JOIN") || n.word("OUTER") {
				p.next()
			}
			p.sync(false)
		}
	}
}

func (p *parser) notSelect(t token) {
	if r, ok := clauses[strings.ToUpper(t.value)]; ok && t.kind == tokenWord {
		p.fail(t, r.hint, "%s", r.what)
		return
	}
	hint := "write SELECT … FROM source WHERE …"
	if t.kind == tokenWord && nearest(t.value, []string{"SELECT"}) != "" {
		hint = `did you mean "SELECT"?`
	}
	p.fail(t, hint, "an event is one SELECT, found %s", p.describe(t))
}

// trailing reports what stands where a clause or the end should.
func (p *parser) trailing(t token) {
	if r, ok := clauses[strings.ToUpper(t.value)]; ok && t.kind == tokenWord {
		end := t.end
		if n := p.ahead(1); n.word("BY") || n.word("JOIN") || n.word("ALL") {
			end = n.end
		}
		p.errors.add(t.at, end, r.hint, "%s", r.what)
		return
	}
	switch {
	case t.op(";"):
		p.errors.add(t.at, t.end, "define another event for another SELECT", "an event is one SELECT; nothing may follow it")
	case t.op(","):
		p.errors.add(t.at, t.end, refuseJoin.hint, "FROM takes one source")
	case t.kind == tokenWord:
		hint := nearest(t.value, []string{"FROM", "WHERE", "AND", "OR"})
		if hint == "" {
			hint = "what may follow: an operator, AND, OR, or the end"
		}
		p.fail(t, hint, "unexpected %s", p.describe(t))
	default:
		p.fail(t, "", "unexpected %s", p.describe(t))
	}
}

func (p *parser) selectList() []selectItem {
	var items []selectItem
	for {
		if t := p.peek(); t.word("FROM") || t.kind == tokenEnd {
			p.failed = false
			if len(items) == 0 {
				p.fail(t, "write SELECT column, … FROM source", "the list of columns is empty")
			} else {
				p.fail(t, "remove the comma before it", "expected a column, found %s", p.describe(t))
			}
			return items
		}
		p.failed = false
		item := p.selectItem()
		if !p.failed {
			items = append(items, item)
			if t := p.peek(); !t.op(",") && !t.word("FROM") && t.kind != tokenEnd && !p.isClause(t) {
				p.listEnd(t)
			}
		}
		if p.failed {
			p.sync(true)
		}
		if !p.takeOp(",") {
			return items
		}
	}
}

// listEnd reports a token after a complete column. The usual slip is FROM misspelt, which reads as an alias.
func (p *parser) listEnd(t token) {
	if before := p.tokens[p.at-1]; before.kind == tokenWord && t.kind != tokenOp && nearest(before.value, []string{"FROM"}) != "" {
		p.fail(before, `did you mean "FROM"?`, "expected a comma or FROM, found %s", p.describe(before))
		return
	}
	if t.word("OVER") || t.word("FILTER") {
		p.fail(t, "events are single rows; use agg: and window: in the metric", "window functions are not allowed in an event")
		return
	}
	p.fail(t, "separate columns with commas", "expected a comma or FROM, found %s", p.describe(t))
}

func (p *parser) isClause(t token) bool {
	_, ok := clauses[strings.ToUpper(t.value)]
	return t.kind == tokenWord && (ok || t.word("WHERE"))
}

// sync skips to the next comma of the list (if inList), or to the next clause, or to the end. What stands in parentheses
// is skipped, unless a parenthesis is missing: then only WHERE is sure.
func (p *parser) sync(inList bool) {
	for ; p.peek().kind != tokenEnd; p.next() {
		t, depth := p.peek(), p.depths[p.at]
		switch {
		case inList && depth == 0 && (t.op(",") || t.word("FROM")), t.word("WHERE") && (depth == 0 || p.unbalanced):
			return
		case !inList && depth == 0 && p.isClause(t):
			return
		}
	}
}

// nest notes how many parentheses are open at each token.
func (p *parser) nest() {
	p.depths = make([]int32, len(p.tokens))
	depth := int32(0)
	for i, t := range p.tokens {
		if t.op(")") || t.op("]") {
			depth = max(0, depth-1)
		}
		p.depths[i] = depth
		if t.op("(") || t.op("[") {
			depth++
		}
	}
	p.unbalanced = depth > 0
}

func (p *parser) selectItem() selectItem {
	t := p.peek()
	if t.op("*") {
		p.fail(t, "name each column: user_id, amount AS revenue, …", "SELECT * is not allowed in an event")
		return selectItem{}
	}
	e := p.expression()
	item := selectItem{expr: e, at: e.at, end: e.end}
	if p.failed {
		return item
	}
	switch t := p.peek(); {
	case t.word("AS"):
		p.next()
		n := p.peek()
		if n.kind != tokenWord && n.kind != tokenQuoted || n.word("FROM") && !p.ahead(1).word("FROM") && !p.ahead(1).op(",") {
			p.fail(n, `an alias is a name: AS revenue or AS "Total Price"`, "expected a name after AS, found %s", p.describe(n))
			return item
		}
		p.next()
		item.name, item.nameAt, item.nameEnd, item.explicit = n.value, n.at, n.end, true
	case t.kind == tokenQuoted,
		t.kind == tokenWord && !reserved[strings.ToUpper(t.value)] && !notAlias[strings.ToUpper(t.value)]:
		p.next()
		item.name, item.nameAt, item.nameEnd, item.explicit = t.value, t.at, t.end, true
	case e.op == opField:
		item.name, item.nameAt, item.nameEnd = e.path[len(e.path)-1], e.at, e.end
	default:
		p.errors.add(e.at, e.end, "write … AS name", "an expression needs a name")
	}
	return item
}

func (p *parser) from() (source, alias string) {
	p.failed = false
	t := p.peek()
	if !p.takeWord("FROM") {
		if t.kind == tokenEnd || p.isClause(t) {
			p.fail(t, "write SELECT … FROM source", "the SELECT names no source")
		} else {
			p.fail(t, "", "expected FROM, found %s", p.describe(t))
			p.sync(false)
		}
		return "", ""
	}
	t = p.peek()
	switch {
	case t.kind == tokenQuoted, t.kind == tokenWord && !reserved[strings.ToUpper(t.value)]:
		p.next()
		source = t.value
	case t.op("(") || t.word("SELECT"):
		p.fail(t, "write one SELECT … FROM source WHERE …", "a subquery is not allowed in an event")
		p.next()
		p.sync(false)
		return "", ""
	case t.kind == tokenString:
		p.fail(t, "files belong to the source definition (files:)", "FROM takes the id of a source")
		p.next()
		return "", ""
	default:
		hint := "FROM takes the id of a source"
		if t.kind == tokenWord {
			hint = "quote a reserved word: " + quote(t.value)
		}
		p.fail(t, hint, "expected a source, found %s", p.describe(t))
		p.sync(false)
		return "", ""
	}
	if p.peek().op(".") || p.peek().op("-") || p.peek().op("(") {
		p.fail(p.peek(), `quote an id that is not one word: FROM "a-b"`, "FROM takes the id of a source")
		p.next()
		p.sync(false)
		return source, ""
	}
	as := p.takeWord("AS")
	t = p.peek()
	if t.kind == tokenQuoted || t.kind == tokenWord && !reserved[strings.ToUpper(t.value)] && !notAlias[strings.ToUpper(t.value)] {
		if hint := nearest(t.value, []string{"WHERE"}); hint != "" && !as && p.ahead(1).kind != tokenEnd {
			p.fail(t, hint, "unexpected %s", p.describe(t))
			p.next()
			p.sync(false)
			return source, ""
		}
		p.next()
		return source, t.value
	}
	if as {
		p.fail(t, "", "expected an alias after AS, found %s", p.describe(t))
	}
	return source, source
}
