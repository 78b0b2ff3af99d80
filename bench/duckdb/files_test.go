package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	event "github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/stream/decode"
)

// statements are SELECTs as events have them; FROM names the file. All of a file's records pass them, since a record
// that fails a CAST fails the whole statement in DuckDB.
var statements = []string{
	`SELECT user_id, TO_TIMESTAMP(ts / 1000) AS event_time, "order".id AS event_id, CAST("order".total AS DECIMAL(18,2)) AS revenue FROM data WHERE kind = 'PAID'`,
	`SELECT user_id, EPOCH_MS(CAST(ts AS BIGINT)) AS event_time, COALESCE(platform, 'none') AS platform, UPPER(country) || '-' || LOWER(platform) AS slot FROM data WHERE kind IN ('VIEW', 'CLICK') AND country <> 'KR'`,
	`SELECT user_id, CAST("at" AS TIMESTAMP) AS event_time, EXTRACT(dow FROM CAST("at" AS TIMESTAMP)) AS day, DATE_TRUNC('hour', CAST("at" AS TIMESTAMP)) AS hour FROM data WHERE CAST("at" AS TIMESTAMP) BETWEEN TIMESTAMP '2026-01-03 00:00:00' AND TIMESTAMP '2026-01-20 00:00:00'`,
	`SELECT SHA256(CAST(user_id AS VARCHAR)) AS anon, CASE WHEN CAST("order".total AS DOUBLE) >= 100 THEN 'big' WHEN CAST("order".total AS DOUBLE) > 0 THEN 'small' END AS size FROM data WHERE "order".total IS NOT NULL`,
	`SELECT user_id, TRY_CAST(note AS BIGINT) AS note, LENGTH(note) AS n, SUBSTR(note, 2, 3) AS part, NULLIF(note, '') AS filled FROM data WHERE note NOT LIKE '%x' OR note IS NULL`,
	`SELECT user_id, CAST(items AS BIGINT) * CAST("order".total AS DECIMAL(12,3)) AS revenue, CAST(items AS BIGINT) // 2 AS half, CAST(items AS BIGINT) % 3 AS rest FROM data WHERE CAST(items AS BIGINT) <> 0`,
	`SELECT user_id, CAST("at" AS DATE) AS day, STRFTIME(CAST("at" AS TIMESTAMP), '%Y-%m') AS month, ROUND(CAST("order".total AS DECIMAL(12,3)), 1) AS about FROM data WHERE platform = 'ios' OR (platform IS NULL AND NOT kind = 'VIEW')`,
}

// TestFilesEqualDuckDB reads the same bytes by both, from the file to the row: NDJSON as DuckDB's read_json infers it, CSV
// with all_varchar and no text that stands for NULL.
func TestFilesEqualDuckDB(t *testing.T) {
	c := newComparison(t, *seedFlag, false)
	dir := t.TempDir()
	records := shopRecords(rand.New(rand.NewSource(*seedFlag)), 500)
	ndjson, csv := filepath.Join(dir, "data.ndjson"), filepath.Join(dir, "data.csv")
	write(t, ndjson, asNDJSON(records))
	write(t, csv, asCSV(records))
	c.exec("CREATE VIEW fromjson AS SELECT * FROM read_json('" + ndjson + "', format = 'newline_delimited')")
	c.exec("CREATE VIEW fromcsv AS SELECT * FROM read_csv('" + csv + "', header = true, all_varchar = true, nullstr = 'no text is NULL', quote = '\"', escape = '\"')")
	for _, statement := range statements {
		t.Run("json", func(t *testing.T) {
			q, errs := event.Parse(statement)
			compareFile(t, c, q, errs, strings.Replace(statement, "FROM data", "FROM fromjson", 1), ndjson, catalog.JSON)
		})
		t.Run("csv", func(t *testing.T) {
			flat := strings.ReplaceAll(statement, `"order".`, "order_")
			if strings.Contains(flat, "ts / 1000") || strings.Contains(flat, "EPOCH_MS(") {
				flat = strings.ReplaceAll(flat, "ts / 1000", "CAST(ts AS BIGINT) / 1000")
			}
			q, errs := event.ParseCSV(flat)
			compareFile(t, c, q, errs, strings.Replace(flat, "FROM data", "FROM fromcsv", 1), csv, catalog.CSV)
		})
	}
}

func compareFile(t *testing.T, c *comparison, q *event.Query, errs []event.SyntaxError, statement, path string, format catalog.Format) {
	if errs != nil {
		t.Fatal(statement, errs)
	}
	ours, theirs := readRows(t, q, path, format), queryRows(t, c, statement, len(q.Columns))
	if len(ours) != len(theirs) || len(ours) == 0 {
		t.Fatalf("%s: %d rows, DuckDB has %d", statement, len(ours), len(theirs))
	}
	for i := range ours {
		if ours[i] != theirs[i] {
			t.Fatalf("%s\n  ours   %s\n  DuckDB %s", statement, ours[i], theirs[i])
		}
	}
}

// shopRecords have numbers that round alike as text and as doubles: DuckDB's read_json rounds the double.
// They have text, times, nested and missing fields as an event log has them.
func shopRecords(r *rand.Rand, n int) []map[string]any {
	var records []map[string]any
	for range n {
		m := map[string]any{
			"user_id": fmt.Sprintf("u%d", r.Intn(50)), "ts": 1767225600000 + r.Int63n(30*86400_000), "kind": []string{"PAID", "VIEW", "CLICK"}[r.Intn(3)],
			"at":    fmt.Sprintf("2026-01-%02d %02d:%02d:%02d", 1+r.Intn(30), r.Intn(24), r.Intn(60), r.Intn(60)),
			"order": map[string]any{"id": fmt.Sprintf("o-%d", r.Intn(1000)), "total": json.Number(fmt.Sprintf("%d.%02d%d", r.Intn(300), r.Intn(100), r.Intn(5)))},
			"items": r.Intn(5), "country": []string{"KR", "ES", "DE"}[r.Intn(3)], "note": []string{"", "12", "x", "größe", "a,\"b\"\nc", " 7 "}[r.Intn(6)],
		}
		if r.Intn(4) > 0 {
			m["platform"] = []string{"ios", "Web", "android"}[r.Intn(3)]
		}
		records = append(records, m)
	}
	return records
}

func asNDJSON(records []map[string]any) string {
	var b strings.Builder
	for _, m := range records {
		line, _ := json.Marshal(m)
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func asCSV(records []map[string]any) string {
	b := new(strings.Builder)
	b.WriteString("user_id,ts,kind,at,order_id,order_total,items,country,note,platform\n")
	quote := func(v any) string {
		if v == nil {
			return ""
		}
		s := fmt.Sprint(v)
		if strings.ContainsAny(s, ",\"\n") {
			s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		}
		return s
	}
	for _, m := range records {
		order := m["order"].(map[string]any)
		var cells []string
		for _, v := range []any{m["user_id"], m["ts"], m["kind"], m["at"], order["id"], order["total"], m["items"], m["country"], m["note"], m["platform"]} {
			cells = append(cells, quote(v))
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return b.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readRows reads a file as the engine does, by its row scanner, and gives the rows sorted as text.
func readRows(t *testing.T, q *event.Query, path string, format catalog.Format) []string {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	e := q.NewEvaluator(event.EvalOptions{CSV: format == catalog.CSV})
	out := make([]event.Value, len(q.Columns))
	var rows []string
	reader := decode.NewRows(file, format, decode.DefaultMaxRecord)
	for reader.Next() {
		keep, err := e.Eval(fieldsOfRecord(t, q, reader, format), out)
		if err != nil {
			t.Fatalf("%s: %v", reader.Bytes(), err)
		}
		if !keep {
			continue
		}
		cells := make([]string, len(out))
		for i := range out {
			cells[i] = "NULL"
			if !out[i].Null {
				cells[i] = fmt.Sprintf("%q", out[i].AppendText(nil))
			}
		}
		rows = append(rows, strings.Join(cells, " "))
	}
	if reader.Err() != nil {
		t.Fatal(reader.Err())
	}
	sort.Strings(rows)
	return rows
}

func fieldsOfRecord(t *testing.T, q *event.Query, rows *decode.Rows, format catalog.Format) []event.Raw {
	fields := make([]event.Raw, len(q.Paths))
	if format == catalog.CSV {
		names, cells := splitRow(string(rows.Header())), splitRow(string(rows.Bytes()))
		for i, p := range q.Paths {
			for j, name := range names {
				if name == p[0] {
					fields[i] = event.Raw{Kind: event.String, Text: []byte(cells[j])}
				}
			}
		}
		return fields
	}
	for i, p := range q.Paths {
		var v any
		d := json.NewDecoder(strings.NewReader(string(rows.Bytes())))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		for _, step := range p {
			m, _ := v.(map[string]any)
			v = m[step]
		}
		switch v := v.(type) {
		case string:
			fields[i] = event.Raw{Kind: event.String, Text: []byte(v)}
		case json.Number:
			fields[i] = event.Raw{Kind: event.Number, Text: []byte(v)}
		}
	}
	return fields
}

// splitRow is a plain reading of a CSV row, apart from the product's.
func splitRow(row string) []string {
	var cells []string
	cell, quoted := "", false
	for i := 0; i < len(row); i++ {
		switch c := row[i]; {
		case c == '"' && quoted && i+1 < len(row) && row[i+1] == '"':
			cell += `"`
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			cells = append(cells, cell)
			cell = ""
		default:
			cell += row[i : i+1]
		}
	}
	return append(cells, cell)
}

func queryRows(t *testing.T, c *comparison, statement string, columns int) []string {
	rows, err := c.db.QueryContext(context.Background(), "SELECT COLUMNS(*)::VARCHAR FROM ("+statement+")")
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		cells, targets := make([]*string, columns), make([]any, columns)
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		shown := make([]string, columns)
		for i, cell := range cells {
			shown[i] = "NULL"
			if cell != nil {
				shown[i] = fmt.Sprintf("%q", *cell)
			}
		}
		all = append(all, strings.Join(shown, " "))
	}
	sort.Strings(all)
	return all
}
