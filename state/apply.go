package state

import (
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
)

// apply changes one subject by its events of a batch, in log order, and reports the differences. None of them is late.
// rows has the ids that are no longer in the head row.
func (c *core) apply(s *Subject, events []*Event, rows idRows, sink Sink) {
	c.touched = c.touched[:0]
	for _, ev := range events {
		for _, x := range c.schema.events[ev.Def].touched {
			c.touched = insert(c.touched, x)
		}
	}
	c.before, c.counts, c.outsides = c.before[:0], c.counts[:0], c.outsides[:0]
	was := make([]standing, len(c.touched))
	for i, x := range c.touched {
		was[i] = c.stand(s, x)
	}
	c.expireIDs(s)
	changed := false
	for _, ev := range events {
		if c.duplicate(s, ev, rows) {
			continue
		}
		c.accept(s, ev)
		changed = true
	}
	if !changed {
		return
	}
	for i, x := range c.touched {
		c.report(s, x, &was[i], sink)
	}
	c.close(s)
}

// standing is what a subject was to an experiment before a batch: ranges of the core's scratch.
type standing struct {
	in, crossed   bool
	cells, counts [2]int
	outsides      int
}

// stand notes the subject's contributions and ledger entries in experiment x.
func (c *core) stand(s *Subject, x int) standing {
	in := s.inExperiment(x)
	if in == nil {
		return standing{}
	}
	was := standing{in: true, crossed: in.crossed, outsides: len(c.outsides)}
	was.cells[0] = len(c.before)
	c.before = c.contributions(s, in, always, c.before)
	was.cells[1] = len(c.before)
	was.counts[0] = len(c.counts)
	c.counts = c.tally(s, in, c.counts)
	was.counts[1] = len(c.counts)
	for k, d := range c.schema.experiments[x].reads {
		n := c.counts[was.counts[0]+k]
		c.outsides = append(c.outsides, s.acceptedOf(d)-n.counted-n.unexposed)
	}
	return was
}

// report hands on what changed in experiment x, and moves the ledger.
func (c *core) report(s *Subject, x int, was *standing, sink Sink) {
	in := s.inExperiment(x)
	if in == nil {
		return
	}
	l := &c.ledger.experiments[x]
	if !was.in {
		l.exposed++
	}
	if in.crossed && !was.crossed {
		l.crossovers++
	}
	c.after = c.contributions(s, in, always, c.after[:0])
	emit(x, c.before[was.cells[0]:was.cells[1]], c.after, sink)
	from := len(c.counts)
	c.counts = c.tally(s, in, c.counts)
	for k, d := range c.schema.experiments[x].reads {
		n := c.counts[from+k]
		outside := s.acceptedOf(d) - n.counted - n.unexposed
		if was.in {
			before := c.counts[was.counts[0]+k]
			n.counted -= before.counted
			outside -= c.outsides[was.outsides+k]
		}
		l.counted[k] += n.counted
		l.outside[k] += outside
	}
}

// emit hands on the differences between two lists of cells, both in the order of cell.compare.
func emit(experiment int, before, after []cell, sink Sink) {
	change := func(at *cell, old, new moment.Point) {
		sink.Change(moment.Change{Experiment: experiment, Variant: at.variant, Metric: at.metric, Slice: at.slice, Old: old, New: new})
	}
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(before) == 0:
			order = 1
		case len(after) == 0:
			order = -1
		default:
			order = before[0].compare(&after[0])
		}
		switch {
		case order < 0:
			change(&before[0], before[0].point, moment.Point{})
			before = before[1:]
		case order > 0:
			change(&after[0], moment.Point{}, after[0].point)
			after = after[1:]
		default:
			if before[0].point != after[0].point {
				change(&after[0], before[0].point, after[0].point)
			}
			before, after = before[1:], after[1:]
		}
	}
}

// accept takes one distinct in-time event into the subject.
func (c *core) accept(s *Subject, ev *Event) {
	d := &c.schema.events[ev.Def]
	c.ledger.events[ev.Def].accepted++
	t := tie{hasID: ev.ID != nil, input: ev.Input, offset: ev.Offset}
	if t.hasID {
		t.id = string(ev.ID)
	}
	var valid []int32
	for i, x := range d.exposures {
		if c.valid(ev, x, &ev.Exposures[i]) {
			valid = append(valid, int32(x))
			c.expose(s, x, int32(ev.Exposures[i].Variant), ev.Time, &t, ev.Exposures[i].Dimensions)
		}
	}
	if len(d.profiled) > 0 {
		c.addProfile(s, ev.Def, ev.Time, &t, ev.Dimensions[d.tuple:])
	}
	s.accept(ev.Def)
	if len(d.readers) > 0 {
		c.insertOpen(s, open{
			time: ev.Time, event: int32(ev.Def), tuple: c.tuples.of(ev.Dimensions[:d.tuple]), valid: valid,
		}, ev.Values)
		return
	}
	// No metric reads it: nothing can change its fate but a crossover, which clears the counts anyway.
	for _, x := range valid {
		s.inExperiment(int(x)).reads[c.schema.experiments[x].exposureRead].counted++
	}
}

// valid says whether an exposure event is a valid exposure to experiment x, and counts why not.
func (c *core) valid(ev *Event, x int, exposure *Exposure) bool {
	e := &c.schema.experiments[x]
	l := &c.ledger.experiments[x]
	switch {
	case !exposure.Counts:
		return false
	case exposure.Variant < 0:
		l.unknownVariant++
		return false
	case ev.Time < e.start || ev.Time >= e.stop:
		return false
	case ev.Bound != never && ev.Bound-ev.Time > e.lateness || ev.Time < behind(c.clock, e.lateness):
		l.lateExposure++
		return false
	}
	return true
}

// late says why an event can't be taken any more; empty if it can.
func (c *core) late(ev *Event) string {
	l := c.schema.events[ev.Def].lateness
	switch {
	case l == forever:
		return ""
	case ev.Bound != never && ev.Bound-ev.Time > l:
		return reasonLate
	case ev.Time < behind(c.clock, l):
		return reasonFreed
	}
	return ""
}

// Reasons of late events, in EventLedger.Reasons and on kept records.
const (
	reasonLate  = "late"
	reasonFreed = "freed"
)

// sortBySubject orders a batch's events by key, keeping the log order within a subject.
func sortBySubject(events []located) {
	slices.SortStableFunc(events, func(a, b located) int { return a.compare(&b) })
}
