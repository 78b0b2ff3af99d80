package sql

import (
	"sort"
)

// param says what an argument of a function takes.
type param uint8

const (
	paramAny     param = iota
	paramText          // VARCHAR, or a field read as text
	paramNumber        // any number
	paramInt           // BIGINT
	paramSeconds       // any number, cast to DOUBLE
	paramTime          // DATE, TIMESTAMP, TIMESTAMPTZ, or a field's text read as a time
	paramMillis        // BIGINT or a time
	paramPart          // a literal part of a time
	paramFormat        // a literal format of STRFTIME
)

// takes says whether a typed argument fits, and otherwise what would. String literals take the type that is asked for
// where DuckDB lets them, which is only for seconds.
func (p param) takes(a *expr) (want string, ok bool) {
	k := a.typ.Kind
	if a.isNull() || k == Any && p < paramPart {
		return "", true
	}
	switch p {
	case paramText:
		return Varchar.String(), k == Varchar
	case paramNumber:
		return "a number", k.numeric()
	case paramInt:
		return BigInt.String(), k == BigInt
	case paramSeconds:
		return "a number of seconds", k.numeric() || a.isText()
	case paramTime:
		return "a time", k.temporal()
	case paramMillis:
		return "a BIGINT of milliseconds", k == BigInt || k.temporal()
	case paramPart, paramFormat:
		return "a string", a.isText()
	}
	return "", true
}

// castTo is the type that a message proposes.
func (p param) castTo() string {
	switch p {
	case paramText:
		return "VARCHAR"
	case paramNumber, paramSeconds:
		return "DOUBLE"
	case paramInt, paramMillis:
		return "BIGINT"
	case paramTime:
		return "TIMESTAMP"
	}
	return ""
}

// function of the dialect. Without nullable a NULL argument gives NULL and call sees none.
type function struct {
	form     string // how it is written, for messages
	params   []param
	least    int
	variadic bool
	result   Kind
	nullable bool
	// fallible: may refuse a record whose arguments have the declared types.
	fallible bool
	// check refines the type of the call, or names what is wrong with its arguments.
	check func(e *expr) (problem, hint string)
	// call computes; args are the frame's, and may be changed.
	call func(f *frame, args []Value, out *Value) bool
	// prepare makes call from literals, once when the query is compiled.
	prepare func(e *expr) func(f *frame, args []Value, out *Value) bool
}

func (fn *function) most() int {
	if fn.variadic {
		return 1000
	}
	return len(fn.params)
}

func (fn *function) param(i int) param { return fn.params[min(i, len(fn.params)-1)] }

var functions = map[string]*function{
	"LOWER":       {form: "LOWER(text)", params: []param{paramText}, least: 1, result: Varchar, call: callLower},
	"UPPER":       {form: "UPPER(text)", params: []param{paramText}, least: 1, result: Varchar, call: callUpper},
	"LENGTH":      {form: "LENGTH(text)", params: []param{paramText}, least: 1, result: BigInt, call: callLength},
	"TRIM":        {form: "TRIM(text)", params: []param{paramText, paramText}, least: 1, result: Varchar, call: callTrim},
	"LTRIM":       {form: "LTRIM(text)", params: []param{paramText, paramText}, least: 1, result: Varchar, call: callTrimLeft},
	"RTRIM":       {form: "RTRIM(text)", params: []param{paramText, paramText}, least: 1, result: Varchar, call: callTrimRight},
	"SUBSTR":      {form: "SUBSTR(text, start, length)", params: []param{paramText, paramInt, paramInt}, least: 2, result: Varchar, call: callSubstr},
	"REPLACE":     {form: "REPLACE(text, old, new)", params: []param{paramText, paramText, paramText}, least: 3, result: Varchar, call: callReplace},
	"STARTS_WITH": {form: "STARTS_WITH(text, prefix)", params: []param{paramText, paramText}, least: 2, result: Boolean, call: callStartsWith},
	"CONTAINS":    {form: "CONTAINS(text, part)", params: []param{paramText, paramText}, least: 2, result: Boolean, call: callContains},
	"SPLIT_PART":  {form: "SPLIT_PART(text, separator, n)", params: []param{paramText, paramText, paramInt}, least: 3, result: Varchar, call: callSplitPart},
	"SHA256":      {form: "SHA256(text)", params: []param{paramText}, least: 1, result: Varchar, call: callSHA256},
	"CONCAT":      {form: "CONCAT(x, y, …)", params: []param{paramAny}, least: 1, variadic: true, result: Varchar, nullable: true, call: callConcat},
	"ABS":         {form: "ABS(number)", params: []param{paramNumber}, least: 1, fallible: true, check: sameAsFirst, call: callAbs},
	"ROUND":       {form: "ROUND(number, digits)", params: []param{paramNumber, paramInt}, least: 1, fallible: true, check: checkRound, call: callRound},
	"FLOOR":       {form: "FLOOR(number)", params: []param{paramNumber}, least: 1, fallible: true, check: wholeOfFirst, call: callFloor},
	"CEIL":        {form: "CEIL(number)", params: []param{paramNumber}, least: 1, fallible: true, check: wholeOfFirst, call: callCeil},
	"DATE_PART":   {form: "EXTRACT(part FROM time)", params: []param{paramPart, paramTime}, least: 2, result: BigInt, fallible: true, check: checkPart, prepare: preparePart},
	"DATE_TRUNC":  {form: "DATE_TRUNC('day', time)", params: []param{paramPart, paramTime}, least: 2, fallible: true, check: checkTrunc, prepare: prepareTrunc},
	"TO_TIMESTAMP": {form: "TO_TIMESTAMP(seconds)", params: []param{paramSeconds}, least: 1, result: TimestampTZ, fallible: true,
		call: callToTimestamp},
	"EPOCH_MS": {form: "EPOCH_MS(milliseconds)", params: []param{paramMillis}, least: 1, result: Timestamp, fallible: true,
		check: checkEpochMS, call: callEpochMS},
	"STRFTIME": {form: "STRFTIME(time, '%Y-%m-%d')", params: []param{paramTime, paramFormat}, least: 2, result: Varchar, fallible: true,
		check: checkFormat, prepare: prepareFormat},
}

// synonyms are DuckDB's other names of the same functions.
var synonyms = map[string]string{"LCASE": "LOWER", "UCASE": "UPPER", "LEN": "LENGTH", "CHAR_LENGTH": "LENGTH",
	"SUBSTRING": "SUBSTR", "CEILING": "CEIL", "DATEPART": "DATE_PART", "DATETRUNC": "DATE_TRUNC", "PREFIX": "STARTS_WITH"}

var functionNames = func() []string {
	names := []string{"COALESCE", "NULLIF", "IF", "CASE", "CAST", "TRY_CAST", "EXTRACT", "IFNULL", "SUBSTRING"}
	for name := range functions {
		if name != "DATE_PART" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}()

func sameAsFirst(e *expr) (string, string) {
	e.typ = e.args[0].typ
	e.typ.Precision = precisionKept(e.typ)
	return "", ""
}

// precisionKept forgets the ten digits of an INTEGER literal, which only arithmetic asks for.
func precisionKept(t Type) int {
	if t.Kind == Decimal {
		return t.Precision
	}
	return 0
}

func wholeOfFirst(e *expr) (string, string) {
	e.typ = Type{Kind: e.args[0].typ.Kind, Precision: precisionKept(e.args[0].typ)}
	return "", ""
}

func checkRound(e *expr) (string, string) {
	sameAsFirst(e)
	if e.typ.Kind != Decimal {
		return "", ""
	}
	digits := int64(0)
	if len(e.args) > 1 {
		d := e.args[1]
		if d.op != opLiteral || d.value.Null {
			return "the digits of ROUND over a DECIMAL must be a number in the text", "write ROUND(x, 2)"
		}
		digits = d.value.I
	}
	e.typ.Scale = int(max(0, min(digits, int64(e.typ.Scale))))
	return "", ""
}

func checkPart(e *expr) (string, string) {
	name := string(e.args[0].value.Text)
	p, ok := partNamed(name)
	if !ok {
		return "unknown part " + quote(name) + " of a time", partHint(name)
	}
	if p == partEpoch {
		e.typ = Type{Kind: Double}
	}
	return "", ""
}

func partHint(name string) string {
	if hint := nearest(name, partNames); hint != "" {
		return hint
	}
	return partList
}

// checkTrunc types DATE_TRUNC as DuckDB: a DATE from days up, unless the time has a zone.
func checkTrunc(e *expr) (string, string) {
	name := string(e.args[0].value.Text)
	p, ok := partNamed(name)
	if !ok || !p.truncates() {
		return "DATE_TRUNC can't cut to " + quote(name), "parts: year, quarter, month, week, day, hour, minute, second, millisecond"
	}
	switch k := e.args[1].typ.Kind; {
	case e.args[1].isNull(), k == Any:
		e.typ = Type{}
	case k == TimestampTZ:
		e.typ = Type{Kind: TimestampTZ}
	case p.daily():
		e.typ = Type{Kind: Date}
	default:
		e.typ = Type{Kind: Timestamp}
	}
	return "", ""
}

func checkEpochMS(e *expr) (string, string) {
	if e.args[0].typ.Kind.temporal() {
		e.typ = Type{Kind: BigInt}
	}
	return "", ""
}

func checkFormat(e *expr) (string, string) {
	for text := e.args[1].value.Text; len(text) > 0; text = text[1:] {
		if text[0] != '%' {
			continue
		}
		if text = text[1:]; len(text) == 0 || formats[text[0]] == nil {
			return "STRFTIME does not know the format " + quote(string(e.args[1].value.Text)), "specifiers: %Y %y %m %d %H %I %M %S %f %g %j %p %a %A %b %B %%"
		}
	}
	return "", ""
}
