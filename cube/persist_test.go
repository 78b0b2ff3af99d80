package cube

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/stats/moment"
)

// table is where Persist's rows go, as the writer that keeps the digest sees them.
type table struct {
	t    *testing.T
	rows map[string]string
	sets int
}

func (tb *table) set(key, old, value []byte) error {
	tb.sets++
	was, ok := tb.rows[string(key)]
	if ok != (old != nil) || was != string(old) {
		tb.t.Fatalf("key %x: old value %x, the row has %x", key, old, was)
	}
	if bytes.Equal(old, value) {
		tb.t.Fatalf("key %x: set to the value it has", key)
	}
	if value == nil {
		delete(tb.rows, string(key))
	} else {
		tb.rows[string(key)] = string(value)
	}
	return nil
}

func (tb *table) keys() []string { return slices.Sorted(maps.Keys(tb.rows)) }

// load makes a cube from the rows, over the real thing.
func (tb *table) load(t *testing.T, w *world, s *shard) *shard {
	t.Helper()
	db, err := pebble.Open("", &pebble.Options{FS: vfs.NewMem(), Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for k, v := range tb.rows {
		if err := db.Set([]byte(k), []byte(v), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	// Rows of others around the cube's.
	for _, k := range []string{"b", "d"} {
		if err := db.Set([]byte(k), []byte("not ours"), pebble.NoSync); err != nil {
			t.Fatal(err)
		}
	}
	loaded := &shard{cube: NewLimited(w.plan, w.limits), ids: s.ids, names: s.names}
	if err := loaded.cube.Load(db); err != nil {
		t.Fatal(err)
	}
	return loaded
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// A cube that is persisted and loaded at random points is the cube that never was, and its rows are a function of its
// cells: the same as those of a cube that gets them in one go.
func TestPersistAndLoad(t *testing.T) {
	seed := rand.Uint64()
	for i, kinds := range kindSets {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Logf("seed %d", seed)
			w := newWorld(t, seed, 1, 4, DefaultLimits, kinds...)
			tb := &table{t: t, rows: map[string]string{}}
			for range 60 {
				for range w.rng.IntN(20) {
					w.step(w.rng.IntN(40))
				}
				s := w.shards[0]
				if err := s.cube.Persist(tb.set); err != nil {
					t.Fatal(err)
				}
				if s.cube.Dirty() {
					t.Fatal("dirty after Persist")
				}
				n := tb.sets
				if err := s.cube.Persist(tb.set); err != nil || tb.sets != n {
					t.Fatalf("nothing changed, and Persist set %d rows (%v)", tb.sets-n, err)
				}
				w.check(s.cells(), "persisted")
				if w.rng.IntN(3) == 0 {
					w.shards[0] = tb.load(t, w, s)
					w.check(w.shards[0].cells(), "loaded")
				}
			}
			once := &table{t: t, rows: map[string]string{}}
			fresh := newWorld(t, seed, 1, 4, DefaultLimits, kinds...)
			fresh.shards[0].ids, fresh.shards[0].names = w.shards[0].ids, w.shards[0].names
			for id, s := range w.subjects {
				fresh.set(id, s)
			}
			if err := fresh.shards[0].cube.Persist(once.set); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(once.rows, tb.rows) {
				t.Errorf("rows %q,\nin one go %q", tb.rows, once.rows)
			}
			for id := range 40 {
				if w.subjects[id] != nil {
					w.set(id, nil)
				}
			}
			if err := w.shards[0].cube.Persist(tb.set); err != nil || len(tb.rows) != 0 {
				t.Errorf("%d rows of nobody (%v)", len(tb.rows), err)
			}
		})
	}
}

// The bytes of FORMAT.md, byte by byte.
func TestFormat(t *testing.T) {
	w := newWorld(t, 1, 1, 2, DefaultLimits, exposure, event)
	w.set(0, &subject{variant: 1, values: []string{"v", ""}, events: []happened{{values: []string{"", NoneText}, num: 300, den: 2}}})
	tb := &table{t: t, rows: map[string]string{}}
	if err := w.shards[0].cube.Persist(tb.set); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, k := range tb.keys() {
		fmt.Fprintf(&got, "%x → %x\n", k, tb.rows[k])
	}
	golden(t, "testdata/format.txt", got.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\ngot:\n%s", err, got)
	}
	if got != stripComments(string(want)) {
		t.Errorf("%s: got\n%s", file, got)
	}
}

// stripComments drops lines that start with # and empty ones.
func stripComments(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Damaged rows, and those of another version or plan, are refused.
func TestLoadRefuses(t *testing.T) {
	w := newWorld(t, 1, 1, 3, DefaultLimits, exposure)
	for id := range 20 {
		w.set(id, w.draw())
	}
	tb := &table{t: t, rows: map[string]string{}}
	if err := w.shards[0].cube.Persist(tb.set); err != nil {
		t.Fatal(err)
	}
	key, value := tb.keys()[0], tb.rows[tb.keys()[0]]
	for name, row := range map[string][2]string{
		"no value":          {key, ""},
		"another version":   {key, "\x02" + value[1:]},
		"cut short":         {key, value[:len(value)-1]},
		"too long":          {key, value + "\x00"},
		"no sums":           {key, value[:1]},
		"another kind":      {key[:1] + "\x09" + key[2:], value},
		"no experiment":     {key[:2] + "\x00\x07" + key[4:], value},
		"no variant":        {key[:4] + "\x00\x02" + key[6:], value},
		"fewer dimensions":  {key[:6], value},
		"more dimensions":   {key + "\x00\x00\x00\x02", value},
		"short key":         {"c", value},
		"flags of no bytes": {"c\x00\x00\x00", ""},
		"flags of another":  {"c\x00\x00\x00", "\x01\x02\x00"},
		"metric too many":   {key, "\x01\x05" + value[2:]},
	} {
		c := New(w.plan)
		if err := c.LoadRow([]byte(row[0]), []byte(row[1])); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := New(w.plan)
	if err := errors.Join(c.LoadRow([]byte(key), []byte(value))); err != nil {
		t.Error(err)
	}
	if err := c.LoadRow([]byte(key), []byte(value)); !errors.Is(err, ErrFormat) {
		t.Errorf("one cell twice: %v", err)
	}
}

// Whatever bytes come, loading neither panics nor accepts what Persist would not have written.
func FuzzLoadRow(f *testing.F) {
	w := newWorld(nil, 1, 1, 3, DefaultLimits, exposure, event)
	for id := range 10 {
		w.set(id, w.draw())
	}
	if err := w.shards[0].cube.Persist(func(key, _, value []byte) error { f.Add(key, value); return nil }); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		c := New(w.plan)
		if c.LoadRow(key, value) != nil {
			return
		}
		if key[1] == kindGrid {
			return // flags are written when they change only
		}
		g := c.grids[0]
		if got := g.appendKey(nil, 0, &g.slots[0].place); !bytes.Equal(got, key) {
			t.Errorf("key %x is %x", key, got)
		}
		if got, err := appendCell(nil, g.slots[0].cell); err != nil || !bytes.Equal(got, value) {
			t.Errorf("value %x is %x", value, got)
		}
	})
}

// Persist stops at the writer's error.
func TestPersistReportsTheWriter(t *testing.T) {
	c := New(newPlan())
	c.Change(moment.Change{New: moment.Point{In: true}})
	full := errors.New("disk full")
	if err := c.Persist(func(_, _, _ []byte) error { return full }); !errors.Is(err, full) {
		t.Error(err)
	}
}
