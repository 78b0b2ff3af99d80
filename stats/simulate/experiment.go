package simulate

import (
	"fmt"
	"math/rand/v2"
)

// pair is a rule in one experiment: what the package decides, and what the same rule decides by an engine's published numbers.
type pair struct {
	rule                Rule
	ours, theirs        Decider
	rejected, missed    bool
	engineRej, engineMi bool
}

func (p *pair) done(engine bool) bool {
	return p.rejected && p.missed && (!engine || p.rule.Unpublished || p.engineRej && p.engineMi)
}

// experiment draws one experiment to its end, or until every rule has rejected and missed.
func experiment(s *Scenario, rules []Rule, r *rand.Rand, open func(*Scenario) (Engine, error)) (out single) {
	out.runs = make([]run, len(rules))
	population := newPopulation(s)
	var engine Engine
	if open != nil {
		if engine, out.err = open(s); out.err != nil {
			return out
		}
		defer func() {
			if err := engine.Close(); out.err == nil {
				out.err = err
			}
		}()
	}
	pairs := make([]pair, len(rules))
	for j := range rules {
		pairs[j] = pair{rule: rules[j], ours: rules[j].Start(s), theirs: rules[j].Start(s)}
	}
	emit := population.Add
	if engine != nil {
		emit = func(e *Event) {
			population.Add(e)
			if err := engine.Event(e); out.err == nil {
				out.err = err
			}
		}
	}
	step := s.Start(r)
	l := newLook(s, population)
	for i := range s.Looks {
		population.begin(i)
		step(emit)
		population.settle()
		if out.err != nil {
			return out
		}
		l.at(i, s.Looks-1)
		out.ours(l, pairs)
		if engine != nil {
			published, err := engine.Look()
			if err != nil {
				out.err = err
				return out
			}
			out.looks++
			out.theirs(l, published, pairs)
		}
		left := 0
		for j := range pairs {
			if !pairs[j].done(engine != nil) {
				left++
			}
		}
		if left == 0 && s.Observe == nil {
			break
		}
	}
	if s.Observe != nil {
		out.observed = s.Observe(l)
	}
	if engine != nil && !s.Split {
		t, c := engine.Sums()
		treatment, control := population.Cell(0, 0)
		wantT, wantC := sumsText(treatment, s.sumScale()), sumsText(control, s.sumScale())
		if t != wantT || c != wantC {
			out.unequalNumbers(fmt.Sprintf("the sums at the end are %s and %s, the package has %s and %s", t, c, wantT, wantC))
		}
	}
	return out
}

func newLook(s *Scenario, p *Population) *Look {
	n := len(p.Cells)
	return &Look{Effect: s.Effect, Population: p, memory: make([]Numbers, n), known: make([]bool, n), usable: make([]bool, n)}
}

func (l *Look) at(i, last int) {
	l.Index, l.Last, l.Counts = i, last, l.Population.Counts
	clear(l.known)
}

// ours lets every rule that is not done decide by package stats.
func (out *single) ours(l *Look, pairs []pair) {
	p := l.Population
	var z, missed float64
	if !p.s.Split {
		z, missed = p.zs()
	}
	for j := range pairs {
		d := &pairs[j]
		from0, fromTruth := z, missed
		if d.rejected {
			from0 = 0 // only whether the truth is left out is still open
		}
		if d.missed {
			fromTruth = 0
		}
		if d.rejected && d.missed || d.ours.Skip(p, from0, fromTruth, l.Index == l.Last) {
			continue
		}
		rejects, misses := d.ours.Decide(l)
		if rejects && !d.rejected {
			d.rejected = true
			out.runs[j].rejectedAt = l.Counts[0] + l.Counts[1]
		}
		if misses && !d.missed {
			d.missed = true
			out.runs[j].missed = true
		}
	}
}

// theirs lets the same rules decide by what an engine published, and compares: with what was decided up to this look, and the
// numbers behind it.
func (out *single) theirs(l *Look, published *Published, pairs []pair) {
	e := Look{Index: l.Index, Last: l.Last, Effect: l.Effect, Counts: published.Counts, Published: published}
	if published.Counts != l.Counts {
		out.unequalNumbers(fmt.Sprintf("look %d: subjects %v, the package has %v", l.Index, published.Counts, l.Counts))
	}
	if !l.Population.s.Split {
		ours, ok := l.Numbers(0)
		theirs, there := e.Numbers(0)
		if ok && there && (ours.Test.Value != theirs.Test.Value || ours.Test.SE != theirs.Test.SE) {
			out.unequalNumbers(fmt.Sprintf("look %d: difference %v ± %v, the package has %v ± %v", l.Index, theirs.Test.Value.V, theirs.Test.SE.V, ours.Test.Value.V, ours.Test.SE.V))
		}
		if ok != there && ok {
			out.unequalNumbers(fmt.Sprintf("look %d: nothing is published", l.Index))
		}
	}
	for j := range pairs {
		d := &pairs[j]
		if d.rule.Unpublished {
			continue
		}
		rejects, misses := d.theirs.Decide(&e)
		if rejects && !d.engineRej {
			d.engineRej = true
			out.runs[j].engineAt = e.Counts[0] + e.Counts[1]
		}
		d.engineMi = d.engineMi || misses
		if ours, ok := d.ours.(intervals); ok {
			a, b := ours.interval(l), d.theirs.(intervals).interval(&e)
			if a != b {
				out.runs[j].unequal = true
				if out.first == "" {
					out.first = fmt.Sprintf("%s, look %d: the engine's always-valid interval is %v, the package's %v", d.rule.Name, l.Index, b, a)
				}
			}
		}
		if d.engineRej != d.rejected || d.engineMi != d.missed {
			out.runs[j].unequal = true
			if out.first == "" {
				out.first = fmt.Sprintf("%s, look %d: the engine has rejected %t, missed %t, the package %t, %t", d.rule.Name, l.Index, d.engineRej, d.engineMi, d.rejected, d.missed)
			}
		}
	}
}

func (out *single) unequalNumbers(what string) {
	out.numbers = true
	if out.first == "" {
		out.first = what
	}
}
