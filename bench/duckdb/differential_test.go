package duckdb

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math"
	"math/big"
	"math/rand"
	"regexp"
	"strconv"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	event "github.com/tidemark/tidemark/catalog/sql"
)

var (
	seedFlag = flag.Int64("seed", 1, "seed of the random expressions and records")
	nFlag    = flag.Int("n", 3000, "expressions for each of JSON and CSV")
	maxFlag  = flag.Int("differences", 25, "stop after so many differences")
)

const rowsPerTable = 24

// TestEvalEqualsDuckDB evaluates random expressions over random records here and in DuckDB. A JSON number without a
// fraction is a BIGINT column there, any other a DOUBLE; all fields of a CSV are VARCHAR.
func TestEvalEqualsDuckDB(t *testing.T) {
	for _, csv := range []bool{false, true} {
		t.Run(map[bool]string{false: "json", true: "csv"}[csv], func(t *testing.T) {
			t.Logf("seed %d, %d expressions", *seedFlag, *nFlag)
			c := newComparison(t, *seedFlag, csv)
			for n := 0; n < *nFlag && c.differences < *maxFlag; n++ {
				c.expression(c.any(1 + c.Intn(3)))
			}
			t.Logf("%d expressions compared over %d values (%d refused by both, %d by one because of the order of evaluation), %d not bound by DuckDB",
				c.compared, c.values, c.refused, c.order, c.unbound)
			if c.compared < *nFlag*6/10 {
				t.Errorf("only %d of %d expressions were compared", c.compared, *nFlag)
			}
		})
	}
}

// TestBindEqualsDuckDB: over the VARCHAR fields of a CSV, with casts left out, both bind the same expressions.
func TestBindEqualsDuckDB(t *testing.T) {
	t.Logf("seed %d, %d expressions", *seedFlag, *nFlag)
	c := newComparison(t, *seedFlag, true)
	c.careless = true
	c.records = nil // only whether they bind
	for n := 0; n < *nFlag && c.differences < *maxFlag; n++ {
		c.expression(c.any(1 + c.Intn(2)))
	}
	t.Logf("%d bound by both, %d by none", c.compared, c.unbound)
	if c.compared < *nFlag/10 || c.unbound < *nFlag/10 {
		t.Error("too few of one kind to say anything")
	}
}

type comparison struct {
	generator
	t       *testing.T
	db      *sql.Conn
	records []map[string]value

	compared, values, refused, order, unbound, differences int
}

func newComparison(t *testing.T, seed int64, csv bool) *comparison {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	c := &comparison{generator: generator{Rand: rand.New(rand.NewSource(seed)), csv: csv}, t: t, db: conn}
	c.exec("SET TimeZone = 'UTC'")
	c.exec("SET threads = 1")
	if csv {
		c.exec(`CREATE TABLE t (id INTEGER, i VARCHAR, j VARCHAR, "nest.k" VARCHAR, f VARCHAR, g VARCHAR, s VARCHAR, r VARCHAR, "it's" VARCHAR, n VARCHAR, m VARCHAR, d VARCHAR, t VARCHAR, u VARCHAR, b VARCHAR)`)
	} else {
		c.exec(`CREATE TABLE t (id INTEGER, i BIGINT, j BIGINT, nest STRUCT(k BIGINT), f DOUBLE, g DOUBLE, s VARCHAR, r VARCHAR, "it's" VARCHAR, n VARCHAR, m VARCHAR, d VARCHAR, t VARCHAR, u VARCHAR, b BOOLEAN)`)
	}
	for id := range rowsPerTable {
		r := c.record()
		c.records = append(c.records, r)
		cells := []string{strconv.Itoa(id)}
		for _, name := range []string{"i", "j", "nest.k", "f", "g", "s", "r", "it's", "n", "m", "d", "t", "u", "b"} {
			v, ok := r[name]
			cell := "NULL"
			if ok {
				cell = "'" + strings.ReplaceAll(v.text, "'", "''") + "'"
			}
			if name == "nest.k" && !csv {
				cell = "{k: CAST(" + cell + " AS BIGINT)}"
			}
			cells = append(cells, cell)
		}
		c.exec("INSERT INTO t VALUES (" + strings.Join(cells, ", ") + ")")
	}
	return c
}

func (c *comparison) exec(q string) {
	if _, err := c.db.ExecContext(context.Background(), q); err != nil {
		c.t.Fatalf("%s: %v", q, err)
	}
}

// lazy matches what may leave a part of an expression unevaluated: which part is up to DuckDB's optimiser, so that a
// refusal in it may be seen on one side only.
var lazy = regexp.MustCompile(`CASE|COALESCE|IF\(|NULL| AND | OR | IN |BETWEEN|[<>=%]|//`)

// answer of one side for one record.
type answer struct {
	null, refused bool
	text, typ     string
}

func (a answer) String() string {
	switch {
	case a.refused:
		return "refused: " + a.text
	case a.null:
		return "NULL"
	}
	return fmt.Sprintf("%q :: %s", a.text, a.typ)
}

func (c *comparison) expression(x string) {
	if c.csv {
		x = strings.ReplaceAll(x, `"nest"."k"`, `"nest.k"`)
	}
	theirs, err := c.duck(x)
	parse := event.Parse
	if c.csv {
		parse = event.ParseCSV
	}
	q, errs := parse("SELECT " + x + " AS x FROM t")
	if err != nil {
		c.unbound++
		// all types are known in a CSV, so what DuckDB does not bind must not be bound here
		if c.csv && errs == nil && strings.Contains(err.Error(), "Binder Error") {
			c.differ(x, -1, "binds", err.Error())
		}
		return
	}
	if errs != nil {
		if constantError(errs) {
			c.unbound++ // a literal that no record can pass is an error of the text here
			return
		}
		c.differ(x, -1, fmt.Sprint(errs), "binds")
		return
	}
	c.compared++
	e := q.NewEvaluator(event.EvalOptions{CSV: c.csv})
	out := make([]event.Value, 1)
	for id, r := range c.records {
		ours := evaluate(e, q, r, out, c.csv)
		c.values++
		if ours.refused && theirs[id].refused {
			c.refused++
		}
		if ours.refused != theirs[id].refused && lazy.MatchString(x) {
			c.order++
			continue
		}
		if strings.Contains(x, "%") && theirs[id].typ == "DOUBLE" && q.Columns[0].Type.Kind == event.Any {
			continue // the remainder of wide decimals is of doubles there, and of decimals here if fields decide the digits
		}
		if !same(ours, theirs[id], q.Columns[0].Type) {
			c.differ(x, id, ours.String(), theirs[id].String())
			return
		}
	}
}

func constantError(errs []event.SyntaxError) bool {
	for _, e := range errs {
		if !strings.Contains(e.Msg, " is not a") && !strings.Contains(e.Msg, "out of the range") && !strings.Contains(e.Msg, "has an offset") {
			return false
		}
	}
	return true
}

func (c *comparison) differ(x string, id int, ours, theirs string) {
	c.differences++
	record := ""
	if id >= 0 {
		record = fmt.Sprintf("\n  record %v", c.records[id])
	}
	c.t.Errorf("%s%s\n  ours   %s\n  DuckDB %s", x, record, ours, theirs)
}

// duck evaluates x for all records at once and, where that fails, record by record.
func (c *comparison) duck(x string) ([]answer, error) {
	if c.records == nil {
		_, err := c.query("EXPLAIN SELECT " + x + " AS x FROM t")
		if err != nil && strings.Contains(err.Error(), "Conversion Error") {
			err = nil // a literal that can't be cast: refused here, if it is here, as a mistake of the text
		}
		return nil, err
	}
	q := "SELECT CAST(x AS VARCHAR), typeof(x) FROM (SELECT id, " + x + " AS x FROM t) ORDER BY id"
	if all, err := c.query(q); err == nil && len(all) == len(c.records) {
		return all, nil
	} else if strings.Contains(err.Error(), "Binder Error") || strings.Contains(err.Error(), "Parser Error") || strings.Contains(err.Error(), "Catalog Error") {
		return nil, err
	}
	var all []answer
	for id := range c.records {
		one, err := c.query(fmt.Sprintf("SELECT CAST(x AS VARCHAR), typeof(x) FROM (SELECT id, %s AS x FROM (SELECT * FROM t WHERE id = %d))", x, id))
		if err != nil {
			if strings.Contains(err.Error(), "INT32") || strings.Contains(err.Error(), "INTERNAL") {
				return nil, err // literals are of 32 bits there
			}
			one = []answer{{refused: true, text: err.Error()}}
		}
		if len(one) != 1 {
			return nil, fmt.Errorf("%d rows for record %d", len(one), id)
		}
		all = append(all, one[0])
	}
	return all, nil
}

func (c *comparison) query(q string) ([]answer, error) {
	rows, err := c.db.QueryContext(context.Background(), q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []answer
	for rows.Next() {
		var text sql.NullString
		var a answer
		if err := rows.Scan(&text, &a.typ); err != nil {
			return nil, err
		}
		a.null, a.text = !text.Valid, text.String
		all = append(all, a)
	}
	return all, rows.Err()
}

func evaluate(e *event.Evaluator, q *event.Query, r map[string]value, out []event.Value, csv bool) answer {
	fields := make([]event.Raw, len(q.Paths))
	for i, p := range q.Paths {
		v, ok := r[strings.Join(p, ".")]
		if !ok {
			continue
		}
		kind := event.Number
		switch {
		case v.quoted || csv:
			kind = event.String
		case v.text == "true":
			kind = event.True
		case v.text == "false":
			kind = event.False
		}
		fields[i] = event.Raw{Kind: kind, Text: []byte(v.text)}
	}
	if _, err := e.Eval(fields, out); err != nil {
		return answer{refused: true, text: err.Error()}
	}
	if out[0].Null {
		return answer{null: true}
	}
	return answer{text: string(out[0].AppendText(nil)), typ: out[0].Kind.String()}
}

// same compares the answers. What is no number in DuckDB is refused here, and numbers are compared as numbers where the
// types may differ because a field decides them.
func same(ours, theirs answer, static event.Type) bool {
	if theirs.typ == `"NULL"` {
		theirs.null = true
	}
	switch {
	case ours.refused:
		return theirs.refused || !theirs.null && theirs.typ == "DOUBLE" && strings.Contains("inf -inf nan -nan", theirs.text) || deliberate(ours.text)
	case theirs.refused || ours.null != theirs.null:
		return false
	case ours.null, ours.text == theirs.text:
		return true
	case strings.Contains(theirs.text, "nan") && strings.Contains(ours.text, "nan"):
		return true // the sign of a NaN is the machine's
	case strings.Contains(theirs.text, "(BC)") && strings.Contains(ours.text, "(BC)"):
		return true // decades and centuries before Christ are counted in more than one way
	case len(theirs.text) > 5 && theirs.text[4] != '-' && static.Kind >= event.Date && ours.text[:5] == theirs.text[:5]:
		return true // beyond the year 9999 a TIMESTAMPTZ loses milliseconds there
	}
	// doubles of different text are the same only if our side is not typed as such
	x, okX := new(big.Rat).SetString(ours.text)
	y, okY := new(big.Rat).SetString(theirs.text)
	if !okX || !okY || static.Kind == event.Varchar {
		return false
	}
	if x.Cmp(y) == 0 {
		return true
	}
	if strings.HasPrefix(theirs.typ, "DECIMAL") && static.Kind == event.Any {
		// alternatives over untyped fields keep the digits that DuckDB drops to make room before the point
		_, fraction, _ := strings.Cut(theirs.text, ".")
		return x.FloatString(len(fraction)) == y.FloatString(len(fraction))
	}
	// A DECIMAL of more than 53 bits becomes the nearest double here, and one beside it in DuckDB if it is negative.
	a, _ := x.Float64()
	b, _ := y.Float64()
	return theirs.typ == "DOUBLE" && math.Abs(a-b) <= 1e-14*math.Abs(b)
}

// deliberate says whether a refusal is one in which the dialect is stricter than DuckDB (DESIGN §3).
func deliberate(refusal string) bool {
	return strings.Contains(refusal, "has an offset, which a TIMESTAMP can't keep")
}
