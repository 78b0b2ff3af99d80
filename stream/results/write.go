package results

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
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
	text := row.Texts(r.Alpha)
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
	return append(record, limit, unit, word, row.State, strings.Join(row.Reasons, " "), text.Effect.Text, text.P)
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

// Table writes results for a terminal of the width given (0: as wide as it gets): a header and a line for each row.
func Table(w io.Writer, results []*Result, width int) error {
	b := bufio.NewWriter(w)
	for i, r := range results {
		if i > 0 {
			fmt.Fprintln(b)
		}
		tableHead(b, r)
		tableRows(b, r, width)
	}
	return b.Flush()
}

func tableHead(w io.Writer, r *Result) {
	fmt.Fprint(w, r.Experiment)
	if r.Name != "" && r.Name != r.Experiment {
		fmt.Fprint(w, "  ", r.Name)
	}
	fmt.Fprintf(w, "  %s  as of %s", r.State, r.AsOf.UTC().Format("2006-01-02 15:04:05 MST"))
	if r.Complete {
		fmt.Fprint(w, "  complete")
	}
	fmt.Fprintln(w)
	total := int64(0)
	for _, n := range r.Subjects {
		total += n
	}
	for i, v := range slices.Sorted(maps.Keys(r.Subjects)) {
		if i > 0 {
			fmt.Fprint(w, "  ")
		}
		fmt.Fprintf(w, "%s %s", visible(v), FormatCount(r.Subjects[v]))
		if total > 0 {
			fmt.Fprintf(w, " (%s)", FormatPercent(float64(r.Subjects[v])/float64(total), 2))
		}
	}
	fmt.Fprintf(w, "  SRM %s", r.SRM.State)
	if r.SRM.P != nil {
		fmt.Fprintf(w, " (p %s)", FormatP(r.SRM.P, 0.001))
	}
	if r.Crossovers > 0 {
		fmt.Fprintf(w, "  crossovers %s", FormatCount(r.Crossovers))
	}
	fmt.Fprintln(w)
	for _, reason := range r.Reasons {
		fmt.Fprintf(w, "! %s\n", ReasonText(reason))
	}
	for _, id := range slices.Sorted(maps.Keys(r.Ledger.Records)) {
		l := r.Ledger.Records[id]
		tableRejected(w, id, "records", l.Rejected, l.Read, l.Reasons)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Ledger.Events)) {
		l := r.Ledger.Events[id]
		tableRejected(w, id, "events", l.Rejected, l.Evaluated, l.Reasons)
	}
}

// tableRejected says what is not in the numbers below: a reader of the table sees no ledger.
func tableRejected(w io.Writer, id, what string, rejected, of int64, reasons map[string]int64) {
	if rejected == 0 {
		return
	}
	fmt.Fprintf(w, "! %s: %s of %s %s rejected", id, FormatCount(rejected), FormatCount(of), what)
	mark := ": "
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if reason == "unknown_variant" || reason == "late_exposure" { // these are outside or late, not rejected
			continue
		}
		fmt.Fprintf(w, "%s%s %s", mark, reason, FormatCount(reasons[reason]))
		mark = ", "
	}
	fmt.Fprintln(w)
}

// visible shows control characters by their escapes: a value must not break a line or drive the reader's terminal.
func visible(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		if unicode.IsControl(c) {
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// tableColumns are the headings; the first two give way when the terminal is narrow.
var tableColumns = []string{"METRIC", "SLICE", "VARIANT", "CONTROL", "TREATMENT", "LIFT", "INTERVAL (ALWAYS VALID)", "P", "STATE"}

const (
	elastic  = 2 // columns that may be cut
	leastCut = 12
)

func tableRows(w io.Writer, r *Result, width int) {
	lines := [][]string{tableColumns}
	role := ""
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Role != role {
			role = row.Role
			lines = append(lines, []string{strings.ToUpper(role)})
		}
		text := row.Texts(r.Alpha)
		interval := text.Effect.Interval
		if interval == "" {
			interval = Missing
		}
		state := text.State
		if row.Guardrail != nil && row.Guardrail.State != "" {
			state += " · " + row.Guardrail.State + " " + text.Limit
		}
		lines = append(lines, []string{row.Metric, visible(SliceText(row.Slice)), visible(row.Variant), text.Control, text.Treatment, text.Effect.Value, interval, text.P, state})
	}
	widths := make([]int, len(tableColumns))
	for _, line := range lines {
		if len(line) < len(widths) {
			continue
		}
		for i, cell := range line {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	fit(widths, width)
	for _, line := range lines {
		if len(line) < len(widths) {
			fmt.Fprintln(w, line[0])
			continue
		}
		var b strings.Builder
		for i, cell := range line {
			if i > 0 {
				b.WriteString("  ")
			}
			if i < elastic {
				cell = runewidth.Truncate(cell, widths[i], "…")
			}
			pad := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(cell)))
			if right := i >= 3 && i <= 7; right {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// fit narrows the elastic columns until the table is no wider than width.
func fit(widths []int, width int) {
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for width > 0 && total > width {
		widest := 0
		for i := range elastic {
			if widths[i] > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= leastCut {
			return
		}
		widths[widest]--
		total--
	}
}
