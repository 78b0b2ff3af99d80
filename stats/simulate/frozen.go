package simulate

import (
	"math"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// What an engine freezes of the data, once, at the first look at which there is enough of it: the percentile at which values are
// clipped, and the cut up to which a quantile's events are counted. Until then nothing is said.

// Least there is before a percentile or a cut is frozen: so many subjects, and so many of them, or of the control's events, beyond it.
const leastPool, beyondFrozen = 1000, 20

// clip is what a population has where its scenario winsorizes.
type clip struct {
	frozen bool
	limit  int64
	pool   sketch.Quantiles
	before []unclipped
}

type unclipped struct {
	arm int8
	num int64
}

// addClipped counts a subject's value, clipped once the percentile is frozen.
func (p *Population) addClipped(e *Event) {
	num := e.Num
	if p.clip.frozen {
		num = min(num, p.clip.limit)
	} else {
		p.clip.pool.Add(num, 1)
		p.clip.before = append(p.clip.before, unclipped{int8(e.Arm), num})
	}
	p.Counts[e.Arm]++
	p.enter(0, e.Arm, moment.Point{In: true, Num: num, Den: 1})
}

// freezeClip takes the percentile of all values together. One at which all would be equal is not taken.
func (p *Population) freezeClip() {
	c, q := &p.clip, p.s.Winsorize
	if c.frozen || float64(len(c.before)) < math.Round(max(leastPool, beyondFrozen/(1-q))) {
		return
	}
	low, err := c.pool.Quantile(0)
	high, errHigh := c.pool.Quantile(q)
	if err != nil || errHigh != nil || low >= high {
		return
	}
	c.frozen, c.limit = true, high
	for _, u := range c.before {
		if u.num > high {
			p.leave(0, int(u.arm), moment.Point{In: true, Num: u.num, Den: 1})
			p.enter(0, int(u.arm), moment.Point{In: true, Num: high, Den: 1})
		}
	}
	c.before = nil
}

// distributed is what a population has where its scenario judges a quantile of events.
type distributed struct {
	frozen bool
	cut    int32                // the bin up to which events are counted
	events [2]*sketch.Quantiles // by arm
	// each are the sums by arm in which every event is a subject of its own: the fault of a variance by event.
	each  [2]moment.Sums
	owned [][]int32 // the bins of each subject's events, until the cut is frozen
}

// addValue counts one of a subject's events.
func (p *Population) addValue(e *Event) {
	d, u := &p.values, &p.subjects[e.Subject]
	if u.in {
		p.leave(0, e.Arm, u.point)
	} else {
		*u = subject{in: true, arm: int8(e.Arm), point: moment.Point{In: true}}
		p.Counts[e.Arm]++
	}
	i := sketch.IndexOf(e.Num)
	d.events[e.Arm].AddBin(i, 1)
	var upTo int64
	if d.frozen {
		upTo = d.upTo(i)
	} else {
		for len(d.owned) < len(p.subjects) {
			d.owned = append(d.owned, nil)
		}
		d.owned[e.Subject] = append(d.owned[e.Subject], i)
	}
	u.point.Num, u.point.Den = u.point.Num+upTo, u.point.Den+1
	p.enter(0, e.Arm, u.point)
	d.each[e.Arm].Add(moment.Point{In: true, Num: upTo, Den: 1})
}

func (d *distributed) upTo(bin int32) int64 {
	if bin <= d.cut {
		return 1
	}
	return 0
}

// freezeCut takes the control's quantile as the cut, and counts every subject's events up to it.
func (p *Population) freezeCut() {
	d, q := &p.values, p.s.Quantile
	if d.frozen || float64(d.events[Control].Count()) < beyondFrozen/min(q, 1-q) {
		return
	}
	c, err := d.events[Control].Quantile(q)
	if err != nil {
		return
	}
	d.frozen, d.cut = true, sketch.IndexOf(c)
	d.each = [2]moment.Sums{}
	for i, bins := range d.owned {
		u := &p.subjects[i]
		p.leave(0, int(u.arm), u.point)
		for _, bin := range bins {
			upTo := d.upTo(bin)
			u.point.Num += upTo
			d.each[u.arm].Add(moment.Point{In: true, Num: upTo, Den: 1})
		}
		p.enter(0, int(u.arm), u.point)
	}
	d.owned = nil
}

// quantiles evaluates the quantile of both arms' events; byEvent with every event as a subject of its own in the variance.
func (p *Population) quantiles(byEvent bool) (n Numbers, ok bool) {
	d := &p.values
	arm := func(a int) stats.Estimate {
		sums := &p.Cells[0][a]
		if byEvent {
			sums = &d.each[a]
		}
		e, _ := stats.EventQuantile(sums, d.events[a], p.s.Quantile, p.s.unit())
		e.N = p.Counts[a]
		return e
	}
	n.T, n.C = arm(Treatment), arm(Control)
	if !d.frozen || !(n.T.Var.V > 0) || !(n.C.Var.V > 0) {
		return n, false
	}
	n.Test = stats.CompareEstimates(n.T, n.C, stats.Design{Alpha: p.s.alpha()}).Difference
	return n, true
}

// silence is why nothing may be said yet of the whole's first metric.
func (p *Population) silence(n *Numbers) []stats.Reason {
	switch {
	case p.s.Quantile > 0:
		// What a comparison of estimates asks for.
		var rs []stats.Reason
		if n.T.N < leastSubjects || n.C.N < leastSubjects {
			rs = append(rs, stats.FewSubjects)
		}
		if !stats.StableDenominators(n.T, n.C) {
			rs = append(rs, stats.UnstableDenominator)
		}
		return rs
	case p.s.Winsorize > 0 && !p.clip.frozen:
		return []stats.Reason{stats.NotTuned} // sums that will be others tune nothing
	}
	treatment, control := p.Cell(0, 0)
	return stats.Silence(treatment, control, n.T, n.C)
}

// leastSubjects of an arm before anything is said of it.
const leastSubjects = 100

// tune is v* of the whole's first metric.
func (p *Population) tune(n *Numbers, planned int64) float64 {
	var v float64
	if p.s.Quantile > 0 {
		v, _ = stats.TuneEstimates(n.T, n.C, planned)
	} else {
		treatment, control := p.Cell(0, 0)
		v, _ = stats.Tune(treatment, control, p.s.Scale, planned)
	}
	return v
}

const eachEvent = "each event by itself"

// EachEvent is Adopted with the variance of events that are taken for independent, as if no two were of one subject: a negative control.
func EachEvent(alpha float64) Rule {
	return Rule{Name: eachEvent, Unpublished: true, Start: func(s *Scenario) Decider {
		return &byEvent{alpha: alpha, planned: s.planned()}
	}}
}

type byEvent struct {
	alpha   float64
	planned int64
	tuning  stats.Tuning
}

func (b *byEvent) Skip(p *Population, _, _ float64, _ bool) bool {
	return p.Counts[0] < leastSubjects || p.Counts[1] < leastSubjects
}

func (b *byEvent) Decide(l *Look) (rejects, misses bool) {
	n, ok := l.Population.quantiles(true)
	if !ok {
		return false, false
	}
	if !b.tuning.Set() {
		b.tuning.V, _ = stats.TuneEstimates(n.T, n.C, b.planned)
	}
	return outside(b.tuning.Always(n.Test, n.T.N, n.C.N, b.alpha).Interval, l.Effect)
}
