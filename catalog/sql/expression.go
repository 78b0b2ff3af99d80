package sql

import (
	"strings"
)

// maxNesting bounds how deep the parser calls itself.
const maxNesting = 100

// The levels of precedence, loosest first, as in DuckDB: OR, AND, NOT, IS, comparison, BETWEEN IN LIKE, || -> ->>,
// + -, * / // %, unary minus, ::, primary. Comparisons do not chain.

func (p *parser) expression() *expr {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return p.fail(p.peek(), "", "the expression is nested too deeply (more than %d levels)", maxNesting)
	}
	return p.list("OR", opOr, (*parser).and)
}

func (p *parser) and() *expr { return p.list("AND", opAnd, (*parser).not) }

// list parses a chain of AND or OR as one flat node.
func (p *parser) list(word string, o op, operand func(*parser) *expr) *expr {
	first := operand(p)
	if !p.peek().word(word) {
		return first
	}
	args := []*expr{first}
	for !p.failed && p.takeWord(word) {
		args = append(args, operand(p))
	}
	return p.node(newExpr(o, word, first.at, args[len(args)-1].end, args...))
}

// node refuses a tree that has become too deep.
func (p *parser) node(e *expr) *expr {
	if e.depth > maxDepth && !p.failed {
		return p.fail(token{at: e.at, end: e.end, kind: tokenOp}, "", "the expression is nested too deeply (more than %d levels)", maxDepth)
	}
	return e
}

func (p *parser) not() *expr {
	t := p.peek()
	if !p.takeWord("NOT") {
		return p.is()
	}
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return p.fail(t, "", "the expression is nested too deeply (more than %d levels)", maxNesting)
	}
	e := p.not()
	return p.node(newExpr(opNot, "NOT", t.at, e.end, e))
}

func (p *parser) is() *expr {
	e := p.comparison()
	for !p.failed {
		t := p.peek()
		switch {
		case t.word("ISNULL"), t.word("NOTNULL"):
			p.next()
			e = p.negated(t.word("NOTNULL"), newExpr(opIsNull, "IS NULL", e.at, t.end, e))
		case t.word("IS"):
			p.next()
			e = p.isWhat(e)
		default:
			return e
		}
	}
	return e
}

func (p *parser) isWhat(e *expr) *expr {
	not := p.takeWord("NOT")
	t := p.next()
	switch {
	case t.word("NULL"):
		return p.negated(not, newExpr(opIsNull, "IS NULL", e.at, t.end, e))
	case t.word("TRUE"), t.word("FALSE"):
		return p.negated(not, newExpr(opIsTrue, strings.ToUpper(t.value), e.at, t.end, e))
	case t.word("DISTINCT"):
		if !p.expectWord("FROM", "after IS DISTINCT") {
			return e
		}
		r := p.comparison()
		return p.negated(not, newExpr(opDistinct, "IS DISTINCT FROM", e.at, r.end, e, r))
	}
	return p.fail(t, "IS NULL, IS NOT NULL, IS TRUE, IS FALSE, IS DISTINCT FROM", "expected NULL after IS, found %s", p.describe(t))
}

func (p *parser) negated(not bool, e *expr) *expr {
	if not {
		e = newExpr(opNot, "NOT", e.at, e.end, e)
	}
	return p.node(e)
}

// comparisons maps what is written to one spelling.
var comparisons = map[string]string{"=": "=", "==": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

func (p *parser) comparison() *expr {
	e := p.match()
	t := p.peek()
	name := comparisons[t.value]
	if p.failed || t.kind != tokenOp || name == "" {
		return e
	}
	p.next()
	r := p.match()
	e = p.node(newExpr(opCompare, name, e.at, r.end, e, r))
	if t := p.peek(); t.kind == tokenOp && comparisons[t.value] != "" && !p.failed {
		return p.fail(t, "join two comparisons with AND", "comparisons do not chain")
	}
	return e
}

// match parses BETWEEN, IN and LIKE with their NOT.
func (p *parser) match() *expr {
	e := p.concat()
	for !p.failed {
		not := p.peek().word("NOT")
		t := p.peek()
		if not {
			t = p.ahead(1)
		}
		switch {
		case t.word("BETWEEN"), t.word("IN"), t.word("LIKE"):
		case t.word("ILIKE"), t.word("SIMILAR"), t.word("GLOB"):
			return p.fail(t, "use LOWER(x) LIKE '…'", "%s is not in the dialect", strings.ToUpper(t.value))
		default:
			return e
		}
		if not {
			p.next()
		}
		p.next()
		switch {
		case t.word("BETWEEN"):
			low := p.concat()
			if p.failed || !p.expectWord("AND", "in BETWEEN") {
				return e
			}
			high := p.concat()
			e = newExpr(opBetween, "BETWEEN", e.at, high.end, e, low, high)
		case t.word("LIKE"):
			e = p.like(e)
		default:
			e = p.in(e)
		}
		e = p.negated(not, e)
	}
	return e
}

func (p *parser) like(e *expr) *expr {
	pattern := p.concat()
	args := []*expr{e, pattern}
	end := pattern.end
	if !p.failed && p.takeWord("ESCAPE") {
		t := p.next()
		if t.kind != tokenString || len(t.value) > 1 {
			return p.fail(t, `write ESCAPE '\'`, "ESCAPE takes a string of one ASCII character, found %s", p.describe(t))
		}
		args, end = append(args, textLiteral(t)), t.end
	}
	return newExpr(opLike, "LIKE", e.at, end, args...)
}

func (p *parser) in(e *expr) *expr {
	if !p.expectOp("(", "after IN") {
		return e
	}
	if t := p.peek(); t.word("SELECT") {
		return p.fail(t, "list the values: IN ('a', 'b')", "a subquery is not allowed in an event")
	}
	args := []*expr{e}
	for {
		args = append(args, p.expression())
		if p.failed {
			return e
		}
		if p.takeOp(",") {
			continue
		}
		end := p.peek().end
		if !p.expectOp(")", "after the list of IN") {
			return e
		}
		return newExpr(opIn, "IN", e.at, end, args...)
	}
}

func (p *parser) concat() *expr {
	e := p.sum()
	for !p.failed {
		t := p.peek()
		switch {
		case t.op("||"):
			p.next()
			r := p.sum()
			e = p.node(newExpr(opConcat, "||", e.at, r.end, e, r))
		case t.op("->>") || t.op("->"):
			p.next()
			e = p.arrow(t, e)
		default:
			return e
		}
	}
	return e
}

// arrow is the JSON operator: a longer path, and text with ->>.
func (p *parser) arrow(t token, e *expr) *expr {
	step := p.next()
	if step.kind != tokenString {
		return p.fail(step, `write payload->>'key' or payload->>'$.a.b'`, "expected a key after %s, found %s", t.value, p.describe(step))
	}
	if e.op != opField {
		return p.fail(t, "", "%s takes a field on its left", t.value)
	}
	path := append(Path{}, e.path...)
	if rest, ok := strings.CutPrefix(step.value, "$."); ok {
		if strings.ContainsAny(rest, `[]*"`) {
			return p.fail(step, "only $.a.b is read", "arrays are not in the dialect")
		}
		path = append(path, strings.Split(rest, ".")...)
	} else {
		path = append(path, step.value)
	}
	e = &expr{op: opField, at: e.at, end: step.end, path: path, depth: 1}
	if t.op("->>") {
		c := newExpr(opCast, "", e.at, e.end, e)
		c.typ = Type{Kind: Varchar}
		return c
	}
	return e
}

func (p *parser) sum() *expr { return p.chain(p.product, "+", "-") }

func (p *parser) product() *expr { return p.chain(p.unary, "*", "/", "//", "%") }

func (p *parser) chain(operand func() *expr, ops ...string) *expr {
	e := operand()
next:
	for !p.failed {
		t := p.peek()
		for _, o := range ops {
			if t.op(o) {
				p.next()
				r := operand()
				e = p.node(newExpr(opArith, o, e.at, r.end, e, r))
				continue next
			}
		}
		if t.op("**") || t.op("^") {
			return p.fail(t, "", "powers are not in the dialect")
		}
		return e
	}
	return e
}

func (p *parser) unary() *expr {
	t := p.peek()
	if !t.op("-") && !t.op("+") {
		return p.postfix()
	}
	p.next()
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxNesting {
		return p.fail(t, "", "the expression is nested too deeply (more than %d levels)", maxNesting)
	}
	if n := p.peek(); t.op("-") && n.kind == tokenNumber && !p.ahead(1).op("::") {
		p.next()
		e := p.numberLiteral(n, true)
		e.at = t.at
		return e
	}
	e := p.unary()
	if t.op("+") {
		return p.node(newExpr(opNegate, "+", t.at, e.end, e))
	}
	return p.node(newExpr(opNegate, "-", t.at, e.end, e))
}

func (p *parser) postfix() *expr {
	e := p.primary()
	for !p.failed {
		switch t := p.peek(); {
		case t.op("::"):
			p.next()
			typ, end := p.typeName()
			c := newExpr(opCast, "", e.at, end, e)
			c.typ = typ
			e = p.node(c)
		case t.op("[") && e.op == opField && p.ahead(1).kind == tokenString && p.ahead(2).op("]"):
			p.next()
			e = &expr{op: opField, at: e.at, path: append(append(Path{}, e.path...), p.next().value), depth: 1}
			e.end = p.next().end
		case t.op("["):
			return p.fail(t, "", "arrays are not in the dialect")
		default:
			return e
		}
	}
	return e
}
