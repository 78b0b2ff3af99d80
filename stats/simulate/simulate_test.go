package simulate

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

const seed = 20260302

func draw(t *testing.T, s Scenario, rules []Rule, runs, workers int) Report {
	t.Helper()
	r, err := Run(context.Background(), s, rules, Options{Runs: runs, Seed: seed, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func outcome(t *testing.T, r Report, rule string) Outcome {
	t.Helper()
	for _, o := range r.Outcomes {
		if o.Rule == rule {
			t.Logf("%-32s %-22s rejected %.4f ± %.4f, missed %.4f, median stop %d (seed %d)", r.Scenario, o.Rule, o.Rejected.Value, o.Rejected.SE, o.Missed.Value, o.MedianStop, r.Seed)
			return o
		}
	}
	t.Fatalf("no rule %q", rule)
	return Outcome{}
}

func TestSeedFixesEveryNumber(t *testing.T) {
	s := Pairs("normal", Normal(1, 1), 0, 300, 10)
	rules := []Rule{Fixed(.05), Peeking(.05, 100), Adopted(.05)}
	a, b := draw(t, s, rules, 40, 1), draw(t, s, rules, 40, 7)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
	if c := draw(t, s, rules[:1], 40, 3); c.Outcomes[0] != a.Outcomes[0] {
		t.Errorf("fewer rules drew other experiments: %+v, %+v", c.Outcomes[0], a.Outcomes[0])
	}
}

// unhurried is a rule that is shown every look.
type unhurried struct{ Decider }

func (unhurried) Skip(*Population, float64, float64, bool) bool { return false }

// TestSkippingLooksChangesNoDecision holds the shortcut against package stats at every look: the cheap bound may only pass over
// looks at which nothing is decided.
func TestSkippingLooksChangesNoDecision(t *testing.T) {
	ramp := Ramp("ramp", Normal(0, 1), []Stage{{1500, .05}, {1500, .5}}, 3)
	ramp.Tuning.V = 500
	accruing := Accruing("accruing", 60, 60, true)
	accruing.Tuning.V = 3000
	heavy := Pairs("heavy", Heavy(), .15, 1500, 1)
	for _, s := range []Scenario{
		Pairs("normal", Normal(1, 1), .1, 1500, 1), Pairs("rare", Bernoulli(.03), 0, 2000, 1), Pairs("lognormal", Lognormal(0, 2), 3, 1500, 1), heavy,
		ramp, accruing, Clicks("clicks", 1500, 1, false), Corrected("corrected", Normal(1, 1), 1500, 1, .3, .05), Assigned("split", .53, 6000, 3),
	} {
		rules := []Rule{Fixed(.05), Peeking(.05, 30), ByCount(.05, 10000, 30), ByCount(.05, 100, 5), Adopted(.05), Student(.05, 100, 0)}
		if s.Tuning.Set() {
			rules = []Rule{ByInformation(.05, 10), Hybrid(.05, 10), Peeking(.05, 10), Adopted(.05)}
		}
		if s.Split {
			rules = []Rule{SplitRule("1000", .01, 1000), SplitRule("100", .01, 100), SplitRule("10", .05, 10)}
		}
		slow := make([]Rule, len(rules))
		for i, r := range rules {
			slow[i] = r
			slow[i].Start = func(s *Scenario) Decider { return unhurried{r.Start(s)} }
		}
		fast, plain := draw(t, s, rules, 25, 2), draw(t, s, slow, 25, 2)
		if !reflect.DeepEqual(fast, plain) {
			t.Errorf("%s, seed %d:\n%+v\n%+v", s.Name, seed, fast, plain)
		}
		for _, o := range fast.Outcomes {
			t.Logf("%s, %s: %v rejected, median stop %d", s.Name, o.Rule, o.Rejected.Value, o.MedianStop)
		}
	}
}

// TestQuickZIsTheExactOne: what looks are passed over by agrees with package stats.
func TestQuickZIsTheExactOne(t *testing.T) {
	for _, s := range []Scenario{Pairs("lognormal", Lognormal(0, 2), .5, 2000, 500), Clicks("clicks", 800, 200, false), Corrected("corrected", Normal(5, 1), 2000, 500, .3, .02)} {
		r := rand.New(rand.NewPCG(seed, 1))
		p, step := newPopulation(&s), s.Start(r)
		for range s.Looks {
			step(p.Add)
			n, ok := p.numbers(0, 0)
			z, missed := p.zs()
			if !ok || math.Abs(z/n.Test.Z.V-1) > 1e-9 {
				t.Errorf("%s: quick z %v, exact %v", s.Name, z, n.Test.Z)
			}
			if want := (n.Test.Value.V - s.Effect) / n.Test.SE.V; math.Abs(missed-want) > 1e-8*(1+math.Abs(want)) {
				t.Errorf("%s: quick distance from the truth %v, exact %v", s.Name, missed, want)
			}
		}
	}
}

func TestEngineRuleTunesOnce(t *testing.T) {
	// Nobody enters after the first look, but everybody's total goes on growing: tuned anew at each look k would stand still.
	s := Accruing("all at once", 200, 50, false)
	var ks []float64
	engine := Adopted(.05)
	spy := Rule{Name: "spy", Start: func(s *Scenario) Decider {
		return &spying{engine.Start(s).(*adopted), &ks}
	}}
	draw(t, s, []Rule{spy}, 1, 1)
	// 400 of 10,000 subjects at the first look: 4 % of v*, and twice v* at the last.
	if math.Abs(ks[0]-5.2) > .4 || math.Abs(ks[49]-3.06) > .03 {
		t.Errorf("k over the looks: %v", ks)
	}
}

type spying struct {
	*adopted
	ks *[]float64
}

func (s *spying) Skip(*Population, float64, float64, bool) bool { return false }

func (s *spying) Decide(l *Look) (bool, bool) {
	yes, no := s.adopted.Decide(l)
	n, _ := l.Numbers(0)
	*s.ks = append(*s.ks, s.tuning.Always(n.Test, n.T.N, n.C.N, .05).K.V)
	return yes, no
}

// Equal arms, looked at 200 times. The rules that claim .05 keep it, the negative control does not; the figures with a look after
// every pair stand in docs/protocol.md.
func TestLookingOftenCostsTheClassicalTestAndNoOther(t *testing.T) {
	const runs = 300
	for _, c := range []struct {
		name string
		draw Value
	}{
		{"normal", Normal(1, 1)}, {"Bernoulli .1", Bernoulli(.1)}, {"lognormal σ = 2", Lognormal(0, 2)}, {"5 % buyers", Buyers(.05, 3, 1)},
	} {
		r := draw(t, Pairs(c.name, c.draw, 0, 20000, 100), []Rule{
			Fixed(.05), Peeking(.05, 100), ByCount(.05, 10000, 100), Adopted(.05), Student(.05, 10000, 0),
		}, runs, 2)
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

func TestHybridKeepsItsLevelAndRegainsPower(t *testing.T) {
	// The effect that a fixed test finds with 80 %: looking at any time costs a third of that, the planned final look gives most of
	// it back.
	const runs, perArm = 600, 10000
	rules := []Rule{Hybrid(.05, 100), ByInformation(.05, 100)}
	of := func(name string, effect float64) Report {
		s := Pairs(name, Normal(1, 1), effect, perArm, 100)
		s.Tuning.V = perArm / 2 // n_t·n_c/n of variance 1
		return draw(t, s, rules, runs, 2)
	}
	if o := outcome(t, of("normal", 0), "hybrid"); o.Rejected.Value > .05+3*math.Sqrt(.05*.95/runs) {
		t.Errorf("false positives %.3f", o.Rejected.Value)
	}
	real := of("normal, 80 % effect", 2.8016*math.Sqrt(2.0/perArm))
	hybrid, always := outcome(t, real, "hybrid"), outcome(t, real, "by information")
	if hybrid.Rejected.Value < .65 || hybrid.Rejected.Value < always.Rejected.Value+.1 {
		t.Errorf("power %.3f, without the final look %.3f", hybrid.Rejected.Value, always.Rejected.Value)
	}
}

// TestProtocolAtTheSizeOfCI runs every row with few experiments: tolerances widen by their binomial error, and the negative controls
// must err all the same.
func TestProtocolAtTheSizeOfCI(t *testing.T) {
	share := 250
	if testing.Short() {
		share = 1000
	}
	rows := map[string]int{}
	for _, c := range Protocol() {
		_, results, err := c.Run(context.Background(), Options{Runs: max(8, c.Runs/share), Seed: seed, Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			rows[r.Row]++
			if r.Failed() {
				t.Errorf("%s, %s, %s, %d runs, seed %d: %s is %.4f, want %s", r.Row, r.Scenario, r.Rule, r.Runs, seed, r.Measure, r.Value, r.String())
			}
		}
	}
	for _, row := range Rows() {
		if rows[row.ID] == 0 && row.Verified == nil {
			t.Errorf("row %s asks for nothing", row.ID)
		}
	}
}

func TestBoundariesAreThoseOfOthers(t *testing.T) {
	if cases, deviation := boundaryParity(); cases < 1000 || !(deviation < 1e-9) {
		t.Errorf("%d cases, largest deviation %g", cases, deviation)
	}
}

// TestJudgeFindsWhatIsOutside: a check that can't fail is none.
func TestJudgeFindsWhatIsOutside(t *testing.T) {
	c := Case{Runs: 10000, Checks: []Check{
		{Row: "X", Rule: "r", Measure: "rejected", Kind: AtMost, Want: .05, Tolerance: .0066},
		{Row: "X", Rule: "r", Measure: "rejected", Kind: Within, Want: .033, Tolerance: .006},
		{Row: "X", Rule: "r", Measure: "missed", Kind: AtLeast, Want: .45, MustFail: true, Works: .0566},
		{Row: "X", Rule: "r", Measure: "median_stop", Kind: Within, Want: 15600, Tolerance: 1000},
	}}
	capped := Case{Runs: 4000, Checks: []Check{{Row: "X", Rule: "r", Measure: "rejected", Kind: Within, Want: .093, Tolerance: .0195, Most: .1}}}
	for rejected, want := range map[int]bool{290: false, 300: true, 400: true, 401: false} {
		if r := capped.Judge(Report{Runs: 4000, Outcomes: []Outcome{{Rule: "r", Rejected: share(rejected, 4000)}}}); *r[0].OK != want {
			t.Errorf("%d of 4,000 where .0735 to .1 is asked: %t", rejected, *r[0].OK)
		}
	}
	judge := func(o Outcome, runs, unequal int) (ok []bool) {
		o.Rule = "r"
		for _, r := range c.Judge(Report{Runs: runs, Outcomes: []Outcome{o}, UnequalNumbers: unequal}) {
			ok = append(ok, !r.Failed())
		}
		return ok
	}
	for _, k := range []struct {
		rejected, missed float64
		stop             int64
		runs             int
		want             []bool
	}{
		{.034, .5, 15000, 10000, []bool{true, true, true, true}},
		{.057, .44, 17000, 10000, []bool{false, false, false, false}},
		{.020, .9, 14000, 10000, []bool{true, false, true, false}},
		{.057, .44, 17000, 200, []bool{true, true, true, true}}, // so few runs can't tell
		{.12, .2, 17000, 200, []bool{false, false, false, true}},
	} {
		o := Outcome{Rejected: share(int(k.rejected*float64(k.runs)+.5), k.runs), Missed: share(int(k.missed*float64(k.runs)+.5), k.runs), MedianStop: k.stop}
		if got := judge(o, k.runs, 0); !reflect.DeepEqual(got, k.want) {
			t.Errorf("%+v: %v, want %v", k, got, k.want)
		}
	}
	fine := Outcome{Rejected: share(340, 10000), Missed: share(5000, 10000), MedianStop: 15600, Engine: &Parity{Runs: 300}}
	if got := judge(fine, 10000, 0); !reflect.DeepEqual(got, []bool{true, true, true, true}) {
		t.Errorf("equal engine: %v", got)
	}
	if got := judge(fine, 10000, 1); !reflect.DeepEqual(got, []bool{false, false, false, false}) {
		t.Errorf("an engine with other numbers passes: %v", got)
	}
	fine.Engine.Unequal = 1
	if got := judge(fine, 10000, 0); !reflect.DeepEqual(got, []bool{false, false, false, false}) {
		t.Errorf("an engine that decides otherwise passes: %v", got)
	}
}

// crooked is an engine made of the package's own sums, with a fault of its choice.
type crooked struct {
	s     *Scenario
	p     *Population
	look  int
	fault string
}

func (c *crooked) Event(e *Event) error {
	if c.fault == "broken" && e.Subject == 200 {
		return errors.New("it broke")
	}
	if c.fault == "loses" && e.Subject == 200 {
		return nil
	}
	c.p.Add(e)
	return nil
}

func (c *crooked) Look() (*Published, error) {
	n, _ := c.p.numbers(0, 0)
	c.look++
	n.State = string(stats.Collecting)
	v := stats.Tuning{V: 1e4}
	if c.fault == "tunes" {
		v.V++
	}
	if c.p.Counts[0] >= 100 && c.p.Counts[1] >= 100 {
		n.Test.Always = v.Always(n.Test, n.T.N, n.C.N, .05)
		n.State = string(stats.Judge(n.Test.Always.Interval, stats.Up))
	}
	switch {
	case c.fault == "cries" && c.look == 40:
		n.State = string(stats.Better)
	case c.fault == "rounds" && c.look == 40:
		n.Test.SE.V = math.Nextafter(n.Test.SE.V, 1)
	}
	return &Published{Numbers: []Numbers{n}, Counts: c.p.Counts}, nil
}

func (c *crooked) Sums() (treatment, control string) {
	t, k := c.p.Cell(0, 0)
	if c.fault == "loses a unit" {
		t.Add(moment.Point{Num: 1})
		return sumsText(t, moment.Scale{Num: 5}), sumsText(k, c.s.Scale)
	}
	return sumsText(t, c.s.Scale), sumsText(k, c.s.Scale)
}

func (c *crooked) Close() error { return nil }

// TestParityFindsEveryFault: an engine that loses one event, cries once, is tuned a little otherwise, or is wrong in the last bit is found out.
func TestParityFindsEveryFault(t *testing.T) {
	for _, c := range []struct {
		fault, says          string
		unequal, otherNumber bool
	}{
		{"", "", false, false},
		{"cries", "the engine has rejected true", true, false},
		{"tunes", "always-valid interval", true, false},
		{"rounds", "look 39: difference", false, true},
		{"loses", "subjects", true, true},
		{"loses a unit", "the sums at the end", false, true},
	} {
		s := Pairs("normal", Normal(1, 1), 0, 600, 10)
		s.Tuning.V = 1e4
		r, err := Run(context.Background(), s, []Rule{Adopted(.05)}, Options{Runs: 6, Seed: seed, Workers: 2, EngineRuns: 4, Open: func(s *Scenario) (Engine, error) {
			return &crooked{s: s, p: newPopulation(s), fault: c.fault}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		e := r.Outcomes[0].Engine
		if e == nil || e.Runs != 4 || (e.Unequal > 0) != c.unequal || (r.UnequalNumbers > 0) != c.otherNumber || !strings.Contains(r.First, c.says) || c.says == "" && r.First != "" {
			t.Errorf("%q: %+v, %d other numbers, %q", c.fault, e, r.UnequalNumbers, r.First)
		}
	}
	s := Pairs("normal", Normal(1, 1), 0, 600, 10)
	_, err := Run(context.Background(), s, []Rule{Adopted(.05)}, Options{Runs: 2, Seed: seed, EngineRuns: 1, Open: func(s *Scenario) (Engine, error) {
		return &crooked{s: s, p: newPopulation(s), fault: "broken"}, nil
	}})
	if err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("an engine that broke: %v", err)
	}
}

func TestRunStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Pairs("normal", Normal(1, 1), 0, 600, 10), []Rule{Fixed(.05)}, Options{Runs: 1000, Seed: seed}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestFiellersSetIsAskedWhereThereIsNoInterval: three of a thousand in the control have no finite interval of the lift. The set still
// leaves out what the test rejects.
func TestFiellersSetIsAskedWhereThereIsNoInterval(t *testing.T) {
	z := stats.NormalUpper(.025)
	for _, c := range []struct {
		control, treatment int64
		lift               float64
		interval, misses   bool
	}{
		{3, 10, 0, false, false}, // z = 1.95
		{3, 11, 0, false, true},  // z = 2.14
		{3, 11, 2, false, false},
		{100, 130, 0, true, true},
		{100, 130, .3, true, false},
	} {
		s := Rates("", 1000, .01, .01)
		p := newPopulation(&s)
		for i := range int64(1000) {
			for arm, ones := range [2]int64{Control: c.control, Treatment: c.treatment} {
				e := Event{Arm: arm}
				if i < ones {
					e.Num = 1
				}
				p.Add(&e)
			}
		}
		n, ok := p.numbers(0, 0)
		i := stats.LiftInterval(stats.Fieller, n.T, n.C, z)
		if got := fiellerMisses(i, &n, c.lift, z); !ok || i.OK != c.interval || got != c.misses {
			t.Errorf("%d and %d of 1,000, lift %v: interval %v, misses %t; z %v", c.control, c.treatment, c.lift, i, got, n.Test.Z.V)
		}
	}
}

// TestControlsThatCantTellSaySo: a bound that a rule without a fault would pass too is none; at the protocol's own number of runs every control
// has a real one.
func TestControlsThatCantTellSaySo(t *testing.T) {
	controls := 0
	for _, c := range Protocol() {
		for _, k := range c.Checks {
			if !k.MustFail {
				continue
			}
			controls++
			full := Result{Runs: c.Runs, Value: k.Want}
			c.hold(k, &full)
			if full.TooFewRuns || full.OK == nil || !*full.OK || k.Works == 0 {
				t.Errorf("%s, %s, %s: at %d runs %s is no bound where a rule that works may show %v", k.Row, c.Scenario.Name, k.Rule, c.Runs, full.String(), k.Works)
			}
			works := Result{Runs: c.Runs, Value: k.Works}
			if c.hold(k, &works); !works.Failed() {
				t.Errorf("%s, %s, %s: what a rule that works may show, %v, passes for an error", k.Row, c.Scenario.Name, k.Rule, k.Works)
			}
			for _, value := range []float64{0, k.Want, 1} {
				few := Result{Runs: 2, Value: value}
				if c.hold(k, &few); !few.TooFewRuns || few.OK != nil || few.Failed() {
					t.Errorf("%s, %s, %s: two runs with %v say %+v", k.Row, c.Scenario.Name, k.Rule, value, few)
				}
			}
			no := false
			few := Result{Runs: 2, Equal: &no}
			if c.hold(k, &few); !few.Failed() {
				t.Errorf("%s, %s, %s: an engine that decides otherwise passes", k.Row, c.Scenario.Name, k.Rule)
			}
		}
	}
	if controls < 20 {
		t.Errorf("%d controls", controls)
	}
	for runs, tooFew := range map[int]bool{100: true, 1000: true, 1700: false, 4000: false} { // .10 less three errors, .0602 and three more
		r := Result{Row: "A4s", Scenario: "lognormal σ = 2, 90/10", Rule: ownVariances, Measure: "rejected", Runs: runs, Value: .14}
		if !Again(&r) || r.TooFewRuns != tooFew {
			t.Errorf("A4s at %d runs: %+v", runs, r)
		}
	}
	if Again(&Result{Row: "A4s", Scenario: "lognormal σ = 2, 50/50", Rule: ownVariances, Measure: "rejected", Runs: 10}) {
		t.Error("what nobody asks for is judged")
	}
}
