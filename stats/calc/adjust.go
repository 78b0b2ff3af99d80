package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// adjust answers for many comparisons. What each correction needs: Bonferroni, Holm and BH p-values; e-BH e-values. An ordinary p-value
// is no 1/e: taken for one, e-BH is BH without its conditions. So p alone is calibrated, and only if e-BH is asked for by name.
func (a *Answer) adjust(r Request) error {
	logE, err := r.evidence()
	if err != nil {
		return err
	}
	correction := r.Correction
	if correction == "e-bh" {
		correction = "ebh"
	}
	only := func(name string) bool { return correction == "" || correction == name }
	m := &Multiplicity{}
	switch correction {
	case "", "ebh":
	case "bonferroni", "holm", "bh":
		if r.P == nil {
			return fmt.Errorf("correction %s adjusts p-values; give p, or correction ebh for e-values: %w", correction, ErrRequest)
		}
	default:
		return fmt.Errorf("correction is %q; bonferroni, holm, bh and ebh are known: %w", r.Correction, ErrRequest)
	}
	if r.P != nil && only("bonferroni") {
		m.Bonferroni = r.kinds(stats.Bonferroni)
	}
	if r.P != nil && only("holm") {
		m.Holm = r.kinds(stats.Holm)
	}
	if r.P != nil && only("bh") {
		m.BH = stats.BenjaminiHochberg(r.P)
	}
	if logE == nil && correction == "ebh" {
		for _, p := range r.P {
			logE = append(logE, stats.CalibratedLogE(p))
		}
		m.LogE, m.Calibrator = logE, calibrator
	}
	if logE != nil && only("ebh") {
		m.EBH, m.EBHAdjusted = stats.EBenjaminiHochberg(logE, a.Alpha), stats.EBenjaminiHochbergP(logE)
	}
	a.Multiplicity = m
	return nil
}

// kinds adjusts p over the goals and over the others, each against their share of alpha; over all of it where nobody says which are goals.
func (r *Request) kinds(adjust func([]float64) []float64) []float64 {
	if r.Goals == nil {
		return adjust(r.P)
	}
	goals, others := *r.Goals, len(r.P)-*r.Goals
	shares := stats.Divide(1, 0.5, goals, others)
	out := append(adjust(r.P[:goals]), adjust(r.P[goals:])...)
	for i := range out {
		share := shares.Goal * float64(goals)
		if i >= goals {
			share = shares.Other * float64(others)
		}
		out[i] = math.Min(1, out[i]/share)
	}
	return out
}

// evidence checks p, e and log_e, and returns the e-values as ln e; nil if none are given.
func (r *Request) evidence() ([]float64, error) {
	refuse := func(format string, args ...any) error { return fmt.Errorf(format+": %w", append(args, ErrRequest)...) }
	for _, list := range []struct {
		name  string
		empty bool
	}{{"p", r.P != nil && len(r.P) == 0}, {"e", r.E != nil && len(r.E) == 0}, {"log_e", r.LogE != nil && len(r.LogE) == 0}} {
		if list.empty {
			return nil, refuse("%s is an empty list; give a number for each hypothesis", list.name)
		}
	}
	for i, p := range r.P {
		if !(p >= 0 && p <= 1) {
			return nil, refuse("p[%d] is %v; a p-value lies between 0 and 1", i, p)
		}
	}
	logE := r.LogE
	for i, e := range r.LogE {
		if math.IsNaN(e) || math.IsInf(e, 1) {
			return nil, refuse("log_e[%d] is %v; it must be a number", i, e)
		}
	}
	for i, e := range r.E {
		if !(e >= 0) || math.IsInf(e, 1) {
			return nil, refuse("e[%d] is %v; an e-value is a number from 0 on", i, e)
		}
		logE = append(logE, math.Log(e))
	}
	switch {
	case r.E != nil && r.LogE != nil:
		return nil, refuse("e and log_e are the same thing; give one")
	case r.P != nil && logE != nil && len(r.P) != len(logE):
		return nil, refuse("p has %d hypotheses and e %d; give both for all of them, or ask twice", len(r.P), len(logE))
	}
	return logE, nil
}
