package catalog

import (
	"slices"
	"strings"
)

// DiagnosticSeverity says whether a finding makes the definitions unusable.
type DiagnosticSeverity string

const (
	Error   DiagnosticSeverity = "error"
	Warning DiagnosticSeverity = "warning"
)

// Diagnostic is one finding about the definitions: where, what, and what would be right.
type Diagnostic struct {
	Severity DiagnosticSeverity
	Code     string // stable: E… for errors, W… for warnings; Explanation says what it means
	Pos      Position
	Width    int // characters from Pos that the caret underlines; at least 1
	Message  string
	Hint     string // what is allowed, or the nearest name
	Line     string // the text of the line of Pos; secrets in it are masked
}

// HasErrors says whether any of the findings is an error; only then is a Set unusable.
func HasErrors(list []Diagnostic) bool {
	return slices.ContainsFunc(list, func(d Diagnostic) bool { return d.Severity == Error })
}

// reporter collects findings. It never stops at one.
type reporter struct {
	list    []Diagnostic
	known   map[Diagnostic]bool
	errors  int
	secrets []*node
	// asked, if set, hears of every key that is read; a test holds shapes and readers together by it.
	asked func(s *shape, key string)
}

// add reports at a place of a file; the code's letter is its severity.
func (r *reporter) add(code string, pos Position, width int, f *file, message, hint string) {
	d := Diagnostic{Severity: Error, Code: code, Pos: pos, Width: max(width, 1), Message: message, Hint: hint, Line: f.line(pos.Line)}
	if code[0] == 'W' {
		d.Severity = Warning
	}
	if r.known[d] {
		return // a definition that others share is checked for each of them
	}
	if r.known == nil {
		r.known = map[Diagnostic]bool{}
	}
	r.known[d] = true
	r.list = append(r.list, d)
	if d.Severity == Error {
		r.errors++ // a definition that raised the count is not usable
	}
}

// at reports at a node.
func (r *reporter) at(code string, n *node, message, hint string) {
	r.add(code, n.pos, n.width, n.file, message, hint)
}

// secret remembers that a node holds a secret, so that no finding prints it.
func (r *reporter) secret(n *node) { r.secrets = append(r.secrets, n) }

// findings returns what was collected, in the order of a reader: by file, line and column.
func (r *reporter) findings() []Diagnostic {
	for i := range r.list {
		for _, n := range r.secrets {
			if d := &r.list[i]; d.Pos.File == n.pos.File && d.Pos.Line == n.pos.Line {
				d.Line = masked(n)
			}
		}
	}
	slices.SortStableFunc(r.list, func(a, b Diagnostic) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		if c := a.Pos.Line - b.Pos.Line; c != 0 {
			return c
		}
		if c := a.Pos.Column - b.Pos.Column; c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
	return r.list
}

// masked is the line of a secret with everything from the secret on left out.
func masked(n *node) string {
	line := []rune(n.file.line(n.pos.Line))
	return string(line[:min(len(line), n.pos.Column-1)]) + "***"
}
