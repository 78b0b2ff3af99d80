package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/tidemark/tidemark/stats"
)

// Planned is a stretch of a ramp as it is planned: for so many looks the arms have these weights.
type Planned struct {
	Looks   int
	Weights [2]float64
}

// Ramped is a split alone under a ramp: in each stage a subject goes to the treatment with the stage's chance, where another may be
// planned. The stages are of whole looks.
func Ramped(name string, stages []Stage, planned []float64, every int) Scenario {
	s := Scenario{Name: name, Split: true, Step: time.Second}
	for i, stage := range stages {
		looks := stage.Subjects / every
		s.Looks += looks
		s.Ramp = append(s.Ramp, Planned{looks, [2]float64{Control: 1 - planned[i], Treatment: planned[i]}})
	}
	s.Start = func(r *rand.Rand) func(func(*Event)) {
		var e Event
		stage, left, n := 0, stages[0].Subjects, 0
		return func(emit func(*Event)) {
			for range every {
				for left == 0 {
					stage++
					left = stages[stage].Subjects
				}
				left--
				e.Subject, e.Arm = n, Control
				if r.Float64() < stages[stage].Treatment {
					e.Arm = Treatment
				}
				n++
				emit(&e)
			}
		}
	}
	return s
}

// stretch is the epoch that a look is in.
func (s *Scenario) stretch(look int) int {
	for i := range s.Ramp {
		if look -= s.Ramp[i].Looks; look < 0 {
			return i
		}
	}
	return len(s.Ramp) - 1
}

// SplitByEpoch is the sequential sample ratio check with each stretch of a ramp against its own weights. Of an engine it is the
// published p.
func SplitByEpoch(name string, alpha float64) Rule {
	return Rule{Name: name, Start: func(s *Scenario) Decider {
		return splitRule(func(l *Look) (stats.SRM, error) {
			if l.Published != nil {
				return stats.SRM{PSequential: l.Published.PSequential}, nil
			}
			epochs := make([]stats.Epoch, s.stretch(l.Index)+1)
			for i := range epochs {
				epochs[i] = stats.Epoch{Counts: l.Population.Epochs[i][:], Weights: s.Ramp[i].Weights[:]}
			}
			return stats.SampleRatioEpochs(epochs, stats.SRMOptions{})
		}, alpha, false)
	}}
}

// SplitAtOnce is the check of all subjects together against one set of weights, the last one's or what the whole ramp comes to, at every
// look or at the end only: a negative control. Of an engine it is made of the published counts.
func SplitAtOnce(name string, alpha float64, whole, atEnd bool) Rule {
	return Rule{Name: name, Start: func(s *Scenario) Decider {
		weights := s.Ramp[len(s.Ramp)-1].Weights
		if whole {
			weights = [2]float64{}
			for _, p := range s.Ramp {
				for arm, w := range p.Weights {
					weights[arm] += float64(p.Looks) * w
				}
			}
		}
		return splitRule(func(l *Look) (stats.SRM, error) {
			return stats.SampleRatio(l.Counts[:], weights[:], stats.SRMOptions{})
		}, alpha, atEnd)
	}}
}

func splitRule(check func(*Look) (stats.SRM, error), alpha float64, atEnd bool) Decider {
	return &checked{check, alpha, atEnd}
}

type checked struct {
	check func(*Look) (stats.SRM, error)
	alpha float64
	atEnd bool
}

func (c *checked) Skip(_ *Population, _, _ float64, last bool) bool { return c.atEnd && !last }

func (c *checked) Decide(l *Look) (rejects, misses bool) {
	if c.atEnd && l.Index != l.Last {
		return false, false
	}
	r, err := c.check(l)
	yes := err == nil && r.PSequential.OK && r.PSequential.V <= c.alpha
	return yes, yes
}

// A9r: 1 % → 10 % → 50 % as planned, and with one stretch off and the next as far off to the other side, so that the whole is as planned.
func rampSplitCases() []Case {
	const stage, every = 20000, 20
	const byEpoch, oneSet, whole = "split by stretches", "split, the last weights for all", "split, all together at the end"
	planned := []float64{.01, .1, .5}
	stages := func(treatment ...float64) (out []Stage) {
		for _, t := range treatment {
			out = append(out, Stage{stage, t})
		}
		return out
	}
	return []Case{
		{Scenario: Ramped("ramp 1, 10, 50 % as planned", stages(planned...), planned, every), Runs: 2000, EngineRuns: 300,
			Rules: []Rule{SplitByEpoch(byEpoch, .01), SplitAtOnce(oneSet, .01, false, false)}, Checks: []Check{
				{Row: "A9r", Rule: byEpoch, Measure: "rejected", Kind: AtMost, Want: .01, Tolerance: 3 * .0022},
				{Row: "A9r", Rule: oneSet, Measure: "rejected", Kind: AtLeast, Want: .99, MustFail: true, Works: .01 + 3*.0022},
			}},
		{Scenario: Ramped("ramp with 12 % for 10 %, then 48 % for 50 %", stages(.01, .12, .48), planned, every), Runs: 2000, EngineRuns: 300,
			Rules: []Rule{SplitByEpoch(byEpoch, .001), SplitAtOnce(whole, .001, true, true)}, Checks: []Check{
				{Row: "A9r", Rule: byEpoch, Measure: "rejected", Kind: AtLeast, Want: 1},
				{Row: "A9r", Rule: whole, Measure: "rejected", Kind: AtMost, Want: .01, MustFail: true, Works: 1},
			}},
	}
}
