package view

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Item is a line of what is shown when a row is open. An item without a text is not shown; which ones there are does not
// depend on the numbers, so that a live page has every element that a patch may fill.
type Item struct{ Field, Label, Text string }

// details are the items of a row of the whole: what its state rests on, then what stands beside it.
func details(x *catalog.Experiment, r *results.Result, row *results.Row) []Item {
	m, level := metricOf(x, row.Metric), row.Level(r.Alpha)
	corrected := "corrected p"
	if r.Correction != "" {
		corrected += " (" + results.CorrectionName(r.Correction) + ")"
	}
	return []Item{
		{"sizes", "subjects", sizes(m, row)},
		{"level_text", "error rate of this row", levelText(r, row)},
		{"p_adjusted", corrected, correctedText(x, r, row)},
		{"limit_text", "limit", railText(row, level)},
		{"final", "look at the planned end", finalText(x, row, level)},
		{"power", "what it can see", powerText(row)},
		{"cuped", "adjusted by the pre-period (CUPED)", cupedText(row, level)},
		{"stratified", "post-stratified by slices", stratifiedText(row, level)},
		{"quantile", "what is compared", quantileText(row)},
		{"clip", "a subject's total is clipped", clipText(m, row)},
		{"estimates", "estimates", estimatesText(row)},
		{"z", "z-test (one look)", testText(row.Difference.Z, row.Difference.P, r.Alpha)},
		{"welch", "Welch's t (one look)", testText(row.Welch.T, row.Welch.P, r.Alpha)},
		{"tuned", "always-valid interval tuned", tunedText(row)},
	}
}

func metricOf(x *catalog.Experiment, id string) *catalog.Metric {
	for _, u := range x.Metrics {
		if u.Metric.ID == id {
			return u.Metric
		}
	}
	return &catalog.Metric{ID: id}
}

func sizes(m *catalog.Metric, row *results.Row) string {
	text := results.FormatCount(row.ByVariant[row.Control].N) + " and " + results.FormatCount(row.ByVariant[row.Variant].N)
	if m.Strict {
		text += " complete, " + Since(m.Window) + " after their exposure"
	}
	return text
}

// levelText says what part of the experiment's error rate the row has; "" if all of it.
func levelText(r *results.Result, row *results.Row) string {
	if row.Alpha <= 0 || row.Alpha == r.Alpha {
		return ""
	}
	return plain(row.Alpha) + ", its share of " + plain(r.Alpha) + ": always-valid at " + Level(row.IntervalAlpha(r.Alpha))
}

// correctedText is the p after the correction, and the family that it is over.
func correctedText(x *catalog.Experiment, r *results.Result, row *results.Row) string {
	if row.PAdjusted == nil {
		return ""
	}
	n := r.Comparisons()
	text := results.FormatP(row.PAdjusted, r.Alpha) + ", over " + results.FormatCount(int64(n)) + plural(n, " comparison", " comparisons of metrics and arms")
	if goals := goalsOf(x); (r.Correction == "bonferroni" || r.Correction == "holm") && goals > 0 && goals < len(x.Metrics) {
		text += ifelse(row.Role == string(catalog.Goal), "; goals have half of the error rate", "; all but goals have half of the error rate")
	}
	return text
}

func goalsOf(x *catalog.Experiment) int {
	n := 0
	for _, u := range x.Metrics {
		if u.Role == catalog.Goal {
			n++
		}
	}
	return n
}

// finalText is what the one classical look at the planned end found, or that it is to come. Guardrails have none: harm must be
// seen early.
func finalText(x *catalog.Experiment, row *results.Row, alpha float64) string {
	if !x.Sequential.FinalLook || row.Guardrail != nil {
		return ""
	}
	if row.Tuning == nil || row.Tuning.Final == nil {
		return "to come: half of the error rate is kept for it"
	}
	f := row.Tuning.Final
	text := ""
	if f.Set != nil {
		text = Clock(*f.Set) + ": "
	}
	if f.P == nil {
		return text + "too little data to look; there is no second one"
	}
	return text + results.FormatDifference(row.Format, f.Value, f.Interval).Text + ", p " + results.FormatP(f.P, alpha/2) +
		ifelse(f.Rejected, ": clear", ": not clear") + " at " + Level(alpha/2)
}

// railText is the other question about a guardrail: not whether harm is shown, but whether its absence is.
func railText(row *results.Row, alpha float64) string {
	g := row.Guardrail
	if g == nil {
		return ""
	}
	limit := results.FormatLimit(row.Format, g)
	ni := g.NonInferiority
	switch {
	case g.State == "crossed":
		return "harm beyond " + limit + " is shown"
	case ni == nil:
		return ""
	case ni.Verdict == "shown":
		return "shown to be within " + limit + distance(row, ni.BoundAlways, ", by ", " or more") + pText(ni.PAlways, alpha)
	}
	return "not yet shown to be within " + limit + distance(row, ni.BoundAlways, ": may lie up to ", " beyond it") + pText(ni.PAlways, alpha)
}

// distance writes the size of a bound between two words; "" without one, or where it has no distance.
func distance(row *results.Row, bound *float64, before, after string) string {
	if bound == nil || *bound == 0 {
		return ""
	}
	size := math.Abs(*bound)
	return before + strings.TrimPrefix(results.FormatDifference(row.Format, &size, nil).Value, "+") + after
}

func pText(p *float64, alpha float64) string {
	if p == nil {
		return ""
	}
	return " (p " + results.FormatP(p, alpha) + ")"
}

// powerText: what the row's data can show, and what is missing for the experiment's smallest lift worth finding.
func powerText(row *results.Row) string {
	p := row.Power
	if p == nil {
		return ""
	}
	var parts []string
	if now := effectSize(row, p.MDELift, p.MDE); now != "" {
		text := now + " now"
		if once := effectSize(row, p.MDEFixedLift, p.MDEFixed); once != "" {
			text += " (" + once + " by one look)"
		}
		parts = append(parts, text)
	}
	if want := effectSize(row, p.Lift, nil); want != "" && p.Subjects != nil {
		have := row.ByVariant[row.Control].N + row.ByVariant[row.Variant].N
		if more := *p.Subjects - have; more > 0 {
			parts = append(parts, "about "+about(more)+" more subjects to see "+want)
		} else {
			parts = append(parts, "enough subjects to see "+want)
		}
	}
	return strings.Join(parts, "; ")
}

// effectSize writes an effect without direction: ±1.2%; as a lift if there is one.
func effectSize(row *results.Row, lift, difference *float64) string {
	var text string
	switch {
	case lift != nil:
		v := math.Abs(*lift)
		text = results.FormatLift(&v, nil).Value
	case difference != nil:
		v := math.Abs(*difference)
		text = results.FormatDifference(row.Format, &v, nil).Value
	}
	if text == "" || text == results.Missing {
		return ""
	}
	return "±" + strings.TrimPrefix(text, "+")
}

// about rounds a count up to two digits: how many are missing is itself an estimate.
func about(n int64) string {
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	if over := n % unit; over > 0 && n <= math.MaxInt64-unit {
		n += unit - over
	}
	return results.FormatCount(n)
}

func cupedText(row *results.Row, alpha float64) string {
	c := row.CUPED
	switch {
	case c == nil:
		return ""
	case slices.Contains(row.Reasons, noPrePeriod):
		return results.ReasonText(noPrePeriod)
	}
	effect := results.FormatDifference(row.Format, c.Difference.Value, c.Difference.IntervalAlways)
	if c.Lift != nil && c.Lift.Value != nil {
		effect = results.FormatLift(c.Lift.Value, c.Lift.IntervalAlways)
	}
	return beside(effect, &c.Difference, &row.Difference, alpha)
}

func stratifiedText(row *results.Row, alpha float64) string {
	s := row.Stratified
	if s == nil {
		return ""
	}
	return beside(results.FormatDifference(row.Format, s.Value, s.IntervalAlways), s, &row.Difference, alpha)
}

// beside is another estimate of the row's effect, with its p and how its interval compares with the plain one.
func beside(effect results.Effect, other, than *results.Difference, alpha float64) string {
	if effect.Value == results.Missing {
		return ""
	}
	text := effect.Text
	if other.PAlways != nil {
		text += ", p " + results.FormatP(other.PAlways, alpha)
	}
	if a, b := other.IntervalAlways, than.IntervalAlways; a != nil && b != nil && b[1] > b[0] && a[1] >= a[0] {
		switch ratio := (a[1] - a[0]) / (b[1] - b[0]); {
		case ratio <= 0.995:
			text += "; " + results.FormatPercent(1-ratio, 0) + " narrower"
		case ratio >= 1.005:
			text += "; " + results.FormatPercent(ratio-1, 0) + " wider"
		}
	}
	return text
}

// quantileOf says what a quantile metric is a quantile of: p95 of events.
func quantileOf(q float64) string { return quantileName(q) + " of events" }

// quantileName is p95 for 0.95.
func quantileName(q float64) string {
	return "p" + strconv.FormatFloat(math.Round(q*1e8)/1e6, 'f', -1, 64)
}

// acrossName says what a metric across subjects counts.
const acrossName = "distinct values of all subjects together"

func quantileText(row *results.Row) string {
	if row.Across != "" {
		return acrossName + " in each arm, each ±1.6% (1 s.e. of the sketch); it has no sampling error, so there is no test"
	}
	if row.Quantile <= 0 {
		return ""
	}
	return quantileOf(row.Quantile) + " in each arm; the error is that of subjects, whose events go together"
}

func clipText(m *catalog.Metric, row *results.Row) string {
	c, format := row.Clip, row.Format
	if c == nil {
		return ""
	}
	if m.Denominator != nil { // what is clipped is the numerator, and the format is the quotient's
		format = ""
	}
	var parts, percentiles []string
	bound := func(word string, v, percentile *float64) {
		if v != nil {
			parts = append(parts, word+" "+results.FormatValue(format, v, nil))
		}
		if percentile != nil {
			percentiles = append(percentiles, plain(*percentile*100)+"th")
		}
	}
	bound("at least", c.Lower, c.LowerPercentile)
	bound("at most", c.Upper, c.UpperPercentile)
	text := strings.Join(parts, ", ")
	if len(percentiles) == 0 {
		return text
	}
	of := strings.Join(percentiles, " and ") + plural(len(percentiles), " percentile", " percentiles") + " of all arms"
	if c.Set == nil {
		if text == "" {
			return "not yet: waiting for the " + of
		}
		return text + ", the " + of
	}
	return text + ", the " + of + " on " + Clock(*c.Set)
}

// distinctError is the standard error of one estimated distinct count: 1.04/√m of a HyperLogLog of m = 2^14 registers
// (Flajolet et al. 2007), which is what the state keeps.
const distinctError = 0.0081

func estimatesText(row *results.Row) string {
	c, t := row.ByVariant[row.Control], row.ByVariant[row.Variant]
	var parts []string
	if n := c.Approximate + t.Approximate; n > 0 {
		parts = append(parts, "distinct counts of "+subjects(n)+" are estimates, ±"+results.FormatPercent(distinctError, 1)+" each (1 s.e.)")
	}
	if n := c.Overflowed + t.Overflowed; n > 0 {
		parts = append(parts, subjects(n)+plural(int(min(n, 2)), " is", " are")+" left out: the total is too large to count")
	}
	return strings.Join(parts, "; ")
}

func subjects(n int64) string {
	return results.FormatCount(n) + plural(int(min(n, 2)), " subject", " subjects")
}

func testText(statistic, p *float64, alpha float64) string {
	if statistic == nil && p == nil {
		return ""
	}
	return results.FormatValue("number", statistic, nil) + ", p " + results.FormatP(p, alpha)
}

func tunedText(row *results.Row) string {
	switch t := row.Tuning; {
	case t == nil:
		return ""
	case t.Tau2 > 0:
		return "prior fixed by the definition"
	case t.Set != nil:
		return Clock(*t.Set)
	}
	return "by its own data"
}

// warnings are the sentences of a row's warnings, a line each.
func warnings(row *results.Row) string {
	lines := make([]string, 0, len(row.Warnings))
	for _, w := range row.Warnings {
		lines = append(lines, sentence(results.WarningName(w.Code)+": "+inSentence(w.Text, 600)))
	}
	return strings.Join(lines, "\n")
}

// marks are the names of a row's warnings, each once.
func marks(row *results.Row) string {
	var names []string
	seen := map[string]bool{}
	for _, w := range row.Warnings {
		if n := results.WarningName(w.Code); !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

// plain writes a definition's number as it would be typed: 0.025.
func plain(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e10)/1e10, 'f', -1, 64)
}
