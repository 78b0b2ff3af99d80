package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// RampStep is an instant from which subjects are split by other weights than before.
type RampStep struct {
	From time.Time
	// Weights are those of Experiment.Variants, in their order.
	Weights []float64
}

// Planned is how subjects first exposed from an instant on, up to the next step, were to be split.
type Planned struct {
	From time.Time
	// Weights are those of Experiment.Variants, in their order.
	Weights []float64
}

// Planned returns the planned weights in the order of time: those of variants from start on, then each step of the ramp.
func (e *Experiment) Planned() []Planned {
	first := Planned{From: e.Start}
	for _, v := range e.Variants {
		first.Weights = append(first.Weights, v.Weight)
	}
	all := []Planned{first}
	for _, s := range e.Ramp {
		all = append(all, Planned(s))
	}
	return all
}

// PlannedAt returns the weights by which a subject first exposed at an instant was to be split.
func (e *Experiment) PlannedAt(at time.Time) []float64 {
	all := e.Planned()
	now := all[0]
	for _, p := range all[1:] {
		if !at.Before(p.From) {
			now = p
		}
	}
	return now.Weights
}

// maxRampSteps bounds what every cell keeps beside its metrics.
const maxRampSteps = 32

const rampHint = "such as ramp: [{from: 2026-03-04, weights: {control: 90, treatment: 10}}]"

// ramp reads the steps at which the planned weights change. It needs the variants and the period.
func (l *loader) ramp(e *Experiment, r *reader) {
	if list := r.list("ramp"); len(list) > maxRampSteps {
		l.report.at("E052", list[maxRampSteps], fmt.Sprintf("a ramp of %d steps", len(list)), fmt.Sprintf("at most %d steps; a split that changes all the time can't be checked", maxRampSteps))
		return
	}
	for _, n := range r.list("ramp") {
		s := openAs("ramp", n, r.shape.find("ramp").shape, l.report)
		if s == nil {
			continue
		}
		before := l.report.errors
		step := RampStep{From: s.time("from"), Weights: l.stepWeights(e, s)}
		l.stepTime(e, step.From, s)
		if l.report.errors > before || step.Weights == nil || step.From.IsZero() {
			continue
		}
		all := e.Planned()
		if slices.Equal(shares(all[len(all)-1].Weights), shares(step.Weights)) {
			l.report.at("W115", s.value("weights"), "these weights are those of before", "a step without a change only divides the check of the split")
		}
		e.Ramp = append(e.Ramp, step)
	}
}

// stepTime checks that a step lies within the experiment, after the one before it.
func (l *loader) stepTime(e *Experiment, from time.Time, s *reader) {
	n := s.value("from")
	if n == nil || from.IsZero() {
		return
	}
	if !e.Start.IsZero() && from.UnixMicro() <= e.Start.UnixMicro() {
		l.report.at("E052", n, fmt.Sprintf("%s is not after start", n.text), "the weights from start on are those of variants")
		return
	}
	if !e.Stop.IsZero() && !from.Before(e.Stop) {
		l.report.at("E052", n, fmt.Sprintf("%s is not before stop", n.text), "no subject is first exposed from stop on")
		return
	}
	if k := len(e.Ramp); k > 0 && from.UnixMicro() <= e.Ramp[k-1].From.UnixMicro() {
		l.report.at("E052", n, fmt.Sprintf("%s is not after the step before it (%s)", n.text, timeText(e.Ramp[k-1].From)), "write the steps in the order of time")
		return
	}
	if !e.End.IsZero() && !from.Before(e.End) {
		l.report.at("W115", n, fmt.Sprintf("%s is not before the planned end (%s)", n.text, timeText(e.End)), "check the date; the step counts all the same, for the planned end cuts nothing")
	}
}

// stepWeights returns the weights of a step for each variant of the experiment; nil if they are not that.
func (l *loader) stepWeights(e *Experiment, s *reader) []float64 {
	n := s.value("weights")
	if n == nil || len(e.Variants) == 0 {
		return nil // reported already
	}
	if n.kind != mappingNode {
		l.report.at("E008", n, fmt.Sprintf("\"weights\" must be a mapping of variants to weights, not %s", n.kind), rampHint)
		return nil
	}
	var ids, missing []string
	for _, v := range e.Variants {
		ids = append(ids, v.ID)
	}
	weights, seen, total := make([]float64, len(ids)), make([]bool, len(ids)), 0.0
	for _, p := range n.pairs {
		i := slices.Index(ids, p.key.text)
		switch {
		case i < 0:
			l.report.at("E052", p.key, fmt.Sprintf("%q is not one of the variants", p.key.text), didYouMean(p.key.text, ids))
			continue
		case seen[i]:
			l.report.at("E005", p.key, fmt.Sprintf("variant %q is there twice", p.key.text), "keep one")
			continue
		}
		seen[i] = true
		if w, ok := l.weight(p); ok {
			weights[i] = w
			total += w
		} else {
			total = 1 // reported already
		}
	}
	l.unseen(n.pairs, total)
	for i, id := range ids {
		if !seen[i] {
			missing = append(missing, id)
		}
	}
	switch {
	case len(missing) > 0:
		l.report.at("E052", n, "no weight for "+strings.Join(missing, ", "), "name every variant; one that nobody is assigned to has the weight 0")
		return nil
	case total <= 0:
		l.report.at("E041", n, "all weights are 0", "weights are the planned split, such as {control: 90, treatment: 10}")
		return nil
	}
	return weights
}

// shares are weights as reduced fractions of their sum.
func shares(weights []float64) []string {
	list := make([]Variant, len(weights))
	for i, w := range weights {
		list[i].Weight = w
	}
	return ratios(list)
}
