package catalog

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// uxExample is the example of the command's documentation.
func uxExample() []Diagnostic {
	_, findings := LoadFS(fstest.MapFS{
		"events/impression.yaml": {Data: []byte("source: {id: ads, kafka: {topic: ads}}\n---\nevent:\n  id: IMPRESSION\n  sql: SELECT user_id, TO_TIMESTAMP(ts) AS event_time FROM ads\n")},
		"metrics/ctr.yaml":       {Data: []byte("metric:\n  id: CTR\n  subject: user_id\n  direction: up\n  numerator:\n    event: IMPRESION\n    agg: COUNT\n")},
		"metrics/한글.yaml":        {Data: []byte("metric: {id: B, name: '클릭률', direktion: up, subject: user_id, numerator: {event: IMPRESSION, agg: COUNT}, format: \"100%\"}\n")},
	}, "")
	return findings
}

// TestRenderText prints findings as people read them.
func TestRenderText(t *testing.T) {
	var b bytes.Buffer
	if err := RenderText(&b, uxExample(), RenderOptions{Files: 3, Elapsed: 61 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	want := `metrics/ctr.yaml:6:12: error[E012]: unknown event "IMPRESION"
   |
 6 |     event: IMPRESION
   |            ^^^^^^^^^ did you mean "IMPRESSION"? (events/impression.yaml:4)
metrics/한글.yaml:1:30: error[E006]: unknown key "direktion" in metric
   |
 1 | metric: {id: B, name: '클릭률', direktion: up, subject: user_id, numerator: {event: IMPRESSION, agg: COUNT}, format: "100%"}
   |                                 ^^^^^^^^^ did you mean "direction"?
metrics/한글.yaml:1:115: error[E010]: "100%" is no format
   |
 1 | metric: {id: B, name: '클릭률', direktion: up, subject: user_id, numerator: {event: IMPRESSION, agg: COUNT}, format: "100%"}
   |                                                                                                                      ^^^^^^ allowed: bytes, count, currency:KRW, duration_ms, duration_s, number, percent
3 errors in 3 files (61 ms)   ·   tidemark explain E012
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := RenderText(&b, uxExample(), RenderOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("\x1b[1m", "", "\x1b[34m", "", "\x1b[1;31m", "", "\x1b[0m", "").Replace(b.String())
	if !strings.HasPrefix(want, plain[:strings.LastIndex(plain, "3 errors")]) || plain == b.String() {
		t.Errorf("colours change the text:\n%q", b.String())
	}
	b.Reset()
	if err := RenderText(&b, nil, RenderOptions{Files: 1}); err != nil || b.String() != "no findings in 1 file (0 ms)\n" {
		t.Errorf("without findings: %q", b.String())
	}
}

// TestRenderLongLine shows only the part of a line around its finding.
func TestRenderLongLine(t *testing.T) {
	_, findings := loadText("metric: {description: " + strings.Repeat("x", 5000) + ", idd: A}")
	for _, line := range strings.Split(rendered(findings), "\n") {
		if characters(line) > 400 {
			t.Errorf("a line of %d characters", characters(line))
		}
	}
	if !strings.Contains(rendered(findings), "idd: A}\n") {
		t.Error("the part with the finding is not shown")
	}
}

// TestRenderForMachines prints the shapes that scripts and GitHub read.
func TestRenderForMachines(t *testing.T) {
	var b bytes.Buffer
	if err := RenderGitHub(&b, uxExample()); err != nil {
		t.Fatal(err)
	}
	want := `::error file=metrics/ctr.yaml,line=6,col=12,endColumn=21,title=E012::unknown event "IMPRESION"%0Adid you mean "IMPRESSION"? (events/impression.yaml:4)
::error file=metrics/한글.yaml,line=1,col=30,endColumn=39,title=E006::unknown key "direktion" in metric%0Adid you mean "direction"?
::error file=metrics/한글.yaml,line=1,col=115,endColumn=121,title=E010::"100%25" is no format%0Aallowed: bytes, count, currency:KRW, duration_ms, duration_s, number, percent
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := RenderJSON(&b, uxExample(), 3); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Files, Errors, Warnings int
		Findings                []struct {
			Severity, Code, File, Message, Hint, Text string
			Line, Column, Width                       int
		}
	}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	f := out.Findings[0]
	if out.Files != 3 || out.Errors != 3 || f.Code != "E012" || f.File != "metrics/ctr.yaml" || f.Line != 6 || f.Column != 12 || f.Width != 9 || f.Text != "    event: IMPRESION" {
		t.Errorf("%+v", out)
	}
	b.Reset()
	if err := RenderJSON(&b, nil, 0); err != nil || !strings.Contains(b.String(), `"findings": []`) {
		t.Errorf("without findings: %s", b.String())
	}
}

// TestEveryCodeIsExplained holds codes and explanations together.
func TestEveryCodeIsExplained(t *testing.T) {
	for _, code := range Codes() {
		text, ok := Explanation(code)
		if !ok || len(text) < 40 || !strings.HasSuffix(text, ".") || code[0] != 'E' && code[0] != 'W' {
			t.Errorf("%s: %q", code, text)
		}
	}
	if _, ok := Explanation("E999"); ok {
		t.Error("E999 is explained")
	}
}
