package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Definition is what one definition's page says.
type Definition struct {
	Kind, ID, Title string
	Sentence        string // what it is, in words
	Hash            string
	SQL             string
	Pos             catalog.Position
	Place           string
	Facts           []Fact
	Used            []Use
}

// Fact is a name and a value; Kind and ID say where it leads, if anywhere.
type Fact struct{ Name, Value, Kind, ID string }

// Use is a definition that uses this one.
type Use struct{ Kind, ID, Name, As string }

// Define describes a definition; nil if there is none of that kind and id, and then the ids that there are.
func Define(set *catalog.Set, kind, id string) (*Definition, []string) {
	var ids []string
	d := &Definition{Kind: kind, ID: id, Title: id}
	switch kind {
	case "metrics":
		for _, m := range set.Metrics {
			if ids = append(ids, m.ID); m.ID == id {
				return d.metric(set, m), nil
			}
		}
	case "experiments":
		for _, x := range set.Experiments {
			if ids = append(ids, x.ID); x.ID == id {
				return d.experiment(x), nil
			}
		}
	case "events":
		for _, e := range set.Events {
			if ids = append(ids, e.ID); e.ID == id {
				return d.event(set, e), nil
			}
		}
	case "sources":
		for _, s := range set.Sources {
			if ids = append(ids, s.ID); s.ID == id {
				return d.source(set, s), nil
			}
		}
	case "alerts":
		for _, a := range set.Alerts {
			if ids = append(ids, a.ID); a.ID == id {
				return d.alert(a), nil
			}
		}
	}
	return nil, ids
}

func (d *Definition) at(pos catalog.Position, owner, team, description string) {
	d.Pos = pos
	if pos.File != "" {
		d.Place = fmt.Sprintf("%s:%d", pos.File, pos.Line)
	}
	d.fact("owner", owner)
	d.fact("team", team)
	d.fact("description", description)
}

func (d *Definition) fact(name, value string) { d.link(name, value, "", "") }

func (d *Definition) link(name, value, kind, id string) {
	if value != "" {
		d.Facts = append(d.Facts, Fact{name, value, kind, id})
	}
}

func (d *Definition) metric(set *catalog.Set, m *catalog.Metric) *Definition {
	d.Title, d.Hash = MetricName(m), m.Hash().String()
	d.Sentence = metricSentence(m)
	d.at(m.Pos, m.Owner, m.Team, m.Description)
	d.fact("good is", map[catalog.Direction]string{catalog.Up: "up", catalog.Down: "down", catalog.Either: "neither: it is never better or worse"}[m.Direction])
	d.fact("format", m.Format)
	for _, t := range []*catalog.Term{&m.Numerator, m.Denominator} {
		if t != nil && t.Event != nil {
			d.link("reads", t.Event.ID, "events", t.Event.ID)
		}
	}
	if m.ExcludeNone {
		d.fact("without events", "a subject without a qualifying event is left out")
	}
	if m.Strict {
		d.fact("strict window", "a subject enters once, complete, when its "+Since(m.Window)+" are over")
	}
	d.fact("clipped", clippedText(m))
	d.fact("sliced by", strings.Join(m.Slices, ", "))
	d.fact("tags", strings.Join(m.Tags, ", "))
	d.fact("runbook", m.Runbook)
	for _, x := range set.Experiments {
		for _, u := range x.Metrics {
			if u.Metric == m || u.Metric.ID == m.ID {
				as := string(u.Role)
				if u.Limit != nil {
					as += ", limit " + u.Limit.Text
				}
				d.Used = append(d.Used, Use{"experiments", x.ID, name(x.Name, x.ID), as})
			}
		}
	}
	return d
}

// metricSentence says what a metric is: "CLICK events per IMPRESSION event, per user_id, …".
func metricSentence(m *catalog.Metric) string {
	if m.Numerator.Agg == catalog.Quantile {
		return term(&m.Numerator) + ", over the events of exposed subjects (" + strings.Join(m.Subjects, " or ") + ") in each arm" +
			ifelse(m.Window > 0, ", within "+Since(m.Window)+" of the exposure", "") + "."
	}
	if m.Numerator.Across {
		return term(&m.Numerator) + ", over all exposed subjects (" + strings.Join(m.Subjects, " or ") + ") of each arm together" +
			ifelse(m.Window > 0, ", within "+Since(m.Window)+" of the exposure", "") + "."
	}
	s := term(&m.Numerator) + " per "
	if m.Denominator == nil {
		s += "exposed subject"
	} else {
		s += term(m.Denominator)
	}
	s += ", over exposed subjects (" + strings.Join(m.Subjects, " or ") + ")"
	if m.Ordered {
		s += ", counting what follows a denominator event"
	}
	if m.Window > 0 {
		s += ", within " + Since(m.Window) + " of " + ifelse(m.Ordered, "it", "the exposure")
	}
	return s + "."
}

func term(t *catalog.Term) string {
	if t.Event == nil {
		return "exposed subject"
	}
	event := t.Event.ID
	if t.Where != nil {
		event += " (where " + t.Where.Canonical() + ")"
	}
	switch t.Agg {
	case catalog.Count:
		return event + " events"
	case catalog.Exists:
		return "subjects with a " + event + " event"
	case catalog.CountDistinct:
		return "distinct " + t.Value + " of " + event
	case catalog.Quantile:
		return quantileName(t.Quantile) + " of " + t.Value + " of " + event + " events"
	}
	return strings.ToLower(string(t.Agg)) + " of " + t.Value + " of " + event
}

func (d *Definition) experiment(x *catalog.Experiment) *Definition {
	d.Title, d.Hash, d.Sentence = name(x.Name, x.ID), x.Hash().String(), x.Hypothesis
	d.at(x.Pos, x.Owner, x.Team, x.Description)
	d.fact("subject", x.Subject)
	if e := x.Exposure.Event; e != nil {
		d.link("exposed by", e.ID, "events", e.ID)
	}
	for _, a := range Arms(x, nil) {
		d.fact("variant "+a.Letter, a.ID+ifelse(a.ID == x.Control, " (control), planned ", ", planned ")+a.Plan)
	}
	d.ramp(x)
	d.fact("start", Clock(x.Start))
	for n, t := range map[string]time.Time{"planned end": x.End} {
		if !t.IsZero() {
			d.fact(n, Clock(t))
		}
	}
	if !x.Stop.IsZero() {
		d.fact("stop", Clock(x.Stop))
	}
	d.inference(x)
	d.fact("crossovers", ifelse(x.Crossover == catalog.First, "counted in their first variant", "left out of every cell"))
	if x.PrePeriod > 0 {
		d.fact("pre-period", Since(x.PrePeriod))
	}
	var dims []string
	for _, s := range x.Slices {
		dims = append(dims, s.Name)
	}
	d.fact("sliced by", strings.Join(dims, ", "))
	for _, u := range x.Metrics {
		d.link(string(u.Role), MetricName(u.Metric)+limitText(u), "metrics", u.Metric.ID)
	}
	d.Used = append(d.Used, Use{"", x.ID, "Results", ""})
	return d
}

// inference is how an experiment's results are tested, as far as its definition says otherwise than the default.
func (d *Definition) inference(x *catalog.Experiment) {
	d.fact("interval", Level(x.Alpha)+ifelse(x.Fixed, " fixed-horizon decides: it holds for one look", " always-valid"))
	if x.Sequential.Subjects > 0 && x.Sequential.Tau2 == 0 {
		d.fact("tightest at", results.FormatCount(x.Sequential.Subjects)+" subjects")
	}
	if x.Sequential.Tau2 > 0 {
		d.fact("prior variance", plain(x.Sequential.Tau2))
	}
	if x.Sequential.Student {
		d.fact("mixture", "student: it knows that variances are estimated")
	}
	if x.Sequential.FinalLook {
		d.fact("final look", "half of the error rate is kept for one classical look at the planned end")
	}
	if c := string(x.Correction); c != "" && c != "none" {
		d.fact("correction", results.CorrectionName(c)+", over all metrics and treatments")
	}
	if x.Lift != "" && x.Lift != catalog.Fieller {
		d.fact("intervals of lifts", string(x.Lift))
	}
	if x.MDE > 0 {
		d.fact("smallest lift worth finding", effectSize(nil, &x.MDE, nil))
	}
	if x.SRMDeviation > 0 {
		d.fact("split may deviate by", results.FormatPercent(x.SRMDeviation, 2))
	}
}

// clippedText says to what range a subject's total is clipped.
func clippedText(m *catalog.Metric) string {
	format := m.Format
	if m.Denominator != nil {
		format = ""
	}
	ends := func(b catalog.Bounds, write func(*float64) string) string {
		var parts []string
		if b.Lower != nil {
			parts = append(parts, "at least "+write(b.Lower))
		}
		if b.Upper != nil {
			parts = append(parts, "at most "+write(b.Upper))
		}
		return strings.Join(parts, ", ")
	}
	text := ends(m.Cap, func(v *float64) string { return results.FormatValue(format, v, nil) })
	if w := m.Winsorize; w != nil {
		if text != "" {
			text += "; "
		}
		text += ends(w.Bounds, func(v *float64) string { return "the " + plain(*v*100) + "th percentile" }) + " of all arms" + ifelse(w.NonZero, " without zeros", "") + ", frozen once"
	}
	return text
}

func limitText(u catalog.MetricUse) string {
	if u.Limit == nil {
		return ""
	}
	return ", limit " + u.Limit.Text
}

func (d *Definition) event(set *catalog.Set, e *catalog.Event) *Definition {
	d.at(e.Pos, e.Owner, e.Team, e.Description)
	if e.Query != nil {
		d.SQL = e.Query.Text
	}
	if e.Source != nil {
		d.link("source", e.Source.ID, "sources", e.Source.ID)
	}
	for _, m := range set.Metrics {
		if m.Numerator.Event == e || m.Denominator != nil && m.Denominator.Event == e {
			d.Used = append(d.Used, Use{"metrics", m.ID, MetricName(m), ""})
		}
	}
	for _, x := range set.Experiments {
		if x.Exposure.Event == e {
			d.Used = append(d.Used, Use{"experiments", x.ID, name(x.Name, x.ID), "exposure"})
		}
	}
	return d
}

func (d *Definition) source(set *catalog.Set, s *catalog.Source) *Definition {
	d.at(s.Pos, s.Owner, s.Team, s.Description)
	d.fact("topics", strings.Join(s.Topics, ", "))
	d.fact("keyed by", s.KeyedBy)
	d.fact("files", strings.Join(s.Globs, ", "))
	d.fact("format", string(s.Format))
	d.fact("lateness", ifelse(s.Lateness == catalog.NoLateness || s.Profile, "never late", Since(s.Lateness)))
	for _, e := range set.Events {
		if e.Source == s {
			d.Used = append(d.Used, Use{"events", e.ID, e.ID, ""})
		}
	}
	return d
}

func (d *Definition) alert(a *catalog.Alert) *Definition {
	d.at(a.Pos, a.Owner, "", a.Description)
	d.fact("severity", string(a.Severity))
	d.fact("summary", a.Summary)
	d.fact("for", ifelse(a.For > 0, Since(a.For), ""))
	d.fact("at least", ifelse(a.MinSubjects > 0, results.FormatCount(a.MinSubjects)+" subjects", ""))
	d.fact("receivers", strings.Join(a.Receivers, ", "))
	d.fact("experiments", ifelse(a.All, "all", strings.Join(a.Experiments, ", ")))
	return d
}

func name(name, id string) string {
	if name != "" {
		return name
	}
	return id
}
