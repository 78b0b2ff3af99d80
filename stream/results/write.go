package results

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteJSON writes one result as an object, several as a list.
func WriteJSON(w io.Writer, results []*Result) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if len(results) == 1 {
		return enc.Encode(results[0])
	}
	if results == nil {
		results = []*Result{}
	}
	return enc.Encode(results)
}

// CSVHeader are the columns of WriteCSV. New ones come at the end.
var CSVHeader = []string{
	"experiment", "as_of", "metric", "definition", "role", "slice", "variant", "control",
	"n_control", "n_treatment", "sum_num_control", "sum_num_treatment", "sum_den_control", "sum_den_treatment",
	"sum_num2_control", "sum_num2_treatment", "sum_den2_control", "sum_den2_treatment", "sum_numden_control", "sum_numden_treatment",
	"value_control", "value_treatment", "se_control", "se_treatment",
	"difference", "difference_se", "z", "p", "difference_low", "difference_high", "p_always", "difference_low_always", "difference_high_always",
	"lift", "lift_low", "lift_high", "lift_low_always", "lift_high_always",
	"guardrail_limit", "guardrail_unit", "guardrail_state", "state", "reasons", "lift_text", "p_always_text",
	"correction", "alpha", "p_adjusted", "q", "mde", "mde_lift", "mde_fixed", "mde_fixed_lift", "mde_subjects",
	"non_inferiority", "non_inferiority_p_always", "non_inferiority_bound_always",
	"stratified", "stratified_se", "stratified_p_always", "stratified_low_always", "stratified_high_always",
	"cuped", "cuped_se", "cuped_p_always", "cuped_low_always", "cuped_high_always", "cuped_lift", "cuped_lift_low_always", "cuped_lift_high_always",
	"final_p", "final_rejected", "warnings", "clip_lower", "clip_upper", "quantile",
	"alpha_always", "level_text",
	"across", "sketch_error_control", "sketch_error_treatment",
}

// WriteCSV writes one line for each row of each result. Numbers are as in JSON; what is null there is empty here.
func WriteCSV(w io.Writer, results []*Result) error {
	cw := csv.NewWriter(w)
	if err := cw.Write(CSVHeader); err != nil {
		return err
	}
	for _, r := range results {
		for i := range r.Rows {
			if err := cw.Write(csvRecord(r, &r.Rows[i])); err != nil {
				return err
			}
		}
	}
	cw.Flush()
	return cw.Error()
}

func csvRecord(r *Result, row *Row) []string {
	c, t := row.ByVariant[row.Control], row.ByVariant[row.Variant]
	d, l := &row.Difference, &row.Lift
	text := r.Texts(row)
	record := []string{
		r.Experiment, r.AsOf.Format(time.RFC3339Nano), row.Metric, row.Definition, row.Role, SliceKey(row.Slice), row.Variant, row.Control,
		strconv.FormatInt(c.N, 10), strconv.FormatInt(t.N, 10), c.SumNum, t.SumNum, c.SumDen, t.SumDen,
		c.SumNum2, t.SumNum2, c.SumDen2, t.SumDen2, c.SumNumDen, t.SumNumDen,
	}
	for _, f := range []*float64{
		c.Value, t.Value, c.SE, t.SE,
		d.Value, d.SE, d.Z, d.P, end(d.Interval, 0), end(d.Interval, 1), d.PAlways, end(d.IntervalAlways, 0), end(d.IntervalAlways, 1),
		l.Value, end(l.Interval, 0), end(l.Interval, 1), end(l.IntervalAlways, 0), end(l.IntervalAlways, 1),
	} {
		record = append(record, csvFloat(f))
	}
	limit, unit, word := "", "", ""
	if g := row.Guardrail; g != nil {
		limit, unit, word = csvFloat(&g.Limit), g.Unit, g.State
	}
	record = append(record, limit, unit, word, row.State, strings.Join(row.Reasons, " "), text.Effect.Text, text.P)
	record = append(record, csvBeside(r, row)...)
	always := row.IntervalAlpha(r.Alpha)
	record = append(record, csvFloat(&always), text.Level)
	return append(record, row.Across, csvFloat(c.SketchError), csvFloat(t.SketchError))
}

// csvBeside are the columns of what stands beside a row's own numbers; empty where the row has none of it.
func csvBeside(r *Result, row *Row) []string {
	level := row.Level(r.Alpha)
	power, subjects := &Power{}, ""
	if row.Power != nil {
		power = row.Power
	}
	if power.Subjects != nil {
		subjects = strconv.FormatInt(*power.Subjects, 10)
	}
	record := []string{r.Correction, csvFloat(&level), csvFloat(row.PAdjusted), csvFloat(row.Q),
		csvFloat(power.MDE), csvFloat(power.MDELift), csvFloat(power.MDEFixed), csvFloat(power.MDEFixedLift), subjects}
	verdict := &NonInferiority{}
	if row.Guardrail != nil && row.Guardrail.NonInferiority != nil {
		verdict = row.Guardrail.NonInferiority
	}
	record = append(record, verdict.Verdict, csvFloat(verdict.PAlways), csvFloat(verdict.BoundAlways))
	difference := func(d *Difference) {
		if d == nil {
			d = &Difference{}
		}
		record = append(record, csvFloat(d.Value), csvFloat(d.SE), csvFloat(d.PAlways), csvFloat(end(d.IntervalAlways, 0)), csvFloat(end(d.IntervalAlways, 1)))
	}
	cuped, lift := &CUPED{}, &Lift{}
	if row.CUPED != nil {
		cuped = row.CUPED
	}
	if cuped.Lift != nil {
		lift = cuped.Lift
	}
	difference(row.Stratified)
	difference(&cuped.Difference)
	record = append(record, csvFloat(lift.Value), csvFloat(end(lift.IntervalAlways, 0)), csvFloat(end(lift.IntervalAlways, 1)))
	final, rejected := &Final{}, ""
	if row.Tuning != nil && row.Tuning.Final != nil {
		final = row.Tuning.Final
		rejected = strconv.FormatBool(final.Rejected)
	}
	var warnings []string
	for _, w := range row.Warnings {
		if w.Dimension != "" {
			w.Code += ":" + escapeKey(w.Dimension)
		}
		warnings = append(warnings, w.Code)
	}
	clip := &Clip{}
	if row.Clip != nil {
		clip = row.Clip
	}
	quantile := ""
	if row.Quantile > 0 {
		quantile = csvFloat(&row.Quantile)
	}
	return append(record, csvFloat(final.P), rejected, strings.Join(warnings, " "), csvFloat(clip.Lower), csvFloat(clip.Upper), quantile)
}

func end(i Interval, at int) *float64 {
	if i == nil {
		return nil
	}
	return &i[at]
}

func csvFloat(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}
