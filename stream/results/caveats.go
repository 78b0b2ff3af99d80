package results

import (
	"math"
	"strings"
)

// What stands beside a row's numbers, in the words of every reader: the level it is decided at, its correction, its
// warnings. Numbers are written by format.go.

// Level is the error rate at which the row's state is decided: its own share of the experiment's alpha, or all of it.
func (r *Row) Level(alpha float64) float64 {
	if r.Alpha > 0 {
		return r.Alpha
	}
	return alpha
}

// IntervalAlpha is the level of the row's always-valid interval: the row's own, or half of it where the other half is kept for
// one look at the planned end. Slices and guardrails have no such look. alpha is the result's.
func (r *Row) IntervalAlpha(alpha float64) float64 {
	if r.AlphaAlways > 0 {
		return r.AlphaAlways
	}
	return r.Level(alpha)
}

// FormatLevel writes the confidence of intervals at an error rate: 95%, 99.5%, at most two decimals.
func FormatLevel(alpha float64) string {
	decimals := 0
	for scaled := alpha * 100; decimals < 2 && math.Abs(scaled-math.Round(scaled)) > 1e-6; decimals++ {
		scaled *= 10
	}
	return FormatPercent(1-alpha, decimals)
}

var warningNames = map[string]string{
	"heterogeneity":     "slices differ",
	"mix_shift":         "mix shift",
	"pre_exposure_bias": "pre-exposure bias",
	"suspicious_lift":   "suspicious lift",
	"novelty":           "novelty",
}

// WarningName is what a warning's code is called in a few words; a code without a name is its own.
func WarningName(code string) string {
	if name, ok := warningNames[code]; ok {
		return name
	}
	return strings.ReplaceAll(code, "_", " ")
}

var correctionNames = map[string]string{
	"bonferroni": "Bonferroni",
	"holm":       "Holm",
	"bh":         "Benjamini–Hochberg",
	"ebh":        "e-BH",
}

// CorrectionName is what a correction for many comparisons is called.
func CorrectionName(correction string) string {
	if name, ok := correctionNames[correction]; ok {
		return name
	}
	return correction
}

// Comparisons is how many rows the experiment's correction is over: all of the whole, those that are still collecting too.
func (r *Result) Comparisons() int {
	n := 0
	for i := range r.Rows {
		if len(r.Rows[i].Slice) == 0 && r.Rows[i].Across == "" {
			n++
		}
	}
	return n
}

// Caution says in one short line what a reader of the row's state must know with it: its warnings, and where the
// experiment has a correction the corrected p. "" where there is neither.
func (r *Row) Caution(correction string, alpha float64) string {
	var parts []string
	if r.PAdjusted != nil {
		parts = append(parts, "p "+FormatP(r.PAdjusted, alpha)+" after "+CorrectionName(correction))
	}
	var names []string
	seen := map[string]bool{}
	for _, w := range r.Warnings {
		if name := WarningName(w.Code); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		parts = append(parts, "check: "+strings.Join(names, ", "))
	}
	return strings.Join(parts, " · ")
}
