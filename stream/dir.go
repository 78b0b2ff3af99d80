package stream

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
)

// The data directory:
//
//	instance-id                    the static member id of the consumer groups
//	facts/                         the engine's own Pebble database: dated facts, audits, halts that outlive a restart
//	history/                       hourly and daily cells of every experiment, for trends
//	accept/*.json                  an operator's decisions, picked up and removed by the engine
//	<subject>/current              the generation whose results are published
//	<subject>/<generation>/        one state, built from one plan; the name starts with the plan's hash
//	<subject>/<generation>/begin.json   where reading the log began, for how many shards, and what the definitions meant
//	<subject>/<generation>/0007/   the store of shard 7

// generationMeta is what begin.json holds.
type generationMeta struct {
	Subject string `json:"subject"`
	Plan    string `json:"plan"`
	Shards  int32  `json:"shards"`
	// Began is the first offset read of each source partition, by "topic/partition".
	Began map[string]beginning `json:"began,omitempty"`
	// Meanings are the definitions' canonical texts, to say later what has changed.
	Meanings map[string]string `json:"meanings,omitempty"`
}

// beginning is where reading a partition began.
type beginning struct {
	Offset  int64  `json:"offset"`
	TopicID string `json:"topic_id"`
}

// DefinitionsChangedError is returned by Run when a state was built from definitions that meant something else.
type DefinitionsChangedError struct {
	Subject string
	Changes []string
}

func (e *DefinitionsChangedError) Error() string {
	return fmt.Sprintf("stream: the definitions of subject %s changed their meaning since its state was built:\n  %s\n"+
		"start with --rebuild to build the new state from the log beside the old one", e.Subject, strings.Join(e.Changes, "\n  "))
}

// openDir opens what is below Options.Dir and finds the home of every subject type.
func (e *Engine) openDir() error {
	o := &e.opt
	if err := makeDir(o.FS, o.Dir); err != nil {
		return fmt.Errorf("stream: make data directory: %w", err)
	}
	if err := e.findInstance(); err != nil {
		return err
	}
	var err error
	if e.facts, err = openFacts(o.FS, o.FS.PathJoin(o.Dir, "facts")); err != nil {
		return err
	}
	if err := syncDir(o.FS, o.Dir); err != nil {
		return fmt.Errorf("stream: sync data directory: %w", err)
	}
	e.cache, e.files = pebble.NewCache(o.CacheBytes), pebble.NewFileCache(4, 4096)
	if !e.analyzing {
		if err := e.openHistory(); err != nil {
			return errors.Join(err, e.closeDir())
		}
	}
	for _, t := range e.types {
		if err := t.findHome(); err != nil {
			return errors.Join(err, e.closeDir())
		}
		e.loadFacts(t)
		if err := e.loadGaps(t); err != nil {
			return errors.Join(err, e.closeDir())
		}
		if t.rebuild != nil {
			e.publishLast(t, "rebuilding")
		} else if !e.analyzing {
			e.publishLast(t, "restoring")
		}
	}
	return nil
}

func (e *Engine) openHistory() error {
	dir := e.opt.FS.PathJoin(e.opt.Dir, "history")
	if err := makeDir(e.opt.FS, dir); err != nil {
		return fmt.Errorf("stream: make %s: %w", dir, err)
	}
	h, err := cube.OpenHistory(dir, cube.HistoryOptions{FS: e.opt.FS, Cache: e.cache})
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	e.history.Store(h)
	return nil
}

func (e *Engine) closeDir() error {
	e.reading.Lock()
	defer e.reading.Unlock()
	var err error
	if e.facts != nil {
		err = e.facts.close()
		e.facts = nil
	}
	if h := e.history.Swap(nil); h != nil {
		err = errors.Join(err, h.Close())
	}
	if e.cache != nil {
		e.cache.Unref()
		e.files.Unref()
		e.cache, e.files = nil, nil
	}
	return err
}

// findInstance reads the static member id, or draws one.
func (e *Engine) findInstance() error {
	if e.opt.InstanceID != "" {
		return nil
	}
	path := e.opt.FS.PathJoin(e.opt.Dir, "instance-id")
	text, err := readFile(e.opt.FS, path)
	if err == nil && len(text) > 0 {
		e.opt.InstanceID = strings.TrimSpace(string(text))
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stream: read instance id: %w", err)
	}
	var id [8]byte
	rand.Read(id[:])
	e.opt.InstanceID = "tidemark-" + hex.EncodeToString(id[:])
	if err := writeFile(e.opt.FS, e.opt.Dir, "instance-id", []byte(e.opt.InstanceID+"\n")); err != nil {
		return fmt.Errorf("stream: keep instance id: %w", err)
	}
	return nil
}

// findHome picks the generation for the plan: the current one if it was built from it, else, with Rebuild, a new one
// beside it.
func (t *subjectType) findHome() error {
	o := &t.engine.opt
	base := o.FS.PathJoin(o.Dir, folderName(t.plan.Subject))
	if err := makeDir(o.FS, base); err != nil {
		return fmt.Errorf("stream: make %s: %w", base, err)
	}
	want := "g-" + t.plan.Hash.Short()
	t.home = o.FS.PathJoin(base, want)
	text, err := readFile(o.FS, o.FS.PathJoin(base, "current"))
	current := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.generation = want
		return t.swapIn()
	case err != nil:
		return fmt.Errorf("stream: read the current generation of %s: %w", t.plan.Subject, err)
	case current == want:
		t.generation = want
		return t.readMeta()
	}
	old := o.FS.PathJoin(base, current)
	if !o.Rebuild {
		return &DefinitionsChangedError{t.plan.Subject, t.changesSince(old)}
	}
	t.generation = want
	t.mu.Lock()
	t.rebuild = &rebuild{old: current, began: t.metaOf(old).Began}
	t.mu.Unlock()
	return t.readMeta()
}

// changesSince says what changed since a generation was built: from its definitions' texts, or by asking one of its
// stores.
func (t *subjectType) changesSince(home string) []string {
	o := &t.engine.opt
	if old := t.metaOf(home).Meanings; old != nil {
		var changes []string
		for _, c := range catalog.Changed(old, t.engine.set.Meanings()) {
			changes = append(changes, c.String())
		}
		if len(changes) > 0 {
			return changes
		}
	}
	store, err := state.Open(o.FS.PathJoin(home, "0000"), t.plan, state.Options{FS: o.FS, ReadOnly: true, VerifyLater: true})
	var changed *state.DefinitionsChangedError
	if errors.As(err, &changed) {
		return changed.Changes
	}
	if err == nil {
		store.Close()
	}
	return []string{"the plan's hash is " + t.plan.Hash.Short() + ", the state's generation is " + o.FS.PathBase(home)}
}

// swapIn makes the type's generation the current one.
func (t *subjectType) swapIn() error {
	o := &t.engine.opt
	base := o.FS.PathJoin(o.Dir, folderName(t.plan.Subject))
	if err := writeFile(o.FS, base, "current", []byte(t.generation+"\n")); err != nil {
		return fmt.Errorf("stream: swap generation %s of %s in: %w", t.generation, t.plan.Subject, err)
	}
	return t.readMeta()
}

func (t *subjectType) readMeta() error {
	t.meta = t.metaOf(t.home)
	return nil
}

// metaOf reads a generation's begin.json; the zero value if there is none.
func (t *subjectType) metaOf(home string) generationMeta {
	var m generationMeta
	if text, err := readFile(t.engine.opt.FS, t.engine.opt.FS.PathJoin(home, "begin.json")); err == nil {
		if json.Unmarshal(text, &m) != nil {
			m = generationMeta{}
		}
	}
	return m
}

// writeMeta keeps where reading began. It is called with t.mu held, or before there are shards.
func (t *subjectType) writeMeta() error {
	o := &t.engine.opt
	if err := makeDir(o.FS, t.home); err != nil {
		return fmt.Errorf("stream: make %s: %w", t.home, err)
	}
	t.meta.Subject, t.meta.Plan, t.meta.Shards = t.plan.Subject, t.plan.Hash.String(), t.n
	t.meta.Meanings = t.engine.set.Meanings()
	text, err := json.MarshalIndent(t.meta, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(o.FS, t.home, "begin.json", append(text, '\n')); err != nil {
		return fmt.Errorf("stream: keep where reading of %s began: %w", t.plan.Subject, err)
	}
	return nil
}

// folderName makes a subject's name one folder's name.
func folderName(subject string) string {
	var b strings.Builder
	b.WriteString("s-")
	for _, c := range []byte(subject) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// makeDir makes a folder, and those above it that are missing, so that it survives a crash of the machine: a folder is
// an entry of the one above, which has to be synced.
func makeDir(fsys vfs.FS, path string) error {
	if _, err := fsys.Stat(path); err == nil {
		return nil
	}
	above := fsys.PathDir(path)
	if above != path {
		if err := makeDir(fsys, above); err != nil {
			return err
		}
	}
	if err := fsys.MkdirAll(path, 0o700); err != nil {
		return err
	}
	return syncDir(fsys, above)
}

func syncDir(fsys vfs.FS, path string) error {
	d, err := fsys.OpenDir(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func readFile(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// writeFile replaces a small file as a whole: it is either the old one or the new one, also after a crash.
func writeFile(fsys vfs.FS, dir, name string, text []byte) error {
	path := fsys.PathJoin(dir, name)
	f, err := fsys.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = fsys.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	return syncDir(fsys, dir)
}
