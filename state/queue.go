package state

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// queue has, for every subject that is not complete for some strict metric yet, one row under the clock at which it next is
// for one (core.nextDue). So a clock that advances finds the subjects concerned by reading a range of keys, and no timer and
// no scan of subjects is needed. The row follows from the subject and from what is settled, which Verify checks; like cells
// it changes in memory, and is committed with the rest.
type queue struct {
	// pending is what the next commit does to the rows: +1 writes one, −1 deletes one.
	pending map[string]int
	// soon are the dues of rows that pending writes, as a heap; one whose row has gone again stays until it is met.
	soon dues
	// stored is a bound: no row that is committed and not settled is due before it.
	stored int64
}

// queued is a row: subject is next complete for a metric at due.
type queued struct {
	due     int64
	hash    uint64
	subject string
}

// key of the row: the time with its sign bit flipped, so that it sorts, then the subject.
func (q *queued) key() []byte {
	b := binary.BigEndian.AppendUint64([]byte{prefixQueue}, uint64(q.due)^1<<63)
	return appendSubject(b, q.hash, q.subject)
}

// dueKey is where the rows of a time begin.
func dueKey(due int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixQueue}, uint64(due)^1<<63)
}

func queuedOf(key []byte) (q queued, ok bool) {
	r := &reader{b: key}
	if r.byte() != prefixQueue {
		return q, false
	}
	q.due = int64(r.uint64() ^ 1<<63)
	q.hash = r.uint64()
	q.subject = r.text()
	return q, !r.bad && len(r.b) == 0 && q.hash == hashSubject([]byte(q.subject))
}

type dues []queued

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].due < d[j].due }
func (d dues) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *dues) Push(x any)        { *d = append(*d, x.(queued)) }
func (d *dues) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func newQueue() queue { return queue{pending: map[string]int{}, stored: never} }

// move puts a subject from one time to another; forever is nowhere.
func (q *queue) move(hash uint64, subject string, from, to int64) {
	if from == to {
		return
	}
	if from != forever {
		q.change(&queued{from, hash, subject}, -1)
	}
	if to != forever {
		at := queued{to, hash, subject}
		q.change(&at, 1)
		q.back(&at)
	}
}

// back makes take find a row: one that is new, that came back to where it is committed, or that take returned and that stays
// where it is, as when the data's own end lets in only those of the shorter lateness.
func (q *queue) back(at *queued) {
	if q.pending[string(at.key())] > 0 {
		heap.Push(&q.soon, *at)
		return
	}
	q.stored = min(q.stored, at.due)
}

func (q *queue) change(at *queued, by int) {
	key := string(at.key())
	if q.pending[key] += by; q.pending[key] == 0 {
		delete(q.pending, key)
	}
}

// take returns the rows due after one clock and up to another, in the order of subjects' keys. They stay in the queue, but are
// not found again: whoever takes them moves them, or puts them back.
func (q *queue) take(db pebble.Reader, after, until int64) ([]queued, error) {
	var list []queued
	for len(q.soon) > 0 && q.soon[0].due <= until {
		at := heap.Pop(&q.soon).(queued)
		if q.pending[string(at.key())] > 0 && at.due > after {
			list = append(list, at)
		}
	}
	if q.stored <= until {
		if err := q.read(db, after, until, &list); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b queued) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.subject, b.subject)) })
	// A row that was written, went and came back before it was committed is in the heap twice.
	return slices.Compact(list), nil
}

// read adds the committed rows of a span of time, and finds out when the next one is due.
func (q *queue) read(db pebble.Reader, after, until int64, list *[]queued) error {
	iter, err := db.NewIter(&pebble.IterOptions{LowerBound: dueKey(after), UpperBound: []byte{prefixQueue + 1}})
	if err != nil {
		return fmt.Errorf("state: read the queue: %w", mark(err))
	}
	defer iter.Close()
	q.stored = forever
	for ok := iter.First(); ok; ok = iter.Next() {
		at, ok := queuedOf(iter.Key())
		if !ok {
			return fmt.Errorf("state: key %x is no row of the queue: %w", iter.Key(), ErrCorrupt)
		}
		if at.due > until {
			q.stored = at.due
			break
		}
		if at.due > after && q.pending[string(iter.Key())] == 0 {
			*list = append(*list, at)
		}
	}
	return mark(iter.Error())
}

// wrong is the error of a row that does not follow from its subject.
func (q *queue) wrong(at *queued, due int64) error {
	return fmt.Errorf("state: subject %q is queued for %s, and is due at %s: %w", at.subject, instant(at.due), instant(due), ErrCorrupt)
}

// writeQueue commits what pending says.
func (s *Store) writeQueue(w *writer) error {
	q := &s.queue
	for _, key := range slices.Sorted(maps.Keys(q.pending)) {
		k := []byte(key)
		switch q.pending[key] {
		case 1:
			at, _ := queuedOf(k)
			q.stored = min(q.stored, at.due)
			if _, err := w.set(k, nil, digest{}); err != nil {
				return err
			}
		case -1:
			if err := w.delete(k, s.hasher.row(k, nil)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("state: row %x of the queue would be written %d times", k, q.pending[key])
		}
	}
	clear(q.pending)
	q.soon = q.soon[:0]
	return nil
}

// queueCheck compares the queue with the subjects.
type queueCheck struct {
	store *Store
	rows  int64
}

// subject checks that a subject is queued for when it is due.
func (c *queueCheck) subject(hash uint64, subject *Subject) error {
	due := c.store.core.nextDue(subject)
	if due == forever {
		return nil
	}
	c.rows++
	key := (&queued{due, hash, subject.id}).key()
	n := c.store.queue.pending[string(key)]
	switch _, closer, err := c.store.db.Get(key); {
	case err == nil:
		closer.Close()
		n++
	case !errors.Is(err, pebble.ErrNotFound):
		return c.store.readError(subject.id, err)
	}
	if n != 1 {
		return fmt.Errorf("state: subject %q is due at %s and not queued for it: %w", subject.id, instant(due), ErrCorrupt)
	}
	return nil
}

// done checks that the queue has nothing else.
func (c *queueCheck) done() error {
	rows := int64(0)
	for _, n := range c.store.queue.pending {
		rows += int64(n)
	}
	iter, err := c.store.db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefixQueue}, UpperBound: []byte{prefixQueue + 1}})
	if err != nil {
		return fmt.Errorf("state: read the queue: %w", mark(err))
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		rows++
	}
	if err := errors.Join(iter.Error(), iter.Close()); err != nil {
		return mark(err)
	}
	if rows != c.rows {
		return fmt.Errorf("state: the queue has %d rows, %d subjects are due: %w", rows, c.rows, ErrCorrupt)
	}
	return nil
}
