package results

import (
	"math"
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
)

// A quantile metric's row compares the quantiles of two arms' events. Subjects are what was randomised, and a subject's events
// go together: so the error is that of the share of events up to a frozen cut, a ratio over subjects, carried over to the
// quantile by how the events are distributed.

const (
	// ReasonCutNotFrozen: the cut of a quantile metric is not frozen yet, or not in all cells; the error is not known. The
	// state is collecting.
	ReasonCutNotFrozen = "cut_not_frozen"
	// ReasonFewEvents: too few events lie beyond the quantile for an error of it. The state is collecting.
	ReasonFewEvents = "few_events"
)

// quantiles are the estimates of a row of a quantile metric.
type quantiles struct {
	treatment, control stats.Estimate
	few                bool
	// open: a subject's undecided events were too many, so its events may be counted wrongly.
	open bool
}

// quantiles returns the estimates of a row's arms.
func (m *metric) quantiles(treatment, control *cube.Cell) *quantiles {
	var q quantiles
	var few [2]bool
	q.treatment, few[0] = m.quantileOf(treatment)
	q.control, few[1] = m.quantileOf(control)
	q.few = few[0] || few[1]
	q.open = treatment.Metric(m.index).OpenLimit+control.Metric(m.index).OpenLimit > 0
	return &q
}

// quantileOf returns the estimate of an arm, and whether it has too few events for its variance.
func (m *metric) quantileOf(c *cube.Cell) (e stats.Estimate, few bool) {
	return stats.EventQuantile(c.Metric(m.index), c.Quantiles(m.index), m.Quantile, math.Pow10(m.valueScale))
}

// tune returns the tuning that the row's own data gives, nil while there is no error or an arm has fewer than 100 subjects.
func (q *quantiles) tune(subjects int64) *Tuning {
	v, ok := stats.TuneEstimates(q.treatment, q.control, subjects)
	if !ok {
		return nil
	}
	return &Tuning{V: v}
}

// forget takes the errors out: they are not known before the cut is frozen.
func (q *quantiles) forget() {
	none := stats.Number{}
	q.treatment.SE, q.treatment.Var, q.control.SE, q.control.Var, q.few = none, none, none, none, false
	q.treatment.DenominatorZ, q.control.DenominatorZ = none, none
}

// say adds a row's reasons: of why there is no error only the one that is meant.
func (q *quantiles) say(row *Row, waiting bool) {
	if q.open {
		row.Reasons = append(row.Reasons, string(stats.OpenLimit))
		if row.State != string(stats.NoData) && row.State != string(stats.Failed) {
			row.State = string(stats.Unreliable)
		}
	}
	if !waiting && !q.few {
		return
	}
	row.Reasons = slices.DeleteFunc(row.Reasons, func(r string) bool {
		return r == string(stats.TooFewSubjects) || r == string(stats.NoVariance)
	})
	if waiting {
		row.Reasons = append(row.Reasons, ReasonCutNotFrozen)
	} else {
		row.Reasons = append(row.Reasons, ReasonFewEvents)
	}
}
