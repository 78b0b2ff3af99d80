package stream

import (
	"maps"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/results"
)

// ledger adds up the shards' ledgers as one experiment sees them: the sources and events that it reads.
func (t *subjectType) ledger(parts []part, x *experiment) (results.Ledger, int64) {
	l := results.Ledger{Records: make(map[string]results.RecordLedger), Events: make(map[string]results.EventLedger)}
	crossovers := int64(0)
	for _, p := range parts {
		if p.ledger == nil {
			continue
		}
		own := &p.ledger.Experiments[x.index]
		crossovers += own.Crossovers
		seen := make(map[int]bool)
		for i := range own.Events {
			read := &own.Events[i]
			event := &t.plan.Events[read.Event]
			l.Events[event.ID] = addEvent(l.Events[event.ID], &p.ledger.Events[read.Event], read)
			if !seen[event.Source] {
				seen[event.Source] = true
				id := t.plan.Sources[event.Source].ID
				l.Records[id] = addRecords(l.Records[id], &p.ledger.Sources[event.Source])
			}
		}
		// Profile events are read as well, for the dimensions: what was accepted of them describes a subject, and counts.
		described := make(map[int]bool)
		for _, d := range x.x.Dimensions {
			if d.Kind != catalog.ProfileDimension || described[d.Event] {
				continue
			}
			described[d.Event] = true
			event, e := &t.plan.Events[d.Event], &p.ledger.Events[d.Event]
			l.Events[event.ID] = addEvent(l.Events[event.ID], e, &state.ReadLedger{Counted: e.Accepted})
			if !seen[event.Source] {
				seen[event.Source] = true
				id := t.plan.Sources[event.Source].ID
				l.Records[id] = addRecords(l.Records[id], &p.ledger.Sources[event.Source])
			}
		}
	}
	return l, crossovers
}

func addRecords(to results.RecordLedger, s *state.SourceLedger) results.RecordLedger {
	to.Read += s.Read
	to.Rejected += s.Rejected
	to.Evaluated += s.Read - s.Rejected
	to.Reasons = addReasons(to.Reasons, s.Reasons)
	return to
}

func addEvent(to results.EventLedger, e *state.EventLedger, r *state.ReadLedger) results.EventLedger {
	to.Evaluated += e.Filtered + e.Rejected + e.Late + e.Duplicate + e.Accepted
	to.Filtered += e.Filtered
	to.Rejected += e.Rejected
	to.Late += e.Late
	to.Duplicate += e.Duplicate
	to.IDConflict += e.IDConflicts
	to.Accepted += e.Accepted
	to.Unexposed += r.Unexposed
	to.Outside += r.Outside
	to.Counted += r.Counted
	to.Reasons = addReasons(to.Reasons, e.Reasons)
	to.Reasons = addReason(to.Reasons, "unknown_variant", r.UnknownVariant)
	to.Reasons = addReason(to.Reasons, "late_exposure", r.LateExposure)
	return to
}

func addReasons(to, more map[string]int64) map[string]int64 {
	for reason, n := range more {
		to = addReason(to, reason, n)
	}
	return to
}

func addReason(to map[string]int64, reason string, n int64) map[string]int64 {
	if n == 0 {
		return to
	}
	to = maps.Clone(to)
	if to == nil {
		to = make(map[string]int64)
	}
	to[reason] += n
	return to
}
