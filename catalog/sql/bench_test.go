package sql

import "testing"

const purchase = `SELECT user_id, event_id, TO_TIMESTAMP(ts / 1000) AS event_time, CAST(total AS DECIMAL(18,2)) AS revenue, platform
	FROM orders WHERE status = 'PAID' AND total > 1.5`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if q, _ := Parse(purchase); q == nil {
			b.Fatal("does not parse")
		}
	}
}

// BenchmarkEval evaluates over fields that have been found; the decoder's benchmark has the whole way.
func BenchmarkEval(b *testing.B) {
	record := map[string]string{"user_id": `"u-00012345"`, "event_id": `"7d9f2c1a"`, "ts": "1768046400123", "total": "24.06", "platform": `"ios"`, "status": `"PAID"`}
	for _, bench := range []struct{ name, text string }{
		{"columns=5", purchase},
		{"where", "SELECT user_id FROM orders WHERE status = 'OPEN'"},
		{"text", "SELECT LOWER(platform) || '/' || user_id AS slot FROM orders"},
		{"try_cast", "SELECT TRY_CAST(platform AS BIGINT) AS n FROM orders"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			q := mustParse(b, bench.text)
			e, fields, out := q.NewEvaluator(EvalOptions{}), fieldsOf(q, record), make([]Value, len(q.Columns))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(fields, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPredicate(b *testing.B) {
	columns := []Column{{Name: "type", Type: Type{Kind: Varchar}}, {Name: "amount", Type: Type{Kind: Double}}, {Name: "country", Type: Type{Kind: Varchar}}}
	p, errs := ParsePredicate("type = 'purchase' AND amount > 0 AND country IN ('KR', 'DE', 'ES', 'FR')", columns)
	if errs != nil {
		b.Fatal(errs)
	}
	row := []Value{{Kind: Varchar, Text: []byte("purchase")}, {Kind: Double, F: 1.5}, {Kind: Varchar, Text: []byte("ES")}}
	c := p.Compile(nil)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := c.Eval(row); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
