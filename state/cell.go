package state

import (
	"cmp"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// cell is what one subject contributes to one cell of one experiment.
type cell struct {
	variant, metric int
	slice           moment.Slice
	point           moment.Point
	// bins are how the events of a quantile metric are distributed, or the ranks of the values of one across subjects; the cell's own.
	bins []moment.Bin
}

func (a *cell) compare(b *cell) int {
	if a.variant != b.variant {
		return cmp.Compare(a.variant, b.variant)
	}
	if a.metric != b.metric {
		return cmp.Compare(a.metric, b.metric)
	}
	return slices.Compare(a.slice[:], b.slice[:])
}

// role is what an item is to a metric.
type role uint8

const (
	numerator role = iota
	denominator
	preNumerator
	preDenominator
	present // the subject is in the cell; adds nothing
)

// item is one segment or one tail event as a metric reads it.
type item struct {
	role  role
	tuple uint32
	event int32
	value total
	set   *distinct
	// raw: value is one event's, not a sum of them.
	raw bool
}

// span of event times that a reading is restricted to: [from, to).
type span struct{ from, to int64 }

var always = span{never, forever}

// contributions appends what the subject contributes to the cells of x's experiment, in the order of cell.compare. Only
// events in within count; t0, order and windows are decided on all of them. With defs, only the metrics that read one of
// these events are asked for.
func (c *core) contributions(s *Subject, x *exposed, within span, defs []int, out []cell) []cell {
	if c.out(x) || x.t0 >= within.to {
		return out
	}
	base := c.baseCell(s, x)
	if defs == nil && !c.strictOnly {
		out = append(out, base)
	}
	metrics := c.schema.experiments[x.experiment].metrics
	for i := range metrics {
		if !c.passed(x, &metrics[i]) && (defs == nil || overlap(metrics[i].events, defs)) {
			out = c.metricCells(s, x, i, base, within, out)
		}
	}
	if defs == nil && !c.strictOnly {
		out = c.epochCell(x, base, out)
	}
	return out
}

// epochCell appends the subject's cell as one that was first exposed in an epoch of a ramp; none for the first epoch.
func (c *core) epochCell(x *exposed, base cell, out []cell) []cell {
	p := &c.schema.plan.Experiments[x.experiment]
	if k := p.Epoch(x.t0); k > 0 {
		base.metric = p.EpochMetric(k)
		out = append(out, base)
	}
	return out
}

// baseCell is the subject's cell in x's experiment as an exposed subject.
func (c *core) baseCell(s *Subject, x *exposed) cell {
	base := cell{variant: int(x.variant), metric: moment.ExposedMetric, point: moment.Point{In: true, Den: 1}}
	for _, d := range c.schema.experiments[x.experiment].subjectDims {
		base.slice[d.at] = c.subjectValue(s, x, d)
	}
	return base
}

// metricCells appends what the subject contributes to metric i of x's experiment.
func (c *core) metricCells(s *Subject, x *exposed, i int, base cell, within span, out []cell) []cell {
	m := &c.schema.experiments[x.experiment].metrics[i]
	base.metric = i
	var sums sums
	if c.items = c.items[:0]; len(s.tail)+len(s.segments) > 0 {
		c.gather(s, x, m, within)
		for k := range c.items {
			c.add(m, &sums, &c.items[k])
		}
	}
	if p := c.point(m, &sums, s.openLimit); p != (moment.Point{}) {
		at := base
		at.point, at.bins = p, m.bins(&sums)
		out = append(out, at)
	}
	if m.eventDims != 0 {
		from := len(out)
		out = c.groupings(m, &base, s.openLimit, out)
		slices.SortFunc(out[from:], func(a, b cell) int { return a.compare(&b) })
	}
	return out
}

func (c *core) subjectValue(s *Subject, x *exposed, d subjectDimension) uint32 {
	if d.profile < 0 {
		return x.dims[d.from]
	}
	if r := s.profileAt(d.profile, x.t0); r != nil {
		return r.dims[d.from]
	}
	return moment.None
}

// termRead is one of the lists that a metric adds up, and which of its events.
type termRead struct {
	role    role
	list    int32
	measure int
	in      span // of the closed events
	// open is the span of the tail's events, of which those count that countTail gave flag; 0: all.
	open span
	flag byte
}

// readsOf says what a metric adds up of a subject, and the span in which its events count.
func (c *core) readsOf(x *exposed, m *metricSchema, within span) (reads [4]termRead, n int, in span) {
	e := &c.schema.experiments[x.experiment]
	end := e.stop
	if m.conversion < 0 && m.window > 0 {
		end = min(end, after(x.t0, m.window))
	}
	in = span{max(x.t0, within.from), min(end, within.to)}
	pre := span{dayOf(x.t0) - m.pre, x.t0}
	add := func(r termRead) {
		reads[n] = r
		n++
	}
	if m.numerator >= 0 {
		r := termRead{numerator, int32(m.numerator), m.numerator, in, in, countsNum}
		if m.conversion >= 0 {
			// Days, not cuts, divide this list: all its events are at or after t0.
			r.list, r.in.from = c.listOf(m.conversion), within.from
		}
		add(r)
		if m.pre > 0 {
			add(termRead{preNumerator, int32(m.numerator), m.numerator, pre, pre, 0})
		}
	}
	if m.denominator >= 0 {
		add(termRead{denominator, int32(m.denominator), m.denominator, in, in, countsDen})
		if m.pre > 0 {
			add(termRead{preDenominator, int32(m.denominator), m.denominator, pre, pre, 0})
		}
	}
	return reads, n, in
}

// gather fills items with all that a metric reads of the subject.
func (c *core) gather(s *Subject, x *exposed, m *metricSchema, within span) {
	c.items = c.items[:0]
	c.flags = resize(c.flags, len(s.tail))
	if len(s.tail) > 0 {
		c.countTail(s, x, m, c.flags)
	}
	reads, n, in := c.readsOf(x, m, within)
	for i := range reads[:n] {
		r := &reads[i]
		c.gatherList(s, r.list, r.measure, r.role, r.in)
		c.gatherTail(s, r.measure, r.role, r.open, r.flag)
	}
	if m.eventDims != 0 {
		if !m.strict {
			in.to = min(c.schema.experiments[x.experiment].stop, within.to)
		}
		for _, p := range m.presence {
			c.gatherList(s, int32(p), p, present, in)
			c.gatherTail(s, p, present, in, 0)
		}
	}
}

// closedSums adds up what a metric reads of a subject without open events, where every total is one number.
func (c *core) closedSums(s *Subject, x *exposed, m *metricSchema, to *sums) {
	reads, n, _ := c.readsOf(x, m, always)
	for i := range reads[:n] {
		r := &reads[i]
		agg := c.schema.measures[r.measure].agg
		for _, g := range s.list(r.list, r.in.from) {
			if g.cut >= r.in.to {
				break
			}
			to[r.role].addTotal(agg, g.value)
		}
	}
}

func (c *core) gatherList(s *Subject, list int32, measure int, r role, in span) {
	event := int32(c.schema.measures[measure].event)
	segments := s.list(list, in.from)
	for i := range segments {
		g := &segments[i]
		if g.cut >= in.to {
			return
		}
		c.items = append(c.items, item{role: r, tuple: g.tuple, event: event, value: g.value, set: g.set})
	}
}

// gatherTail adds the tail's events of a measure within a span; with a flag only those that countTail gave it.
func (c *core) gatherTail(s *Subject, measure int, r role, in span, flag byte) {
	m := &c.schema.measures[measure]
	for i := range s.tail {
		o := &s.tail[i]
		if o.time < in.from || o.time >= in.to || !s.qualifies(o, m) || flag != 0 && c.flags[i]&flag == 0 {
			continue
		}
		value := s.operand(o, m).Value
		c.items = append(c.items, item{role: r, tuple: o.tuple, event: o.event, value: totalOf(value), raw: true})
	}
}

// sums are a metric's aggregates, one for each role but present.
type sums [present]reading

// add adds one item.
func (c *core) add(m *metricSchema, to *sums, it *item) {
	if it.role == present {
		return
	}
	measure := m.numerator
	if it.role == denominator || it.role == preDenominator {
		measure = m.denominator
	}
	to[it.role].add(c.schema.measures[measure].agg, it)
}

// point is what the sums make the subject contribute.
func (c *core) point(m *metricSchema, sums *sums, openLimit bool) moment.Point {
	if m.excludeNone && m.numerator >= 0 && !sums[numerator].some && !sums[denominator].some {
		return moment.Point{}
	}
	p := moment.Point{In: true, Num: 1, Den: 1}
	if openLimit {
		p.Flags |= moment.OpenLimit
	}
	if m.quantile {
		p.Num, p.Den = 0, 0
		if set := sums[numerator].set; set != nil {
			p.Den, p.Num = quantileCounts(set.bins, m.cut)
		}
		return p
	}
	fits := true
	read := func(to *int64, r role, measure int) {
		if measure < 0 {
			return
		}
		v, ok, approximate := sums[r].read(c.schema.measures[measure].agg)
		if m.clip != nil && (r == numerator || r == preNumerator) {
			v, ok = clipTotal(m.clip, &sums[r], v, ok)
		}
		*to, fits = v, fits && ok
		if approximate {
			p.Flags |= moment.Approximate
		}
	}
	read(&p.Num, numerator, m.numerator)
	read(&p.Den, denominator, m.denominator)
	if m.pre > 0 {
		read(&p.Pre, preNumerator, m.numerator)
		read(&p.PreDen, preDenominator, m.denominator)
	}
	if !fits {
		return moment.Point{Flags: p.Flags | moment.Overflowed}
	}
	return p
}

// reading is an aggregate over items.
type reading struct {
	some  bool
	value total
	// set is the only set so far, or one of its own when there are several.
	set *distinct
	own bool
}

func (r *reading) add(agg catalog.Agg, it *item) {
	switch {
	case agg == catalog.CountDistinct:
		r.some = true
		r.unite(it)
	case agg == catalog.Quantile:
		r.some = true
		r.pile(it)
	case it.raw:
		v, _ := it.value.int64()
		absorb(agg, !r.some, &r.value, nil, v)
		r.some = true
	default:
		r.addTotal(agg, it.value)
	}
}

// addTotal adds what several events add up to.
func (r *reading) addTotal(agg catalog.Agg, t total) {
	first := !r.some
	r.some = true
	if agg == catalog.Sum || agg == catalog.Count {
		r.value = r.value.add(t)
		return
	}
	v, _ := t.int64()
	absorb(agg, first, &r.value, nil, v)
}

// unite puts an item's values into the set. A single closed set, the common case, is read where it is.
func (r *reading) unite(it *item) {
	if !it.raw && r.set == nil {
		r.set = it.set
		return
	}
	if !r.own {
		own := &distinct{}
		if r.set != nil {
			own.union(r.set)
		}
		r.set, r.own = own, true
	}
	if it.raw {
		r.set.add(it.value.lo)
		return
	}
	r.set.union(it.set)
}

func (r *reading) read(agg catalog.Agg) (v int64, fits, approximate bool) {
	if !r.some {
		return 0, true, false
	}
	if agg == catalog.CountDistinct {
		v, approximate = r.set.count()
		return v, true, approximate
	}
	v, fits = r.value.int64()
	return v, fits, false
}
