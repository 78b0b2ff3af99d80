package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// headTail is how many open events stay in the head row; more of them move to a chunk of their own, which is written
// once and not again until half of the tail is closed.
const headTail = 64

// chunkRow is a tail chunk that has a row.
type chunkRow struct {
	number uint32
	sum    digest
}

// droppedSet is a large set whose segment is gone: its row goes with the next commit.
type droppedSet struct {
	list  int32
	cut   int64
	tuple uint32
	sum   digest
}

func (s *Subject) sortTail() {
	slices.SortStableFunc(s.tail, func(a, b open) int {
		switch {
		case a.time < b.time:
			return -1
		case a.time > b.time:
			return 1
		}
		return 0
	})
}

// setExact and setRegisters are how a large set is written.
const (
	setExact     = 0
	setRegisters = 1
)

// encodeSet appends the row of a large set.
func encodeSet(d *distinct, b []byte) []byte {
	if d.registers != nil {
		b = append(b, rowVersion, setRegisters)
		return append(b, d.registers...)
	}
	b = append(b, rowVersion, setExact)
	for _, h := range d.hashes {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return b
}

func decodeSet(b []byte) (*distinct, error) {
	r := &reader{b: b}
	version, kind := r.byte(), r.byte()
	d := &distinct{stored: true}
	switch {
	case r.bad || version != rowVersion:
	case kind == setRegisters && len(r.b) == registers:
		d.registers = slices.Clone(r.b)
		if slices.Max(d.registers) <= maxRank {
			return d, nil
		}
	case kind == setExact && len(r.b)%8 == 0 && len(r.b)/8 > inlineHashes && len(r.b)/8 <= exactDistinct:
		for len(r.b) > 0 {
			d.hashes = append(d.hashes, r.uint64())
		}
		if slices.IsSorted(d.hashes) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("row of a large set does not decode: %w", ErrCorrupt)
}

// spilledIDs looks up and adds ids of one subject in child rows.
type spilledIDs struct {
	store *Store
	entry *entry
	err   error
}

func (p *spilledIDs) find(event int, id *idKey) (content uint64, found bool) {
	for _, b := range p.entry.subject.spills {
		if content, found = p.get(b, event, id); found || p.err != nil {
			return content, found
		}
	}
	return 0, false
}

func (p *spilledIDs) get(bucket uint32, event int, id *idKey) (uint64, bool) {
	s := p.store
	s.key = appendIDKey(s.key[:0], bucket, p.entry.hash, p.entry.subject.id, int32(event), id)
	if !s.spilled.has(s.key) {
		return 0, false
	}
	if content, ok := s.pendingIDs[string(s.key)]; ok {
		return content, true
	}
	value, closer, err := s.db.Get(s.key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, false
	}
	if err != nil {
		p.err = s.readError(p.entry.subject.id, err)
		return 0, false
	}
	defer closer.Close()
	if len(value) != 8 {
		p.err = fmt.Errorf("state: subject %q: row of an id has %d bytes: %w", p.entry.subject.id, len(value), ErrCorrupt)
		return 0, false
	}
	return binary.BigEndian.Uint64(value), true
}

func (p *spilledIDs) put(bucket uint32, n *seen) {
	s := p.store
	s.key = appendIDKey(s.key[:0], bucket, p.entry.hash, p.entry.subject.id, n.event, &n.id)
	s.pendingIDs[string(s.key)] = n.content
	s.spilled.add(s.key)
	s.pendingBytes += int64(len(s.key)) + 64
}
