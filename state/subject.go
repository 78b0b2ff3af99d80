package state

import (
	"cmp"
	"slices"
	"strings"
)

// Subject is what one subject has done, decoded. Its closed part is folded into segments, covers and counts; its open
// part is the tail: events whose fate an exposure or a denominator event may still change. Everything is a sorted slice,
// because most subjects have one or two of each.
type Subject struct {
	id string
	// accepted counts the accepted events of each definition, the tail's included.
	accepted []count
	// exposed has the experiments with a valid exposure, by experiment.
	exposed []exposed
	// segments are the closed sums, by (list, cut, tuple).
	segments []segment
	// covers are the spans in which a conversion's numerators count, from closed denominators, by (conversion, from).
	covers []cover
	// profile has the rows of profile events that some t0 may still need, by (event, time, tie).
	profile []profileRow
	// tail has the open events by time; operands holds their values.
	tail     []open
	operands []Operand
	// Chunks of the tail are child rows, numbered from 1: those after firstChunk up to chunks are in use. rows are those
	// that are written.
	firstChunk, chunks uint32
	rows               []chunkRow
	// dropped are large sets whose rows are no longer needed.
	dropped []droppedSet
	// seen are the ids that duplicates are known by, in order of arrival; more of them are in child rows, in the buckets
	// that spills has, rising.
	seen   []seen
	spills []uint32
	// epoch is the core's for which contributions are remembered; below 0: none are.
	epoch int
	// openLimit: the tail hit its bound and events were decided early.
	openLimit bool
}

// count of the events of one definition.
type count struct {
	event int32
	n     int64
}

// exposed is a subject's part in one experiment.
type exposed struct {
	experiment, variant int32
	t0                  int64
	tie                 tie
	// crossed: there is a valid exposure to a second variant.
	crossed bool
	// dims are the exposure's values of the experiment's exposure dimensions, at t0.
	dims []uint32
	// reads counts the closed events, parallel to experimentSchema.reads.
	reads []readCount
	// points are contributions that are remembered, by metric, if Subject.epoch is the core's.
	points []knownPoint
}

// readCount counts the closed events of one definition as one experiment sees them; the rest are outside.
type readCount struct{ counted, unexposed int64 }

// tie decides between events of one time.
type tie struct {
	hasID  bool
	id     string
	input  Input
	offset int64
}

// less orders events of one time: those with an id first, by id; then those without, by coordinates, inputs being in the order
// of rank. One rule for any two of them, such as coordinates where one lacks an id, would let three events form a circle, and
// which of them is first would depend on the order in which they came.
func (t *tie) less(o *tie, rank func(Input) int) bool {
	if t.hasID != o.hasID {
		return t.hasID
	}
	if t.id != o.id {
		return t.id < o.id
	}
	if t.input != o.input {
		return rank(t.input) < rank(o.input)
	}
	return t.offset < o.offset
}

// profileRow is one profile event: the values of the event's profile columns from time on.
type profileRow struct {
	event int32
	time  int64
	tie   tie
	dims  []uint32
}

// open is an event kept whole.
type open struct {
	time  int64
	event int32
	// tuple is the shard's number for its event dimensions.
	tuple uint32
	// values is where its operands start in Subject.operands.
	values uint32
	// chunk is the child row that holds it; 0: the head row.
	chunk uint32
	// valid lists the experiments for which it is a valid exposure; only kept for events that metrics read.
	valid []int32
}

// cover is a span of time in which numerators of a conversion count: [from, to).
type cover struct {
	conversion int32
	from, to   int64
}

// seen is an event that was accepted with an id.
type seen struct {
	event   int32
	time    int64
	id      idKey
	content uint64
}

func (s *Subject) inExperiment(x int) *exposed {
	for i := range s.exposed {
		if int(s.exposed[i].experiment) == x {
			return &s.exposed[i]
		}
	}
	return nil
}

// walk goes through a subject's experiments beside a rising list of experiments.
type walk struct{ left []exposed }

func (s *Subject) walk() walk { return walk{s.exposed} }

// to returns the subject's part in experiment x, nil if it has none; x must rise from call to call.
func (w *walk) to(x int) *exposed {
	for len(w.left) > 0 && int(w.left[0].experiment) < x {
		w.left = w.left[1:]
	}
	if len(w.left) > 0 && int(w.left[0].experiment) == x {
		return &w.left[0]
	}
	return nil
}

func (s *Subject) acceptedOf(event int) int64 {
	for i := range s.accepted {
		if int(s.accepted[i].event) == event {
			return s.accepted[i].n
		}
	}
	return 0
}

func (s *Subject) accept(event int) {
	for i := range s.accepted {
		if int(s.accepted[i].event) == event {
			s.accepted[i].n++
			return
		}
	}
	i, _ := slices.BinarySearchFunc(s.accepted, int32(event), func(c count, e int32) int { return cmp.Compare(c.event, e) })
	s.accepted = slices.Insert(s.accepted, i, count{event: int32(event), n: 1})
}

// openOf counts the tail's events of one definition.
func (s *Subject) openOf(event int) int64 {
	var n int64
	for i := range s.tail {
		if int(s.tail[i].event) == event {
			n++
		}
	}
	return n
}

// expose notes a valid exposure. It reports whether the subject had none in the experiment before.
func (c *core) expose(s *Subject, x int, variant int32, time int64, t *tie, dims []uint32) {
	e := &c.schema.experiments[x]
	i, found := slices.BinarySearchFunc(s.exposed, int32(x), func(x exposed, e int32) int { return cmp.Compare(x.experiment, e) })
	if !found {
		s.exposed = slices.Grow(s.exposed, 1)
		// What lies beyond the length has the memory of another subject's.
		spare := s.exposed[:len(s.exposed)+1][len(s.exposed)]
		reads := resize(spare.reads, len(e.reads))
		clear(reads)
		s.exposed = slices.Insert(s.exposed, i, exposed{
			experiment: int32(x), variant: variant, t0: time, tie: t.clone(), dims: append(spare.dims[:0], dims...), reads: reads,
		})
		// Whatever is closed by now was too early for this exposure, or it would still be open.
		for k, d := range e.reads {
			if d != e.exposure {
				s.exposed[i].reads[k].unexposed = s.acceptedOf(d) - s.openOf(d)
			}
		}
		return
	}
	have := &s.exposed[i]
	if have.variant != variant {
		have.crossed = true
	}
	if time < have.t0 || time == have.t0 && t.less(&have.tie, c.rank) {
		have.variant, have.t0, have.tie, have.dims = variant, time, t.clone(), append(have.dims[:0], dims...)
	}
}

// clone copies what belongs to the caller.
func (t *tie) clone() tie {
	o := *t
	o.id = strings.Clone(t.id)
	return o
}

// out says that the subject is in no cell of the experiment: it crossed over, and the policy is to exclude.
func (c *core) out(x *exposed) bool {
	return x.crossed && !c.schema.experiments[x.experiment].keepsFirst
}

// addProfile notes a profile row.
func (c *core) addProfile(s *Subject, event int, time int64, t *tie, dims []uint32) {
	i, _ := slices.BinarySearchFunc(s.profile, 0, func(r profileRow, _ int) int {
		if r.event != int32(event) {
			return cmp.Compare(r.event, int32(event))
		}
		if r.time != time {
			return cmp.Compare(r.time, time)
		}
		if r.tie.less(t, c.rank) {
			return -1
		}
		return 1
	})
	s.profile = slices.Insert(s.profile, i, profileRow{event: int32(event), time: time, tie: t.clone(), dims: slices.Clone(dims)})
}

// profileAt is the row that holds at time t: the latest at or before it; nil if there is none.
func (s *Subject) profileAt(event int, t int64) *profileRow {
	var at *profileRow
	for i := range s.profile {
		if r := &s.profile[i]; int(r.event) == event && r.time <= t {
			at = r
		}
	}
	return at
}
