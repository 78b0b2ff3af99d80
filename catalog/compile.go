package catalog

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog/sql"
)

// DefaultScale is the decimal scale of a value whose type names none.
const DefaultScale = 6

// Never is the lateness, in microseconds, of what is never late, and the Stop of an experiment without one.
const Never = math.MaxInt64

// Plans compiles one plan for each subject type in use, sorted by subject. Only active experiments and what they use
// are in them. Equal sets give equal plans: every list is in the order of ids.
func (s *Set) Plans() ([]*Plan, error) {
	bySubject := map[string][]*Experiment{}
	for _, e := range s.Experiments {
		if !e.Inactive {
			bySubject[e.Subject] = append(bySubject[e.Subject], e)
		}
	}
	subjects := make([]string, 0, len(bySubject))
	for subject := range bySubject {
		subjects = append(subjects, subject)
	}
	slices.Sort(subjects)
	var plans []*Plan
	for _, subject := range subjects {
		p, err := compile(subject, bySubject[subject])
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// compiler builds one plan. It works on definitions first and numbers them once all are known.
type compiler struct {
	plan     *Plan
	events   map[*Event]int
	sources  map[*Source]int
	measures map[measureKey]int
}

// measureKey is what makes two measures one.
type measureKey struct {
	event, column, scale int
	agg                  Agg
	where                string
	presence             bool
}

func compile(subject string, experiments []*Experiment) (*Plan, error) {
	c := &compiler{plan: &Plan{Subject: subject}, events: map[*Event]int{}, sources: map[*Source]int{}, measures: map[measureKey]int{}}
	slices.SortFunc(experiments, func(a, b *Experiment) int { return strings.Compare(a.ID, b.ID) })
	if err := c.addEvents(experiments); err != nil {
		return nil, err
	}
	for _, e := range experiments {
		c.addExperiment(e)
	}
	c.numberMeasures()
	c.linkEvents()
	c.direct()
	c.plan.Hash = c.plan.hash()
	return c.plan, nil
}

// addEvents collects the events of all experiments, and their sources, in the order of ids.
func (c *compiler) addEvents(experiments []*Experiment) error {
	var events []*Event
	for _, e := range experiments {
		events = append(events, e.Exposure.Event)
		for _, u := range e.Metrics {
			events = append(events, u.Metric.Events()...)
		}
		for _, d := range e.Slices {
			if d.from != nil {
				events = append(events, d.from)
			}
		}
	}
	slices.SortFunc(events, func(a, b *Event) int { return strings.Compare(a.ID, b.ID) })
	events = slices.Compact(events)
	for _, e := range events {
		c.plan.Sources = append(c.plan.Sources, e.Source)
	}
	slices.SortFunc(c.plan.Sources, func(a, b *Source) int { return strings.Compare(a.ID, b.ID) })
	c.plan.Sources = slices.Compact(c.plan.Sources)
	for i, s := range c.plan.Sources {
		c.sources[s] = i
	}
	for i, e := range events {
		c.events[e] = i
		subject := e.Column(c.plan.Subject)
		if subject < 0 {
			return fmt.Errorf("catalog: event %s has no column %s, the subject", e.ID, c.plan.Subject)
		}
		c.plan.Events = append(c.plan.Events, PlanEvent{Event: e, Source: c.sources[e.Source], SubjectColumn: subject,
			TimeColumn: e.Column(TimeColumn), IDColumn: e.Column(IDColumn), Profile: e.Source.Profile})
	}
	return nil
}

func (c *compiler) addExperiment(e *Experiment) {
	x := PlanExperiment{Experiment: e, Exposure: c.events[e.Exposure.Event], Start: micros(e.Start), Stop: Never,
		PrePeriod: e.PrePeriod.Microseconds(), Lateness: lateness(e.Exposure.Lateness)}
	x.VariantColumn = e.Exposure.Event.Column(e.Exposure.Variant)
	x.Control = slices.IndexFunc(e.Variants, func(v Variant) bool { return v.ID == e.Control })
	if !e.Stop.IsZero() {
		x.Stop = micros(e.Stop)
	}
	// A bounded source has no arrival that an exposure could be behind, unless its definition asks for one.
	if source := e.Exposure.Event.Source; source.Bounded() && !source.LatenessSet {
		x.Lateness = Never
	}
	for _, s := range e.Ramp {
		x.Cuts = append(x.Cuts, micros(s.From))
	}
	onEvents := uint(0) // mask of the event dimensions
	for i, d := range e.Slices {
		x.Dimensions = append(x.Dimensions, c.dimension(e, d))
		if d.kind == EventDimension {
			onEvents |= 1 << i
		}
	}
	for _, u := range e.Metrics {
		x.Metrics = append(x.Metrics, c.metric(e, u, onEvents))
	}
	c.plan.Experiments = append(c.plan.Experiments, x)
}

// dimension compiles a slice.
func (c *compiler) dimension(e *Experiment, d Dimension) PlanDimension {
	out := PlanDimension{Dimension: d, Kind: d.kind, Event: -1, Column: -1}
	if d.from != nil {
		out.Event, out.Column = c.events[d.from], d.from.Column(d.Name)
		return out
	}
	out.Columns = map[int]int{}
	for _, u := range e.Metrics {
		if !u.Metric.SlicedBy(d.Name) || !d.concerns(u.Metric) {
			continue
		}
		for _, ev := range u.Metric.Events() {
			out.Columns[c.events[ev]] = ev.Column(d.Name)
		}
	}
	return out
}

// metric compiles a metric of an experiment.
func (c *compiler) metric(e *Experiment, u MetricUse, onEvents uint) PlanMetric {
	m := u.Metric
	out := PlanMetric{MetricUse: u, Hash: m.Hash(), Numerator: c.term(&m.Numerator), Denominator: -1, Ordered: m.Ordered, Window: m.Window.Microseconds(), Strict: m.Strict}
	out.Quantile, out.Across = m.Numerator.Quantile, m.Numerator.Across
	if m.Cap != (Bounds{}) {
		clip, _ := m.Cap.at(m.Numerator.scale()) // it fits, or the set would not exist
		out.Clip = &clip
	}
	if m.Denominator != nil {
		out.Denominator = c.term(m.Denominator)
	}
	for i, d := range e.Slices {
		if m.SlicedBy(d.Name) && (d.kind != EventDimension || d.concerns(m)) {
			out.Dimensions |= 1 << i
		}
	}
	if out.Dimensions&onEvents != 0 {
		for _, ev := range m.Events() {
			out.Presence = append(out.Presence, c.measure(Measure{Event: c.events[ev], Agg: Count, Column: -1, Presence: true}))
		}
	}
	return out
}

// term returns the measure of a numerator or denominator, -1 for TRIGGERED.
func (c *compiler) term(t *Term) int {
	if t.triggered() {
		return -1
	}
	m := Measure{Event: c.events[t.Event], Agg: t.Agg, Column: -1, Where: t.Where}
	// Counting the subject's own column counts every event: an event without a subject never gets here.
	if t.Value != "" && t.Value != c.plan.Subject {
		m.Column = t.Event.Column(t.Value)
	}
	if t.Agg == CountDistinct {
		m.Column = t.Event.Column(t.Value)
	}
	if t.numeric() {
		m.Column = t.Event.Column(t.Value)
		m.Scale = scale(t.Event.Query.Columns[m.Column].Type)
	}
	return c.measure(m)
}

// scale is the decimal scale at which values of a type are added up.
func scale(t sql.Type) int {
	switch t.Kind {
	case sql.Decimal:
		return t.Scale
	case sql.BigInt, sql.Boolean:
		return 0
	}
	return DefaultScale
}

// measure returns the index of a measure, which is new only if no other is equal.
func (c *compiler) measure(m Measure) int {
	key := measureKey{event: m.Event, column: m.Column, scale: m.Scale, agg: m.Agg, presence: m.Presence}
	if m.Where != nil {
		key.where = m.Where.Canonical()
	}
	i, ok := c.measures[key]
	if !ok {
		i = len(c.plan.Measures)
		c.measures[key] = i
		c.plan.Measures = append(c.plan.Measures, m)
	}
	return i
}

// numberMeasures puts the measures into an order of their own, so that the order of metrics does not matter.
func (c *compiler) numberMeasures() {
	where := func(m Measure) string {
		if m.Where == nil {
			return ""
		}
		return m.Where.Canonical()
	}
	order := make([]int, len(c.plan.Measures))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := c.plan.Measures[i], c.plan.Measures[j]
		presence := func(m Measure) int { return map[bool]int{true: 1}[m.Presence] }
		return cmp.Or(a.Event-b.Event, presence(a)-presence(b), strings.Compare(string(a.Agg), string(b.Agg)), a.Column-b.Column, strings.Compare(where(a), where(b)))
	})
	place, sorted := make([]int, len(order)), make([]Measure, len(order))
	for to, from := range order {
		place[from], sorted[to] = to, c.plan.Measures[from]
	}
	c.plan.Measures = sorted
	for _, x := range c.plan.Experiments {
		for i := range x.Metrics {
			m := &x.Metrics[i]
			m.Numerator, m.Denominator = moved(place, m.Numerator), moved(place, m.Denominator)
			for j := range m.Presence {
				m.Presence[j] = place[m.Presence[j]]
			}
		}
	}
}

func moved(place []int, i int) int {
	if i < 0 {
		return i
	}
	return place[i]
}

// linkEvents fills what each event must know of its readers.
func (c *compiler) linkEvents() {
	for i, m := range c.plan.Measures {
		e := &c.plan.Events[m.Event]
		e.Measures = append(e.Measures, i)
	}
	for i, x := range c.plan.Experiments {
		e := &c.plan.Events[x.Exposure]
		e.Exposures = append(e.Exposures, i)
		for _, d := range x.Dimensions {
			switch d.Kind {
			case ProfileDimension:
				p := &c.plan.Events[d.Event]
				p.ProfileColumns = append(p.ProfileColumns, d.Column)
			case EventDimension:
				for event, column := range d.Columns {
					p := &c.plan.Events[event]
					p.Dimensions = append(p.Dimensions, column)
				}
			}
		}
	}
	for i := range c.plan.Events {
		e := &c.plan.Events[i]
		e.Dimensions, e.ProfileColumns = sortedSet(e.Dimensions), sortedSet(e.ProfileColumns)
		e.Lateness = c.eventLateness(e)
	}
}

func sortedSet(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

// eventLateness is how far behind an accepted event may be: L, or for an event that is nothing but an exposure the
// largest Lx of its experiments, so that its ids can be forgotten sooner.
func (c *compiler) eventLateness(e *PlanEvent) int64 {
	l := lateness(e.Event.Source.Lateness)
	if e.Profile || len(e.Exposures) == 0 || len(e.Measures) > 0 {
		return l
	}
	most := int64(0)
	for _, x := range e.Exposures {
		most = max(most, c.plan.Experiments[x].Lateness)
	}
	return min(l, most)
}

// direct decides for each source whether its partitioning is by this plan's subject. It is only if every event of the
// source takes the subject unchanged from what keys the topic.
func (c *compiler) direct() {
	c.plan.Direct = make([]bool, len(c.plan.Sources))
	for i, s := range c.plan.Sources {
		c.plan.Direct[i] = s.KeyedBy != ""
	}
	for _, e := range c.plan.Events {
		if s := c.plan.Sources[e.Source]; s.KeyedBy != "" && !e.keyedBy(s.KeyedBy, c.plan.Subject) {
			c.plan.Direct[e.Source] = false
		}
	}
}

func micros(t time.Time) int64 { return t.UnixMicro() }

// lateness is a duration in microseconds, Never if it has no end.
func lateness(d time.Duration) int64 {
	if d == NoLateness {
		return Never
	}
	return d.Microseconds()
}
