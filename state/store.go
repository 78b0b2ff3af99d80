package state

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
)

// Store is one shard's subjects. It belongs to one goroutine; Name may be called from any.
type Store struct {
	db *pebble.DB
	// rows is what a subject's child rows are read from: db, or a picture's snapshot.
	rows pebble.Reader
	dir  string
	plan *catalog.Plan
	opt  Options
	core core

	offsets offsets
	// ranks and sources have, for each input, the order of its coordinates and the place of its source in the plan (-1: the
	// engine's own topic).
	ranks, sources []int
	counters       *counters
	dictionary     *dictionary
	// tuplesWritten is how many of core.tuples are committed.
	tuplesWritten int
	// queue has the subjects that are not complete for a strict metric yet.
	queue queue

	cache cache
	// pendingIDs are spilled ids that the next commit writes, by key; pendingRejects are kept records.
	pendingIDs     map[string]uint64
	spilled        idFilter
	pendingRejects []pendingReject
	pendingBytes   int64

	// frozen are the facts applied, in the order of the plan; frozenRow is the digest of their row, frozenDirty says that it
	// is behind.
	frozen      []Frozen
	frozenRow   digest
	frozenDirty bool

	// failed is why the store can't be used any more; damaged is set by Pebble's goroutines.
	failed  error
	damaged atomic.Pointer[error]

	hasher rowHasher
	sorter sorter
	warmth uint64 // what warm has read
	group  []*Event
	ids    spilledIDs
	key    []byte
	value  []byte
}

// Input returns the number of an input, giving it one at its first appearance. It fails with an *InputChangedError if the
// topic is another one than the store read before.
func (s *Store) Input(name InputName) (Input, error) {
	n := len(s.offsets.inputs)
	i, err := s.offsets.input(name)
	if len(s.offsets.inputs) != n {
		s.indexInputs()
	}
	return i, err
}

// indexInputs brings what is known of each input up to date with the offset record.
func (s *Store) indexInputs() {
	s.ranks = s.offsets.ranks()
	s.sources = s.sources[:0]
	for i := range s.offsets.inputs {
		name := s.offsets.inputs[i].Name.Source
		s.sources = append(s.sources, slices.IndexFunc(s.plan.Sources, func(src *catalog.Source) bool { return src.ID == name }))
	}
}

// Positions are the inputs known so far and how far each has been applied, by rising Input.
func (s *Store) Positions() []Position { return slices.Clone(s.offsets.inputs) }

// Clock is the shard's clock C; math.MinInt64 before the first batch.
func (s *Store) Clock() int64 { return s.offsets.clock }

// ID returns the dictionary id of a dimension's value, giving it one at its first appearance.
func (s *Store) ID(value []byte) uint32 { return s.dictionary.id(value) }

// Name returns the value of a dictionary id. It may be called from any goroutine.
func (s *Store) Name(id uint32) string { return s.dictionary.name(id) }

// Ledger returns a copy of the ledger.
func (s *Store) Ledger() *Ledger { return s.counters.ledger(s.core.schema) }

// Subjects is how many subjects the store has.
func (s *Store) Subjects() int64 { return s.offsets.subjects }

// Reader reads what is committed; the cube loads its cells from it.
func (s *Store) Reader() pebble.Reader { return s.db }

// Metrics are Pebble's: compaction debt, disk use.
func (s *Store) Metrics() *pebble.Metrics { return s.db.Metrics() }

// usable is the reason why the store can't be used any more, if there is one.
func (s *Store) usable() error {
	if err := s.damaged.Load(); err != nil {
		return fmt.Errorf("state: Pebble found damage: %w", errors.Join(*err, ErrCorrupt))
	}
	return s.failed
}

// fail makes the store unusable: what is in memory may be half a batch.
func (s *Store) fail(err error) error {
	if s.failed == nil {
		s.failed = fmt.Errorf("state: %w after: %w", ErrClosed, err)
	}
	return err
}

// Apply changes the subjects of the batch in memory and tells sink what that changes. After an error other than
// ErrRejectsFull (which changes nothing) the store is not usable and must be opened again.
func (s *Store) Apply(b *Batch, sink Sink) error {
	if err := s.usable(); err != nil {
		return err
	}
	if err := s.check(b); err != nil {
		return err
	}
	s.core.clock, s.core.next = s.offsets.clock, max(s.offsets.clock, b.Clock)
	late, err := s.keep(b)
	if err != nil {
		return err
	}
	s.count(b)
	if err := s.applyEvents(b, late, sink); err != nil {
		return s.fail(err)
	}
	s.offsets.advance(b.Advance)
	s.offsets.clock = s.core.next
	if err := s.ripen(s.core.ripe.later(s.core.next, never), sink); err != nil {
		return s.fail(err)
	}
	return nil
}

// applyEvents hands each subject its events, subjects in the order of their keys.
func (s *Store) applyEvents(b *Batch, late []string, sink Sink) error {
	s.sorter.in = s.sorter.in[:0]
	for i := range b.Events {
		if late[i] == "" {
			s.sorter.in = append(s.sorter.in, located{hashSubject(b.Events[i].Subject), int32(i)})
		}
	}
	list := s.sorter.sort()
	load := s.newLoad()
	defer load.close()
	for next := len(list); len(list) > 0; {
		if len(list) <= next {
			s.warmth += s.cache.warm(list)
			next = len(list) - warmed
		}
		hash := list[0].hash
		list = s.nextGroup(b, list)
		e, err := load.subject(hash, s.group[0].Subject)
		if err != nil {
			return err
		}
		s.ids = spilledIDs{store: s, entry: e}
		due := int64(forever)
		if s.core.schema.strict {
			due = s.core.nextDue(e.subject)
		}
		s.sees(s.group)
		s.core.stays = e != s.cache.scratch
		s.core.apply(e.subject, s.group, &s.ids, sink)
		if s.ids.err != nil {
			return s.ids.err
		}
		if s.core.schema.strict {
			s.queue.move(e.hash, e.subject.id, due, s.core.nextDue(e.subject))
		}
		s.changed(e)
	}
	return nil
}

// nextGroup puts the events of the first subject of list into group, and returns what is left.
func (s *Store) nextGroup(b *Batch, list []located) []located {
	first := &b.Events[list[0].index]
	s.group = append(s.group[:0], first)
	n := 1
	for n < len(list) && list[n].hash == list[0].hash {
		ev := &b.Events[list[n].index]
		if !bytes.Equal(ev.Subject, first.Subject) {
			return s.nextOf(b, list, n)
		}
		s.group = append(s.group, ev)
		n++
	}
	return list[n:]
}

// nextOf is nextGroup where several subjects share a hash, the first n events being of one: the others' move up, in order.
func (s *Store) nextOf(b *Batch, list []located, n int) []located {
	end := n
	for end < len(list) && list[end].hash == list[0].hash {
		end++
	}
	var others []located
	for _, l := range list[n:end] {
		if ev := &b.Events[l.index]; bytes.Equal(ev.Subject, s.group[0].Subject) {
			s.group = append(s.group, ev)
		} else {
			others = append(others, l)
		}
	}
	copy(list[end-len(others):end], others)
	return list[end-len(others):]
}

// check refuses a batch that does not fit the plan, before anything is changed.
func (s *Store) check(b *Batch) error {
	bad := func(what string, i, got, bound int) error {
		return fmt.Errorf("state: batch: %s %d is %d, must be below %d", what, i, got, bound)
	}
	for i := range b.Events {
		ev := &b.Events[i]
		if ev.Def < 0 || ev.Def >= len(s.plan.Events) {
			return bad("event definition of event", i, ev.Def, len(s.plan.Events))
		}
		d := &s.plan.Events[ev.Def]
		if ev.Record < 0 || ev.Record >= len(b.Records) && len(b.Records) > 0 {
			return bad("record of event", i, ev.Record, len(b.Records))
		}
		if int(ev.Input) >= len(s.offsets.inputs) {
			return bad("input of event", i, int(ev.Input), len(s.offsets.inputs))
		}
		if len(ev.Values) != len(d.Measures) || len(ev.Exposures) != len(d.Exposures) ||
			len(ev.Dimensions) != len(d.Dimensions)+len(d.ProfileColumns) {
			return fmt.Errorf("state: batch: event %d of %s has %d values, %d exposures and %d dimensions, the plan %d, %d and %d", i, d.ID,
				len(ev.Values), len(ev.Exposures), len(ev.Dimensions), len(d.Measures), len(d.Exposures), len(d.Dimensions)+len(d.ProfileColumns))
		}
	}
	for i := range b.Events {
		ev := &b.Events[i]
		for k, x := range s.plan.Events[ev.Def].Exposures {
			e := &ev.Exposures[k]
			if e.Counts && (e.Variant >= len(s.plan.Experiments[x].Variants) || len(e.Dimensions) != s.core.schema.experiments[x].exposureDims) {
				return fmt.Errorf("state: batch: event %d of %s exposes to variant %d with %d dimensions, experiment %s has %d and %d", i, s.plan.Events[ev.Def].ID,
					e.Variant, len(e.Dimensions), s.plan.Experiments[x].ID, len(s.plan.Experiments[x].Variants), s.core.schema.experiments[x].exposureDims)
			}
		}
	}
	for i := range b.Records {
		if int(b.Records[i].Input) >= len(s.offsets.inputs) {
			return bad("input of record", i, int(b.Records[i].Input), len(s.offsets.inputs))
		}
	}
	if len(b.Filtered) > len(s.plan.Events) || len(b.Elsewhere) > len(s.plan.Events) {
		return fmt.Errorf("state: batch: %d filtered and %d elsewhere counts, the plan has %d events", len(b.Filtered), len(b.Elsewhere), len(s.plan.Events))
	}
	for i, r := range b.Rejects {
		if r.Record < 0 || r.Record >= len(b.Records) || r.Event < -1 || r.Event >= len(s.plan.Events) {
			return fmt.Errorf("state: batch: reject %d is of record %d of %d and event %d of %d", i, r.Record, len(b.Records), r.Event, len(s.plan.Events))
		}
	}
	for i, a := range b.Advance {
		if int(a.Input) >= len(s.offsets.inputs) {
			return bad("input of advance", i, int(a.Input), len(s.offsets.inputs))
		}
	}
	return nil
}

// count takes a batch's records into the ledger. Accepted and duplicate events are counted where that is decided.
func (s *Store) count(b *Batch) {
	for i := range b.Records {
		if n := s.source(b.Records[i].Input); n != nil {
			if b.Records[i].Copy {
				n.Copies++
			} else {
				n.Read++
			}
		}
	}
	for _, r := range b.Rejects {
		if r.Event >= 0 {
			e := &s.counters.events[r.Event]
			e.rejected++
			countReason(&e.reasons, r.Reason)
		} else if n := s.source(b.Records[r.Record].Input); n != nil {
			n.Rejected++
			countReason(&n.Reasons, r.Reason)
		}
	}
	for d, n := range b.Filtered {
		s.counters.events[d].filtered += n
	}
	for d, n := range b.Elsewhere {
		s.counters.events[d].elsewhere += n
	}
}

// source is the ledger of an input's source; nil for the engine's own topic.
func (s *Store) source(i Input) *SourceLedger {
	if k := s.sources[i]; k >= 0 {
		return &s.counters.sources[k]
	}
	return nil
}

// Dirty is about how many bytes the next Commit will write.
func (s *Store) Dirty() int64 {
	return s.pendingBytes + int64(s.core.index.pending()) + int64(s.cache.changes()+len(s.queue.pending))*dirtyEstimate
}

// dirtyEstimate is what a changed subject, or a row of the queue, costs in a commit, about.
const dirtyEstimate = 200

// Close closes the store without committing.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	s.failed = ErrClosed
	s.cache.table.close()
	return db.Close()
}
