package state

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tidemark/tidemark/catalog"
)

// reader takes bytes apart. After the first thing that does not fit every call returns zero and bad stays set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	x := r.b[0]
	r.b = r.b[1:]
	return x
}

func (r *reader) bytes(n uint64) []byte {
	if uint64(len(r.b)) < n {
		r.bad, r.b = true, nil
		return nil
	}
	x := r.b[:n]
	r.b = r.b[n:]
	return x
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) varint() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// count reads the length of a list whose elements take at least one byte each.
func (r *reader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

// index reads a number below n.
func (r *reader) index(n int) int {
	x := r.uvarint()
	if x >= uint64(n) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(x)
}

func (r *reader) dims(n int) []uint32 { return r.dimsInto(nil, n) }

func (r *reader) dimsInto(dims []uint32, n int) []uint32 {
	dims = slices.Grow(dims, n)
	for range n {
		dims = append(dims, uint32(r.uvarint()))
	}
	return dims
}

func (r *reader) tie() (t tie) {
	if n := r.uvarint(); n > 0 {
		t.hasID, t.id = true, string(r.bytes(n-1))
	}
	t.input = Input(r.uvarint())
	t.offset = r.varint()
	return t
}

func (r *reader) id() (id idKey) {
	n := r.byte()
	if n > 15 && n != 0xff {
		r.bad, r.b = true, nil
		return id
	}
	copy(id[:], r.bytes(uint64(min(n, 15))))
	id[15] = n
	return id
}

// decode reads the head row of a subject. Its large sets and tail chunks come from child rows afterwards.
func (c *core) decode(id string, b []byte) (*Subject, error) { return c.decodeInto(&Subject{}, id, b) }

// reset makes a subject one without anything, which keeps its memory.
func (s *Subject) reset() {
	clear(s.segments) // lets go of sets
	clear(s.tail)
	*s = Subject{
		accepted: s.accepted[:0], exposed: s.exposed[:0], segments: s.segments[:0], covers: s.covers[:0],
		tail: s.tail[:0], operands: s.operands[:0], seen: s.seen[:0],
	}
}

// decodeInto is decode into the memory of a subject that was reset.
func (c *core) decodeInto(s *Subject, id string, b []byte) (*Subject, error) {
	s.id = id
	r := &reader{b: b}
	if v := r.byte(); v != rowVersion {
		return nil, fmt.Errorf("state: subject %q has row version %d, this build knows %d: %w", id, v, rowVersion, ErrCorrupt)
	}
	flags := r.byte()
	if flags > rowFlags {
		r.bad = true
	}
	s.openLimit = flags&rowOpenLimit != 0
	for range r.count() {
		s.accepted = append(s.accepted, count{int32(r.index(len(c.schema.events))), int64(r.uvarint())})
	}
	c.decodeExposed(r, s)
	c.decodeSegments(r, s)
	for range r.count() {
		v := cover{conversion: int32(r.index(len(c.schema.conversions))), from: r.varint(), to: forever}
		if n := r.uvarint(); n > 0 {
			v.to = v.from + int64(n)
		}
		s.covers = append(s.covers, v)
	}
	for range r.count() {
		p := profileRow{event: int32(r.index(len(c.schema.events))), time: r.varint(), tie: r.tie()}
		if !r.bad {
			p.dims = r.dims(len(c.schema.plan.Events[p.event].ProfileColumns))
		}
		s.profile = append(s.profile, p)
	}
	c.decodeTail(r, s, 0)
	last := int64(0)
	for range r.count() {
		n := seen{event: int32(r.index(len(c.schema.events))), time: last + r.varint(), id: r.id(), content: r.uint64()}
		last = n.time
		s.seen = append(s.seen, n)
	}
	if flags&rowSpilled != 0 {
		s.spills = r.dims(r.count())
		r.bad = r.bad || len(s.spills) == 0
	}
	if flags&rowChunks != 0 {
		s.firstChunk, s.chunks = uint32(r.uvarint()), uint32(r.uvarint())
	}
	if r.bad || len(r.b) > 0 || s.firstChunk > s.chunks {
		return nil, fmt.Errorf("state: subject %q: head row does not decode: %w", id, ErrCorrupt)
	}
	return s, nil
}

func (c *core) decodeExposed(r *reader, s *Subject) {
	n := r.count()
	s.exposed = slices.Grow(s.exposed, n)
	for range n {
		// What lies beyond the length has the memory of another subject's.
		spare := s.exposed[:len(s.exposed)+1][len(s.exposed)]
		x := exposed{experiment: int32(r.index(len(c.schema.experiments)))}
		if r.bad {
			return
		}
		p := &c.schema.plan.Experiments[x.experiment]
		e := &c.schema.experiments[x.experiment]
		tag := r.uvarint()
		if tag>>2 >= uint64(len(p.Variants)) {
			r.bad, r.b = true, nil
			return
		}
		x.variant, x.crossed = int32(tag>>2), tag&1 != 0
		x.t0 = r.varint()
		if tag&2 != 0 {
			x.tie = r.tie()
		}
		x.dims = r.dimsInto(spare.dims[:0], e.exposureDims)
		x.reads = spare.reads[:0]
		for range e.reads {
			x.reads = append(x.reads, readCount{int64(r.uvarint()), int64(r.uvarint())})
		}
		s.exposed = append(s.exposed, x)
	}
}

func (c *core) decodeSegments(r *reader, s *Subject) {
	n := r.count()
	s.segments = slices.Grow(s.segments, n+1)
	lastDay, list := int64(0), 0
	for range n {
		list += int(min(r.uvarint(), 1<<30))
		if r.bad || list >= len(c.schema.measures)+len(c.schema.conversions) {
			r.bad, r.b = true, nil
			return
		}
		g := segment{list: int32(list)}
		switch tag := r.uvarint(); tag & 3 {
		case cutDay:
			lastDay += unzigzag(tag >> 2)
			g.cut = lastDay * day
		case cutT0:
			if tag>>2 >= uint64(len(s.exposed)) {
				r.bad, r.b = true, nil
				return
			}
			g.cut = s.exposed[tag>>2].t0
		default:
			g.cut = r.varint()
		}
		agg, tuple := c.listKind(g.list)
		if tuple {
			g.tuple = uint32(r.index(len(c.tuples.values) + 1))
		}
		switch agg {
		case catalog.Exists:
			g.value.lo = 1
		case catalog.Count:
			g.value.lo = r.uvarint()
		case catalog.CountDistinct:
			g.set = r.setHead()
		case catalog.Quantile:
			g.set = &distinct{bins: r.bins()}
		default:
			v, n := readTotal(r.b)
			if n == 0 {
				r.bad, r.b = true, nil
				return
			}
			g.value, r.b = v, r.b[n:]
		}
		s.segments = append(s.segments, g)
	}
}

// setHead reads a small set; a large one stays empty and marked, until its child row is read.
func (r *reader) setHead() *distinct {
	n := r.uvarint()
	if n == 0 {
		return &distinct{stored: true}
	}
	if n > inlineHashes {
		r.bad, r.b = true, nil
		return &distinct{}
	}
	d := &distinct{hashes: make([]uint64, n, n+1)}
	for i := range d.hashes {
		d.hashes[i] = r.uint64()
	}
	return d
}

// decodeTail reads the events of one chunk into the tail.
func (c *core) decodeTail(r *reader, s *Subject, chunk uint32) {
	last := int64(0)
	for range r.count() {
		o := open{event: int32(r.index(len(c.schema.events))), chunk: chunk, time: last + r.varint()}
		if r.bad {
			return
		}
		last = o.time
		d := &c.schema.events[o.event]
		if d.tuple > 0 {
			o.tuple = uint32(r.index(len(c.tuples.values) + 1))
		}
		if len(d.exposures) > 0 {
			for range r.count() {
				o.valid = append(o.valid, int32(r.index(len(c.schema.experiments))))
			}
		}
		o.values = uint32(len(s.operands))
		bitmap := slices.Clone(r.bytes(uint64(len(d.measures)+7) / 8))
		if r.bad {
			return
		}
		for slot, m := range d.measures {
			var v Operand
			if bitmap[slot/8]>>(slot%8)&1 == 1 {
				v.Counts = true
				switch m := &c.schema.measures[m]; {
				case m.presence || m.agg == catalog.Count || m.agg == catalog.Exists:
				case m.agg == catalog.CountDistinct:
					v.Value = int64(r.uint64())
				default:
					v.Value = r.varint()
				}
			}
			s.operands = append(s.operands, v)
		}
		s.tail = append(s.tail, o)
	}
}
