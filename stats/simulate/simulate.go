package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// Scenario is a way to draw experiments.
type Scenario struct {
	Name string
	// Scale of the points' totals.
	Scale moment.Scale
	// Looks is how often one experiment is looked at.
	Looks int
	// Effect is the true difference, treatment − control, in the metric's unit.
	Effect float64
	// Start begins one experiment. The function that it returns changes the sums by all that happens before the next look.
	Start func(r *rand.Rand) func(treatment, control *moment.Sums)
}

// Look is what a rule sees.
type Look struct {
	Index, Last        int
	Treatment, Control *moment.Sums
	T, C               stats.Estimate
	Test               stats.Test
}

// Subjects returns the number of subjects in both arms.
func (l *Look) Subjects() int64 { return l.T.N + l.C.N }

// Rule decides at every look how many standard errors to a side its interval has.
type Rule struct {
	Name string
	// Start begins one experiment. The function that it returns gives k, or +Inf where the rule says nothing.
	Start func() func(*Look) float64
}

// Share is a binomial share with its standard error.
type Share struct {
	Value float64 `json:"value"`
	SE    float64 `json:"se"`
}

func share(n, of int) Share {
	p := float64(n) / float64(of)
	return Share{p, math.Sqrt(p * (1 - p) / float64(of))}
}

// Outcome is what came of one rule.
type Outcome struct {
	Rule string `json:"rule"`
	// Rejected: at some look the interval left 0 out. With no effect it is the false positive rate, else the power.
	Rejected Share `json:"rejected"`
	// Missed: at some look the interval left the true effect out; 1 − coverage.
	Missed Share `json:"missed"`
	// MedianStop is the median number of subjects, over both arms, at the first look that rejected; 0 if half or more never did.
	MedianStop int64 `json:"median_stop"`
}

// Report is what came of a scenario.
type Report struct {
	Scenario string    `json:"scenario"`
	Effect   float64   `json:"effect"`
	Runs     int       `json:"runs"`
	Looks    int       `json:"looks"`
	Seed     uint64    `json:"seed"`
	Outcomes []Outcome `json:"outcomes"`
}

// run is what one experiment came to under one rule.
type run struct {
	rejectedAt int64 // subjects; 0: never
	missed     bool
}

// Run draws experiments and looks at each with every rule. Experiment i is drawn from (seed, i), so neither the workers nor the
// rules change what is drawn.
func Run(s Scenario, rules []Rule, runs int, seed uint64, workers int) Report {
	results := make([][]run, runs)
	var wg sync.WaitGroup
	for w := range max(1, workers) {
		wg.Go(func() {
			for i := w; i < runs; i += max(1, workers) {
				results[i] = experiment(s, rules, rand.New(rand.NewPCG(seed, uint64(i))))
			}
		})
	}
	wg.Wait()
	report := Report{Scenario: s.Name, Effect: s.Effect, Runs: runs, Looks: s.Looks, Seed: seed}
	for j, rule := range rules {
		var rejected, missed int
		var stops []int64
		for _, r := range results {
			stop := int64(math.MaxInt64)
			if r[j].rejectedAt > 0 {
				rejected++
				stop = r[j].rejectedAt
			}
			stops = append(stops, stop)
			if r[j].missed {
				missed++
			}
		}
		slices.Sort(stops)
		o := Outcome{Rule: rule.Name, Rejected: share(rejected, runs), Missed: share(missed, runs)}
		if m := stops[len(stops)/2]; m != math.MaxInt64 {
			o.MedianStop = m
		}
		report.Outcomes = append(report.Outcomes, o)
	}
	return report
}

// experiment draws one experiment to its end.
func experiment(s Scenario, rules []Rule, r *rand.Rand) []run {
	var treatment, control moment.Sums
	step := s.Start(r)
	out := make([]run, len(rules))
	ks := make([]func(*Look) float64, len(rules))
	for j := range rules {
		ks[j] = rules[j].Start()
	}
	for i := range s.Looks {
		step(&treatment, &control)
		l := Look{Index: i, Last: s.Looks - 1, Treatment: &treatment, Control: &control}
		var errT, errC error
		l.T, errT = stats.Ratio(&treatment, s.Scale)
		l.C, errC = stats.Ratio(&control, s.Scale)
		if errT != nil || errC != nil || l.T.Var.V == 0 || l.C.Var.V == 0 {
			continue // nothing can be said while a variance is 0
		}
		l.Test = stats.Difference(&treatment, &control, l.T, l.C, s.Scale, 0.05)
		for j := range rules {
			width := ks[j](&l) * l.Test.SE.V
			if out[j].rejectedAt == 0 && math.Abs(l.Test.Value.V) >= width {
				out[j].rejectedAt = l.Subjects()
			}
			if math.Abs(l.Test.Value.V-s.Effect) >= width {
				out[j].missed = true
			}
		}
	}
	return out
}
