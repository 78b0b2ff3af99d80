package results

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// Reasons that are not of stats.
const (
	// ReasonConditioned: the row is sliced by a dimension of the events, which treatment may change; it never alerts.
	ReasonConditioned = "conditioned_on_event"
	// ReasonCardinality: a dimension has more values than can be kept apart. The state is unreliable.
	ReasonCardinality = "cardinality"
	// ReasonSRM: the sample ratio check failed, so no difference is to be trusted. The state is unreliable.
	ReasonSRM = "srm_failed"
	// ReasonCorrected: clear by itself, and not after the correction for many comparisons.
	ReasonCorrected = "corrected"
	// ReasonFixedHorizon: the definition lets the fixed-horizon interval decide the state, which holds for one look; it never alerts.
	ReasonFixedHorizon = "fixed_horizon"
	// ReasonFinalLook: the state is what the one look at the planned end found.
	ReasonFinalLook = "final_look"
	// ReasonLittleInformation: the Student mixture has no finite interval yet. The state is collecting.
	ReasonLittleInformation = "little_information"
	// ReasonOwnTuning: the always-valid numbers are tuned by the data they judge, as no fact was given (analyze).
	ReasonOwnTuning = "tuned_on_own_data"
)

// Inputs are what a result says beside its cells.
type Inputs struct {
	AsOf      time.Time
	Watermark *time.Time
	// Reached is the event time that inputs reach which have been read to their end, and so have no watermark: that of their latest
	// event, or a later one up to which they are said to be complete. Only a final look asks for it.
	Reached   *time.Time
	Positions map[string]int64
	Complete  bool
	// State of the experiment's life: draft, running, ended, stopped. "" derives it from the definition and AsOf.
	State      string
	Ledger     Ledger
	Crossovers int64
	// Levels are the experiment's levels so far, oldest first (level.go).
	Levels []Level
	// Facts are the tunings set so far, by Row.Key. A map that an Evaluator has been given is not changed: other facts are
	// another map.
	Facts map[string]Tuning
	// Frozen says, for each metric of the plan's experiment, that its own fact (frozen.go) is in all of the cells; only of
	// metrics that wait for one.
	Frozen []bool
	// Analyze says that the data is final: rows without a fact are tuned by their own data, and no fact is added.
	Analyze bool
	// Reasons are Result.Reasons: what concerns all of it.
	Reasons []string
	// Unreliable are reasons for which no row may be trusted (a halted shard); they are in each row's Reasons.
	Unreliable []string
	// Warnings are more of Row.Warnings, by Row.Key, from what cells do not hold.
	Warnings map[string][]Warning
}

// Evaluate returns the result of cells. For an experiment that is evaluated again and again an Evaluator is cheaper.
func Evaluate(plan *catalog.Plan, experiment int, cells *cube.Cells, in Inputs, sl Slices) *Result {
	return NewEvaluator(plan, experiment).Evaluate(cells, in, sl)
}

// Evaluator evaluates one experiment and remembers its rows: those whose sums did not change since the last time are
// not evaluated again. It belongs to one goroutine.
type Evaluator struct {
	plan    *catalog.Plan
	x       *catalog.PlanExperiment
	hash    string
	metrics []metric
	control int
	planned []catalog.Planned // the weights by epoch
	// treatments are the other variants, by id, as indexes.
	treatments []int
	event      uint // mask of the event dimensions
	slices     map[sliceID]*evaluated
	aligned    map[uint]aligned  // by grouping: the slices of the last rows
	facts      map[string]Tuning // of the last evaluation
	newFacts   bool              // it had others than the one before
	look       uint64            // counts evaluations
	frozen     []*Tuning         // what is frozen of each metric, nil: nothing
	thaws      uint64            // counts the changes of frozen
	families   map[uint][]int
	strata     map[uint]*strata
	warned     [][]findings // by metric and treatment
}

// metric is what a metric's rows have in common.
type metric struct {
	*catalog.PlanMetric
	index  int
	hash   string
	scale  moment.Scale
	design stats.Design
	tau2   bool // the definition fixes the prior
	format string
	// valueScale is the decimal scale of a quantile metric's values; its sums count events.
	valueScale int
	share      float64 // of alpha, for the whole, where it is another than alpha
	final      bool    // half of the level is for the final look, on the whole
}

// sliceID names a slice in the Evaluator's memory: the grouping and the values, joined.
type sliceID struct {
	mask   uint
	values string
}

// aligned are the rows of a grouping at the last evaluation, and what is remembered of each.
type aligned struct {
	rows []cube.Row
	of   []*evaluated
}

// evaluated is what is remembered of a slice.
type evaluated struct {
	arms  []*cube.Cell
	rows  [][]*Row // by metric and treatment; nil: none
	inArm [][]*Arm // by metric and variant
	label map[string]string
	text  string // SliceKey
	ctx   setting
	used  bool
	// settled: nothing but other sums, settings or facts can give the slice other rows.
	settled bool
}

// setting is what rows depend on beside their sums and facts.
type setting struct {
	srmFailed, analyze, cardinality bool
	due                             bool // the final look may be had; of the whole only
	thaws                           uint64
	unreliable                      string
}

// NewEvaluator returns an Evaluator of plan.Experiments[experiment].
func NewEvaluator(plan *catalog.Plan, experiment int) *Evaluator {
	x := &plan.Experiments[experiment]
	e := &Evaluator{plan: plan, x: x, hash: x.Experiment.Hash().String(), control: x.Control, planned: x.Experiment.Planned(), slices: map[sliceID]*evaluated{}, aligned: map[uint]aligned{},
		families: map[uint][]int{}, strata: map[uint]*strata{}}
	for v := range x.Variants {
		if v != x.Control {
			e.treatments = append(e.treatments, v)
		}
	}
	slices.SortFunc(e.treatments, func(a, b int) int { return compareText(x.Variants[a].ID, x.Variants[b].ID) })
	for i := range x.Dimensions {
		if x.Dimensions[i].Kind == catalog.EventDimension {
			e.event |= 1 << i
		}
	}
	for i := range x.Metrics {
		e.metrics = append(e.metrics, newMetric(plan, x, i))
	}
	order := map[catalog.Role]int{catalog.Goal: 0, catalog.Secondary: 1, catalog.Guardrail: 2}
	slices.SortStableFunc(e.metrics, func(a, b metric) int { return order[a.Role] - order[b.Role] })
	e.share()
	return e
}

func newMetric(plan *catalog.Plan, x *catalog.PlanExperiment, i int) metric {
	pm := &x.Metrics[i]
	scale := func(measure int) int {
		if measure < 0 {
			return 0 // TRIGGERED counts
		}
		return plan.Measures[measure].Scale
	}
	m := metric{PlanMetric: pm, index: i, hash: pm.Hash.String(), scale: moment.Scale{Num: scale(pm.Numerator), Den: scale(pm.Denominator)}}
	cuped := x.PrePeriod > 0
	if pm.Quantile > 0 {
		m.valueScale, m.scale, cuped = m.scale.Num, moment.Scale{}, false
	}
	m.design = stats.Design{Scale: m.scale, Alpha: x.Alpha, Direction: stats.Direction(pm.Metric.Direction), CUPED: cuped, Lift: liftMethods[x.Lift]}
	m.design.Boundary.Student = x.Sequential.Student
	m.final = x.Sequential.FinalLook && pm.Role != catalog.Guardrail
	if m.format = pm.Metric.Format; m.format == "" && pm.Metric.Type == "BINOMIAL" {
		m.format = "percent" // a rate, unless the definition says otherwise
	}
	if pm.Limit != nil {
		m.design.Limit = &stats.Limit{Value: pm.Limit.Value, Relative: pm.Limit.Relative}
	}
	if tau2 := x.Sequential.Tau2; tau2 > 0 {
		m.design.Tuning = stats.Tuning{Tau2: tau2}
		m.design.CUPEDTuning = m.design.Tuning
		m.tau2 = true
	}
	return m
}

// Evaluate returns the result of cells.
func (e *Evaluator) Evaluate(cells *cube.Cells, in Inputs, sl Slices) *Result {
	e.look++
	e.newFacts = !sameMap(e.facts, in.Facts)
	e.facts = in.Facts
	r := e.head(cells, in)
	e.thaw(in, r)
	masks, _ := sl.Masks(e.x) // names that are not dimensions have no rows
	ctx := setting{srmFailed: r.SRM.State == string(stats.SRMFailed), analyze: in.Analyze, thaws: e.thaws, unreliable: joinReasons(in.Unreliable)}
	byMask := make([][]*evaluated, len(masks))
	total := 0
	for i, mask := range masks {
		roll := cells.Rollup(mask)
		c := ctx
		c.cardinality, c.due = roll.Unreliable, mask == 0 && e.due(in)
		rows := roll.Rows
		if mask == 0 && len(rows) == 0 {
			rows = []cube.Row{{Arms: make([]*cube.Cell, len(e.x.Variants))}}
		}
		was := e.aligned[mask]
		byMask[i] = make([]*evaluated, len(rows))
		for j := range rows {
			// Rows that stand where they stood need not be looked up by their values.
			var s *evaluated
			if j < len(was.rows) && sameValues(was.rows[j].Values, rows[j].Values) {
				s = was.of[j]
			} else {
				s = e.remembered(mask, rows[j].Values)
			}
			e.slice(s, mask, &rows[j], c, in, r)
			byMask[i][j] = s
			for _, of := range s.rows {
				total += len(of)
			}
		}
		e.aligned[mask] = aligned{rows, byMask[i]}
	}
	whole := byMask[0][0] // masks begin with 0, which has one slice
	e.warn(whole, cells, in, r)
	e.correct(whole)
	r.FinalLook = e.finalLookOf(in, whole)
	for i, mask := range masks[1:] {
		e.standOut(mask, byMask[i+1])
	}
	r.Rows = make([]Row, 0, total)
	for m := range e.metrics {
		for i := range masks {
			for _, s := range byMask[i] {
				for _, row := range s.rows[m] {
					r.Rows = append(r.Rows, *row)
					r.Rows[len(r.Rows)-1].same = row
				}
			}
		}
	}
	e.forget(masks)
	return r
}

// head fills in everything but the rows.
func (e *Evaluator) head(cells *cube.Cells, in Inputs) *Result {
	x := e.x
	r := &Result{
		Experiment: x.ID, Name: x.Name, Owner: x.Owner, State: in.State, Definition: e.hash,
		AsOf: in.AsOf.UTC(), Watermark: in.Watermark, Positions: in.Positions, Complete: in.Complete,
		Alpha: x.Alpha, Correction: correctionOf(x.Experiment), Tuning: map[string]Tuning{}, Subjects: map[string]int64{}, Crossovers: in.Crossovers,
		Ledger: in.Ledger, Reasons: slices.Concat(in.Reasons, in.Unreliable), Facts: map[string]Tuning{},
	}
	if r.State == "" {
		r.State = Life(x.Experiment, in.AsOf)
	}
	if r.Positions == nil {
		r.Positions = map[string]int64{}
	}
	if r.Ledger.Records == nil {
		r.Ledger.Records = map[string]RecordLedger{}
	}
	if r.Ledger.Events == nil {
		r.Ledger.Events = map[string]EventLedger{}
	}
	whole := cells.Whole()
	for v := range x.Variants {
		r.Subjects[x.Variants[v].ID] = whole[v].Exposed()
	}
	e.levels(in, r)
	r.SRM = e.sampleRatio(whole)
	return r
}

// Life is the word for where an experiment is in its life at an instant.
func Life(x *catalog.Experiment, at time.Time) string {
	switch {
	case at.Before(x.Start):
		return "draft"
	case !x.Stop.IsZero() && !at.Before(x.Stop):
		return "stopped"
	case !x.End.IsZero() && !at.Before(x.End):
		return "ended"
	}
	return "running"
}

// sameMap says that two maps are one.
func sameMap(a, b map[string]Tuning) bool {
	return len(a) == 0 && len(b) == 0 || reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}

// sameValues says that two lists of values are one.
func sameValues(a, b []string) bool {
	return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0]
}

// remembered returns what is remembered of a slice.
func (e *Evaluator) remembered(mask uint, values []string) *evaluated {
	id := sliceID{mask, joinValues(values)}
	s := e.slices[id]
	if s == nil {
		s = &evaluated{rows: make([][]*Row, len(e.metrics)), inArm: make([][]*Arm, len(e.metrics)), label: e.label(mask, values)}
		s.text = SliceKey(s.label)
		e.slices[id] = s
	}
	return s
}

// slice brings the rows of one slice up to its cells.
func (e *Evaluator) slice(s *evaluated, mask uint, row *cube.Row, ctx setting, in Inputs, r *Result) {
	s.used = true
	if s.settled && !e.newFacts && s.ctx == ctx && slices.Equal(s.arms, row.Arms) {
		return
	}
	old, oldCtx := s.arms, s.ctx
	s.arms, s.ctx = row.Arms, ctx
	facts := len(r.Facts)
	for m := range e.metrics {
		if mask&^e.metrics[m].Dimensions != 0 {
			continue // the metric is not sliced so
		}
		e.evaluate(s, m, mask, old, oldCtx, in, r)
	}
	// The whole has its tunings in every result. A fact that is not kept yet is told again.
	s.settled = mask != 0 && len(r.Facts) == facts
}

// evaluate brings the rows of metric m in slice s up to its arms.
func (e *Evaluator) evaluate(s *evaluated, m int, mask uint, old []*cube.Cell, oldCtx setting, in Inputs, r *Result) {
	mt := &e.metrics[m]
	fresh := s.inArm[m] == nil
	if fresh {
		s.inArm[m] = make([]*Arm, len(e.x.Variants))
	}
	changed := make([]bool, len(e.x.Variants))
	any := mask == 0 || s.ctx.cardinality
	for v, c := range s.arms {
		sums := c.Metric(mt.index)
		any = any || sums.N > 0 || *sums != (moment.Sums{})
		if s.inArm[m][v] == nil || old[v] != c && (mt.Quantile > 0 || mt.Across || *old[v].Metric(mt.index) != *sums || mt.opened(old[v], c)) {
			s.inArm[m][v] = mt.arm(sums, e.x.PrePeriod > 0)
			changed[v] = true
		}
	}
	if !any {
		s.rows[m] = nil // nobody is in this slice for this metric
		return
	}
	rows := s.rows[m]
	if rows == nil {
		rows = make([]*Row, len(e.treatments))
	}
	for i, v := range e.treatments {
		was := rows[i]
		var key string
		if was != nil {
			key = was.key
		} else {
			key = rowKey(mt.Metric.ID, s.label, e.x.Variants[v].ID)
		}
		fact, stored := mt.fact(in.Facts[key], was, mask == 0)
		if was == nil || changed[v] || changed[e.control] || oldCtx != s.ctx || !equalTuning(was.fact, fact) {
			rows[i] = e.row(s, m, mask, v, key, fact, in, r)
		}
		if t := rows[i].Tuning; t != nil {
			if mask == 0 {
				r.Tuning[mt.Metric.ID+"/"+e.x.Variants[v].ID] = *t
			}
			if t.dated() && !in.Analyze && !(stored && equalTuning(fact, rows[i].fact)) {
				r.Facts[key] = t.asFact()
			}
		}
	}
	s.rows[m] = rows
}

// forget drops what was not asked for this time, once it has become more than what was.
func (e *Evaluator) forget(masks []uint) {
	used := 0
	for _, s := range e.slices {
		if s.used {
			used++
		}
	}
	drop := len(e.slices) > 2*used+16
	for id, s := range e.slices {
		if drop && !s.used || !s.used && slices.Contains(masks, id.mask) {
			delete(e.slices, id)
			delete(e.aligned, id.mask)
			continue
		}
		s.used = false
	}
}

// label is Row.Slice: the fixed dimensions only.
func (e *Evaluator) label(mask uint, values []string) map[string]string {
	label := map[string]string{}
	i := 0
	for d := range e.x.Dimensions {
		if mask&(1<<d) != 0 {
			label[e.x.Dimensions[d].Name] = values[i]
			i++
		}
	}
	return label
}

func joinValues(values []string) string {
	n := 0
	for _, v := range values {
		n += len(v) + 2
	}
	b := make([]byte, 0, n)
	for _, v := range values {
		for n := len(v); ; n >>= 7 {
			if n < 0x80 {
				b = append(b, byte(n))
				break
			}
			b = append(b, byte(n)|0x80)
		}
		b = append(b, v...)
	}
	return string(b)
}

func joinReasons(reasons []string) string { return joinValues(reasons) }

// FactsOf returns all tunings that rows of r have, by Row.Key: what analyze --facts reads.
func (r *Result) FactsOf() map[string]Tuning {
	facts := map[string]Tuning{}
	for i := range r.Rows {
		if t := r.Rows[i].Tuning; t.dated() {
			facts[r.Rows[i].Key()] = t.asFact()
		}
	}
	r.frozenFacts(facts)
	maps.Copy(facts, r.Facts)
	return facts
}
