package state

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/sketch"
)

// Frozen is what a metric takes from the data itself, set once: the range that a winsorized metric's totals are clipped to, or
// the cut of a quantile metric, which is the range's upper end: the numerator then is the number of events up to it.
// It is a fact from outside, like an event, but it concerns all subjects: applying it visits each of them once.
type Frozen struct {
	Experiment, Metric int // indexes into the plan's experiments and their metrics
	Range              catalog.ClipRange
}

func (f *Frozen) same(o *Frozen) bool { return f.Experiment == o.Experiment && f.Metric == o.Metric }

// Frozen returns what has been frozen, in the order of the plan.
func (s *Store) Frozen() []Frozen { return slices.Clone(s.frozen) }

// Freeze applies facts that are not applied yet and tells sink what that changes. Like Apply it changes memory only: the
// next Commit writes facts and cells together, so that a crash leaves both or neither. It reads every subject that the
// store has (some 60,000 a second on one core; a batch waits for it). After an error other than a refused fact the store is not usable.
func (s *Store) Freeze(ctx context.Context, facts []Frozen, sink Sink) error {
	if err := s.usable(); err != nil {
		return err
	}
	var fresh []Frozen
	for _, f := range facts {
		if f.Experiment < 0 || f.Experiment >= len(s.core.schema.experiments) || f.Metric < 0 || f.Metric >= len(s.core.schema.experiments[f.Experiment].metrics) {
			return fmt.Errorf("state: freeze: the plan has no metric %d of experiment %d", f.Metric, f.Experiment)
		}
		if f.Range.Lower > f.Range.Upper {
			return fmt.Errorf("state: freeze: metric %d of experiment %d: the range from %d to %d is empty", f.Metric, f.Experiment, f.Range.Lower, f.Range.Upper)
		}
		i := slices.IndexFunc(s.frozen, func(have Frozen) bool { return have.same(&f) })
		if i < 0 {
			fresh = append(fresh, f)
		} else if s.frozen[i] != f {
			return fmt.Errorf("state: freeze: metric %d of experiment %d is frozen to %v already, not %v", f.Metric, f.Experiment, s.frozen[i].Range, f.Range)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	err := s.subjects(ctx, func(_ uint64, subject *Subject, _ []byte) error {
		for i := range fresh {
			s.core.refreeze(subject, &fresh[i], sink)
		}
		return nil
	})
	if err != nil {
		return s.fail(err)
	}
	for i := range fresh {
		s.core.schema.freeze(&fresh[i])
	}
	s.core.epoch++
	s.frozen = append(s.frozen, fresh...)
	slices.SortFunc(s.frozen, func(a, b Frozen) int {
		if a.Experiment != b.Experiment {
			return a.Experiment - b.Experiment
		}
		return a.Metric - b.Metric
	})
	s.frozenDirty = true
	return nil
}

// refreeze hands on what a fact changes of one subject. The schema is as before afterwards.
func (c *core) refreeze(s *Subject, f *Frozen, sink Sink) {
	x := s.inExperiment(f.Experiment)
	m := &c.schema.experiments[f.Experiment].metrics[f.Metric]
	if x == nil || c.out(x) || c.passed(x, m) {
		return
	}
	base := c.baseCell(s, x)
	c.before = c.metricCells(s, x, f.Metric, base, always, c.before[:0])
	was := *m
	m.freeze(f)
	c.after = c.metricCells(s, x, f.Metric, base, always, c.after[:0])
	*m = was
	emit(f.Experiment, c.before, c.after, sink)
}

func (s *schema) freeze(f *Frozen) { s.experiments[f.Experiment].metrics[f.Metric].freeze(f) }

// freeze makes the metric what it is with the fact. A cap of the definition holds as well.
func (m *metricSchema) freeze(f *Frozen) {
	if m.quantile {
		m.cut = sketch.IndexOf(f.Range.Upper)
		return
	}
	r := f.Range
	if m.clip != nil {
		r.Lower = min(max(r.Lower, m.clip.Lower), m.clip.Upper)
		r.Upper = max(min(r.Upper, m.clip.Upper), m.clip.Lower)
	}
	m.clip = &r
}

// frozenVersion is the first byte of the row of frozen facts. Append-only:
//
//	1: n × (experiment, metric, flags, [lower], [upper])
const frozenVersion = 1

// Flags of a frozen fact: which ends it has.
const (
	frozenLower = 1 << iota
	frozenUpper
	frozenFlags = 1<<iota - 1
)

func encodeFrozen(list []Frozen, b []byte) []byte {
	b = append(b, frozenVersion)
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, f := range list {
		b = binary.AppendUvarint(b, uint64(f.Experiment))
		b = binary.AppendUvarint(b, uint64(f.Metric))
		at := len(b)
		b = append(b, 0)
		if f.Range.Lower > math.MinInt64 {
			b[at] |= frozenLower
			b = binary.AppendVarint(b, f.Range.Lower)
		}
		if f.Range.Upper < math.MaxInt64 {
			b[at] |= frozenUpper
			b = binary.AppendVarint(b, f.Range.Upper)
		}
	}
	return b
}

// readFrozen takes the committed facts into the schema. A store that never froze anything has no row.
func (s *Store) readFrozen() error {
	value, err := s.get(keyFrozen)
	if err != nil || value == nil {
		return err
	}
	r := &reader{b: value}
	if v := r.byte(); v != frozenVersion {
		return fmt.Errorf("frozen facts have version %d, this build knows %d: %w", v, frozenVersion, ErrFormat)
	}
	for range r.count() {
		f := Frozen{Experiment: r.index(len(s.core.schema.experiments)), Range: catalog.Unclipped}
		if r.bad {
			break
		}
		f.Metric = r.index(len(s.core.schema.experiments[f.Experiment].metrics))
		flags := r.byte()
		r.bad = r.bad || flags > frozenFlags
		if flags&frozenLower != 0 {
			f.Range.Lower = r.varint()
		}
		if flags&frozenUpper != 0 {
			f.Range.Upper = r.varint()
		}
		s.frozen = append(s.frozen, f)
	}
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("row of frozen facts does not decode: %w", ErrCorrupt)
	}
	for i := range s.frozen {
		s.core.schema.freeze(&s.frozen[i])
	}
	s.frozenRow = s.hasher.row(keyFrozen, value)
	return nil
}

// writeFrozen writes the facts if there are new ones.
func (s *Store) writeFrozen(w *writer) (err error) {
	if !s.frozenDirty {
		return nil
	}
	s.frozenRow, err = w.set(keyFrozen, encodeFrozen(s.frozen, nil), s.frozenRow)
	s.frozenDirty = err != nil
	return err
}
