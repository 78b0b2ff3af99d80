package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// rejectVersion is the first byte of a kept record. Append-only:
//
//	1: the layout of FORMAT.md
const rejectVersion = 1

// Kept is a rejected or late record with its original bytes.
type Kept struct {
	Reason, Detail string
	Event          int // index into catalog.Plan.Events; -1: the whole record
	Name           InputName
	Offset         int64
	Timestamp      int64
	Key, Value     []byte
}

// pendingReject is a row that the next commit writes.
type pendingReject struct {
	number uint64
	value  []byte
}

// keep decides which events are late and sets aside the bytes of what is rejected or late. late has a reason for each
// event, empty for those in time. It changes nothing if the quota does not suffice.
func (s *Store) keep(b *Batch) (late []string, err error) {
	late = make([]string, len(b.Events))
	adds := map[string]int64{}
	size := func(reason string, record int) {
		adds[reason] += 64
		if len(b.Records) > 0 {
			adds[reason] += int64(len(b.Records[record].Key) + len(b.Records[record].Value))
		}
	}
	for i := range b.Events {
		if late[i] = s.core.late(&b.Events[i]); late[i] != "" {
			size(late[i], b.Events[i].Record)
		}
	}
	for _, r := range b.Rejects {
		size(r.Reason, r.Record)
	}
	full := map[string]bool{}
	for reason, n := range adds {
		if s.offsets.kept[reason]+n > s.opt.RejectQuota {
			full[reason] = true
		}
	}
	if len(full) > 0 && !s.opt.RejectsCountOnly {
		return nil, fmt.Errorf("state: %d bytes of rejected and late records a reason: %w", s.opt.RejectQuota, ErrRejectsFull)
	}
	for _, r := range b.Rejects {
		if !full[r.Reason] {
			s.set(b, r.Record, r.Event, r.Reason, r.Detail)
		}
	}
	for i, reason := range late {
		if reason == "" {
			continue
		}
		e := &s.counters.events[b.Events[i].Def]
		e.late++
		countReason(&e.reasons, reason)
		if !full[reason] {
			s.set(b, b.Events[i].Record, b.Events[i].Def, reason, "")
		}
	}
	for reason, n := range adds {
		if full[reason] {
			continue
		}
		if s.offsets.kept == nil {
			s.offsets.kept = map[string]int64{}
		}
		s.offsets.kept[reason] += n
	}
	return late, nil
}

// set puts one record among those that the next commit writes.
func (s *Store) set(b *Batch, record, event int, reason, detail string) {
	var r Record
	if len(b.Records) > 0 {
		r = b.Records[record]
	}
	name := InputName{}
	if int(r.Input) < len(s.offsets.inputs) {
		name = s.offsets.inputs[r.Input].Name
	}
	v := []byte{rejectVersion}
	v = appendText(v, reason)
	v = appendText(v, detail)
	v = binary.AppendVarint(v, int64(event))
	v = appendText(v, name.Source)
	v = appendText(v, name.Topic)
	v = append(v, name.TopicID[:]...)
	v = binary.AppendVarint(v, int64(name.Partition))
	v = binary.AppendVarint(v, int64(name.Partitions))
	v = binary.AppendVarint(v, r.Offset)
	v = binary.AppendVarint(v, r.Timestamp)
	// A record without a key is not one with an empty key.
	for _, text := range [][]byte{r.Key, r.Value} {
		if text == nil {
			v = append(v, 0)
			continue
		}
		v = binary.AppendUvarint(v, uint64(len(text))+1)
		v = append(v, text...)
	}
	s.pendingRejects = append(s.pendingRejects, pendingReject{s.offsets.rejects, v})
	s.offsets.rejects++
	s.pendingBytes += int64(len(v))
}

func rejectKey(b []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, prefixReject), number)
}

func decodeKept(b []byte) (k Kept, err error) {
	r := &reader{b: b}
	version := r.byte()
	k.Reason, k.Detail = r.text(), r.text()
	k.Event = int(r.varint())
	k.Name.Source, k.Name.Topic = r.text(), r.text()
	copy(k.Name.TopicID[:], r.bytes(16))
	k.Name.Partition, k.Name.Partitions = int32(r.varint()), int32(r.varint())
	k.Offset, k.Timestamp = r.varint(), r.varint()
	for _, to := range []*[]byte{&k.Key, &k.Value} {
		if n := r.uvarint(); n > 0 {
			*to = r.bytes(n - 1)
		}
	}
	if version != rejectVersion || r.bad || len(r.b) > 0 {
		return Kept{}, fmt.Errorf("state: kept record does not decode: %w", ErrCorrupt)
	}
	return k, nil
}

// Rejects calls f for each committed rejected or late record, oldest first; Key and Value are valid during the call only.
func (s *Store) Rejects(f func(Kept) error) error {
	return s.scan(context.Background(), []byte{prefixReject}, []byte{prefixReject + 1}, func(_, value []byte) error {
		k, err := decodeKept(value)
		if err != nil {
			return err
		}
		return f(k)
	})
}

// DropRejects deletes the committed rejected and late records of a reason (empty: of all) and frees their quota. It is an
// operator's act on a store at rest: everything applied must be committed.
func (s *Store) DropRejects(reason string) (dropped int, err error) {
	if err := s.usable(); err != nil {
		return 0, err
	}
	if s.cache.changes() > 0 || len(s.pendingRejects) > 0 {
		return 0, errors.New("state: drop kept records: commit first")
	}
	w := &writer{store: s, batch: s.db.NewBatch(), sum: s.offsets.sum}
	defer w.batch.Close()
	err = s.scan(context.Background(), []byte{prefixReject}, []byte{prefixReject + 1}, func(key, value []byte) error {
		k, err := decodeKept(value)
		if err != nil || reason != "" && k.Reason != reason {
			return err
		}
		dropped++
		return w.delete(key, s.hasher.row(key, value))
	})
	if err != nil {
		return 0, err
	}
	for r := range s.offsets.kept {
		if reason == "" || r == reason {
			delete(s.offsets.kept, r)
		}
	}
	if err := s.finish(w); err != nil {
		return 0, s.fail(fmt.Errorf("state: drop kept records: %w", err))
	}
	return dropped, nil
}
