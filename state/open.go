package state

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// formatVersion is the version of the whole store, alone in the row of keyFormat so that every later build can read it.
// Append-only:
//
//	1: the first
//	2: frozen facts (m 03), which builds of format 1 take for damage
//	3: logs of ids (j), which builds of format 2 take for damage
const formatVersion = 3

// firstFormat is the oldest version that this build reads. A store of an older format is one of this without what is
// new in it.
const firstFormat = 1

// Open opens or creates the store in dir for the plan. It fails with ErrCorrupt, ErrFormat or a *DefinitionsChangedError.
func Open(dir string, plan *catalog.Plan, opt Options) (*Store, error) {
	if opt.FS == nil {
		opt.FS = vfs.Default
	}
	if opt.CacheSubjects == 0 {
		opt.CacheSubjects = 50_000
	}
	if opt.ResidentBytes == 0 {
		opt.ResidentBytes = 128 << 20
	}
	if opt.IDBytes == 0 {
		opt.IDBytes = 128 << 20
	}
	if opt.MaxTail == 0 {
		opt.MaxTail = 65_536
	}
	if opt.RejectQuota == 0 {
		opt.RejectQuota = 1 << 30
	}
	s := &Store{
		dir: dir, plan: plan, opt: opt, dictionary: newDictionary(), pendingIDs: map[string]uint64{}, spilled: idFilter{buckets: map[uint32]*fingerprints{}}, queue: newQueue(),
		cache:   cache{limit: opt.CacheSubjects, table: newResident(opt.ResidentBytes), collided: map[string]*entry{}},
		offsets: offsets{clock: never, buckets: map[uint32]digest{}, ripe: ripeness{never, never}, newest: never},
	}
	schema := newSchema(plan)
	s.offsets.strict = schema.strict
	s.counters = newCounters(schema)
	s.core = core{
		schema: schema, ripe: s.offsets.ripe, maxTail: opt.MaxTail, ledger: s.counters, tuples: newTuples(), placeAt: map[uint64]int32{},
		index: newIDIndex(opt.IDBytes),
		rank:  func(i Input) int { return s.ranks[i] },
	}
	db, err := pebble.Open(dir, s.pebbleOptions())
	if err != nil {
		return nil, fmt.Errorf("state: open %s: %w", dir, mark(err))
	}
	s.db, s.rows = db, db
	if err := s.start(); err != nil {
		s.cache.table.close()
		db.Close()
		return nil, fmt.Errorf("state: open %s: %w", dir, err)
	}
	return s, nil
}

// manyResident is from where on so many head rows are in memory that few are read back from Pebble.
const manyResident = 64 << 20

// pebbleOptions: all of Pebble's defaults are for tiny stores and its oldest format. Flushes gather in level 0 before they are
// compacted: subjects are spread over all keys, so each compaction writes the whole level below again. Where rows are read back,
// each flush that waits is one more place to look, and each row costs the reading of its block. The lowest level has no filters: whoever is looked for is in the store, mostly
// there, and its filters are so large that a small cache would read them again and again.
func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS: orderedFS{s.opt.FS}, Cache: s.opt.Cache, FileCache: s.opt.FileCache, DisableWAL: !s.opt.WAL, ReadOnly: s.opt.ReadOnly,
		FormatMajorVersion: pebble.FormatNewest, Logger: s.opt.Logger, MemTableSize: s.opt.MemTableBytes,
		MemTableStopWritesThreshold: 4, L0CompactionThreshold: 32, L0StopWritesThreshold: 128, LBaseMaxBytes: 64 << 20,
		MaxOpenFiles: 1000, EventListener: &pebble.EventListener{},
	}
	blocks := 16 << 10
	if s.opt.ResidentBytes < manyResident {
		o.L0CompactionThreshold, o.L0StopWritesThreshold, blocks = 8, 40, 4<<10
	}
	o.CompactionConcurrencyRange = func() (int, int) { return 1, 2 }
	if s.opt.MemTableBytes == 0 {
		o.MemTableSize = 32 << 20
	}
	if s.opt.Logger == nil {
		o.Logger = quiet{}
	}
	if s.opt.Events != nil {
		*o.EventListener = *s.opt.Events
	}
	told := o.EventListener.DataCorruption
	o.EventListener.DataCorruption = func(info pebble.DataCorruptionInfo) {
		// Pebble's own answer is to end the process; ours is that this store refuses all further work.
		err := info.Details
		s.damaged.CompareAndSwap(nil, &err)
		if told != nil {
			told(info)
		}
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		if i == len(o.Levels)-1 {
			o.Levels[i].FilterPolicy = pebble.NoFilterPolicy
		}
		o.Levels[i].BlockSize = blocks
	}
	o.Levels[0].EnsureL0Defaults()
	return o
}

// quiet is a logger that says nothing and dies loudly.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("state: Pebble can't go on: "+format, args...))
}

// mark makes Pebble's kinds of damage ours.
func mark(err error) error {
	if pebble.IsCorruptionError(err) {
		return errors.Join(err, ErrCorrupt)
	}
	return err
}

// start reads what the store says of itself, or writes it into a new one.
func (s *Store) start() error {
	durable, err := readMarker(s.opt.FS, s.dir)
	if err != nil {
		return err
	}
	format, err := s.get(keyFormat)
	if err != nil {
		return err
	}
	if format == nil && durable > 0 {
		return fmt.Errorf("commit %d was durable, but the store is empty: %w", durable, ErrCorrupt)
	}
	if format == nil {
		return s.create()
	}
	if len(format) != 1 || format[0] < firstFormat || format[0] > formatVersion {
		return fmt.Errorf("format %x, this build knows those up to %d: use the build that wrote it, or rebuild the state from the log: %w",
			format, formatVersion, ErrFormat)
	}
	if err := s.checkDefinitions(); err != nil {
		return err
	}
	value, err := s.get(keyOffsets)
	if err != nil {
		return err
	}
	if err := s.offsets.decode(s.counters, value); err != nil {
		return err
	}
	s.core.ripe = s.offsets.ripe
	s.cache.table.reserve(s.offsets.subjects)
	if s.offsets.commit < durable {
		return fmt.Errorf("commit %d was durable, but the store ends at commit %d: %w", durable, s.offsets.commit, ErrCorrupt)
	}
	s.indexInputs()
	if err := s.readDictionaries(); err != nil {
		return err
	}
	if err := s.readFrozen(); err != nil {
		return err
	}
	if format[0] != formatVersion && !s.opt.ReadOnly {
		if err := s.db.Set(keyFormat, []byte{formatVersion}, pebble.NoSync); err != nil {
			return mark(err)
		}
	}
	if s.opt.VerifyLater {
		s.cache.partial, s.spilled.open = true, true
		return s.scan(context.Background(), []byte{prefixIDLog}, []byte{prefixIDLog + 1}, s.know)
	}
	return s.digestCheck(s.know)(context.Background())
}

// know keeps in memory what rows say that would else be looked for: subjects, and ids of their events.
func (s *Store) know(key, row []byte) error {
	switch key[0] {
	case prefixIDLog:
		return s.core.index.loadIDLog(key, row)
	case prefixID:
		s.spilled.add(key)
	case prefixSubject:
		if hash, id, kind, ok := splitKey(key); ok && kind == kindHead {
			s.cache.know(hash, id, row)
		}
	}
	return nil
}

// create writes the rows about a new store. A directory with other rows but none of these has lost them.
func (s *Store) create() error {
	iter, err := s.db.NewIter(nil)
	if err != nil {
		return mark(err)
	}
	empty := !iter.First()
	if err := errors.Join(iter.Error(), iter.Close()); err != nil {
		return mark(err)
	}
	if !empty {
		return fmt.Errorf("rows but no format version: %w", ErrCorrupt)
	}
	if s.opt.ReadOnly {
		return nil
	}
	w := &writer{store: s, batch: s.db.NewBatch()}
	defer w.batch.Close()
	if err := w.batch.Set(keyFormat, []byte{formatVersion}, nil); err != nil {
		return err
	}
	if _, err := w.set(keyDefinitions, s.definitions(), digest{}); err != nil {
		return err
	}
	s.offsets.sum = w.sum
	if err := w.batch.Set(keyOffsets, s.offsets.encode(s.counters, nil), nil); err != nil {
		return err
	}
	return w.batch.Commit(pebble.NoSync)
}

// get reads one row; nil if it is absent.
func (s *Store) get(key []byte) ([]byte, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, mark(err)
	}
	defer closer.Close()
	return append([]byte{}, value...), nil
}

// definitionsVersion is the first byte of the row of definitions. Append-only:
//
//	1: the plan's hash, then pairs of key and canonical text
const definitionsVersion = 1

func (s *Store) definitions() []byte {
	b := append([]byte{definitionsVersion}, s.plan.Hash[:]...)
	for _, k := range slices.Sorted(maps.Keys(s.opt.Meanings)) {
		b = appendText(b, k)
		b = appendText(b, s.opt.Meanings[k])
	}
	return b
}

// checkDefinitions compares the definitions that the store was built from with those it is opened for.
func (s *Store) checkDefinitions() error {
	value, err := s.get(keyDefinitions)
	if err != nil {
		return err
	}
	r := &reader{b: value}
	if r.byte() != definitionsVersion {
		return fmt.Errorf("row of definitions is missing or does not decode: %w", ErrCorrupt)
	}
	var hash catalog.Hash
	copy(hash[:], r.bytes(uint64(len(hash))))
	old := map[string]string{}
	for len(r.b) > 0 {
		k := r.text()
		old[k] = r.text()
	}
	if r.bad {
		return fmt.Errorf("row of definitions does not decode: %w", ErrCorrupt)
	}
	if hash == s.plan.Hash {
		return nil
	}
	changed := &DefinitionsChangedError{Meanings: old}
	for _, c := range catalog.Changed(old, s.opt.Meanings) {
		changed.Changes = append(changed.Changes, c.String())
	}
	if len(changed.Changes) == 0 {
		changed.Changes = []string{fmt.Sprintf("the plan of subject %s, from %s to %s", s.plan.Subject, hash.Short(), s.plan.Hash.Short())}
	}
	return changed
}

func (s *Store) readDictionaries() error {
	for i := range s.offsets.dictionary {
		value, err := s.get(dictionaryKey(nil, uint32(i)+2))
		if err != nil {
			return err
		}
		if value == nil {
			return fmt.Errorf("dictionary entry %d is missing: %w", i+2, ErrCorrupt)
		}
		s.dictionary.id(value)
	}
	s.dictionary.written = int(s.offsets.dictionary)
	for i := range s.offsets.tuples {
		value, err := s.get(tupleKey(nil, uint32(i)+1))
		if err != nil {
			return err
		}
		r := &reader{b: value}
		var dims []uint32
		for len(r.b) > 0 {
			dims = append(dims, uint32(r.uvarint()))
		}
		if r.bad || s.core.tuples.of(dims) != uint32(i)+1 {
			return fmt.Errorf("tuple %d is missing or does not decode: %w", i+1, ErrCorrupt)
		}
	}
	s.tuplesWritten = int(s.offsets.tuples)
	return nil
}
