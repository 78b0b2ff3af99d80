package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/tidemark/tidemark/catalog"
)

// rowVersion is the first byte of every head row and tail chunk. Append-only:
//
//	1: the layout of FORMAT.md
const rowVersion = 1

// Flags of a head row.
const (
	rowOpenLimit = 1 << iota
	rowSpilled
	rowChunks
	rowFlags = 1<<iota - 1
)

// How a segment's cut is written: the low two bits of its tag.
const (
	cutDay  = iota // rest: days since the cut before, zigzag
	cutT0          // rest: the place in exposed whose t0 it is
	cutTime        // microseconds follow
)

// inlineHashes is how many values of a set stay in the head row.
const inlineHashes = 16

// encode appends the head row of s.
func (c *core) encode(s *Subject, b []byte) []byte {
	flags := byte(0)
	if s.openLimit {
		flags |= rowOpenLimit
	}
	if len(s.spills) > 0 {
		flags |= rowSpilled
	}
	if s.chunks > 0 {
		flags |= rowChunks
	}
	b = append(b, rowVersion, flags)
	b = binary.AppendUvarint(b, uint64(len(s.accepted)))
	for _, n := range s.accepted {
		b = binary.AppendUvarint(b, uint64(n.event))
		b = binary.AppendUvarint(b, uint64(n.n))
	}
	b = c.encodeExposed(s, b)
	b = c.encodeSegments(s, b)
	b = binary.AppendUvarint(b, uint64(len(s.covers)))
	for _, v := range s.covers {
		b = binary.AppendUvarint(b, uint64(v.conversion))
		b = binary.AppendVarint(b, v.from)
		if v.to == forever {
			b = append(b, 0)
		} else {
			b = binary.AppendUvarint(b, uint64(v.to-v.from))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(s.profile)))
	for i := range s.profile {
		r := &s.profile[i]
		b = binary.AppendUvarint(b, uint64(r.event))
		b = binary.AppendVarint(b, r.time)
		b = appendTie(b, &r.tie)
		b = appendDims(b, r.dims)
	}
	b = c.encodeTail(s, 0, b)
	b = binary.AppendUvarint(b, uint64(len(s.seen)))
	last := int64(0)
	for i := range s.seen {
		n := &s.seen[i]
		b = binary.AppendUvarint(b, uint64(n.event))
		b = binary.AppendVarint(b, n.time-last)
		last = n.time
		b = appendID(b, &n.id)
		b = binary.BigEndian.AppendUint64(b, n.content)
	}
	if len(s.spills) > 0 {
		b = binary.AppendUvarint(b, uint64(len(s.spills)))
		b = appendDims(b, s.spills)
	}
	if flags&rowChunks != 0 {
		b = binary.AppendUvarint(b, uint64(s.firstChunk))
		b = binary.AppendUvarint(b, uint64(s.chunks))
	}
	return b
}

func (c *core) encodeExposed(s *Subject, b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.exposed)))
	for i := range s.exposed {
		x := &s.exposed[i]
		b = binary.AppendUvarint(b, uint64(x.experiment))
		tag := uint64(x.variant) << 2
		if x.crossed {
			tag |= 1
		}
		if x.tie != (tie{}) {
			tag |= 2
		}
		b = binary.AppendUvarint(b, tag)
		b = binary.AppendVarint(b, x.t0)
		if x.tie != (tie{}) {
			b = appendTie(b, &x.tie)
		}
		b = appendDims(b, x.dims)
		for _, n := range x.reads {
			b = binary.AppendUvarint(b, uint64(n.counted))
			b = binary.AppendUvarint(b, uint64(n.unexposed))
		}
	}
	return b
}

func (c *core) encodeSegments(s *Subject, b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.segments)))
	lastDay, lastList := int64(0), int32(0)
	for i := range s.segments {
		g := &s.segments[i]
		b = binary.AppendUvarint(b, uint64(g.list-lastList))
		lastList = g.list
		b = s.appendCut(b, g.cut, &lastDay)
		agg, tuple := c.listKind(g.list)
		if tuple {
			b = binary.AppendUvarint(b, uint64(g.tuple))
		}
		switch agg {
		case catalog.Exists:
		case catalog.Count:
			b = binary.AppendUvarint(b, g.value.lo)
		case catalog.CountDistinct:
			b = appendSetHead(b, g.set)
		case catalog.Quantile:
			b = appendBins(b, g.set.bins)
		default:
			b = appendTotal(b, g.value)
		}
	}
	return b
}

// listKind is how the segments of a list add up, and whether they have tuples.
func (c *core) listKind(list int32) (catalog.Agg, bool) {
	m := int(list)
	if m >= len(c.schema.measures) {
		m = c.schema.conversions[m-len(c.schema.measures)].numerator
	}
	return c.schema.measures[m].agg, c.schema.events[c.schema.measures[m].event].tuple > 0
}

func (s *Subject) appendCut(b []byte, cut int64, lastDay *int64) []byte {
	if cut%day == 0 {
		d := cut / day
		delta := d - *lastDay
		*lastDay = d
		return binary.AppendUvarint(b, zigzag(delta)<<2+cutDay)
	}
	for i := range s.exposed {
		if s.exposed[i].t0 == cut {
			return binary.AppendUvarint(b, uint64(i)<<2|cutT0)
		}
	}
	b = append(b, cutTime)
	return binary.AppendVarint(b, cut)
}

// appendSetHead writes a small set whole, or that a child row has it.
func appendSetHead(b []byte, d *distinct) []byte {
	if d.large() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(d.hashes)))
	for _, h := range d.hashes {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return b
}

// large says that the set has a child row of its own.
func (d *distinct) large() bool { return d.registers != nil || len(d.hashes) > inlineHashes }

// encodeTail writes the tail's events that are in a chunk (0: the head row).
func (c *core) encodeTail(s *Subject, chunk uint32, b []byte) []byte {
	n := 0
	for i := range s.tail {
		if s.tail[i].chunk == chunk {
			n++
		}
	}
	b = binary.AppendUvarint(b, uint64(n))
	last := int64(0)
	for i := range s.tail {
		o := &s.tail[i]
		if o.chunk != chunk {
			continue
		}
		b = binary.AppendUvarint(b, uint64(o.event))
		b = binary.AppendVarint(b, o.time-last)
		last = o.time
		d := &c.schema.events[o.event]
		if d.tuple > 0 {
			b = binary.AppendUvarint(b, uint64(o.tuple))
		}
		if len(d.exposures) > 0 {
			b = binary.AppendUvarint(b, uint64(len(o.valid)))
			for _, x := range o.valid {
				b = binary.AppendUvarint(b, uint64(x))
			}
		}
		b = c.appendOperands(b, d, s.operands[o.values:])
	}
	return b
}

// appendOperands writes a bitmap of the measures that the event counts for, then their values.
func (c *core) appendOperands(b []byte, d *eventSchema, values []Operand) []byte {
	bitmap := len(b)
	for range (len(d.measures) + 7) / 8 {
		b = append(b, 0)
	}
	for slot, m := range d.measures {
		if !values[slot].Counts {
			continue
		}
		b[bitmap+slot/8] |= 1 << (slot % 8)
		switch v := &c.schema.measures[m]; {
		case v.presence || v.agg == catalog.Count || v.agg == catalog.Exists:
		case v.agg == catalog.CountDistinct:
			b = binary.BigEndian.AppendUint64(b, uint64(values[slot].Value))
		default:
			b = binary.AppendVarint(b, values[slot].Value)
		}
	}
	return b
}

func appendTie(b []byte, t *tie) []byte {
	if t.hasID {
		b = binary.AppendUvarint(b, uint64(len(t.id))+1)
		b = append(b, t.id...)
	} else {
		b = append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(t.input))
	return binary.AppendVarint(b, t.offset)
}

func appendDims(b []byte, dims []uint32) []byte {
	for _, v := range dims {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}

func appendID(b []byte, id *idKey) []byte {
	n := id[15]
	b = append(b, n)
	return append(b, id[:min(n, 15)]...)
}

func zigzag(x int64) uint64   { return uint64(x<<1) ^ uint64(x>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// appendTotal writes a signed integer of up to 128 bits: zigzag, seven bits a byte, the lowest first.
func appendTotal(b []byte, t total) []byte {
	sign := uint64(t.hi >> 63)
	hi, lo := uint64(t.hi)<<1|t.lo>>63, t.lo<<1
	hi, lo = hi^sign, lo^sign
	for hi != 0 || lo >= 0x80 {
		b = append(b, byte(lo)|0x80)
		lo = lo>>7 | hi<<57
		hi >>= 7
	}
	return append(b, byte(lo))
}

// readTotal reads what appendTotal wrote; n is 0 if b does not start with such a number in its shortest form.
func readTotal(b []byte) (t total, n int) {
	var hi, lo uint64
	for i, x := range b {
		if i >= 19 {
			return total{}, 0
		}
		part, shift := uint64(x&0x7f), uint(7*i)
		if shift < 64 {
			lo |= part << shift
			if shift > 57 {
				hi |= part >> (64 - shift)
			}
		} else {
			if over := bits.Len64(part) + int(shift) - 128; over > 0 {
				return total{}, 0
			}
			hi |= part << (shift - 64)
		}
		if x < 0x80 {
			if x == 0 && i > 0 {
				return total{}, 0
			}
			sign := -(lo & 1)
			return total{int64(hi>>1 ^ sign), (lo>>1 | hi<<63) ^ sign}, i + 1
		}
	}
	return total{}, 0
}
