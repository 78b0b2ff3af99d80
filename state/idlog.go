package state

import (
	"encoding/binary"
	"fmt"
)

// Each commit writes the ids that the index took in since the one before: for each bucket they are in, some rows of up to
// loggedRow ids, in the order in which they came. No row is ever written again or looked for: opening a store reads them
// all, and a bucket is dropped as one range. So an id costs loggedBytes, whether its subject has one or a million.

// idLogVersion is the first byte of a log's row. Append-only:
//
//	1: the layout of FORMAT.md
const idLogVersion = 1

const (
	// loggedBytes is the size of an id: 10 bytes of its identity's hash, 5 of its content's.
	loggedBytes = 15
	loggedRow   = 1024
)

// appendLogged appends what a row has of an id.
func appendLogged(b []byte, s idSlot) []byte {
	b = binary.BigEndian.AppendUint64(b, s.hash)
	b = binary.BigEndian.AppendUint16(b, uint16(s.rest>>48))
	b = append(b, byte(s.rest>>32))
	return binary.BigEndian.AppendUint32(b, uint32(s.rest))
}

func appendIDLogKey(b []byte, bucket uint32, commit uint64, part uint32) []byte {
	b = binary.BigEndian.AppendUint32(append(b, prefixIDLog), bucket)
	b = binary.BigEndian.AppendUint64(b, commit)
	return binary.BigEndian.AppendUint32(b, part)
}

// checkIDLog refuses what is no row of a log.
func checkIDLog(key, row []byte) error {
	if len(key) != 17 || len(row) <= 1 || row[0] != idLogVersion || (len(row)-1)%loggedBytes != 0 {
		return fmt.Errorf("state: row %x of a log of ids does not decode: %w", key, ErrCorrupt)
	}
	return nil
}

// loadIDLog takes a row of a log into the index.
func (x *idIndex) loadIDLog(key, row []byte) error {
	if err := checkIDLog(key, row); err != nil {
		return err
	}
	bucket := binary.BigEndian.Uint32(key[1:])
	for b := row[1:]; len(b) > 0; b = b[loggedBytes:] {
		rest := uint64(binary.BigEndian.Uint16(b[8:]))<<48 | uint64(b[10])<<32 | uint64(binary.BigEndian.Uint32(b[11:]))
		x.load(idSlot{binary.BigEndian.Uint64(b), rest}, bucket)
	}
	return nil
}

// writeIDLogs writes the pending ids of the buckets after now.
func (s *Store) writeIDLogs(w *writer, now uint32) error {
	x := &s.core.index
	for i := range x.buckets {
		b := &x.buckets[i]
		if b.bucket <= now {
			continue
		}
		for part, left := uint32(0), b.pending; len(left) > 0; part++ {
			n := min(len(left), loggedRow*loggedBytes)
			s.key = appendIDLogKey(s.key[:0], b.bucket, s.offsets.commit+1, part)
			s.value = append(append(s.value[:0], idLogVersion), left[:n]...)
			if err := w.batch.Set(s.key, s.value, nil); err != nil {
				return err
			}
			s.offsets.buckets[b.bucket] = s.offsets.buckets[b.bucket].add(s.hasher.row(s.key, s.value))
			left = left[n:]
		}
		b.pending = b.pending[:0]
	}
	return nil
}
