package api

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemark/tidemark/stream/results"
)

// A feed numbers the changes of one experiment's result (with one choice of slices), so that every client gets exactly
// what changed since what it has, however long it was busy or away. All clients of a kind share it: the comparison with the
// previous result is made once.
//
// There is no queue. A feed knows the newest state of each key and the version at which it last changed; what a slow
// client missed in between is nowhere kept, because it does not matter any more.
type feed struct {
	epoch string // tells this feed's versions from those of another process or an earlier feed

	// reading is held while a result is fetched and compared, so that results are observed in their order and an
	// evaluation is made once for all clients. It is taken before mu, by putting a token in; a channel, because the
	// holder may wait for the evaluation's turn, and who waits behind it must still see its own client go.
	reading chan struct{}
	from    *results.Result // the hub's result that result was made from; guarded by reading
	read    time.Time       // when the last evaluation ended; guarded by reading

	mu      sync.Mutex
	result  *results.Result // written under reading and mu
	version uint64
	changed map[string]uint64 // row key → version of its last change
	removed map[string]uint64 // row key → version in which it went
	// floor is the version before which removals have been forgotten; who resumes from before gets everything.
	floor uint64

	// texts are the cells of textsOf, as view made them; guarded by reading.
	texts   map[string]map[string]string
	textsOf *results.Result
	textsAt time.Time

	cells  map[string]map[string]field // cell key → field → text; guarded by mu
	usedBy int                         // streams; guarded by feeds.mu
}

type field struct {
	text    string
	version uint64
}

// maxRemoved bounds what is remembered of rows that are no more.
const maxRemoved = 10_000

func newFeed() *feed {
	var b [6]byte
	_, _ = rand.Read(b[:]) // crypto/rand does not fail
	return &feed{epoch: hex.EncodeToString(b[:]), reading: make(chan struct{}, 1), changed: map[string]uint64{}, removed: map[string]uint64{}, cells: map[string]map[string]field{}}
}

// observe makes r the feed's result. The caller holds reading.
func (f *feed) observe(r *results.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	before := map[string]*results.Row{}
	if f.result != nil {
		before = make(map[string]*results.Row, len(f.result.Rows))
		for i := range f.result.Rows {
			before[f.result.Rows[i].Key()] = &f.result.Rows[i]
		}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		key := row.Key()
		if old, ok := before[key]; !ok || !old.Equal(row) {
			f.changed[key] = f.version
			delete(f.removed, key)
		}
		delete(before, key)
	}
	for key := range before {
		delete(f.changed, key)
		f.removed[key] = f.version
	}
	if len(f.removed) > maxRemoved {
		f.removed, f.floor = map[string]uint64{}, f.version
	}
	f.result = r
}

// rowsMessage is the data of an event of rows: the result as everywhere, with the rows that changed and the keys of those
// that are gone. Full says that it holds every row, so that a client drops what it had.
type rowsMessage struct {
	*results.Result
	Removed []string `json:"removed"`
	Full    bool     `json:"full"`
}

// rowsSince returns what changed after version since, and the version it brings a client to. Version 0 is "nothing yet".
func (f *feed) rowsSince(since uint64) (rowsMessage, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	full := since == 0 || since < f.floor || since > f.version
	if full {
		return rowsMessage{Result: f.result, Removed: []string{}, Full: true}, f.version
	}
	m := rowsMessage{Removed: []string{}}
	m.Result = filter(f.result, func(row *results.Row) bool { return f.changed[row.Key()] > since })
	for key, v := range f.removed {
		if v > since {
			m.Removed = append(m.Removed, key)
		}
	}
	slices.Sort(m.Removed)
	return m, f.version
}

// setCells makes texts the feed's cells; a field whose text is as before keeps its version.
func (f *feed) setCells(texts map[string]map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next, news := f.version+1, false
	for key, fields := range texts {
		have := f.cells[key]
		if have == nil {
			have = map[string]field{}
			f.cells[key] = have
		}
		for name, text := range fields {
			if old, ok := have[name]; !ok || old.text != text {
				have[name] = field{text, next}
				news = true
			}
		}
	}
	// A row that is gone leaves its elements on the page until the shape, which changes with it, makes the page fetch them anew.
	maps.DeleteFunc(f.cells, func(key string, _ map[string]field) bool { _, ok := texts[key]; return !ok })
	if news {
		f.version = next
	}
}

// cellsSince returns the fields whose text changed after version since.
func (f *feed) cellsSince(since uint64) (map[string]map[string]string, uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if since > f.version {
		since = 0
	}
	out := map[string]map[string]string{}
	for key, fields := range f.cells {
		for name, fl := range fields {
			if fl.version <= since {
				continue
			}
			if out[key] == nil {
				out[key] = map[string]string{}
			}
			out[key][name] = fl.text
		}
	}
	return out, f.version
}

// id names a version for Last-Event-ID.
func (f *feed) id(version uint64) string { return f.epoch + "-" + strconv.FormatUint(version, 10) }

// since reads a Last-Event-ID: the version if it is one of this feed's, else 0.
func (f *feed) since(id string) uint64 {
	epoch, text, _ := strings.Cut(id, "-")
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil || epoch != f.epoch {
		return 0
	}
	return v
}

// feeds are the open feeds. Those over the hub's own results stay, so that any client may resume (there are as many as
// experiments and formats); those with other slices or open rows go with their last client.
type feeds struct {
	mu   sync.Mutex
	open map[feedKey]*feed
}

type feedKey struct {
	experiment, slices string
	cells              bool
	open               string // of cells: the rows that are open
}

func (fs *feeds) use(key feedKey) *feed {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.open[key]
	if f == nil {
		f = newFeed()
		fs.open[key] = f
	}
	f.usedBy++
	return f
}

func (fs *feeds) done(key feedKey) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.open[key]
	if f.usedBy--; f.usedBy == 0 && key.slices+key.open != "" {
		delete(fs.open, key)
	}
}
