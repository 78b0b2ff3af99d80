package state

import (
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// Most events only add to what their subject is already known to be: they move no t0, no variant and no dimension, and
// change the fate of no other event. Then only the metrics that read the event can change, and it is counted by itself;
// and if no exposure that may still come could change what it is, it is folded without a stay in the tail. core.apply
// is the plain way, which handles everything by comparing all before with all after; direct gives the same changes and
// the same ledger (TestDirectEqualsPlain) for the common case at a fraction of the cost. The tail may be longer or
// shorter than the plain way would leave it, which no answer depends on.

// eventRead is what one experiment does with an event.
type eventRead struct {
	experiment int
	// read is the event's place in experimentSchema.reads.
	read int
	// metrics are those that read the event, rising.
	metrics []int
}

// findDirect compiles which events can go the direct way, and what reads them.
func (s *schema) findDirect() {
	for x := range s.experiments {
		for i := range s.experiments[x].metrics {
			m := &s.experiments[x].metrics[i]
			m.additive = s.adds(m.numerator) && s.adds(m.denominator)
			m.totals = m.eventDims == 0 && s.hasTotals(m.numerator) && s.hasTotals(m.denominator)
		}
	}
	for d := range s.events {
		ev := &s.events[d]
		ev.direct = ev.tuple == 0 && len(ev.profiled) == 0
		for _, m := range ev.measures {
			ev.direct = ev.direct && s.hasTotals(m)
		}
		for x := range s.experiments {
			for k, read := range s.experiments[x].reads {
				if read == d {
					ev.reads = append(ev.reads, s.readOf(x, k, d))
				}
			}
		}
		for i := range ev.reads {
			for _, m := range ev.reads[i].metrics {
				ev.direct = ev.direct && s.experiments[ev.reads[i].experiment].metrics[m].eventDims == 0
			}
		}
	}
}

// hasTotals says whether what a measure adds up to is one number; -1 is TRIGGERED.
func (s *schema) hasTotals(measure int) bool {
	if measure < 0 {
		return true
	}
	switch s.measures[measure].agg {
	case catalog.Sum, catalog.Count, catalog.Max, catalog.Min, catalog.Exists:
		return true
	}
	return false
}

// adds says whether a measure's total grows by what an event says, or by one; -1 is TRIGGERED.
func (s *schema) adds(measure int) bool {
	return measure < 0 || s.measures[measure].agg == catalog.Sum || s.measures[measure].agg == catalog.Count
}

func (s *schema) readOf(x, read, event int) eventRead {
	r := eventRead{experiment: x, read: read}
	for i := range s.experiments[x].metrics {
		if overlap(s.experiments[x].metrics[i].events, []int{event}) {
			r.metrics = append(r.metrics, i)
		}
	}
	return r
}

// goesDirect says whether all events of a subject's group only add. It changes nothing.
func (c *core) goesDirect(s *Subject, events []*Event) bool {
	if c.plainOnly || s.openLimit || c.maxTail >= 0 && len(s.tail)+len(events) > c.maxTail {
		return false
	}
	for i, ev := range events {
		d := &c.schema.events[ev.Def]
		if !d.direct || !c.exposesNothing(s, ev, d) {
			return false
		}
		if len(d.starts) > 0 && !c.startsNothing(s, ev, d, events[:i]) {
			return false
		}
	}
	return true
}

// exposesNothing says whether an event's exposures, if it has any, are valid ones that the subject had met before: later
// ones to the same variants.
func (c *core) exposesNothing(s *Subject, ev *Event, d *eventSchema) bool {
	for i, at := range d.exposures {
		exposure := &ev.Exposures[i]
		if !exposure.Counts {
			continue
		}
		e := &c.schema.experiments[at]
		x := s.inExperiment(at)
		if x == nil || int(x.variant) != exposure.Variant || ev.Time <= x.t0 || ev.Time < e.start || ev.Time >= e.stop ||
			ev.Bound != never && ev.Bound-ev.Time > e.lateness || ev.Time < behind(c.clock, e.lateness) {
			return false
		}
	}
	return true
}

// startsNothing says whether a denominator event makes no open numerator event count that does not yet: there is none at
// or after it, in the tail or among the group's events before it.
func (c *core) startsNothing(s *Subject, ev *Event, d *eventSchema, group []*Event) bool {
	for _, k := range d.starts {
		v := &c.schema.conversions[k]
		if !ev.Values[c.schema.measures[v.denominator].slot].Counts || s.inExperiment(v.experiment) == nil {
			continue
		}
		if v.window == 0 && s.isCovered(k, ev.Time) {
			continue
		}
		num := c.schema.measures[v.numerator].event
		for i := len(s.tail) - 1; i >= 0 && s.tail[i].time >= ev.Time; i-- {
			if int(s.tail[i].event) == num {
				return false
			}
		}
		for _, o := range group {
			if o.Def == num && o.Time >= ev.Time {
				return false
			}
		}
	}
	return true
}

// touched is a metric that a group of events may change: what the subject contributed before, and does now. stale: now has
// to be computed from the segments and the tail.
type touched struct {
	hit, stale bool
	old, now   moment.Point
}

// longTail is from where on a subject remembers what it contributes: computing it takes a walk over the tail.
const longTail = 64

// direct applies a group that goesDirect.
func (c *core) direct(s *Subject, events []*Event, rows idRows, sink Sink) {
	c.expireIDs(s)
	n := 0
	for i := range s.exposed {
		n += len(c.schema.experiments[s.exposed[i].experiment].metrics)
	}
	c.touched = resize(c.touched, n)
	clear(c.touched)
	changed := false
	for _, ev := range events {
		if c.duplicate(s, ev, rows) {
			continue
		}
		c.ledger.events[ev.Def].accepted++
		s.accept(ev.Def)
		c.take(s, ev)
		changed = true
	}
	if !changed {
		return
	}
	at := 0
	for i := range s.exposed {
		x := &s.exposed[i]
		metrics := c.schema.experiments[x.experiment].metrics
		c.tell(s, x, c.touched[at:at+len(metrics)], sink)
		at += len(metrics)
	}
	c.closeSome(s)
}

// closeSome folds what is decided of the tail, if that is much: a long tail is walked only when half of it goes, so that an
// event costs the same however many are open.
func (c *core) closeSome(s *Subject) {
	at := 0
	if len(s.tail) >= longTail {
		at = len(s.tail) / 2
	}
	if len(s.tail) == 0 || c.decided(s, &s.tail[at]) {
		c.close(s)
	}
}

// take counts one event in every experiment that reads it, and folds it or keeps it open.
func (c *core) take(s *Subject, ev *Event) {
	d := &c.schema.events[ev.Def]
	fold := true
	at, j := 0, 0
	for i := range d.reads {
		r := &d.reads[i]
		for j < len(s.exposed) && int(s.exposed[j].experiment) < r.experiment {
			at += len(c.schema.experiments[s.exposed[j].experiment].metrics)
			j++
		}
		var x *exposed
		if j < len(s.exposed) && int(s.exposed[j].experiment) == r.experiment {
			x = &s.exposed[j]
		}
		if len(r.metrics) > 0 && !c.settled(x, r.experiment, ev.Time) {
			fold = false
		}
		if x == nil {
			continue
		}
		held, class := c.classOf(s, x, r, ev, c.touched[at:])
		fold = fold && !held
		c.fates = append(c.fates, fate{x, r.read, class})
	}
	for _, f := range c.fates {
		l := &c.ledger.experiments[f.x.experiment]
		// What is open is counted by looking at the tail.
		closed := fold || len(d.readers) == 0
		switch f.class {
		case classCounted:
			l.counted[f.read]++
			if closed {
				f.x.reads[f.read].counted++
			}
		case classUnexposed:
			if closed {
				f.x.reads[f.read].unexposed++
			}
		default:
			l.outside[f.read]++
		}
	}
	c.fates = c.fates[:0]
	switch {
	case len(d.readers) == 0:
	case fold:
		c.foldConversions(s, ev, d)
		c.foldEvent(s, ev.Def, ev.Time, 0, ev.Values)
	default:
		o := open{time: ev.Time, event: int32(ev.Def)}
		for i, x := range d.exposures {
			if ev.Exposures[i].Counts {
				o.valid = append(o.valid, int32(x))
			}
		}
		c.insertOpen(s, o, ev.Values)
	}
}

// fate is what one event is to one experiment.
type fate struct {
	x     *exposed
	read  int
	class byte
}

// classOf says what an event is to an experiment in which the subject is exposed, and whether it must stay open because a
// denominator event may still make it count. It notes what the metrics that read it were before.
func (c *core) classOf(s *Subject, x *exposed, r *eventRead, ev *Event, t []touched) (held bool, class byte) {
	if c.out(x) {
		return false, classOutside
	}
	e := &c.schema.experiments[r.experiment]
	for i, at := range c.schema.events[ev.Def].exposures {
		if at == r.experiment && ev.Exposures[i].Counts {
			class = classCounted
		}
	}
	if class == classOutside && ev.Time < x.t0 && ev.Def != e.exposure {
		class = classUnexposed
	}
	for _, i := range r.metrics {
		m := &e.metrics[i]
		num, den := c.qualifiesFor(m.numerator, ev), c.qualifiesFor(m.denominator, ev)
		if !num && !den {
			continue
		}
		if !t[i].hit && !c.passed(x, m) {
			t[i] = touched{hit: true, old: c.remembered(s, x, i)}
			t[i].now = t[i].old
		}
		end := e.stop
		if m.conversion < 0 && m.window > 0 {
			end = min(end, after(x.t0, m.window))
		}
		if ev.Time < x.t0 || ev.Time >= end {
			t[i].stale = t[i].stale || m.pre > 0 && ev.Time < x.t0
			continue
		}
		if num && m.conversion >= 0 && !den && !c.started(s, x, m, ev.Time) {
			num = false
			d := c.schema.measures[m.denominator].event
			held = held || ev.Time >= behind(c.next, c.schema.events[d].lateness)
		}
		if num || den {
			class = classCounted
			c.addUp(&t[i], m, num, den, ev)
		}
	}
	return held, class
}

// addUp changes what a metric's point is now by an event that counts, where that takes no more than an addition.
func (c *core) addUp(t *touched, m *metricSchema, num, den bool, ev *Event) {
	if !m.additive || m.clip != nil || !t.now.In {
		t.stale = true
		return
	}
	add := func(to *int64, measure int) {
		v := &c.schema.measures[measure]
		x := int64(1)
		if v.agg == catalog.Sum {
			x = ev.Values[v.slot].Value
		}
		sum := *to + x
		t.stale = t.stale || (sum > *to) != (x > 0) && x != 0 // it left int64
		*to = sum
	}
	if num {
		add(&t.now.Num, m.numerator)
	}
	if den {
		add(&t.now.Den, m.denominator)
	}
}

// remembered is what a subject contributes to metric i of x's experiment, as kept since the group before if it was.
func (c *core) remembered(s *Subject, x *exposed, i int) moment.Point {
	if s.epoch == c.epoch && i < len(x.points) && x.points[i].known {
		return x.points[i].point
	}
	return c.pointOf(s, x, &c.schema.experiments[x.experiment].metrics[i])
}

// remember keeps what a subject with a long tail contributes, for the next group. Of one whose tail is short by now nothing
// older may stay.
func (c *core) remember(s *Subject, x *exposed, i int, p moment.Point) {
	if len(s.tail) < longTail && !c.remembers && !c.stays {
		if i < len(x.points) {
			x.points[i].known = false
		}
		return
	}
	if s.epoch != c.epoch {
		s.forget()
		s.epoch = c.epoch
	}
	if n := len(c.schema.experiments[x.experiment].metrics); len(x.points) < n {
		x.points = append(x.points, make([]knownPoint, n-len(x.points))...)
	}
	x.points[i] = knownPoint{true, p}
}

// knownPoint is a contribution that needs no computing.
type knownPoint struct {
	known bool
	point moment.Point
}

// forget drops what is remembered of a subject's contributions.
func (s *Subject) forget() {
	for i := range s.exposed {
		s.exposed[i].points = nil
	}
}

// started says whether a denominator event, closed or open, makes a numerator event at t count.
func (c *core) started(s *Subject, x *exposed, m *metricSchema, t int64) bool {
	if s.isCovered(m.conversion, t) {
		return true
	}
	den := &c.schema.measures[m.denominator]
	for i := range s.tail {
		o := &s.tail[i]
		if o.time > t {
			break
		}
		if o.time >= x.t0 && s.qualifies(o, den) && (m.window == 0 || t < after(o.time, m.window)) {
			return true
		}
	}
	return false
}

// foldConversions adds a decided event to the numerators that count of the conversions that it is one of.
func (c *core) foldConversions(s *Subject, ev *Event, d *eventSchema) {
	for i := range d.reads {
		r := &d.reads[i]
		x := s.inExperiment(r.experiment)
		if x == nil || c.out(x) {
			continue
		}
		e := &c.schema.experiments[r.experiment]
		for _, k := range r.metrics {
			m := &e.metrics[k]
			if m.conversion < 0 || !c.qualifiesFor(m.numerator, ev) || ev.Time < x.t0 || ev.Time >= e.stop {
				continue
			}
			// An event that is its own denominator starts itself.
			if c.started(s, x, m, ev.Time) || c.qualifiesFor(m.denominator, ev) {
				v := &c.schema.measures[m.numerator]
				s.fold(c.listOf(m.conversion), v.agg, dayOf(ev.Time), 0, ev.Values[v.slot].Value)
			}
		}
	}
}

// qualifiesFor says whether an event has a value for a measure; -1 is TRIGGERED, which no event is.
func (c *core) qualifiesFor(measure int, ev *Event) bool {
	if measure < 0 {
		return false
	}
	m := &c.schema.measures[measure]
	return m.event == ev.Def && ev.Values[m.slot].Counts
}

// pointOf is what a subject contributes to a metric.
func (c *core) pointOf(s *Subject, x *exposed, m *metricSchema) moment.Point {
	if c.passed(x, m) {
		return moment.Point{}
	}
	var sums sums
	if len(s.tail) == 0 && m.totals {
		c.closedSums(s, x, m, &sums)
		return c.point(m, &sums, s.openLimit)
	}
	c.gather(s, x, m, always)
	for k := range c.items {
		c.add(m, &sums, &c.items[k])
	}
	return c.point(m, &sums, s.openLimit)
}

// tell hands on what changed in one experiment.
func (c *core) tell(s *Subject, x *exposed, t []touched, sink Sink) {
	e := &c.schema.experiments[x.experiment]
	located := false
	var change moment.Change
	for i := range t {
		if !t[i].hit {
			continue
		}
		now := t[i].now
		if t[i].stale {
			now = c.pointOf(s, x, &e.metrics[i])
		}
		c.remember(s, x, i, now)
		if now == t[i].old {
			continue
		}
		if !located {
			change = moment.Change{Experiment: int(x.experiment), Variant: int(x.variant)}
			for _, d := range e.subjectDims {
				change.Slice[d.at] = c.subjectValue(s, x, d)
			}
			located = true
		}
		change.Metric, change.Old, change.New = i, t[i].old, now
		sink.Change(change)
	}
}
