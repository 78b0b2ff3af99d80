package duckdb

import (
	"fmt"
	"math/rand"
	"strings"
)

// generator writes random expressions of a wanted type over the fields of a record. Types are DuckDB's, so that most of
// what it writes binds there; what does not is skipped and counted.
type generator struct {
	*rand.Rand
	csv bool
	// careless leaves out casts now and then, to see that what DuckDB does not bind is not bound here either.
	careless bool
}

// fields by their type in the JSON table. In the CSV table all are VARCHAR and are cast where they are used.
var (
	integerFields = []string{"i", "j", `"nest"."k"`}
	doubleFields  = []string{"f", "g"}
	textFields    = []string{"s", "r", `"it's"`}
	numberTexts   = []string{"n", "m"}
	dateTexts     = []string{"d"}
	timeTexts     = []string{"t"}
	zonedTexts    = []string{"t", "u"}
	boolFields    = []string{"b"}
)

func (g *generator) pick(list ...string) string { return list[g.Intn(len(list))] }

func (g *generator) choose(choices ...func() string) string { return choices[g.Intn(len(choices))]() }

// field of the type, cast where the table has text.
func (g *generator) field(list []string, typ string) string {
	name := g.pick(list...)
	if g.csv {
		return g.cast(name, typ)
	}
	return name
}

func (g *generator) cast(x, typ string) string {
	if g.careless && g.Intn(3) == 0 {
		return x
	}
	switch g.Intn(4) {
	case 0:
		return "(" + x + ")::" + typ
	case 1:
		return "TRY_CAST(" + x + " AS " + typ + ")"
	}
	return "CAST(" + x + " AS " + typ + ")"
}

func (g *generator) integer(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.field(integerFields, "BIGINT") },
			func() string { return g.field(integerFields, "BIGINT") },
			func() string { return fmt.Sprint(g.Intn(7)) },
			func() string { return fmt.Sprint(g.Intn(2000) - 1000) },
			func() string { return fmt.Sprintf("CAST(%d AS BIGINT)", g.Int63n(1<<40)) },
		)
	}
	return g.choose(
		func() string { return g.integer(0) },
		func() string {
			return "(" + g.integer(depth-1) + " " + g.pick("+", "-", "*", "//", "%") + " " + g.integer(depth-1) + ")"
		},
		func() string { return g.cast(g.pick(numberTexts...), "BIGINT") },
		func() string { return g.cast(g.number(depth-1), "BIGINT") },
		func() string { return "-(" + g.integer(depth-1) + ")" },
		func() string { return "ABS(" + g.integer(depth-1) + ")" },
		func() string { return "LENGTH(" + g.text(depth-1) + ")" },
		func() string { return g.alternatives(depth, g.integer) },
		func() string {
			return "EXTRACT(" + g.pick("year", "month", "day", "hour", "minute", "second", "dow", "isodow", "week", "quarter", "doy", "isoyear", "millisecond", "microsecond", "decade", "century") + " FROM " + g.time(depth-1) + ")"
		},
		func() string { return "EPOCH_MS(" + g.time(depth-1) + ")" },
		// near the ends of BIGINT ROUND wraps in DuckDB
		func() string {
			return "ROUND(" + g.integer(depth-1) + " % 1000000" + g.pick("", ", 1", ", -1", ", -2") + ")"
		},
	)
}

func (g *generator) double(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.field(doubleFields, "DOUBLE") },
			func() string { return g.field(doubleFields, "DOUBLE") },
			func() string { return g.pick("1e0", "2.5e0", "1e-3", "1.5e10", "-3.25e0") },
		)
	}
	return g.choose(
		func() string { return g.double(0) },
		func() string { return "(" + g.number(depth-1) + " / " + g.number(depth-1) + ")" },
		func() string {
			return "(" + g.double(depth-1) + " " + g.pick("+", "-", "*", "%", "//") + " " + g.number(depth-1) + ")"
		},
		func() string { return g.cast(g.pick(numberTexts...), "DOUBLE") },
		func() string { return "CAST(" + g.number(depth-1) + " AS DOUBLE)" },
		func() string { return "ROUND(" + g.double(depth-1) + g.pick("", ", 1", ", 2", ", -1") + ")" },
		func() string { return g.pick("FLOOR", "CEIL", "ABS") + "(" + g.double(depth-1) + ")" },
		func() string { return g.alternatives(depth, g.double) },
		func() string { return "EXTRACT(epoch FROM " + g.time(depth-1) + ")" },
	)
}

// decimalType of any digits for doubles. Text and decimals get many: DuckDB 1.4 refuses '4.9e-3' as DECIMAL(3,3), and a
// decimal of at least half of what the narrower one holds, though both fit; here they do. Nor does a text here have a
// negative exponent that rounds: DuckDB makes 1 of '5e-3' as DECIMAL(9,0).
func (g *generator) decimalType() string {
	p := 3 + g.Intn(36)
	return fmt.Sprintf("DECIMAL(%d,%d)", p, g.Intn(min(p-2, 12)))
}

func (g *generator) wideDecimalType() string {
	return fmt.Sprintf("DECIMAL(%d,%d)", 28+g.Intn(11), g.Intn(12))
}

func (g *generator) decimal(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.pick("0.5", "1.25", "-2.50", "0.5", "12345.678", "0.0", "99.995", "0.001") },
			func() string { return g.cast(g.pick(numberTexts...), g.wideDecimalType()) },
			func() string { return g.cast(g.field(integerFields, "BIGINT"), "DECIMAL(20,4)") },
		)
	}
	return g.choose(
		func() string { return g.decimal(0) },
		func() string {
			return "(" + g.decimal(depth-1) + " " + g.pick("+", "-", "*", "%") + " " + g.decimal(depth-1) + ")"
		},
		func() string {
			return "(" + g.decimal(depth-1) + " " + g.pick("+", "-", "*", "%") + " " + g.integer(depth-1) + ")"
		},
		func() string { return g.cast(g.decimal(depth-1), g.wideDecimalType()) },
		// the text of an untyped field is rounded by itself, so a double is made one first
		func() string { return g.cast("CAST("+g.double(depth-1)+" AS DOUBLE)", g.decimalType()) },
		func() string { return "ROUND(" + g.decimal(depth-1) + g.pick("", ", 1", ", 2", ", 9") + ")" },
		func() string { return g.pick("FLOOR", "CEIL", "ABS", "-") + "(" + g.decimal(depth-1) + ")" },
		func() string { return g.alternatives(depth, g.decimal) },
	)
}

func (g *generator) number(depth int) string {
	return g.choose(
		func() string { return g.integer(depth) },
		func() string { return g.double(depth) },
		func() string { return g.decimal(depth) },
	)
}

func (g *generator) text(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.pick(textFields...) },
			func() string { return g.pick(textFields...) },
			func() string { return g.pick("'a'", "''", "'it''s'", "'héllo'", "'%'", "'a_b'", "'ß'") },
		)
	}
	return g.choose(
		func() string { return g.text(0) },
		func() string {
			return g.pick("LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM", "SHA256") + "(" + g.text(depth-1) + ")"
		},
		func() string { return "(" + g.text(depth-1) + " || " + g.shown(depth-1) + ")" },
		func() string {
			// with a length and a start before the text, or a negative length, DuckDB's answer depends on whether it knows the column as ASCII
			if g.Intn(2) == 0 {
				return fmt.Sprintf("SUBSTR(%s, %d)", g.text(depth-1), g.Intn(9)-4)
			}
			return fmt.Sprintf("SUBSTR(%s, %d, %d)", g.text(depth-1), g.Intn(5), g.Intn(5))
		},
		func() string {
			return fmt.Sprintf("SUBSTRING(%s FROM %d FOR %d)", g.text(depth-1), g.Intn(4), g.Intn(4))
		},
		func() string { return "TRIM(" + g.text(depth-1) + ", 'ab ')" },
		func() string { return "REPLACE(" + g.text(depth-1) + ", " + g.text(0) + ", " + g.text(0) + ")" },
		func() string {
			return fmt.Sprintf("SPLIT_PART(%s, %s, %d)", g.text(depth-1), g.pick("' '", "'-'", "'a'", "''"), g.Intn(6)-2)
		},
		func() string { return "CONCAT(" + g.shown(depth-1) + ", " + g.shown(depth-1) + ")" },
		func() string { return "CAST(" + g.shown(depth-1) + " AS VARCHAR)" },
		func() string { return g.alternatives(depth, g.text) },
		func() string {
			return "STRFTIME(" + g.time(depth-1) + ", " + g.pick("'%Y-%m-%d'", "'%H:%M:%S.%f'", "'%j %a %A %b %B'", "'%I %p %y %g %%'") + ")"
		},
	)
}

func (g *generator) time(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.cast(g.pick(dateTexts...), "DATE") },
			func() string { return g.cast(g.pick(timeTexts...), "TIMESTAMP") },
			func() string { return g.cast(g.pick(zonedTexts...), "TIMESTAMPTZ") },
			func() string {
				return g.pick("DATE '2024-02-29'", "TIMESTAMP '2024-12-31 23:59:59.5'", "TIMESTAMPTZ '2020-01-01 00:00:00+02'", "DATE '1969-12-31'")
			},
		)
	}
	return g.choose(
		func() string { return g.time(0) },
		func() string { return "TO_TIMESTAMP(" + g.number(depth-1) + ")" },
		func() string { return "EPOCH_MS(CAST(" + g.integer(depth-1) + " AS BIGINT))" },
		func() string {
			return "DATE_TRUNC('" + g.pick("year", "quarter", "month", "week", "day", "hour", "minute", "second", "decade", "century", "millisecond") + "', " + g.time(depth-1) + ")"
		},
		func() string { return g.cast(g.time(depth-1), g.pick("DATE", "TIMESTAMP", "TIMESTAMPTZ")) },
		func() string { return g.alternatives(depth, g.time) },
		func() string { return "(CAST(" + g.time(depth-1) + " AS DATE) + " + fmt.Sprint(g.Intn(100)-50) + ")" },
	)
}

func (g *generator) boolean(depth int) string {
	if depth <= 0 {
		return g.choose(
			func() string { return g.field(boolFields, "BOOLEAN") },
			func() string { return g.pick("TRUE", "FALSE", "NULL::BOOLEAN") },
		)
	}
	comparison := func() string { return g.pick("=", "<>", "!=", "<", "<=", ">", ">=") }
	return g.choose(
		func() string { return g.boolean(0) },
		func() string { return "(" + g.boolean(depth-1) + " AND " + g.boolean(depth-1) + ")" },
		func() string { return "(" + g.boolean(depth-1) + " OR " + g.boolean(depth-1) + ")" },
		func() string { return "(NOT " + g.boolean(depth-1) + ")" },
		func() string { return "(" + g.number(depth-1) + " " + comparison() + " " + g.number(depth-1) + ")" },
		func() string { return "(" + g.number(depth-1) + " " + comparison() + " " + g.number(depth-1) + ")" },
		func() string { return "(" + g.text(depth-1) + " " + comparison() + " " + g.text(depth-1) + ")" },
		func() string { return "(" + g.time(depth-1) + " " + comparison() + " " + g.time(depth-1) + ")" },
		func() string {
			return "(" + g.pick(numberTexts...) + " " + comparison() + " " + g.number(depth-1) + ")"
		},
		func() string { return "(" + g.pick(timeTexts...) + " " + comparison() + " " + g.time(depth-1) + ")" },
		func() string {
			return "(" + g.text(depth-1) + g.pick(" LIKE ", " NOT LIKE ") + g.pick("'a%'", "'%b'", "'_'", "'%é%'", "'%_a%'", "''", "'%'", g.text(0)) + ")"
		},
		func() string {
			return "(" + g.number(depth-1) + g.pick(" IN ", " NOT IN ") + "(" + g.number(depth-1) + ", " + g.number(depth-1) + g.pick("", ", NULL") + "))"
		},
		func() string {
			return "(" + g.text(depth-1) + g.pick(" IN ", " NOT IN ") + "('a', " + g.text(depth-1) + g.pick("", ", NULL") + "))"
		},
		func() string {
			return "(" + g.number(depth-1) + g.pick(" BETWEEN ", " NOT BETWEEN ") + g.number(depth-1) + " AND " + g.number(depth-1) + ")"
		},
		func() string { return "(" + g.any(depth-1) + g.pick(" IS NULL", " IS NOT NULL") + ")" },
		func() string { return "(" + g.boolean(depth-1) + g.pick(" IS TRUE", " IS NOT FALSE") + ")" },
		func() string {
			return "(" + g.number(depth-1) + g.pick(" IS DISTINCT FROM ", " IS NOT DISTINCT FROM ") + g.number(depth-1) + ")"
		},
		func() string {
			return g.pick("STARTS_WITH", "CONTAINS") + "(" + g.text(depth-1) + ", " + g.text(0) + ")"
		},
		func() string { return g.cast(g.pick("s", "n", g.number(depth-1)), "BOOLEAN") },
		func() string { return g.alternatives(depth, g.boolean) },
	)
}

func (g *generator) any(depth int) string {
	return g.choose(
		func() string { return g.number(depth) },
		func() string { return g.text(depth) },
		func() string { return g.boolean(depth) },
		func() string { return g.time(depth) },
	)
}

// shown is an expression whose text is the same on every machine: no double that was computed, which may be a NaN of
// either sign.
func (g *generator) shown(depth int) string {
	return g.choose(
		func() string { return g.integer(depth) },
		func() string { return g.double(0) },
		func() string { return g.decimal(depth) },
		func() string { return g.text(depth) },
		func() string { return g.boolean(depth) },
		func() string { return g.time(depth) },
	)
}

func (g *generator) alternatives(depth int, of func(int) string) string {
	d := depth - 1
	return g.choose(
		func() string { return "CASE WHEN " + g.boolean(d) + " THEN " + of(d) + " ELSE " + of(d) + " END" },
		func() string { return "CASE WHEN " + g.boolean(d) + " THEN " + of(d) + " END" },
		func() string {
			return "CASE " + g.integer(d) + " WHEN " + g.integer(d) + " THEN " + of(d) + " ELSE " + of(d) + " END"
		},
		func() string { return "COALESCE(" + of(d) + ", " + of(d) + ")" },
		func() string { return "NULLIF(" + of(d) + ", " + of(d) + ")" },
		func() string { return "IF(" + g.boolean(d) + ", " + of(d) + ", " + of(d) + ")" },
	)
}

// value is a field of a record: its text in the source and whether JSON quotes it. Empty and not quoted is NULL.
type value struct {
	text   string
	quoted bool
}

var texts = []string{"", "a", "A", "b", "ab", "abc", "a b", " a ", "héllo", "ÀÉÎ", "straße", "it's", "a_b", "100%", "-", "a-b-c", "日本語", "  ", "true", "0", "12", "\t", "e\u0301"}

var numbers = []string{"0", "1", "-1", "2", "7", "0.5", "-0.5", "1.5", "2.5", "-2.5", "3.5", "1e3", "1E-7", "1.005", "2.675", "99.995", "0.125",
	"12345678901234", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "123456789.123456789",
	"1e20", "1e400", "abc", "", " 42 ", "+5", ".5", "5.", "-", "1e", "0.000001", "1234567.8901", "nan", "inf", "-Infinity"}

var dates = []string{"2024-02-29", "1970-01-01", "2009-12-01", "2024-12-30", "1999-1-2", "2024-02-30", "", "x", "2021/05/06", "1900-03-01", "2024-13-01", " 2024-05-05 "}

var times = []string{"2024-01-02 03:04:05", "2024-01-02T03:04:05", "2024-01-02T03:04:05.678901", "2009-12-01 07:45:00", "2024-02-29 23:59:59.999999",
	"1969-12-31 23:59:59.5", "2024-01-02 24:00:00", "2024-01-02 23:59:60", "", "nope", "2024-06-07", "2024-06-07 08:09", "2024-06-07 8:9:1", "2024-01-02  03:04:05"}

var zoned = []string{"2024-01-02 03:04:05Z", "2024-01-02T03:04:05+02:00", "2024-01-02 03:04:05.5-0530", "2024-01-02 03:04:05+02", "2024-01-02 03:04:05 UTC"}

func (g *generator) record() map[string]value {
	r := make(map[string]value)
	null := func() bool { return g.Intn(8) == 0 && !g.csv }
	put := func(name string, list []string, quoted bool) {
		if !null() {
			r[name] = value{g.pick(list...), quoted}
		}
	}
	integers := []string{"0", "1", "-1", "2", "3", "7", "10", "100", "-45", "1700000000", "1700000000123", "4611686018427387904"}
	doubles := []string{"0.0", "1.0", "-1.5", "2.5", "0.1", "0.125", "1.005", "2.675", "1e3", "1.5e-7", "1234567.891", "1e17", "-0.0", "1700000000.25", "9.5e18"}
	for _, name := range integerFields {
		put(strings.Trim(strings.ReplaceAll(name, `"."`, "."), `"`), integers, false)
	}
	for _, name := range doubleFields {
		put(name, doubles, false)
	}
	for _, name := range textFields {
		put(strings.Trim(name, `"`), texts, true)
	}
	for _, name := range numberTexts {
		put(name, numbers, true)
	}
	put("d", dates, true)
	put("t", times, true)
	put("u", append(append([]string{}, times...), zoned...), true)
	put("b", []string{"true", "false"}, false)
	return r
}
