package protocol

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemark/tidemark/stats/simulate"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

const seed = 20260302

// TestEngineDecidesAsTheFormula runs a few seeds of every row through the engine: each decision at each look, each estimate and
// standard error, and the sums at the end are the package's. `tidemark simulate --all --through engine` runs 300 of each.
func TestEngineDecidesAsTheFormula(t *testing.T) {
	runs := map[string]int{"A1": 1, "A4": 1, "A5": 1, "A9": 1, "B1": 1, "A10": 1}
	seen := map[string]bool{}
	for _, c := range simulate.Protocol() {
		if c.EngineRuns == 0 {
			continue
		}
		row := c.Checks[0].Row
		if testing.Short() && seen[row] {
			continue
		}
		n, ok := runs[row]
		if !ok {
			n = 5
		}
		// The head of each experiment is enough here: it has the first looks, the tuning, and for most rows a third of all.
		c.Scenario.Looks = max(1, min(c.Scenario.Looks/3, 7000))
		report, results, err := c.Run(context.Background(), simulate.Options{Runs: n, EngineRuns: n, Seed: seed, Workers: 2, Open: new(Opener).Open})
		if err != nil {
			t.Fatalf("%s, %s: %v", row, c.Scenario.Name, err)
		}
		for _, r := range results {
			seen[r.Row] = true
			if r.Engine == nil {
				continue
			}
			if r.Engine.Runs != n || r.Engine.Looks == 0 || !*r.Equal {
				t.Errorf("%s, %s, %s, seed %d: %+v: %s", r.Row, r.Scenario, r.Rule, seed, *r.Engine, report.First)
			}
		}
	}
	for _, row := range simulate.Rows() {
		if !seen[row.ID] && row.Verified == nil {
			t.Errorf("nothing of %s goes through the engine", row.ID)
		}
	}
}

// TestEngineRejectsWhereThereIsAnEffect: equality of decisions would say little if nothing were ever decided.
func TestEngineRejectsWhereThereIsAnEffect(t *testing.T) {
	s := simulate.Pairs("normal", simulate.Normal(1, 1), .4, 1000, 5)
	report, err := simulate.Run(context.Background(), s, []simulate.Rule{simulate.Adopted(.05), simulate.Peeking(.05, 100)},
		simulate.Options{Runs: 8, EngineRuns: 8, Seed: seed, Workers: 2, Open: new(Opener).Open})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range report.Outcomes {
		if o.Engine.Rejected.Value != 1 || o.Engine.Unequal > 0 || report.UnequalNumbers > 0 {
			t.Errorf("%s: %+v, %s", o.Rule, o.Engine, report.First)
		}
	}
}

// TestEngineFreezes: a quantile's cut and a percentile are frozen in the engine, at the look at which the formula's are, and an effect is found
// then; before it there is no interval to be equal to.
func TestEngineFreezes(t *testing.T) {
	for _, s := range []simulate.Scenario{
		simulate.Winsorized("clipped", simulate.Lognormal(0, 1), .99, 1500, 50), simulate.Latencies("latencies", .9, 0, 1, 600, 50),
	} {
		opened, err := new(Opener).Open(&s)
		if err != nil {
			t.Fatal(err)
		}
		step := s.Start(rand.New(rand.NewPCG(seed, 3)))
		waited, spoke := 0, 0
		for range s.Looks {
			step(func(e *simulate.Event) {
				if err := opened.Event(e); err != nil {
					t.Fatal(err)
				}
			})
			p, err := opened.Look()
			if err != nil {
				t.Fatal(err)
			}
			switch n := p.Numbers[0]; {
			case n.Test.Always.Interval.OK:
				spoke++
			case spoke > 0:
				t.Errorf("%s: silent again: %+v", s.Name, n)
			default:
				waited++
			}
		}
		facts := opened.(*engine).last.FactsOf()
		if f := facts[results.MetricKey("M00")]; f.Upper == "" || f.Set == nil || waited == 0 || spoke == 0 {
			t.Errorf("%s: waited %d looks, spoke at %d, facts %+v", s.Name, waited, spoke, facts)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCommitsChangeNothing: with a commit before nearly every look, subjects go to the store and come back, and all decisions,
// estimates and sums are still the formula's.
func TestCommitsChangeNothing(t *testing.T) {
	for _, c := range []struct {
		scenario simulate.Scenario
		rule     simulate.Rule
	}{
		{simulate.Pairs("normal", simulate.Normal(1, 1), 0, 500, 1), simulate.Adopted(.05)},
		{simulate.Corrected("corrected", simulate.Normal(1, 1), 2000, 10, .3, .01), simulate.Adopted(.05)},
		{simulate.Before("before", .7, 1000, 10), simulate.AdoptedCUPED(.05)},
		{simulate.Assigned("split", .5, 10000, 20), simulate.SplitRule("split", .01, 100)},
		{simulate.Windowed("windowed", 100, 60, 10), simulate.ByInformation(.05, 25)},
		{simulate.Latencies("latencies", .9, .01, 20, 300, 10), simulate.Adopted(.05)},
		{simulate.Winsorized("clipped", simulate.Lognormal(0, 2), .98, 1000, 5), simulate.Adopted(.05)},
		{simulate.Ramped("ramp", []simulate.Stage{{Subjects: 1000, Treatment: .1}, {Subjects: 1000, Treatment: .5}}, []float64{.1, .5}, 20), simulate.SplitByEpoch("split", .01)},
	} {
		if c.scenario.Window > 0 {
			c.scenario.Tuning.V = 500 // its rule is tuned beforehand
		}
		var commits atomic.Int64
		opener := &Opener{DirtyBytes: 1, hooks: stream.Hooks{Commit: func(string, int32, time.Duration, error) { commits.Add(1) }}}
		report, err := simulate.Run(context.Background(), c.scenario, []simulate.Rule{c.rule},
			simulate.Options{Runs: 2, EngineRuns: 2, Seed: seed, Workers: 2, Open: opener.Open})
		if err != nil {
			t.Fatalf("%s: %v", c.scenario.Name, err)
		}
		e := report.Outcomes[0].Engine
		if e.Unequal > 0 || report.UnequalNumbers > 0 {
			t.Errorf("%s, seed %d: %s", c.scenario.Name, seed, report.First)
		}
		if n := commits.Load(); n < e.Looks/2 {
			t.Errorf("%s: %d commits at %d looks", c.scenario.Name, n, e.Looks)
		}
	}
}

// TestRecordsAreWhatTheEngineReads: a record for each kind of scenario, as bytes.
func TestRecordsAreWhatTheEngineReads(t *testing.T) {
	for _, c := range []struct {
		scenario simulate.Scenario
		event    simulate.Event
		want     []string
	}{
		{simulate.Pairs("normal", simulate.Normal(1, 1), 0, 2, 1), simulate.Event{Subject: 7, Arm: simulate.Treatment, Num: -1500001}, []string{`{"s":"u7","t":1772452800000,"v":"treatment","x0":-1.500001}`}},
		{simulate.Clicks("clicks", 2, 1, false), simulate.Event{Subject: 0, Num: 3, Den: 12}, []string{`{"s":"u0","t":1772452800000,"v":"control","x0":3,"d":12}`}},
		{simulate.Before("before", .7, 2, 1), simulate.Event{Subject: 1, Num: 40, Pre: 2000000}, []string{`{"s":"u1","t":1772366400000,"x0":2.000000}`, `{"s":"u1","t":1772452800000,"v":"control","x0":0.000040}`}},
		{simulate.Assigned("split", .5, 2, 1), simulate.Event{Subject: 9, Arm: simulate.Treatment}, []string{`{"s":"u9","t":1772452800000,"v":"treatment"}`}},
		{simulate.Latencies("latencies", .5, 0, 1, 20, 10), simulate.Event{Subject: 2, Num: 12345}, []string{`{"s":"u2","t":1772452800000,"v":"control","x0":1234.5}`}},
		{simulate.Family("many", 1, 2, 3, 2, 1), simulate.Event{Subject: 3, Nums: []int64{1000000, 0}, Slice: 2}, []string{`{"s":"u3","t":1772452800000,"v":"control","x0":1.000000,"x1":0.000000,"g":"g2"}`}},
	} {
		opened, err := new(Opener).Open(&c.scenario)
		if err != nil {
			t.Fatal(err)
		}
		if err := opened.Event(&c.event); err != nil {
			t.Error(err)
		}
		if got, want := string(opened.(*engine).text), strings.Join(c.want, ""); got != want {
			t.Errorf("%s: %s\nwant %s", c.scenario.Name, got, want)
		}
		if _, err := opened.Look(); err != nil {
			t.Error(err)
		}
		r := opened.(*engine).last
		for id, l := range r.Ledger.Records {
			if l.Rejected != 0 || l.Read != int64(len(c.want)) {
				t.Errorf("%s: of %s %d read, %d rejected: %v", c.scenario.Name, id, l.Read, l.Rejected, l.Reasons)
			}
		}
		if n := r.Subjects["control"] + r.Subjects["treatment"]; n != 1 {
			t.Errorf("%s: %d subjects", c.scenario.Name, n)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestStepperRefuses what it is not for, and says when a record halts it.
func TestStepperRefuses(t *testing.T) {
	s := simulate.Pairs("normal", simulate.Normal(1, 1), 0, 2, 1)
	set, err := load(Definitions(&s))
	if err != nil {
		t.Fatal(err)
	}
	p, err := stream.NewStepper(set, stream.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.Append("orders", begin, nil, nil); err == nil || !strings.Contains(err.Error(), `no source "orders"`) {
		t.Error(err)
	}
	if _, err := p.Results("nothing"); err == nil || !strings.Contains(err.Error(), `no experiment "nothing"`) {
		t.Error(err)
	}
	// A storm of records that can't be read halts a partition: the stepper says so instead of going on without it.
	r := rand.New(rand.NewPCG(seed, 0))
	var halted error
	for i := 0; i < 20000 && halted == nil; i++ {
		halted = p.Append(source, begin.Add(time.Duration(i)*time.Millisecond), nil, []byte{'{', byte(r.IntN(256))})
	}
	if halted == nil || !strings.Contains(halted.Error(), "HALTED_REJECTS") {
		t.Errorf("after 20,000 broken records: %v", halted)
	}
	files := strings.Replace(Definitions(&s), "kafka: {topic: events, keyed_by: s}", "files: [events.ndjson]", 1)
	if set, err = load(files); err == nil {
		_, err = stream.NewStepper(set, stream.Options{})
	}
	if err == nil {
		t.Error("a file has no topic to append to")
	}
}
