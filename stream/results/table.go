package results

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
)

// Table writes results for a terminal of the width given (0: as wide as it gets): a header, a line for each row, and
// below them what must be known to read them.
func Table(w io.Writer, results []*Result, width int) error {
	b := bufio.NewWriter(w)
	for i, r := range results {
		if i > 0 {
			fmt.Fprintln(b)
		}
		tableHead(b, r, width)
		tableRows(b, r, width)
		tableNotes(b, r, width)
	}
	return b.Flush()
}

func tableHead(w io.Writer, r *Result, width int) {
	parts := []string{r.Experiment}
	if r.Name != "" && r.Name != r.Experiment {
		parts = append(parts, r.Name)
	}
	parts = append(parts, r.State, "as of "+r.AsOf.UTC().Format("2006-01-02 15:04:05 MST"))
	if r.Complete {
		parts = append(parts, "complete")
	}
	writeParts(w, parts, width)
	total := int64(0)
	for _, n := range r.Subjects {
		total += n
	}
	parts = nil
	for _, v := range slices.Sorted(maps.Keys(r.Subjects)) {
		part := visible(v) + " " + FormatCount(r.Subjects[v])
		if total > 0 {
			part += " (" + FormatPercent(float64(r.Subjects[v])/float64(total), 2) + ")"
		}
		parts = append(parts, part)
	}
	srm := "SRM " + r.SRM.State
	if r.SRM.P != nil { // the first decides
		srm += " (always-valid p " + FormatP(r.SRM.PSequential, 0.001) + ", χ² p " + FormatP(r.SRM.P, 0.001) + ")"
	}
	parts = append(parts, srm)
	if r.Crossovers > 0 {
		parts = append(parts, "crossovers "+FormatCount(r.Crossovers))
	}
	if len(r.Rows) > 0 && !several(r) {
		alpha := r.Rows[0].IntervalAlpha(r.Alpha)
		if r.fixed() {
			alpha = r.Alpha
		}
		parts = append(parts, "intervals "+FormatLevel(alpha))
	}
	writeParts(w, parts, width)
	tableEpochs(w, r, width)
	if r.Correction != "" {
		interval := "is not corrected"
		if r.Correction == string(catalog.Bonferroni) && !r.fixed() {
			interval = "is at its share of the level"
		}
		writeNote(w, fmt.Sprintf("* corrected for %d comparisons (%s): p and state of a row of the whole are those after the correction, its interval %s; slices are not corrected",
			r.Comparisons(), CorrectionName(r.Correction), interval), width)
	}
	for _, text := range lookTexts(r) {
		writeNote(w, "* "+text, width)
	}
	for _, reason := range r.Reasons {
		writeNote(w, "! "+ReasonText(reason), width)
	}
	for _, change := range r.LevelChanges() {
		writeNote(w, "! changed: "+change, width)
	}
	for _, s := range r.SRM.Slices {
		writeNote(w, fmt.Sprintf("! the split is off where %s is %s (p %s)", visible(s.Dimension), visible(s.Value), FormatP(s.PSequential, 0.001)), width)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Ledger.Records)) {
		l := r.Ledger.Records[id]
		tableRejected(w, id, "records", l.Rejected, l.Read, l.Reasons, width)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Ledger.Events)) {
		l := r.Ledger.Events[id]
		tableRejected(w, id, "events", l.Rejected, l.Evaluated, l.Reasons, width)
	}
}

// tableEpochs says of each stretch of a ramp how its subjects were to be split, and are.
func tableEpochs(w io.Writer, r *Result, width int) {
	for _, t := range EpochTexts(r) {
		line := "  from " + t.From + ":"
		for i, a := range t.Arms {
			if i > 0 {
				line += ","
			}
			line += fmt.Sprintf(" %s %s (%s, planned %s)", visible(a.Variant), a.Subjects, a.Share, a.Planned)
		}
		writeNote(w, line+", p "+t.P, width)
	}
}

// tableRejected says what is not in the numbers below: a reader of the table sees no ledger.
func tableRejected(w io.Writer, id, what string, rejected, of int64, reasons map[string]int64, width int) {
	if rejected == 0 {
		return
	}
	text := fmt.Sprintf("! %s: %s of %s %s rejected", id, FormatCount(rejected), FormatCount(of), what)
	mark := ": "
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		if reason == "unknown_variant" || reason == "late_exposure" { // these are outside or late, not rejected
			continue
		}
		text += mark + reason + " " + FormatCount(reasons[reason])
		mark = ", "
	}
	writeNote(w, text, width)
}

// tableNotes says below the rows of the whole what their numbers do not: warnings, a control below 0, and why a row that looks clear is
// not.
func tableNotes(w io.Writer, r *Result, width int) {
	own, cuped := false, false
	for i := range r.Rows {
		row := &r.Rows[i]
		own = own || slices.Contains(row.Reasons, ReasonOwnTuning)
		cuped = cuped || row.CUPED != nil
		if len(row.Slice) > 0 {
			continue
		}
		name := row.Metric
		if len(r.Subjects) > 2 {
			name += " " + visible(row.Variant)
		}
		if clip, first := r.Tuning[row.Metric], i == 0 || r.Rows[i-1].Metric != row.Metric; clip.own && row.Clip != nil && first {
			writeNote(w, "* "+row.Metric+": totals are clipped at percentiles of this data, frozen at its end; a running engine freezes them once there is enough", width)
		}
		for _, reason := range row.Reasons {
			switch reason {
			case ReasonCorrected, ReasonFinalLook, "negative_control":
				writeNote(w, "! "+name+": "+ReasonText(reason), width)
			}
		}
		for _, warning := range row.Warnings {
			writeNote(w, "! "+name+": "+visible(warning.Text), width)
		}
	}
	for _, text := range silences(r) {
		writeNote(w, "* "+text, width)
	}
	if own {
		writeNote(w, "* "+ReasonText(ReasonOwnTuning)+": looked at again with more data it is tuned anew (--facts keeps a tuning)", width)
	}
	if cuped {
		writeNote(w, "* numbers and states are not adjusted by the pre-period; the adjusted difference decides nothing and is in -o json and -o csv", width)
	}
	if r.fixed() {
		writeNote(w, "! states are "+ReasonText(ReasonFixedHorizon)+": looked at again and again it errs more often; the always-valid interval and p are in -o json and -o csv", width)
	}
}

// silences say why rows have no test, the rows of one reason together: those of the whole by name, slices by their number.
func silences(r *Result) (texts []string) {
	type group struct {
		names  []string
		slices int
	}
	groups := map[string]*group{}
	var order []string
	for i := range r.Rows {
		row := &r.Rows[i]
		why := row.silence()
		if why == "" {
			continue
		}
		g := groups[why]
		if g == nil {
			g = &group{}
			groups[why] = g
			order = append(order, why)
		}
		switch name := row.Metric; {
		case len(row.Slice) > 0:
			g.slices++
		case len(r.Subjects) > 2:
			g.names = append(g.names, name+" "+visible(row.Variant))
		default:
			g.names = append(g.names, name)
		}
	}
	for _, why := range order {
		g := groups[why]
		switch {
		case g.slices == 1:
			g.names = append(g.names, "1 slice")
		case g.slices > 1:
			g.names = append(g.names, FormatCount(int64(g.slices))+" slices")
		}
		texts = append(texts, strings.Join(g.names, ", ")+": "+why)
	}
	return texts
}

// silence is why a row has no test; "" where it has one, or where nothing is known of it.
func (r *Row) silence() string {
	state := r.State
	switch {
	case r.Across != "" && len(r.Slice) > 0:
		return "" // said of the whole
	case r.Across != "" && state == string(stats.NotClear):
		return ReasonText(ReasonNoSamplingError)
	case state != string(stats.Collecting) && state != string(stats.NoData) && state != string(stats.Failed):
		return ""
	}
	var why []string
	for _, reason := range r.Reasons {
		switch reason {
		case "not_tuned", "approximate", "lift_unbounded", "lift_unbounded_always", "zero_control", "negative_control", "no_pre_period", ReasonOwnTuning, ReasonConditioned, ReasonSRM:
			continue // what follows from the others, or does not silence
		case "no_variance":
			if slices.Contains(r.Reasons, "zero_variance") {
				continue
			}
		case "few_nonzero":
			if slices.Contains(r.Reasons, "few_subjects") {
				continue
			}
		}
		why = append(why, ReasonText(reason))
	}
	if len(why) == 0 {
		return ""
	}
	return StateText(state) + ", " + strings.Join(why, "; ")
}

// writeParts writes parts two spaces apart, beginning a line where the next is too long for it.
func writeParts(w io.Writer, parts []string, width int) {
	line := 0
	for i, part := range parts {
		n := runewidth.StringWidth(part)
		switch {
		case i == 0:
		case width > 0 && line+2+n > width:
			fmt.Fprint(w, "\n  ")
			line = 2
		default:
			fmt.Fprint(w, "  ")
			line += 2
		}
		fmt.Fprint(w, part)
		line += n
	}
	fmt.Fprintln(w)
}

// writeNote writes a sentence, broken between words, its later lines indented as far as its mark.
func writeNote(w io.Writer, text string, width int) {
	line := 0
	for i, word := range strings.Split(text, " ") {
		n := runewidth.StringWidth(word)
		switch {
		case i == 0:
		case width > 0 && line+1+n > width && line > 2:
			fmt.Fprint(w, "\n  ")
			line = 2
		default:
			fmt.Fprint(w, " ")
			line++
		}
		fmt.Fprint(w, word)
		line += n
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

// column is one of the table's.
type column struct {
	head  string
	right bool // numbers stand right
	least int  // how far it may be cut; 0: never
	cell  func(row *Row, t *Texts) string
}

// layout is a way to lay the rows out. The first that is no wider than the terminal is taken: each leaves out or moves what the one before had.
type layout struct {
	columns []column
	rails   bool // guardrails have their word on a line of its own
}

func layouts(r *Result) []layout {
	metric := column{head: "METRIC", least: 12, cell: func(row *Row, _ *Texts) string { return row.Metric }}
	slice := column{head: "SLICE", least: 12, cell: func(row *Row, _ *Texts) string { return visible(SliceText(row.Slice)) }}
	// Slices follow their metric's whole, so that they need not name it.
	tree := column{head: "METRIC", least: 14, cell: func(row *Row, _ *Texts) string {
		if len(row.Slice) == 0 {
			return row.Metric
		}
		return "  " + visible(SliceText(row.Slice))
	}}
	variant := column{head: "VARIANT", least: 8, cell: func(row *Row, _ *Texts) string { return visible(row.Variant) }}
	wideVariant := variant
	wideVariant.least = 0
	control := column{head: "CONTROL", right: true, cell: func(_ *Row, t *Texts) string { return t.Control }}
	treatment := column{head: "TREATMENT", right: true, cell: func(_ *Row, t *Texts) string { return t.Treatment }}
	// The interval and p are those that decide.
	effect, head, narrowHead := func(t *Texts) *Effect { return &t.Effect }, "INTERVAL (ALWAYS VALID)", "ALWAYS VALID"
	if r.fixed() {
		effect, head, narrowHead = func(t *Texts) *Effect { return &t.Fixed }, "INTERVAL (ONE LOOK)", "ONE LOOK"
	}
	lift := column{head: "LIFT", right: true, cell: func(_ *Row, t *Texts) string { return effect(t).Value }}
	interval := column{head: head, right: true, cell: func(_ *Row, t *Texts) string {
		if effect(t).Interval == "" {
			return Missing
		}
		return effect(t).Interval
	}}
	narrowInterval := interval
	narrowInterval.head = narrowHead
	p := column{head: "P", right: true, cell: func(_ *Row, t *Texts) string { return t.PDecides }}
	narrowP := p
	if r.Correction != "" {
		p.head, narrowP.head = "P CORRECTED", "P CORR"
	}
	state := column{head: "STATE", cell: func(_ *Row, t *Texts) string { return t.State }}
	both := column{head: "STATE", cell: func(row *Row, t *Texts) string {
		if rail := railText(row, t); rail != "" {
			return t.State + " · " + rail
		}
		return t.State
	}}
	// Where rows differ in their level, each says its own; else the heading does.
	levels := []column{}
	if several(r) {
		levels = append(levels, column{head: "LEVEL", right: true, cell: func(_ *Row, t *Texts) string { return t.Level }})
	}
	names := []column{tree}
	if len(r.Subjects) > 2 {
		names = append(names, variant)
	}
	with := func(interval column, rest ...column) []column { return slices.Concat([]column{interval}, levels, rest) }
	return []layout{
		{columns: slices.Concat([]column{metric, slice, wideVariant, control, treatment, lift}, with(interval, p, both))},
		{columns: slices.Concat(names, []column{control, treatment, lift}, with(narrowInterval, narrowP, both))},
		{columns: slices.Concat(names, []column{control, treatment, lift}, with(narrowInterval, narrowP, state)), rails: true},
		{columns: slices.Concat(names, []column{lift}, with(narrowInterval, narrowP, state)), rails: true},
	}
}

// fixed says that the fixed-horizon interval and p decide the rows.
func (r *Result) fixed() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return slices.Contains(row.Reasons, ReasonFixedHorizon) })
}

// several says that not all rows' intervals have one level. Those of one look have the experiment's.
func several(r *Result) bool {
	if r.fixed() {
		return false
	}
	for i := range r.Rows {
		if r.Rows[i].IntervalAlpha(r.Alpha) != r.Rows[0].IntervalAlpha(r.Alpha) {
			return true
		}
	}
	return false
}

// railText is where a guardrail's row stands to its limit; "" for others.
func railText(row *Row, t *Texts) string {
	if row.Guardrail == nil || row.Guardrail.State == "" {
		return ""
	}
	return row.Guardrail.State + " " + t.Limit
}

func tableRows(w io.Writer, r *Result, width int) {
	texts := make([]Texts, len(r.Rows))
	for i := range r.Rows {
		texts[i] = r.Texts(&r.Rows[i])
	}
	all := layouts(r)
	for i, l := range all {
		cells, widths := l.cells(r, texts)
		if fit(widths, l.columns, width) || i == len(all)-1 {
			l.write(w, r, texts, cells, widths)
			return
		}
	}
}

// cells are the texts of the rows and how wide each column is.
func (l *layout) cells(r *Result, texts []Texts) (cells [][]string, widths []int) {
	widths = make([]int, len(l.columns))
	for c := range l.columns {
		widths[c] = runewidth.StringWidth(l.columns[c].head)
	}
	for i := range r.Rows {
		line := make([]string, len(l.columns))
		for c := range l.columns {
			line[c] = l.columns[c].cell(&r.Rows[i], &texts[i])
			widths[c] = max(widths[c], runewidth.StringWidth(line[c]))
		}
		cells = append(cells, line)
	}
	return cells, widths
}

func (l *layout) write(w io.Writer, r *Result, texts []Texts, cells [][]string, widths []int) {
	heads := make([]string, len(l.columns))
	for c := range l.columns {
		heads[c] = l.columns[c].head
	}
	l.line(w, heads, widths)
	role := ""
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Role != role {
			role = row.Role
			fmt.Fprintln(w, strings.ToUpper(role))
		}
		l.line(w, cells[i], widths)
		if rail := railText(row, &texts[i]); l.rails && rail != "" {
			indent := 2
			if len(row.Slice) > 0 {
				indent = 4
			}
			fmt.Fprintln(w, strings.Repeat(" ", indent)+rail)
		}
	}
}

func (l *layout) line(w io.Writer, cells []string, widths []int) {
	var b strings.Builder
	for c, cell := range cells {
		if c > 0 {
			b.WriteString("  ")
		}
		if l.columns[c].least > 0 {
			cell = runewidth.Truncate(cell, widths[c], "…")
		}
		pad := strings.Repeat(" ", max(0, widths[c]-runewidth.StringWidth(cell)))
		if l.columns[c].right {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// fit cuts the columns that may be until the table is no wider than width, and says whether it is.
func fit(widths []int, columns []column, width int) bool {
	total := 2 * (len(widths) - 1)
	for _, n := range widths {
		total += n
	}
	for width > 0 && total > width {
		widest := -1
		for i := range widths {
			if columns[i].least > 0 && widths[i] > columns[i].least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
		total--
	}
	return true
}
