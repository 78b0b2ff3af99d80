package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// DayRange is a part of each subject's time since its first exposure, in UTC days, by which segments are cut: from
// day(t0) + From up to, not including, day(t0) + To. Day 0 begins at t0.
type DayRange struct{ From, To int }

// ByDay gathers what subjects contributed to the metrics of one experiment by the days since their first exposure. A subject
// is in a range iff the range is over for it, and can no longer change, and lies within the metric's window and before the
// experiment's stop: so it enters once, with its own total there. A total is the metric's over the range alone: the largest
// value of the range, the distinct values of the range; a cap clips each range's total.
type ByDay struct {
	Experiment int
	Ranges     []DayRange
	// Pairs are two ranges of the same subjects: the later one, then the earlier one.
	Pairs [][2]DayRange
	// Sums has those of each metric, range and variant. Paired has, for each metric, pair and variant, the later range as
	// numerator and denominator and the earlier one in the place of the pre-period. nil for a metric that has no totals.
	Sums, Paired [][][]moment.Sums
}

// NewByDay returns an empty one.
func NewByDay(plan *catalog.Plan, experiment int, ranges []DayRange, pairs [][2]DayRange) *ByDay {
	d := &ByDay{Experiment: experiment, Ranges: ranges, Pairs: pairs}
	x := &plan.Experiments[experiment]
	rows := func(n int) [][]moment.Sums {
		list := make([][]moment.Sums, n)
		for i := range list {
			list[i] = make([]moment.Sums, len(x.Variants))
		}
		return list
	}
	for m := range x.Metrics {
		if !hasTotals(plan, &x.Metrics[m]) {
			d.Sums, d.Paired = append(d.Sums, nil), append(d.Paired, nil)
			continue
		}
		d.Sums, d.Paired = append(d.Sums, rows(len(ranges))), append(d.Paired, rows(len(pairs)))
	}
	return d
}

// hasTotals says whether a metric is made of totals that days divide: it reads events, and adds them up in one of the ways
// of a segment.
func hasTotals(plan *catalog.Plan, m *catalog.PlanMetric) bool {
	if m.Numerator < 0 && m.Denominator < 0 || m.Across {
		return false
	}
	for _, term := range []int{m.Numerator, m.Denominator} {
		if term < 0 {
			continue
		}
		switch plan.Measures[term].Agg {
		case catalog.Sum, catalog.Count, catalog.CountDistinct, catalog.Max, catalog.Min, catalog.Exists:
		default:
			return false
		}
	}
	return true
}

// Merge adds what other has gathered of other subjects.
func (d *ByDay) Merge(other *ByDay) {
	add := func(to, from [][][]moment.Sums) {
		for m := range to {
			for i := range to[m] {
				for v := range to[m][i] {
					to[m][i][v].Merge(&from[m][i][v])
				}
			}
		}
	}
	add(d.Sums, other.Sums)
	add(d.Paired, other.Paired)
}

// Picture is a store's committed subjects at one moment. Another goroutine may read it while the store goes on; it must be
// closed before the store is.
type Picture struct {
	store    *Store // only to read rows with
	snapshot *pebble.Snapshot
	clock    int64
	// End is the data's own time, for a store whose inputs have ended; nothing after it is known of.
	End int64
}

// Picture takes one. It costs the store's goroutine next to nothing.
func (s *Store) Picture() (*Picture, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	p := &Picture{snapshot: s.db.NewSnapshot(), End: never}
	schema := *s.core.schema
	schema.experiments = slices.Clone(schema.experiments)
	for x := range schema.experiments {
		// What is frozen of a metric may change while the picture is read; what it points to does not.
		schema.experiments[x].metrics = slices.Clone(schema.experiments[x].metrics)
	}
	tuples := &tuples{values: slices.Clip(s.core.tuples.values)}
	p.store = &Store{rows: p.snapshot, plan: s.plan, core: core{schema: &schema, tuples: tuples, placeAt: map[uint64]int32{}}}
	// What is applied and not committed is not in it, so neither is the clock that vouches for it.
	value, closer, err := p.snapshot.Get(keyOffsets)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state: picture: %w", mark(err)), p.snapshot.Close())
	}
	o := offsets{strict: schema.strict, buckets: map[uint32]digest{}}
	if err := errors.Join(o.decode(newCounters(&schema), value), closer.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("state: picture: %w", err), p.snapshot.Close())
	}
	p.clock = o.clock
	return p, nil
}

// Close lets the picture go.
func (p *Picture) Close() error { return p.snapshot.Close() }

// settled says whether nothing before t that is in time can still come to events of the metric.
func (p *Picture) settled(m *metricSchema, t int64) bool {
	if p.clock == forever {
		return t <= p.End
	}
	wait := int64(0)
	for _, d := range m.events {
		if l := p.store.core.schema.events[d].lateness; l != forever {
			wait = max(wait, l)
		}
	}
	return after(t, wait) <= p.clock
}

// ByDay adds up to most subjects, in the order of their keys from one on (nil: the first). It returns where to go on, nil at
// the end, and how many it added. Keys begin with a hash of the subject, so that what comes first is a random part of all.
func (p *Picture) ByDay(from []byte, most int, to []*ByDay) (next []byte, subjects int, err error) {
	if from == nil {
		from = []byte{prefixSubject}
	}
	iter, err := p.snapshot.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: []byte{prefixSubject + 1}})
	if err != nil {
		return nil, 0, fmt.Errorf("state: picture: %w", mark(err))
	}
	defer func() { err = errors.Join(err, mark(iter.Close())) }()
	for ok := iter.First(); ok; ok = iter.Next() {
		id, kind, ok := subjectOf(iter.Key())
		if !ok {
			return nil, subjects, fmt.Errorf("state: key %x is no subject's: %w", iter.Key(), ErrCorrupt)
		}
		if kind != kindHead {
			continue
		}
		if subjects == most {
			return slices.Clone(iter.Key()), subjects, nil
		}
		value, err := iter.ValueAndErr()
		if err != nil {
			return nil, subjects, fmt.Errorf("state: picture: %w", mark(err))
		}
		s, err := p.store.decodeRows(binary.BigEndian.Uint64(iter.Key()[1:9]), id, value)
		if err != nil {
			return nil, subjects, err
		}
		subjects++
		for _, d := range to {
			if x := s.inExperiment(d.Experiment); x != nil && !p.store.core.out(x) {
				p.add(s, x, d)
			}
		}
	}
	return nil, subjects, mark(iter.Error())
}

// add adds one subject.
func (p *Picture) add(s *Subject, x *exposed, to *ByDay) {
	metrics := p.store.core.schema.experiments[x.experiment].metrics
	for i := range metrics {
		if to.Sums[i] == nil {
			continue
		}
		m := metrics[i]
		m.pre, m.eventDims = 0, 0 // neither the pre-period nor slices are asked for
		for k, r := range to.Ranges {
			if point := p.point(s, x, &m, r); point.In {
				to.Sums[i][k][x.variant].Add(point)
			}
		}
		for k, pair := range to.Pairs {
			late := p.point(s, x, &m, pair[0])
			if !late.In {
				continue
			}
			if early := p.point(s, x, &m, pair[1]); early.In {
				late.Pre, late.PreDen = early.Num, early.Den
				to.Paired[i][k][x.variant].Add(late)
			}
		}
	}
}

// point is what the subject contributes in a range; nothing if the range is not over.
func (p *Picture) point(s *Subject, x *exposed, m *metricSchema, r DayRange) moment.Point {
	c := &p.store.core
	first := dayOf(x.t0)
	in := span{first + int64(r.From)*day, first + int64(r.To)*day}
	// A conversion's window runs from its denominator events, and ends nothing.
	if in.to > c.schema.experiments[x.experiment].stop || m.conversion < 0 && m.window > 0 && in.to > after(x.t0, m.window) || !p.settled(m, in.to) {
		return moment.Point{}
	}
	c.gather(s, x, m, in)
	var sums sums
	for k := range c.items {
		c.add(m, &sums, &c.items[k])
	}
	return c.point(m, &sums, s.openLimit)
}
