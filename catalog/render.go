package catalog

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// RenderOptions say how findings are printed as text.
type RenderOptions struct {
	Color   bool // ANSI colours, for a terminal
	Files   int  // for the last line
	Elapsed time.Duration
}

// RenderText prints findings for people: place, code and message, the line with a caret, the hint; and a last line
// that counts them.
//
//	metrics/ctr.yaml:6:12: error[E012]: unknown event "IMPRESION"
//	  |
//	6 |     event: IMPRESION
//	  |            ^^^^^^^^^ did you mean "IMPRESSION"? (events/impression.yaml:2)
func RenderText(w io.Writer, findings []Diagnostic, opt RenderOptions) error {
	var b strings.Builder
	for _, d := range findings {
		renderOne(&b, d, paint{opt.Color})
	}
	b.WriteString(Summary(findings, opt.Files, opt.Elapsed) + explainWith(findings) + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func renderOne(b *strings.Builder, d Diagnostic, p paint) {
	level := p.severity(d.Severity, fmt.Sprintf("%s[%s]", d.Severity, d.Code))
	fmt.Fprintf(b, "%s: %s: %s\n", p.bold(place(d.Pos)), level, d.Message)
	if d.Line == "" {
		if d.Hint != "" {
			fmt.Fprintf(b, "   %s %s\n", p.dim("="), d.Hint)
		}
		return
	}
	number := strconv.Itoa(d.Pos.Line)
	gutter := strings.Repeat(" ", len(number)+1)
	line, start, width := caret(d)
	fmt.Fprintf(b, " %s\n", p.dim(gutter+"|"))
	fmt.Fprintf(b, " %s %s\n", p.dim(number+" |"), line)
	mark := p.severity(d.Severity, strings.Repeat("^", width))
	if d.Hint != "" {
		mark += " " + d.Hint
	}
	fmt.Fprintf(b, " %s %s%s\n", p.dim(gutter+"|"), strings.Repeat(" ", start), mark)
}

// maxLine bounds the part of a line that is shown: a minified file must not flood the screen.
const maxLine = 160

// caret returns the line as shown, and where the caret starts in it and how wide it is, in terminal columns.
func caret(d Diagnostic) (line string, start, width int) {
	runes := []rune(strings.ReplaceAll(d.Line, "\t", " "))
	at := min(d.Pos.Column-1, len(runes))
	end := min(at+d.Width, len(runes))
	if len(runes) > maxLine {
		from := max(0, min(at-maxLine/2, len(runes)-maxLine))
		runes, at, end = runes[from:min(from+maxLine, len(runes))], at-from, min(end-from, maxLine)
	}
	return string(runes), columns(runes[:at]), max(1, columns(runes[at:max(end, at)]))
}

// columns counts terminal columns: East Asian letters take two.
func columns(s []rune) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0x1f300 && r <= 0x1faff) {
			n++
		}
	}
	return n
}

func place(p Position) string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Summary is the last line: "2 errors, 1 warning in 14 files (61 ms)".
func Summary(findings []Diagnostic, files int, elapsed time.Duration) string {
	errs, warnings := 0, 0
	for _, d := range findings {
		if d.Severity == Error {
			errs++
		} else {
			warnings++
		}
	}
	var parts []string
	if errs > 0 {
		parts = append(parts, counted(errs, "error"))
	}
	if warnings > 0 {
		parts = append(parts, counted(warnings, "warning"))
	}
	if len(parts) == 0 {
		parts = append(parts, "no findings")
	}
	return fmt.Sprintf("%s in %s (%d ms)", strings.Join(parts, ", "), counted(files, "file"), elapsed.Milliseconds())
}

// explainWith names the command that explains the first finding.
func explainWith(findings []Diagnostic) string {
	if len(findings) == 0 {
		return ""
	}
	code := findings[0].Code
	for _, d := range findings {
		if d.Severity == Error {
			code = d.Code
			break
		}
	}
	return "   ·   tidemark explain " + code
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// paint colours text if it is asked to.
type paint struct{ on bool }

func (p paint) with(code, s string) string {
	if !p.on {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string { return p.with("1", s) }
func (p paint) dim(s string) string  { return p.with("34", s) }

func (p paint) severity(v DiagnosticSeverity, s string) string {
	if v == Error {
		return p.with("1;31", s)
	}
	return p.with("1;33", s)
}

// RenderJSON prints the findings as one JSON object; the shape is stable.
func RenderJSON(w io.Writer, findings []Diagnostic, files int) error {
	type finding struct {
		Severity DiagnosticSeverity `json:"severity"`
		Code     string             `json:"code"`
		File     string             `json:"file"`
		Line     int                `json:"line"`
		Column   int                `json:"column"`
		Width    int                `json:"width"`
		Message  string             `json:"message"`
		Hint     string             `json:"hint,omitempty"`
		Text     string             `json:"text"`
	}
	out := struct {
		Files    int       `json:"files"`
		Errors   int       `json:"errors"`
		Warnings int       `json:"warnings"`
		Findings []finding `json:"findings"`
	}{Files: files, Findings: []finding{}}
	for _, d := range findings {
		if d.Severity == Error {
			out.Errors++
		} else {
			out.Warnings++
		}
		out.Findings = append(out.Findings, finding{d.Severity, d.Code, d.Pos.File, d.Pos.Line, d.Pos.Column, d.Width, d.Message, d.Hint, d.Line})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// RenderGitHub prints the findings as workflow commands, which GitHub shows beside the lines of a pull request.
func RenderGitHub(w io.Writer, findings []Diagnostic) error {
	var b strings.Builder
	for _, d := range findings {
		msg := d.Message
		if d.Hint != "" {
			msg += "\n" + d.Hint
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,endColumn=%d,title=%s::%s\n", d.Severity, property(d.Pos.File), d.Pos.Line, d.Pos.Column, d.Pos.Column+d.Width, d.Code, data(msg))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// data and property escape as the workflow commands want it; property stands between commas and colons.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
