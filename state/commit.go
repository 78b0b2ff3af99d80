package state

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/stats/moment"
)

// Commit writes all that Apply changed, the positions and the ledger in one batch. extra (cube.Cube.Persist) adds the
// cube's rows to it: it calls set with each key, which starts with 'c', and its old and new value (nil: absent). set keeps
// the digest, which is why it wants the old values.
func (s *Store) Commit(extra func(set func(key, old, new []byte) error) error) error {
	if err := s.usable(); err != nil {
		return err
	}
	w := &writer{store: s, batch: s.db.NewBatch(), sum: s.offsets.sum.sub(s.cache.taken)}
	defer w.batch.Close()
	if err := s.writeAll(w, extra); err != nil {
		return s.fail(fmt.Errorf("state: write a commit: %w", err))
	}
	if err := s.finish(w); err != nil {
		return s.fail(fmt.Errorf("state: commit: %w", err))
	}
	for _, e := range s.cache.dirty {
		e.dirty = false
		s.cache.weighAgain(e)
	}
	clear(s.cache.dirty)
	s.cache.dirty = s.cache.dirty[:0]
	s.cache.changed, s.cache.taken = s.cache.changed[:0], digest{}
	clear(s.pendingIDs)
	s.pendingRejects = s.pendingRejects[:0]
	s.pendingBytes = 0
	s.cache.trim()
	return nil
}

// finish adds the offset record to a batch and commits it.
func (s *Store) finish(w *writer) error {
	s.offsets.sum = w.sum
	s.offsets.commit++
	s.value = s.offsets.encode(s.counters, s.value[:0])
	if err := w.batch.Set(keyOffsets, s.value, nil); err != nil {
		return err
	}
	sync := pebble.NoSync
	if s.opt.WAL {
		sync = pebble.Sync
	}
	return w.batch.Commit(sync)
}

// writer puts rows into a batch and keeps the digest.
type writer struct {
	store *Store
	batch *pebble.Batch
	sum   digest
}

// set writes a row whose old hash is known; it returns the new one.
func (w *writer) set(key, value []byte, old digest) (digest, error) {
	row := w.store.hasher.row(key, value)
	w.sum = w.sum.sub(old).add(row)
	return row, w.batch.Set(key, value, nil)
}

func (w *writer) delete(key []byte, old digest) error {
	w.sum = w.sum.sub(old)
	return w.batch.Delete(key, nil)
}

func (s *Store) writeAll(w *writer, extra func(set func(key, old, new []byte) error) error) error {
	if err := s.writeSubjects(w); err != nil {
		return err
	}
	if err := s.writeDictionaries(w); err != nil {
		return err
	}
	if err := s.writeIDs(w); err != nil {
		return err
	}
	if err := s.writeQueue(w); err != nil {
		return err
	}
	if err := s.writeFrozen(w); err != nil {
		return err
	}
	for i := range s.pendingRejects {
		p := &s.pendingRejects[i]
		if _, err := w.set(rejectKey(nil, p.number), p.value, digest{}); err != nil {
			return err
		}
	}
	if extra == nil {
		return nil
	}
	return extra(func(key, old, new []byte) error {
		if len(key) == 0 || key[0] != prefixCell {
			return fmt.Errorf("state: key %x is not the cube's", key)
		}
		var was digest
		if old != nil {
			was = s.hasher.row(key, old)
		}
		if new == nil {
			return w.delete(key, was)
		}
		_, err := w.set(key, new, was)
		return err
	})
}

// writeSubjects writes the subjects that changed in the order of their hashes, so that rows go to Pebble in nearly that of their
// keys.
func (s *Store) writeSubjects(w *writer) error {
	dirty := s.cache.dirty
	s.sorter.in = s.sorter.in[:0]
	for i, e := range dirty {
		s.sorter.in = append(s.sorter.in, located{e.hash, int32(i)})
	}
	for _, hash := range s.cache.changed {
		s.sorter.in = append(s.sorter.in, located{hash, inTable})
	}
	list := s.sorter.sort()
	for i, l := range list {
		if i%warmed == 0 {
			s.warmth += s.cache.table.warm(list[i:])
		}
		var err error
		if l.index == inTable {
			err = s.writeRow(w, l.hash)
		} else {
			err = s.writeSubject(w, dirty[l.index])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// inTable stands for the place among the decoded subjects of one that is not decoded.
const inTable = -1

// writeRow writes the head row of a subject that is not decoded, and has no other rows that changed.
func (s *Store) writeRow(w *writer, hash uint64) error {
	at := s.cache.table.find(hash)
	if at.state&changed == 0 {
		return nil // it is decoded by now
	}
	at.state &^= changed | fresh | again
	id, row := s.cache.table.row(at)
	s.key = appendHeadKey(s.key[:0], hash, id)
	_, err := w.set(s.key, row, digest{})
	return err
}

// writeSubject writes a subject's head row and those of its child rows that changed.
func (s *Store) writeSubject(w *writer, e *entry) error {
	sub := e.subject
	for _, d := range sub.dropped {
		g := segment{list: d.list, cut: d.cut, tuple: d.tuple}
		if err := w.delete(appendSetKey(nil, e.hash, sub.id, &g), d.sum); err != nil {
			return err
		}
	}
	sub.dropped = sub.dropped[:0]
	for i := range sub.segments {
		g := &sub.segments[i]
		if g.set == nil || !g.set.large() || g.set.stored && !g.set.changed {
			continue
		}
		s.value = encodeSet(g.set, s.value[:0])
		row, err := w.set(appendSetKey(nil, e.hash, sub.id, g), s.value, g.set.row)
		if err != nil {
			return err
		}
		g.set.row, g.set.stored, g.set.changed = row, true, false
	}
	if err := s.writeChunks(w, e); err != nil {
		return err
	}
	s.key = appendHeadKey(s.key[:0], e.hash, sub.id)
	s.value = s.core.encode(sub, s.value[:0])
	row, err := w.set(s.key, s.value, e.row)
	e.row, e.stored = row, true
	s.cache.keep(e, s.value)
	return err
}

// writeChunks deletes the tail chunks that are no longer in use, and moves a long head tail to a new one.
func (s *Store) writeChunks(w *writer, e *entry) error {
	sub := e.subject
	gone := 0
	for _, c := range sub.rows {
		if c.number > sub.firstChunk {
			break
		}
		if err := w.delete(appendChunkKey(nil, e.hash, sub.id, c.number), c.sum); err != nil {
			return err
		}
		gone++
	}
	sub.rows = slices.Delete(sub.rows, 0, gone)
	inHead := 0
	for i := range sub.tail {
		if sub.tail[i].chunk == 0 {
			inHead++
		}
	}
	if inHead <= headTail {
		return nil
	}
	sub.chunks++
	for i := range sub.tail {
		if sub.tail[i].chunk == 0 {
			sub.tail[i].chunk = sub.chunks
		}
	}
	s.value = s.core.encodeTail(sub, sub.chunks, append(s.value[:0], rowVersion))
	row, err := w.set(appendChunkKey(nil, e.hash, sub.id, sub.chunks), s.value, digest{})
	sub.rows = append(sub.rows, chunkRow{sub.chunks, row})
	return err
}

func (s *Store) writeDictionaries(w *writer) error {
	names := s.dictionary.len()
	for i := s.dictionary.written; i < names; i++ {
		id := moment.FirstValue + uint32(i)
		if _, err := w.set(dictionaryKey(nil, id), []byte(s.dictionary.name(id)), digest{}); err != nil {
			return err
		}
	}
	s.dictionary.written = names
	s.offsets.dictionary = int64(names)
	for i := s.tuplesWritten; i < len(s.core.tuples.values); i++ {
		if _, err := w.set(tupleKey(nil, uint32(i+1)), appendDims(nil, s.core.tuples.values[i]), digest{}); err != nil {
			return err
		}
	}
	s.tuplesWritten = len(s.core.tuples.values)
	s.offsets.tuples = int64(s.tuplesWritten)
	return nil
}

// writeIDs writes the ids that are new and drops the buckets that the clock has passed, with their digests.
func (s *Store) writeIDs(w *writer) error {
	now := uint32(0)
	if s.offsets.clock > 0 {
		now = uint32(min(s.offsets.clock/hour, keptForEver-1))
	}
	for _, key := range slices.Sorted(maps.Keys(s.pendingIDs)) {
		k := []byte(key)
		bucket := binary.BigEndian.Uint32(k[1:5])
		if bucket <= now {
			continue
		}
		value := binary.BigEndian.AppendUint64(nil, s.pendingIDs[key])
		if err := w.batch.Set(k, value, nil); err != nil {
			return err
		}
		s.offsets.buckets[bucket] = s.offsets.buckets[bucket].add(s.hasher.row(k, value))
	}
	if err := s.writeIDLogs(w, now); err != nil {
		return err
	}
	s.core.index.drop(now)
	dropped := false
	for bucket := range s.offsets.buckets {
		if bucket <= now {
			delete(s.offsets.buckets, bucket)
			s.spilled.drop(bucket)
			dropped = true
		}
	}
	if !dropped {
		return nil
	}
	for _, prefix := range []byte{prefixID, prefixIDLog} {
		if err := w.batch.DeleteRange([]byte{prefix}, binary.BigEndian.AppendUint32([]byte{prefix}, now+1), nil); err != nil {
			return err
		}
	}
	return nil
}

// Durable makes everything committed so far survive a crash of the machine.
func (s *Store) Durable() error {
	if err := s.usable(); err != nil {
		return err
	}
	var err error
	if s.opt.WAL {
		err = s.db.LogData(nil, pebble.Sync)
	} else {
		err = s.db.Flush()
	}
	if err != nil {
		return s.fail(fmt.Errorf("state: flush: %w", err))
	}
	if err := writeMarker(s.opt.FS, s.dir, s.offsets.commit); err != nil {
		return fmt.Errorf("state: mark commit %d as durable: %w", s.offsets.commit, err)
	}
	return nil
}

// Checkpoint makes the store durable and a copy of it in dir, which must not exist.
func (s *Store) Checkpoint(dir string) error {
	if err := s.Durable(); err != nil {
		return err
	}
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("state: checkpoint to %s: %w", dir, err)
	}
	if err := writeMarker(s.opt.FS, dir, s.offsets.commit); err != nil {
		return fmt.Errorf("state: checkpoint to %s: %w", dir, err)
	}
	return nil
}
