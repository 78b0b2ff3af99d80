package results

import (
	"math"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
)

// What is said of several rows together. It is computed after the rows, from what they hold; a row about which something else is said than
// before becomes another row, so that it is published, and the others stay the same.

// goalShare is the part of the experiment's alpha that its goals have, where it has other metrics as well.
const goalShare = 0.5

func correctionOf(x *catalog.Experiment) string {
	if x.Correction == catalog.NoCorrection {
		return ""
	}
	return string(x.Correction)
}

// share divides the experiment's alpha over the rows of the whole, goals first, where the definition asks for it: then each row
// stands by itself and needs no other to be decided.
func (e *Evaluator) share() {
	if e.x.Correction != catalog.Bonferroni {
		return
	}
	goals, others := 0, 0
	for i := range e.metrics {
		switch {
		case !e.metrics[i].tested():
		case e.metrics[i].Role == catalog.Goal:
			goals += len(e.treatments)
		default:
			others += len(e.treatments)
		}
	}
	shares := stats.Divide(e.x.Alpha, goalShare, goals, others)
	for i := range e.metrics {
		share := shares.Other
		if e.metrics[i].Role == catalog.Goal {
			share = shares.Goal
		}
		if share != e.x.Alpha {
			e.metrics[i].share = share
		}
	}
}

// amend returns the row for changing: the same if nobody has seen it yet, else a copy that takes its place.
func (e *Evaluator) amend(at **Row) *Row {
	if (*at).look != e.look {
		c := **at
		c.look = e.look
		*at = &c
	}
	return *at
}

// correct corrects the rows of the whole for their number.
func (e *Evaluator) correct(whole *evaluated) {
	if e.x.Correction == catalog.NoCorrection || e.x.Correction == "" {
		return
	}
	var all []**Row
	goals := 0
	for m := range e.metrics { // goals stand first
		for i := range whole.rows[m] {
			if !e.metrics[m].tested() {
				continue
			}
			all = append(all, &whole.rows[m][i])
		}
		if e.metrics[m].Role == catalog.Goal {
			goals = len(all)
		}
	}
	adjusted := e.adjust(all, goals, func(row *Row) *float64 { return row.deciding(e.x.Fixed) })
	unlooked := adjusted
	if e.x.Sequential.FinalLook && !e.x.Fixed {
		unlooked = e.adjust(all, goals, func(row *Row) *float64 { return row.seq })
	}
	for i := range all {
		e.apply(all[i], adjusted[i], unlooked[i])
	}
}

// adjust returns the corrected p of each row; rows without one take part with p = 1 and e = 1.
func (e *Evaluator) adjust(rows []**Row, goals int, deciding func(*Row) *float64) []float64 {
	p, logE := make([]float64, len(rows)), make([]float64, len(rows))
	for i, at := range rows {
		row := *at
		p[i], logE[i] = 1, row.e.V
		if own := deciding(row); own != nil {
			p[i] = *own
		}
	}
	switch e.x.Correction {
	case catalog.Bonferroni:
		for i, at := range rows {
			if share := (*at).Alpha; share > 0 {
				p[i] = math.Min(1, p[i]*e.x.Alpha/share)
			}
		}
	case catalog.Holm:
		shares := stats.Divide(1, goalShare, goals, len(rows)-goals)
		first, second := stats.Holm(p[:goals]), stats.Holm(p[goals:])
		for i := range first {
			p[i] = math.Min(1, first[i]/(shares.Goal*float64(goals)))
		}
		for i := range second {
			p[goals+i] = math.Min(1, second[i]/(shares.Other*float64(len(rows)-goals)))
		}
	case catalog.BH:
		p = stats.BenjaminiHochberg(p)
	case catalog.EBH:
		p = stats.EBenjaminiHochbergP(logE)
	}
	return p
}

// deciding is the p that decides a row's state by itself.
func (r *Row) deciding(fixed bool) *float64 {
	if fixed {
		return r.Difference.P
	}
	return r.Difference.PAlways
}

// apply writes a row's corrected p, and its state after it; unlooked is what the p would be without the final look.
func (e *Evaluator) apply(at **Row, adjusted, unlooked float64) {
	row := *at
	var p *float64
	if row.deciding(e.x.Fixed) != nil {
		p = &adjusted
	}
	state, reasons := row.word, row.Reasons
	if e.x.Correction != catalog.Bonferroni { // whose rows have been decided at their shares
		switch stats.State(row.word) {
		case stats.Better, stats.Worse:
			reasons = slices.DeleteFunc(slices.Clone(reasons), func(r string) bool { return r == ReasonCorrected || r == ReasonFinalLook })
			switch {
			case p == nil || adjusted > e.x.Alpha:
				state = string(stats.NotClear)
				reasons = append(reasons, ReasonCorrected)
			case row.looked || unlooked > e.x.Alpha:
				reasons = append(reasons, ReasonFinalLook)
			}
			slices.Sort(reasons)
		}
	}
	if equalFloat(row.PAdjusted, p) && row.State == state && slices.Equal(row.Reasons, reasons) {
		return
	}
	row = e.amend(at)
	row.PAdjusted, row.State, row.Reasons = p, state, reasons
}

// standOut gives the rows of a grouping's slices their false discovery rate, for each metric and treatment over all slices of the
// grouping. Slices explore: their states stay.
func (e *Evaluator) standOut(mask uint, all []*evaluated) {
	n := len(e.treatments)
	was := e.families[mask]
	now := make([]int, len(e.metrics)*n)
	var family []**Row
	var logE []float64
	for m := range e.metrics {
		for i := range n {
			family, logE = family[:0], logE[:0]
			fresh := false
			for _, s := range all {
				if s.rows[m] == nil {
					continue
				}
				at := &s.rows[m][i]
				family, logE = append(family, at), append(logE, (*at).e.V)
				fresh = fresh || (*at).look == e.look
			}
			now[m*n+i] = len(family)
			if !fresh && was != nil && was[m*n+i] == len(family) {
				continue
			}
			for j, q := range stats.EBenjaminiHochbergP(logE) {
				row := *family[j]
				if !row.e.OK {
					continue
				}
				if row.Q == nil || *row.Q != q {
					e.amend(family[j]).Q = &q
				}
			}
		}
	}
	e.families[mask] = now
}
