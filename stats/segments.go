package stats

import "math"

// Segment is the test of one stratum against the others.
type Segment struct {
	// Test is of the stratum's difference less that of the rest; P is for one look and one stratum.
	Test
	// PAdjusted is P times the number of strata, at most 1 (Bonferroni).
	PAdjusted Number
}

// SegmentsAgainstRest tests for each stratum whether its difference is another than that of the rest: the others together, each by its
// share of their subjects. It says which stratum stands out where CochranQ says that one does. Absent for a stratum that has fewer than
// two subjects in an arm, whose rest has none, or where nothing varies. Source: Statsig's differential impact detection; the variances
// of independent strata add up.
func SegmentsAgainstRest(strata []Stratum, alpha float64) []Segment {
	segments := make([]Segment, len(strata))
	var usable []Stratum
	for _, s := range strata {
		if s.whole() {
			usable = append(usable, s)
		}
	}
	l := levelOf(alpha)
	for i, s := range strata {
		if !s.whole() {
			continue
		}
		var n, diff, v float64
		skipped := false
		for _, o := range usable {
			if !skipped && o == s {
				skipped = true
				continue
			}
			m := float64(o.Treatment.N + o.Control.N)
			n += m
			diff += m * (o.Treatment.Value.V - o.Control.Value.V)
			v += m * m * (o.Treatment.Var.V + o.Control.Var.V)
		}
		if n == 0 {
			continue
		}
		own := s.Treatment.Value.V - s.Control.Value.V
		test := normalTest(own-diff/n, Known(s.Treatment.Var.V+s.Control.Var.V), Known(v/n/n), l)
		segments[i].Test = test
		if test.P.OK {
			segments[i].PAdjusted = Known(math.Min(1, test.P.V*float64(len(usable))))
		}
	}
	return segments
}

// NoveltyWord says how an effect changes with the time since the first exposure.
type NoveltyWord string

const (
	NoveltyUnknown NoveltyWord = ""
	Steady         NoveltyWord = "steady"  // no change is shown
	Fading         NoveltyWord = "fading"  // the late effect is nearer to none, or on the other side, than the early one
	Growing        NoveltyWord = "growing" // it is further away
)

// Novelty returns the word for a Drift beside the effect of the early window. It goes by the always-valid p of the drift where it has one,
// else by the p of one look, at level alpha. Source: elementary.
func Novelty(drift, early Test, alpha float64) NoveltyWord {
	p := drift.P
	if drift.Always.P.OK {
		p = drift.Always.P
	}
	switch {
	case !p.OK || !early.Value.OK:
		return NoveltyUnknown
	case p.V > alpha:
		return Steady
	case early.Value.V == 0 || (drift.Value.V > 0) == (early.Value.V > 0):
		return Growing
	}
	return Fading
}

// SampleRatioSlices tests the split in each slice against the same weights, so that all of them together are called failed, wrongly, at
// most opt.Alpha of the time at any look: each has Alpha over their number. A slice of a dimension that the treatment can change is no
// random part of the subjects; test the split in those known before the first exposure. It returns ErrWeights.
// Source: Eppo's and Statsig's checks by dimension, with Bonferroni; the test is SampleRatio's.
func SampleRatioSlices(counts [][]int64, weights []float64, opt SRMOptions) ([]SRM, error) {
	opt = opt.withDefaults()
	opt.Alpha /= math.Max(1, float64(len(counts)))
	all := make([]SRM, len(counts))
	for i, c := range counts {
		var err error
		if all[i], err = SampleRatio(c, weights, opt); err != nil {
			return nil, err
		}
	}
	return all, nil
}
