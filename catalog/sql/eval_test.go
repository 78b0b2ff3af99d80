package sql

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// rawOf reads a field as a test writes it: JSON's own spelling.
func rawOf(text string) Raw {
	switch {
	case text == "null":
		return Raw{Kind: Null, Text: []byte(text)}
	case text == "true":
		return Raw{Kind: True, Text: []byte(text)}
	case text == "false":
		return Raw{Kind: False, Text: []byte(text)}
	case strings.HasPrefix(text, `"`):
		return Raw{Kind: String, Text: []byte(strings.Trim(text, `"`))}
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return Raw{Kind: Nested, Text: []byte(text)}
	}
	return Raw{Kind: Number, Text: []byte(text)}
}

func fieldsOf(q *Query, record map[string]string) []Raw {
	fields := make([]Raw, len(q.Paths))
	for i, p := range q.Paths {
		if text, ok := record[strings.Join(p, ".")]; ok {
			fields[i] = rawOf(text)
		}
	}
	return fields
}

func mustParse(t testing.TB, text string) *Query {
	t.Helper()
	q, errs := Parse(text)
	for _, e := range errs {
		t.Error(e)
	}
	if errs != nil {
		t.Fatalf("does not parse: %s", text)
	}
	return q
}

// show writes a value as a test expects it.
func show(v *Value, err error) string {
	if err != nil {
		return err.(*ErrorReject).Reason
	}
	if v.Null {
		return "NULL"
	}
	return v.Kind.String() + " " + string(v.AppendText(nil))
}

// TestEval states the readings that the differential suite (bench/duckdb) can't: untyped fields, source zones, exact
// decimal text, and where this dialect is stricter than DuckDB.
func TestEval(t *testing.T) {
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Skip("no time zone database: ", err)
	}
	record := map[string]string{
		"i": "42", "id": "18446744073709551615", "min": "-9223372036854775808", "big": "9223372036854775808", "f": "24.06", "e": "1e3", "tiny": "1E-7", "huge": "1e400", "half": "1.005",
		"s": `"abc"`, "num": `"12.5"`, "empty": `""`, "yes": "true", "nil": "null", "obj": `{"a": 1}`, "order.total": "12.345",
		"ts": "1767225600123", "at": `"2026-01-01 09:00:00"`, "z": `"2026-01-01T00:00:00.5+09:00"`, "long": "1234567890.12345678901234567890",
	}
	tests := []struct{ expr, want string }{
		// what a field is
		{"i", "BIGINT 42"}, {"f", "DOUBLE 24.06"}, {"e", "DOUBLE 1000.0"}, {"big", "DECIMAL 9223372036854775808"},
		{"s", "VARCHAR abc"}, {"yes", "BOOLEAN true"}, {"nil", "NULL"}, {"absent", "NULL"}, {"absent.deeper", "NULL"}, {"obj", `VARCHAR {"a": 1}`},
		{`"order".total`, "DOUBLE 12.345"}, {"t.i", "BIGINT 42"}, {"empty", "VARCHAR "}, {"huge", "number_range"}, {"min", "BIGINT -9223372036854775808"},
		{"obj->>'a'", "NULL"}, {"\"order\"->>'total'", "VARCHAR 12.345"}, {"\"order\"['total']", "DOUBLE 12.345"},
		// exact decimal text
		{"CAST(half AS DECIMAL(10,2))", "DECIMAL 1.01"}, {"TRY_CAST(half AS DECIMAL(10,2))", "DECIMAL 1.01"}, {"CAST(tiny AS DECIMAL(18,7))", "DECIMAL 0.0000001"}, {"CAST(e AS DECIMAL(9,1))", "DECIMAL 1000.0"},
		{"CAST(long AS DECIMAL(38,18))", "DECIMAL 1234567890.123456789012345679"}, {"CAST(big AS DECIMAL(19,0))", "DECIMAL 9223372036854775808"},
		{"CAST(big AS BIGINT)", "number_range"}, {"CAST(huge AS DECIMAL(38,0))", "number_range"}, {"CAST(f AS DECIMAL(3,2))", "number_range"},
		{"i + 1", "BIGINT 43"}, {"i + 0.5", "DECIMAL 42.5"}, {"f + 1", "DOUBLE 25.06"}, {"i / 5", "DOUBLE 8.4"}, {"i // 5", "BIGINT 8"}, {"i % 5", "BIGINT 2"},
		{"i / 0", "not_a_number"}, {"i // 0", "NULL"}, {"0 / (i - 42)", "not_a_number"}, {"big + 1", "DECIMAL 9223372036854775809"}, {"id", "DECIMAL 18446744073709551615"}, {"id = 18446744073709551615.0", "BOOLEAN true"}, {"CAST(id AS DOUBLE)", "DOUBLE 1.8446744073709552e+19"}, {"-id", "DECIMAL -18446744073709551615"},
		{"9223372036854775807 + i", "number_range"}, {"- i", "BIGINT -42"}, {"+ s", "type_mismatch"}, {"s + 1", "type_mismatch"}, {"num + 1", "type_mismatch"},
		// comparisons of untyped fields
		{"i = '42'", "BOOLEAN true"}, {"i = 'x'", "BOOLEAN false"}, {"s = 1", "BOOLEAN false"}, {"s <> 1", "BOOLEAN true"}, {"i <> ''", "BOOLEAN true"}, {"s > 1", "type_mismatch"}, {"i < 'x'", "type_mismatch"}, {"yes = 'abc'", "BOOLEAN false"},
		{"s IN (1, 2)", "BOOLEAN false"}, {"s IS DISTINCT FROM 1", "BOOLEAN true"}, {"s BETWEEN 1 AND 2", "type_mismatch"}, {"CASE s WHEN 1 THEN 'x' ELSE 'y' END", "VARCHAR y"}, {"i = TIMESTAMP '2026-01-01 00:00:00'", "type_mismatch"}, {"s = TIMESTAMP '2026-01-01 00:00:00'", "type_mismatch"},
		{"num > 9", "BOOLEAN true"}, {"num = 12.5", "BOOLEAN true"},
		{"num = f", "BOOLEAN false"}, {"i < f", "BOOLEAN false"}, {"i = 42.0", "BOOLEAN true"}, {"yes", "BOOLEAN true"}, {"yes = true", "BOOLEAN true"},
		{"s IN ('x', 'abc')", "BOOLEAN true"}, {"num IN (12, 13)", "BOOLEAN true"}, {"num IN (12.5, 13)", "BOOLEAN true"}, {"nil IN (1)", "NULL"}, {"i NOT IN (1, NULL)", "NULL"},
		{"i BETWEEN 42 AND 43", "BOOLEAN true"}, {"i NOT BETWEEN 1 AND nil", "NULL"}, {"i BETWEEN 50 AND nil", "BOOLEAN false"},
		{"s LIKE 'a%c'", "BOOLEAN true"}, {"i LIKE '4_'", "BOOLEAN true"}, {"s LIKE 'a!%' ESCAPE '!'", "BOOLEAN false"}, {"nil IS NULL", "BOOLEAN true"}, {"absent ISNULL", "BOOLEAN true"},
		{"i = 1 OR nil", "NULL"}, {"i = 42 OR s > 1", "BOOLEAN true"}, {"i = 1 AND s > 1", "BOOLEAN false"}, {"s > 1 OR i = 42", "type_mismatch"}, {"s > 1 AND i = 1", "type_mismatch"}, {"NOT nil", "NULL"}, {"nil IS DISTINCT FROM i", "BOOLEAN true"},
		// times
		{"TO_TIMESTAMP(ts / 1000)", "TIMESTAMPTZ 2026-01-01 00:00:00.123+00"}, {"TO_TIMESTAMP('1767225600.5')", "TIMESTAMPTZ 2026-01-01 00:00:00.5+00"},
		{"EPOCH_MS(ts)", "TIMESTAMP 2026-01-01 00:00:00.123"}, {"CAST(EPOCH_MS(ts) AS TIMESTAMPTZ)", "TIMESTAMPTZ 2026-01-01 00:00:00.123+00"},
		{"CAST(at AS TIMESTAMP)", "TIMESTAMP 2026-01-01 09:00:00"}, {"CAST(at AS TIMESTAMPTZ)", "TIMESTAMPTZ 2026-01-01 00:00:00+00"},
		{"CAST(z AS TIMESTAMPTZ)", "TIMESTAMPTZ 2025-12-31 15:00:00.5+00"}, {"CAST(z AS TIMESTAMP)", "type_mismatch"}, {"TRY_CAST(z AS TIMESTAMP)", "NULL"},
		{"CAST(ts AS TIMESTAMP)", "type_mismatch"}, {"TIMESTAMPTZ '2026-01-01 09:00:00' = CAST(at AS TIMESTAMPTZ)", "BOOLEAN true"},
		{"EXTRACT(hour FROM TO_TIMESTAMP(ts / 1000))", "BIGINT 9"}, {"EXTRACT(hour FROM at)", "BIGINT 9"}, {"EXTRACT(epoch FROM z)", "DOUBLE 1767193200.5"},
		{"DATE_TRUNC('day', TO_TIMESTAMP(ts / 1000))", "TIMESTAMPTZ 2025-12-31 15:00:00+00"}, {"CAST(TO_TIMESTAMP(ts / 1000) AS VARCHAR)", "VARCHAR 2026-01-01 09:00:00.123+09"},
		{"STRFTIME(z, '%Y-%m-%d %H')", "VARCHAR 2026-01-01 00"}, {"DATE '2026-01-01' + 1", "DATE 2026-01-02"}, {"at < TIMESTAMP '2026-01-01 09:00:01'", "BOOLEAN true"}, {"EXTRACT(year FROM i)", "type_mismatch"},
		// functions over untyped fields
		{"LOWER(s || i)", "VARCHAR abc42"}, {"i || s", "VARCHAR 42abc"}, {"LENGTH(i)", "BIGINT 2"}, {"ROUND(half, 2)", "DOUBLE 1.0"}, {"ABS(-i)", "BIGINT 42"}, {"ROUND(s)", "type_mismatch"},
		{"CONCAT(s, nil, i, yes)", "VARCHAR abc42true"}, {"SHA256('abc')", "VARCHAR ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"CASE WHEN nil THEN 1 WHEN i > 1 THEN f ELSE 0 END", "DOUBLE 24.06"}, {"CASE s WHEN 'abc' THEN 'x' END", "VARCHAR x"}, {"COALESCE(nil, absent, s)", "VARCHAR abc"},
		{"NULLIF(s, 'abc')", "NULL"}, {"NULLIF(i, 1)", "BIGINT 42"}, {"IF(i > 1, 'a', 'b')", "VARCHAR a"}, {"IFNULL(nil, 1)", "BIGINT 1"}, {"TRY_CAST(s AS DOUBLE)", "NULL"}, {"CAST(s AS DOUBLE)", "type_mismatch"},
		{"CAST('nan' AS DOUBLE)", "not_a_number"}, {"'inf'::DOUBLE > 1", "BOOLEAN true"}, {"CAST(nil AS BIGINT)", "NULL"},
	}
	for _, test := range tests {
		q := mustParse(t, "SELECT "+test.expr+" AS x FROM t")
		e := q.NewEvaluator(EvalOptions{Location: seoul})
		out := make([]Value, 1)
		keep, err := e.Eval(fieldsOf(q, record), out)
		if got := show(&out[0], err); got != test.want || !keep && err == nil {
			t.Errorf("%s: %s, want %s (%v)", test.expr, got, test.want, err)
		}
	}
}

// TestEvalCSV: fields are VARCHAR, an empty one is ”.
func TestEvalCSV(t *testing.T) {
	q, errs := ParseCSV(`SELECT "Customer ID" AS user_id, CAST(Quantity AS BIGINT) * CAST(Price AS DECIMAL(10,2)) AS revenue, NULLIF(Note, '') AS note,
		InvoiceDate::TIMESTAMP AS event_time FROM retail WHERE Invoice NOT LIKE 'C%' AND Quantity <> 0`)
	if errs != nil {
		t.Fatal(errs)
	}
	e := q.NewEvaluator(EvalOptions{CSV: true})
	out := make([]Value, len(q.Columns))
	fields := fieldsOf(q, map[string]string{"Customer ID": `"13085"`, "Quantity": `"12"`, "Price": `"6.955"`, "Note": `""`, "InvoiceDate": `"2009-12-01 07:45:00"`, "Invoice": `"489434"`})
	keep, err := e.Eval(fields, out)
	if !keep || err != nil {
		t.Fatal(keep, err)
	}
	for i, want := range []string{"VARCHAR 13085", "DECIMAL 83.52", "NULL", "TIMESTAMP 2009-12-01 07:45:00"} {
		if got := show(&out[i], nil); got != want {
			t.Errorf("%s: %s, want %s", q.Columns[i].Name, got, want)
		}
	}
}

// TestWhereDecides: a record that WHERE drops is not refused for what a column says, and unknown drops.
func TestWhereDecides(t *testing.T) {
	q := mustParse(t, "SELECT CAST(amount AS DOUBLE) AS amount FROM orders WHERE status = 'PAID'")
	e := q.NewEvaluator(EvalOptions{})
	out := make([]Value, 1)
	for _, test := range []struct {
		record map[string]string
		keep   bool
		reason string
	}{
		{map[string]string{"status": `"PAID"`, "amount": "1"}, true, ""},
		{map[string]string{"status": `"OPEN"`, "amount": `"x"`}, false, ""},
		{map[string]string{"amount": `"x"`}, false, ""},
		{map[string]string{"status": `"PAID"`, "amount": `"x"`}, false, TypeMismatch},
		{map[string]string{"status": "7", "amount": "1"}, false, ""},
	} {
		keep, err := e.Eval(fieldsOf(q, test.record), out)
		reason := ""
		if err != nil {
			reason = err.(*ErrorReject).Reason
		}
		if keep != test.keep || reason != test.reason {
			t.Errorf("%v: keep %v reason %q, want %v %q", test.record, keep, reason, test.keep, test.reason)
		}
	}
}

// TestQueriesAreShared: a query and a predicate are compiled and evaluated by many goroutines at once (run with -race).
func TestQueriesAreShared(t *testing.T) {
	q := mustParse(t, "SELECT user_id, LOWER(platform) || '!' AS platform FROM orders WHERE total > 1")
	p, errs := ParsePredicate("platform LIKE '%!' AND user_id IN ('u1', 'u2')", q.Columns)
	if errs != nil {
		t.Fatal(errs)
	}
	record := map[string]string{"user_id": `"u1"`, "platform": `"IOS"`, "total": "2"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			e, out := q.NewEvaluator(EvalOptions{}), make([]Value, len(q.Columns))
			for range 200 {
				keep, err := e.Eval(fieldsOf(q, record), out)
				holds, errP := p.Eval(out)
				if !keep || !holds || err != nil || errP != nil || string(out[1].Text) != "ios!" {
					t.Errorf("%v %v %v %v %q", keep, err, holds, errP, out[1].Text)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestEvalAllocatesNothing covers every kind of node that makes text or intermediate values.
func TestEvalAllocatesNothing(t *testing.T) {
	q := mustParse(t, `SELECT user_id, TO_TIMESTAMP(ts / 1000) AS event_time, CAST(total AS DECIMAL(18,2)) * 2 AS revenue, CAST(n AS BIGINT) + 1 AS n,
		UPPER(platform) || '-' || n AS p, TRY_CAST(platform AS BIGINT) AS t1, TRY_CAST(platform AS DECIMAL(9,2)) AS t2, TRY_CAST(platform AS TIMESTAMP) AS t3, TRY_CAST(total AS DATE) AS t4, CASE WHEN platform LIKE 'i%' THEN SUBSTR(platform, 1, 2) ELSE SHA256(platform) END AS c,
		EXTRACT(hour FROM at) AS h, STRFTIME(CAST(at AS TIMESTAMP), '%Y-%m') AS m, CONCAT(n, '/', total) AS k, ROUND(total, 1) AS r, TRIM(REPLACE(platform, 'i', 'I')) AS q
		FROM orders WHERE status = 'PAID' AND total BETWEEN 1 AND 100.5 AND platform IN ('ios', 'web') AND n IS NOT NULL AND total <> 'x' AND platform <> 5 AND platform NOT IN (1, 2)`)
	e := q.NewEvaluator(EvalOptions{})
	out := make([]Value, len(q.Columns))
	fields := fieldsOf(q, map[string]string{"user_id": `"u1"`, "ts": "1767225600123", "total": "12.345", "n": `"17"`, "platform": `"ios"`, "at": `"2026-01-01 09:00:00"`, "status": `"PAID"`})
	if keep, err := e.Eval(fields, out); !keep || err != nil {
		t.Fatal(keep, err)
	}
	if n := testing.AllocsPerRun(200, func() { _, _ = e.Eval(fields, out) }); n > 0 {
		t.Errorf("%v allocations per record", n)
	}
}
