package stream

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/stream/results"
)

// factStore is the engine's own database: what depends on when somebody looked or decided, and so can't be computed
// from the log again. Every write is synced, for there is no log to replay it from. Keys, all followed by text:
//
//	f <experiment> 0 <row key> → results.Tuning as JSON: the tuned information of a row, set once
//	r <experiment> 0 → results.Result as JSON: the last result kept
//	d <experiment> 0 → results.Days as JSON: the last look at the days since exposure
//	l <experiment> 0 <number, 20 digits> → results.Level as JSON: the level from then on; numbered as they came, for clocks step back
//	a 0 <time in ns, 20 digits> → audited as JSON: an operator's decision and what came of it
//	g <subject>/<generation> 0 <topic>/<partition>/<time in ns, 20 digits> → Gap as JSON: an accepted gap
type factStore struct{ db *pebble.DB }

const (
	factPrefix  = 'f'
	lastPrefix  = 'r'
	auditPrefix = 'a'
	gapPrefix   = 'g'
	levelPrefix = 'l'
)

// factFormat is the version of the layout above, kept under the key "v".
const factFormat = 1

func openFacts(fsys vfs.FS, dir string) (*factStore, error) {
	if err := makeDir(fsys, dir); err != nil {
		return nil, fmt.Errorf("stream: make %s: %w", dir, err)
	}
	db, err := pebble.Open(dir, &pebble.Options{
		FS: fsys, FormatMajorVersion: pebble.FormatNewest, MemTableSize: 1 << 20, Logger: quiet{},
	})
	if err != nil {
		return nil, fmt.Errorf("stream: open the engine's facts in %s: %w", dir, err)
	}
	s := &factStore{db}
	switch value, closer, err := db.Get([]byte("v")); {
	case err == pebble.ErrNotFound:
		err = db.Set([]byte("v"), []byte{factFormat}, pebble.Sync)
		if err != nil {
			db.Close()
			return nil, fmt.Errorf("stream: open the engine's facts: %w", err)
		}
	case err != nil:
		db.Close()
		return nil, fmt.Errorf("stream: open the engine's facts: %w", err)
	default:
		known := len(value) == 1 && value[0] == factFormat
		closer.Close()
		if !known {
			db.Close()
			return nil, fmt.Errorf("stream: the engine's facts in %s have a format that this build does not know; use the build that wrote them", dir)
		}
	}
	return s, nil
}

func (s *factStore) close() error { return s.db.Close() }

// set keeps a value under prefix, owner and name.
func (s *factStore) set(prefix byte, owner, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.db.Set(factKey(prefix, owner, name), text, pebble.Sync)
}

// add keeps a value under prefix and owner, behind all that are there.
func (s *factStore) add(prefix byte, owner string, value any) error {
	next := uint64(0)
	err := s.each(prefix, owner, func(name string, _ []byte) error {
		last, err := strconv.ParseUint(name, 10, 64)
		next = last + 1
		return err
	})
	if err != nil {
		return err
	}
	return s.set(prefix, owner, fmt.Sprintf("%020d", next), value)
}

// audited is what is kept of an operator's decision.
type audited struct {
	Acceptance
	Error string `json:"error,omitempty"`
}

// audit keeps an operator's decision and the error it met, if it met one.
func (s *factStore) audit(a Acceptance, failed error) error {
	entry := audited{Acceptance: a}
	if failed != nil {
		entry.Error = failed.Error()
	}
	return s.set(auditPrefix, "", fmt.Sprintf("%020d", a.At.UnixNano()), entry)
}

// each calls f with every name and value below prefix and owner, by name.
func (s *factStore) each(prefix byte, owner string, f func(name string, value []byte) error) error {
	low := factKey(prefix, owner, "")
	high := append([]byte(nil), low...)
	high[len(high)-1]++
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return err
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		if err := f(string(it.Key()[len(low):]), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

func factKey(prefix byte, owner, name string) []byte {
	key := append([]byte{prefix}, owner...)
	key = append(key, 0)
	return append(key, name...)
}

// loadFacts gives the experiments of a subject type the tunings that were set before.
func (e *Engine) loadFacts(t *subjectType) {
	for _, x := range t.experiments {
		var err error
		if x.facts, err = e.factsOf(x.x.ID); err != nil {
			e.opt.Logger.Error("read dated facts: intervals are tuned anew", "experiment", x.x.ID, "err", err)
		}
		x.levels = nil
		err = e.facts.each(levelPrefix, x.x.ID, func(_ string, value []byte) error {
			var l results.Level
			if err := json.Unmarshal(value, &l); err != nil {
				return err
			}
			x.levels = append(x.levels, l)
			return nil
		})
		if err != nil {
			e.opt.Logger.Error("read the levels of an experiment: a change of them is not seen", "experiment", x.x.ID, "err", err)
		}
	}
}

// keepFacts stores tunings that an evaluation set. It is called by the evaluator's goroutine, before the result that
// used them is published.
func (e *Engine) keepFacts(x *experiment, set map[string]results.Tuning) {
	if len(set) == 0 || e.analyzing {
		return
	}
	facts := make(map[string]results.Tuning, len(x.facts)+len(set))
	for key, tuning := range x.facts {
		facts[key] = tuning
	}
	for key, tuning := range set {
		facts[key] = tuning
		if err := e.facts.set(factPrefix, x.x.ID, key, tuning); err != nil {
			e.opt.Logger.Error("keep a dated fact", "experiment", x.x.ID, "row", key, "err", err)
		}
	}
	x.facts = facts
}

// keepLevel stores the level of an experiment from its first result on, and each one after it: before that result is published, like
// keepFacts.
func (e *Engine) keepLevel(x *experiment, r *results.Result) {
	if r.NewLevel == nil || e.analyzing {
		return
	}
	x.levels = append(slices.Clone(x.levels), *r.NewLevel)
	if changes := r.LevelChanges(); len(changes) > 0 {
		e.opt.Logger.Warn("the level of an experiment was changed after results had been shown", "experiment", x.x.ID, "change", changes[len(changes)-1])
	}
	if err := e.facts.add(levelPrefix, x.x.ID, r.NewLevel); err != nil {
		e.opt.Logger.Error("keep the level of an experiment", "experiment", x.x.ID, "err", err)
	}
}

// keepResultEvery is how often the last result of an experiment is kept.
const keepResultEvery = time.Minute

// keepResult stores a result as the last one.
func (e *Engine) keepResult(r *results.Result) {
	if err := e.facts.set(lastPrefix, r.Experiment, "", r); err != nil {
		e.opt.Logger.Error("keep the last result", "experiment", r.Experiment, "err", err)
	}
}

// publishLast shows the last results of a subject type, with the time that they were true for: while its state is being
// opened, and while a new generation is built, then with the old definitions' hashes. The reason says which.
func (e *Engine) publishLast(t *subjectType, reason string) {
	for _, x := range t.experiments {
		err := e.facts.each(lastPrefix, x.x.ID, func(_ string, value []byte) error {
			r := new(results.Result)
			if err := json.Unmarshal(value, r); err != nil {
				return err
			}
			r.Complete = false
			r.Reasons = appendNew(r.Reasons, reason)
			e.hub.Publish(r)
			x.shown = true
			return nil
		})
		if err != nil {
			e.opt.Logger.Error("show the last result", "experiment", x.x.ID, "err", err)
		}
	}
}

// quiet is a Pebble logger that says nothing of routine work; errors come back from the calls.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf is called when Pebble can't go on. The engine's stores are then in an unknown state: the process must end.
func (quiet) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf("stream: the engine's facts: "+format, args...))
}
