package results

import (
	"math"
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
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

// leastSubjects of an arm, before anything is said of it: the silence rule's, statistics.md §3.5.
const leastSubjects = 100

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

// quantileOf returns the estimate of an arm, and whether it has too few events for its variance. With F the share of events
// up to the cut c and s² its variance over subjects by the delta method,
//
//	s_p² = s²·p(1−p) / (F(1−F)),   SE = max over j = 1, 2 of (Q(p + j·s_p) − Q(p − j·s_p)) / 2j
//
// but the longer side alone where it is over three times the other.
//
// The first carries the error from the cut, where it is known, to the quantile: subjects' events go together there as much.
// The second is half of Woodruff's interval at one and at two errors: where many values are equal the narrow one may see no
// others, though the quantile is about to step to the next, on one side. Q spreads equal values over a unit, so it never is without width. An arm has enough events if, counted by what their error is
// worth, n ≥ 4·p/(1−p) and n ≥ 4·(1−p)/p.
// Sources: Deng, Knoblich & Lu, KDD 2018 (arXiv:1803.06336), §4; Woodruff, JASA 1952; statistics.md §2.12.
func (m *metric) quantileOf(c *cube.Cell) (e stats.Estimate, few bool) {
	sums, events, p := c.Metric(m.index), c.Quantiles(m.index), m.Quantile
	e.N = sums.N
	unit := math.Pow10(m.valueScale)
	at, err := events.At(p)
	if err != nil {
		return e, false // no events
	}
	e.Value = stats.Known(at / unit)
	share, err := stats.Ratio(sums, moment.Scale{})
	e.DenominatorZ = share.DenominatorZ // events per subject
	if f := share.Value.V; err != nil || !share.Var.OK || f <= 0 || f >= 1 {
		return e, false // the cut is not frozen, or all events lie on one side of it
	} else {
		s := math.Sqrt(share.Var.V * p * (1 - p) / (f * (1 - f)))
		if worth := p * (1 - p) / (s * s); !(worth >= 4*math.Max(p/(1-p), (1-p)/p)) {
			return e, true
		}
		e.SE = stats.Known(quantileError(events, p, s, at) / unit)
		e.Var = stats.Known(e.SE.V * e.SE.V)
	}
	return e, false
}

// steep is from where on the two sides of a quantile are not those of a smooth distribution.
const steep = 3

// quantileError is SE of quantileOf in the values' own integers.
func quantileError(events *sketch.Quantiles, p, s, at float64) float64 {
	widest := 0.0
	for j := 1.0; j <= 2; j++ {
		low, errLow := events.At(p - j*s)
		high, errHigh := events.At(p + j*s)
		if errLow != nil || errHigh != nil {
			return math.NaN()
		}
		up, down := (high-at)/j, (at-low)/j
		if w := max(up, down); w > steep*min(up, down) {
			widest = max(widest, w)
		} else {
			widest = max(widest, (up+down)/2)
		}
	}
	return widest
}

// tune returns the tuning that the row's own data gives, nil while there is no error or an arm has fewer than 100 subjects.
func (q *quantiles) tune(subjects int64) *Tuning {
	t, c := q.treatment, q.control
	if t.N < leastSubjects || c.N < leastSubjects || !(t.Var.V > 0) || !(c.Var.V > 0) || !stats.StableDenominators(t, c) {
		return nil
	}
	v := stats.Intrinsic(t.N, c.N, math.Sqrt(stats.AlwaysVar(t, c).V)) * (float64(subjects) / float64(t.N+c.N))
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
