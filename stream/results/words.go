package results

import (
	"slices"
	"strings"
)

// Words that people read for the words of the interface, in one place like the numbers (format.go).

// StateText writes a state word: "not clear" for not_clear.
func StateText(state string) string { return strings.ReplaceAll(state, "_", " ") }

// SliceText writes a slice for a heading: platform=ios, country=KR; the whole is "all".
func SliceText(slice map[string]string) string {
	if len(slice) == 0 {
		return WholeKey
	}
	return strings.Join(sliceTexts(slice), ", ")
}

// reasonTexts say what a reason means for the reader.
var reasonTexts = map[string]string{
	"no_subjects":           "an arm has no subjects yet",
	"too_few_subjects":      "an arm has a single subject",
	"zero_variance":         "every subject has the same value, so there is no test",
	"zero_denominator":      "the denominators add up to 0, so there is no ratio",
	"unstable_denominator":  "the denominator is too near 0 for its error",
	"zero_control":          "control is 0; showing absolute difference",
	"negative_control":      "control is negative, so lift and difference have opposite signs",
	"lift_unbounded":        "control is too near 0 for an interval of the lift",
	"lift_unbounded_always": "control is too near 0 for an always-valid interval of the lift",
	"few_subjects":          "fewer than 100 subjects in an arm",
	"few_nonzero":           "fewer than 25 subjects with a value in an arm",
	"no_variance":           "an arm's values do not vary",
	"not_tuned":             "the always-valid interval starts when there is enough data",
	"approximate":           "distinct counts are estimates",
	"overflowed":            "a subject's total is too large to be counted",
	"open_limit":            "a subject has more undecided events than can be kept",
	"corrupt":               "the sums are impossible; the state is damaged",
	"no_pre_period":         "the pre-period does not vary, so nothing is adjusted",
	ReasonNotFrozen:         "the percentiles at which totals are clipped are not frozen yet",
	ReasonCutNotFrozen:      "the error of the quantile is not known yet: its cut is not frozen",
	ReasonFewEvents:         "too few events lie beyond the quantile",
	ReasonNoSamplingError:   "a count over an arm has no sampling error, so there is no test",
	ReasonWindowOpen:        "no subject of an arm has its window behind it yet",
	ReasonConditioned:       "sliced by a property of the events, which the treatment may change",
	ReasonCardinality:       "the dimension has more values than can be kept apart",
	ReasonSRM:               "subjects are not split as planned",
	ReasonCorrected:         "clear by itself, not after the correction for many comparisons",
	ReasonFixedHorizon:      "decided by the fixed-horizon interval, which holds for one look",
	ReasonFinalLook:         "decided by the one look at the planned end",
	ReasonLittleInformation: "there is too little information for a finite interval yet",
	ReasonLevelChanged:      "the level was changed after results had been shown, so that the error rate is neither the old one nor the new one",
	ReasonOwnTuning:         "the always-valid interval is tuned by the data it judges",
	// Of the engine, about a result.
	"halted_gap":     "a part of the log is missing; an operator must decide",
	"halted_rekey":   "records are not in the partition of their subject; an operator must decide",
	"halted_rejects": "too many records are rejected; an operator must decide",
	"halted_corrupt": "a shard's state is damaged; it must be rebuilt",
	"gap_accepted":   "a missing part of the log was accepted by an operator",
	"waiting":        "an input can't be read at the moment",
	"restoring":      "numbers of before the restart; the state is being opened",
	"rebuilding":     "numbers of before the definitions changed; the new ones are being built",
}

// ReasonText says what a reason means; a reason without a text is its own.
func ReasonText(reason string) string {
	if text, ok := reasonTexts[reason]; ok {
		return text
	}
	return strings.ReplaceAll(reason, "_", " ")
}

// Texts are the texts of one row, as every reader shows them.
type Texts struct {
	Control, Treatment   string // the arms' values
	ControlN, TreatmentN string
	// Effect is the lift, or the difference where there is no lift (control is 0), with the always-valid interval.
	Effect Effect
	// Absolute is the difference with the always-valid interval.
	Absolute Effect
	// Fixed is Effect with the fixed-horizon interval.
	Fixed  Effect
	P      string // always-valid
	PFixed string
	// PStands is what stands in a table's column p: P, or of a slice the rate at which it stands out, "q 0.0120".
	PStands string
	// PDecides is like PStands the p that decides the row: after the correction where there is one, and of one look where that decides.
	PDecides string
	// Level is the confidence of the always-valid intervals, Own the same where it is not the usual one of the result.
	Level, Own string
	State      string
	Limit      string // of a guardrail; "" for others
	Reasons    []string
}

// Texts returns the texts of a row of this result: p as it stands to the level that decides the row, the intervals' own level.
func (r *Result) Texts(row *Row) Texts {
	level := row.Level(r.Alpha)
	t := row.Texts(level)
	t.PFixed = FormatP(row.Difference.P, r.Alpha)
	t.PStands = t.P
	t.PDecides = t.P
	if slices.Contains(row.Reasons, ReasonFixedHorizon) {
		t.PDecides = t.PFixed
	}
	if row.PAdjusted != nil {
		t.PDecides = FormatP(row.PAdjusted, r.Alpha)
	}
	if len(row.Slice) > 0 && row.Q != nil {
		if t.PStands = "q " + FormatP(row.Q, level); !slices.Contains(row.Reasons, ReasonFixedHorizon) {
			t.PDecides = t.PStands
		}
	}
	t.Level = FormatLevel(row.IntervalAlpha(r.Alpha))
	if t.Level != FormatLevel(r.UsualAlpha()) {
		t.Own = t.Level
	}
	return t
}

// UsualAlpha is the level that stands above a table of always-valid intervals: the experiment's, or half of it where the other half is
// kept for one look at the planned end. Rows at another level name theirs.
func (r *Result) UsualAlpha() float64 {
	for i := range r.Rows {
		if r.Rows[i].AlphaAlways > 0 {
			return r.Alpha / 2
		}
	}
	return r.Alpha
}

// Texts returns the texts of a row; alpha is the level that p is held against, the row's.
func (r *Row) Texts(alpha float64) Texts {
	c, t := r.ByVariant[r.Control], r.ByVariant[r.Variant]
	texts := Texts{
		Control: FormatValue(r.Format, c.Value, c.SE), Treatment: FormatValue(r.Format, t.Value, t.SE),
		ControlN: FormatCount(c.N), TreatmentN: FormatCount(t.N),
		Effect: FormatLift(r.Lift.Value, r.Lift.IntervalAlways), Fixed: FormatLift(r.Lift.Value, r.Lift.Interval),
		Absolute: FormatDifference(r.Format, r.Difference.Value, r.Difference.IntervalAlways),
		P:        FormatP(r.Difference.PAlways, alpha), PFixed: FormatP(r.Difference.P, alpha), State: StateText(r.State),
	}
	if r.Lift.Value == nil && r.Difference.Value != nil {
		texts.Effect, texts.Fixed = texts.Absolute, FormatDifference(r.Format, r.Difference.Value, r.Difference.Interval)
	}
	if r.Across != "" {
		// Their difference is mostly that of the arms' sizes.
		texts.Effect = FormatLift(nil, nil)
		texts.Fixed = texts.Effect
	}
	if r.Guardrail != nil {
		texts.Limit = FormatLimit(r.Format, r.Guardrail)
	}
	for _, reason := range r.Reasons {
		texts.Reasons = append(texts.Reasons, ReasonText(reason))
	}
	return texts
}
