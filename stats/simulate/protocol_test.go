package simulate

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/tidemark/tidemark/stats"
)

// The protocol of the project's statistics notes, §3.6, with a look after every pair. At its own counts it takes an hour; any other
// count widens the tolerance by its binomial error.
//
//	go test ./stats/simulate -run Protocol -v -protocol 10000
var protocolRuns = flag.Int("protocol", 0, "runs of the whole protocol; 0 skips it")

// within checks a share against the notes' figure: .006 to a side at their own counts, three standard errors more at fewer.
func within(t *testing.T, o Outcome, scenario string, want float64, runs int) {
	t.Helper()
	tolerance := .006 + 3*math.Sqrt(want*(1-want)/float64(runs))
	verdict := "ok"
	if math.Abs(o.Rejected.Value-want) > tolerance {
		verdict = "OFF"
		t.Errorf("%s, %s: %.4f, the notes have %.4f ± %.4f", scenario, o.Rule, o.Rejected.Value, want, tolerance)
	}
	fmt.Printf("| %s | %s | %.4f ± %.4f | %.4f | %s |\n", scenario, o.Rule, o.Rejected.Value, o.Rejected.SE, want, verdict)
}

func TestProtocol(t *testing.T) {
	runs := *protocolRuns
	if runs == 0 {
		t.Skip("the whole protocol runs with -protocol N")
	}
	workers := runtime.GOMAXPROCS(0)

	// A1, A2, A3: the notes' §3.1.
	for _, c := range []struct {
		name                           string
		draw                           Value
		peeking, fixed, count, student float64
	}{
		{"A1 normal", Normal(1, 1), .539, .048, .0333, .0331},
		{"A1 Bernoulli .1", Bernoulli(.1), .530, .049, .0330, .0329},
		{"A1 Bernoulli .01", Bernoulli(.01), .415, .050, .0279, .0277},
		{"A1 lognormal σ = 2", Lognormal(0, 2), .446, .042, .0145, .0144},
		{"A1 5 % buyers", Buyers(.05, 3, 1), .483, .048, .0238, .0238},
	} {
		r := Run(Pairs(c.name, c.draw, 0, 20000, 1), []Rule{
			Peeking(.05, 100), Fixed(.05), ByCount(.05, 10000, 100), StudentFrom(.05, 10000, 100), Engine(.05, 10000),
		}, runs, seed, workers)
		for i, want := range []float64{c.peeking, c.fixed, c.count, c.student, c.count} {
			within(t, r.Outcomes[i], c.name, want, runs)
		}
	}

	// A4: the notes' §3.4.
	for _, c := range []struct {
		name   string
		stages []Stage
		want   float64
	}{
		{"A4 50/50", []Stage{{40000, .5}}, .0188},
		{"A4 90/10", []Stage{{40000, .1}}, .0148},
		{"A4 1, 5, 10, 25, 50 %", []Stage{{8000, .01}, {8000, .05}, {8000, .1}, {8000, .25}, {8000, .5}}, .017},
		{"A4 1 %, then 50 %", []Stage{{20000, .01}, {20000, .5}}, .0198},
	} {
		var nt float64
		for _, s := range c.stages {
			nt += float64(s.Subjects) * s.Treatment
		}
		r := Run(Ramp(c.name, Normal(0, 1), c.stages, 10), []Rule{ByInformation(.05, stats.Tuning{V: nt * (40000 - nt) / 40000}, 25)}, max(1, runs*4/10), seed, workers)
		within(t, r.Outcomes[0], c.name, c.want, max(1, runs*4/10))
	}

	// B1: power at the effect that a fixed test finds with 80 %, and at 1.5 and 2 times that.
	for _, c := range []struct{ times, want float64 }{{1, .533}, {1.5, .916}, {2, .995}} {
		name := fmt.Sprintf("B1 effect × %v", c.times)
		r := Run(Pairs(name, Normal(1, 1), c.times*2.8016*math.Sqrt(2.0/20000), 20000, 1), []Rule{ByCount(.05, 10000, 100), Engine(.05, 10000)}, max(1, runs/2), seed, workers)
		for _, o := range r.Outcomes {
			within(t, o, name, c.want, max(1, runs/2))
			fmt.Printf("| %s | %s | median stop %d subjects | | |\n", name, o.Rule, o.MedianStop)
		}
	}
}

// A11: how early one may begin to look. Heavy tails, α = .1 for resolution, tuned for 100 subjects, the worst case.
func TestProtocolOfEarlyLooks(t *testing.T) {
	runs := *protocolRuns
	if runs == 0 {
		t.Skip("the whole protocol runs with -protocol N")
	}
	heavy := func(r *rand.Rand) float64 {
		chi2 := -2 * math.Log((1-r.Float64())*(1-r.Float64())) // 4 degrees of freedom
		return r.NormFloat64()/math.Sqrt(chi2/4) + r.ExpFloat64()
	}
	var rules []Rule
	first := []int64{5, 10, 25, 50, 100}
	for _, n := range first {
		rules = append(rules, ByCount(.1, 100, n), StudentFrom(.1, 100, n), ByCount(.1, 10000, n))
	}
	r := Run(Pairs("A11 t(4) + Exp(1)", heavy, 0, 5000, 1), rules, runs, seed, runtime.GOMAXPROCS(0))
	normal, student := []float64{.093, .088, .076, .063, .047}, []float64{.077, .077, .070, .060, .045}
	for i, n := range first {
		name := fmt.Sprintf("A11 from %d an arm", n)
		within(t, r.Outcomes[3*i], name, normal[i], runs)
		within(t, r.Outcomes[3*i+1], name, student[i], runs)
		within(t, r.Outcomes[3*i+2], name+", N* = 10,000", .0375, runs)
	}
}
