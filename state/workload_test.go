package state

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

const minute = hour / 60

// epoch of the random workloads: late on a day, so that they run over midnight.
const workloadStart = 20_000*day + 22*hour

// workload draws definitions and a log for them.
type workload struct {
	r    *rand.Rand
	plan *catalog.Plan
	// clocks are the largest Kafka timestamps per input; inputs of the profile source are never late.
	clocks  []int64
	sources []int
	offsets []int64
	sent    []Event // with an id, to be sent again
	ids     int
	now     int64
	// step is the largest time between two records.
	step int64
	// bounded: all inputs are files. even: all times are whole minutes, so that bounds are met exactly.
	bounded, even bool
	// subjects and values bound how many of them there are.
	subjects, values int
	// shift makes values so large that totals leave 64 bits.
	shift uint
	// dims bounds the values of dimensions.
	dims int
	// settled: no event dimensions or sets, few exposures, and long pauses, so that most events are decided as they come.
	settled bool
}

func newWorkload(seed uint64) *workload { return drawWorkload(seed, false) }

func drawWorkload(seed uint64, settled bool) *workload {
	w := &workload{settled: settled, r: rand.New(rand.NewPCG(seed, 7)), subjects: 3, values: 20, dims: 3}
	if w.r.IntN(5) == 0 {
		w.dims = 40
	}
	w.now = workloadStart + w.r.Int64N(2*hour)
	w.step = []int64{10_000_000, 2 * minute, 10 * minute, 3 * hour}[w.r.IntN(4)]
	if settled {
		w.subjects = 1 + w.r.IntN(3)
		w.step = []int64{10 * minute, hour, 3 * hour}[w.r.IntN(3)]
	}
	if settled && w.r.IntN(5) == 0 {
		w.shift = 58
	}
	w.even = w.r.IntN(3) == 0
	w.bounded = w.r.IntN(8) == 0
	w.drawPlan()
	w.drawClips(seed)
	w.drawQuantiles(seed)
	w.drawAcross(seed)
	for s := range w.plan.Sources {
		for range 1 + w.r.IntN(2) {
			w.clocks = append(w.clocks, never)
			w.sources = append(w.sources, s)
			w.offsets = append(w.offsets, 0)
		}
	}
	return w
}

func (w *workload) chance(percent int) bool { return w.r.IntN(100) < percent }

// drawPlan draws a plan as catalog would compile it: exposure, two or three events with metrics, a profile.
func (w *workload) drawPlan() {
	p := &catalog.Plan{Subject: "user", Sources: []*catalog.Source{{ID: "a"}, {ID: "b"}}}
	lateness := []int64{hour, 5 * hour, 20 * minute}[w.r.IntN(3)]
	event := func(id string, source int, profile bool) {
		p.Events = append(p.Events, catalog.PlanEvent{Event: &catalog.Event{ID: id}, Source: source, Lateness: lateness, Profile: profile})
	}
	event("EXPOSURE", 0, false)
	event("CLICK", 0, false)
	event("ORDER", w.r.IntN(2), false)
	if w.chance(50) {
		p.Sources = append(p.Sources, &catalog.Source{ID: "p", Profile: true})
		event("PROFILE", 2, true)
		p.Events[3].Lateness = forever
	}
	aggs := []catalog.Agg{catalog.Sum, catalog.Count, catalog.CountDistinct, catalog.Max, catalog.Min, catalog.Exists}
	if w.settled {
		aggs = slices.DeleteFunc(aggs, func(a catalog.Agg) bool { return a == catalog.CountDistinct })
	}
	for d := range 3 {
		for range 1 + w.r.IntN(3) {
			if d > 0 || w.chance(30) {
				p.Measures = append(p.Measures, catalog.Measure{Event: d, Agg: aggs[w.r.IntN(len(aggs))]})
			}
		}
	}
	// Event dimensions: columns 7 and 8 of CLICK and ORDER, 9 of EXPOSURE where it is read.
	for d := 1; d <= 2 && !w.settled; d++ {
		p.Events[d].Dimensions = []int{7, 8}
	}
	presence := map[int]int{}
	w.plan = p
	for x := range 1 + w.r.IntN(3) {
		w.drawExperiment(x, presence)
	}
	for i, m := range p.Measures {
		p.Events[m.Event].Measures = append(p.Events[m.Event].Measures, i)
	}
	widest := int64(0)
	for x := range p.Experiments {
		p.Events[0].Exposures = append(p.Events[0].Exposures, x)
		widest = max(widest, p.Experiments[x].Lateness)
	}
	if len(p.Events[0].Measures) == 0 {
		p.Events[0].Lateness = min(lateness, widest)
	}
	if len(p.Events) > 3 {
		p.Events[3].ProfileColumns = []int{5}
	}
}

func (w *workload) drawExperiment(x int, presence map[int]int) {
	p := w.plan
	e := catalog.PlanExperiment{Experiment: &catalog.Experiment{ID: fmt.Sprint("e", x), Crossover: catalog.Exclude,
		Variants: []catalog.Variant{{ID: "a"}, {ID: "b"}, {ID: "c"}}}, Start: math.MinInt64 / 2, Stop: forever, Lateness: 10 * minute}
	if w.chance(30) {
		e.Lateness = []int64{1 * minute, 20 * minute}[w.r.IntN(2)]
	}
	if w.chance(40) {
		e.Start = workloadStart + w.r.Int64N(4*hour)
	}
	if w.chance(40) {
		e.Stop = max(e.Start, workloadStart) + 1 + w.r.Int64N(6*hour)
	}
	if w.chance(40) {
		e.Crossover = catalog.First
	}
	if w.chance(40) {
		e.PrePeriod = int64(1+w.r.IntN(2)) * day
	}
	if w.chance(60) {
		e.Dimensions = append(e.Dimensions, catalog.PlanDimension{Kind: catalog.ExposureDimension})
	}
	if !w.settled && w.chance(40) {
		e.Dimensions = append(e.Dimensions, catalog.PlanDimension{Kind: catalog.EventDimension, Columns: map[int]int{1: 7, 2: 8}})
	}
	if len(p.Events) > 3 && w.chance(60) {
		e.Dimensions = append(e.Dimensions, catalog.PlanDimension{Kind: catalog.ProfileDimension, Event: 3, Column: 5})
	}
	if !w.settled && w.chance(30) {
		e.Dimensions = append(e.Dimensions, catalog.PlanDimension{Kind: catalog.EventDimension, Columns: map[int]int{1: 8, 2: 7}})
	}
	for range 1 + w.r.IntN(4) {
		m := catalog.PlanMetric{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ExcludeNone: w.chance(20)}}, Denominator: -1, Numerator: w.r.IntN(len(p.Measures))}
		if p.Measures[m.Numerator].Presence {
			m.Numerator = 0
		}
		if w.chance(50) {
			m.Denominator = w.r.IntN(len(p.Measures))
			if p.Measures[m.Denominator].Presence {
				m.Denominator = 0
			}
			m.Ordered = w.chance(70)
		}
		if w.chance(5) {
			m.Numerator = -1
		}
		if w.chance(40) {
			m.Window = []int64{3 * minute, hour, 2 * day}[w.r.IntN(3)]
			m.Strict = !m.Ordered && w.chance(60)
		}
		eventSliced := true
		for _, term := range []int{m.Numerator, m.Denominator} {
			if term >= 0 && p.Measures[term].Event == 0 {
				eventSliced = false // the exposure has no event dimensions
			}
		}
		for i, d := range e.Dimensions {
			if d.Kind != catalog.EventDimension || eventSliced && w.chance(70) {
				m.Dimensions |= 1 << i
			}
			if d.Kind == catalog.EventDimension && m.Dimensions>>i&1 == 1 {
				for _, term := range []int{m.Numerator, m.Denominator} {
					if term >= 0 {
						m.Presence = append(m.Presence, w.presence(p.Measures[term].Event, presence))
					}
				}
			}
		}
		slices.Sort(m.Presence)
		m.Presence = slices.Compact(m.Presence)
		e.Metrics = append(e.Metrics, m)
	}
	p.Experiments = append(p.Experiments, e)
}

func (w *workload) presence(event int, known map[int]int) int {
	if i, ok := known[event]; ok {
		return i
	}
	w.plan.Measures = append(w.plan.Measures, catalog.Measure{Event: event, Agg: catalog.Count, Presence: true})
	known[event] = len(w.plan.Measures) - 1
	return known[event]
}

// rank of inputs is their number: they are drawn in the order of sources.
func (w *workload) rank(i Input) int { return int(i) }

// event draws the next record of the log.
func (w *workload) event() Event {
	w.now += w.r.Int64N(w.step)
	if w.even {
		w.now -= w.now % minute
	}
	if len(w.sent) > 0 && w.chance(20) {
		ev := w.sent[w.r.IntN(len(w.sent))]
		return w.send(ev)
	}
	def := w.r.IntN(len(w.plan.Events))
	if def == 0 && w.chance(30) || w.settled && def == 0 && w.chance(60) {
		def = 1
	}
	p := &w.plan.Events[def]
	ev := Event{Def: def, Subject: fmt.Appendf(nil, "s%d", w.r.IntN(w.subjects)), Content: w.r.Uint64()}
	behind := int64(0)
	switch w.r.IntN(10) {
	case 0, 1, 2:
		behind = w.r.Int64N(10 * minute)
	case 3, 4:
		behind = w.r.Int64N(2 * hour)
	case 5:
		behind = -w.r.Int64N(5 * minute)
	case 6:
		if w.bounded || p.Profile {
			behind = w.r.Int64N(3 * day)
		}
	}
	ev.Time = w.now - behind
	if w.even || w.chance(30) {
		ev.Time -= ev.Time % minute // ties
	}
	if p.Profile && w.chance(10) {
		ev.Time = never
	}
	if w.chance(50) {
		w.ids++
		ev.ID = fmt.Appendf(nil, "%d", w.r.IntN(1000)*10_000+w.ids)
		if w.chance(20) {
			ev.ID = append(ev.ID, "-a-longer-identity"...)
		}
	}
	for _, m := range p.Measures {
		v := Operand{Counts: w.plan.Measures[m].Presence || w.chance(80), Value: (int64(w.r.IntN(w.values)) - 5) << w.shift}
		ev.Values = append(ev.Values, v)
	}
	for _, x := range p.Exposures {
		e := Exposure{Counts: w.chance(90), Variant: 0}
		if w.chance(15) {
			e.Variant = w.r.IntN(4) - 1
		}
		for _, d := range w.plan.Experiments[x].Dimensions {
			if d.Kind == catalog.ExposureDimension {
				e.Dimensions = append(e.Dimensions, moment.None+uint32(w.r.IntN(w.dims)))
			}
		}
		ev.Exposures = append(ev.Exposures, e)
	}
	for range len(p.Dimensions) + len(p.ProfileColumns) {
		ev.Dimensions = append(ev.Dimensions, moment.None+uint32(w.r.IntN(w.dims)))
	}
	if ev.ID != nil {
		w.sent = append(w.sent, ev)
	}
	return w.send(ev)
}

// send gives an event its coordinates in one of its source's inputs.
func (w *workload) send(ev Event) Event {
	source := w.plan.Events[ev.Def].Source
	var inputs []int
	for i, s := range w.sources {
		if s == source {
			inputs = append(inputs, i)
		}
	}
	i := inputs[w.r.IntN(len(inputs))]
	ev.Input, ev.Offset = Input(i), w.offsets[i]
	w.offsets[i]++
	w.clocks[i] = max(w.clocks[i], w.now)
	ev.Bound = w.clocks[i]
	if w.bounded || w.plan.Sources[source].Profile {
		ev.Bound = never
	}
	return ev
}

// clock is C: the smallest b over the inputs.
func (w *workload) clock() int64 {
	if w.bounded {
		return never
	}
	c := int64(forever)
	for i, b := range w.clocks {
		if !w.plan.Sources[w.sources[i]].Profile {
			c = min(c, b)
		}
	}
	return c
}
