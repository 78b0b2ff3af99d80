package state

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// cache keeps what Apply changes until a commit writes it, and what it may need again. Most subjects are small and seldom
// met: such a one is decoded into scratch, changed, and goes back as bytes at once, into table. Those that a second batch meets
// before a commit, and large ones, stay decoded; only clean ones of them are let go.
type cache struct {
	// limit bounds weight: what the entries weigh, as of the last commit.
	limit, weight int
	// entries are by number; free has the numbers that are nobody's.
	entries []*entry
	free    []uint32
	table   resident
	// partial: subjects may be in Pebble that table does not know.
	partial bool
	// collided are the decoded subjects that share their hash with another.
	collided map[string]*entry
	dirty    []*entry
	// scratch is the subject at hand that is in table only. changed are the hashes of those that the next commit writes from
	// there; taken is the sum of the digests of their rows as they were.
	scratch *entry
	changed []uint64
	taken   digest
	// hand is the clock by which clean entries go: one lap without use.
	hand int
	// spare are entries that went, to be used again.
	spare []*entry
}

type entry struct {
	hash    uint64
	subject *Subject
	// row is the digest of the head row as committed, if cache.taken does not have it; stored says that there is a row.
	row         digest
	stored      bool
	dirty, used bool
	weight      int
}

// subjectWeight is how many bytes of memory weigh as much as one common subject: most subjects weigh 1, but one with
// a long tail as much as it takes.
const subjectWeight = 1024

// weigh is what a subject costs in memory, in subjects.
func (s *Subject) weigh() int {
	bytes := 400 + 40*len(s.tail) + 16*len(s.operands) + 56*len(s.segments) + 48*len(s.seen)
	for i := range s.segments {
		if d := s.segments[i].set; d != nil {
			bytes += 8*len(d.hashes) + len(d.registers) + 16*len(d.bins)
		}
	}
	return 1 + bytes/subjectWeight
}

// touch marks an entry as changed.
func (c *cache) touch(e *entry) {
	e.used = true
	if !e.dirty {
		e.dirty = true
		c.dirty = append(c.dirty, e)
	}
}

// changes is how many subjects the next commit writes, about.
func (c *cache) changes() int { return len(c.dirty) + len(c.changed) }

// changedRow is a subject's head row where it is newer than Pebble's; else nil.
func (c *cache) changedRow(hash uint64, id string) []byte {
	at := c.table.find(hash)
	if at == nil || at.state&changed == 0 {
		return nil
	}
	if have, row := c.table.row(at); string(have) == id {
		return row
	}
	return nil
}

// find returns the decoded subject, nil if there is none.
func (c *cache) find(hash uint64, id string) *entry {
	at := c.table.find(hash)
	if at == nil {
		return nil
	}
	if at.state&shared != 0 {
		return c.collided[id]
	}
	if n := at.state & entryBits; n > 0 && c.entries[n-1].subject.id == id {
		return c.entries[n-1]
	}
	return nil
}

// add keeps a decoded subject. at is the slot of its hash, nil if it has none yet.
func (c *cache) add(e *entry, at *slot) {
	c.weighAgain(e)
	if at == nil {
		at = c.table.add(e.hash)
	}
	var n uint32
	if last := len(c.free) - 1; last >= 0 {
		n = c.free[last]
		c.free = c.free[:last]
		c.entries[n] = e
	} else {
		n = uint32(len(c.entries))
		c.entries = append(c.entries, e)
	}
	if at.state&shared != 0 {
		c.collided[e.subject.id] = e
		return
	}
	at.state = at.state&^entryBits | used | (n + 1)
}

// make returns an entry with an empty subject.
func (c *cache) make(hash uint64) *entry {
	last := len(c.spare) - 1
	if last < 0 {
		return &entry{hash: hash, subject: &Subject{}}
	}
	e := c.spare[last]
	c.spare[last] = nil
	c.spare = c.spare[:last]
	e.subject.reset()
	*e = entry{hash: hash, subject: e.subject}
	return e
}

// share makes a slot that of several subjects. One whose changed row is here must be decoded before.
func (c *cache) share(at *slot) {
	c.table.drop(at)
	if n := at.state & entryBits; n > 0 {
		e := c.entries[n-1]
		c.collided[e.subject.id] = e
	}
	at.state = shared
}

// know tells of a subject that Pebble has, with its head row.
func (c *cache) know(hash uint64, id string, row []byte) {
	if c.table.find(hash) != nil {
		return // of another subject's hash: it is found in Pebble
	}
	at := c.table.add(hash)
	if c.table.weight() < c.table.limit {
		c.table.keep(at, id, row)
	}
}

// keep makes row the head row of a decoded subject.
func (c *cache) keep(e *entry, row []byte) {
	if at := c.table.find(e.hash); at != nil && at.state&shared == 0 {
		c.table.keep(at, e.subject.id, row)
	}
}

// weighAgain brings the cache's weight up to date with an entry's.
func (c *cache) weighAgain(e *entry) {
	was := e.weight
	e.weight = e.subject.weigh()
	c.weight += e.weight - was
}

// trim lets clean entries go until the cache is within its limit, and rows until the table is.
func (c *cache) trim() {
	for steps := 2*len(c.entries) + 2; c.weight > c.limit && steps > 0; steps-- {
		if c.hand >= len(c.entries) {
			c.hand = 0
		}
		n := c.hand
		c.hand++
		e := c.entries[n]
		if e == nil || e.dirty {
			continue
		}
		if e.used {
			e.used = false
			continue
		}
		if at := c.table.find(e.hash); at.state&shared != 0 {
			delete(c.collided, e.subject.id)
		} else {
			at.state &^= entryBits
		}
		c.weight -= e.weight
		if e.weight == 1 {
			c.spare = append(c.spare, e)
		}
		c.entries[n] = nil
		c.free = append(c.free, uint32(n))
	}
	c.table.trim()
}

// load reads subjects that are not in the cache, in the order of their keys, with one iterator.
type load struct {
	store *Store
	iter  *pebble.Iterator
}

func (s *Store) newLoad() *load { return &load{store: s} }

func (l *load) close() {
	if l.iter != nil {
		l.iter.Close()
	}
}

// subject returns the cache's entry of a subject, reading or creating it.
func (l *load) subject(hash uint64, id []byte) (*entry, error) {
	s, c := l.store, &l.store.cache
	at := c.table.find(hash)
	var row []byte
	if at != nil {
		at.state |= used
		if at.state&shared == 0 {
			if n := at.state & entryBits; n > 0 {
				e := c.entries[n-1]
				if e.subject.id == string(id) {
					e.used = true
					return e, nil
				}
				c.share(at)
			} else if have, bytes := c.table.row(at); have != nil {
				if string(have) == string(id) {
					row = bytes
				} else if err := l.share(at, hash, string(have), bytes); err != nil {
					return nil, err
				}
			}
		}
		if at.state&shared != 0 {
			if e := c.collided[string(id)]; e != nil {
				e.used = true
				return e, nil
			}
		}
	}
	if row == nil && (at != nil || c.partial) {
		var err error
		if row, err = l.head(hash, id); err != nil {
			return nil, err
		}
	}
	if c.scratch == nil {
		c.scratch = c.make(hash)
	}
	e := c.scratch
	e.subject.reset()
	*e = entry{hash: hash, subject: e.subject}
	if row == nil {
		e.subject.id = string(id)
		s.offsets.subjects++
		if at == nil {
			at = c.table.add(hash)
		}
		if at.state&shared == 0 {
			at.state |= fresh
		}
		return e, nil
	}
	if err := s.decodeRowsInto(e.subject, hash, string(id), row); err != nil {
		return nil, err
	}
	if at == nil {
		at = c.table.add(hash)
	}
	if e.stored = at.state&fresh == 0; at.state&changed == 0 {
		s.key = appendHeadKey(s.key[:0], hash, id)
		e.row = s.hasher.row(s.key, row)
	}
	return e, nil
}

// share makes a slot that of several subjects: of the one whose row is there, and of another.
func (l *load) share(at *slot, hash uint64, id string, row []byte) error {
	s, c := l.store, &l.store.cache
	if at.state&changed == 0 {
		c.share(at)
		return nil
	}
	e := c.make(hash)
	if err := s.decodeRowsInto(e.subject, hash, id, row); err != nil {
		return err
	}
	e.stored = at.state&fresh == 0
	c.share(at)
	c.add(e, at)
	c.touch(e)
	return nil
}

// smallTail and smallSegments are up to how many open events and closed sums a subject is decoded and encoded by each batch
// that meets it.
const (
	smallTail     = 16
	smallSegments = 32
)

// changed takes a subject back that load.subject returned, with what a batch changed.
func (s *Store) changed(e *entry) {
	c := &s.cache
	if e != c.scratch {
		c.touch(e)
		return
	}
	at := c.table.find(e.hash)
	if at.state&(shared|again) == 0 && e.subject.small() {
		s.value = s.core.encode(e.subject, s.value[:0])
		c.table.keep(at, e.subject.id, s.value)
		if at.row != 0 {
			if at.state&changed != 0 {
				at.state |= again
				return
			}
			at.state |= changed | used
			c.changed = append(c.changed, e.hash)
			c.taken = c.taken.add(e.row)
			return
		}
	}
	at.state &^= changed | fresh | again
	c.scratch = nil
	c.add(e, at)
	c.touch(e)
}

// small says that all of a subject is in its head row, and that this is short.
func (s *Subject) small() bool {
	if len(s.tail) > smallTail || s.chunks > 0 || len(s.rows) > 0 || len(s.dropped) > 0 || len(s.exposed) > smallTail ||
		len(s.segments) > smallSegments {
		return false
	}
	for i := range s.segments {
		if d := s.segments[i].set; d != nil && (d.large() || d.stored || d.bins != nil) {
			return false
		}
	}
	return true
}

// head reads a subject's head row, which is valid until the next is read; nil if there is none. The store's key is the row's
// afterwards.
func (l *load) head(hash uint64, id []byte) ([]byte, error) {
	s := l.store
	if l.iter == nil {
		iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixSubject}, UpperBound: []byte{prefixSubject + 1}})
		if err != nil {
			return nil, fmt.Errorf("state: read subjects: %w", err)
		}
		l.iter = iter
	}
	s.key = appendHeadKey(s.key[:0], hash, id)
	// The whole key is its own prefix, so that the bloom filters answer for subjects that are new.
	if !l.iter.SeekPrefixGE(s.key) {
		if err := l.iter.Error(); err != nil {
			return nil, s.readError(string(id), err)
		}
		return nil, nil
	}
	value, err := l.iter.ValueAndErr()
	if err != nil {
		return nil, s.readError(string(id), err)
	}
	return value, nil
}

// look returns a subject that must be there, to be read only: it is not kept.
func (l *load) look(hash uint64, id []byte) (*Subject, error) {
	if e := l.store.cache.find(hash, string(id)); e != nil {
		return e.subject, nil
	}
	if at := l.store.cache.table.find(hash); at != nil {
		if have, row := l.store.cache.table.row(at); string(have) == string(id) && row != nil {
			return l.store.decodeRows(hash, string(id), row)
		}
	}
	value, err := l.head(hash, id)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, fmt.Errorf("state: subject %q is queued and has no row: %w", id, ErrCorrupt)
	}
	return l.store.decodeRows(hash, string(id), value)
}

func (s *Store) readError(id string, err error) error {
	return fmt.Errorf("state: read subject %q: %w", id, mark(err))
}

// decodeRows decodes a head row and reads the child rows that it speaks of.
func (s *Store) decodeRows(hash uint64, id string, head []byte) (*Subject, error) {
	subject := &Subject{}
	if err := s.decodeRowsInto(subject, hash, id, head); err != nil {
		return nil, err
	}
	return subject, nil
}

func (s *Store) decodeRowsInto(subject *Subject, hash uint64, id string, head []byte) error {
	if _, err := s.core.decodeInto(subject, id, head); err != nil {
		return err
	}
	for n := subject.firstChunk + 1; n <= subject.chunks; n++ {
		key := appendChunkKey(nil, hash, id, n)
		value, err := s.child(id, key)
		if err != nil {
			return err
		}
		subject.rows = append(subject.rows, chunkRow{n, s.hasher.row(key, value)})
		r := &reader{b: value}
		if r.byte() != rowVersion {
			r.bad = true
		}
		s.core.decodeTail(r, subject, n)
		if r.bad || len(r.b) > 0 {
			return fmt.Errorf("state: subject %q: tail chunk %d does not decode: %w", id, n, ErrCorrupt)
		}
	}
	if len(subject.rows) > 0 {
		subject.sortTail()
	}
	for i := range subject.segments {
		g := &subject.segments[i]
		if g.set == nil || !g.set.stored {
			continue
		}
		key := appendSetKey(nil, hash, id, g)
		value, err := s.child(id, key)
		if err != nil {
			return err
		}
		if g.set, err = decodeSet(value); err != nil {
			return fmt.Errorf("state: subject %q: %w", id, err)
		}
		g.set.row = s.hasher.row(key, value)
	}
	return nil
}

// child reads a child row that must be there.
func (s *Store) child(id string, key []byte) ([]byte, error) {
	value, closer, err := s.rows.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, fmt.Errorf("state: subject %q: row %x is missing: %w", id, key, ErrCorrupt)
	}
	if err != nil {
		return nil, s.readError(id, err)
	}
	defer closer.Close()
	return append([]byte(nil), value...), nil
}
