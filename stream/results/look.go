package results

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
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
			look := cmp.Difference.Cautious()
			p := look.P
			if !p.OK && look.Z.OK {
				p, _ = stats.TwoSidedP(look.Z.V)
			}
			value, k := look.Value.V, stats.NormalUpper(half/2)*look.SE.V
			final.Value, final.P, final.Interval = look.Value.Ptr(), p.Ptr(), stats.Between(value-k, value+k).Ptr()
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

// lookTexts say where the look stands, in sentences: what it is measured by, and what it decided.
func lookTexts(r *Result) []string {
	f := r.FinalLook
	if f == nil {
		return nil
	}
	const layout = "2006-01-02 15:04 UTC"
	level := "half of their row's level"
	if !several(r) || r.Correction != string(catalog.Bonferroni) {
		level = FormatLevel(r.UsualAlpha())
	}
	end := f.End.UTC().Format(layout)
	if f.State == lookToCome {
		text := "half of the error rate is kept for one look at the planned end, " + end + ", so intervals of the whole are at " + level + "; "
		switch {
		case f.Reached == nil:
			text += "it is unknown yet how far the data goes"
		case f.Reached.Before(f.End):
			text += "the data goes up to " + f.Reached.UTC().Format(layout)
			if r.Watermark == nil { // of files
				text += " (if nothing is missing up to a later time, analyze --as-of TIME says so)"
			}
		default:
			text += "the data has passed it and is not complete yet"
		}
		return []string{text}
	}
	var rejected []string
	had := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) > 0 || row.Tuning == nil || row.Tuning.Final == nil {
			continue
		}
		had++
		if row.Tuning.Final.Rejected {
			name := row.Metric
			if len(r.Subjects) > 2 {
				name += " " + visible(row.Variant)
			}
			rejected = append(rejected, name)
		}
	}
	found := "it found nothing clear"
	if len(rejected) > 0 {
		found = "it found clear"
		if r.Correction == string(catalog.Holm) {
			found += ", before the correction"
		}
		found += ": " + strings.Join(rejected, ", ")
	}
	if had == 0 {
		found = "its outcome is on the whole"
	}
	return []string{"the look at the planned end, " + end + ", has been, for half of the error rate: " + found + "; intervals of the whole are for the other half, at " + level}
}
