package simulate

import (
	"math"
	"reflect"
	"runtime"
	"testing"

	"github.com/tidemark/tidemark/stats"
)

const seed = 20260302

func outcome(t *testing.T, r Report, rule string) Outcome {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Rule == rule {
			t.Logf("%-32s %-22s rejected %.4f ± %.4f, missed %.4f, median stop %d", r.Scenario, o.Rule, o.Rejected.Value, o.Rejected.SE, o.Missed.Value, o.MedianStop)
			return o
		}
	}
	t.Fatalf("no rule %q", rule)
	return Outcome{}
}

func TestSeedFixesEveryNumber(t *testing.T) {
	s := Pairs("normal", Normal(1, 1), 0, 300, 10)
	rules := []Rule{Fixed(.05), Peeking(.05, 100), Engine(.05, 1000)}
	a, b := Run(s, rules, 40, seed, 1), Run(s, rules, 40, seed, 7)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
	if c := Run(s, rules[:1], 40, seed, 3); c.Outcomes[0] != a.Outcomes[0] {
		t.Errorf("fewer rules drew other experiments: %+v, %+v", c.Outcomes[0], a.Outcomes[0])
	}
}

func TestEngineTunesOnce(t *testing.T) {
	// Nobody enters after the first look, but everybody's total goes on growing: tuned anew at each look k would stand still.
	s := Accruing("all at once", 200, 50, false)
	var ks []float64
	engine := Engine(.05, 10000)
	spy := Rule{"spy", func() func(*Look) float64 {
		k := engine.Start()
		return func(l *Look) float64 {
			ks = append(ks, k(l))
			return ks[len(ks)-1]
		}
	}}
	Run(s, []Rule{spy}, 1, seed, 1)
	// 400 of 10,000 subjects at the first look: 4 % of v*, and twice v* at the last.
	if math.Abs(ks[0]-5.2) > .4 || math.Abs(ks[49]-3.06) > .03 {
		t.Errorf("k over the looks: %v", ks)
	}
}

// Equal arms, looked at 200 times. The rules that claim .05 keep it, the negative control does not; the figures of the whole
// protocol, with a look after every pair, stand in the project's statistics notes, §3.1.
func TestLookingOftenCostsTheClassicalTestAndNoOther(t *testing.T) {
	const runs = 300
	for _, c := range []struct {
		name string
		draw Value
	}{
		{"normal", Normal(1, 1)}, {"Bernoulli .1", Bernoulli(.1)}, {"lognormal σ = 2", Lognormal(0, 2)}, {"5 % buyers", Buyers(.05, 3, 1)},
	} {
		r := Run(Pairs(c.name, c.draw, 0, 20000, 100), []Rule{
			Fixed(.05), Peeking(.05, 100), ByCount(.05, 10000, 100), Engine(.05, 10000), Student(.05, 10000),
		}, runs, seed, runtime.NumCPU())
		limit := .05 + 3*math.Sqrt(.05*.95/runs)
		for _, rule := range []string{"fixed, at the end", "by count", "the engine's", "student mixture"} {
			if o := outcome(t, r, rule); o.Rejected.Value > limit {
				t.Errorf("%s, %s: false positives %.3f", c.name, rule, o.Rejected.Value)
			}
		}
		if o := outcome(t, r, "fixed, at every look"); o.Rejected.Value < .3 {
			t.Errorf("%s: 1.96 at every look errs only %.3f of the time, so nobody looked", c.name, o.Rejected.Value)
		}
		for _, o := range r.Outcomes {
			if o.Rejected != o.Missed {
				t.Errorf("%s, %s: without an effect to reject is to miss: %+v", c.name, o.Rule, o)
			}
		}
	}
}

func TestAnEffectIsFoundEarlyAndCovered(t *testing.T) {
	// 80 % fixed power at 20,000 an arm, times 1.5: the notes §3.2 have .916 and a median stop of 7.3 to 8.3 thousand an arm.
	const runs, perArm = 300, 20000
	effect := 1.5 * 2.8016 * math.Sqrt(2.0/perArm)
	r := Run(Pairs("normal, effect × 1.5", Normal(1, 1), effect, perArm, 50), []Rule{
		Fixed(.05), ByCount(.05, 10000, 100), Engine(.05, 10000),
	}, runs, seed, runtime.NumCPU())
	for _, rule := range []string{"by count", "the engine's"} {
		o := outcome(t, r, rule)
		if math.Abs(o.Rejected.Value-.916) > 4*math.Sqrt(.916*.084/runs) {
			t.Errorf("%s: power %.3f", rule, o.Rejected.Value)
		}
		if o.MedianStop < 2*6500 || o.MedianStop > 2*9000 {
			t.Errorf("%s: median stop after %d subjects", rule, o.MedianStop)
		}
		if o.Missed.Value > .05+3*math.Sqrt(.05*.95/runs) {
			t.Errorf("%s: the interval missed the truth in %.3f of the experiments", rule, o.Missed.Value)
		}
	}
	if o := outcome(t, r, "fixed, at the end"); o.Rejected.Value < .96 {
		t.Errorf("fixed power %.3f", o.Rejected.Value)
	}
}

func TestHybridKeepsItsLevelAndRegainsPower(t *testing.T) {
	// The effect that a fixed test finds with 80 %: looking at any time costs a third of that, the planned final look gives most of
	// it back.
	const runs, perArm = 600, 10000
	tuning := stats.Tuning{V: perArm / 2} // n_t·n_c/n of variance 1
	rules := []Rule{Hybrid(.05, tuning, 100), ByInformation(.05, tuning, 100)}
	null := Run(Pairs("normal", Normal(1, 1), 0, perArm, 100), rules, runs, seed, runtime.NumCPU())
	if o := outcome(t, null, "hybrid"); o.Rejected.Value > .05+3*math.Sqrt(.05*.95/runs) {
		t.Errorf("false positives %.3f", o.Rejected.Value)
	}
	real := Run(Pairs("normal, 80 % effect", Normal(1, 1), 2.8016*math.Sqrt(2.0/perArm), perArm, 100), rules, runs, seed, runtime.NumCPU())
	hybrid, always := outcome(t, real, "hybrid"), outcome(t, real, "by information")
	if hybrid.Rejected.Value < .65 || hybrid.Rejected.Value < always.Rejected.Value+.1 {
		t.Errorf("power %.3f, without the final look %.3f", hybrid.Rejected.Value, always.Rejected.Value)
	}
}

func TestRampsDoNotLoosenTheInformationIndex(t *testing.T) {
	// The notes §3.4: 40,000 subjects; by information at the planned end .0188, .0148, .017, .0198.
	const runs = 250
	for _, c := range []struct {
		name   string
		stages []Stage
	}{
		{"50/50", []Stage{{40000, .5}}},
		{"90/10", []Stage{{40000, .1}}},
		{"1, 5, 10, 25, 50 %", []Stage{{8000, .01}, {8000, .05}, {8000, .1}, {8000, .25}, {8000, .5}}},
		{"1 %, then 50 %", []Stage{{20000, .01}, {20000, .5}}},
	} {
		var nt float64
		for _, s := range c.stages {
			nt += float64(s.Subjects) * s.Treatment
		}
		nc := 40000 - nt
		// v at the planned end: (n_t·n_c/n)²·(1/n_t + 1/n_c) = n_t·n_c/n.
		tuning := stats.Tuning{V: nt * nc / 40000}
		r := Run(Ramp(c.name, Normal(0, 1), c.stages, 100), []Rule{ByInformation(.05, tuning, 25), Engine(.05, 40000)}, runs, seed, runtime.NumCPU())
		for _, rule := range []string{"by information", "the engine's"} {
			if o := outcome(t, r, rule); o.Rejected.Value > .05 {
				t.Errorf("%s, %s: false positives %.3f", c.name, rule, o.Rejected.Value)
			}
		}
	}
}

func TestSubjectsThatKeepAccruingAreCovered(t *testing.T) {
	// "Peeking 2.0", the notes §3.4: naive .45, by information .011; staggered .0125.
	const runs, perArm, looks = 120, 500, 300
	// After all looks a total is Poisson(looks) (all at once); v = n/4·variance.
	for _, staggered := range []bool{false, true} {
		name, variance := "all at once", float64(looks)
		if staggered {
			// A total is Poisson(looks − entry): the mean of that, and its spread over entries.
			name, variance = "staggered", float64(looks)/2+float64(looks*looks)/12
		}
		r := Run(Accruing(name, perArm, looks, staggered), []Rule{
			Peeking(.05, 25), ByInformation(.05, stats.Tuning{V: 2 * perArm / 4.0 * variance}, 25),
		}, runs, seed, runtime.NumCPU())
		if o := outcome(t, r, "by information"); o.Rejected.Value > .05 {
			t.Errorf("%s: false positives %.3f", name, o.Rejected.Value)
		}
		if o := outcome(t, r, "fixed, at every look"); o.Rejected.Value < .3 {
			t.Errorf("%s: the negative control errs only %.3f of the time", name, o.Rejected.Value)
		}
	}
}

func TestRatioNeedsItsSubjectsVariance(t *testing.T) {
	// The notes, A6: by the delta method .0505 at one look; with a variance per event .32.
	const runs = 600
	right := Run(Clicks("clicks per view", 2000, 2000, false), []Rule{Fixed(.05)}, runs, seed, runtime.NumCPU())
	if o := outcome(t, right, "fixed, at the end"); math.Abs(o.Rejected.Value-.05) > 4*math.Sqrt(.05*.95/runs) {
		t.Errorf("false positives %.3f", o.Rejected.Value)
	}
	wrong := Run(Clicks("clicks, each view a subject", 2000, 2000, true), []Rule{Fixed(.05)}, runs, seed, runtime.NumCPU())
	if o := outcome(t, wrong, "fixed, at the end"); math.Abs(o.Rejected.Value-.32) > .06 {
		t.Errorf("the negative control errs %.3f of the time", o.Rejected.Value)
	}
}
