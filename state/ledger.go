package state

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Ledger says where every record and event of the shard went.
type Ledger struct {
	Sources     []SourceLedger     // by catalog.Plan.Sources
	Events      []EventLedger      // by catalog.Plan.Events
	Experiments []ExperimentLedger // by catalog.Plan.Experiments
}

// SourceLedger: Read = Rejected + evaluated. Copies are records that another shard counts as read, but that have an event
// for a subject of this shard.
type SourceLedger struct {
	Read, Rejected, Copies int64
	// Reasons says why records were rejected.
	Reasons map[string]int64
}

// EventLedger: the evaluated records of its source and their copies = Filtered + Rejected + Late + Duplicate + Accepted +
// Elsewhere, which another shard counts.
type EventLedger struct {
	Filtered, Rejected, Late, Duplicate, Accepted, Elsewhere int64
	// IDConflicts are the duplicates whose content differed from the event that stands.
	IDConflicts int64
	// Reasons says why events were rejected or late.
	Reasons map[string]int64
}

// ExperimentLedger is how one experiment sees the shard.
type ExperimentLedger struct {
	// Exposed counts subjects with a valid exposure, Crossovers those of them with a second variant.
	Exposed, Crossovers int64
	// Events are the events that it reads, by rising Event.
	Events []ReadLedger
}

// ReadLedger: Accepted of the event = Counted + Outside + Unexposed.
type ReadLedger struct {
	Event                       int // index into catalog.Plan.Events
	Counted, Outside, Unexposed int64
	// These are exposures among Outside, by reason: of a variant that is not declared, more than Lx behind, before the
	// experiment's start, at or after its stop.
	UnknownVariant, LateExposure, BeforeStart, AfterStop int64
}

// counters is the ledger as it is kept. What experiments do not count is mostly not touched by them: the unexposed events
// of an event that is not the exposure, and the outside ones of the exposure event, follow from what was accepted.
type counters struct {
	sources     []SourceLedger
	events      []eventCounters
	experiments []experimentCounters
}

type eventCounters struct {
	filtered, rejected, late, duplicate, accepted, elsewhere, conflicts int64
	reasons                                                             map[string]int64
}

type experimentCounters struct {
	exposed, crossovers                                  int64
	unknownVariant, lateExposure, beforeStart, afterStop int64
	// counted and outside are parallel to experimentSchema.reads; outside has exposed subjects only.
	counted, outside []int64
}

func newCounters(s *schema) *counters {
	c := &counters{
		sources:     make([]SourceLedger, len(s.plan.Sources)),
		events:      make([]eventCounters, len(s.events)),
		experiments: make([]experimentCounters, len(s.experiments)),
	}
	for x := range c.experiments {
		n := len(s.experiments[x].reads)
		c.experiments[x].counted, c.experiments[x].outside = make([]int64, n), make([]int64, n)
	}
	return c
}

// ledger is the public copy.
func (c *counters) ledger(s *schema) *Ledger {
	l := &Ledger{}
	for _, n := range c.sources {
		n.Reasons = maps.Clone(n.Reasons)
		l.Sources = append(l.Sources, n)
	}
	for i := range c.events {
		n := &c.events[i]
		l.Events = append(l.Events, EventLedger{
			Filtered: n.filtered, Rejected: n.rejected, Late: n.late, Duplicate: n.duplicate, Accepted: n.accepted,
			Elsewhere: n.elsewhere, IDConflicts: n.conflicts, Reasons: maps.Clone(n.reasons),
		})
	}
	for x := range c.experiments {
		n := &c.experiments[x]
		e := ExperimentLedger{Exposed: n.exposed, Crossovers: n.crossovers}
		for k, d := range s.experiments[x].reads {
			r := ReadLedger{Event: d, Counted: n.counted[k]}
			if d == s.experiments[x].exposure {
				r.Outside = c.events[d].accepted - r.Counted
				r.UnknownVariant, r.LateExposure, r.BeforeStart, r.AfterStop = n.unknownVariant, n.lateExposure, n.beforeStart, n.afterStop
			} else {
				r.Outside = n.outside[k]
				r.Unexposed = c.events[d].accepted - r.Counted - r.Outside
			}
			e.Events = append(e.Events, r)
		}
		l.Experiments = append(l.Experiments, e)
	}
	return l
}

// Check says which entry of the ledger does not balance. sources gives the source of each event (PlanEvent.Source).
func (l *Ledger) Check(sources []int) error {
	for d := range l.Events {
		e, s := &l.Events[d], &l.Sources[sources[d]]
		evaluated := s.Read + s.Copies - s.Rejected
		if sum := e.Filtered + e.Rejected + e.Late + e.Duplicate + e.Accepted + e.Elsewhere; sum != evaluated {
			return fmt.Errorf("state: ledger of event %d: %d records evaluated, %d accounted for: %w", d, evaluated, sum, ErrCorrupt)
		}
	}
	for x := range l.Experiments {
		for _, r := range l.Experiments[x].Events {
			if r.Counted < 0 || r.Outside < 0 || r.Unexposed < 0 || r.Counted+r.Outside+r.Unexposed != l.Events[r.Event].Accepted {
				return fmt.Errorf("state: ledger of experiment %d, event %d: %d counted, %d outside, %d unexposed of %d accepted: %w",
					x, r.Event, r.Counted, r.Outside, r.Unexposed, l.Events[r.Event].Accepted, ErrCorrupt)
			}
		}
	}
	return nil
}

func (c *counters) encode(b []byte) []byte {
	n := func(list ...int64) {
		for _, v := range list {
			b = binary.AppendVarint(b, v)
		}
	}
	for i := range c.sources {
		s := &c.sources[i]
		n(s.Read, s.Rejected, s.Copies)
		b = appendReasons(b, s.Reasons)
	}
	for i := range c.events {
		e := &c.events[i]
		n(e.filtered, e.rejected, e.late, e.duplicate, e.accepted, e.elsewhere, e.conflicts)
		b = appendReasons(b, e.reasons)
	}
	for i := range c.experiments {
		e := &c.experiments[i]
		n(e.exposed, e.crossovers, e.unknownVariant, e.lateExposure, e.beforeStart, e.afterStop)
		n(e.counted...)
		n(e.outside...)
	}
	return b
}

// decode reads what encode wrote into counters of the same schema.
func (c *counters) decode(r *reader) {
	n := func(list ...*int64) {
		for _, v := range list {
			*v = r.varint()
		}
	}
	for i := range c.sources {
		s := &c.sources[i]
		n(&s.Read, &s.Rejected, &s.Copies)
		s.Reasons = r.reasons()
	}
	for i := range c.events {
		e := &c.events[i]
		n(&e.filtered, &e.rejected, &e.late, &e.duplicate, &e.accepted, &e.elsewhere, &e.conflicts)
		e.reasons = r.reasons()
	}
	for i := range c.experiments {
		e := &c.experiments[i]
		n(&e.exposed, &e.crossovers, &e.unknownVariant, &e.lateExposure, &e.beforeStart, &e.afterStop)
		for k := range e.counted {
			n(&e.counted[k])
		}
		for k := range e.outside {
			n(&e.outside[k])
		}
	}
}

func appendReasons(b []byte, reasons map[string]int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(reasons)))
	for _, k := range slices.Sorted(maps.Keys(reasons)) {
		b = appendText(b, k)
		b = binary.AppendVarint(b, reasons[k])
	}
	return b
}

func (r *reader) reasons() map[string]int64 {
	n := r.count()
	if n == 0 {
		return nil
	}
	reasons := make(map[string]int64, n)
	for range n {
		k := r.text()
		reasons[k] = r.varint()
	}
	return reasons
}

func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func (r *reader) text() string { return string(r.bytes(r.uvarint())) }

func countReason(reasons *map[string]int64, reason string) {
	if *reasons == nil {
		*reasons = map[string]int64{}
	}
	(*reasons)[reason]++
}
