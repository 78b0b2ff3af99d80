package results

import (
	"fmt"
	"math"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// DaysShown is how many days since the first exposure are told apart.
const DaysShown = 14

// DriftWindows are the pairs of windows whose effects are compared, in days since the first exposure, the earlier one first.
// Day 0 is only a part of a day and stays out. Two weeks have the same days of the week in both; two times three days are
// there sooner.
var DriftWindows = [][2][2]int{{{1, 7}, {8, 14}}, {{1, 3}, {4, 6}}}

// Days is how an experiment's effects go with the days since the first exposure: novelty that wears off, or learning. It is a
// dated fact: of the subjects as they were at AsOf.
type Days struct {
	Experiment string     `json:"experiment"`
	AsOf       time.Time  `json:"as_of"`
	Watermark  *time.Time `json:"watermark"`
	// Subjects is how many were looked at; Sampled says that they are a random part of all.
	Subjects int64        `json:"subjects"`
	Sampled  bool         `json:"sampled"`
	Metrics  []MetricDays `json:"metrics"`
}

// MetricDays is one metric for one treatment against control.
type MetricDays struct {
	Metric     string  `json:"metric"`
	Definition string  `json:"definition"`
	Variant    string  `json:"variant"`
	Control    string  `json:"control"`
	Format     string  `json:"format,omitempty"`
	Days       []Day   `json:"days"`
	Drift      []Drift `json:"drift"`
}

// Day is the metric over one UTC day since the day of the first exposure, of the subjects for whom that day is over.
type Day struct {
	Day       int               `json:"day"`
	ByVariant map[string]DayArm `json:"by_variant"`
	// Difference has a fixed-horizon interval, for one look at one day.
	Difference DayDifference `json:"difference"`
}

// DayArm is one variant.
type DayArm struct {
	N     int64    `json:"n"`
	Value *float64 `json:"value"`
	SE    *float64 `json:"se"`
}

// DayDifference is treatment − control.
type DayDifference struct {
	Value    *float64 `json:"value"`
	SE       *float64 `json:"se"`
	Interval Interval `json:"interval"`
}

// Drift is the effect in a later window less that in an earlier one, of the subjects for whom both are over.
type Drift struct {
	Early [2]int           `json:"early"` // first and last day
	Late  [2]int           `json:"late"`
	N     map[string]int64 `json:"n"`
	DayDifference
	// PAlways holds however often one looks, for as many checks as the experiment has; null while there is no tuning, or fewer
	// than 100 subjects in an arm.
	PAlways *float64 `json:"p_always"`
}

// DaysInputs are what a Days is evaluated from: sums by metric, range and variant.
type DaysInputs struct {
	AsOf      time.Time
	Watermark *time.Time
	Subjects  int64
	Sampled   bool
	Facts     map[string]Tuning
	// Days has the sums of each of DaysShown days, Windows those of each of DriftWindows: the later one as numerator and
	// denominator, the earlier one in the place of the pre-period. Both are nil for a metric that days do not divide.
	Days, Windows [][][]moment.Sums
}

// minDriftSubjects is the silence rule's.
const minDriftSubjects = 100

// EvaluateDays evaluates what was gathered.
func EvaluateDays(plan *catalog.Plan, experiment int, in DaysInputs) *Days {
	e := NewEvaluator(plan, experiment)
	d := &Days{Experiment: e.x.ID, AsOf: in.AsOf.UTC(), Watermark: in.Watermark, Subjects: in.Subjects, Sampled: in.Sampled, Metrics: []MetricDays{}}
	for i := range e.metrics {
		mt := &e.metrics[i]
		if in.Days[mt.index] == nil {
			continue
		}
		for _, v := range e.treatments {
			md := MetricDays{Metric: mt.Metric.ID, Definition: mt.hash, Variant: e.x.Variants[v].ID, Control: e.x.Variants[e.control].ID, Format: mt.format, Days: []Day{}, Drift: []Drift{}}
			for k := range in.Days[mt.index] {
				sums := in.Days[mt.index][k]
				if sums[v].N > 0 || sums[e.control].N > 0 {
					md.Days = append(md.Days, e.day(mt, k, v, sums))
				}
			}
			for k := range in.Windows[mt.index] {
				sums := in.Windows[mt.index][k]
				if sums[v].N > 0 && sums[e.control].N > 0 {
					md.Drift = append(md.Drift, e.drift(mt, k, v, sums, in.Facts))
				}
			}
			d.Metrics = append(d.Metrics, md)
		}
	}
	return d
}

func (e *Evaluator) day(mt *metric, k, v int, sums []moment.Sums) Day {
	cmp := stats.Compare(&sums[v], &sums[e.control], stats.Design{Scale: mt.scale, Alpha: e.x.Alpha, Direction: mt.design.Direction})
	arm := func(n int64, of stats.Estimate) DayArm { return DayArm{N: n, Value: of.Value.Ptr(), SE: of.SE.Ptr()} }
	return Day{
		Day: k, Difference: dayDifference(cmp.Difference),
		ByVariant: map[string]DayArm{e.x.Variants[v].ID: arm(sums[v].N, cmp.Treatment), e.x.Variants[e.control].ID: arm(sums[e.control].N, cmp.Control)},
	}
}

func dayDifference(t stats.Test) DayDifference {
	return DayDifference{Value: t.Value.Ptr(), SE: t.SE.Ptr(), Interval: t.Interval.Ptr()}
}

// drift compares two windows. Each subject enters it once, when its later window is over, so that an always-valid test by
// its information holds as written; the information is measured by the row's own tuning, which only decides where the test is
// sharpest.
func (e *Evaluator) drift(mt *metric, k, v int, sums []moment.Sums, facts map[string]Tuning) Drift {
	t, c := &sums[v], &sums[e.control]
	test := stats.Drift(t, c, mt.scale, mt.Denominator < 0, e.x.Alpha)
	d := Drift{Early: DriftWindows[k][0], Late: DriftWindows[k][1], DayDifference: dayDifference(test), N: map[string]int64{e.x.Variants[v].ID: t.N, e.x.Variants[e.control].ID: c.N}}
	tuning := stats.Tuning{Tau2: mt.design.Tuning.Tau2}
	if f := facts[rowKey(mt.Metric.ID, nil, e.x.Variants[v].ID)]; !mt.tau2 && (f.Definition == "" || f.Definition == mt.hash) {
		tuning = stats.Tuning{V: f.V, Tau2: f.Tau2}
	}
	if tuning.Tau2 == 0 {
		test = test.Cautious()
	}
	if min(t.N, c.N) < minDriftSubjects || !test.Z.OK || !test.SE.OK || test.SE.V == 0 {
		return d
	}
	checks := float64(len(e.metrics) * len(e.treatments) * len(DriftWindows))
	p := stats.AlwaysChiSquared(test.Z.V*test.Z.V, 1, tuning.Progress(t.N, c.N, test.SE.V, e.x.Alpha), oddLevel/checks)
	if p.OK {
		corrected := math.Min(1, p.V*checks)
		d.PAlways = &corrected
	}
	return d
}

// Warnings are those that rows get from d, by Row.Key: of each row's windows the clearest.
func (d *Days) Warnings() map[string][]Warning {
	found := map[string][]Warning{}
	for i := range d.Metrics {
		m := &d.Metrics[i]
		var clearest *Drift
		for k := range m.Drift {
			if w := &m.Drift[k]; w.PAlways != nil && *w.PAlways <= oddLevel && (clearest == nil || *w.PAlways < *clearest.PAlways) {
				clearest = w
			}
		}
		if clearest == nil {
			continue
		}
		p := *clearest.PAlways
		found[rowKey(m.Metric, nil, m.Variant)] = []Warning{{Code: "novelty", P: &p,
			Text: fmt.Sprintf("the effect on days %d to %d after the exposure is not that on days %d to %d (p %s; looked at %s): see the days since exposure before extrapolating",
				clearest.Late[0], clearest.Late[1], clearest.Early[0], clearest.Early[1], FormatP(&p, oddLevel), d.AsOf.Format("2006-01-02 15:04 UTC"))}}
	}
	return found
}
