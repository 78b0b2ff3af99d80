package stats

import (
	"math"

	"github.com/tidemark/tidemark/stats/moment"
)

// Distribution is how values are distributed: At returns the value at the share p of them, p in [0, 1], rising with p. Where values
// are equal it should still rise (as sketch.Quantiles does, which spreads them over a unit), or their error looks like none.
type Distribution interface {
	At(p float64) (float64, error)
}

// EventQuantile returns the estimate of the p-quantile of an arm's events, and whether it has too few events for its variance. sums
// are over the arm's subjects: numerators count a subject's events up to a cut c that does not depend on the arms' later data,
// denominators all of its events; unit is what one of a metric's units is in the events' values. With F the share of events
// up to the cut and s² its variance over subjects by the delta method,
//
//	s_p² = s²·p(1−p) / (F(1−F)),   SE = max over j = 1, 2 of (Q(p + j·s_p) − Q(p − j·s_p)) / 2j
//
// but the longer side alone where it is over three times the other.
//
// The first carries the error from the cut, where it is known, to the quantile: subjects' events go together there as much.
// The second is half of Woodruff's interval at one and at two errors: where many values are equal the narrow one may see no
// others, though the quantile is about to step to the next, on one side. Q must spread equal values, so that it never is without
// width. An arm has enough events if, counted by what their error is worth, n ≥ 4·p/(1−p) and n ≥ 4·(1−p)/p.
// The value is absent without events; the error where all events lie on one side of the cut, or none is counted up to it yet.
// Sources: Deng, Knoblich & Lu, KDD 2018 (arXiv:1803.06336), §4; Woodruff, JASA 1952.
func EventQuantile(sums *moment.Sums, events Distribution, p, unit float64) (e Estimate, few bool) {
	e.N = sums.N
	at, err := events.At(p)
	if err != nil {
		return e, false // no events
	}
	e.Value = Known(at / unit)
	share, err := Ratio(sums, moment.Scale{})
	e.DenominatorZ = share.DenominatorZ // events per subject
	if f := share.Value.V; err != nil || !share.Var.OK || f <= 0 || f >= 1 {
		return e, false // the cut is not frozen, or all events lie on one side of it
	} else {
		s := math.Sqrt(share.Var.V * p * (1 - p) / (f * (1 - f)))
		if worth := p * (1 - p) / (s * s); !(worth >= 4*math.Max(p/(1-p), (1-p)/p)) {
			return e, true
		}
		e.SE = Known(quantileError(events, p, s, at) / unit)
		e.Var = Known(e.SE.V * e.SE.V)
	}
	return e, false
}

// steep is from where on the two sides of a quantile are not those of a smooth distribution.
const steep = 3

// quantileError is SE of EventQuantile in the values' own integers.
func quantileError(events Distribution, p, s, at float64) float64 {
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

// TuneEstimates is Tune for two independent estimates: it returns v* = v·subjects/n, and whether 100 subjects an arm, variances above
// 0 and denominators clear of 0 allow to set it. Source: as Tune.
func TuneEstimates(t, c Estimate, subjects int64) (v float64, ok bool) {
	if t.N < minSubjects || c.N < minSubjects || !(t.Var.V > 0) || !(c.Var.V > 0) || !StableDenominators(t, c) {
		return 0, false
	}
	return Intrinsic(t.N, c.N, math.Sqrt(AlwaysVar(t, c).V)) * (float64(subjects) / float64(t.N+c.N)), true
}
