package sql

import (
	"strings"
	"testing"
)

// TestCanonicalIsMeaning: texts of one meaning have one canonical text, others have another.
func TestCanonicalIsMeaning(t *testing.T) {
	base := `SELECT user_id AS xpc_key, CAST(total AS DECIMAL(18,2)) AS revenue, LOWER(platform) AS platform FROM orders WHERE status <> 'OPEN' AND total > 1 AND DATE '2024-01-01' < d`
	same := []string{
		"select user_id as xpc_key, cast(total as decimal(18,2)) as revenue, lower(platform) as platform from orders where status <> 'OPEN' and total > 1 and date '2024-01-01' < d",
		"-- an order\nSELECT user_id xpc_key,\n\ttotal::DECIMAL(18,2) AS revenue, /* small /* nested */ */ LOWER(platform) AS platform\nFROM orders\nWHERE (status != 'OPEN') AND total > 1 AND '2024-01-01'::DATE < d;",
		"SELECT LOWER(platform) AS platform, o.user_id AS xpc_key, CAST(o.total AS NUMERIC(18, 2)) AS revenue FROM orders AS o WHERE status <> 'OPEN' AND total > 1 AND DATE '2024-01-01' < o.d",
		`SELECT "user_id" AS "xpc_key", CAST("total" AS DECIMAL(18,2)) AS revenue, LCASE(platform) AS platform FROM "orders" WHERE status <> 'OPEN' AND total > 1 AND CAST('2024-01-01' AS DATE) < d`,
	}
	want := mustParse(t, base).Canonical()
	for _, text := range same {
		if got := mustParse(t, text).Canonical(); got != want {
			t.Errorf("%s\n%s\nwant\n%s", text, got, want)
		}
	}
	for _, edit := range [][2]string{{"18,2", "18,3"}, {"user_id AS", "device_id AS"}, {"xpc_key", "user_id"}, {"'OPEN'", "'open'"}, {"> 1", ">= 1"}, {"> 1", "> 1.0"}, {"orders", "refunds"},
		{"LOWER", "UPPER"}, {"AND total > 1", ""}, {"CAST(", "TRY_CAST("}, {"<> 'OPEN'", "= 'OPEN'"}, {"2024-01-01", "2024-01-02"}} {
		if text := strings.Replace(base, edit[0], edit[1], 1); mustParse(t, text).Canonical() == want {
			t.Errorf("%s has the canonical text of\n%s", text, base)
		}
	}
}

// TestCanonicalParts: a column that can't refuse a record may come and go without a change of the others' meaning.
func TestCanonicalParts(t *testing.T) {
	meaning := func(text string) string {
		q := mustParse(t, text)
		return strings.Join(append([]string{q.CanonicalColumn(0), q.CanonicalColumn(1), q.CanonicalWhere()}, q.CanonicalAccepts(0, 1)...), "\n")
	}
	a := meaning("SELECT user_id, CAST(amount AS DOUBLE) AS amount, TO_TIMESTAMP(ts) AS event_time FROM orders")
	if b := meaning("SELECT user_id, amount::DOUBLE AS amount, platform, COALESCE(country, 'none') AS country, LOWER(city) AS city, TRY_CAST(age AS BIGINT) AS age, TO_TIMESTAMP(ts) AS event_time FROM orders"); a != b {
		t.Errorf("columns that refuse nothing changed the meaning of others:\n%s\n%s", a, b)
	}
	for _, text := range []string{
		"SELECT user_id, CAST(amount AS DOUBLE) AS amount, CAST(age AS BIGINT) AS age, TO_TIMESTAMP(ts) AS event_time FROM orders", // refuses records
		"SELECT user_id, CAST(amount AS DOUBLE) AS amount, TO_TIMESTAMP(ts) AS event_time FROM orders WHERE amount > 0",
		"SELECT device_id, CAST(amount AS DOUBLE) AS amount, TO_TIMESTAMP(ts) AS event_time FROM orders",
	} {
		if meaning(text) == a {
			t.Errorf("%s means the same as without", text)
		}
	}
}

func TestColumns(t *testing.T) {
	q := mustParse(t, "SELECT user_id,\n  'PURCHASE' AS event_id, CAST(a AS DECIMAL(9,3)) * 2.5 AS x, SHA256('salt') AS c, \"größe\".\"b c\" FROM orders")
	want := []Column{
		{Name: "user_id", Line: 1, Col: 8},
		{Name: "event_id", Type: Type{Kind: Varchar}, Constant: true, Line: 2, Col: 3},
		{Name: "x", Type: Type{Kind: Decimal, Precision: 11, Scale: 4}, Line: 2, Col: 27},
		{Name: "c", Type: Type{Kind: Varchar}, Constant: true, Line: 2, Col: 63},
		{Name: "b c", Line: 2, Col: 84},
	}
	for i, c := range q.Columns {
		if c != want[i] {
			t.Errorf("column %d: %+v, want %+v", i, c, want[i])
		}
	}
	if len(q.Paths) != 3 || q.Paths[2].String() != `größe."b c"` {
		t.Errorf("paths %v", q.Paths)
	}
}

func TestPredicate(t *testing.T) {
	columns := []Column{{Name: "user_id"}, {Name: "platform", Type: Type{Kind: Varchar}}, {Name: "revenue", Type: Type{Kind: Decimal, Precision: 18, Scale: 2}}}
	p, errs := ParsePredicate("platform <> 'test' AND revenue >= 1.5", columns)
	if errs != nil {
		t.Fatal(errs)
	}
	if len(p.Columns) != 2 || p.Columns[0] != 1 || p.Columns[1] != 2 {
		t.Errorf("columns %v", p.Columns)
	}
	row := func(platform string, cents int64) []Value {
		return []Value{{Kind: BigInt, I: 1}, {Kind: Varchar, Text: []byte(platform)}, {Kind: Decimal, I: cents, Scale: 2}}
	}
	null := row("ios", 150)
	null[1] = Value{Kind: Varchar, Null: true}
	for _, test := range []struct {
		row  []Value
		want bool
	}{{row("ios", 150), true}, {row("ios", 149), false}, {row("test", 150), false}, {null, false}} {
		if got, err := p.Eval(test.row); got != test.want || err != nil {
			t.Errorf("%v: %v %v", test.row, got, err)
		}
	}
	p, _ = ParsePredicate("user_id > 10", columns)
	bad := row("ios", 1)
	bad[0] = Value{Kind: Varchar, Text: []byte("x")}
	if _, err := p.Eval(bad); err == nil || err.(*ErrorReject).Reason != TypeMismatch {
		t.Errorf("text that is no number: %v", err)
	}
	c := p.Compile(nil)
	good := row("ios", 1)
	if n := testing.AllocsPerRun(100, func() { _, _ = c.Eval(good) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
