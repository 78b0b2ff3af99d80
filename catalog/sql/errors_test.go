package sql

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write what is printed into testdata instead of comparing")

// TestErrors reads testdata/errors: a text, a line of ----, and what is wrong with it as line:column+width message |
// hint. A first line of csv or where: columns says how the text is read.
func TestErrors(t *testing.T) {
	const name = "testdata/errors"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimRight(string(text), "\n"), "\n\n\n") {
		input, want, _ := strings.Cut(block, "\n----\n")
		input = strings.TrimSuffix(input, "\n----")
		got := describeErrors(input)
		if i > 0 {
			out.WriteString("\n\n\n")
		}
		out.WriteString(input + "\n----\n" + got)
		if got != want && !*rewrite {
			t.Errorf("%s\n  got\n%s\n  want\n%s", input, got, want)
		}
	}
	if *rewrite {
		if err := os.WriteFile(name, []byte(out.String()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func describeErrors(input string) string {
	parse := func(text string) []SyntaxError {
		_, errs := Parse(text)
		return errs
	}
	if rest, ok := strings.CutPrefix(input, "csv\n"); ok {
		input = rest
		parse = func(text string) []SyntaxError {
			_, errs := ParseCSV(text)
			return errs
		}
	}
	if rest, ok := strings.CutPrefix(input, "where: user_id platform:VARCHAR revenue:DOUBLE at:TIMESTAMP\n"); ok {
		input = rest
		parse = func(text string) []SyntaxError {
			_, errs := ParsePredicate(text, []Column{{Name: "user_id"}, {Name: "platform", Type: Type{Kind: Varchar}}, {Name: "revenue", Type: Type{Kind: Double}}, {Name: "at", Type: Type{Kind: Timestamp}}})
			return errs
		}
	}
	var lines []string
	for _, e := range parse(input) {
		lines = append(lines, fmt.Sprintf("%d:%d+%d %s | %s", e.Line, e.Col, e.Width, e.Msg, e.Hint))
	}
	if lines == nil {
		return "ok"
	}
	return strings.Join(lines, "\n")
}

// TestNoTextExhaustsTheStack: whatever a megabyte holds, the parser says no in time and without a crash.
func TestNoTextExhaustsTheStack(t *testing.T) {
	const size = 1 << 18
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", 1<<20), "balanced": "SELECT " + strings.Repeat("(", size/2) + "1" + strings.Repeat(")", size/2) + " AS x FROM t",
		"not": "SELECT " + repeat("NOT ") + "1 AS x FROM t", "minus": "SELECT " + repeat("- ") + "1 AS x FROM t", "plus": "SELECT 1" + repeat("+1") + " AS x FROM t",
		"case": "SELECT " + repeat("CASE WHEN "), "calls": "SELECT " + repeat("LOWER("), "casts": "SELECT a" + repeat("::BIGINT") + " AS x FROM t", "cast": "SELECT " + repeat("CAST("),
		"path": "SELECT a" + repeat(".a") + " AS x FROM t", "and": "SELECT a" + repeat(" AND a") + " AS x FROM t", "in": "SELECT a IN (1" + repeat(",1") + ") AS x FROM t",
		"is": "SELECT a" + repeat(" IS NULL") + " AS x FROM t", "like": "SELECT a" + repeat(" LIKE a") + " AS x FROM t", "commas": "SELECT " + repeat(","), "quotes": "SELECT " + repeat("'"),
		"comments": repeat("/*"), "strange": repeat("\x00"), "subject": "SELECT " + repeat("CASE a WHEN b THEN ") + " FROM t",
	} {
		start := time.Now()
		q, errs := Parse(text)
		if q != nil {
			_ = q.Canonical()
			q.NewEvaluator(EvalOptions{})
		} else if len(errs) == 0 {
			t.Errorf("%s: neither a query nor an error", name)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}
