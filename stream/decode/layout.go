package decode

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"

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
	// absent are the slots that no string and no number of the layout fills.
	absent []int
}

// part is one value and what stands before it, quotes of a string included.
type part struct {
	before string
	kind   partKind
	slot   int   // -1: nobody wants it
	node   *node // of an other
	depth  int
	// words are before by eight bytes, the last one filled up with zeros; mask is which of its bits count.
	words []uint64
	mask  uint64
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
	l.learning.prepare(len(r.slots))
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

func (l *layout) equal(o *layout) bool {
	return l.tail == o.tail && slices.EqualFunc(l.parts, o.parts, func(a, b part) bool {
		return a.before == b.before && a.kind == b.kind && a.slot == b.slot && a.node == b.node && a.depth == b.depth
	})
}

// prepare makes what read works with.
func (l *layout) prepare(slots int) {
	filled := make([]bool, slots)
	for i := range l.parts {
		p := &l.parts[i]
		padded := append([]byte(p.before), make([]byte, 8)...)
		for at := 0; at < len(p.before); at += 8 {
			p.words = append(p.words, binary.LittleEndian.Uint64(padded[at:]))
		}
		p.mask = ^uint64(0) >> (64 - 8*((len(p.before)+7)%8+1))
		if p.kind != other && p.slot >= 0 {
			filled[p.slot] = true
		}
	}
	for slot, ok := range filled {
		if !ok {
			l.absent = append(l.absent, slot)
		}
	}
}

// follows says whether before stands in the record at this place.
func (p *part) follows(in []byte, at int) bool {
	if len(in)-at < len(p.before)+8 {
		return len(in)-at >= len(p.before) && string(in[at:at+len(p.before)]) == p.before
	}
	last := len(p.words) - 1
	for _, w := range p.words[:last] {
		if binary.LittleEndian.Uint64(in[at:]) != w {
			return false
		}
		at += 8
	}
	return (binary.LittleEndian.Uint64(in[at:])^p.words[last])&p.mask == 0
}

// read reads r.text into the slots, all of them. It also says no to what is not UTF-8: what a layout was learnt from is, and
// as long as no byte of the values is above 0x7f the record is, too.
func (l *layout) read(r *jsonReader) bool {
	in := r.text
	for _, slot := range l.absent {
		r.slots[slot] = sql.Raw{}
	}
	if l.nodes > 0 {
		r.keys.reset()
	}
	at, seen := 0, uint64(0)
	for i := range l.parts {
		p := &l.parts[i]
		if !p.follows(in, at) {
			return false
		}
		at += len(p.before)
		start := at
		switch p.kind {
		case text:
			// What follows begins with the closing quote: a string that ends otherwise, or has escapes, does not fit.
			for {
				if len(in)-at < 8 {
					r.at = at
					r.plain()
					at, seen = r.at, seen|highs // few bytes: look at all of them rather than at each
					break
				}
				x := binary.LittleEndian.Uint64(in[at:])
				seen |= x
				if found := ends(x); found != 0 {
					at += bits.TrailingZeros64(found) / 8
					break
				}
				at += 8
			}
			if p.slot >= 0 {
				r.slots[p.slot] = sql.Raw{Kind: sql.String, Text: in[start:at:at]}
			}
		case digits:
			if at = integer(in, at); at < 0 {
				r.at = start
				if start >= len(in) || in[start] != '-' && in[start]-'0' > 9 || !r.number() {
					return false
				}
				at = r.at
			}
			if p.slot >= 0 {
				r.slots[p.slot] = sql.Raw{Kind: sql.Number, Text: in[start:at:at]}
			}
		default:
			if r.at, r.depth = at, p.depth; !r.value(p.node) {
				return false
			}
			at, seen = r.at, highs
		}
	}
	return string(in[at:]) == l.tail && (seen&highs == 0 || utf8.Valid(in))
}
