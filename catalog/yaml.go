package catalog

import (
	"errors"
	"fmt"
	"strings"

	yamlerrors "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of one definition file. The YAML library takes time quadratic in the keys of a mapping and a stack frame
// per level, so both are counted on the tokens, before it builds a tree.
const (
	maxFileBytes   = 1 << 20
	maxDepth       = 32
	maxMappingKeys = 1000
	maxTokens      = 100_000
	maxStructure   = 200_000 // characters that can make tokens
	maxDocuments   = 2000
	maxRefusals    = 20 // findings of one kind in one document
)

// parseYAML turns one file into its documents. Each document is parsed by itself, so that a syntax error in one does
// not hide the others.
func parseYAML(f *file, text string, report *reporter) []*node {
	var docs []*node
	parts := splitDocuments(text)
	if len(parts) > maxDocuments {
		report.add("E003", Position{f.name, parts[maxDocuments].skip + 1, 1}, 1, f, fmt.Sprintf("more than %d documents in one file", maxDocuments), "divide it into several files")
		return nil
	}
	for _, part := range parts {
		if n := parseDocument(f, part, report); n != nil {
			docs = append(docs, n)
		}
	}
	return docs
}

// document is the text between two document markers; first is the line before its first one.
type document struct {
	text string
	skip int
}

// splitDocuments cuts at lines that start with "---" or "...". YAML allows neither at the start of a line of content,
// not even inside a block scalar, so no parsing is needed to find them.
func splitDocuments(text string) []document {
	var docs []document
	lines := strings.SplitAfter(text, "\n")
	start := 0
	flush := func(end int) {
		docs = append(docs, document{strings.Join(lines[start:end], ""), start})
	}
	for i, l := range lines {
		if isMarker(l, "---") || isMarker(l, "...") {
			flush(i)
			start = i + 1
			// "--- {a: 1}": content may follow the marker on its line.
			if rest := strings.TrimSpace(l[3:]); rest != "" && l[0] == '-' && rest[0] != '#' {
				lines[i] = "   " + l[3:]
				start = i
			}
		}
	}
	flush(len(lines))
	return docs
}

func isMarker(line, marker string) bool {
	if !strings.HasPrefix(line, marker) {
		return false
	}
	return len(line) == 3 || strings.ContainsRune(" \t\r\n", rune(line[3]))
}

func parseDocument(f *file, doc document, report *reporter) (n *node) {
	defer func() {
		// The library has panicked on broken input before; a definition file must never end the process.
		if r := recover(); r != nil {
			report.add("E002", Position{f.name, doc.skip + 1, 1}, 1, f, "this document is not YAML that can be read", "write it in a simpler form")
			n = nil
		}
	}()
	if n := structure(doc.text); n > maxStructure {
		report.add("E003", Position{f.name, doc.skip + 1, 1}, 1, f, fmt.Sprintf("the document has more than %d signs of structure", maxStructure), "divide it into several files")
		return nil
	}
	tokens := lexer.Tokenize(doc.text)
	if !allowedTokens(f, tokens, doc.skip, report) {
		return nil
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		reportSyntax(f, err, doc.skip, report)
		return nil
	}
	for _, d := range tree.Docs {
		if d.Body == nil {
			continue
		}
		c := converter{f, doc.skip, report}
		return c.node(d.Body)
	}
	return nil
}

// structure counts the characters that can make tokens. It is a bound on the lexer's work, which itself has none.
func structure(text string) int {
	n := 0
	for _, c := range []byte(text) {
		switch c {
		case ':', ',', '[', ']', '{', '}', '-', '\n', '&', '*', '!', '?':
			n++
		}
	}
	return n
}

// refusals are the parts of YAML that definitions do without: each lets a small file expand to a large one or hides
// what a reader would need to see.
var refusals = map[token.Type]string{
	token.AnchorType:     "anchors (&name) are not allowed in definitions",
	token.AliasType:      "aliases (*name) are not allowed in definitions",
	token.MergeKeyType:   "merge keys (<<) are not allowed in definitions",
	token.TagType:        "tags (!name) are not allowed in definitions",
	token.DirectiveType:  "directives (%) are not allowed in definitions",
	token.MappingKeyType: "complex keys (? key) are not allowed in definitions",
}

// allowedTokens refuses what must not reach the parser: anchors and their kin, and shapes that cost too much.
func allowedTokens(f *file, tokens token.Tokens, skip int, report *reporter) bool {
	ok, refused := true, 0
	refuse := func(code string, t *token.Token, msg, hint string) {
		ok = false
		if refused++; refused > maxRefusals {
			return
		}
		report.add(code, converter{f, skip, report}.place(t), refusedWidth(t), f, msg, hint)
	}
	if len(tokens) > maxTokens {
		refuse("E003", tokens[maxTokens], fmt.Sprintf("the document has more than %d tokens", maxTokens), "divide it into several files")
		return false
	}
	var shape depthGauge
	for _, t := range tokens {
		if msg, bad := refusals[t.Type]; bad {
			// "? x" and "%" inside plain text never become these tokens, so the type alone decides.
			refuse("E004", t, msg, "write the values out where they are needed")
			continue
		}
		if quoted := t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType; quoted && strings.Contains(t.Origin, "\t") {
			// The lexer loses count of lines behind it.
			refuse("E002", t, "a tab inside quoted text", "write \\t in double quotes, or the text as a | block")
		}
		if !ok {
			continue // one finding about size is enough, but every anchor is named
		}
		switch shape.add(t) {
		case tooDeep:
			refuse("E003", t, fmt.Sprintf("nested more than %d levels deep", maxDepth), "definitions need at most six levels")
		case tooWide:
			refuse("E003", t, fmt.Sprintf("a mapping with more than %d keys", maxMappingKeys), "divide it")
		}
	}
	return ok
}

// refusedWidth underlines the name together with its sign.
func refusedWidth(t *token.Token) int {
	w := characters(strings.TrimSpace(t.Value))
	if (t.Type == token.AnchorType || t.Type == token.AliasType) && t.Next != nil && t.Next.Position.Line == t.Position.Line {
		w += characters(strings.TrimSpace(t.Next.Value))
	}
	return max(w, 1)
}

// depthGauge follows how deep a stream of tokens nests and how many keys the mapping at hand has.
type depthGauge struct {
	flow   int
	levels []level
}

// level is a block collection that is open, known by the column of its entries.
type level struct{ column, keys int }

type gaugeReading uint8

const (
	fine gaugeReading = iota
	tooDeep
	tooWide
)

func (g *depthGauge) add(t *token.Token) gaugeReading {
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		g.flow++
		g.levels = append(g.levels, level{column: 1 << 30})
	case token.MappingEndType, token.SequenceEndType:
		if g.flow > 0 {
			g.flow--
			g.levels = g.levels[:len(g.levels)-1]
		}
	case token.SequenceEntryType:
		if g.flow == 0 {
			g.enter(t.Position.Column)
		}
	case token.MappingValueType:
		if g.flow == 0 && t.Prev != nil {
			g.enter(t.Prev.Position.Column)
		}
		if n := len(g.levels); n > 0 {
			g.levels[n-1].keys++
			if g.levels[n-1].keys > maxMappingKeys {
				return tooWide
			}
		}
	}
	if len(g.levels) > maxDepth {
		return tooDeep
	}
	return fine
}

// enter makes the block collection at a column the innermost one: those further right have ended.
func (g *depthGauge) enter(column int) {
	n := len(g.levels)
	for n > 0 && g.levels[n-1].column > column {
		n--
	}
	g.levels = g.levels[:n]
	if n == 0 || g.levels[n-1].column < column {
		g.levels = append(g.levels, level{column: column})
	}
}

// reportSyntax turns the library's error into a finding.
func reportSyntax(f *file, err error, skip int, report *reporter) {
	pos, msg, hint := Position{f.name, skip + 1, 1}, err.Error(), ""
	var syntax *yamlerrors.SyntaxError
	if errors.As(err, &syntax) {
		pos = converter{f, skip, report}.place(syntax.Token)
		msg = syntax.Message
	}
	if strings.Contains(msg, "mapping value is not allowed") {
		hint = "text with \": \" in it needs quotes, or a | block below"
	}
	if strings.Contains(f.line(pos.Line), "\t") && strings.Contains(msg, "cannot start any token") {
		report.add("E002", pos, 1, f, "not YAML: a tab indents this line", "indent with spaces")
		return
	}
	if strings.Contains(msg, "reserved character") || strings.Contains(msg, "unexpected directive") {
		hint = "a value that begins with this sign needs quotes"
	}
	if hint == "" {
		hint = "look for a bracket or quote that is not closed, here or before, or for a wrong indentation"
	}
	report.add("E002", pos, 1, f, "not YAML: "+msg, hint)
}

// converter reduces the library's tree to nodes.
type converter struct {
	file   *file
	skip   int
	report *reporter
}

// place is where a token stands, and never outside the file: the lexer has been off on broken input.
func (c converter) place(t *token.Token) Position {
	line := max(1, min(t.Position.Line+c.skip, len(c.file.lines)))
	column := max(1, min(t.Position.Column, characters(c.file.line(line))+1))
	return Position{c.file.name, line, column}
}

func (c converter) node(n ast.Node) *node {
	switch v := n.(type) {
	case *ast.MappingNode:
		return c.mapping(v, v.Values)
	case *ast.MappingValueNode:
		return c.mapping(v, []*ast.MappingValueNode{v})
	case *ast.SequenceNode:
		return c.list(v)
	case *ast.LiteralNode:
		return c.block(v)
	case *ast.NullNode, nil:
		return c.null(n)
	}
	return c.scalar(n)
}

func (c converter) mapping(n ast.Node, values []*ast.MappingValueNode) *node {
	out := &node{kind: mappingNode, pos: c.place(n.GetToken()), width: 1, file: c.file}
	for _, v := range values {
		key := c.scalar(v.Key)
		out.pairs = append(out.pairs, pair{key, c.node(v.Value)})
	}
	if len(out.pairs) > 0 && out.pairs[0].key.pos.Line <= out.pos.Line {
		// A block mapping's token is the first colon; people look at its first key.
		if m, ok := n.(*ast.MappingNode); !ok || !m.IsFlowStyle {
			out.pos, out.width = out.pairs[0].key.pos, out.pairs[0].key.width
		}
	}
	return out
}

func (c converter) list(v *ast.SequenceNode) *node {
	out := &node{kind: listNode, pos: c.place(v.GetToken()), width: 1, file: c.file}
	for _, item := range v.Values {
		out.items = append(out.items, c.node(item))
	}
	return out
}

func (c converter) block(v *ast.LiteralNode) *node {
	out := &node{kind: scalarNode, style: literalStyle, pos: c.place(v.Start), width: 1, text: v.Value.Value, file: c.file}
	if v.Start.Type == token.FoldedType {
		out.style = foldedStyle
	}
	return out
}

func (c converter) null(n ast.Node) *node {
	out := &node{kind: nullNode, width: 1, file: c.file, pos: Position{File: c.file.name, Line: c.skip + 1, Column: 1}}
	if n != nil {
		out.pos = c.place(n.GetToken())
	}
	return out
}

func (c converter) scalar(n ast.Node) *node {
	t := n.GetToken()
	out := &node{kind: scalarNode, pos: c.place(t), text: t.Value, file: c.file}
	switch t.Type {
	case token.SingleQuoteType:
		out.style = singleStyle
	case token.DoubleQuoteType:
		out.style = doubleStyle
	}
	out.width = c.writtenWidth(out)
	return out
}

// writtenWidth is how many characters of its line a scalar takes, with its quotes.
func (c converter) writtenWidth(n *node) int {
	width := characters(n.text)
	if n.style != plainStyle {
		line := c.file.line(n.pos.Line)
		width = quotedOffset(line, n.pos.Column, n.style, characters(n.text)+1) + 1
	}
	rest := characters(strings.TrimRight(c.file.line(n.pos.Line), " ")) - n.pos.Column + 1
	return max(1, min(width, rest))
}
