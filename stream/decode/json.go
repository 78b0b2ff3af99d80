package decode

import (
	"fmt"
	"unicode/utf8"

	"github.com/tidemark/tidemark/catalog/sql"
)

// maxDepth bounds objects and arrays inside one another, as protection of the stack.
const maxDepth = 32

// jsonReader walks a record once, checks all of it, and keeps the values that the trie wants. The rules are those of
// RFC 8259 read strictly: one object, exact-case keys, no key twice, no lone surrogate, nothing after it.
type jsonReader struct {
	root  *node
	slots []sql.Raw

	text  []byte
	at    int
	depth int
	arena []byte // strings whose escapes had to be undone
	keys  keySet
	// known are the layouts of records read before; plainOnly does without, which tests compare with.
	known     layouts
	plainOnly bool
	// problem and where it is; empty: none.
	problem   string
	problemAt int
}

// read decodes text, which is UTF-8, into the slots; false means malformed, and describe says why.
func (r *jsonReader) read(text []byte) bool { return r.quick(text) || r.thorough(text) }

// quick decodes text by a layout that is known; false says nothing about it. What it takes is UTF-8.
func (r *jsonReader) quick(text []byte) bool {
	r.text = text
	r.arena = r.arena[:0]
	return !r.plainOnly && r.known.try(r)
}

// thorough decodes text the plain way, and may learn its layout.
func (r *jsonReader) thorough(text []byte) bool {
	r.text = text
	r.arena = r.arena[:0]
	if r.plainOnly || !r.known.missed() {
		return r.walk()
	}
	ok := r.walk()
	if ok {
		r.known.learnt(r)
	}
	r.known.learning = nil
	return ok
}

// walk reads the text the plain way.
func (r *jsonReader) walk() bool {
	clear(r.slots)
	r.at, r.depth = 0, 0
	r.keys.reset()
	r.problem = ""
	r.space()
	if r.at >= len(r.text) {
		return r.fail("nothing but spaces")
	}
	if r.text[r.at] != '{' {
		return r.fail("a record must be a JSON object")
	}
	if !r.object(r.root) {
		return false
	}
	r.space()
	if r.at < len(r.text) {
		return r.fail("something follows the record's object")
	}
	return true
}

func (r *jsonReader) fail(problem string) bool {
	if r.problem == "" {
		r.problem, r.problemAt = problem, r.at
	}
	return false
}

func (r *jsonReader) describe() string { return fmt.Sprintf("%s, at byte %d", r.problem, r.problemAt) }

func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// value reads any value; n is its place in the trie, nil if nobody wants it or anything in it.
func (r *jsonReader) value(n *node) bool {
	if r.at >= len(r.text) {
		return r.fail("the record ends in the middle")
	}
	start := r.at
	var kind sql.RawKind
	switch c := r.text[r.at]; c {
	case '"':
		s, ok := r.string(n != nil && n.slot >= 0)
		if ok && n != nil && n.slot >= 0 {
			r.slots[n.slot] = sql.Raw{Kind: sql.String, Text: s}
		}
		r.known.part(r, text, n, start+1, r.at-1)
		return ok
	case '{':
		if n != nil && n.slot >= 0 {
			r.known.learning = nil // its bytes are a value as a whole
		}
		if !r.object(n) {
			return false
		}
		kind = sql.Nested
	case '[':
		learning := r.known.learning
		r.known.learning = nil
		if !r.array() {
			return false
		}
		r.known.learning = learning
		r.known.part(r, other, n, start, r.at)
		kind = sql.Nested
	case 't':
		if !r.word("true") {
			return false
		}
		r.known.part(r, other, n, start, r.at)
		kind = sql.True
	case 'f':
		if !r.word("false") {
			return false
		}
		r.known.part(r, other, n, start, r.at)
		kind = sql.False
	case 'n':
		if !r.word("null") {
			return false
		}
		r.known.part(r, other, n, start, r.at)
		kind = sql.Null
	default:
		if c != '-' && (c < '0' || c > '9') {
			return r.fail("a value is expected")
		}
		if !r.number() {
			return false
		}
		r.known.part(r, digits, n, start, r.at)
		kind = sql.Number
	}
	if n != nil && n.slot >= 0 {
		r.slots[n.slot] = sql.Raw{Kind: kind, Text: r.text[start:r.at]}
	}
	return true
}

func (r *jsonReader) object(n *node) bool {
	if r.depth++; r.depth > maxDepth {
		return r.fail("objects and arrays are nested more than 32 deep")
	}
	r.at++
	r.space()
	if r.at < len(r.text) && r.text[r.at] == '}' {
		r.at++
		r.depth--
		return true
	}
	mark := r.keys.open(r.depth)
	for {
		if r.at >= len(r.text) || r.text[r.at] != '"' {
			return r.fail("a key in quotes is expected")
		}
		keyAt := r.at
		key, ok := r.string(true)
		if !ok {
			return false
		}
		t := tag(key)
		if !r.keys.add(t, key) {
			r.at = keyAt
			return r.fail("a key stands twice in one object")
		}
		if r.at >= len(r.text) || r.text[r.at] != ':' {
			if r.space(); r.at >= len(r.text) || r.text[r.at] != ':' {
				return r.fail("a colon is expected")
			}
		}
		r.at++
		r.space()
		var below *node
		if n != nil {
			below = n.find(t, key)
		}
		if !r.value(below) {
			return false
		}
		r.space()
		if r.at >= len(r.text) {
			return r.fail("the record ends in the middle")
		}
		switch r.text[r.at] {
		case ',':
			r.at++
			r.space()
		case '}':
			r.at++
			r.depth--
			r.keys.close(mark)
			return true
		default:
			return r.fail("a comma or } is expected")
		}
	}
}

func (r *jsonReader) array() bool {
	if r.depth++; r.depth > maxDepth {
		return r.fail("objects and arrays are nested more than 32 deep")
	}
	r.at++
	r.space()
	if r.at < len(r.text) && r.text[r.at] == ']' {
		r.at++
		r.depth--
		return true
	}
	for {
		if !r.value(nil) {
			return false
		}
		r.space()
		if r.at >= len(r.text) {
			return r.fail("the record ends in the middle")
		}
		switch r.text[r.at] {
		case ',':
			r.at++
			r.space()
		case ']':
			r.at++
			r.depth--
			return true
		default:
			return r.fail("a comma or ] is expected")
		}
	}
}

func (r *jsonReader) word(w string) bool {
	if len(r.text)-r.at < len(w) || string(r.text[r.at:r.at+len(w)]) != w {
		return r.fail("a value is expected")
	}
	r.at += len(w)
	return true
}

// number checks -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?.
func (r *jsonReader) number() bool {
	if r.text[r.at] == '-' {
		r.at++
	}
	switch {
	case r.at < len(r.text) && r.text[r.at] == '0':
		r.at++
	case !r.digits():
		return r.fail("a number needs digits")
	}
	if r.at < len(r.text) && r.text[r.at] == '.' {
		r.at++
		if !r.digits() {
			return r.fail("a number needs digits after its point")
		}
	}
	if r.at < len(r.text) && r.text[r.at]|0x20 == 'e' {
		r.at++
		if r.at < len(r.text) && (r.text[r.at] == '+' || r.text[r.at] == '-') {
			r.at++
		}
		if !r.digits() {
			return r.fail("a number needs digits in its exponent")
		}
	}
	return true
}

func (r *jsonReader) digits() bool {
	start := r.at
	for r.at < len(r.text) && r.text[r.at]-'0' <= 9 {
		r.at++
	}
	return r.at > start
}

// string reads a string; its text is a part of the record, or of the arena if it has escapes and is wanted.
func (r *jsonReader) string(wanted bool) ([]byte, bool) {
	r.at++
	start := r.at
	r.plain()
	if r.at < len(r.text) && r.text[r.at] == '"' {
		r.at++
		return r.text[start : r.at-1], true
	}
	made := len(r.arena)
	for {
		if wanted {
			r.arena = append(r.arena, r.text[start:r.at]...)
		}
		if r.at >= len(r.text) {
			return nil, r.fail("a string is not closed")
		}
		switch r.text[r.at] {
		case '"':
			r.at++
			return r.arena[made:len(r.arena):len(r.arena)], true
		case '\\':
			c, ok := r.escape()
			if !ok {
				return nil, false
			}
			if wanted {
				r.arena = utf8.AppendRune(r.arena, c)
			}
		default:
			return nil, r.fail("a control character stands in a string")
		}
		start = r.at
		r.plain()
	}
}

func (r *jsonReader) escape() (rune, bool) {
	if r.at+1 >= len(r.text) {
		return 0, r.fail("a string is not closed")
	}
	c := r.text[r.at+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unicode()
	default:
		return 0, r.fail("an escape is not one of JSON's")
	}
	r.at += 2
	return rune(c), true
}

// unicode reads \uXXXX, or a pair of them that make one character; half a pair is no character.
func (r *jsonReader) unicode() (rune, bool) {
	high, ok := r.hex(r.at)
	switch {
	case !ok:
		return 0, r.fail("\\u needs four hexadecimal digits")
	case high < 0xD800 || high > 0xDFFF:
		r.at += 6
		return high, true
	case high > 0xDBFF:
		return 0, r.fail("an escape is half a surrogate pair")
	}
	low, ok := r.hex(r.at + 6)
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, r.fail("an escape is half a surrogate pair")
	}
	r.at += 12
	return 0x10000 + (high-0xD800)<<10 + (low - 0xDC00), true
}

func (r *jsonReader) hex(at int) (rune, bool) {
	if len(r.text)-at < 6 || r.text[at] != '\\' || r.text[at+1] != 'u' {
		return 0, false
	}
	var n rune
	for _, c := range r.text[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}
