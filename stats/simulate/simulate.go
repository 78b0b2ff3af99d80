package simulate

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// Scenario is a way to draw experiments.
type Scenario struct {
	Name string
	// Scale of the events' totals.
	Scale moment.Scale
	// Looks is how often one experiment is looked at.
	Looks int
	// Effect is the true difference, treatment − control, in the metric's unit.
	Effect float64
	// Ratio: events have denominators. CUPED: they have a pre-period, and it is adjusted for.
	Ratio, CUPED bool
	// Repeated: a subject may have several events; corrections are events, and one of the other arm takes the subject out.
	Repeated bool
	// Window, if set, is how many looks a subject's events count for, and Settle how many looks later it enters, once and complete:
	// the strict mode.
	Window, Settle int
	// Split: only the counts of subjects matter.
	Split bool
	// Ramp, if set, are the planned stretches of a split, in order.
	Ramp []Planned
	// Winsorize, if set, is the percentile of all values at which each is clipped.
	Winsorize float64
	// Quantile, if set, is that of the arms' events which is the metric: an event's Num is a value.
	Quantile float64
	// Metrics is the number of metrics, default 1; Slices the number of slices that divide the subjects.
	Metrics, Slices int
	// Goals of the metrics are goals, the others secondary; 0 means all. Correction is the definition's.
	Goals      int
	Correction string
	// Alpha of the definition, default 0.05; Planned its sequential subjects, default 10,000; Weights of control and treatment,
	// default equal.
	Alpha   float64
	Planned int64
	Weights [2]float64
	// Tuning is the dated fact that the experiment starts with, if it does.
	Tuning stats.Tuning
	// Step is the time between two looks, for what closes events by their age; default so little that all stay open.
	Step time.Duration
	// Observe, if set, is a number of the last look that is averaged over the experiments.
	Observe func(*Look) float64
	// Start begins one experiment. The function that it returns gives all events before the next look.
	Start func(r *rand.Rand) func(emit func(*Event))
}

func (s *Scenario) metrics() int { return max(1, s.Metrics) }

func (s *Scenario) alpha() float64 {
	if s.Alpha > 0 {
		return s.Alpha
	}
	return 0.05
}

// unit is one of the metric's units at the numerators' scale, over one at the denominators'.
func (s *Scenario) unit() float64 {
	if s.Ratio {
		return math.Pow10(s.Scale.Num - s.Scale.Den)
	}
	return math.Pow10(s.Scale.Num)
}

func (s *Scenario) den(e *Event) int64 {
	if s.Ratio {
		return e.Den
	}
	return 1
}

// sumScale is that of the sums: a quantile's are counts.
func (s *Scenario) sumScale() moment.Scale {
	if s.Quantile > 0 {
		return moment.Scale{}
	}
	return s.Scale
}

func (s *Scenario) preDen() int64 { return 0 }

// Look is what a rule sees.
type Look struct {
	Index, Last int
	Effect      float64
	// Counts are the subjects by arm.
	Counts [2]int64
	// Population is nil where the look is at published numbers.
	Population *Population
	Published  *Published

	memory []Numbers
	known  []bool
	usable []bool
}

// Published is what an engine published of the same events.
type Published struct {
	// Numbers by slice, then by metric, as Population.Cells.
	Numbers []Numbers
	// Counts are the first metric's subjects by arm, or all exposed where only they matter; PSequential is the split's p.
	Counts      [2]int64
	PSequential stats.Number
}

// Numbers returns the numbers of a cell, and whether there is a test at all. They are made once a look.
func (l *Look) Numbers(cell int) (*Numbers, bool) {
	if l.Published != nil {
		n := &l.Published.Numbers[cell]
		return n, n.Test.Z.OK && n.T.Var.V > 0 && n.C.Var.V > 0 // as Population.numbers has it
	}
	if !l.known[cell] {
		metrics := l.Population.s.metrics()
		l.memory[cell], l.usable[cell] = l.Population.numbers(cell/metrics, cell%metrics)
		l.known[cell] = true
	}
	return &l.memory[cell], l.usable[cell]
}

// Rule decides about an experiment at every look.
type Rule struct {
	Name string
	// Unpublished rules need what an engine does not publish.
	Unpublished bool
	// Start begins one experiment.
	Start func(s *Scenario) Decider
}

// Decider is a rule in one experiment.
type Decider interface {
	// Skip says that the look needs no Decide: it surely says neither. z and missed are how many standard errors the difference is
	// from 0 and from the truth, good to 6 digits.
	Skip(p *Population, z, missed float64, last bool) bool
	// Decide says whether the interval leaves 0 out, and whether it leaves the true effect out.
	Decide(l *Look) (rejects, misses bool)
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
	// MedianStop and P99Stop are quantiles of the number of subjects, over both arms, at the first look that rejected; 0 where that
	// is never.
	MedianStop int64 `json:"median_stop"`
	P99Stop    int64 `json:"p99_stop"`
	// Engine compares the decisions of the same seeds through an engine; nil without one.
	Engine *Parity `json:"engine,omitempty"`
}

// Parity is how the same events fared through an engine.
type Parity struct {
	// From is the first experiment of those: the n-th of a seed is always the same.
	From int `json:"from,omitempty"`
	Runs int `json:"runs"`
	// Looks that the engine was asked at.
	Looks int64 `json:"looks"`
	// Rejected by the engine.
	Rejected Share `json:"rejected"`
	// Unequal is how many runs decided otherwise than the package at some look, or by another always-valid interval; 0 is what must
	// be.
	Unequal int `json:"unequal"`
}

// Join adds up what two parts of the same experiments came to, and says whether they can be: one begins where the other ends.
func (p Parity) Join(o Parity) (Parity, bool) {
	if o.From+o.Runs == p.From {
		p, o = o, p
	}
	if p.From+p.Runs != o.From {
		return p, false
	}
	rejected := p.Rejected.Value*float64(p.Runs) + o.Rejected.Value*float64(o.Runs)
	p.Runs, p.Looks, p.Unequal = p.Runs+o.Runs, p.Looks+o.Looks, p.Unequal+o.Unequal
	p.Rejected = share(int(math.Round(rejected)), p.Runs)
	return p, true
}

// Report is what came of a scenario.
type Report struct {
	Scenario string    `json:"scenario"`
	Effect   float64   `json:"effect"`
	Runs     int       `json:"runs"`
	Looks    int       `json:"looks"`
	Seed     uint64    `json:"seed"`
	From     int       `json:"from,omitempty"` // the first experiment
	Observed *float64  `json:"observed,omitempty"`
	Outcomes []Outcome `json:"outcomes"`
	// UnequalNumbers is how many runs through the engine had another estimate or standard error than the package at some look, or
	// other sums at the end.
	UnequalNumbers int `json:"unequal_numbers"`
	// First is the first inequality, in words.
	First string `json:"first_inequality,omitempty"`
}

// Engine runs the events of one experiment through a built engine.
type Engine interface {
	Event(e *Event) error
	// Look applies what was given and returns what is published then.
	Look() (*Published, error)
	// Sums returns the published sums of the whole's first metric.
	Sums() (treatment, control string)
	Close() error
}

// Options of Run.
type Options struct {
	Runs int
	Seed uint64
	// From is the first experiment to draw: experiments From, From + 1 … of the seed.
	From    int
	Workers int
	// Open begins one experiment in an engine; the first EngineRuns seeds go through it. With EngineOnly no other is drawn.
	Open       func(s *Scenario) (Engine, error)
	EngineRuns int
	// Progress is told of every experiment done; from several goroutines.
	Progress func()
}

// run is what one experiment came to under one rule.
type run struct {
	rejectedAt, engineAt int64 // subjects; 0: never
	missed, unequal      bool
}

// single is one experiment.
type single struct {
	runs     []run
	observed float64
	looks    int64
	numbers  bool // unequal
	first    string
	err      error
}

// Run draws experiments and looks at each with every rule. Experiment i is drawn from (seed, i), so neither the workers nor the
// rules nor an engine change what is drawn, and runs with another From are of other experiments. It returns the engine's first error, or that of ctx.
func Run(ctx context.Context, s Scenario, rules []Rule, o Options) (Report, error) {
	results := make([]single, o.Runs)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, o.Workers) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= o.Runs || ctx.Err() != nil {
					return
				}
				var open func(*Scenario) (Engine, error)
				if i < o.EngineRuns {
					open = o.Open
				}
				results[i] = experiment(&s, rules, rand.New(rand.NewPCG(o.Seed, uint64(o.From+i))), open)
				if o.Progress != nil {
					o.Progress()
				}
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	return report(&s, rules, o, results)
}

func report(s *Scenario, rules []Rule, o Options, results []single) (Report, error) {
	r := Report{Scenario: s.Name, Effect: s.Effect, Runs: o.Runs, Looks: s.Looks, Seed: o.Seed, From: o.From}
	var observed float64
	var looks int64
	for i := range results {
		if results[i].err != nil {
			return r, results[i].err
		}
		observed += results[i].observed
		looks += results[i].looks
		if results[i].numbers {
			r.UnequalNumbers++
		}
		if r.First == "" {
			r.First = results[i].first
		}
	}
	if s.Observe != nil {
		observed /= float64(o.Runs)
		r.Observed = &observed
	}
	engineRuns := 0
	if o.Open != nil {
		engineRuns = min(o.EngineRuns, o.Runs)
	}
	for j, rule := range rules {
		var rejected, missed, engine, unequal int
		var stops []int64
		for i := range results {
			one := &results[i].runs[j]
			stop := int64(math.MaxInt64)
			if one.rejectedAt > 0 {
				rejected++
				stop = one.rejectedAt
			}
			stops = append(stops, stop)
			if one.missed {
				missed++
			}
			if i < engineRuns && one.engineAt > 0 {
				engine++
			}
			if i < engineRuns && one.unequal {
				unequal++
			}
		}
		slices.Sort(stops)
		out := Outcome{Rule: rule.Name, Rejected: share(rejected, o.Runs), Missed: share(missed, o.Runs)}
		out.MedianStop, out.P99Stop = stopAt(stops, .5), stopAt(stops, .99)
		if engineRuns > 0 && !rule.Unpublished {
			out.Engine = &Parity{From: o.From, Runs: engineRuns, Looks: looks, Rejected: share(engine, engineRuns), Unequal: unequal}
		}
		r.Outcomes = append(r.Outcomes, out)
	}
	return r, nil
}

func stopAt(stops []int64, q float64) int64 {
	if m := stops[min(int(q*float64(len(stops))), len(stops)-1)]; m != math.MaxInt64 {
		return m
	}
	return 0
}
