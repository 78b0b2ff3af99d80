package state

import (
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
)

// apply changes one subject by its events of a batch, in log order, and reports the differences. None of them is late.
// rows has the ids that are no longer in the head row.
func (c *core) apply(s *Subject, events []*Event, rows idRows, sink Sink) {
	if c.goesDirect(s, events) {
		c.direct(s, events, rows, sink)
		return
	}
	s.epoch = -1 // nothing of it is remembered
	c.defs = c.defs[:0]
	for _, ev := range events {
		c.defs = insert(c.defs, ev.Def)
	}
	c.before, c.counts, c.outsides, c.was = c.before[:0], c.counts[:0], c.outsides[:0], c.was[:0]
	// Reaching the tail's bound flags all that the subject contributes, whatever the batch has.
	all := c.maxTail >= 0 && !s.openLimit && len(s.tail)+len(events) > c.maxTail
	for i := range s.exposed {
		c.stand(s, &s.exposed[i], all)
	}
	c.borrowTail(s)
	c.expireIDs(s)
	changed := false
	for _, ev := range events {
		if c.duplicate(s, ev, rows) {
			continue
		}
		c.accept(s, ev)
		changed = true
	}
	if changed {
		c.close(s)
		was := c.was
		for i := range s.exposed {
			x := &s.exposed[i]
			switch {
			case len(was) > 0 && was[0].experiment == x.experiment:
				c.report(s, x, &was[0], sink)
				was = was[1:]
			case c.isNew(x):
				c.report(s, x, nil, sink)
			}
		}
	}
	c.returnTail(s)
}

// borrowTail gives a subject without open events the core's memory for those to come: most are closed at once.
func (c *core) borrowTail(s *Subject) {
	if len(s.tail) == 0 {
		s.tail, s.operands = c.tail[:0], c.operands[:0]
	}
}

// returnTail takes the memory back; what stays open gets its own.
func (c *core) returnTail(s *Subject) {
	if len(s.tail) == 0 {
		c.tail, c.operands = s.tail[:0], s.operands[:0]
		s.tail, s.operands = nil, nil
		return
	}
	if cap(c.tail) > 0 && cap(s.tail) > 0 && &c.tail[:1][0] == &s.tail[:1][0] {
		s.tail = slices.Clone(s.tail)
	}
	if cap(c.operands) > 0 && cap(s.operands) > 0 && &c.operands[:1][0] == &s.operands[:1][0] {
		s.operands = slices.Clone(s.operands)
	}
}

// standing is what a subject was to an experiment before a batch: ranges of the core's scratch.
type standing struct {
	experiment int32
	crossed    bool
	defs       []int // the events whose metrics were asked for; nil: all
	cells      [2]int
	counts     int
	outsides   int
}

// stand notes the subject's contributions and ledger entries in an experiment that the batch may change: those of the
// metrics that read one of its events, or all if one of them may move the subject to another place.
func (c *core) stand(s *Subject, x *exposed, all bool) {
	e := &c.schema.experiments[x.experiment]
	was := standing{experiment: x.experiment, crossed: x.crossed, defs: c.defs, counts: len(c.counts), outsides: len(c.outsides)}
	if all || overlap(e.shapes, c.defs) {
		was.defs = nil
	} else if !overlap(e.reads, c.defs) {
		return
	}
	was.cells[0] = len(c.before)
	c.before = c.contributions(s, x, always, was.defs, c.before)
	was.cells[1] = len(c.before)
	c.counts = c.tally(s, x, c.counts)
	for k, d := range e.reads {
		n := c.counts[was.counts+k]
		c.outsides = append(c.outsides, s.acceptedOf(d)-n.counted-n.unexposed)
	}
	c.was = append(c.was, was)
}

// overlap says whether two rising lists have something in common.
func overlap(a, b []int) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			return true
		}
	}
	return false
}

// isNew says whether an experiment that the batch did not find the subject in is one that it brought it into: one that
// stand passed over reads nothing of the batch, and its exposure event neither.
func (c *core) isNew(x *exposed) bool {
	return slices.Contains(c.defs, c.schema.experiments[x.experiment].exposure)
}

// report hands on what changed in an experiment, and moves the ledger. was is nil if the subject is new there.
func (c *core) report(s *Subject, x *exposed, was *standing, sink Sink) {
	l := &c.ledger.experiments[x.experiment]
	var before []cell
	var defs []int
	if was == nil {
		l.exposed++
	} else {
		before, defs = c.before[was.cells[0]:was.cells[1]], was.defs
	}
	if x.crossed && (was == nil || !was.crossed) {
		l.crossovers++
	}
	c.after = c.contributions(s, x, always, defs, c.after[:0])
	emit(int(x.experiment), before, c.after, sink)
	from := len(c.counts)
	c.counts = c.tally(s, x, c.counts)
	for k, d := range c.schema.experiments[x.experiment].reads {
		n := c.counts[from+k]
		outside := s.acceptedOf(d) - n.counted - n.unexposed
		if was != nil {
			n.counted -= c.counts[was.counts+k].counted
			outside -= c.outsides[was.outsides+k]
		}
		l.counted[k] += n.counted
		l.outside[k] += outside
	}
}

// emit hands on the differences between two lists of cells, both in the order of cell.compare.
func emit(experiment int, before, after []cell, sink Sink) {
	change := func(at *cell, old, new moment.Point, bins []moment.Bin) {
		sink.Change(moment.Change{Experiment: experiment, Variant: at.variant, Metric: at.metric, Slice: at.slice, Old: old, New: new, Bins: bins})
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
			change(&before[0], before[0].point, moment.Point{}, binChange(before[0].bins, nil, nil))
			before = before[1:]
		case order > 0:
			change(&after[0], moment.Point{}, after[0].point, after[0].bins)
			after = after[1:]
		default:
			// Other values may leave the counts as they were.
			bins := binChange(before[0].bins, after[0].bins, nil)
			if before[0].point != after[0].point || bins != nil {
				change(&after[0], before[0].point, after[0].point, bins)
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
	// No metric reads it: nothing can change its fate but a crossover, after which counts are not looked at.
	for _, x := range valid {
		if in := s.inExperiment(int(x)); !c.out(in) {
			in.reads[c.schema.experiments[x].exposureRead].counted++
		}
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
		if ev.Time < e.start {
			l.beforeStart++
		} else {
			l.afterStop++
		}
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
