package sql

import (
	"strconv"
	"strings"
)

func (p *parser) primary() *expr {
	t := p.peek()
	switch t.kind {
	case tokenNumber:
		p.next()
		return p.numberLiteral(t, false)
	case tokenString:
		p.next()
		return textLiteral(t)
	case tokenQuoted:
		return p.name()
	case tokenWord:
		return p.word()
	case tokenBad:
		p.next()
		return p.fail(t, "", "")
	}
	if t.op("(") {
		return p.parenthesis()
	}
	hint := ""
	if t.op("*") {
		hint = "name each column"
	}
	return p.fail(t, hint, "expected an expression, found %s", p.describe(t))
}

func (p *parser) parenthesis() *expr {
	open := p.next()
	if t := p.peek(); t.word("SELECT") {
		return p.fail(t, "write one SELECT … FROM source WHERE …", "a subquery is not allowed in an event")
	}
	e := p.expression()
	if p.failed {
		return e
	}
	if p.peek().op(",") {
		return p.fail(p.peek(), "", "a list stands only after IN")
	}
	end := p.peek().end
	if !p.takeOp(")") {
		t := p.peek()
		line, col := position(p.text, open.at)
		return p.fail(t, "", "expected \")\" for the \"(\" at %d:%d, found %s", line, col, p.describe(t))
	}
	if e.op == opLiteral || e.op == opField {
		c := *e
		e = &c
	}
	e.at, e.end = open.at, end
	return e
}

// word parses what begins with a plain word: a literal, a construct of its own, a call, a typed literal or a field.
func (p *parser) word() *expr {
	t := p.peek()
	after := p.ahead(1)
	switch upper := strings.ToUpper(t.value); upper {
	case "NULL", "TRUE", "FALSE":
		p.next()
		e := newExpr(opLiteral, "", t.at, t.end)
		switch upper {
		case "NULL":
			e.value = Value{Null: true}
		case "TRUE":
			e.value = Value{Kind: Boolean, I: 1}
		default:
			e.value = Value{Kind: Boolean}
		}
		return e
	case "CASE":
		return p.caseWhen()
	case "CAST", "TRY_CAST":
		if after.op("(") {
			return p.castCall(upper)
		}
	case "EXTRACT":
		if after.op("(") {
			return p.extract()
		}
	case "SUBSTRING", "SUBSTR", "TRIM":
		if after.op("(") {
			return p.keywordCall(upper)
		}
	case "EXISTS":
		if after.op("(") {
			return p.fail(t, "use agg: EXISTS in the metric", "EXISTS is not allowed in an event")
		}
	case "INTERVAL":
		if after.kind == tokenString || after.kind == tokenNumber {
			return p.fail(t, "compare times in seconds: EXTRACT(epoch FROM x)", "INTERVAL is not in the dialect")
		}
	case "DATE", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME":
		if after.kind == tokenString {
			return p.typedLiteral()
		}
		if after.word("WITH") || after.word("WITHOUT") {
			return p.typedLiteral()
		}
	default:
		if unsteady[upper] && (after.op("(") || strings.HasPrefix(upper, "CURRENT_") || strings.HasPrefix(upper, "LOCALTIME")) {
			return p.fail(t, "use a time that the record carries", "%s differs on every run, so that a replay would give other events", upper)
		}
	}
	if after.op("(") {
		return p.call()
	}
	if upper := strings.ToUpper(t.value); reserved[upper] || functionWords[upper] {
		named := after.op(".") || after.op(",") || after.word("AS") || comparisons[after.value] != ""
		if !named && p.isClause(t) || t.word("FROM") || t.word("AS") || t.word("THEN") || t.word("WHEN") || t.word("END") || t.word("ELSE") || t.word("AND") || t.word("OR") {
			return p.fail(t, "", "expected an expression, found %s", p.describe(t))
		}
		return p.fail(t, "quote it: "+quote(t.value), "%s is a reserved word", p.describe(t))
	}
	return p.name()
}

// name parses a field's path a.b.c; after a dot any word will do.
func (p *parser) name() *expr {
	t := p.next()
	path, end := Path{t.value}, t.end
	for p.peek().op(".") {
		p.next()
		n := p.peek()
		if n.op("*") {
			return p.fail(n, "name each column", "SELECT * is not allowed in an event")
		}
		if n.kind != tokenWord && n.kind != tokenQuoted {
			return p.fail(n, "", "expected a field after the dot, found %s", p.describe(n))
		}
		p.next()
		path, end = append(path, n.value), n.end
	}
	return &expr{op: opField, at: t.at, end: end, path: path, depth: 1}
}

func textLiteral(t token) *expr {
	e := newExpr(opLiteral, "", t.at, t.end)
	e.value = Value{Kind: Varchar, Text: []byte(t.value)}
	return e
}

// numberLiteral types a number as DuckDB does: BIGINT without a point, DECIMAL of its own digits with one, DOUBLE with
// an exponent or more than 38 digits.
func (p *parser) numberLiteral(t token, negative bool) *expr {
	text := t.value
	if negative {
		text = "-" + text
	}
	e := newExpr(opLiteral, "", t.at, t.end)
	point := strings.IndexByte(t.value, '.')
	switch {
	case strings.ContainsAny(t.value, "eE"):
	case point < 0:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return p.fail(t, "write it with a point to make it a DECIMAL", "%s does not fit BIGINT", text)
		}
		e.value = Value{Kind: BigInt, I: n}
		e.typ = Type{Kind: BigInt}
		if n == int64(int32(n)) {
			e.typ.Precision = 10 // an INTEGER in DuckDB, which matters to decimal arithmetic
		}
		return e
	case len(t.value)-1 <= 38:
		scale := len(t.value) - 1 - point
		n, status := parseDecimal([]byte(text), scale)
		if status != numberOK {
			return p.fail(t, "", "%q is not a number", text)
		}
		e.value = decimalValue(n, scale)
		e.typ = Type{Kind: Decimal, Precision: max(1, len(t.value)-1), Scale: scale}
		return e
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return p.fail(t, "", "%s does not fit DOUBLE", text)
	}
	e.value = Value{Kind: Double, F: f}
	return e
}

func (p *parser) typedLiteral() *expr {
	t := p.peek()
	typ, _ := p.typeName()
	s := p.next()
	if p.failed || s.kind != tokenString {
		return p.fail(s, "", "expected a string after %s, found %s", typ, p.describe(s))
	}
	e := newExpr(opCast, "", t.at, s.end, textLiteral(s))
	e.typ = typ
	return e
}

func (p *parser) caseWhen() *expr {
	start := p.next()
	var subject *expr
	if !p.peek().word("WHEN") {
		subject = p.expression()
	}
	var args []*expr
	for !p.failed && p.takeWord("WHEN") {
		when := p.expression()
		if subject != nil {
			when = newExpr(opCompare, "=", when.at, when.end, subject, when)
		}
		if p.failed || !p.expectWord("THEN", "in CASE") {
			break
		}
		args = append(args, when, p.expression())
	}
	if p.failed {
		return &expr{op: opBad, at: start.at, end: start.end, depth: 1}
	}
	if len(args) == 0 {
		return p.fail(p.peek(), "", "expected WHEN in CASE, found %s", p.describe(p.peek()))
	}
	if p.takeWord("ELSE") {
		args = append(args, p.expression())
	} else {
		none := newExpr(opLiteral, "", start.at, start.end)
		none.value = Value{Null: true}
		args = append(args, none)
	}
	end := p.peek().end
	if p.failed || !p.expectWord("END", "for CASE") {
		return &expr{op: opBad, at: start.at, end: start.end, depth: 1}
	}
	return p.node(newExpr(opCase, "CASE", start.at, end, args...))
}

func (p *parser) castCall(name string) *expr {
	t := p.next()
	p.next()
	e := p.expression()
	if p.failed || !p.expectWord("AS", "in "+name) {
		return e
	}
	typ, _ := p.typeName()
	end := p.peek().end
	if p.failed || !p.expectOp(")", "for "+name) {
		return e
	}
	o := opCast
	if name == "TRY_CAST" {
		o = opTryCast
	}
	c := newExpr(o, "", t.at, end, e)
	c.typ = typ
	return p.node(c)
}

// extract parses EXTRACT(part FROM x) into DATE_PART('part', x).
func (p *parser) extract() *expr {
	t := p.next()
	p.next()
	part := p.next()
	if part.kind != tokenWord && part.kind != tokenString && part.kind != tokenQuoted {
		return p.fail(part, "write EXTRACT(hour FROM x)", "expected a part of a time, found %s", p.describe(part))
	}
	if !p.expectWord("FROM", "in EXTRACT") {
		return &expr{op: opBad, depth: 1}
	}
	e := p.expression()
	end := p.peek().end
	if p.failed || !p.expectOp(")", "for EXTRACT") {
		return e
	}
	return p.node(newExpr(opCall, "DATE_PART", t.at, end, textLiteral(part), e))
}

// keywordCall parses calls that standard SQL writes with words: SUBSTRING(x FROM a FOR b), TRIM(BOTH c FROM x).
func (p *parser) keywordCall(name string) *expr {
	t := p.next()
	p.next()
	if name == "TRIM" {
		for _, side := range [][2]string{{"BOTH", "TRIM"}, {"LEADING", "LTRIM"}, {"TRAILING", "RTRIM"}} {
			if p.takeWord(side[0]) {
				name = side[1]
				break
			}
		}
	}
	args := p.arguments(name)
	end := p.tokens[max(0, p.at-1)].end
	if p.failed {
		return &expr{op: opBad, at: t.at, end: t.end, depth: 1}
	}
	return p.named(name, t, end, args)
}

// arguments parses up to and with the closing parenthesis; TRIM and SUBSTRING have words between theirs.
func (p *parser) arguments(name string) []*expr {
	var args []*expr
	if p.takeOp(")") {
		return nil
	}
	for {
		if strings.HasSuffix(name, "TRIM") && p.takeWord("FROM") {
			args = append(args, p.expression())
		} else {
			args = append(args, p.expression())
		}
		if p.failed {
			return nil
		}
		switch {
		case p.takeOp(","):
		case strings.HasPrefix(name, "SUBSTR") && (p.takeWord("FROM") || p.takeWord("FOR")):
		case strings.HasSuffix(name, "TRIM") && p.takeWord("FROM"):
			// TRIM(BOTH 'x' FROM s) is TRIM(s, 'x')
			args = append([]*expr{p.expression()}, args...)
			if p.failed || !p.expectOp(")", "for "+name) {
				return nil
			}
			return args
		default:
			if !p.expectOp(")", "for "+name) {
				return nil
			}
			return args
		}
	}
}

func (p *parser) call() *expr {
	t := p.next()
	p.next()
	upper := strings.ToUpper(t.value)
	if hint, ok := aggregates[upper]; ok {
		if hint == "" {
			hint = "aggregation belongs to the metric: agg: SUM, COUNT, COUNT_DISTINCT, MAX, MIN or EXISTS"
		}
		return p.fail(t, hint, "the aggregate %s is not allowed in an event", upper)
	}
	if windows[upper] {
		return p.fail(t, "events are single rows; use agg: and window: in the metric", "window functions are not allowed in an event")
	}
	if d := p.peek(); d.word("DISTINCT") {
		return p.fail(d, "use agg: COUNT_DISTINCT in the metric", "DISTINCT is not allowed in an event")
	}
	args := p.arguments(upper)
	if p.failed {
		return &expr{op: opBad, at: t.at, end: t.end, depth: 1}
	}
	end := p.tokens[p.at-1].end
	if o := p.peek(); o.word("OVER") || o.word("FILTER") {
		return p.fail(o, "events are single rows; use agg: and window: in the metric", "window functions are not allowed in an event")
	}
	return p.named(upper, t, end, args)
}

// named makes the node of a call; the constructs that look like calls get their own.
func (p *parser) named(upper string, t token, end int, args []*expr) *expr {
	if s, ok := synonyms[upper]; ok {
		upper = s
	}
	arity := func(low, high int, form string) bool {
		if len(args) >= low && len(args) <= high {
			return true
		}
		p.errors.add(t.at, end, "write "+form, "%s has %d arguments", upper, len(args))
		p.failed = true
		return false
	}
	switch upper {
	case "COALESCE":
		if arity(1, 1000, "COALESCE(x, y, …)") {
			return p.node(newExpr(opCoalesce, upper, t.at, end, args...))
		}
	case "IFNULL":
		if arity(2, 2, "IFNULL(x, y)") {
			return p.node(newExpr(opCoalesce, "COALESCE", t.at, end, args...))
		}
	case "NULLIF":
		if arity(2, 2, "NULLIF(x, y)") {
			return p.node(newExpr(opNullIf, upper, t.at, end, args...))
		}
	case "IF":
		if arity(3, 3, "IF(condition, then, else)") {
			return p.node(newExpr(opCase, "CASE", t.at, end, args...))
		}
	default:
		e := newExpr(opCall, upper, t.at, end, args...)
		e.nameEnd = t.end
		return p.node(e)
	}
	return &expr{op: opBad, at: t.at, end: end, depth: 1}
}
