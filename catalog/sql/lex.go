package sql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenQuoted // "identifier"
	tokenNumber
	tokenString
	tokenOp
	tokenBad // already reported
)

// token is a piece of the text: its bytes are text[at:end]. value is the word, operator or number as written, or the
// identifier or string without its quotes.
type token struct {
	kind    tokenKind
	at, end int
	value   string
}

func (t token) word(w string) bool { return t.kind == tokenWord && strings.EqualFold(t.value, w) }
func (t token) op(s string) bool   { return t.kind == tokenOp && t.value == s }

// operators, the longer first: the first that fits is taken.
var operators = []string{
	"->>", "->", "||", "<>", "!=", "<=", ">=", "==", "::", "//", "**",
	"(", ")", "[", "]", ",", ".", ";", "+", "-", "*", "/", "%", "=", "<", ">", "^", "?", "$", "@", "&", "|", "~", "!", ":", "{", "}",
}

// lexer splits text into tokens and reports what is none.
type lexer struct {
	text   string
	at     int
	errors *errorList
}

func (l *lexer) all() []token {
	tokens := make([]token, 0, 16+len(l.text)/4)
	for {
		t := l.next()
		tokens = append(tokens, t)
		if t.kind == tokenEnd {
			return tokens
		}
	}
}

func (l *lexer) next() token {
	l.skip()
	if l.at >= len(l.text) {
		return token{kind: tokenEnd, at: len(l.text), end: len(l.text)}
	}
	start := l.at
	switch c := l.text[start]; {
	case c == '\'':
		return l.quoted('\'', tokenString, "string")
	case c == '"':
		return l.quoted('"', tokenQuoted, "quoted identifier")
	case isDigit(c), c == '.' && start+1 < len(l.text) && isDigit(l.text[start+1]):
		return l.number()
	case isWordStart(c):
		if r, n := utf8.DecodeRuneInString(l.text[start:]); c >= utf8.RuneSelf && !unicode.IsLetter(r) {
			return l.stray(r, n)
		}
		return l.word()
	}
	for _, op := range operators {
		if strings.HasPrefix(l.text[start:], op) {
			l.at += len(op)
			return token{tokenOp, start, l.at, op}
		}
	}
	r, n := utf8.DecodeRuneInString(l.text[start:])
	return l.stray(r, n)
}

func (l *lexer) word() token {
	start := l.at
	for l.at < len(l.text) && (isWordStart(l.text[l.at]) || isDigit(l.text[l.at])) {
		if l.text[l.at] < utf8.RuneSelf {
			l.at++
			continue
		}
		r, n := utf8.DecodeRuneInString(l.text[l.at:])
		if !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			break
		}
		l.at += n
	}
	return token{tokenWord, start, l.at, l.text[start:l.at]}
}

// stray reports a character that begins no token; the hints are for what word processors and other dialects write.
func (l *lexer) stray(r rune, width int) token {
	start := l.at
	l.at += width
	hint := ""
	switch r {
	case '`':
		hint = `identifiers are quoted with double quotes: "order"`
	case '‘', '’':
		hint = "strings are quoted with the plain quote '"
	case '“', '”':
		hint = `identifiers are quoted with the plain double quote "`
	case utf8.RuneError:
		hint = "the text must be UTF-8"
	}
	l.errors.add(start, l.at, hint, "unexpected character %q", r)
	return token{kind: tokenBad, at: start, end: l.at}
}

// skip moves over spaces, -- comments and /* */ comments, which nest as in DuckDB.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "\u00a0"):
			l.at += len("\u00a0")
		case strings.HasPrefix(rest, "--"):
			if i := strings.IndexByte(rest, '\n'); i >= 0 {
				l.at += i + 1
			} else {
				l.at = len(l.text)
			}
		case strings.HasPrefix(rest, "/*"):
			l.comment()
		default:
			return
		}
	}
}

func (l *lexer) comment() {
	start, depth := l.at, 0
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.at += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.at += 2
			if depth == 0 {
				return
			}
		default:
			l.at++
		}
	}
	l.errors.add(start, start+2, "close it with */", "the comment is not closed")
}

func (l *lexer) quoted(quote byte, kind tokenKind, what string) token {
	start := l.at
	l.at++
	escaped := false
	for l.at < len(l.text) {
		if l.text[l.at] != quote {
			l.at++
			continue
		}
		if l.at+1 < len(l.text) && l.text[l.at+1] == quote {
			escaped = true
			l.at += 2
			continue
		}
		value := l.text[start+1 : l.at]
		l.at++
		if escaped {
			q := string(quote)
			value = strings.ReplaceAll(value, q+q, q)
		}
		if kind == tokenQuoted && value == "" {
			l.errors.add(start, l.at, "", "an identifier can't be empty")
			return token{kind: tokenBad, at: start, end: l.at}
		}
		return token{kind, start, l.at, value}
	}
	l.errors.add(start, start+1, "close it with "+string(quote), "the %s is not closed", what)
	return token{kind: tokenBad, at: start, end: l.at}
}

func (l *lexer) number() token {
	start := l.at
	digits := func() {
		for l.at < len(l.text) && (isDigit(l.text[l.at]) ||
			l.text[l.at] == '_' && l.at+1 < len(l.text) && isDigit(l.text[l.at+1])) {
			l.at++
		}
	}
	digits()
	if l.at < len(l.text) && l.text[l.at] == '.' {
		l.at++
		digits()
	}
	if l.at < len(l.text) && (l.text[l.at] == 'e' || l.text[l.at] == 'E') {
		mark := l.at
		l.at++
		if l.at < len(l.text) && (l.text[l.at] == '+' || l.text[l.at] == '-') {
			l.at++
		}
		before := l.at
		digits()
		if l.at == before {
			l.at = mark
		}
	}
	if l.at < len(l.text) && isWordStart(l.text[l.at]) {
		l.word()
		l.errors.add(start, l.at, "", "%q is not a number", l.text[start:l.at])
		return token{kind: tokenBad, at: start, end: l.at}
	}
	return token{tokenNumber, start, l.at, strings.ReplaceAll(l.text[start:l.at], "_", "")}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}
