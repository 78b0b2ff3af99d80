package alert

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// TestIDsNeverChange: an id that changed with a release would be a second message about the same thing.
func TestIDsNeverChange(t *testing.T) {
	k := Key{Rule: "guardrail_crossed", Experiment: "landing_page", Metric: "CRASHES", Variant: "treatment"}
	for _, c := range []struct{ got, want string }{
		{EpisodeID(k, "crossed", 1), "ad7ea1acb3beeecc41d35fd0f46b8140"},
		{MessageID(k, "crossed", 1, notify.Firing), "evt_246f1b95cba2439665c309c2a3e5d7ce"},
		{MessageID(k, "crossed", 1, notify.Resolved), "evt_37b6cb533a772434eb17efcf092afba9"},
		{EpisodeID(Key{Rule: "split", Experiment: "x"}, "failed", 12), "f67c408f5822915c53efc9d6a61bfe03"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func TestIDsAreOfEveryField(t *testing.T) {
	seen := map[string]string{}
	add := func(what, id string) {
		t.Helper()
		if old, ok := seen[id]; ok {
			t.Errorf("%s and %s have one id", old, what)
		}
		seen[id] = what
		if strings.ContainsAny(id, ". ") || len(id) > 64 {
			t.Errorf("%s: id %q", what, id)
		}
	}
	for _, k := range []Key{{"a", "b", "c", "d"}, {"ab", "", "c", "d"}, {"a", "bc", "", "d"}, {"a", "b", "cd", ""}, {"", "ab", "c", "d"}, {"b", "a", "c", "d"}} {
		for _, direction := range []string{"crossed", "near", ""} {
			for _, episode := range []int64{1, 2, 256} {
				add(strings.Join([]string{k.Rule, k.Experiment, k.Metric, k.Variant, direction}, "|"), EpisodeID(k, direction, episode))
				add("firing", MessageID(k, direction, episode, notify.Firing))
				add("resolved", MessageID(k, direction, episode, notify.Resolved))
			}
		}
	}
}

// filled is a database with something of everything in it.
func filled(t *testing.T) *vfs.MemFS {
	fs := vfs.NewMem()
	opt := options(fs, map[string]*rec{})
	opt.Now = func() time.Time { return start } // two of them are equal
	m := open(t, definitions(scriptRules()...), opt)
	for i, o := range script(rand.New(rand.NewPCG(1, 1)), 40) {
		observe(t, m, o)
		if i == 20 {
			if err := m.store.db.Flush(); err != nil { // so that there is a table besides the log
				t.Fatal(err)
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return fs
}

func TestInspectListsEveryRow(t *testing.T) {
	fs := filled(t)
	var out strings.Builder
	if err := Inspect("alerts", fs, &out); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{`format     {"format":1`, "check ", "experiment ", "alert ", "waiting ", "transition "} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("no row %q in\n%s", word, out.String())
		}
	}
	if err := Inspect("nothing", fs, &out); err == nil {
		t.Error("a database that does not exist is inspected")
	}
}

// edit changes the database behind the store's back.
func edit(t *testing.T, fs vfs.FS, f func(db *pebble.DB)) {
	t.Helper()
	db, err := pebble.Open("alerts", &pebble.Options{FS: fs, FormatMajorVersion: databaseFormat, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	f(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamageAndUnknownFormatsAreRefused(t *testing.T) {
	first := func(db *pebble.DB, prefix byte) (k, v []byte) {
		it, _ := db.NewIter(&pebble.IterOptions{LowerBound: []byte{prefix}})
		defer it.Close()
		it.First()
		return bytes.Clone(it.Key()), bytes.Clone(it.Value())
	}
	for name, c := range map[string]struct {
		change func(db *pebble.DB)
		want   error
	}{
		"nothing": {func(db *pebble.DB) {}, nil},
		"a later format": {func(db *pebble.DB) {
			db.Set([]byte{formatPrefix}, encode(formatRow{2, "tidemark alerts"}), pebble.Sync)
		}, ErrFormat},
		"a later value": {func(db *pebble.DB) {
			k, v := first(db, alertPrefix)
			db.Set(k, frame(append([]byte{2}, v[1:len(v)-4]...)), pebble.Sync)
		}, ErrCorrupt}, // the check row is asked first
		"a flipped bit": {func(db *pebble.DB) {
			k, v := first(db, alertPrefix)
			v[10] ^= 4
			db.Set(k, v, pebble.Sync)
		}, ErrCorrupt},
		"a lost alert":        {func(db *pebble.DB) { k, _ := first(db, alertPrefix); db.Delete(k, pebble.Sync) }, ErrCorrupt},
		"a lost message":      {func(db *pebble.DB) { k, _ := first(db, outboxPrefix); db.Delete(k, pebble.Sync) }, ErrCorrupt},
		"a lost check row":    {func(db *pebble.DB) { db.Delete([]byte{checkPrefix}, pebble.Sync) }, ErrCorrupt},
		"a lost format row":   {func(db *pebble.DB) { db.Delete([]byte{formatPrefix}, pebble.Sync) }, ErrCorrupt},
		"a row of a stranger": {func(db *pebble.DB) { db.Set([]byte("zz"), []byte("x"), pebble.Sync) }, ErrCorrupt},
		"an empty value":      {func(db *pebble.DB) { k, _ := first(db, outboxPrefix); db.Set(k, nil, pebble.Sync) }, ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			fs := filled(t)
			edit(t, fs, c.change)
			m, err := Open("alerts", definitions(scriptRules()...), options(fs, map[string]*rec{}))
			if err == nil {
				m.Close()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// TestFlippedBitsAreNeverBelieved flips one bit of one file at a time. The database is refused, or what it says is
// what it said.
func TestFlippedBitsAreNeverBelieved(t *testing.T) {
	flips := 200
	if testing.Short() {
		flips = 30
	}
	r := rand.New(rand.NewPCG(5, 5))
	var want strings.Builder
	if err := Inspect("alerts", filled(t), &want); err != nil {
		t.Fatal(err)
	}
	caught, harmless := 0, 0
	for i := range flips {
		fs := filled(t)
		names, err := fs.List("alerts")
		if err != nil {
			t.Fatal(err)
		}
		name := path.Join("alerts", names[r.IntN(len(names))])
		at := flip(t, fs, name, r)
		if at < 0 {
			continue
		}
		got, err := inspected(fs)
		switch {
		case err != nil:
			caught++
		case got == want.String():
			harmless++
		case strings.HasPrefix(path.Base(name), "0") && strings.HasSuffix(name, ".log") && older(got, want.String()):
			// A damaged tail of the log is an older, whole state: as if the machine had been killed earlier.
			harmless++
		default:
			t.Errorf("flip %d: bit %d of %s changes what the database says, and nobody notices", i, at, name)
		}
	}
	t.Logf("%d refused, %d harmless", caught, harmless)
}

// inspected is Inspect with Pebble's panics as errors.
func inspected(fs vfs.FS) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("panic")
		}
	}()
	var out strings.Builder
	err = Inspect("alerts", fs, &out)
	return out.String(), err
}

// older says that every transition of got is one of want.
func older(got, want string) bool {
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "transition") && !strings.Contains(want, line) {
			return false
		}
	}
	return true
}

func flip(t *testing.T, fs vfs.FS, name string, r *rand.Rand) int {
	f, err := fs.Open(name)
	if err != nil {
		return -1
	}
	var data []byte
	buf := make([]byte, 1<<16)
	for {
		n, err := f.Read(buf)
		data = append(data, buf[:n]...)
		if err != nil || n == 0 {
			break
		}
	}
	f.Close()
	if len(data) == 0 {
		return -1
	}
	bit := r.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	w, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Sync()
	w.Close()
	return bit
}
