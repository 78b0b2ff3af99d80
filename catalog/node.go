package catalog

import (
	"strings"
	"unicode/utf8"
)

// node is a YAML value with its place. It is the library's tree reduced to what definitions may hold, so that
// everything behind it works on three kinds and never meets an anchor, an alias or a tag.
type node struct {
	kind  nodeKind
	style scalarStyle
	pos   Position
	width int
	// text of a scalar: as written if it is plain, else what its quotes or its block say.
	text  string
	items []*node // of a list
	pairs []pair  // of a mapping, in the order written
	file  *file
}

// pair is one entry of a mapping.
type pair struct{ key, value *node }

type nodeKind uint8

const (
	nullNode nodeKind = iota
	scalarNode
	listNode
	mappingNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a value", "a list", "a mapping"}[k]
}

// scalarStyle is how a scalar is written; positions inside its text depend on it.
type scalarStyle uint8

const (
	plainStyle scalarStyle = iota
	singleStyle
	doubleStyle
	literalStyle
	foldedStyle
)

// file is one definition file: its name as findings show it, and its lines.
type file struct {
	name  string // as shown
	path  string // slash-separated, below the loaded folder
	lines []string
}

func newFile(name, path, text string) *file {
	return &file{name: name, path: path, lines: strings.Split(text, "\n")}
}

// line returns line n (from 1) without its line end.
func (f *file) line(n int) string {
	if f == nil || n < 1 || n > len(f.lines) {
		return ""
	}
	return strings.TrimSuffix(f.lines[n-1], "\r")
}

// get returns the value of a key of a mapping, nil if it is absent or null.
func (n *node) get(key string) *node {
	for _, p := range n.pairs {
		if p.key.text == key && p.value.kind != nullNode {
			return p.value
		}
	}
	return nil
}

// within maps a place in the text of a scalar (line and column from 1, in characters) to its place in the file.
// It is exact for scalars on one line and for literal blocks, which is all that SQL may be written in.
func (n *node) within(line, col int) Position {
	p := n.inside(line, col)
	p.Line = min(p.Line, len(n.file.lines))
	p.Column = min(p.Column, characters(n.file.line(p.Line))+1)
	return p
}

func (n *node) inside(line, col int) Position {
	p := n.pos
	switch n.style {
	case literalStyle:
		p.Line += line
		p.Column = n.blockIndent() + col
		return p
	case singleStyle, doubleStyle:
		p.Column += quotedOffset(n.file.line(p.Line), p.Column, n.style, col)
		return p
	}
	p.Column += col - 1
	return p
}

// blockIndent is how many spaces of each line of a literal block belong to YAML and not to the text: what the first
// line that is not empty has more of in the file than in the text.
func (n *node) blockIndent() int {
	first, _, _ := strings.Cut(strings.TrimLeft(n.text, "\n"), "\n")
	for l := n.pos.Line + 1; l <= len(n.file.lines); l++ {
		if text := n.file.line(l); strings.TrimSpace(text) != "" {
			return max(0, leadingSpaces(text)-leadingSpaces(first))
		}
	}
	return 0
}

func leadingSpaces(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// quotedOffset is how many characters after the opening quote (at column start of line) the col-th character of the
// unquoted text begins, plus one for the quote itself.
func quotedOffset(line string, start int, style scalarStyle, col int) int {
	rest := []rune(line)
	if start > len(rest) {
		return 1
	}
	rest = rest[start:] // behind the opening quote
	i := 0
	for seen := 1; seen < col && i < len(rest); seen++ {
		i += escapeLength(rest[i:], style)
	}
	return i + 1
}

// escapeLength is how many characters of the source stand for the next character of a quoted text.
func escapeLength(s []rune, style scalarStyle) int {
	if style == singleStyle && len(s) > 1 && s[0] == '\'' && s[1] == '\'' {
		return 2
	}
	if style == doubleStyle && len(s) > 1 && s[0] == '\\' {
		switch s[1] {
		case 'x':
			return 4
		case 'u':
			return 6
		case 'U':
			return 10
		}
		return 2
	}
	return 1
}

// characters counts what a column counts.
func characters(s string) int { return utf8.RuneCountInString(s) }
