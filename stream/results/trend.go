package results

import (
	"math/bits"
	"slices"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
)

// Trend is how one metric stood in one slice at each hour or day of event time.
type Trend struct {
	Experiment string            `json:"experiment"`
	Metric     string            `json:"metric"`
	Slice      map[string]string `json:"slice"`
	By         string            `json:"by"` // hour, day
	Points     []TrendPoint      `json:"points"`
}

// TrendPoint is the metric's rows at one instant.
type TrendPoint struct {
	// Time is the hour's or day's bound, Watermark that of the look at which the cells were kept.
	Time      time.Time `json:"time"`
	Watermark time.Time `json:"watermark"`
	// Definition is the experiment's hash at that time.
	Definition string           `json:"definition"`
	SRM        SRM              `json:"srm"`
	Subjects   map[string]int64 `json:"subjects"`
	Rows       []Row            `json:"rows"`
}

// TrendInputs are what a trend is evaluated from. Slice and Whole are the series of the slice asked for and of the whole, from
// one history at one grain.
type TrendInputs struct {
	Metric       string
	Mask         uint
	Values       []string
	By           string
	Slice, Whole []cube.Point
	// Facts are all that are kept of the experiment; of each instant only those count that were there.
	Facts map[string]Tuning
}

// EvaluateTrend evaluates a metric at every point of a series, as it was then: with the sums of then, the experiment's split
// of then, and the dated facts that had been set by then. Where the first fact of a row is dated later, as it is after a log
// has been read again, the row is tuned at the point at which the silence rule first holds, as it would have been, and its
// tuning says so by its date. What concerns rows only together, corrections apart, and warnings are left out.
func EvaluateTrend(plan *catalog.Plan, experiment int, in TrendInputs) *Trend {
	e := NewEvaluator(plan, experiment)
	t := &Trend{Experiment: e.x.ID, Metric: in.Metric, Slice: e.label(in.Mask, in.Values), By: in.By, Points: []TrendPoint{}}
	at := map[int64]*cube.Point{}
	for i := range in.Whole {
		at[in.Whole[i].Time.UnixNano()] = &in.Whole[i]
	}
	own := map[string]Tuning{} // set by the points so far
	for i := range in.Slice {
		p := &in.Slice[i]
		whole := at[p.Time.UnixNano()]
		if whole == nil || !slices.ContainsFunc(p.Arms, func(c *cube.Cell) bool { return c != nil }) {
			continue
		}
		t.Points = append(t.Points, e.trendPoint(in, p, whole, own))
	}
	return t
}

// trendPoint evaluates one point. What it tunes goes into own.
func (e *Evaluator) trendPoint(in TrendInputs, p, whole *cube.Point, own map[string]Tuning) TrendPoint {
	facts := FactsAt(in.Facts, p.Watermark)
	for key, f := range own {
		if _, ok := facts[key]; !ok {
			facts[key] = f
		}
	}
	then := Inputs{AsOf: p.Watermark, Watermark: &p.Watermark, Facts: facts, Frozen: make([]bool, len(e.metrics))}
	for i := range e.metrics {
		_, then.Frozen[e.metrics[i].index] = facts[MetricKey(e.metrics[i].Metric.ID)]
	}
	point := TrendPoint{Time: p.Time, Watermark: p.Watermark, Definition: p.Definition, Subjects: map[string]int64{}, Rows: []Row{}}
	for v, c := range whole.Arms {
		point.Subjects[e.x.Variants[v].ID] = c.Exposed()
	}
	if point.SRM = e.sampleRatio(whole.Arms); !e.countedByEpoch(whole) {
		point.SRM = SRM{State: string(stats.SRMCollecting)}
	}
	e.look++
	r := &Result{AsOf: then.AsOf, Alpha: e.x.Alpha, Tuning: map[string]Tuning{}, Facts: map[string]Tuning{}}
	e.thaw(then, r)
	s := &evaluated{arms: p.Arms, rows: make([][]*Row, len(e.metrics)), inArm: make([][]*Arm, len(e.metrics)), label: e.label(in.Mask, in.Values)}
	s.text = SliceKey(s.label)
	s.ctx = setting{srmFailed: point.SRM.State == string(stats.SRMFailed), thaws: e.thaws}
	for m := range e.metrics {
		// A correction is over all rows of the whole; else only the metric asked for is looked at.
		if in.Mask&^e.metrics[m].Dimensions == 0 && (in.Mask == 0 || e.metrics[m].Metric.ID == in.Metric) {
			e.evaluate(s, m, in.Mask, s.arms, s.ctx, then, r)
		}
	}
	if in.Mask == 0 {
		e.correct(s)
	}
	for key, f := range r.Facts {
		own[key] = f
	}
	for m := range e.metrics {
		if e.metrics[m].Metric.ID != in.Metric {
			continue
		}
		for _, row := range s.rows[m] {
			point.Rows = append(point.Rows, *row)
		}
	}
	return point
}

// FactsAt returns the facts that had been set at an instant. One without a date belongs to the definition, or to data that
// was taken as final.
func FactsAt(facts map[string]Tuning, at time.Time) map[string]Tuning {
	then := make(map[string]Tuning, len(facts))
	for key, f := range facts {
		if f.Final != nil && f.Final.Set != nil && f.Final.Set.After(at) {
			f.Final = nil
		}
		if f.Set != nil && f.Set.After(at) {
			if f.Final == nil {
				continue
			}
			f = Tuning{Final: f.Final, Definition: f.Definition}
		}
		then[key] = f
	}
	return then
}

// TrendMask returns the grouping and the values of a slice of at most one dimension; ok is false if there is no such
// dimension, or more than one.
func TrendMask(x *catalog.PlanExperiment, slice map[string]string) (mask uint, values []string, ok bool) {
	for i := range x.Dimensions {
		if v, has := slice[x.Dimensions[i].Name]; has {
			mask |= 1 << i
			values = append(values, v)
		}
	}
	return mask, values, bits.OnesCount(mask) == len(slice) && len(slice) <= 1
}
