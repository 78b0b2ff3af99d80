package alert

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// formatVersion of the database, in its 'v' row. Versions are only ever added:
//
//	1  the first
const formatVersion = 1

// valueVersion is the first byte of every value.
const valueVersion = 1

// databaseFormat is Pebble's own format version. It is raised deliberately, never by a new release of Pebble: a raised
// one can't be opened by the last release.
const databaseFormat = pebble.FormatValueSeparation

// First bytes of keys; FORMAT.md describes each row.
const (
	formatPrefix     = 'v'
	checkPrefix      = 'g'
	experimentPrefix = 'e'
	alertPrefix      = 'a'
	outboxPrefix     = 'o'
	deliveredPrefix  = 'd'
	deadPrefix       = 'x'
	transitionPrefix = 't'
	receiverPrefix   = 'r'
)

var (
	// ErrFormat: the database was written by a version of Tidemark that this one does not know.
	ErrFormat = errors.New("unknown format of the alerts' database")
	// ErrCorrupt: a row is damaged, or rows are missing. What the alerts' database holds can't be trusted.
	ErrCorrupt = errors.New("the alerts' database is damaged: put a copy back, or move its directory away to begin anew (FORMAT.md says what that means for ids)")
	// ErrClosed: the Manager was closed.
	ErrClosed = errors.New("alert: closed")
)

// change is one row to write; a nil value deletes it.
type change struct{ key, value []byte }

// store is the database. Every commit also writes a check row: the number of rows and the XOR of their hashes.
// Pebble's checksums find a damaged block, but not a table that a damaged manifest has forgotten; the check row does,
// because it can't match rows that are older than itself.
type store struct {
	db       *pebble.DB
	readOnly bool

	mu     sync.Mutex        // one commit at a time: the check row is about all rows
	rows   map[string]uint64 // key → hash of the row
	check  uint64
	broken error // a failed commit: nothing is known about the disk after it
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode frames a value: version, JSON, CRC-32C over both.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("alert: encode %T: %v", v, err)) // our own types: strings, numbers, times
	}
	return frame(append([]byte{valueVersion}, text...))
}

func frame(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decode(key, value []byte, v any) error {
	if len(value) < 5 || binary.BigEndian.Uint32(value[len(value)-4:]) != crc32.Checksum(value[:len(value)-4], castagnoli) {
		return fmt.Errorf("alert: row %q: %w", key, ErrCorrupt)
	}
	if value[0] != valueVersion {
		return fmt.Errorf("alert: row %q has version %d, this program knows %d: %w", key, value[0], valueVersion, ErrFormat)
	}
	if err := json.Unmarshal(value[1:len(value)-4], v); err != nil {
		return fmt.Errorf("alert: row %q: %v: %w", key, err, ErrCorrupt)
	}
	return nil
}

// key joins a prefix and fields. Each field has its length in front: ids may hold any byte.
func key(prefix byte, fields ...string) []byte {
	k := []byte{prefix}
	for _, f := range fields {
		k = binary.AppendUvarint(k, uint64(len(f)))
		k = append(k, f...)
	}
	return k
}

func (k Key) row() []byte { return key(alertPrefix, k.Experiment, k.Rule, k.Metric, k.Variant) }

// deliveryKey sorts a receiver's messages in the order in which they came about.
func deliveryKey(prefix byte, receiver string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(key(prefix, receiver), seq)
}

func transitionKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{transitionPrefix}, seq)
}

type formatRow struct {
	Format int    `json:"format"`
	What   string `json:"what"`
}

type checkRow struct {
	Rows int    `json:"rows"`
	XOR  uint64 `json:"xor"`
}

func rowHash(key, value []byte) uint64 {
	// FNV-1a over length, key and value, finished by a multiplication so that single bits spread.
	h := uint64(14695981039346656037)
	mix := func(b []byte) {
		for _, c := range b {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(key)))
	mix(n[:])
	mix(key)
	mix(value)
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return h ^ h>>32
}

// openStore opens or creates the database and checks every row.
func openStore(dir string, fs vfs.FS, log pebble.Logger, tune func(*pebble.Options)) (*store, error) {
	cache := pebble.NewCache(1 << 20)
	defer cache.Unref()
	opt := &pebble.Options{FS: ordered{fs}, Cache: cache, MemTableSize: 1 << 20, Logger: log, FormatMajorVersion: databaseFormat}
	if tune != nil {
		tune(opt)
	}
	db, err := pebble.Open(dir, opt)
	if err != nil {
		return nil, fmt.Errorf("alert: open %s: %w", dir, err)
	}
	s := &store{db: db, readOnly: opt.ReadOnly, rows: map[string]uint64{}}
	if err := s.load(); err != nil {
		db.Close()
		return nil, err
	}
	return s, nil
}

func (s *store) load() error {
	format, err := s.get([]byte{formatPrefix})
	switch {
	case errors.Is(err, pebble.ErrNotFound) && !s.readOnly:
		return s.create()
	case err != nil:
		return fmt.Errorf("alert: read format: %w", err)
	}
	var f formatRow
	if err := decode([]byte{formatPrefix}, format, &f); err != nil {
		return err
	}
	if f.Format != formatVersion {
		return fmt.Errorf("alert: the database has format %d, this program knows %d: %w", f.Format, formatVersion, ErrFormat)
	}
	var stored checkRow
	checkValue, err := s.get([]byte{checkPrefix})
	if err != nil {
		return fmt.Errorf("alert: read check row: %v: %w", err, ErrCorrupt)
	}
	if err := decode([]byte{checkPrefix}, checkValue, &stored); err != nil {
		return err
	}
	err = s.each(nil, func(k, v []byte) error {
		if k[0] != checkPrefix {
			h := rowHash(k, v) | 1
			s.rows[string(k)] = h
			s.check ^= h
		}
		return nil
	})
	if err != nil {
		return err
	}
	if stored.Rows != len(s.rows) || stored.XOR != s.check {
		return fmt.Errorf("alert: the database holds %d rows, its last commit had %d and other content: %w", len(s.rows), stored.Rows, ErrCorrupt)
	}
	return nil
}

// create writes the format row of an empty database. One with rows but without a format is not ours.
func (s *store) create() error {
	empty := true
	if err := s.each(nil, func(k, _ []byte) error { empty = false; return nil }); err != nil {
		return err
	}
	if !empty {
		return fmt.Errorf("alert: the database has rows but no format row: %w", ErrCorrupt)
	}
	return s.commit([]change{{[]byte{formatPrefix}, encode(formatRow{formatVersion, "tidemark alerts"})}}, true)
}

func (s *store) get(key []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	return bytes.Clone(v), nil
}

// each calls f for every row whose key begins with prefix, in key order. The slices are valid during the call only.
func (s *store) each(prefix []byte, f func(key, value []byte) error) error {
	opt := &pebble.IterOptions{LowerBound: prefix}
	if len(prefix) > 0 {
		opt.UpperBound = successor(prefix)
	}
	it, err := s.db.NewIter(opt)
	if err != nil {
		return fmt.Errorf("alert: read: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err == nil {
			err = f(it.Key(), v)
		}
		if err != nil {
			it.Close()
			return err
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("alert: read: %w", err)
	}
	return nil
}

// successor is the first key after all that begin with prefix; nil if there is none.
func successor(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// commit writes the changes and the check row in one batch. With sync it returns when they are on disk; without, they
// survive a killed process but not a killed machine, and at worst the last ones are missing, never some in between.
func (s *store) commit(changes []change, sync bool) error {
	s.mu.Lock()
	if s.broken != nil {
		s.mu.Unlock()
		return s.broken
	}
	b := s.db.NewBatch()
	defer b.Close()
	check, count := s.check, len(s.rows)
	fresh := make(map[string]uint64, len(changes)) // 0: deleted
	for _, c := range changes {
		old, was := fresh[string(c.key)]
		if !was {
			old = s.rows[string(c.key)]
		}
		check ^= old
		if old != 0 {
			count--
		}
		var h uint64
		if c.value == nil {
			b.Delete(c.key, nil) // errors of an unindexed batch can't happen here
		} else {
			h = rowHash(c.key, c.value) | 1 // 0 means no row
			b.Set(c.key, c.value, nil)
			count++
		}
		check ^= h
		fresh[string(c.key)] = h
	}
	b.Set([]byte{checkPrefix}, encode(checkRow{count, check}), nil)
	if !sync {
		err := b.Commit(pebble.NoSync)
		s.settle(err, check, fresh)
		s.mu.Unlock()
		return err
	}
	// The order of commits is decided under the lock, the waiting for the disk is shared with others.
	err := s.db.ApplyNoSyncWait(b, pebble.Sync)
	s.settle(err, check, fresh)
	s.mu.Unlock()
	if err == nil {
		if err = b.SyncWait(); err != nil {
			s.mu.Lock()
			s.broken = fmt.Errorf("alert: sync: %w", err)
			s.mu.Unlock()
		}
	}
	return err
}

func (s *store) settle(err error, check uint64, fresh map[string]uint64) {
	if err != nil {
		s.broken = fmt.Errorf("alert: commit: %w", err)
		return
	}
	s.check = check
	for k, h := range fresh {
		if h == 0 {
			delete(s.rows, k)
		} else {
			s.rows[k] = h
		}
	}
}

func (s *store) close() error { return s.db.Close() }

// readOnly opens a database without writing to it; one that does not exist is not made.
func readOnly(o *pebble.Options) { o.ReadOnly, o.ErrorIfNotExists = true, true }
