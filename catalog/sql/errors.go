package sql

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// maxErrors bounds what one text reports: after so many the text is of another kind, not a text with mistakes.
const maxErrors = 20

// errorList collects the mistakes of one text, in the order of their places, each place once.
type errorList struct {
	text  string
	found []placed
}

type placed struct {
	at, end   int
	msg, hint string
}

func (l *errorList) add(at, end int, hint, format string, args ...any) {
	if len(l.found) > 8*maxErrors {
		return
	}
	for _, p := range l.found {
		if p.at == at && p.end == end {
			return
		}
	}
	l.found = append(l.found, placed{at, end, fmt.Sprintf(format, args...), hint})
}

// errors gives the mistakes lines and columns. A mistake that spans lines is marked to the end of its first line.
func (l *errorList) errors() []SyntaxError {
	sort.SliceStable(l.found, func(i, j int) bool { return l.found[i].at < l.found[j].at })
	if len(l.found) > maxErrors {
		l.found = l.found[:maxErrors]
	}
	var out []SyntaxError
	for _, p := range l.found {
		line, col := position(l.text, p.at)
		marked := l.text[p.at:max(p.at, min(p.end, len(l.text)))]
		if i := strings.IndexByte(marked, '\n'); i >= 0 {
			marked = strings.TrimRight(marked[:i], "\r")
		}
		width := max(1, utf8.RuneCountInString(marked))
		out = append(out, SyntaxError{Line: line, Col: col, Width: width, Msg: p.msg, Hint: p.hint})
	}
	return out
}

// position of the byte at in text: line from 1, column in characters from 1.
func position(text string, at int) (line, col int) {
	before := text[:min(at, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}

func (e SyntaxError) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// nearest returns `did you mean "x"?` for the candidate that is close enough to be a slip of the same word, or "".
func nearest(word string, candidates []string) string {
	best, distance := "", 3
	if len(word) <= 3 {
		distance = 2
	}
	for _, c := range candidates {
		x, y := []rune(strings.ToLower(word)), []rune(strings.ToLower(c))
		if len(x) > 64 || len(x)-len(y) >= distance || len(y)-len(x) >= distance {
			continue
		}
		if d := EditDistance(x, y); d < distance {
			best, distance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}
