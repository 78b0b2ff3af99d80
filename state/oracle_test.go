package state

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"sort"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// oracle answers from the whole log, for every question anew: it keeps each distinct in-time event and reads DESIGN §5
// aloud over them. It shares nothing with Apply but the types that go in and come out.
type oracle struct {
	plan     *catalog.Plan
	rank     func(Input) int
	events   map[string][]Event // by subject, distinct and in time, in log order
	subjects []string
	late     []int64
	dup      []int64
	conflict []int64
	// values are those of the last point of a quantile metric.
	values []int64
	// clock is the newest clock that was told; end the latest event's time, once the inputs have ended.
	clock, end int64
}

type oracleKey struct {
	experiment, variant, metric int
	slice                       moment.Slice
}

type oracleAnswer struct {
	cells  map[oracleKey]*moment.Sums
	bins   testBins
	ledger *Ledger
}

func newOracle(plan *catalog.Plan, rank func(Input) int) *oracle {
	n := len(plan.Events)
	return &oracle{plan: plan, rank: rank, events: map[string][]Event{}, late: make([]int64, n), dup: make([]int64, n), conflict: make([]int64, n), clock: never, end: never}
}

// take reads one event of the log.
func (o *oracle) take(ev Event) {
	def := &o.plan.Events[ev.Def]
	if ev.Bound != never && def.Lateness < int64(catalog.NoLateness/1000) && !def.Profile && ev.Bound-ev.Time > def.Lateness {
		o.late[ev.Def]++
		return
	}
	id := string(ev.Subject)
	if _, ok := o.events[id]; !ok {
		o.subjects = append(o.subjects, id)
		sort.Strings(o.subjects)
	}
	if ev.ID != nil {
		for _, have := range o.events[id] {
			if have.Def == ev.Def && have.ID != nil && bytes.Equal(have.ID, ev.ID) {
				o.dup[ev.Def]++
				if have.Content != ev.Content {
					o.conflict[ev.Def]++
				}
				return
			}
		}
	}
	o.events[id] = append(o.events[id], ev)
}

func (o *oracle) before(a, b *Event) bool {
	if a.Time != b.Time {
		return a.Time < b.Time
	}
	switch {
	case a.ID != nil && b.ID != nil:
		return bytes.Compare(a.ID, b.ID) < 0
	case a.ID != nil || b.ID != nil:
		return a.ID != nil
	}
	if a.Input != b.Input {
		return o.rank(a.Input) < o.rank(b.Input)
	}
	return a.Offset < b.Offset
}

// answer computes every cell and the ledger.
func (o *oracle) answer(from, to int64) oracleAnswer {
	a := oracleAnswer{cells: map[oracleKey]*moment.Sums{}, bins: testBins{}, ledger: &Ledger{}}
	for d := range o.plan.Events {
		e := EventLedger{Late: o.late[d], Duplicate: o.dup[d], IDConflicts: o.conflict[d]}
		for _, id := range o.subjects {
			for _, ev := range o.events[id] {
				if ev.Def == d {
					e.Accepted++
				}
			}
		}
		a.ledger.Events = append(a.ledger.Events, e)
	}
	for x := range o.plan.Experiments {
		reads := map[int]bool{o.plan.Experiments[x].Exposure: true}
		for _, m := range o.plan.Experiments[x].Metrics {
			for _, term := range []int{m.Numerator, m.Denominator} {
				if term >= 0 {
					reads[o.plan.Measures[term].Event] = true
				}
			}
		}
		l := ExperimentLedger{}
		counted, outside, unexposed := map[int]int64{}, map[int]int64{}, map[int]int64{}
		for _, id := range o.subjects {
			o.subject(&a, x, o.events[id], from, to, &l, counted, outside, unexposed)
		}
		for d := range o.plan.Events {
			if reads[d] {
				l.Events = append(l.Events, ReadLedger{Event: d, Counted: counted[d], Outside: outside[d], Unexposed: unexposed[d]})
			}
		}
		a.ledger.Experiments = append(a.ledger.Experiments, l)
	}
	return a
}

func (o *oracle) slot(event, measure int) int {
	for i, m := range o.plan.Events[event].Measures {
		if m == measure {
			return i
		}
	}
	panic("measure is not of the event")
}

func (o *oracle) exposure(x int, ev *Event) *Exposure {
	for i, e := range o.plan.Events[ev.Def].Exposures {
		if e == x {
			return &ev.Exposures[i]
		}
	}
	return nil
}

func (o *oracle) subject(a *oracleAnswer, x int, events []Event, from, to int64, l *ExperimentLedger, counted, outside, unexposed map[int]int64) {
	p := &o.plan.Experiments[x]
	valid := func(ev *Event) bool {
		e := o.exposure(x, ev)
		return e != nil && e.Counts && e.Variant >= 0 && p.Start <= ev.Time && ev.Time < p.Stop &&
			(ev.Bound == never || ev.Bound-ev.Time <= p.Lateness)
	}
	var first *Event
	variants := map[int]bool{}
	for i := range events {
		if ev := &events[i]; valid(ev) {
			variants[o.exposure(x, ev).Variant] = true
			if first == nil || o.before(ev, first) {
				first = ev
			}
		}
	}
	if first == nil {
		for i := range events {
			if events[i].Def == p.Exposure {
				outside[events[i].Def]++
			} else {
				unexposed[events[i].Def]++
			}
		}
		return
	}
	l.Exposed++
	if len(variants) > 1 {
		l.Crossovers++
		if p.Crossover == catalog.Exclude {
			for i := range events {
				outside[events[i].Def]++
			}
			return
		}
	}
	if first.Time < to {
		o.cells(a, x, events, first, from, to)
	}
	for i := range events {
		ev := &events[i]
		in := valid(ev)
		for m := range p.Metrics {
			in = in || o.counts(x, m, events, first.Time, i, true) || o.counts(x, m, events, first.Time, i, false)
		}
		switch {
		case in:
			counted[ev.Def]++
		case ev.Time < first.Time && ev.Def != p.Exposure:
			unexposed[ev.Def]++
		default:
			outside[ev.Def]++
		}
	}
}

// counts says whether event i counts in the numerator or denominator of a metric.
func (o *oracle) counts(x, m int, events []Event, t0 int64, i int, num bool) bool {
	p := &o.plan.Experiments[x]
	q := &p.Metrics[m]
	ordered := q.Ordered && q.Numerator >= 0 && q.Denominator >= 0
	ev := &events[i]
	measure := q.Denominator
	if num {
		measure = q.Numerator
	}
	if measure < 0 || o.plan.Measures[measure].Event != ev.Def || !ev.Values[o.slot(ev.Def, measure)].Counts {
		return false
	}
	if ev.Time < t0 || ev.Time >= p.Stop || q.Window > 0 && !ordered && ev.Time >= t0+q.Window {
		return false
	}
	if !num || !ordered {
		return true
	}
	for j := range events {
		if o.counts(x, m, events, t0, j, false) && events[j].Time <= ev.Time && (q.Window == 0 || ev.Time < events[j].Time+q.Window) {
			return true
		}
	}
	return false
}

// dimension is an event's value of dimension k of experiment x.
func (o *oracle) dimension(x, k int, ev *Event) uint32 {
	column := o.plan.Experiments[x].Dimensions[k].Columns[ev.Def]
	for i, c := range o.plan.Events[ev.Def].Dimensions {
		if c == column {
			return ev.Dimensions[i]
		}
	}
	panic("event lacks the dimension")
}

func (o *oracle) cells(a *oracleAnswer, x int, events []Event, first *Event, from, to int64) {
	p := &o.plan.Experiments[x]
	var base moment.Slice
	eventDims, own := []int{}, 0
	for k := range p.Dimensions {
		switch d := &p.Dimensions[k]; d.Kind {
		case catalog.ExposureDimension:
			base[k] = o.exposure(x, first).Dimensions[own]
			own++
		case catalog.ProfileDimension:
			base[k] = moment.None
			var at *Event
			for i := range events {
				if ev := &events[i]; ev.Def == d.Event && ev.Time <= first.Time && (at == nil || o.before(at, ev)) {
					at = ev
				}
			}
			if at != nil {
				for i, c := range o.plan.Events[d.Event].ProfileColumns {
					if c == d.Column {
						base[k] = at.Dimensions[len(o.plan.Events[d.Event].Dimensions)+i]
					}
				}
			}
		case catalog.EventDimension:
			eventDims = append(eventDims, k)
		}
	}
	variant := o.exposure(x, first).Variant
	add := func(metric int, slice moment.Slice, point moment.Point) {
		key := oracleKey{x, variant, metric, slice}
		if a.cells[key] == nil {
			a.cells[key] = &moment.Sums{}
		}
		a.cells[key].Add(point)
		if metric >= 0 && p.Metrics[metric].Quantile > 0 {
			a.bins.addValues(key, o.values)
		}
		if metric >= 0 && p.Metrics[metric].Across {
			a.bins.addRanks(key, o.values)
		}
	}
	add(moment.ExposedMetric, base, moment.Point{In: true, Den: 1})
	for m := range p.Metrics {
		if !o.complete(p, &p.Metrics[m], first.Time) {
			continue
		}
		o.point(x, m, events, first.Time, from, to, nil, func(point moment.Point) { add(m, base, point) })
		for subset := 1; subset < 1<<len(eventDims); subset++ {
			fixed := []int{}
			for i, k := range eventDims {
				if subset>>i&1 == 1 && p.Metrics[m].Dimensions>>k&1 == 1 {
					fixed = append(fixed, k)
				} else if subset>>i&1 == 1 {
					fixed = nil
					break
				}
			}
			if len(fixed) == 0 {
				continue
			}
			done := map[moment.Slice]bool{}
			for i := range events {
				ev := &events[i]
				if !o.reads(x, m, ev) || ev.Time < first.Time || ev.Time >= p.Stop || ev.Time < from || ev.Time >= to || p.Metrics[m].Strict && ev.Time >= first.Time+p.Metrics[m].Window {
					continue
				}
				slice := base
				for _, k := range fixed {
					slice[k] = o.dimension(x, k, ev)
				}
				if done[slice] {
					continue
				}
				done[slice] = true
				here := func(ev *Event) bool {
					for _, k := range fixed {
						if o.dimension(x, k, ev) != slice[k] {
							return false
						}
					}
					return true
				}
				o.point(x, m, events, first.Time, from, to, here, func(point moment.Point) { add(m, slice, point) })
			}
		}
	}
}

// complete says whether a subject exposed at t0 counts for a metric yet.
func (o *oracle) complete(p *catalog.PlanExperiment, q *catalog.PlanMetric, t0 int64) bool {
	if !q.Strict {
		return true
	}
	over := t0 + q.Window
	if over > p.Stop {
		return false
	}
	wait := p.Lateness
	for _, measure := range []int{q.Numerator, q.Denominator} {
		if measure >= 0 {
			if l := o.plan.Events[o.plan.Measures[measure].Event].Lateness; l < forever {
				wait = max(wait, l)
			}
		}
	}
	return over+wait <= o.clock || over <= o.end
}

// latest is the time of the latest event that is no profile's.
func (o *oracle) latest() int64 {
	t := int64(never)
	for _, events := range o.events {
		for i := range events {
			if !o.plan.Events[events[i].Def].Profile {
				t = max(t, events[i].Time)
			}
		}
	}
	return t
}

func (o *oracle) reads(x, m int, ev *Event) bool {
	q := &o.plan.Experiments[x].Metrics[m]
	return q.Numerator >= 0 && o.plan.Measures[q.Numerator].Event == ev.Def || q.Denominator >= 0 && o.plan.Measures[q.Denominator].Event == ev.Def
}

// point gives add the subject's point for a metric among the events that are here.
func (o *oracle) point(x, m int, events []Event, t0, from, to int64, here func(*Event) bool, add func(moment.Point)) {
	p := &o.plan.Experiments[x]
	q := &p.Metrics[m]
	var values [4][]int64 // numerator, denominator, the same before t0
	for i := range events {
		ev := &events[i]
		if here != nil && (!o.reads(x, m, ev) || !here(ev)) {
			continue
		}
		for k, measure := range []int{q.Numerator, q.Denominator} {
			if measure < 0 || o.plan.Measures[measure].Event != ev.Def {
				continue
			}
			v := ev.Values[o.slot(ev.Def, measure)]
			if o.counts(x, m, events, t0, i, k == 0) && from <= ev.Time && ev.Time < to {
				values[k] = append(values[k], v.Value)
			}
			startOfDay := t0 - ((t0%day)+day)%day
			if v.Counts && p.PrePeriod > 0 && startOfDay-p.PrePeriod <= ev.Time && ev.Time < t0 {
				values[2+k] = append(values[2+k], v.Value)
			}
		}
	}
	if q.Metric.ExcludeNone && q.Numerator >= 0 && len(values[0]) == 0 && len(values[1]) == 0 {
		return
	}
	point := moment.Point{In: true, Num: 1, Den: 1}
	if q.Quantile > 0 {
		o.values = values[0]
		add(quantilePoint(q, values[0]))
		return
	}
	o.values = values[0]
	fits := true
	total := func(measure, k int, clip bool) int64 {
		t := aggregate(o.plan.Measures[measure].Agg, values[k])
		if clip && q.Clip != nil {
			if low := big.NewInt(q.Clip.Lower); t.Cmp(low) < 0 && q.Clip.Lower > math.MinInt64 {
				t = low
			} else if high := big.NewInt(q.Clip.Upper); t.Cmp(high) > 0 && q.Clip.Upper < math.MaxInt64 {
				t = high
			}
		}
		fits = fits && t.IsInt64()
		return t.Int64()
	}
	if q.Numerator >= 0 {
		point.Num = total(q.Numerator, 0, true)
		if p.PrePeriod > 0 && !q.Across {
			point.Pre = total(q.Numerator, 2, true)
		}
	}
	if q.Denominator >= 0 {
		point.Den = total(q.Denominator, 1, false)
		point.PreDen = total(q.Denominator, 3, false)
	}
	if !fits {
		point = moment.Point{Flags: moment.Overflowed}
	}
	add(point)
}

func aggregate(agg catalog.Agg, values []int64) *big.Int {
	if len(values) == 0 {
		return new(big.Int)
	}
	out, sum, set := int64(0), new(big.Int), map[int64]bool{}
	for i, v := range values {
		set[v] = true
		switch {
		case agg == catalog.Sum:
			sum.Add(sum, big.NewInt(v))
		case agg == catalog.Max && (i == 0 || v > out), agg == catalog.Min && (i == 0 || v < out):
			out = v
		}
	}
	switch agg {
	case catalog.Sum:
		return sum
	case catalog.Count:
		out = int64(len(values))
	case catalog.CountDistinct:
		out = int64(len(set))
	case catalog.Exists:
		out = 1
	}
	return big.NewInt(out)
}

// cube adds up changes, as the cube would.
type testCube struct {
	cells map[oracleKey]*moment.Sums
	bins  testBins
}

func newTestCube() *testCube { return &testCube{map[oracleKey]*moment.Sums{}, testBins{}} }

func (c *testCube) Change(ch moment.Change) {
	key := oracleKey{ch.Experiment, ch.Variant, ch.Metric, ch.Slice}
	if c.cells[key] == nil {
		c.cells[key] = &moment.Sums{}
	}
	c.cells[key].Apply(ch.Old, ch.New)
	c.bins.add(key, ch.Bins)
	if c.cells[key].IsZero() {
		delete(c.cells, key)
	}
}

// difference says where two sets of cells differ; empty if nowhere.
func difference(want, got map[oracleKey]*moment.Sums) string {
	for key, w := range want {
		if g := got[key]; g == nil || !g.Equal(w) {
			return fmt.Sprintf("cell %+v is %+v, want %+v", key, g, w)
		}
	}
	for key, g := range got {
		if want[key] == nil {
			return fmt.Sprintf("cell %+v is %+v, want none", key, g)
		}
	}
	return ""
}

func ledgerDifference(want, got *Ledger) string {
	for d := range want.Events {
		w, g := want.Events[d], got.Events[d]
		if w.Accepted != g.Accepted || w.Late != g.Late || w.Duplicate != g.Duplicate || w.IDConflicts != g.IDConflicts {
			return fmt.Sprintf("event %d: ledger %+v, want %+v", d, g, w)
		}
	}
	for x := range want.Experiments {
		w, g := want.Experiments[x], got.Experiments[x]
		if w.Exposed != g.Exposed || w.Crossovers != g.Crossovers || len(w.Events) != len(g.Events) {
			return fmt.Sprintf("experiment %d: ledger %+v, want %+v", x, g, w)
		}
		for i := range w.Events {
			a, b := w.Events[i], g.Events[i]
			if a.Event != b.Event || a.Counted != b.Counted || a.Outside != b.Outside || a.Unexposed != b.Unexposed {
				return fmt.Sprintf("experiment %d: ledger %+v, want %+v", x, b, a)
			}
		}
	}
	return ""
}
