package catalog

import (
	"fmt"
	"slices"
	"strings"
)

// keying warns where a topic said to be keyed by the subject is not: such a source is re-keyed first, which is right
// but costs a second pass through Kafka that its author meant to avoid.
func (l *loader) keying() {
	for _, id := range l.ids(sourceKind) {
		s, ok := l.byID[sourceKind][id].value.(*Source)
		if !ok || s.KeyedBy == "" {
			continue
		}
		for _, e := range l.eventsOf(s) {
			l.keyOf(s, e)
		}
	}
}

func (l *loader) eventsOf(s *Source) []*Event {
	var out []*Event
	for _, id := range l.ids(eventKind) {
		if e, ok := l.byID[eventKind][id].value.(*Event); ok && e.Source == s {
			out = append(out, e)
		}
	}
	return out
}

// keyOf checks one event against the subjects of the active experiments that read it.
func (l *loader) keyOf(s *Source, e *Event) {
	n := l.byID[sourceKind][s.ID].r.values["kafka"].get("keyed_by")
	if n == nil {
		return
	}
	for _, subject := range l.subjectsOf(e) {
		if e.keyedBy(s.KeyedBy, subject) {
			continue
		}
		l.report.at("W104", n, fmt.Sprintf("source %s is keyed by %q, but subject %s of event %s is not that field unchanged, so for this subject the source is re-keyed first", s.ID, s.KeyedBy, subject, e.ID),
			fmt.Sprintf("direct input needs %s AS %s in the SQL of %s; if the topic is keyed by something else, leave keyed_by out", s.KeyedBy, subject, e.ID))
		return
	}
}

// subjectsOf are the subjects of the active experiments that read an event, sorted.
func (l *loader) subjectsOf(e *Event) []string {
	var out []string
	for _, id := range l.ids(experimentKind) {
		x, ok := l.byID[experimentKind][id].value.(*Experiment)
		if !ok || x.Inactive || e.Column(x.Subject) < 0 {
			continue
		}
		reads := x.Exposure.Event == e || slices.ContainsFunc(x.Metrics, func(u MetricUse) bool { return slices.Contains(u.Metric.Events(), e) })
		if reads && !slices.Contains(out, x.Subject) {
			out = append(out, x.Subject)
		}
	}
	slices.Sort(out)
	return out
}

// keyedBy says whether the subject is, unchanged, the field or column by which the topic is keyed.
func (e *Event) keyedBy(key, subject string) bool {
	field, ok := e.Query.Field(e.Column(subject))
	return ok && (key == subject || key == strings.Join(field, "."))
}
