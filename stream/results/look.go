package results

import (
	"math"
	"slices"
	"time"

	"github.com/tidemark/tidemark/stats"
)

// The one look at the planned end, for which half of a row's level is kept.

// Words of FinalLook.State.
const (
	lookToCome = "to_come"
	lookDone   = "done"
)

// due says that the planned end has passed in event time and that nothing before it is missing, so that the rows' final look is to be had.
// This is the one rule, live or analyzed: what decides is how far the data goes and never the clock of whoever looks, for data that ends
// earlier may be looked at again with more.
func (e *Evaluator) due(in Inputs) bool {
	if !e.x.Sequential.FinalLook || e.x.End.IsZero() || !in.Complete || len(in.Unreliable) > 0 {
		return false
	}
	reached := in.reached()
	return reached != nil && !reached.Before(e.x.End)
}

// reached is the event time up to which everything is there, as far as it is known: the watermark, and of inputs that have been read to
// their end what they are known to reach.
func (in *Inputs) reached() *time.Time {
	if in.Watermark != nil {
		return in.Watermark
	}
	return in.Reached
}

// finalLookOf says whether the look has been; nil where there is none.
func (e *Evaluator) finalLookOf(in Inputs, whole *evaluated) *FinalLook {
	if !e.x.Sequential.FinalLook || e.x.End.IsZero() {
		return nil
	}
	f := &FinalLook{End: e.x.End.UTC(), Reached: in.reached(), State: lookToCome}
	for _, rows := range whole.rows {
		if slices.ContainsFunc(rows, func(row *Row) bool { return row.Tuning != nil && row.Tuning.Final != nil }) {
			f.State = lookDone
		}
	}
	return f
}

// finalLook looks once, when it is due, and lets the comparison's always-valid p know what was found: of the two halves of the level the
// look has one, so that p is twice the lesser of the look's and the sequential one. It returns the tuning with the fact.
func (m *metric) finalLook(cmp *stats.Comparison, d stats.Design, tuning *Tuning, due, analyze bool, at time.Time) *Tuning {
	if due && (tuning == nil || tuning.Final == nil) {
		final := &Final{}
		if !analyze {
			final.Set = &at
		}
		switch cmp.State {
		case stats.Better, stats.Worse, stats.NotClear:
			half := d.Boundary.Level(d.Alpha) / 2
			value, k := cmp.Difference.Value.V, stats.NormalUpper(half/2)*cmp.Difference.SE.V
			final.Value, final.P, final.Interval = cmp.Difference.Value.Ptr(), cmp.Difference.P.Ptr(), stats.Between(value-k, value+k).Ptr()
			final.Rejected = final.P != nil && *final.P <= half
		}
		with := Tuning{}
		if tuning != nil {
			with = *tuning
		}
		with.Final, with.Definition = final, m.hash
		tuning = &with
	}
	if always := &cmp.Difference.Always; tuning != nil && tuning.Final != nil && tuning.Final.P != nil && always.P.OK {
		always.P = stats.Known(math.Min(always.P.V, 2**tuning.Final.P))
	}
	return tuning
}
