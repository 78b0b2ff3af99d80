package catalog

import (
	"fmt"
	"slices"

	"github.com/tidemark/tidemark/catalog/sql"
)

// maxDimensions bounds the dimensions of an experiment: all 2^d groupings are kept. It equals moment.MaxDimensions,
// which catalog may not import; a test of the plans' readers holds the two together.
const maxDimensions = 8

// OfEvent as a dimension's Of: a column of the metrics' own events, even where the exposure has one of that name.
const OfEvent = "event"

// slices resolves the experiment's dimensions.
func (l *loader) slices(e *Experiment, r *reader) {
	var nodes []writtenSlice
	for _, n := range r.list("slices") {
		d, at := l.dimension(n)
		if at.name == nil {
			continue
		}
		if slices.ContainsFunc(e.Slices, func(o Dimension) bool { return o.Name == d.Name }) {
			l.report.at("E005", at.name, fmt.Sprintf("slice %q is there twice", d.Name), "keep one")
			continue
		}
		e.Slices = append(e.Slices, d)
		nodes = append(nodes, at)
	}
	if len(e.Slices) > maxDimensions {
		l.report.at("E043", nodes[maxDimensions].name, fmt.Sprintf("%d slices; an experiment has at most %d", len(e.Slices), maxDimensions), "all groupings are crossed in full, so each slice doubles them; leave some out")
		return
	}
	if e.Exposure.Event == nil || e.Exposure.Event.Query == nil || e.Subject == "" {
		return
	}
	for i, n := range nodes {
		l.resolveSlice(e, i, n)
	}
}

// writtenSlice is where a slice's parts stand; of is nil if it is not written.
type writtenSlice struct{ name, of *node }

// dimension reads a name or {dimension, of, values}.
func (l *loader) dimension(n *node) (Dimension, writtenSlice) {
	switch n.kind {
	case scalarNode:
		return Dimension{Name: n.text}, writtenSlice{name: n}
	case mappingNode:
		r := open(n, sliceShape, l.report)
		at := writtenSlice{r.scalar("dimension"), r.scalar("of")}
		if at.name == nil {
			return Dimension{}, at
		}
		return Dimension{Name: at.name.text, Of: r.text("of"), Values: r.texts("values")}, at
	}
	l.report.at("E008", n, fmt.Sprintf("\"slices\" takes names or mappings, not %s", n.kind), "such as platform, or {dimension: platform, of: event}")
	return Dimension{}, writtenSlice{}
}

// resolveSlice finds where a dimension's value comes from: a column of the exposure, else of a profile, else of the
// metrics' own events.
func (l *loader) resolveSlice(e *Experiment, i int, at writtenSlice) {
	d, n := &e.Slices[i], at.name
	if d.Name == e.Subject || d.Name == TimeColumn || d.Name == IDColumn {
		l.report.at("E044", n, fmt.Sprintf("%q can't be a slice: it differs for every subject or event", d.Name), "slice by a property that many subjects share")
		return
	}
	if d.Of != "" {
		l.explicitSlice(e, d, at)
	} else {
		l.implicitSlice(e, d, n)
	}
	if d.from != nil {
		l.dimensionType(d.from, d.Name, n)
		if len(d.Values) > 0 {
			l.report.at("W105", n, fmt.Sprintf("values has no effect: slice %q is a property of the subject", d.Name), "only dimensions of the metrics' events need their values named; leave it out")
		}
	}
}

func (l *loader) implicitSlice(e *Experiment, d *Dimension, n *node) {
	if e.Exposure.Event.Column(d.Name) >= 0 {
		d.kind, d.from = ExposureDimension, e.Exposure.Event
		return
	}
	if p := l.profiles(e.Subject, d.Name); len(p) > 0 {
		if len(p) > 1 {
			l.report.at("E044", n, fmt.Sprintf("profile events %s and %s both have a column %q", p[0].ID, p[1].ID, d.Name), fmt.Sprintf("say which: {dimension: %s, of: %s}", d.Name, p[0].ID))
			return
		}
		d.kind, d.from = ProfileDimension, p[0]
		return
	}
	d.kind = EventDimension
	l.eventSlice(e, d, n)
}

// explicitSlice resolves {dimension, of}.
func (l *loader) explicitSlice(e *Experiment, d *Dimension, at writtenSlice) {
	n := at.name
	if d.Of == OfEvent {
		d.kind = EventDimension
		l.eventSlice(e, d, n)
		return
	}
	def := l.byID[eventKind][d.Of]
	if def == nil {
		l.report.at("E012", at.of, fmt.Sprintf("slice %q is of the unknown event %q", d.Name, d.Of), l.unknownHint(eventKind, d.Of, OfEvent))
		return
	}
	event, ok := def.value.(*Event)
	if !ok || event.Source == nil {
		return
	}
	if !l.needColumn(event, n, "") {
		return
	}
	switch {
	case event == e.Exposure.Event:
		d.kind, d.from = ExposureDimension, event
	case event.Source.Profile:
		d.kind, d.from = ProfileDimension, event
		if event.Column(e.Subject) < 0 {
			l.report.at("E031", n, fmt.Sprintf("profile event %s has no column %q, the experiment's subject", event.ID, e.Subject), "it has: "+listed(event.columns()))
		}
	default:
		d.kind = EventDimension
		l.eventSlice(e, d, n)
	}
}

// profiles are the events over profile sources that tell a column of this subject.
func (l *loader) profiles(subject, column string) []*Event {
	var out []*Event
	for _, id := range l.ids(eventKind) {
		e, ok := l.byID[eventKind][id].value.(*Event)
		if ok && e.Source != nil && e.Source.Profile && e.Column(subject) >= 0 && e.Column(column) >= 0 {
			out = append(out, e)
		}
	}
	return out
}

// profileWithout is a profile event that has a column but not the subject to find it by.
func (l *loader) profileWithout(subject, column string) *Event {
	for _, id := range l.ids(eventKind) {
		e, ok := l.byID[eventKind][id].value.(*Event)
		if ok && e.Source != nil && e.Source.Profile && e.Column(subject) < 0 && e.Column(column) >= 0 {
			return e
		}
	}
	return nil
}

// eventSlice checks a dimension of the metrics' events: a metric that is sliced by it must read no event without it.
func (l *loader) eventSlice(e *Experiment, d *Dimension, n *node) {
	var columns []string
	type lack struct {
		metric *Metric
		event  *Event
	}
	var lacking []lack
	found := false
	for _, u := range e.Metrics {
		if !u.Metric.SlicedBy(d.Name) || !d.concerns(u.Metric) {
			continue
		}
		for _, ev := range u.Metric.Events() {
			columns = append(columns, ev.columns()...)
			if i := ev.Column(d.Name); i < 0 {
				lacking = append(lacking, lack{u.Metric, ev})
			} else {
				found = true
				l.dimensionType(ev, d.Name, n)
			}
		}
	}
	if !found && l.allColumns() == nil {
		return // it may be a column of the event that has errors
	}
	if !found {
		columns = append(columns, e.Exposure.Event.columns()...)
		hint := "an exposure column, a profile column, or a column of the metrics' events"
		if name, ok := nearest(d.Name, columns); ok {
			hint = fmt.Sprintf("did you mean %q?", name)
		}
		if p := l.profileWithout(e.Subject, d.Name); p != nil {
			hint = fmt.Sprintf("profile event %s has it, but no column %q, the experiment's subject", p.ID, e.Subject)
		}
		l.report.at("E044", n, fmt.Sprintf("slice %q is a column of neither the exposure, a profile, nor the metrics' events", d.Name), hint)
		return
	}
	for _, x := range lacking {
		l.report.at("E045", n, fmt.Sprintf("slice %q is a column of the metrics' events, but event %s of metric %s lacks it", d.Name, x.event.ID, x.metric.ID),
			fmt.Sprintf("add %s to the SQL of %s (%s:%d), or leave it out of the slices of %s", d.Name, x.event.ID, x.event.Pos.File, x.event.Pos.Line, x.metric.ID))
	}
}

// dimensionType refuses columns whose values hardly repeat.
func (l *loader) dimensionType(e *Event, column string, n *node) {
	switch k := e.Query.Columns[e.Column(column)].Type.Kind; k {
	case sql.Double, sql.Timestamp, sql.TimestampTZ:
		l.report.at("E032", n, fmt.Sprintf("slice %q is a number with fractions or a time in event %s", column, e.ID), "slice by text, whole numbers, dates or true and false; make classes with CASE or DATE_TRUNC and CAST(… AS VARCHAR)")
	}
}

// SlicedBy says whether the metric lets itself be sliced by a dimension.
func (m *Metric) SlicedBy(dimension string) bool {
	return m.Slices == nil || slices.Contains(m.Slices, dimension)
}

// concerns says whether a dimension of events applies to a metric: one of a named event only to metrics that read it.
func (d *Dimension) concerns(m *Metric) bool {
	events := m.Events()
	if len(events) == 0 {
		return false
	}
	return d.Of == "" || d.Of == OfEvent || slices.ContainsFunc(events, func(e *Event) bool { return e.ID == d.Of })
}
