package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/stats/moment"
)

// VerifyDigest compares all committed rows with the digest. It finds damage that Pebble's checksums miss.
func (s *Store) VerifyDigest(ctx context.Context) error { return s.digestCheck(nil)(ctx) }

// DigestCheck returns a VerifyDigest of the store as it is committed now, which must be called once and may run in another
// goroutine while the store goes on: a big store that was opened with VerifyLater is checked that way.
func (s *Store) DigestCheck() func(context.Context) error { return s.digestCheck(nil) }

// digestCheck is DigestCheck, which also tells of each row.
func (s *Store) digestCheck(tell func(key, row []byte) error) func(context.Context) error {
	snapshot, sum, buckets := s.db.NewSnapshot(), s.offsets.sum, maps.Clone(s.offsets.buckets)
	return func(ctx context.Context) error {
		return errors.Join(verifyDigest(ctx, snapshot, sum, buckets, tell), snapshot.Close())
	}
}

func verifyDigest(ctx context.Context, r pebble.Reader, want digest, wantBuckets map[uint32]digest, tell func(key, row []byte) error) error {
	var sum digest
	var hasher rowHasher
	buckets := map[uint32]digest{}
	err := scan(ctx, r, nil, nil, func(key, value []byte) error {
		row := hasher.row(key, value)
		switch {
		case bytes.Equal(key, keyFormat) || bytes.Equal(key, keyOffsets):
		case bytes.Equal(key, keyDefinitions) || bytes.Equal(key, keyFrozen):
			sum = sum.add(row)
		case (key[0] == prefixID || key[0] == prefixIDLog) && len(key) > 5:
			b := binary.BigEndian.Uint32(key[1:5])
			buckets[b] = buckets[b].add(row)
		case bytes.IndexByte([]byte{prefixCell, prefixDictionary, prefixQueue, prefixReject, prefixSubject, prefixTuple}, key[0]) >= 0:
			sum = sum.add(row)
		default:
			return fmt.Errorf("state: row %x is of no kind: %w", key, ErrCorrupt)
		}
		if tell != nil {
			return tell(key, value)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sum != want {
		return fmt.Errorf("state: rows add up to digest %x, the offset record says %x: %w", sum, want, ErrCorrupt)
	}
	if len(buckets) != len(wantBuckets) {
		return fmt.Errorf("state: %d buckets of ids, the offset record says %d: %w", len(buckets), len(wantBuckets), ErrCorrupt)
	}
	for b, d := range wantBuckets {
		if buckets[b] != d {
			return fmt.Errorf("state: bucket %d of ids adds up to digest %x, the offset record says %x: %w", b, buckets[b], d, ErrCorrupt)
		}
	}
	return nil
}

// scan calls f for all committed rows from low to high, in the order of keys.
func (s *Store) scan(ctx context.Context, low, high []byte, f func(key, value []byte) error) error {
	return scan(ctx, s.db, low, high, f)
}

func scan(ctx context.Context, r pebble.Reader, low, high []byte, f func(key, value []byte) error) error {
	iter, err := r.NewIterWithContext(ctx, &pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return fmt.Errorf("state: scan: %w", mark(err))
	}
	defer iter.Close()
	n := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		value, err := iter.ValueAndErr()
		if err != nil {
			return fmt.Errorf("state: scan: %w", mark(err))
		}
		if err := f(iter.Key(), value); err != nil {
			return err
		}
	}
	if err := iter.Error(); err != nil {
		return fmt.Errorf("state: scan: %w", mark(err))
	}
	return nil
}

// subjects calls f for every subject in the order of keys: as changed in memory where it is, else as committed.
func (s *Store) subjects(ctx context.Context, f func(hash uint64, subject *Subject, head []byte) error) error {
	err := s.scan(ctx, []byte{prefixSubject}, []byte{prefixSubject + 1}, func(key, value []byte) error {
		id, kind, ok := subjectOf(key)
		if !ok {
			return fmt.Errorf("state: key %x is no subject's: %w", key, ErrCorrupt)
		}
		if kind != kindHead {
			return nil
		}
		hash := binary.BigEndian.Uint64(key[1:9])
		if e := s.cache.find(hash, id); e != nil && e.dirty {
			return f(hash, e.subject, nil)
		}
		if row := s.cache.changedRow(hash, id); row != nil {
			subject, err := s.decodeRows(hash, id, row)
			if err != nil {
				return err
			}
			return f(hash, subject, nil)
		}
		subject, err := s.decodeRows(hash, id, value)
		if err != nil {
			return err
		}
		return f(hash, subject, value)
	})
	if err != nil {
		return err
	}
	for _, e := range s.cache.dirty {
		if !e.stored {
			if err := f(e.hash, e.subject, nil); err != nil {
				return err
			}
		}
	}
	for _, hash := range s.cache.changed {
		at := s.cache.table.find(hash)
		if at.state&fresh == 0 {
			continue
		}
		id, row := s.cache.table.row(at)
		subject, err := s.decodeRows(hash, string(id), row)
		if err != nil {
			return err
		}
		if err := f(hash, subject, nil); err != nil {
			return err
		}
	}
	return nil
}

// Contributions hands sink every subject's contribution as a change from nothing: a cube built from them equals the cube
// built from the events. What is applied but not yet committed is included.
func (s *Store) Contributions(sink Sink) error {
	return s.contributions(context.Background(), always, sink)
}

// CountEpochs hands sink the epoch of every subject of some experiments, as changes from nothing: the instants at which their
// ramps change are others than when the cells were written (cube.Recount). Nothing of the state changes.
func (s *Store) CountEpochs(ctx context.Context, experiments []int, sink Sink) error {
	var cells []cell
	return s.subjects(ctx, func(_ uint64, subject *Subject, _ []byte) error {
		for i := range subject.exposed {
			if x := &subject.exposed[i]; slices.Contains(experiments, int(x.experiment)) && !s.core.out(x) {
				cells = s.core.epochCell(x, s.core.baseCell(subject, x), cells[:0])
				emit(int(x.experiment), nil, cells, sink)
			}
		}
		return nil
	})
}

// Range hands sink what each subject with a first exposure before to contributes by its events in [from, to), both at
// UTC day bounds, as changes from nothing.
func (s *Store) Range(from, to int64, sink Sink) error {
	if from%day != 0 || to%day != 0 || from >= to {
		return fmt.Errorf("state: range from %d to %d is not of whole UTC days", from, to)
	}
	return s.contributions(context.Background(), span{from, to}, sink)
}

func (s *Store) contributions(ctx context.Context, within span, sink Sink) error {
	var cells []cell
	return s.subjects(ctx, func(_ uint64, subject *Subject, _ []byte) error {
		for i := range subject.exposed {
			x := &subject.exposed[i]
			cells = s.core.contributions(subject, x, within, nil, cells[:0])
			emit(int(x.experiment), nil, cells, sink)
		}
		return nil
	})
}

// Verify walks all invariants: the digest, every row decodes and encodes to the same bytes, the ledger balances and
// follows from the subjects. Each contribution goes to cells, with which the caller compares the cube's persisted cells.
func (s *Store) Verify(ctx context.Context, cells func(moment.Change)) error {
	check := func(key, row []byte) error {
		if key[0] == prefixIDLog {
			return checkIDLog(key, row)
		}
		return nil
	}
	if err := s.digestCheck(check)(ctx); err != nil {
		return err
	}
	own := newCounters(s.core.schema)
	count, b := int64(0), []byte(nil)
	var list []cell
	queue := queueCheck{store: s}
	err := s.subjects(ctx, func(hash uint64, subject *Subject, head []byte) error {
		count++
		if err := queue.subject(hash, subject); err != nil {
			return err
		}
		if head != nil {
			if b = s.core.encode(subject, b[:0]); !bytes.Equal(b, head) {
				return fmt.Errorf("state: subject %q encodes to other bytes than its row: %w", subject.id, ErrCorrupt)
			}
		}
		for _, n := range subject.accepted {
			own.events[n.event].accepted += n.n
		}
		for i := range subject.exposed {
			x := &subject.exposed[i]
			s.core.addTo(own, subject, x)
			list = s.core.contributions(subject, x, always, nil, list[:0])
			emit(int(x.experiment), nil, list, sinkFunc(cells))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := queue.done(); err != nil {
		return err
	}
	if count != s.offsets.subjects {
		return fmt.Errorf("state: %d subjects, the offset record says %d: %w", count, s.offsets.subjects, ErrCorrupt)
	}
	if err := s.Ledger().Check(s.eventSources()); err != nil {
		return err
	}
	return own.compare(s.counters, s.core.schema)
}

type sinkFunc func(moment.Change)

func (f sinkFunc) Change(c moment.Change) {
	if f != nil {
		f(c)
	}
}

func (s *Store) eventSources() []int {
	sources := make([]int, len(s.plan.Events))
	for d := range s.plan.Events {
		sources[d] = s.plan.Events[d].Source
	}
	return sources
}

// addTo adds one subject's part in an experiment to a ledger.
func (c *core) addTo(l *counters, s *Subject, x *exposed) {
	e := &l.experiments[x.experiment]
	e.exposed++
	if x.crossed {
		e.crossovers++
	}
	c.counts = c.tally(s, x, c.counts[:0])
	for k, d := range c.schema.experiments[x.experiment].reads {
		e.counted[k] += c.counts[k].counted
		e.outside[k] += s.acceptedOf(d) - c.counts[k].counted - c.counts[k].unexposed
	}
}

// compare says where a ledger counted from the subjects differs from the one that was kept.
func (c *counters) compare(kept *counters, s *schema) error {
	for d := range c.events {
		if a, b := c.events[d].accepted, kept.events[d].accepted; a != b {
			return fmt.Errorf("state: subjects have %d accepted %s, the ledger %d: %w", a, s.plan.Events[d].ID, b, ErrCorrupt)
		}
	}
	for x := range c.experiments {
		a, b := &c.experiments[x], &kept.experiments[x]
		if a.exposed != b.exposed || a.crossovers != b.crossovers {
			return fmt.Errorf("state: experiment %s has %d subjects with %d crossovers, the ledger %d and %d: %w",
				s.plan.Experiments[x].ID, a.exposed, a.crossovers, b.exposed, b.crossovers, ErrCorrupt)
		}
		for k, d := range s.experiments[x].reads {
			if a.counted[k] != b.counted[k] || d != s.experiments[x].exposure && a.outside[k] != b.outside[k] {
				return fmt.Errorf("state: experiment %s counts %d %s with %d outside, the ledger %d and %d: %w", s.plan.Experiments[x].ID,
					a.counted[k], s.plan.Events[d].ID, a.outside[k], b.counted[k], b.outside[k], ErrCorrupt)
			}
		}
	}
	return nil
}
