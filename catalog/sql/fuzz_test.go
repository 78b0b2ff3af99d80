package sql

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: no text crashes the parser; what it accepts has a canonical text and evaluates over any record without a
// crash and twice to the same; what it refuses has errors within the text.
func FuzzParse(f *testing.F) {
	corpus, err := os.ReadFile("testdata/errors")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(corpus), "\n\n\n") {
		input, _, _ := strings.Cut(block, "\n----\n")
		f.Add(input)
	}
	f.Add("SELECT CASE a WHEN 1 THEN b.c ELSE COALESCE(d, 'x') || e END AS x, ROUND(a, 2)::DECIMAL(9,2) % 3 AS y, EXTRACT(week FROM t) AS w FROM s WHERE a BETWEEN 1 AND 2 OR b.c IN ('x', NULL)")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		for _, parse := range []func(string) (*Query, []SyntaxError){Parse, ParseCSV} {
			q, errs := parse(text)
			if (q == nil) == (len(errs) == 0) {
				t.Fatalf("query %v, errors %v", q, errs)
			}
			lines := strings.Split(text, "\n")
			for _, e := range errs {
				if e.Line < 1 || e.Line > len(lines) || e.Col < 1 || e.Width < 1 || e.Col > utf8.RuneCountInString(lines[e.Line-1])+1 || e.Msg == "" {
					t.Fatalf("%q: error outside the text: %+v", text, e)
				}
			}
			if q != nil {
				evaluateTwice(t, q)
			}
		}
	})
}

func evaluateTwice(t *testing.T, q *Query) {
	canonical := q.Canonical()
	if again, errs := parse(q.Text, q.csv); errs != nil || again.Canonical() != canonical {
		t.Fatalf("%q: the canonical text is not a function of the text", q.Text)
	}
	e := q.NewEvaluator(EvalOptions{CSV: q.csv})
	samples := []string{"null", "true", "0", "-1", "2.5", "1e3", "1e400", "9223372036854775807", `""`, `"a"`, `"12.5"`, `"2024-02-29 01:02:03"`, `{"a":1}`}
	out, before := make([]Value, len(q.Columns)), make([]string, len(q.Columns))
	for shift := range samples {
		fields := make([]Raw, len(q.Paths))
		for i := range fields {
			fields[i] = rawOf(samples[(i*5+shift)%len(samples)])
			if q.csv {
				fields[i].Kind = String
			}
		}
		keep, err := e.Eval(fields, out)
		for i := range out {
			before[i] = show(&out[i], nil)
		}
		keepAgain, errAgain := e.Eval(fields, out)
		if keep != keepAgain || (err == nil) != (errAgain == nil) {
			t.Fatalf("%q: evaluates to %v %v, then to %v %v", q.Text, keep, err, keepAgain, errAgain)
		}
		for i := range out {
			if keep && err == nil && show(&out[i], nil) != before[i] {
				t.Fatalf("%q: column %d is %s, then %s", q.Text, i, before[i], show(&out[i], nil))
			}
		}
	}
}

// FuzzTimestamp: what reads as a time is written and read back as the same.
func FuzzTimestamp(f *testing.F) {
	for _, s := range []string{"2024-01-02 03:04:05", "2024-01-02T03:04:05.123456+05:30", "1969-12-31 23:59:59.5Z", "2024-02-29", "2024-1-2 3:4:5 UTC", "9999-12-31 24:00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		micros, _, ok := parseTimestamp([]byte(s))
		if !ok {
			return
		}
		text := appendTimestamp(nil, micros)
		if strings.Contains(string(text), "BC") || len(text) > 26 {
			return
		}
		if again, z, ok := parseTimestamp(text); !ok || z != noZone || again != micros {
			t.Fatalf("%q is %d, written %s, read back %d %v", s, micros, text, again, ok)
		}
	})
}
