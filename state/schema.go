package state

import (
	"math"
	"slices"

	"github.com/tidemark/tidemark/catalog"
)

// day is a UTC day in microseconds: the grain of closed segments and of pre-periods.
const day = 24 * 3600 * 1_000_000

// never and forever are the ends of time.
const (
	never   = math.MinInt64
	forever = math.MaxInt64
)

// schema is the plan turned around for Apply: from an event to what reads it.
type schema struct {
	plan        *catalog.Plan
	events      []eventSchema
	measures    []measureSchema
	experiments []experimentSchema
	// conversions are the ordered metrics of all experiments; conversion k has the segment list len(measures)+k.
	conversions []conversion
	// strict says that some metric is; settle is the longest that a window of one waits for late records.
	strict bool
	settle int64
}

type eventSchema struct {
	// lateness is L; forever if the event is never late.
	lateness int64
	// readers are the experiments that have a metric over the event: what they need decides when it is folded.
	readers   []int
	exposures []int
	measures  []int
	tuple     int // how many dimensions are kept with each event
	profile   bool
	// profiled are the experiments that have a profile dimension of this event.
	profiled []int
	// starts are the conversions whose denominator reads this event.
	starts []int
	// direct: the event may be folded as it comes (direct.go). reads says what each experiment does with it.
	direct bool
	reads  []eventRead
}

type measureSchema struct {
	event int
	// slot is the measure's place in PlanEvent.Measures.
	slot     int
	agg      catalog.Agg
	presence bool
	// uses say which experiments read the measure's own segments. Empty: no segments are kept.
	uses []use
}

// use is one experiment's need of a measure's segments.
type use struct {
	experiment int
	// pre: sums over the pre-period are needed. within: sums from t0 on, to the last of windows, or to stop if open.
	pre, within, open bool
	windows           []int64
}

type experimentSchema struct {
	start, stop, lateness, pre int64
	exposure                   int
	keepsFirst                 bool // crossover policy first
	// reads are the events in its ledger, rising; exposureRead is the place of the exposure event among them.
	reads        []int
	exposureRead int
	// subjectDims fill a cell's slice; eventDims is the mask of event dimensions.
	subjectDims []subjectDimension
	// exposureDims is how many of the subject dimensions come with the exposure.
	exposureDims int
	eventDims    uint
	metrics      []metricSchema
	// conversions are the places of its ordered metrics in schema.conversions, strict those of its strict ones in metrics.
	conversions []int
	strict      []int
	// shapes has the events that decide where a subject is, not only what it adds up to: the exposure, profiles.
	shapes []int
}

// subjectDimension is where dimension at of a slice comes from: value from of the exposure, or of the profile event.
type subjectDimension struct {
	at, from int
	profile  int // event; -1: the exposure
}

type metricSchema struct {
	// numerator and denominator are measures; -1 is TRIGGERED.
	numerator, denominator int
	// events are those of the two.
	events   []int
	presence []int
	window   int64 // 0: none
	// strict: a subject is in it once complete, settle after the end of its window (strict.go).
	strict bool
	settle int64
	// conversion is the place in schema.conversions of an ordered metric; -1: order does not matter.
	conversion  int
	excludeNone bool
	// totals: what it reads adds up to numbers, for the whole subject (direct.go).
	totals bool
	// additive: an event that counts adds to its point, unless that is clipped.
	additive bool
	pre      int64
	// eventDims is the mask of the event dimensions that slice it; columns[event] says for each dimension of the
	// experiment which value of that event's tuple it is.
	eventDims uint
	columns   map[int][]int
	// across: the metric is of the distinct values of all subjects of a cell, so what a subject gives is the ranks of its own.
	across bool
	// clip is the range of the numerator's total; nil: none.
	clip *catalog.ClipRange
	// quantile: the numerator is how the subject's events are distributed. cut is the bin up to which they count, once it is
	// frozen; before, none does.
	quantile bool
	cut      int32
}

// conversion is an ordered metric of an experiment: a numerator event counts iff a denominator event did before it.
type conversion struct {
	experiment, metric     int
	numerator, denominator int // measures
	window                 int64
}

func newSchema(plan *catalog.Plan) *schema {
	s := &schema{
		plan:        plan,
		events:      make([]eventSchema, len(plan.Events)),
		measures:    make([]measureSchema, len(plan.Measures)),
		experiments: make([]experimentSchema, len(plan.Experiments)),
	}
	for d := range plan.Events {
		e := &plan.Events[d]
		s.events[d] = eventSchema{
			lateness: e.Lateness, exposures: e.Exposures, measures: e.Measures,
			tuple: len(e.Dimensions), profile: e.Profile,
		}
		// The largest duration that a time.Duration can say is 292 years of nanoseconds: nobody's lateness.
		// A bounded source has no lateness, whatever its experiments say of exposures.
		src := plan.Sources[e.Source]
		if e.Profile || e.Lateness >= int64(catalog.NoLateness/1000) || len(src.Topics) == 0 && len(src.Globs)+len(src.Files) > 0 && !src.LatenessSet {
			s.events[d].lateness = forever
		}
		for slot, m := range e.Measures {
			def := &plan.Measures[m]
			s.measures[m] = measureSchema{event: d, slot: slot, agg: def.Agg, presence: def.Presence}
		}
	}
	for x := range plan.Experiments {
		s.addExperiment(x)
	}
	s.findDirect()
	return s
}

func (s *schema) addExperiment(x int) {
	p := &s.plan.Experiments[x]
	e := &s.experiments[x]
	*e = experimentSchema{
		start: p.Start, stop: p.Stop, lateness: p.Lateness, pre: p.PrePeriod,
		exposure: p.Exposure, keepsFirst: p.Crossover == catalog.First,
	}
	e.shapes = insert(e.shapes, p.Exposure)
	e.reads = insert(e.reads, p.Exposure)
	for i := range p.Dimensions {
		d := &p.Dimensions[i]
		switch d.Kind {
		case catalog.ExposureDimension:
			e.subjectDims = append(e.subjectDims, subjectDimension{at: i, from: e.exposureDims, profile: -1})
			e.exposureDims++
		case catalog.ProfileDimension:
			from := slices.Index(s.plan.Events[d.Event].ProfileColumns, d.Column)
			e.subjectDims = append(e.subjectDims, subjectDimension{at: i, from: from, profile: d.Event})
			s.events[d.Event].profiled = insert(s.events[d.Event].profiled, x)
			e.shapes = insert(e.shapes, d.Event)
		case catalog.EventDimension:
			e.eventDims |= 1 << i
		}
	}
	for i := range p.Metrics {
		s.addMetric(x, i)
	}
	e.exposureRead = slices.Index(e.reads, e.exposure)
}

func (s *schema) addMetric(x, i int) {
	p := &s.plan.Experiments[x].Metrics[i]
	e := &s.experiments[x]
	m := metricSchema{
		numerator: p.Numerator, denominator: p.Denominator, presence: p.Presence, window: p.Window, conversion: -1,
		excludeNone: p.Metric.ExcludeNone, pre: e.pre, eventDims: p.Dimensions & e.eventDims, columns: map[int][]int{}, clip: p.Clip,
		quantile: p.Quantile > 0, cut: math.MinInt32, across: p.Across,
	}
	if m.quantile || m.across {
		m.pre = 0 // what is of an arm has no covariate
	}
	// Between TRIGGERED and an event there is no order to decide: t0 is before whatever counts.
	if p.Ordered && p.Numerator >= 0 && p.Denominator >= 0 {
		m.conversion = len(s.conversions)
		s.conversions = append(s.conversions, conversion{x, i, p.Numerator, p.Denominator, p.Window})
		d := s.measures[p.Denominator].event
		s.events[d].starts = append(s.events[d].starts, m.conversion)
		e.conversions = append(e.conversions, m.conversion)
	}
	for _, term := range []int{p.Numerator, p.Denominator} {
		if term < 0 {
			continue
		}
		// A conversion's numerators that count have a list of their own.
		within := term == p.Denominator || m.conversion < 0
		window := p.Window
		if m.conversion >= 0 {
			window = 0
		}
		s.read(term, x, m.pre > 0, within, window)
		m.events = insert(m.events, s.measures[term].event)
	}
	strict := p.Strict && m.conversion < 0 && p.Window > 0
	for _, term := range p.Presence {
		// A strict metric's subject is in the cells of its window's events only: later ones would bring it into more.
		window := int64(0)
		if strict {
			window = p.Window
		}
		s.read(term, x, false, true, window)
	}
	for _, d := range e.reads {
		columns := make([]int, len(s.plan.Experiments[x].Dimensions))
		for k := range columns {
			columns[k] = -1
			if dim := &s.plan.Experiments[x].Dimensions[k]; dim.Kind == catalog.EventDimension {
				if column, ok := dim.Columns[d]; ok && column >= 0 {
					columns[k] = slices.Index(s.plan.Events[d].Dimensions, column)
				}
			}
		}
		m.columns[d] = columns
	}
	if strict {
		s.makeStrict(e, &m)
	}
	e.metrics = append(e.metrics, m)
}

// read notes that experiment x reads a measure.
func (s *schema) read(measure, x int, pre, within bool, window int64) {
	m := &s.measures[measure]
	s.events[m.event].readers = insert(s.events[m.event].readers, x)
	s.experiments[x].reads = insert(s.experiments[x].reads, m.event)
	if !pre && !within {
		return
	}
	if len(m.uses) == 0 || m.uses[len(m.uses)-1].experiment != x {
		m.uses = append(m.uses, use{experiment: x})
	}
	u := &m.uses[len(m.uses)-1]
	u.pre = u.pre || pre
	u.within = u.within || within
	if within && window == 0 {
		u.open = true
	}
	if within && window > 0 {
		u.windows = insert(u.windows, window)
	}
}

// insert adds v to a rising list that does not have it yet.
func insert[T int | int64 | uint32](list []T, v T) []T {
	i, found := slices.BinarySearch(list, v)
	if found {
		return list
	}
	return slices.Insert(list, i, v)
}

// behind is the time that lies d before the clock c; it stays at the ends of time.
func behind(c, d int64) int64 {
	if d == forever || c == never || c < never+d {
		return never
	}
	if c == forever {
		return forever
	}
	return c - d
}

// after is t + d, at most forever.
func after(t, d int64) int64 {
	if t > forever-d {
		return forever
	}
	return t + d
}

// dayOf is the start of the UTC day that t lies in.
func dayOf(t int64) int64 {
	r := t % day
	if r < 0 {
		r += day
	}
	if t < never+r {
		return never
	}
	return t - r
}
