package view

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Table is the results table: rows by role, each role with an axis of its own.
type Table struct {
	Level      string // 95%
	Control    string
	Treatments []Arm
	Groups     []Group
}

// Arm is a variant with its letter; the control is A.
type Arm struct {
	ID, Letter  string
	Subjects    string
	Share, Plan string
}

// Group is the rows of one role.
type Group struct {
	Role, Title string
	Axis        Axis
	Metrics     []Metric
}

// Metric is one metric's rows on the whole, one per treatment.
type Metric struct {
	ID, Name, Description string
	Hash                  string
	Kind                  string // what it is, where it is not a mean or ratio over all that count: p95 of events
	Rows                  []*Row
}

// Row is one row of a result as texts.
type Row struct {
	Key     string
	Metric  string
	Variant string
	Letter  string
	Slice   map[string]string
	Label   string // of a slice: its values
	State   string
	Rail    string // within, near, crossed; "" without a guardrail
	Cells   Texts
	row     *results.Row
}

// Texts are the fields of a row that change while one looks at it. Their JSON names are the fields of the live patches.
type Texts struct {
	Control   string // value of the control, and what it is made of
	ControlOf string
	Value     string // of the treatment
	ValueOf   string
	Lift      string
	Absolute  string
	Interval  string
	Fixed     string
	Unit      string // of both intervals: that of the lift, or of the difference where there is no lift
	Level     string // of the intervals, where it is not the experiment's
	P         string
	PFixed    string
	N         string
	Word      string
	Why       string
	RailWord  string
	Shown     string // of a guardrail: is it shown to be within its limit
	Marked    string // yes, no: are there warnings
	Marks     string // their names
	Drawing   Drawing
	Alt       string
	// What is shown when the row is open.
	Warnings string // a line each
	Details  []Item
}

// fields are the texts by the names under which the live stream sends them.
func (r *Row) fields() map[string]string {
	t := &r.Cells
	f := map[string]string{
		"control": t.Control, "control_of": t.ControlOf, "value": t.Value, "value_of": t.ValueOf, "lift": t.Lift, "absolute": t.Absolute,
		"ci": t.Interval, "fixed": t.Fixed, "unit": t.Unit, "level": t.Level, "p": t.P, "p_fixed": t.PFixed, "n": t.N, "state": r.State, "word": t.Word, "why": t.Why,
		"marked": t.Marked, "marks": t.Marks,
		"bar": t.Drawing.Bar, "whisker": t.Drawing.Whisker, "point": t.Drawing.Point, "alt": t.Alt,
	}
	if len(r.Slice) == 0 {
		f["warnings"] = t.Warnings
		for _, item := range t.Details {
			f[item.Field] = item.Text
		}
	}
	if r.Rail != "" {
		f["rail"], f["rail_word"], f["shown"], f["limit"] = r.Rail, t.RailWord, t.Shown, t.Drawing.Limit
	}
	return f
}

var groupTitles = []struct {
	role  catalog.Role
	title string
}{{catalog.Goal, "Goals"}, {catalog.Secondary, "Secondary"}, {catalog.Guardrail, "Guardrails"}}

// NewTable lays out a result.
func NewTable(set *catalog.Set, x *catalog.Experiment, r *results.Result) *Table {
	t := &Table{Level: Level(r.UsualAlpha()), Control: x.Control}
	for _, a := range Arms(x, r) {
		if a.ID != x.Control {
			t.Treatments = append(t.Treatments, a)
		}
	}
	for _, g := range groupTitles {
		group := Group{Role: string(g.role), Title: g.title, Axis: axisOver(ofRole(r, string(g.role)))}
		for _, use := range x.Metrics {
			if use.Role != g.role {
				continue
			}
			m := Metric{ID: use.Metric.ID, Name: MetricName(use.Metric), Description: use.Metric.Description}
			for i := range r.Rows {
				if row := &r.Rows[i]; row.Metric == m.ID && row.Role == group.Role && len(row.Slice) == 0 {
					m.Hash, m.Kind = short(row.Definition), kindOf(use.Metric, row)
					m.Rows = append(m.Rows, newRow(x, r, row, group.Axis, m.Name))
				}
			}
			if m.Hash == "" {
				m.Hash = short(use.Metric.Hash().String())
			}
			group.Metrics = append(group.Metrics, m)
		}
		if len(group.Metrics) > 0 {
			t.Groups = append(t.Groups, group)
		}
	}
	return t
}

// Slices are the rows of one metric and treatment cut by dimensions, grouped as they are shown: by the first dimension,
// with the cuts by the second (if there is one) below each.
func (t *Table) Slices(x *catalog.Experiment, r *results.Result, metric, variant string, dims []string) []*Row {
	var list []*Row
	for _, g := range t.Groups {
		for _, m := range g.Metrics {
			if m.ID != metric {
				continue
			}
			for i := range r.Rows {
				row := &r.Rows[i]
				if row.Metric == metric && row.Role == g.Role && row.Variant == variant && cutBy(row, dims) {
					list = append(list, newRow(x, r, row, g.Axis, m.Name))
				}
			}
		}
	}
	// Most telling first: by |z|, then by name. (other) and (none) are no answers and come last.
	slices.SortStableFunc(list, func(a, b *Row) int {
		if c := vague(a) - vague(b); c != 0 {
			return c
		}
		switch za, zb := strength(a.row), strength(b.row); {
		case za > zb:
			return -1
		case za < zb:
			return 1
		}
		return strings.Compare(a.Label, b.Label)
	})
	return list
}

// cutBy says that a row fixes exactly the dimensions named.
func cutBy(row *results.Row, dims []string) bool {
	if len(row.Slice) != len(dims) {
		return false
	}
	for _, d := range dims {
		if _, ok := row.Slice[d]; !ok {
			return false
		}
	}
	return true
}

func vague(r *Row) int {
	for _, v := range r.Slice {
		if v == "(other)" || v == "(none)" {
			return 1
		}
	}
	return 0
}

func strength(r *results.Row) float64 {
	if r.Difference.Z == nil {
		return -1
	}
	return max(*r.Difference.Z, -*r.Difference.Z)
}

func newRow(x *catalog.Experiment, r *results.Result, row *results.Row, axis Axis, name string) *Row {
	texts := r.Texts(row)
	v := &Row{Key: row.Key(), Metric: row.Metric, Variant: row.Variant, Letter: letter(x, row.Variant), Slice: row.Slice, State: row.State, row: row}
	c, t := row.ByVariant[row.Control], row.ByVariant[row.Variant]
	v.Cells = Texts{
		Control: texts.Control, ControlOf: madeOf(row, c), Value: texts.Treatment, ValueOf: madeOf(row, t),
		Lift: texts.Effect.Value, Interval: orMissing(texts.Effect.Interval), P: texts.PStands, PFixed: texts.PFixed,
		Fixed: orMissing(texts.Fixed.Interval), N: results.FormatCount(c.N + t.N), Word: texts.State, Drawing: axis.draw(row),
		Marked: ifelse(len(row.Warnings) > 0, "yes", "no"), Marks: marks(row), Why: why(x, r, row),
	}
	if row.Lift.Value != nil {
		v.Cells.Absolute = texts.Absolute.Value
	}
	if texts.Effect.Interval != "" || texts.Fixed.Interval != "" {
		v.Cells.Unit = unitOf(texts.Effect.Value)
	}
	if texts.Own != "" && texts.Effect.Interval != "" {
		v.Cells.Level = "at " + texts.Own
	}
	if g := row.Guardrail; g != nil {
		v.Rail = g.State
		if v.Rail == "" {
			v.Rail = "unknown"
		}
		v.Cells.RailWord, v.Cells.Shown = railWord(v.Rail)+" "+texts.Limit, shown(row)
	}
	slice := ""
	if len(row.Slice) > 0 {
		values := make([]string, 0, len(row.Slice))
		for _, d := range x.Slices {
			if value, ok := row.Slice[d.Name]; ok {
				values = append(values, Shown(value))
			}
		}
		v.Label = strings.Join(values, " · ")
		slice = " in " + results.SliceText(row.Slice)
	} else {
		v.Cells.Warnings, v.Cells.Details = warnings(row), details(x, r, row)
	}
	v.Cells.Alt = name + slice + ": lift " + texts.Effect.Value + ", interval " + orMissing(texts.Effect.Interval) + v.Cells.Unit + ", " + texts.State
	return v
}

// kindOf says what is special about a metric: what its values are of, and whom they are over.
func kindOf(m *catalog.Metric, row *results.Row) string {
	var parts []string
	if row.Quantile > 0 {
		parts = append(parts, quantileOf(row.Quantile))
	}
	if row.Across != "" {
		parts = append(parts, acrossName)
	}
	if m.Strict {
		parts = append(parts, "complete after "+Since(m.Window))
	}
	return strings.Join(parts, ", ")
}

// unitOf is what an effect's text has beside its number, as it is written behind an interval: %, " pp", " €".
func unitOf(text string) string {
	unit := strings.TrimFunc(strings.Map(func(c rune) rune {
		if strings.ContainsRune("0123456789.,+−", c) {
			return ' '
		}
		return c
	}, text), unicode.IsSpace)
	if unit == "" || unit == "%" || unit == results.Missing {
		return strings.TrimPrefix(unit, results.Missing)
	}
	return " " + unit
}

// shown is the answer to a guardrail's other question, where the words leave it open: nothing is shown by an unreliable row.
func shown(row *results.Row) string {
	g := row.Guardrail
	switch {
	case g.NonInferiority == nil || g.State == "crossed" || row.State == "unreliable" || row.State == "collecting":
		return ""
	case g.NonInferiority.Verdict == "shown":
		return "shown to be within"
	}
	return "not yet shown"
}

// Shown is a slice value as people read it; an empty one must not look like a hole in the page.
func Shown(value string) string {
	if value == "" {
		return "(empty)"
	}
	return value
}

// madeOf is the quotient behind a value.
func madeOf(row *results.Row, a results.Arm) string {
	if a.N == 0 {
		return "no subjects"
	}
	if a.Value == nil {
		return ""
	}
	if row.Across != "" { // of the arm, not of its subjects' sums
		return "± " + results.FormatCount(int64(math.Round(sketchErrorOf(a))))
	}
	if row.Quantile > 0 { // a rank, not a quotient
		return decimal(a.SumDen) + " events"
	}
	return decimal(a.SumNum) + " / " + decimal(a.SumDen)
}

func sketchErrorOf(a results.Arm) float64 {
	if a.SketchError == nil {
		return 0
	}
	return *a.SketchError
}

// decimal writes an exact sum in short: enough under a value that has its decimals.
func decimal(sum string) string {
	whole, _, _ := strings.Cut(sum, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return sum
	}
	return results.FormatCompact(n)
}

// why says what stands behind a state that is not a plain answer, and what is missing for one.
func why(x *catalog.Experiment, r *results.Result, row *results.Row) string {
	var parts []string
	for _, reason := range row.Reasons {
		switch reason {
		case results.ReasonFixedHorizon: // of the whole experiment: a banner says it once
			continue
		case results.ReasonSRM: // so does another, where it is the whole's
			if broken(r) {
				continue
			}
		case noPrePeriod: // of the adjusted difference: its item in the detail says it
			continue
		}
		parts = append(parts, reasonText(x, row, reason))
	}
	if row.State == "collecting" && slices.Contains(row.Reasons, results.ReasonWindowOpen) {
		parts = []string{reasonText(x, row, results.ReasonWindowOpen)}
	} else if row.State == "collecting" && slices.Contains(row.Reasons, "few_subjects") { // first things first: more subjects bring values with them
		parts = []string{reasonText(x, row, "few_subjects")}
	}
	return strings.Join(parts, "; ")
}

const noPrePeriod = "no_pre_period"

// The silence rule's bounds (DESIGN §7): below them no state is given.
const (
	minSubjects = 100
	minNonZero  = 25
)

// reasonText is the reason's text with the row's own numbers where it has some.
func reasonText(x *catalog.Experiment, row *results.Row, reason string) string {
	c, t := row.ByVariant[row.Control], row.ByVariant[row.Variant]
	switch m := metricOf(x, row.Metric); {
	case reason == results.ReasonWindowOpen && m.Window > 0:
		return "no subject is complete yet in an arm: that takes " + Since(m.Window)
	case reason == "few_subjects" && m.Strict:
		return needs(minSubjects, "complete subjects", min(c.N, t.N))
	case reason == "few_subjects":
		return needs(minSubjects, "subjects", min(c.N, t.N))
	case reason == "few_nonzero":
		return needs(minNonZero, "subjects with a value", min(c.NonZero, t.NonZero))
	}
	return results.ReasonText(reason)
}

func needs(n int64, what string, has int64) string {
	return "needs " + results.FormatCount(n) + " " + what + " in each arm; has " + results.FormatCount(has)
}

func orMissing(text string) string {
	if text == "" {
		return results.Missing
	}
	return text
}

func ofRole(r *results.Result, role string) []*results.Row {
	var list []*results.Row
	for i := range r.Rows {
		if r.Rows[i].Role == role && len(r.Rows[i].Slice) < 2 {
			list = append(list, &r.Rows[i])
		}
	}
	return list
}

// Arms are the variants, control first, with their subjects and shares.
func Arms(x *catalog.Experiment, r *results.Result) []Arm {
	ids := []string{x.Control}
	weights, total := 0.0, int64(0)
	for _, v := range x.Variants {
		if v.ID != x.Control {
			ids = append(ids, v.ID)
		}
		weights += v.Weight
		if r != nil {
			total += r.Subjects[v.ID]
		}
	}
	arms := make([]Arm, len(ids))
	for i, id := range ids {
		arms[i] = Arm{ID: id, Letter: letter(x, id), Subjects: results.FormatCount(0), Share: results.Missing, Plan: results.Missing}
		if r != nil {
			arms[i].Subjects = results.FormatCount(r.Subjects[id])
		}
		if total > 0 {
			arms[i].Share = results.FormatPercent(float64(r.Subjects[id])/float64(total), 2)
		}
		for _, v := range x.Variants {
			if v.ID == id && weights > 0 {
				arms[i].Plan = results.FormatPercent(v.Weight/weights, 1)
			}
		}
		if r != nil {
			if share, ok := planned(r, id); ok {
				arms[i].Plan = results.FormatPercent(share, 1)
			}
		}
	}
	return arms
}

// letter is the badge of a variant: A is the control, then the treatments by id.
func letter(x *catalog.Experiment, variant string) string {
	if variant == x.Control {
		return "A"
	}
	at := 1
	for _, v := range x.Variants {
		if v.ID == variant {
			break
		}
		if v.ID != x.Control {
			at++
		}
	}
	return string(rune('A' + min(at, 25)))
}

// MetricName is what a metric is called on pages.
func MetricName(m *catalog.Metric) string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}

// Level is the confidence of intervals at alpha: 95%.
func Level(alpha float64) string { return results.FormatLevel(alpha) }

func short(hash string) string { return hash[:min(8, len(hash))] }

// rail words: "within +5%", "near +5%", "crossed +5%".
func railWord(state string) string {
	if state == "unknown" {
		return "limit"
	}
	return state
}
