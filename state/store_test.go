package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// persistedCube writes test cells into the store's commits, as the cube does.
type persistedCube struct {
	testCube
	rows map[string][]byte
}

func newPersistedCube() *persistedCube {
	return &persistedCube{*newTestCube(), map[string][]byte{}}
}

func cellRowKey(k oracleKey) []byte {
	b := []byte{prefixCell}
	for _, v := range []int{k.experiment, k.variant, k.metric + 1} {
		b = binary.BigEndian.AppendUint32(b, uint32(v))
	}
	for _, v := range k.slice {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func (c *persistedCube) persist(set func(key, old, new []byte) error) error {
	now := map[string][]byte{}
	for k, sums := range c.cells {
		b, err := sums.AppendBinary(nil)
		if err != nil {
			return err
		}
		now[string(cellRowKey(k))] = b
	}
	for _, k := range slices.Sorted(maps.Keys(c.rows)) {
		if now[k] == nil {
			if err := set([]byte(k), c.rows[k], nil); err != nil {
				return err
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(now)) {
		if !bytes.Equal(c.rows[k], now[k]) {
			if err := set([]byte(k), c.rows[k], now[k]); err != nil {
				return err
			}
		}
	}
	c.rows = now
	return nil
}

// storeRun drives a store by a workload's log and can go back to where the store was committed.
type storeRun struct {
	w     *workload
	fs    vfs.FS
	opt   Options
	store *Store
	cube  *persistedCube
	// log has every batch; next is the one that comes next.
	log  []Batch
	next int
	// ended: the store was told that the log has ended.
	ended bool
}

func nameOf(w *workload, i int) InputName {
	return InputName{Source: w.plan.Sources[w.sources[i]].ID, Topic: "t", Partition: int32(i), Partitions: 8, TopicID: [16]byte{1}}
}

// open opens the store, or opens it again after a crash, and finds its place in the log.
func (s *storeRun) open() error {
	store, err := Open("shard", s.w.plan, s.opt)
	if err != nil {
		return err
	}
	s.store = store
	store.core.remembers = s.w.settled
	for i := range s.w.sources {
		if n, err := store.Input(nameOf(s.w, i)); err != nil || int(n) != i {
			return fmt.Errorf("input %d is number %d: %w", i, n, err)
		}
	}
	s.cube = newPersistedCube()
	err = store.scan(context.Background(), []byte{prefixCell}, []byte{prefixCell + 1}, func(key, value []byte) error {
		sums, _, err := moment.Decode(value)
		if err != nil {
			return err
		}
		k := oracleKey{
			experiment: int(binary.BigEndian.Uint32(key[1:])), variant: int(binary.BigEndian.Uint32(key[5:])),
			metric: int(binary.BigEndian.Uint32(key[9:])) - 1,
		}
		for i := range k.slice {
			k.slice[i] = binary.BigEndian.Uint32(key[13+4*i:])
		}
		s.cube.cells[k] = &sums
		s.cube.rows[string(key)] = bytes.Clone(value)
		return nil
	})
	if err != nil {
		return err
	}
	// The position of input 0 counts batches in these tests: every batch advances it.
	s.next = int(store.Positions()[0].Next)
	return nil
}

// extend adds a batch of n events to the log.
func (s *storeRun) extend(n int) {
	b := Batch{Filtered: make([]int64, len(s.w.plan.Events))}
	for range n {
		ev := s.w.event()
		ev.Record = len(b.Records)
		b.Records = append(b.Records, Record{Input: ev.Input, Offset: ev.Offset, Bound: ev.Bound, Value: []byte("the original bytes")})
		for d := range s.w.plan.Events {
			if d != ev.Def && s.w.plan.Events[d].Source == s.w.plan.Events[ev.Def].Source {
				b.Filtered[d]++
			}
		}
		b.Events = append(b.Events, ev)
	}
	b.Advance = []Advance{{Input: 0, Next: int64(len(s.log)) + 1, LeaderEpoch: 3, Bound: s.w.clocks[0]}}
	b.Clock = s.w.clock()
	s.log = append(s.log, b)
}

// step applies the next batch of the log.
func (s *storeRun) step() error {
	s.store.ID(fmt.Appendf(nil, "value %d", s.next))
	err := s.store.Apply(&s.log[s.next], s.cube)
	s.next++
	return err
}

// check compares the store with the oracle over the log up to the store's place.
func (s *storeRun) check() error {
	o := newOracle(withFrozen(s.w.plan, s.store.Frozen()), s.w.rank)
	for _, b := range s.log[:s.next] {
		for _, ev := range b.Events {
			o.take(ev)
		}
		o.clock = max(o.clock, b.Clock)
	}
	if s.ended {
		o.end = o.latest()
	}
	if s.store.core.schema.strict && s.store.Newest() != o.latest() {
		return fmt.Errorf("newest event at %s, want %s", instant(s.store.Newest()), instant(o.latest()))
	}
	want := o.answer(never, forever)
	if d := difference(want.cells, s.cube.cells); d != "" {
		return errors.New(d)
	}
	if d := ledgerDifference(want.ledger, s.store.Ledger()); d != "" {
		return errors.New(d)
	}
	if err := s.store.Ledger().Check(s.store.eventSources()); err != nil {
		return err
	}
	for i := range s.next {
		if name := s.store.Name(moment.FirstValue + uint32(i)); name != fmt.Sprintf("value %d", i) {
			return fmt.Errorf("dictionary entry %d is %q", i, name)
		}
	}
	again := newTestCube()
	if err := s.store.Contributions(again); err != nil {
		return err
	}
	if d := difference(want.cells, again.cells); d != "" {
		return fmt.Errorf("from the subjects: %s", d)
	}
	if d := want.bins.difference(again.bins); d != "" {
		return fmt.Errorf("from the subjects: %s", d)
	}
	return nil
}

func newStoreRun(seed uint64, heavy bool) *storeRun {
	w := drawWorkload(seed, seed%2 == 1)
	if heavy {
		// One subject with many values: large sets, spilled ids, tail chunks.
		w.subjects, w.values = 1, 1<<20
		w.step = min(w.step, 10_000_000)
	}
	// Ids are in the index, in the rows of subjects, or, where a small index fills up and empties again, in both.
	room := []int64{0, -1, 40 * idSlotBytes}[w.r.IntN(3)]
	return &storeRun{w: w, fs: vfs.NewMem(), opt: Options{CacheSubjects: 1, MaxTail: -1, MemTableBytes: 256 << 10, IDBytes: room}}
}

func TestStoreEqualsOracle(t *testing.T) {
	for i := range 60 {
		seed := uint64(i) + 1
		heavy := i%4 == 0
		s, r := newStoreRun(seed, heavy), rand.New(rand.NewPCG(seed, 23))
		s.opt.FS = s.fs
		if err := s.open(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for n := range 12 {
			size := 1 + s.w.r.IntN(8)
			if heavy {
				size *= 12
			}
			s.extend(size)
			err := s.step()
			if err == nil && r.IntN(8) == 0 {
				err = s.freeze(r)
			}
			if err == nil && s.w.chance(60) {
				err = s.store.Commit(s.cube.persist)
				if err == nil {
					err = s.store.Verify(context.Background(), nil)
				}
				if err == nil && s.w.chance(40) {
					if err = s.store.Durable(); err == nil {
						if err = s.store.Close(); err == nil {
							err = s.open()
						}
					}
				}
			}
			if err == nil {
				err = s.check()
			}
			if err != nil {
				t.Fatalf("seed %d, batch %d: %v", seed, n, err)
			}
		}
		if err := s.end(); err != nil {
			t.Fatalf("seed %d, at the end: %v", seed, err)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// end tells the store that its log has ended, which is kept like anything else.
func (s *storeRun) end() error {
	if err := s.store.End(s.store.Newest(), s.cube); err != nil {
		return err
	}
	s.ended = true
	if err := s.check(); err != nil {
		return err
	}
	if err := errors.Join(s.store.Commit(s.cube.persist), s.store.Durable(), s.store.Close()); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	return errors.Join(s.check(), s.store.Verify(context.Background(), nil))
}

func TestStoreOnDisk(t *testing.T) {
	s := newStoreRun(2, false)
	s.opt.FS = vfs.Default
	t.Chdir(t.TempDir())
	for n := range 3 {
		if err := s.open(); err != nil {
			t.Fatal(err)
		}
		if s.next != n {
			t.Fatalf("at batch %d, want %d", s.next, n)
		}
		s.extend(20)
		if err := errors.Join(s.step(), s.store.Commit(s.cube.persist), s.store.Durable()); err != nil {
			t.Fatal(err)
		}
		if err := s.check(); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.opt.ReadOnly = true
	store, err := Open("shard", s.w.plan, s.opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Verify(context.Background(), nil), store.Close()); err != nil {
		t.Error(err)
	}
}

func TestStoreRefusesOtherDefinitions(t *testing.T) {
	s := newStoreRun(1, false)
	s.opt.FS = s.fs
	s.opt.Meanings = map[string]string{"metric/ARPU": "metric v1\nnumerator = SUM\n"}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Durable(); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	other := *s.w.plan
	other.Hash = catalog.Hash{1}
	s.opt.Meanings = map[string]string{"metric/ARPU": "metric v1\nnumerator = MAX\n"}
	_, err := Open("shard", &other, s.opt)
	var changed *DefinitionsChangedError
	if !errors.As(err, &changed) || len(changed.Changes) != 1 {
		t.Fatalf("opened with other definitions: %v", err)
	}
	if changed.Meanings["metric/ARPU"] == "" {
		t.Errorf("the error does not say what the state was built from: %v", changed.Meanings)
	}
}
