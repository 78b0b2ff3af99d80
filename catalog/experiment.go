package catalog

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Defaults of an experiment.
const (
	DefaultAlpha              = 0.05
	DefaultSequentialSubjects = 10_000
	DefaultExposureLateness   = 10 * time.Minute
	maxVariants               = 64
)

// experiment resolves an experiment definition.
func (l *loader) experiment(d *definition) *Experiment {
	r := d.r
	e := &Experiment{ID: d.id, Pos: d.pos(), Name: r.text("name"), Owner: r.text("owner"), Team: r.text("team"),
		Description: r.text("description"), Hypothesis: r.text("hypothesis"), Tags: r.texts("tags"),
		Control: r.text("control"),
		Start:   r.time("start"), End: r.time("end"), Stop: r.time("stop"), Crossover: Crossover(r.enum("crossover"))}
	r.unused("runbook")
	e.Inactive = r.has("active") && !r.boolean("active")
	if e.Crossover == "" {
		e.Crossover = Exclude
	}
	l.metricUses(e, r)
	l.subject(e, r)
	l.exposure(e, r)
	l.variants(e, r)
	l.period(e, r)
	l.ramp(e, r)
	l.testing(e, r)
	l.slices(e, r)
	return e
}

// subject is the one written, else the only one that all metrics share.
func (l *loader) subject(e *Experiment, r *reader) {
	written := r.scalars("subject")
	if len(written) > 1 {
		l.report.at("E015", written[1], "an experiment has one subject", "a metric may have several; write the one that is randomised")
	}
	if r.has("subject") {
		if len(written) > 0 {
			e.Subject = written[0].text
		}
		for _, u := range e.Metrics {
			if e.Subject != "" && !slices.Contains(u.Metric.Subjects, e.Subject) {
				n := r.metricNode(u.Metric.ID)
				l.report.at("E034", n, fmt.Sprintf("metric %s is per %s, the experiment is per %s", u.Metric.ID, strings.Join(u.Metric.Subjects, " or "), e.Subject),
					fmt.Sprintf("add %s to the metric's subject, with the column in its events", e.Subject))
			}
		}
		return
	}
	var common []string
	for i, u := range e.Metrics {
		if i == 0 {
			common = slices.Clone(u.Metric.Subjects)
		}
		common = slices.DeleteFunc(common, func(s string) bool { return !slices.Contains(u.Metric.Subjects, s) })
	}
	if len(common) == 1 {
		e.Subject = common[0]
		return
	}
	if len(e.Metrics) > 0 || !r.has("goals") && !r.has("secondary") && !r.has("guardrails") {
		l.report.at("E007", r.node, `experiment has no "subject"`, "write the column that names what is randomised; its metrics do not settle it")
	}
}

// metricNode is where an experiment names a metric, the mapping itself when a tag does.
func (r *reader) metricNode(id string) *node {
	for _, role := range []string{"goals", "secondary", "guardrails"} {
		for _, n := range r.list(role) {
			if n.kind == mappingNode {
				n = n.get("metric")
			}
			if n != nil && n.text == id {
				return n
			}
		}
	}
	return r.node
}

// metricUses collects the metrics by role, in the order written.
func (l *loader) metricUses(e *Experiment, r *reader) {
	for _, role := range []struct {
		key  string
		role Role
	}{{"goals", Goal}, {"secondary", Secondary}, {"guardrails", Guardrail}} {
		for _, n := range r.list(role.key) {
			switch n.kind {
			case scalarNode:
				l.use(e, role.role, n, nil)
			case mappingNode:
				u := openAs(string(role.role), n, r.shape.find(role.key).shape, l.report)
				if role.role == Guardrail {
					l.guardrail(e, u)
				} else if u.exactlyOne("metric", "tag") == "tag" {
					l.tagged(e, role.role, u)
				} else if m := u.scalar("metric"); m != nil {
					l.use(e, role.role, m, nil)
				}
			default:
				l.report.at("E008", n, fmt.Sprintf("%q takes metrics, not %s", role.key, n.kind), hintOf(*r.shape.find(role.key)))
			}
		}
	}
}

// use adds one metric. Results are keyed by experiment, metric, slice and variant, so a metric has one role.
func (l *loader) use(e *Experiment, role Role, n *node, limit *Limit) {
	m := lookup[Metric](l, metricKind, n)
	if m == nil {
		return
	}
	for _, u := range e.Metrics {
		if u.Metric == m {
			l.report.at("E047", n, fmt.Sprintf("metric %s is already a %s of this experiment", m.ID, u.Role), "a metric has one role; keep one")
			return
		}
	}
	if m.Deprecated {
		hint := "the metric says so"
		if m.Replacement != "" {
			hint = "use " + m.Replacement
		}
		l.report.at("W110", n, fmt.Sprintf("metric %s is deprecated", m.ID), hint)
	}
	if limit != nil {
		l.acrossLimit(m, n)
	}
	if role == Guardrail && limit == nil {
		l.report.at("W108", n, fmt.Sprintf("guardrail %s has no limit, so it can never be crossed", m.ID), fmt.Sprintf("write {metric: %s, limit: +5%%}", m.ID))
	}
	e.Metrics = append(e.Metrics, MetricUse{Metric: m, Role: role, Limit: limit})
}

// tagged adds every metric with a tag that has no role yet.
func (l *loader) tagged(e *Experiment, role Role, r *reader) {
	n := r.scalar("tag")
	if n == nil {
		return
	}
	var all []string
	found := false
	for _, id := range l.ids(metricKind) {
		m, ok := l.byID[metricKind][id].value.(*Metric)
		if !ok {
			continue
		}
		all = append(all, m.Tags...)
		if !slices.Contains(m.Tags, n.text) {
			continue
		}
		found = true
		if !slices.ContainsFunc(e.Metrics, func(u MetricUse) bool { return u.Metric == m }) {
			e.Metrics = append(e.Metrics, MetricUse{Metric: m, Role: role})
		}
	}
	if !found {
		l.report.at("E012", n, fmt.Sprintf("no metric has the tag %q", n.text), didYouMean(n.text, all))
	}
}

// leastLimit is less than the last decimal of any total.
const leastLimit = 1e-18

// guardrail reads {metric, limit}.
func (l *loader) guardrail(e *Experiment, r *reader) {
	n := r.scalar("metric")
	if n == nil {
		return
	}
	var limit *Limit
	if r.has("limit") {
		v, ok := parsed(r, "limit", "a limit", limitHint, parseLimit)
		if ok && v.Relative && math.Abs(v.Value) > 10 {
			l.report.at("E017", r.value("limit"), "a lift of more than 1000% is no limit", limitHint)
		} else if ok {
			r.spanned("limit", v.Value, "")
		}
		if ok && math.Abs(v.Value) < leastLimit {
			l.report.at("E048", r.value("limit"), "a limit of 0, or next to it, has no harmful direction", limitHint)
		}
		limit = &v
	}
	l.use(e, Guardrail, n, limit)
	d := l.byID[metricKind][n.text]
	if d == nil || limit == nil || limit.Value == 0 {
		return
	}
	if m, ok := d.value.(*Metric); ok {
		if share := m.Numerator.Agg == Exists && m.Denominator == nil; share && !limit.Relative && math.Abs(limit.Value) >= 1 {
			l.report.at("W117", r.value("limit"), fmt.Sprintf("metric %s is a share of subjects, which can't differ by %s", m.ID, limit.Text), fmt.Sprintf("write %s%% if a lift was meant", limit.Text))
		}
		l.limitSign(m, *limit, r.value("limit"))
	}
}

// limitSign warns where the limit's sign says that harm lies where the metric's direction says that good lies.
func (l *loader) limitSign(m *Metric, limit Limit, n *node) {
	good := map[Direction]float64{Up: 1, Down: -1}[m.Direction]
	if good*limit.Value <= 0 {
		return
	}
	word := map[bool]string{true: "rise", false: "fall"}[limit.Value > 0]
	l.report.at("W103", n, fmt.Sprintf("the limit %s calls a %s harmful, but metric %s calls it good (direction: %s)", limit.Text, word, m.ID, m.Direction),
		"the sign of a limit is the harmful direction: check it, or the metric's direction")
}

// exposure reads what makes a subject part of the experiment.
func (l *loader) exposure(e *Experiment, r *reader) {
	x := r.mapping("exposure")
	if x == nil {
		return
	}
	e.Exposure.Variant = "variant"
	n := x.scalar("event")
	if n == nil {
		return
	}
	event := lookup[Event](l, eventKind, n)
	e.Exposure.Event = event
	l.exposureLateness(e, x)
	if event == nil || event.Source == nil {
		return
	}
	if event.Source.Profile {
		l.report.at("E033", n, fmt.Sprintf("event %s reads a profile source, which has no exposures", n.text), "name an event over a source of events")
		return
	}
	if s := r.scalars("subject"); len(s) > 0 {
		if l.needColumn(event, s[0], ", the experiment's subject") {
			l.subjectType(event, s[0])
		}
	} else if e.Subject != "" && event.Column(e.Subject) < 0 {
		l.report.at("E031", n, fmt.Sprintf("event %s has no column %q, the subject of the experiment's metrics", event.ID, e.Subject), "it has: "+listed(event.columns()))
	}
	l.variantColumn(e, x, n)
	e.Exposure.Where = l.predicate(event, x.scalar("where"))
}

func (l *loader) variantColumn(e *Experiment, x *reader, event *node) {
	at := event
	if v := x.scalar("variant"); v != nil {
		e.Exposure.Variant, at = v.text, v
		l.needColumn(e.Exposure.Event, v, ", which names the variant")
	} else if e.Exposure.Event.Column("variant") < 0 {
		l.report.at("E031", event, fmt.Sprintf("event %s has no column \"variant\"", e.Exposure.Event.ID), "write variant: and the column that names the variant; it has: "+listed(e.Exposure.Event.columns()))
	}
	if i := e.Exposure.Event.Column(e.Exposure.Variant); i >= 0 {
		switch e.Exposure.Event.Query.Columns[i].Type.Kind {
		case sql.Date, sql.Timestamp, sql.TimestampTZ, sql.Double:
			l.report.at("E032", at, fmt.Sprintf("column %q can't name a variant", e.Exposure.Variant), "it needs text, a whole number, or true and false")
		}
	}
}

// exposureLateness is Lx of DESIGN §6: how far behind an exposure may come, at most as far as any event of its source.
func (l *loader) exposureLateness(e *Experiment, x *reader) {
	limit := NoLateness
	if e.Exposure.Event != nil && e.Exposure.Event.Source != nil {
		limit = e.Exposure.Event.Source.Lateness
	}
	e.Exposure.Lateness = min(DefaultExposureLateness, limit)
	d, ok := x.duration("lateness")
	if !ok {
		return
	}
	e.Exposure.Lateness = d
	if e.Exposure.Lateness > limit {
		l.report.at("E046", x.value("lateness"), "an exposure may not be later than its source allows",
			fmt.Sprintf("source %s has lateness %s; write at most that, or raise it there", e.Exposure.Event.Source.ID, durationText(limit)))
	}
}

// variants reads the planned weights.
func (l *loader) variants(e *Experiment, r *reader) {
	n := r.value("variants")
	if n == nil {
		return
	}
	if n.kind != mappingNode {
		l.report.at("E008", n, fmt.Sprintf("\"variants\" must be a mapping of variants to weights, not %s", n.kind), "such as {control: 1, treatment: 1}")
		return
	}
	before := l.report.errors
	total := 0.0
	for _, p := range n.pairs {
		total += l.variant(e, p)
	}
	l.unseen(n.pairs, total)
	slices.SortFunc(e.Variants, func(a, b Variant) int { return strings.Compare(a.ID, b.ID) })
	if l.report.errors > before {
		return
	}
	if len(e.Variants) < 2 || len(e.Variants) > maxVariants {
		l.report.at("E041", n, fmt.Sprintf("%d variants; an experiment compares 2 to %d", len(e.Variants), maxVariants), "such as {control: 1, treatment: 1}")
	} else if total <= 0 {
		l.report.at("E041", n, "all weights are 0", "weights are the planned split, such as {control: 1, treatment: 1}")
	}
	if c := r.scalar("control"); c != nil && !slices.ContainsFunc(e.Variants, func(v Variant) bool { return v.ID == c.text }) {
		var ids []string
		for _, v := range e.Variants {
			ids = append(ids, v.ID)
		}
		l.report.at("E040", c, fmt.Sprintf("control %q is not one of the variants", c.text), didYouMean(c.text, ids))
	}
}

func (l *loader) variant(e *Experiment, p pair) float64 {
	if !validName(p.key.text) {
		l.report.at("E013", p.key, "this can't name a variant", "write the text that the exposure's variant column holds")
		return 0
	}
	if slices.ContainsFunc(e.Variants, func(v Variant) bool { return v.ID == p.key.text }) {
		l.report.at("E005", p.key, fmt.Sprintf("variant %q is there twice", p.key.text), "keep one")
		return 0
	}
	weight, ok := l.weight(p)
	if ok {
		e.Variants = append(e.Variants, Variant{p.key.text, weight})
	}
	return weight
}

// weight reads a variant's weight.
func (l *loader) weight(p pair) (weight float64, ok bool) {
	weight, ok = parseNumber(p.value.text)
	if p.value.kind != scalarNode || !ok || weight != 0 && !weightSpan.holds(weight) {
		at := p.value
		if at.kind == nullNode {
			at = p.key
		}
		l.report.at("E041", at, fmt.Sprintf("the weight of variant %q must be 0, or a number from 0.000001 to 1000000000", p.key.text), weightSpan.such)
		return 0, false
	}
	return weight, true
}

// unseen reports weights by which next to nobody gets a variant: less than one subject in a million.
func (l *loader) unseen(pairs []pair, total float64) {
	for _, p := range pairs {
		if w, ok := parseNumber(p.value.text); ok && weightSpan.holds(w) && w < total*1e-6 {
			l.report.at("E041", p.value, fmt.Sprintf("variant %q gets less than one subject in a million", p.key.text), "weights are the planned split; one that nobody is assigned to has the weight 0")
		}
	}
}

// period checks start < end and start < stop.
func (l *loader) period(e *Experiment, r *reader) {
	for _, key := range []string{"end", "stop"} {
		t := map[string]time.Time{"end": e.End, "stop": e.Stop}[key]
		if !t.IsZero() && !e.Start.IsZero() && !e.Start.Before(t) {
			l.report.at("E042", r.value(key), fmt.Sprintf("%s is not after start (%s)", key, r.value("start").text), "an experiment runs from start up to, not including, stop")
		}
	}
}
