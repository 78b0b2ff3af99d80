package simulate

import "github.com/tidemark/tidemark/stats"

// A4s: skewed values in arms of very different size. A small arm that has not met its outliers is low in value and in variance at once;
// a boundary by its own variance takes that for an effect. The negative control is that boundary.
func skewedCases() []Case {
	const alpha, limit, subjects, every = .05, 3 * .0034, 20000, 20
	lognormal, buyers := Lognormal(0, 2), Buyers(.05, 3, 1)
	all := func(share float64) []Stage { return []Stage{{subjects, share}} }
	steps := []Stage{{subjects / 2, .01}, {subjects / 2, .5}}
	var out []Case
	for _, c := range []struct {
		name   string
		draw   Value
		stages []Stage
		plain  float64 // what the boundary by each arm's own variance errs at least; 0: not asked
	}{
		{"lognormal σ = 2, 50/50", lognormal, all(.5), 0},
		{"lognormal σ = 2, 70/30", lognormal, all(.3), 0},
		{"lognormal σ = 2, 90/10", lognormal, all(.1), .10},
		{"lognormal σ = 2, 98/2", lognormal, all(.02), .20},
		{"lognormal σ = 2, 10/90", lognormal, all(.9), .10},
		{"lognormal σ = 2, 1 %, then 50 %", lognormal, steps, .20},
		{"lognormal σ = 1, 95/5", Lognormal(0, 1), all(.05), 0}, // errs in .06: too near to what is allowed

		{"5 % buyers, 90/10", buyers, all(.1), .065},
		{"5 % buyers, 1 %, then 50 %", buyers, steps, 0},
		{"1 % buyers, 80/20", Buyers(.01, 3, 1), all(.2), 0},
	} {
		var nt float64
		for _, s := range c.stages {
			nt += float64(s.Subjects) * s.Treatment
		}
		s := Ramp(c.name, c.draw, c.stages, every)
		s.Weights = [2]float64{subjects - nt, nt}
		k := Case{Scenario: s, Runs: 4000, EngineRuns: 300, Rules: []Rule{AdoptedInterval(alpha)},
			Checks: []Check{{Row: "A4s", Rule: adoptedInterval, Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit}}}
		if c.plain > 0 {
			k.Rules = append(k.Rules, OwnVariances(alpha))
			k.Checks = append(k.Checks, Check{Row: "A4s", Rule: ownVariances, Measure: "rejected", Kind: AtLeast, Want: c.plain, MustFail: true, Works: alpha + limit})
		}
		out = append(out, k)
	}
	return out
}

// A6s: few subjects with most of the denominator. The negative control speaks while the denominator is too near 0 for its error.
func unstableCases() []Case {
	const alpha, limit = .05, 3 * .0034
	var out []Case
	for _, c := range []struct {
		name    string
		share   float64
		events  int64
		without float64 // what the rule without the denominator's errs at least; 0: not asked
	}{
		{"1 % of subjects with 200 events", .01, 200, .08},
		{"1 % of subjects with 20 events", .01, 20, 0},
		{"10 % of subjects with 200 events", .1, 200, 0},
	} {
		k := Case{Scenario: Bots(c.name, c.share, c.events, 2000, 10), Runs: 4000, EngineRuns: 300, Rules: []Rule{Adopted(alpha)},
			Checks: []Check{{Row: "A6s", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit}}}
		if c.without > 0 {
			k.Rules = append(k.Rules, AnyDenominator(alpha))
			k.Checks = append(k.Checks, Check{Row: "A6s", Rule: anyDenominator, Measure: "rejected", Kind: AtLeast, Want: c.without, MustFail: true, Works: alpha + limit})
		}
		out = append(out, k)
	}
	return out
}

const (
	adoptedInterval = "the engine's interval"
	ownVariances    = "each arm's own variance"
	anyDenominator  = "any denominator"
)

// AdoptedInterval is Adopted by the published interval instead of the state word, which a ramp's broken split makes unreliable.
func AdoptedInterval(alpha float64) Rule {
	least := leastK(alpha)
	return Rule{Name: adoptedInterval, Start: func(s *Scenario) Decider {
		return &byInterval{adopted{alpha: alpha, least: least, planned: s.planned(), tuning: s.Tuning}}
	}}
}

type byInterval struct{ adopted }

func (b *byInterval) Decide(l *Look) (rejects, misses bool) { return outside(b.interval(l), l.Effect) }

// OwnVariances is Adopted with the unpooled variance of every look, as formulas have it that don't ask how large the arms are: a negative
// control where they are of very different size. Of an engine it is made from the published estimates.
func OwnVariances(alpha float64) Rule {
	least := leastK(alpha)
	return Rule{Name: ownVariances, Start: func(s *Scenario) Decider {
		return &naive{as: adopted{alpha: alpha, least: least, planned: s.planned()}, plain: true}
	}}
}

// AnyDenominator is Adopted without the silence rule's part about denominators: a negative control.
func AnyDenominator(alpha float64) Rule {
	least := leastK(alpha)
	return Rule{Name: anyDenominator, Unpublished: true, Start: func(s *Scenario) Decider {
		return &naive{as: adopted{alpha: alpha, least: least, planned: s.planned()}}
	}}
}

// naive tunes and tests by itself what the silence rule says, except about denominators.
type naive struct {
	as    adopted
	plain bool // by each arm's own variance
}

func (a *naive) Skip(p *Population, z, missed float64, last bool) bool {
	return a.as.Skip(p, z, missed, last)
}

func (a *naive) Decide(l *Look) (rejects, misses bool) { return outside(a.bounds(l), l.Effect) }

func (a *naive) bounds(l *Look) stats.Interval {
	n, ok := l.Numbers(0)
	if !ok || a.silent(l, n) {
		return stats.Interval{}
	}
	a.as.speaks = true
	test := n.Test
	if a.plain {
		test.SEAlways = stats.Number{}
	}
	if !a.as.tuning.Set() {
		a.as.tuning.V = stats.Intrinsic(n.T.N, n.C.N, test.Cautious().SE.V) * float64(a.as.planned) / float64(n.T.N+n.C.N)
	}
	return a.as.tuning.Always(test, n.T.N, n.C.N, a.as.alpha).Interval
}

func (a *naive) silent(l *Look, n *Numbers) bool {
	if l.Published != nil {
		return n.State == string(stats.Collecting)
	}
	for _, r := range l.Population.silence(n) {
		if r != stats.UnstableDenominator {
			return true
		}
	}
	return false
}
