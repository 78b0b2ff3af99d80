package sql

// compiler turns the typed tree into closures. Every intermediate value has its own place in the frame, so that no
// closure needs memory of its own.
type compiler struct {
	temps  int
	fields []int // path → index in the record's fields; nil: the same
	// plain leaves out what straight.go knows better; tests compare with it.
	plain bool
}

// slot is where the record has a field.
func (c *compiler) slot(field *expr) int {
	if c.fields != nil {
		return c.fields[field.slot]
	}
	return field.slot
}

func (c *compiler) temp() int {
	c.temps++
	return c.temps - 1
}

// value compiles an expression to what computes its value.
func (c *compiler) value(e *expr) evalFn {
	switch e.op {
	case opLiteral:
		v := e.value
		if v.Null {
			v = Value{Kind: e.typ.Kind, Null: true}
		}
		return func(_ *frame, out *Value) bool {
			*out = v
			return true
		}
	case opField:
		return c.field(e)
	case opColumn:
		slot := e.slot
		return func(f *frame, out *Value) bool {
			*out = f.row[slot]
			return true
		}
	case opCast:
		return c.cast(e)
	case opTryCast:
		return c.tryCast(e)
	case opAdapt:
		return c.adapt(e)
	case opNegate:
		x := c.value(e.args[0])
		if e.name == "+" {
			return func(f *frame, out *Value) bool {
				return x(f, out) && (out.Null || out.Kind.numeric() || f.mismatch(out, "a number"))
			}
		}
		return func(f *frame, out *Value) bool { return x(f, out) && f.negate(out, out) }
	case opArith:
		return c.arith(e)
	case opConcat:
		return c.concat(e)
	case opCase:
		return c.caseWhen(e)
	case opCoalesce:
		return c.coalesce(e)
	case opNullIf:
		return c.nullIf(e)
	case opCall:
		return c.call(e)
	}
	test := c.test(e)
	return func(f *frame, out *Value) bool {
		*out = Value{Kind: Boolean}
		switch test(f) {
		case yes:
			out.I = 1
		case unknown:
			out.Null = true
		case refused:
			return false
		}
		return true
	}
}

func (c *compiler) field(e *expr) evalFn {
	slot, text := c.slot(e), e.typ.Kind == Varchar
	return func(f *frame, out *Value) bool {
		raw := &f.fields[slot]
		if raw.Kind == String {
			*out = Value{Kind: Varchar, Text: raw.Text}
			return true
		}
		f.read(raw, out)
		if text {
			f.text(out)
		}
		return true
	}
}

func (c *compiler) cast(e *expr) evalFn {
	a, to := e.args[0], e.typ
	exact := a.typ.Kind == Any
	// A DOUBLE is always that of the field's own text: not by way of a BIGINT, which has no −0.
	if a.op == opField && exact && (!c.plain || to.Kind == Double) {
		if fn := c.castField(c.slot(a), to); fn != nil {
			return fn
		}
	}
	x := c.value(a)
	return func(f *frame, out *Value) bool { return x(f, out) && f.cast(out, to, exact, out) }
}

func (c *compiler) tryCast(e *expr) evalFn {
	x, to, exact := c.value(e.args[0]), e.typ, e.args[0].typ.Kind == Any
	return func(f *frame, out *Value) bool {
		if !x(f, out) {
			return false
		}
		if !f.tryCast(out, to, exact) {
			*out = Value{Kind: to.Kind, Null: true}
		}
		return true
	}
}

// tryCast is cast for TRY_CAST.
func (f *frame) tryCast(v *Value, to Type, exact bool) bool {
	f.quiet = true
	ok := f.cast(v, to, exact, v)
	f.quiet = false
	return ok
}

// adapt reads a field's text as the type of the list or the bounds that it meets; text that is none stays text.
func (c *compiler) adapt(e *expr) evalFn {
	x, to, t := c.value(e.args[0]), e.to, c.temp()
	return func(f *frame, out *Value) bool {
		if !x(f, out) {
			return false
		}
		read := &f.temps[t]
		if *read = *out; !out.Null && out.Kind == Varchar && f.tryCast(read, to, true) {
			*out = *read
		}
		return true
	}
}

func (c *compiler) arith(e *expr) evalFn {
	x, y, t := c.value(e.args[0]), c.value(e.args[1]), c.temp()
	op, typ := opCode(e.name), e.typ
	return func(f *frame, out *Value) bool {
		right := &f.temps[t]
		return x(f, out) && y(f, right) && f.arith(op, out, right, typ, out)
	}
}

func (c *compiler) concat(e *expr) evalFn {
	x, y, t := c.value(e.args[0]), c.value(e.args[1]), c.temp()
	return func(f *frame, out *Value) bool {
		right := &f.temps[t]
		if !x(f, out) || !y(f, right) {
			return false
		}
		if out.Null || right.Null {
			*out = Value{Kind: Varchar, Null: true}
			return true
		}
		f.text(out) // before start: it may write to the arena
		start := len(f.arena)
		f.arena = append(f.arena, out.Text...)
		f.arena = right.appendText(f.arena, f.loc)
		return f.made(start, out)
	}
}

func (c *compiler) caseWhen(e *expr) evalFn {
	n := len(e.args) / 2
	tests, results := make([]testFn, n), make([]evalFn, n)
	for i := range tests {
		tests[i], results[i] = c.test(e.args[2*i]), c.value(e.args[2*i+1])
	}
	otherwise, kind := c.value(e.args[2*n]), e.typ.Kind
	return func(f *frame, out *Value) bool {
		chosen := otherwise
		for i, test := range tests {
			switch test(f) {
			case refused:
				return false
			case yes:
				chosen = results[i]
			default:
				continue
			}
			break
		}
		if !chosen(f, out) {
			return false
		}
		if out.Null {
			out.Kind = kind
		}
		return true
	}
}

func (c *compiler) coalesce(e *expr) evalFn {
	args := make([]evalFn, len(e.args))
	for i, a := range e.args {
		args[i] = c.value(a)
	}
	kind := e.typ.Kind
	return func(f *frame, out *Value) bool {
		for _, a := range args {
			if !a(f, out) {
				return false
			}
			if !out.Null {
				return true
			}
		}
		*out = Value{Kind: kind, Null: true}
		return true
	}
}

// nullIf compares casts of its arguments but gives the first as it is; the first is computed twice where it was cast.
func (c *compiler) nullIf(e *expr) evalFn {
	first := e.args[0]
	for first.op == opCast && first.typ != e.typ {
		first = first.args[0]
	}
	value := c.value(first)
	equal := c.compareFn("=", e.args[0], e.args[1])
	kind := e.typ.Kind
	return func(f *frame, out *Value) bool {
		switch equal(f) {
		case refused:
			return false
		case yes:
			*out = Value{Kind: kind, Null: true}
			return true
		}
		return value(f, out)
	}
}

// call computes the arguments into a run of the frame's places.
func (c *compiler) call(e *expr) evalFn {
	general := c.callArgs(e)
	if a := e.args[0]; e.fn == epochMS && a.op == opField && !c.plain {
		return epochOf(c.slot(a), general)
	}
	return general
}

func (c *compiler) callArgs(e *expr) evalFn {
	fn := e.fn
	args, params := make([]evalFn, len(e.args)), make([]param, len(e.args))
	for i, a := range e.args {
		args[i], params[i] = c.value(a), fn.param(i)
	}
	first := c.temps
	c.temps += len(args)
	call, kind := fn.call, e.typ.Kind
	if fn.prepare != nil {
		call = fn.prepare(e)
	}
	return func(f *frame, out *Value) bool {
		values := f.temps[first : first+len(args) : first+len(args)]
		for i, a := range args {
			v := &values[i]
			if !a(f, v) {
				return false
			}
			if v.Null {
				if fn.nullable {
					continue
				}
				*out = Value{Kind: kind, Null: true}
				return true
			}
			if !f.argument(v, params[i]) {
				return false
			}
		}
		return call(f, values, out)
	}
}

// argument gives an untyped value the kind that a function needs.
func (f *frame) argument(v *Value, p param) bool {
	switch p {
	case paramText:
		f.text(v)
	case paramNumber:
		return v.Kind.numeric() || f.mismatch(v, "a number; write CAST(… AS DOUBLE)")
	case paramInt:
		return v.Kind == BigInt || f.castBigInt(v, v)
	case paramTime:
		return v.Kind.temporal() || f.readMoment(v, v)
	case paramMillis:
		return v.Kind.temporal() || v.Kind == BigInt || f.castBigInt(v, v)
	}
	return true
}
