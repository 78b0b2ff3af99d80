package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog/sql"
)

// metric resolves a metric definition.
func (l *loader) metric(d *definition) *Metric {
	r := d.r
	m := &Metric{ID: d.id, Pos: d.pos(), Name: r.text("name"), Owner: r.text("owner"), Team: r.text("team"),
		Description: r.text("description"), Runbook: r.text("runbook"), Tags: r.texts("tags"),
		Type: r.enum("type"), Format: r.text("format"), Subjects: r.texts("subject"), Slices: r.texts("slices"),
		ExcludeNone: r.enum("none") == "exclude"}
	if r.has("slices") && m.Slices == nil {
		m.Slices = []string{} // none, not all
	}
	l.metricFormat(r)
	num, den := r.mapping("numerator"), r.mapping("denominator")
	l.term(m, &m.Numerator, num, r)
	if den != nil {
		var t Term
		l.term(m, &t, den, r)
		if !t.triggered() {
			m.Denominator = &t
		}
	}
	l.direction(m, r)
	l.orderAndWindow(m, r)
	l.strict(m, r)
	l.outliers(m, r)
	l.quantileMetric(m, r)
	l.acrossMetric(m, r)
	l.deprecated(m, r)
	l.metricSlices(m, r)
	if m.ExcludeNone && m.Numerator.triggered() && m.Denominator == nil {
		r.report.at("W105", r.keys["none"], "every exposed subject has TRIGGERED, so there is none to exclude", "leave it out")
	}
	return m
}

// triggered says whether a term is the built-in exposure: a term without an event.
func (t *Term) triggered() bool { return t.Event == nil }

// Events are the events that the metric reads, each once, numerator first.
func (m *Metric) Events() []*Event {
	var out []*Event
	if !m.Numerator.triggered() {
		out = append(out, m.Numerator.Event)
	}
	if m.Denominator != nil && m.Denominator.Event != m.Numerator.Event {
		out = append(out, m.Denominator.Event)
	}
	return out
}

// term resolves a numerator or denominator.
func (l *loader) term(m *Metric, t *Term, r, metric *reader) {
	if r == nil {
		return
	}
	t.Agg, t.Value = Agg(r.enum("agg")), r.text("value")
	l.quantile(t, r)
	l.across(t, r)
	n := r.scalar("event")
	if n == nil {
		return
	}
	if n.text == Triggered {
		l.triggeredTerm(t, r)
		return
	}
	if l.byID[eventKind][n.text] == nil {
		l.report.at("E012", n, fmt.Sprintf("unknown event %q", n.text), l.unknownHint(eventKind, n.text, Triggered))
		return
	}
	t.Event = lookup[Event](l, eventKind, n)
	if t.Event == nil {
		return // it was reported where it is defined
	}
	if t.Event.Source != nil && t.Event.Source.Profile {
		l.report.at("E033", n, fmt.Sprintf("event %s reads a profile source, which describes subjects and is not counted", n.text), "use its columns as slices")
		return
	}
	for _, s := range metric.scalars("subject") {
		if l.needColumn(t.Event, s, fmt.Sprintf(", the subject of metric %s", m.ID)) {
			l.subjectType(t.Event, s)
		}
	}
	l.termValue(t, r)
	t.Where = l.termWhere(t.Event, r, metric)
}

// triggeredTerm checks a term over TRIGGERED: one per exposed subject, so only counting it makes sense.
func (l *loader) triggeredTerm(t *Term, r *reader) {
	switch t.Agg {
	case Sum, Max, Min, Quantile:
		l.report.at("E033", r.value("agg"), fmt.Sprintf("%s of TRIGGERED: it has no values", t.Agg), "TRIGGERED is one per exposed subject; write agg: COUNT, or name the exposure event")
	}
	if t.Across {
		l.report.at("E033", r.keys["across"], "TRIGGERED has no values to count across subjects", "name the exposure event, and one of its columns as value")
	}
	if n := r.value("where"); n != nil {
		l.report.at("E033", r.keys["where"], "TRIGGERED takes no where", "the experiment's exposure says which exposures count; to count only some of its events, name the exposure event")
	}
}

// termValue checks the value column against the aggregate.
func (l *loader) termValue(t *Term, r *reader) {
	n := r.scalar("value")
	if n == nil {
		if t.numeric() || t.Agg == CountDistinct {
			l.report.at("E007", r.value("agg"), fmt.Sprintf("%s needs a value", t.Agg), "write value: and one of the columns of "+t.Event.ID+": "+listed(t.Event.columns()))
		}
		return
	}
	if !l.needColumn(t.Event, n, "") {
		return
	}
	if !t.numeric() {
		return
	}
	c := t.Event.Query.Columns[t.Event.Column(n.text)]
	switch c.Type.Kind {
	case sql.Varchar:
		what := "text"
		if t.Event.Source != nil && t.Event.Source.Format == CSV {
			what = "text, as every field of a CSV file is"
		}
		l.report.at("E032", n, fmt.Sprintf("%s of %q: it is %s", t.Agg, n.text, what), fmt.Sprintf("give it a type in the SQL of %s: CAST(%s AS DECIMAL(18,2)) AS %s", t.Event.ID, n.text, n.text))
	case sql.Date, sql.Timestamp, sql.TimestampTZ:
		l.report.at("E032", n, fmt.Sprintf("%s of %q: it is a time", t.Agg, n.text), "aggregates take numbers; make one in the SQL, such as EXTRACT(epoch FROM "+n.text+")")
	case sql.Boolean:
		l.report.at("E032", n, fmt.Sprintf("%s of %q: it is true or false", t.Agg, n.text), "use agg: EXISTS or COUNT with where, or CAST("+n.text+" AS BIGINT) in the SQL")
	}
}

// termWhere is the metric's where and the term's, both of which must hold.
func (l *loader) termWhere(e *Event, r, metric *reader) *sql.Predicate {
	own := l.predicate(e, r.scalar("where"))
	outer := metric.scalar("where")
	both := l.predicate(e, outer)
	switch {
	case both == nil:
		return own
	case own == nil:
		return both
	}
	p, errs := sql.ParsePredicate("("+both.Text+") AND ("+own.Text+")", e.Query.Columns)
	l.syntax("E035", outer, errs)
	return p
}

// predicate parses a condition over an event's columns.
func (l *loader) predicate(e *Event, n *node) *sql.Predicate {
	if n == nil || e == nil || !l.oneLineOrBlock(n) {
		return nil
	}
	p, errs := sql.ParsePredicate(strings.TrimRight(n.text, " \n"), e.Query.Columns)
	l.syntax("E035", n, errs)
	if len(errs) > 0 {
		return nil
	}
	return p
}

var formats = []string{"percent", "count", "number", "duration_ms", "duration_s", "bytes"}

func (l *loader) metricFormat(r *reader) {
	n := r.scalar("format")
	if n == nil || slices.Contains(formats, n.text) {
		return
	}
	if code, ok := strings.CutPrefix(n.text, "currency:"); ok && len(code) == 3 && strings.ToUpper(code) == code {
		return
	}
	l.report.at("E010", n, fmt.Sprintf("%q is no format", n.text), didYouMean(n.text, append([]string{"currency:KRW"}, formats...)))
}

// direction is up with a warning unless said: a page must not call a rise in latency better in silence.
func (l *loader) direction(m *Metric, r *reader) {
	m.Direction = Direction(r.enum("direction"))
	if m.Direction == "" {
		m.Direction = Up
		if !r.has("direction") && !r.meant["direction"] {
			l.report.add("W101", m.Pos, max(characters(m.ID), 1), r.node.file, fmt.Sprintf("metric %s has no direction, so up is taken for better", m.ID), "write direction: up, down or none")
		}
	}
}

// orderAndWindow resolves the rule of conversions: with two different events a numerator event counts only from a
// denominator event on.
func (l *loader) orderAndWindow(m *Metric, r *reader) {
	two := m.Denominator != nil && !m.Numerator.triggered()
	switch r.enum("order") {
	case "after_denominator":
		m.Ordered = two
		if !two && r.has("numerator") {
			l.report.at("W105", r.value("order"), "order has no effect without a denominator event", "every event counts from the first exposure on")
		}
	case "":
		m.Ordered = two && m.Numerator.Event != m.Denominator.Event
	}
	m.Window = r.positive("window")
	if r.has("window") && len(m.Events()) == 0 && m.Numerator.Agg != "" {
		l.report.at("W105", r.keys["window"], "window has no effect: the metric reads no events", "leave it out")
	}
}

func (l *loader) deprecated(m *Metric, r *reader) {
	dep := r.mapping("deprecated")
	if dep == nil {
		return
	}
	dep.time("after")
	if n := dep.scalar("use"); n != nil {
		if l.byID[metricKind][n.text] == nil {
			l.report.at("E012", n, fmt.Sprintf("unknown metric %q", n.text), l.unknownHint(metricKind, n.text))
		}
		m.Replacement = n.text
	}
	m.Deprecated = true
}

// metricSlices warns of a slice that no event has: it could never restrict anything, so it is most likely a slip.
func (l *loader) metricSlices(m *Metric, r *reader) {
	columns := l.allColumns()
	if columns == nil {
		return
	}
	for _, n := range r.scalars("slices") {
		if !slices.Contains(columns, n.text) {
			hint := "a metric's slices name dimensions of its experiments"
			if name, ok := nearest(n.text, columns); ok {
				hint = fmt.Sprintf("did you mean %q?", name)
			}
			l.report.at("W111", n, fmt.Sprintf("no event has a column %q", n.text), hint)
		}
	}
}

// allColumns are the columns of all events; nil if an event is broken, because then nobody knows them all.
func (l *loader) allColumns() []string {
	if l.columns == nil {
		l.columns = []string{}
		for _, d := range l.found[eventKind] {
			e, ok := d.value.(*Event)
			if !ok {
				l.columns = []string{}
				return nil
			}
			l.columns = append(l.columns, e.columns()...)
		}
	}
	if len(l.columns) == 0 {
		return nil
	}
	return l.columns
}
