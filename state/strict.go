package state

// A strict metric takes a subject in once, complete: nothing of it is in the metric's cells until its window [t0, t0 + w) is
// over and nothing that is in time can change its total any more; then the total is there, and stays as it is.
//
// The window's end alone does not do: events of the window may still arrive, by up to the lateness L of the events that the
// metric reads, and so may an earlier exposure, by up to Lx. What is told to Apply as the clock is never ahead of what a
// coming record vouches for, so a record applied after the clock has reached t0 + w + max(L, Lx) can be of the window, or
// move t0, only if it is late. Therefore
//
//	complete  ⇔  t0 + w + max(L, Lx) ≤ clock
//
// is final, and a function of the subject's events and the clock. Where all inputs are bounded there is no clock. When they
// have ended, what is complete is decided by the data's own time: t0 + w ≤ the latest event of all shards (End).
//
// Two things still reach a subject that has entered. An exposure to a second variant takes it out of every cell of the
// experiment, this metric's too, unless the policy is to keep the first; and a row of a profile, which is never late, may
// move it to another slice. A window that the experiment's stop cuts short is never complete: it is not seen as a whole.

// ripeness is up to where strict windows are settled.
type ripeness struct {
	// clock is the newest finite clock that Apply was told.
	clock int64
	// end is the data's own time, once all inputs have ended.
	end int64
}

// later is the later of two ripenesses; a clock without an end settles nothing, for inputs that have ended have no clock.
func (r ripeness) later(clock, end int64) ripeness {
	if clock != forever {
		r.clock = max(r.clock, clock)
	}
	r.end = max(r.end, end)
	return r
}

// makeStrict notes that a metric is strict, and how long after its window a record may still change a subject. Records that
// are never late come from bounded inputs, which hold the clock until they have been read.
func (s *schema) makeStrict(e *experimentSchema, m *metricSchema) {
	m.strict = true
	if e.lateness != forever {
		m.settle = e.lateness
	}
	for _, d := range m.events {
		if l := s.events[d].lateness; l != forever {
			m.settle = max(m.settle, l)
		}
	}
	e.strict = append(e.strict, len(e.metrics))
	s.strict = true
	s.settle = max(s.settle, m.settle)
}

// due is the clock at which a subject is complete for a strict metric; forever: never.
func (x *exposed) due(e *experimentSchema, m *metricSchema) int64 {
	over := after(x.t0, m.window)
	if over > e.stop {
		return forever
	}
	return after(over, m.settle)
}

// complete says whether a subject counts for a strict metric.
func (c *core) complete(x *exposed, m *metricSchema) bool {
	due := x.due(&c.schema.experiments[x.experiment], m)
	return due != forever && (due <= c.ripe.clock || due-m.settle <= c.ripe.end)
}

// nextDue is the clock at which the subject is next complete for a metric for which it is not yet; forever if there is none.
func (c *core) nextDue(s *Subject) int64 {
	next := int64(forever)
	for i := range s.exposed {
		x := &s.exposed[i]
		e := &c.schema.experiments[x.experiment]
		if len(e.strict) == 0 || c.out(x) {
			continue
		}
		for _, k := range e.strict {
			if m := &e.metrics[k]; !c.complete(x, m) {
				next = min(next, x.due(e, m))
			}
		}
	}
	return next
}

// ripen takes a subject into the metrics for which it has become complete: what it contributes now and did not at was.
func (c *core) ripen(s *Subject, was ripeness, sink Sink) {
	now := c.ripe
	for i := range s.exposed {
		x := &s.exposed[i]
		if len(c.schema.experiments[x.experiment].strict) == 0 {
			continue
		}
		c.strictOnly = true
		c.ripe = was
		c.before = c.contributions(s, x, always, nil, c.before[:0])
		c.ripe = now
		c.after = c.contributions(s, x, always, nil, c.after[:0])
		c.strictOnly = false
		emit(int(x.experiment), c.before, c.after, sink)
	}
}

// passed says whether contributions passes a metric over.
func (c *core) passed(x *exposed, m *metricSchema) bool {
	if m.strict {
		return !c.complete(x, m)
	}
	return c.strictOnly
}

// End tells that all inputs of all shards have ended, and that t is the latest of their events (Newest): it takes the
// subjects in whose strict windows are over by then. Like Apply it changes memory only.
func (s *Store) End(t int64, sink Sink) error {
	if err := s.usable(); err != nil {
		return err
	}
	if err := s.ripen(s.core.ripe.later(never, t), sink); err != nil {
		return s.fail(err)
	}
	return nil
}

// Newest is the time of the latest event that is neither late nor of a profile; math.MinInt64 before the first. It outlives
// the store's closing only where a metric is strict.
func (s *Store) Newest() int64 { return s.offsets.newest }

// sees notes the time of events in time.
func (s *Store) sees(events []*Event) {
	for _, ev := range events {
		if !s.core.schema.events[ev.Def].profile {
			s.offsets.newest = max(s.offsets.newest, ev.Time)
		}
	}
}

// ripen lets every subject in that is complete at now and was not before.
func (s *Store) ripen(now ripeness, sink Sink) error {
	was := s.core.ripe
	if !s.core.schema.strict || now == was {
		return nil
	}
	until := now.clock
	if now.end != was.end {
		until = max(until, after(now.end, s.core.schema.settle))
	}
	list, err := s.queue.take(s.db, was.clock, until)
	if err != nil {
		return err
	}
	load := s.newLoad()
	defer load.close()
	for i := range list {
		q := &list[i]
		subject, err := load.look(q.hash, []byte(q.subject))
		if err != nil {
			return err
		}
		s.core.ripe = was
		if due := s.core.nextDue(subject); due != q.due {
			return s.queue.wrong(q, due)
		}
		s.core.ripe = now
		s.core.ripen(subject, was, sink)
		if due := s.core.nextDue(subject); due != q.due {
			s.queue.move(q.hash, q.subject, q.due, due)
		} else {
			s.queue.back(q)
		}
	}
	s.core.ripe = now
	s.offsets.ripe = now
	return nil
}
