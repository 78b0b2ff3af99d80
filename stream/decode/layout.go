package decode

import (
	"slices"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Producers write one event type with one piece of code, so the records of a topic differ in their values and little
// else. A layout is what lies between the values of a record that was read: where the next record has the same bytes there,
// they need not be understood again, and only the values are read. Anything else is read the plain way (jsonReader.object),
// which decides alone what is well-formed.

// layout is a record without its values.
type layout struct {
	parts []part
	tail  string // what follows the last value
	nodes int    // values that are no string and no number: they need the plain reader
}

// part is one value and what stands before it, quotes of a string included.
type part struct {
	before string
	kind   partKind
	slot   int   // -1: nobody wants it
	node   *node // of an other
	depth  int
}

type partKind uint8

const (
	text partKind = iota
	digits
	other // true, false, null or an array was here: any value is read
)

// maxParts bounds a layout, maxLayouts how many of them are tried.
const (
	maxParts   = 128
	maxLayouts = 8
)

// layouts are those that were of use last, the likeliest first.
type layouts struct {
	list []*layout
	// learning is the layout of the record being read the plain way, nil if it is not wanted; from is where its next
	// part begins.
	learning *layout
	from     int
	// misses since a record was learnt from, and how many it takes until the next is. That grows where learning is of no
	// use: records that are all different, or have escapes.
	misses, patience int
}

const (
	minPatience = 8
	maxPatience = 1 << 16
)

// try reads a record by one of the layouts; false says nothing about the record.
func (l *layouts) try(r *jsonReader) bool {
	for i, known := range l.list {
		clear(r.slots)
		if !known.read(r) {
			continue
		}
		if i > 0 {
			l.list[i-1], l.list[i] = known, l.list[i-1]
		}
		return true
	}
	return false
}

// missed says whether the record at hand, which no layout fits, is to be learnt from.
func (l *layouts) missed() bool {
	if l.misses++; l.misses < l.patience {
		return false
	}
	l.misses, l.patience = 0, max(l.patience, minPatience)
	l.learning, l.from = &layout{}, 0
	return true
}

// part notes a value from start to end, of a record that is learnt from. What a string's text is lies inside its quotes.
func (l *layouts) part(r *jsonReader, kind partKind, n *node, start, end int) {
	if l.learning == nil {
		return
	}
	p := part{before: string(r.text[l.from:start]), kind: kind, slot: -1, node: n, depth: r.depth}
	if n != nil {
		p.slot = n.slot
	}
	if kind == other {
		l.learning.nodes++
	}
	l.learning.parts = append(l.learning.parts, p)
	l.from = end
	if len(l.learning.parts) > maxParts {
		l.learning = nil
	}
}

// learnt keeps the layout of a record that was well-formed.
func (l *layouts) learnt(r *jsonReader) {
	if l.learning == nil {
		return
	}
	l.learning.tail = string(r.text[l.from:])
	known := slices.ContainsFunc(l.list, l.learning.equal)
	full := len(l.list) == maxLayouts
	if known || full {
		l.patience = min(2*l.patience, maxPatience)
	}
	if full && !known {
		l.list = l.list[:maxLayouts-1]
	}
	if !known {
		l.list = append(l.list, l.learning) // last: it has to show its use before it comes further
	}
	l.learning = nil
}

func (l *layout) equal(o *layout) bool { return l.tail == o.tail && slices.Equal(l.parts, o.parts) }

// read reads r.text into slots that are clear.
func (l *layout) read(r *jsonReader) bool {
	in := r.text
	if l.nodes > 0 {
		r.keys.reset()
	}
	at := 0
	for i := range l.parts {
		p := &l.parts[i]
		end := at + len(p.before)
		if end > len(in) || string(in[at:end]) != p.before {
			return false
		}
		r.at = end
		switch p.kind {
		case text:
			// What follows begins with the closing quote: a string that ends otherwise, or has escapes, does not fit.
			r.plain()
			if p.slot >= 0 {
				r.slots[p.slot] = sql.Raw{Kind: sql.String, Text: in[end:r.at]}
			}
		case digits:
			if r.at >= len(in) || in[r.at] != '-' && in[r.at]-'0' > 9 || !r.number() {
				return false
			}
			if p.slot >= 0 {
				r.slots[p.slot] = sql.Raw{Kind: sql.Number, Text: in[end:r.at]}
			}
		default:
			if r.depth = p.depth; !r.value(p.node) {
				return false
			}
		}
		at = r.at
	}
	return string(in[at:]) == l.tail
}
