package catalog

import (
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog/sql"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "30s": 30 * time.Second, "10m": 10 * time.Minute, "1h30m": 90 * time.Minute, "14d": 14 * day, "2w": 14 * day, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "0s": 0,
	} {
		if got, ok := parseDuration(text); !ok || got != want {
			t.Errorf("%q is %v, %t; want %v", text, got, ok, want)
		}
		if want > 0 && text != "2w" {
			if got, ok := parseDuration(durationText(want)); !ok || got != want {
				t.Errorf("%v is written %q, which is %v", want, durationText(want), got)
			}
		}
	}
	for _, text := range []string{"", "5", "h", "1 h", "-1h", "+1h", "1.5h", "1y", "1hh", "9999999999999d", "106751d106751d106751d", "1h30", "١h"} {
		if got, ok := parseDuration(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)
	for _, text := range []string{"2026-03-02T00:00:00+09:00", "2026-03-01T15:00:00Z", "2026-03-01T15:00:00", "2026-03-01 15:00:00", "2026-03-01T15:00", "2026-03-01 15:00", "2026-03-01 15:00:00.000", "2026-03-01 15:00:00Z"} {
		if got, ok := ParseTime(text); !ok || !got.Equal(want) {
			t.Errorf("%q is %v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "2026-3-1", "2026-02-30", "01.03.2026", "tomorrow", "1767225600", "1969-12-31", "9999-01-01", "2026-03-01T25:00:00Z"} {
		if got, ok := ParseTime(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]Limit{
		"+5%": {Value: 0.05, Relative: true}, "-0.1%": {Value: -0.001, Relative: true}, "5%": {Value: 0.05, Relative: true}, "+0.02": {Value: 0.02}, "-3": {Value: -3},
	} {
		got, ok := parseLimit(text)
		if want.Text = text; !ok || got != want {
			t.Errorf("%q is %+v, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "%", "5 %", "five", "+-5%", "1e999", "nan%", "5%%", "0x5"} {
		if got, ok := parseLimit(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"CTR", "CLICK", "IMPRESSION", "PURCHASE", "order_total"}
	for written, want := range map[string]string{
		"IMPRESION": "IMPRESSION", "IMPRSESION": "IMPRESSION", "purchase": "PURCHASE", "CRT": "CTR", "CLIK": "CLICK", "order_totl": "order_total",
		"X": "", "CAR23": "", "SOMETHING": "", "": "", "IMPRE": "",
	} {
		if got, _ := nearest(written, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", written, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"abc", "acb", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3}, {"한글", "한국", 1}} {
		if got := sql.EditDistance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestPlacesInsideScalars maps places in a text to places in the file, for each way to write it.
func TestPlacesInsideScalars(t *testing.T) {
	for _, c := range []struct {
		text      string
		line, col int // in the scalar
		want      string
	}{
		{"a: xyz\n", 1, 3, "f:1:6"},
		{"a: 'it''s z'\n", 1, 6, "f:1:11"},
		{`a: "x\ty\u00e9 z"`, 1, 6, "f:1:16"},
		{"a: '한글 z'\n", 1, 4, "f:1:8"},
		{"a: |\n  one\n  two\n", 2, 2, "f:3:4"},
		{"a: |\n\n    one\n      two\n", 3, 3, "f:4:7"},
		{"a: |4\n      one\n    two\n", 1, 3, "f:2:7"},
		{"- a:\n  - |-\n     one\n\n     two", 3, 1, "f:5:6"},
	} {
		report := &reporter{}
		n := parseYAML(newFile("f", "f", c.text), c.text, report)[0]
		for n.kind != scalarNode {
			if n.kind == mappingNode {
				n = n.pairs[0].value
			} else {
				n = n.items[0]
			}
		}
		if got := place(n.within(c.line, c.col)); got != c.want {
			t.Errorf("%q: %d:%d of %q is at %s, want %s", c.text, c.line, c.col, n.text, got, c.want)
		}
	}
}
