package state

import (
	"slices"

	"github.com/tidemark/tidemark/catalog"
)

// Flags of a tail event for one metric: it counts in the numerator, in the denominator.
const (
	countsNum = 1 << iota
	countsDen
)

// operand is what a tail event says to measure m; the event must be the measure's.
func (s *Subject) operand(o *open, m *measureSchema) Operand {
	return s.operands[int(o.values)+m.slot]
}

// qualifies says whether a tail event is the measure's and has a value for it.
func (s *Subject) qualifies(o *open, m *measureSchema) bool {
	return int(o.event) == m.event && s.operand(o, m).Counts
}

// countTail fills flags, parallel to the tail: which open events count for a metric of x, by DESIGN §5 as known now.
func (c *core) countTail(s *Subject, x *exposed, m *metricSchema, flags []byte) {
	clear(flags)
	e := &c.schema.experiments[x.experiment]
	end := e.stop
	if m.conversion < 0 && m.window > 0 {
		end = min(end, after(x.t0, m.window))
	}
	// The tail is in order of time, so that the last denominator event at or before a numerator event is met first.
	first := s.firstAt(x.t0)
	if m.denominator >= 0 {
		den := &c.schema.measures[m.denominator]
		for i := first; i < len(s.tail) && s.tail[i].time < end; i++ {
			if s.qualifies(&s.tail[i], den) {
				flags[i] |= countsDen
			}
		}
	}
	if m.numerator < 0 {
		return
	}
	num := &c.schema.measures[m.numerator]
	start, next, started := int64(0), first, false
	for i := first; i < len(s.tail) && s.tail[i].time < end; i++ {
		o := &s.tail[i]
		if m.conversion < 0 {
			if s.qualifies(o, num) {
				flags[i] |= countsNum
			}
			continue
		}
		for next < len(s.tail) && s.tail[next].time <= o.time {
			if flags[next]&countsDen != 0 {
				start, started = s.tail[next].time, true
			}
			next++
		}
		if !s.qualifies(o, num) {
			continue
		}
		if started && (m.window == 0 || o.time < after(start, m.window)) || s.isCovered(m.conversion, o.time) {
			flags[i] |= countsNum
		}
	}
}

// firstAt is the place of the first open event at or after t.
func (s *Subject) firstAt(t int64) int {
	low, high := 0, len(s.tail)
	for low < high {
		if mid := int(uint(low+high) / 2); s.tail[mid].time < t {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// insertOpen puts an event into the tail.
func (c *core) insertOpen(s *Subject, o open, values []Operand) {
	i := len(s.tail)
	for i > 0 && s.tail[i-1].time > o.time {
		i--
	}
	o.values = uint32(len(s.operands))
	for slot, v := range values {
		s.operands = append(s.operands, c.plain(int(o.event), slot, v))
	}
	s.tail = slices.Insert(s.tail, i, o)
}

// plain is an operand without what its measure does not look at, so that equal tails have equal bytes.
func (c *core) plain(event, slot int, v Operand) Operand {
	switch m := &c.schema.measures[c.schema.events[event].measures[slot]]; {
	case m.presence:
		return Operand{Counts: true}
	case !v.Counts:
		return Operand{}
	case m.agg == catalog.Count || m.agg == catalog.Exists:
		return Operand{Counts: true}
	}
	return v
}

// close folds every tail event whose fate is decided at the clock after the batch. It changes no contribution and no
// ledger entry: it only makes the record smaller.
func (c *core) close(s *Subject) {
	c.pruneCovers(s)
	c.pruneProfile(s)
	c.dropTies(s)
	if len(s.tail) == 0 {
		return
	}
	c.closable = resize(c.closable, len(s.tail))
	n := 0
	for i := range s.tail {
		c.closable[i] = c.decided(s, &s.tail[i])
		if c.closable[i] {
			n++
		}
	}
	for i := range s.exposed {
		for _, k := range c.schema.experiments[s.exposed[i].experiment].conversions {
			n -= c.holdNumerators(s, &s.exposed[i], k)
		}
	}
	over := c.maxTail >= 0 && len(s.tail)-n > c.maxTail
	if over {
		// The oldest half is decided as if nothing more could change it: later exposures may make that wrong.
		for i := 0; i < len(s.tail)-c.maxTail/2; i++ {
			if !c.closable[i] {
				c.closable[i] = true
				n++
			}
		}
		s.openLimit = true
	}
	// A tail in child rows is rewritten as a whole, so that is done when half of it goes, not for every event.
	if n == 0 || s.firstChunk < s.chunks && !over && 2*n < len(s.tail) {
		return
	}
	c.countClosed(s)
	for i := range s.exposed {
		for _, k := range c.schema.experiments[s.exposed[i].experiment].conversions {
			c.foldNumerators(s, &s.exposed[i], k)
		}
	}
	for i := range s.tail {
		if c.closable[i] {
			o := &s.tail[i]
			c.foldEvent(s, int(o.event), o.time, o.tuple, s.operands[o.values:])
		}
	}
	s.dropClosed(c)
}

// dropTies forgets what decides between exposures of one time where no further one of that time can come.
func (c *core) dropTies(s *Subject) {
	for i := range s.exposed {
		if x := &s.exposed[i]; x.t0 < behind(c.next, c.schema.experiments[x.experiment].lateness) {
			x.tie = tie{}
		}
	}
}

// decided says whether no coming exposure can change what event o is to the experiments that read it.
func (c *core) decided(s *Subject, o *open) bool {
	walk := s.walk()
	for _, x := range c.schema.events[o.event].readers {
		if !c.settled(walk.to(x), x, o.time) {
			return false
		}
	}
	return true
}

// settled says whether a coming exposure to experiment e can't change what an event at t is to the subject there.
func (c *core) settled(x *exposed, experiment int, t int64) bool {
	e := &c.schema.experiments[experiment]
	horizon := behind(c.next, e.lateness) // no coming exposure lies before it
	if t < horizon || t < e.start || horizon >= e.stop {
		return true
	}
	return x != nil && (x.t0 < horizon || c.out(x))
}

// holdNumerators keeps those numerator events of conversion k open that do not count yet but may, because a denominator
// event may still come before them. It returns how many that are.
func (c *core) holdNumerators(s *Subject, x *exposed, k int) int {
	if c.out(x) {
		return 0
	}
	v := &c.schema.conversions[k]
	num, den := &c.schema.measures[v.numerator], &c.schema.measures[v.denominator]
	horizon := behind(c.next, c.schema.events[den.event].lateness)
	held, counted := 0, false
	for i := range s.tail {
		o := &s.tail[i]
		if !c.closable[i] || !s.qualifies(o, num) || o.time < x.t0 || o.time >= c.schema.experiments[v.experiment].stop || o.time < horizon {
			continue
		}
		if !counted {
			c.flags = resize(c.flags, len(s.tail))
			c.countTail(s, x, &c.schema.experiments[v.experiment].metrics[v.metric], c.flags)
			counted = true
		}
		if c.flags[i]&countsNum == 0 {
			c.closable[i] = false
			held++
		}
	}
	return held
}

// countClosed moves the closable events' ledger entries into the subject's counts.
func (c *core) countClosed(s *Subject) {
	for i := range s.exposed {
		x := &s.exposed[i]
		c.classify(s, x)
		for k, d := range c.schema.experiments[x.experiment].reads {
			for j := range s.tail {
				if !c.closable[j] || int(s.tail[j].event) != d {
					continue
				}
				switch c.class[j] {
				case classCounted:
					x.reads[k].counted++
				case classUnexposed:
					x.reads[k].unexposed++
				}
			}
		}
	}
}

// foldNumerators adds the closable numerator events of conversion k that count to its list.
func (c *core) foldNumerators(s *Subject, x *exposed, k int) {
	if c.out(x) {
		return
	}
	v := &c.schema.conversions[k]
	num := &c.schema.measures[v.numerator]
	c.flags = resize(c.flags, len(s.tail))
	c.countTail(s, x, &c.schema.experiments[v.experiment].metrics[v.metric], c.flags)
	for i := range s.tail {
		if o := &s.tail[i]; c.closable[i] && c.flags[i]&countsNum != 0 {
			s.fold(c.listOf(k), num.agg, dayOf(o.time), o.tuple, s.operand(o, num).Value)
		}
	}
}

// listOf is the segment list of conversion k.
func (c *core) listOf(k int) int32 { return int32(len(c.schema.measures) + k) }

// foldEvent adds a decided event to the measures' segments, and to the covers of the conversions that it starts.
func (c *core) foldEvent(s *Subject, event int, t int64, tuple uint32, values []Operand) {
	d := &c.schema.events[event]
	for slot, list := range d.measures {
		m := &c.schema.measures[list]
		if !values[slot].Counts || !c.needed(s, m, t) {
			continue
		}
		if s.fold(int32(list), m.agg, c.cutOf(s, m, t), tuple, values[slot].Value) {
			c.prune(s, int32(list))
		}
	}
	for _, k := range d.starts {
		v := &c.schema.conversions[k]
		x := s.inExperiment(v.experiment)
		if x == nil || c.out(x) || t < x.t0 || t >= c.schema.experiments[v.experiment].stop {
			continue
		}
		if values[c.schema.measures[v.denominator].slot].Counts {
			s.cover(k, t, v.window)
		}
	}
}

// dropClosed removes the closed events from the tail; what stays goes back into the head row.
func (s *Subject) dropClosed(c *core) {
	s.firstChunk = s.chunks
	if !slices.Contains(c.closable, false) {
		clear(s.tail)
		s.tail, s.operands = s.tail[:0], s.operands[:0]
		return
	}
	tail, operands := s.tail[:0], make([]Operand, 0, len(s.operands))
	for i := range s.tail {
		o := s.tail[i]
		if c.closable[i] {
			continue
		}
		from := int(o.values)
		o.values, o.chunk = uint32(len(operands)), 0
		operands = append(operands, s.operands[from:from+len(c.schema.events[o.event].measures)]...)
		tail = append(tail, o)
	}
	clear(s.tail[len(tail):])
	s.tail, s.operands = tail, operands
}

func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n, 2*n)
	}
	return b[:n]
}
