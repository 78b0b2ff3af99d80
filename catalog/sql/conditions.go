package sql

import "unicode/utf8"

// test compiles a condition. AND and OR stop at what decides them, from left to right, so that a condition on the left
// guards what the right may refuse.
func (c *compiler) test(e *expr) testFn {
	switch e.op {
	case opAnd:
		return c.every(e, no)
	case opOr:
		return c.every(e, yes)
	case opNot:
		x := c.test(e.args[0])
		return func(f *frame) tri { return x(f).not() }
	case opCompare:
		return c.compareFn(e.name, e.args[0], e.args[1])
	case opDistinct:
		return c.distinct(e)
	case opIn:
		return c.in(e)
	case opBetween:
		return c.between(e)
	case opLike:
		return c.like(e)
	case opIsNull:
		return c.isNull(e)
	case opIsTrue:
		x, want := c.test(e.args[0]), triOf(e.name == "TRUE")
		return func(f *frame) tri {
			t := x(f)
			if t == refused {
				return refused
			}
			return triOf(t == want)
		}
	}
	value, t := c.value(e), c.temp()
	return func(f *frame) tri {
		v := &f.temps[t]
		if !value(f, v) {
			return refused
		}
		if v.Null {
			return unknown
		}
		if v.Kind != Boolean && !f.castBoolean(v, v) {
			return refused
		}
		return triOf(v.I != 0)
	}
}

func (t tri) not() tri {
	switch t {
	case yes:
		return no
	case no:
		return yes
	}
	return t
}

func (c *compiler) every(e *expr, decides tri) testFn {
	tests := make([]testFn, len(e.args))
	for i, a := range e.args {
		tests[i] = c.test(a)
	}
	return func(f *frame) tri {
		result := decides.not()
		for _, test := range tests {
			switch t := test(f); t {
			case decides, refused:
				return t
			case unknown:
				result = unknown
			}
		}
		return result
	}
}

func (c *compiler) compareFn(op string, x, y *expr) testFn {
	equality := op == "=" || op == "<>"
	if equality && !c.plain {
		if x.op == opField && y.isText() {
			return equalsText(c.slot(x), y.value.Text, op == "=")
		}
		if y.op == opField && x.isText() {
			return equalsText(c.slot(y), x.value.Text, op == "=")
		}
	}
	left, right, l, r := c.value(x), c.value(y), c.temp(), c.temp()
	return func(f *frame) tri {
		a, b := &f.temps[l], &f.temps[r]
		if !left(f, a) || !right(f, b) {
			return refused
		}
		if a.Null || b.Null {
			return unknown
		}
		if equality {
			same, ok := f.equal(a, b)
			if !ok {
				return refused
			}
			return triOf(same == (op == "="))
		}
		n, ok := f.compare(a, b)
		if !ok {
			return refused
		}
		return triOf(holds(op, n))
	}
}

func (c *compiler) distinct(e *expr) testFn {
	left, right, l, r := c.value(e.args[0]), c.value(e.args[1]), c.temp(), c.temp()
	return func(f *frame) tri {
		a, b := &f.temps[l], &f.temps[r]
		if !left(f, a) || !right(f, b) {
			return refused
		}
		if a.Null || b.Null {
			return triOf(a.Null != b.Null)
		}
		same, ok := f.equal(a, b)
		if !ok {
			return refused
		}
		return triOf(!same)
	}
}

func (c *compiler) in(e *expr) testFn {
	value, t, u := c.value(e.args[0]), c.temp(), c.temp()
	items := make([]evalFn, len(e.args)-1)
	for i, a := range e.args[1:] {
		items[i] = c.value(a)
	}
	return func(f *frame) tri {
		v, item := &f.temps[t], &f.temps[u]
		if !value(f, v) {
			return refused
		}
		if v.Null {
			return unknown
		}
		result := no
		for _, next := range items {
			if !next(f, item) {
				return refused
			}
			if item.Null {
				result = unknown
				continue
			}
			same, ok := f.equal(v, item)
			if !ok {
				return refused
			}
			if same {
				return yes
			}
		}
		return result
	}
}

// between is x >= low AND x <= high with x computed once.
func (c *compiler) between(e *expr) testFn {
	value, low, high := c.value(e.args[0]), c.value(e.args[1]), c.value(e.args[2])
	t, u := c.temp(), c.temp()
	return func(f *frame) tri {
		v := &f.temps[t]
		if !value(f, v) {
			return refused
		}
		first := f.bound(v, low, u, ">=")
		if first == no || first == refused {
			return first
		}
		second := f.bound(v, high, u, "<=")
		if second == yes {
			return first
		}
		return second
	}
}

func (f *frame) bound(v *Value, limit evalFn, temp int, op string) tri {
	b := &f.temps[temp]
	if !limit(f, b) {
		return refused
	}
	if v.Null || b.Null {
		return unknown
	}
	n, ok := f.compare(v, b)
	if !ok {
		return refused
	}
	return triOf(holds(op, n))
}

func (c *compiler) isNull(e *expr) testFn {
	if a := e.args[0]; a.op == opField {
		slot := c.slot(a)
		return func(f *frame) tri {
			k := f.fields[slot].Kind
			return triOf(k == Missing || k == Null)
		}
	}
	value, t := c.value(e.args[0]), c.temp()
	return func(f *frame) tri {
		v := &f.temps[t]
		if !value(f, v) {
			return refused
		}
		return triOf(v.Null)
	}
}

func (c *compiler) like(e *expr) testFn {
	value, pattern, t, u := c.value(e.args[0]), c.value(e.args[1]), c.temp(), c.temp()
	escape := byte(0)
	if len(e.args) > 2 && len(e.args[2].value.Text) > 0 {
		escape = e.args[2].value.Text[0]
	}
	return func(f *frame) tri {
		v, p := &f.temps[t], &f.temps[u]
		if !value(f, v) || !pattern(f, p) {
			return refused
		}
		if v.Null || p.Null {
			return unknown
		}
		f.text(v)
		f.text(p)
		return triOf(like(v.Text, p.Text, escape))
	}
}

// like matches % (any text) and _ (one character). It goes back only to the last %, so it takes at most
// len(text)·len(pattern) steps.
func like(text, pattern []byte, escape byte) bool {
	star, mark := -1, 0
	t, p := 0, 0
	for t < len(text) {
		if p < len(pattern) {
			c := pattern[p]
			switch {
			case c == escape && escape != 0 && p+1 < len(pattern):
				if text[t] == pattern[p+1] {
					t, p = t+1, p+2
					continue
				}
			case c == '%':
				star, mark = p, t
				p++
				continue
			case c == '_':
				_, n := utf8.DecodeRune(text[t:])
				t, p = t+n, p+1
				continue
			case c == text[t]:
				t, p = t+1, p+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		_, n := utf8.DecodeRune(text[mark:])
		mark += n
		t, p = mark, star+1
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}
