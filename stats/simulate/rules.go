package simulate

import (
	"math"

	"github.com/tidemark/tidemark/stats"
)

// near is the part of a bound below which the quick z is surely below it: it is good to many more digits.
const near = 1 - 1e-6

// leastK is the smallest boundary of the normal mixture at level alpha, over all shares of the data: what no k is below.
// The Student mixture's is above it.
func leastK(alpha float64) float64 {
	low, high := math.Log(1e-3), math.Log(1e6)
	at := func(x float64) float64 { return stats.BoundaryByCount(math.Exp(x), 1, alpha) }
	for range 200 { // golden section; it has one minimum
		a, b := low+(high-low)*.382, low+(high-low)*.618
		if at(a) < at(b) {
			high = b
		} else {
			low = a
		}
	}
	return at((low + high) / 2)
}

// quick is a decider with one bound that no k is below, silent below a number of subjects in an arm.
type quick struct {
	burnIn int64
	least  float64
	atEnd  bool
	k      func(l *Look, n *Numbers) float64
}

func (q *quick) Skip(p *Population, z, missed float64, last bool) bool {
	if q.atEnd && !last || p.Counts[0] < q.burnIn || p.Counts[1] < q.burnIn {
		return true
	}
	return !(math.Abs(z) >= q.least*near) && !(math.Abs(missed) >= q.least*near)
}

func (q *quick) Decide(l *Look) (rejects, misses bool) {
	if q.atEnd && l.Index != l.Last || l.Counts[0] < q.burnIn || l.Counts[1] < q.burnIn {
		return false, false
	}
	n, ok := l.Numbers(0)
	if !ok {
		return false, false
	}
	return beyond(n.Test, q.k(l, n), l.Effect)
}

// beyond says whether the interval of k standard errors to a side leaves out 0, and the truth.
func beyond(t stats.Test, k, effect float64) (rejects, misses bool) {
	width := k * t.SE.V
	return math.Abs(t.Value.V) > width, math.Abs(t.Value.V-effect) > width
}

// Fixed is the classical test at the last look only.
func Fixed(alpha float64) Rule {
	z := stats.NormalUpper(alpha / 2)
	return Rule{Name: "fixed, at the end", Start: func(*Scenario) Decider {
		return &quick{least: z, atEnd: true, k: func(*Look, *Numbers) float64 { return z }}
	}}
}

// Peeking is the classical test at every look: the negative control. A harness that does not find it guilty does not peek.
func Peeking(alpha float64, burnIn int64) Rule {
	z := stats.NormalUpper(alpha / 2)
	return Rule{Name: "fixed, at every look", Start: func(*Scenario) Decider {
		return &quick{least: z, burnIn: burnIn, k: func(*Look, *Numbers) float64 { return z }}
	}}
}

// ByCount is the normal mixture indexed by the number of subjects.
func ByCount(alpha float64, planned, burnIn int64) Rule {
	least := leastK(alpha)
	return Rule{Name: "by count" + planName(planned), Start: func(*Scenario) Decider {
		return &quick{least: least, burnIn: burnIn, k: func(l *Look, n *Numbers) float64 {
			return known(stats.AlwaysByCount(n.Test, n.T.N+n.C.N, planned, alpha).K)
		}}
	}}
}

func planName(planned int64) string {
	switch planned {
	case 10000:
		return ""
	case 100:
		return ", N* = 100"
	}
	return ", own N*"
}

// ByInformation is the normal mixture with the scenario's tuning: v* of the planned end, known beforehand. Of an engine it is the
// published always-valid interval.
func ByInformation(alpha float64, burnIn int64) Rule {
	least := leastK(alpha)
	return Rule{Name: "by information", Start: func(s *Scenario) Decider {
		return &always{quick: quick{least: least, burnIn: burnIn}, alpha: alpha, tuning: s.Tuning}
	}}
}

// always decides by the always-valid interval: of what is published, or made by its tuning.
type always struct {
	quick
	alpha  float64
	tuning stats.Tuning
}

func (a *always) Decide(l *Look) (rejects, misses bool) { return outside(a.interval(l), l.Effect) }

func (a *always) interval(l *Look) stats.Interval {
	n, ok := l.Numbers(0)
	if !ok || l.Counts[0] < a.burnIn || l.Counts[1] < a.burnIn {
		return stats.Interval{}
	}
	if l.Published != nil {
		return n.Test.Always.Interval
	}
	return a.tuning.Always(n.Test, n.T.N, n.C.N, a.alpha).Interval
}

// intervals are deciders that go by an always-valid interval: an engine's must be the same to the last bit at every look, whether
// or not anything is decided there.
type intervals interface{ interval(l *Look) stats.Interval }

// outside says whether an interval leaves out 0, and the truth.
func outside(i stats.Interval, effect float64) (rejects, misses bool) {
	return i.OK && (i.Low > 0 || i.High < 0), i.OK && (effect < i.Low || effect > i.High)
}

// Adopted is what the engine does: silent until the silence rule holds, tuned once at that look, then always-valid. Of an engine it
// is the published state word.
func Adopted(alpha float64) Rule {
	least := leastK(alpha)
	return Rule{Name: "the engine's", Start: func(s *Scenario) Decider {
		return &adopted{alpha: alpha, least: least, planned: s.planned(), tuning: s.Tuning}
	}}
}

func (s *Scenario) planned() int64 {
	if s.Planned > 0 {
		return s.Planned
	}
	return 10000
}

type adopted struct {
	alpha, least float64
	planned      int64
	tuning       stats.Tuning
	speaks       bool
}

func (a *adopted) Skip(p *Population, z, missed float64, _ bool) bool {
	if p.Counts[0] < 100 || p.Counts[1] < 100 {
		return true // the silence rule's first condition
	}
	if !a.speaks || p.s.CUPED {
		return false
	}
	return !(math.Abs(z) >= a.least*near) && !(math.Abs(missed) >= a.least*near)
}

func (a *adopted) Decide(l *Look) (rejects, misses bool) {
	rejects, misses = outside(a.interval(l), l.Effect)
	if l.Published != nil {
		state := l.Published.Numbers[0].State
		rejects = state == string(stats.Better) || state == string(stats.Worse)
	}
	return rejects, misses
}

func (a *adopted) interval(l *Look) stats.Interval {
	n, ok := l.Numbers(0)
	if !ok {
		return stats.Interval{}
	}
	if l.Published != nil {
		if n.State == string(stats.Collecting) {
			return stats.Interval{}
		}
		return n.Test.Always.Interval
	}
	if len(l.Population.silence(n)) > 0 {
		return stats.Interval{}
	}
	a.speaks = true
	if !a.tuning.Set() {
		a.tuning.V = l.Population.tune(n, a.planned)
	}
	return a.tuning.Always(n.Test, n.T.N, n.C.N, a.alpha).Interval
}

// AdoptedCUPED is Adopted for the difference adjusted by the pre-period, with a tuning of its own.
func AdoptedCUPED(alpha float64) Rule {
	return Rule{Name: "with CUPED", Start: func(s *Scenario) Decider { return &adoptedCUPED{alpha: alpha, planned: s.planned()} }}
}

type adoptedCUPED struct {
	alpha   float64
	planned int64
	tuning  stats.Tuning
}

func (a *adoptedCUPED) Skip(p *Population, _, _ float64, _ bool) bool {
	return p.Counts[0] < 100 || p.Counts[1] < 100
}

func (a *adoptedCUPED) Decide(l *Look) (rejects, misses bool) {
	return outside(a.interval(l), l.Effect)
}

func (a *adoptedCUPED) interval(l *Look) stats.Interval {
	n, ok := l.Numbers(0)
	if !ok || !n.Adjusted.Z.OK {
		return stats.Interval{}
	}
	if l.Published != nil {
		return n.Adjusted.Always.Interval
	}
	treatment, control := l.Population.Cell(0, 0)
	if !a.tuning.Set() {
		v, ok := stats.TuneCUPED(treatment, control, l.Population.s.Scale, a.planned)
		if !ok {
			return stats.Interval{}
		}
		a.tuning.V = v
	}
	return a.tuning.Always(n.Adjusted, n.T.N, n.C.N, a.alpha).Interval
}

// Hybrid is the always-valid test with half of α, and a classical look at the end with the other half. The scenario has the tuning.
func Hybrid(alpha float64, burnIn int64) Rule {
	least := min(leastK(alpha/2), stats.NormalUpper(alpha/4))
	return Rule{Name: "hybrid", Unpublished: true, Start: func(s *Scenario) Decider {
		return &quick{least: least, burnIn: burnIn, k: func(l *Look, n *Numbers) float64 {
			return known(s.Tuning.Hybrid(n.Test, n.T.N, n.C.N, alpha, l.Index == l.Last).K)
		}}
	}}
}

// Student is the mixture for estimated variances, indexed by the number of subjects.
func Student(alpha float64, planned, burnIn int64) Rule {
	least := leastK(alpha)
	return Rule{Name: "student mixture" + planName(planned), Start: func(*Scenario) Decider {
		return &quick{least: least, burnIn: burnIn, k: func(l *Look, n *Numbers) float64 {
			return known(stats.StudentMixtureByCount(n.Test, n.T.N+n.C.N, planned, alpha).K)
		}}
	}}
}

// From gives a rule a name that says from how many subjects an arm it looks.
func From(burnIn string, r Rule) Rule {
	r.Name += ", from " + burnIn
	return r
}

func known(n stats.Number) float64 {
	if !n.OK {
		return math.Inf(1)
	}
	return n.V
}

// publishedConcentration is that of the engine's own sample ratio check.
const publishedConcentration = 1000

// SplitRule is the sequential sample ratio check with a Dirichlet prior worth so many subjects. Of an engine it is the published p
// where the prior is the engine's, 1,000; with another it is made of the published counts.
func SplitRule(name string, alpha, concentration float64) Rule {
	return Rule{Name: name, Start: func(s *Scenario) Decider {
		d := &split{alpha: alpha, concentration: concentration, weights: s.weights()}
		d.least = -math.Log(alpha)
		return d
	}}
}

func (s *Scenario) weights() []float64 {
	if s.Weights != [2]float64{} {
		return s.Weights[:]
	}
	return []float64{1, 1}
}

type split struct {
	alpha, concentration, least float64
	weights                     []float64
}

// Skip bounds ln BF from above: with d = (o − nθ)/(Bθ) and (1+d)·ln(1+d) − d ≤ d²/2·(1+|d|), and Stirling's rests at most 1/(12x).
func (s *split) Skip(p *Population, _, _ float64, _ bool) bool {
	k := s.concentration
	n := float64(p.Counts[0] + p.Counts[1])
	all, sum := k+n, s.weights[0]+s.weights[1]
	// The deviations of two arms are each other's opposite.
	t := s.weights[0] / sum
	off := float64(p.Counts[0]) - n*t
	d0, d1 := math.Abs(off)/(all*t), math.Abs(off)/(all*(1-t))
	first := off * off / all * ((1+d0)/t + (1+d1)/(1-t)) / 2
	b0, b1 := k*t+float64(p.Counts[0]), k*(1-t)+float64(p.Counts[1])
	return first-math.Log(b0*b1/(k*t*k*(1-t)*all/k))/2+1/(12*b0)+1/(12*b1)+1/(12*k) < s.least*near
}

func (s *split) Decide(l *Look) (rejects, misses bool) {
	p := stats.Number{}
	if l.Published != nil && s.concentration == publishedConcentration {
		p = l.Published.PSequential
	} else if r, err := stats.SampleRatio(l.Counts[:], s.weights, stats.SRMOptions{Concentration: s.concentration}); err == nil {
		p = r.PSequential
	}
	yes := p.OK && p.V <= s.alpha
	return yes, yes
}

// Cell is where one metric in one slice stands.
type Cell struct {
	// LogE is ln e of the current e-value, −∞ while the cell is silent.
	LogE float64
	// Clear: the always-valid interval at the cell's level leaves 0 out. Of an engine it is the published state word.
	Clear bool
}

// Many decides about all metrics and slices of an experiment together: it rejects when anything in it would alert. Cells are by
// slice (the whole first), then by metric. A row of the whole has its share of the error rate, a slice all of it.
func Many(name string, alerts func(s *Scenario, cells []Cell) bool) Rule {
	return Rule{Name: name, Start: func(s *Scenario) Decider {
		n := (1 + s.Slices) * s.metrics()
		return &many{tunings: make([]stats.Tuning, n), cells: make([]Cell, n), s: s, alerts: alerts}
	}}
}

type many struct {
	s       *Scenario
	tunings []stats.Tuning
	cells   []Cell
	alerts  func(s *Scenario, cells []Cell) bool
}

func (m *many) Skip(*Population, float64, float64, bool) bool { return false }

// level is the error rate of a cell.
func (s *Scenario) level(cell int) float64 {
	if cell >= s.metrics() || s.Correction == "" {
		return s.alpha()
	}
	d := stats.Divide(s.alpha(), .5, s.Goals, s.metrics()-s.Goals)
	if cell < s.Goals {
		return d.Goal
	}
	return d.Other
}

// Decide takes every cell that is not silent; each is tuned once. A published p is 1/e.
func (m *many) Decide(l *Look) (rejects, misses bool) {
	for i := range m.cells {
		m.cells[i] = m.cell(l, i)
	}
	yes := m.alerts(m.s, m.cells)
	return yes, yes
}

func (m *many) cell(l *Look, i int) Cell {
	c := Cell{LogE: math.Inf(-1)}
	n, ok := l.Numbers(i)
	if !ok {
		return c
	}
	if l.Published != nil {
		if n.State == string(stats.Collecting) {
			return c
		}
		c.Clear = n.State == string(stats.Better) || n.State == string(stats.Worse)
		if p := n.Test.Always.P; p.OK {
			c.LogE = -math.Log(p.V)
		}
		return c
	}
	metrics := m.s.metrics()
	treatment, control := l.Population.Cell(i/metrics, i%metrics)
	if len(stats.Silence(treatment, control, n.T, n.C)) > 0 {
		return c
	}
	if !m.tunings[i].Set() {
		m.tunings[i].V, _ = stats.Tune(treatment, control, m.s.Scale, m.s.planned())
	}
	a := m.tunings[i].Always(n.Test, n.T.N, n.C.N, m.s.level(i))
	c.Clear, _ = outside(a.Interval, 0)
	if a.P.OK {
		c.LogE = -math.Log(a.P.V)
	}
	return c
}

// LiftRule is not a test but an interval of the lift at one look: it errs when that leaves the true lift out.
func LiftRule(name string, misses func(n *Numbers) bool) Rule {
	return Rule{Name: name, Start: func(*Scenario) Decider { return liftRule{misses} }}
}

type liftRule struct{ misses func(n *Numbers) bool }

func (m liftRule) Skip(_ *Population, _, _ float64, last bool) bool { return !last }

func (m liftRule) Decide(l *Look) (rejects, misses bool) {
	n, ok := l.Numbers(0)
	if !ok || l.Index != l.Last {
		return false, false
	}
	out := m.misses(n)
	return out, out
}

// without says that an interval is not there, or leaves a value out.
func without(i stats.Interval, v float64) bool { return !i.OK || v < i.Low || v > i.High }

// fiellerMisses says whether Fieller's set leaves the true lift out. Where the control is too near 0 the set is not an interval, and no
// interval is given; it is what the test of t − (1 + lift)·c does not reject all the same.
func fiellerMisses(i stats.Interval, n *Numbers, lift, k float64) bool {
	if i.OK {
		return without(i, lift)
	}
	r := 1 + lift
	return math.Abs(n.T.Value.V-r*n.C.Value.V) > k*math.Sqrt(n.T.SE.V*n.T.SE.V+r*r*n.C.SE.V*n.C.SE.V)
}
