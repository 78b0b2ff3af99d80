package state

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var hotIDs = flag.Int("hot-ids", 200_000, "ids of the subject of TestHotSubjectKeepsItsIDs")

// TestIDIndexEqualsMap fills small indexes with ids of passing buckets, beyond their bound and through sweeps.
func TestIDIndexEqualsMap(t *testing.T) {
	type known struct {
		content uint64
		bucket  uint32
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		x := newIDIndex(int64(1+r.IntN(3000)) * idSlotBytes)
		want, clock := map[int]known{}, int64(1000*hour)
		refused, found := 0, 0
		for n := range 8000 {
			i := r.IntN(2 * (n + 1))
			id := x.identityOf(i%3, fmt.Sprint("s", i%5), fmt.Append(nil, i))
			was, ok := want[i]
			ok = ok && (was.bucket == keptForEver || int64(was.bucket)*hour > clock)
			got, has := x.find(id, clock)
			if has != ok || has && got != was.content&contentMask {
				t.Fatalf("seed %d, id %d: found %v %x, want %v %x", seed, i, has, got, ok, was.content&contentMask)
			}
			if ok {
				found++
			} else {
				k := known{r.Uint64(), uint32(clock/hour) + 1 + uint32(r.IntN(4))}
				if r.IntN(200) == 0 {
					k.bucket = keptForEver
				}
				delete(want, i)
				if x.add(id, k.content, k.bucket) {
					want[i] = k
				} else {
					refused++
				}
			}
			if r.IntN(300) == 0 {
				clock += r.Int64N(2 * hour)
			}
			if r.IntN(300) == 0 {
				x.drop(uint32(clock / hour))
			}
			if len(x.slots) > x.max || x.count > 7*len(x.slots)/8 {
				t.Fatalf("seed %d: %d ids in %d slots, may have %d", seed, x.count, len(x.slots), x.max)
			}
		}
		if x.max < 500 && refused == 0 || found == 0 {
			t.Errorf("seed %d: %d refused and %d found, with room for %d", seed, refused, found, x.max)
		}
	}
}

// hotRun gives one subject many ids, and sends some again, against a map.
type hotRun struct {
	t     *testing.T
	r     *rand.Rand
	opt   Options
	store *Store
	clock int64
	// ids has the times of those accepted, order has them as they came.
	ids   map[int]int64
	order []int
	// What the ledger must say.
	accepted, duplicate, conflicts int64
}

func (h *hotRun) open() {
	h.store = openOne(h.t, h.opt)
}

func (h *hotRun) event(i int, at int64) Event {
	ev := click(at, at, 1)
	ev.ID = fmt.Appendf(nil, "click %d of many", i)
	ev.Content = uint64(i) * 0x9e3779b97f4a7c15
	return ev
}

// batch sends n new ids over five minutes, a tenth of them again, and old ones, some of which are forgotten.
func (h *hotRun) batch(n int) {
	var events []Event
	start := h.clock
	for k := range n {
		at := start + int64(k)*(5*minute)/int64(n)
		i := len(h.order)
		h.ids[i] = at
		h.order = append(h.order, i)
		events = append(events, h.event(i, at))
		h.accepted++
		if h.r.IntN(10) > 0 {
			continue
		}
		i = h.order[len(h.order)-1-h.r.IntN(min(len(h.order), 20*n))]
		switch was := h.ids[i]; {
		case was >= start+5*minute-hour:
			ev := h.event(i, was)
			if h.r.IntN(5) == 0 {
				ev.Content++
				h.conflicts++
			}
			events = append(events, ev)
			h.duplicate++
		case int64(bucket(hour, was))*hour <= start:
			h.ids[i] = at
			events = append(events, h.event(i, at))
			h.accepted++
		}
	}
	h.clock += 5 * minute
	b := Batch{Events: events, Records: make([]Record, len(events)), Filtered: []int64{int64(len(events)), 0}, Clock: h.clock}
	for i := range events {
		events[i].Record = i
	}
	if err := h.store.Apply(&b, newTestCube()); err != nil {
		h.t.Fatal(err)
	}
	l := h.store.Ledger().Events[1]
	if l.Accepted != h.accepted || l.Duplicate != h.duplicate || l.IDConflicts != h.conflicts {
		h.t.Fatalf("after %d ids: accepted %d, duplicate %d, conflicts %d; want %d, %d, %d", len(h.order),
			l.Accepted, l.Duplicate, l.IDConflicts, h.accepted, h.duplicate, h.conflicts)
	}
}

func (h *hotRun) commit() {
	if err := errors.Join(h.store.Commit(nil), h.store.Verify(context.Background(), nil)); err != nil {
		h.t.Fatal(err)
	}
}

// TestHotSubjectKeepsItsIDs: with an index for all, for a part, and for none; over restarts, with the same room and with
// other, and as buckets are dropped.
func TestHotSubjectKeepsItsIDs(t *testing.T) {
	for name, c := range map[string]struct {
		ids  int
		room []int64
	}{
		"all": {*hotIDs, []int64{0}}, "some": {*hotIDs / 4, []int64{int64(*hotIDs / 8 * idSlotBytes)}}, "none": {*hotIDs / 10, []int64{-1}},
		"changing": {*hotIDs / 10, []int64{0, -1, int64(*hotIDs / 40 * idSlotBytes)}},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hotRun{t: t, r: rand.New(rand.NewPCG(1, 5)), ids: map[int]int64{}, clock: 20_000 * day, opt: Options{FS: vfs.NewMem(), IDBytes: c.room[0]}}
			h.open()
			const batches = 40
			slow := 0
			for n := range batches {
				h.batch(c.ids / batches)
				if n%2 == 0 {
					continue
				}
				h.commit()
				slow += len(h.store.cache.find(hashSubject([]byte("s")), "s").subject.seen)
				if n%6 == 5 {
					if err := errors.Join(h.store.Durable(), h.store.Close()); err != nil {
						t.Fatal(err)
					}
					h.opt.IDBytes = c.room[n%len(c.room)]
					h.open()
				}
			}
			x := &h.store.core.index
			switch {
			case name == "all" && (slow > 0 || x.count == 0):
				t.Errorf("%d ids in the head row, %d in the index", slow, x.count)
			case name == "some" && (slow == 0 || x.count == 0 || len(x.slots) > x.max):
				t.Errorf("%d ids in the head row, %d in the index of %d slots, which may have %d", slow, x.count, len(x.slots), x.max)
			case name == "none" && (slow == 0 || x.count > 0):
				t.Errorf("%d ids in the head row, %d in the index", slow, x.count)
			}
			rows, low := 0, uint32(keptForEver)
			for _, prefix := range []byte{prefixID, prefixIDLog} {
				err := h.store.scan(context.Background(), []byte{prefix}, []byte{prefix + 1}, func(key, _ []byte) error {
					rows, low = rows+1, min(low, binary.BigEndian.Uint32(key[1:]))
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if int64(low)*hour <= h.clock {
				t.Errorf("rows of bucket %d are there at hour %d", low, h.clock/hour)
			}
			t.Logf("%d ids accepted, %d duplicates, %d rows of ids at the end", h.accepted, h.duplicate, rows)
		})
	}
}

// TestFormat2IsMigrated opens a store whose ids are all with its subject, some of them in rows of their own, and goes on
// with it: both are found, and the new ones go to the index.
func TestFormat2IsMigrated(t *testing.T) {
	h := &hotRun{t: t, r: rand.New(rand.NewPCG(2, 5)), ids: map[int]int64{}, clock: 20_000 * day, opt: Options{FS: vfs.NewMem(), IDBytes: -1}}
	h.open()
	h.batch(300)
	h.commit()
	if err := errors.Join(h.store.db.Set(keyFormat, []byte{2}, pebble.NoSync), h.store.Durable(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	h.opt.IDBytes = 0
	h.open()
	if format, err := h.store.get(keyFormat); err != nil || format[0] != formatVersion {
		t.Errorf("format %x after opening, %v", format, err)
	}
	before := h.duplicate
	for range 3 {
		h.batch(300)
		h.commit()
	}
	if h.duplicate == before || h.store.core.index.count < 900 {
		t.Errorf("%d duplicates, %d ids in the index", h.duplicate-before, h.store.core.index.count)
	}
}

func TestIDLogRefusesWhatIsNone(t *testing.T) {
	x := newIDIndex(1 << 20)
	key, row := appendIDLogKey(nil, 500_000, 1, 0), append([]byte{idLogVersion}, make([]byte, 2*loggedBytes)...)
	if err := x.loadIDLog(key, row); err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(row)
	other[0]++
	for name, c := range map[string][2][]byte{
		"short key": {key[:16], row}, "long key": {append(slices.Clone(key), 0), row}, "no value": {key, nil}, "no ids": {key, row[:1]},
		"half an id": {key, row[:len(row)-1]}, "another version": {key, other},
	} {
		if err := x.loadIDLog(c[0], c[1]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestIDsAreKnownBeforeTheDigestIsChecked: a store that is opened without a scan of all rows still reads the logs.
func TestIDsAreKnownBeforeTheDigestIsChecked(t *testing.T) {
	h := &hotRun{t: t, r: rand.New(rand.NewPCG(3, 5)), ids: map[int]int64{}, clock: 20_000 * day, opt: Options{FS: vfs.NewMem()}}
	h.open()
	h.batch(1000)
	h.commit()
	if err := errors.Join(h.store.Durable(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	h.opt.VerifyLater = true
	h.open()
	h.batch(1000)
}
