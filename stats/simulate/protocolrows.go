package simulate

import (
	"math"
	"slices"

	"github.com/tidemark/tidemark/stats"
)

// Rows are the rows of the protocol (docs/protocol.md), in order.
var rowTitles = []Row{
	{ID: "A1", Title: "A/A of five distributions, 20,000 subjects an arm, a look after every pair"},
	{ID: "A2", Title: "the same, one look at the end"},
	{ID: "A3", Title: "negative control: 1.96 at every look"},
	{ID: "A4", Title: "allocation ramps, 40,000 subjects"},
	{ID: "A4s", Title: "skewed values in arms of very different size, 20,000 subjects"},
	{ID: "A5", Title: "subjects that keep accruing events, 500 an arm, 300 looks"},
	{ID: "A6", Title: "a ratio metric by the delta method, 5,000 subjects an arm"},
	{ID: "A6s", Title: "few subjects with most of the denominator, 2,000 subjects an arm"},
	{ID: "A7", Title: "CUPED with a correlation of .7"},
	{ID: "A8", Title: "30 % of values corrected later, 1 % of subjects taken out"},
	{ID: "A9", Title: "the split of subjects, a look every 20 of 1,000,000"},
	{ID: "A9r", Title: "the split of a ramp, a look every 20 of 60,000"},
	{ID: "A10", Title: "20 metrics × 10 slices, all null"},
	{ID: "A11", Title: "how early one may begin to look: t(4) + Exp(1), α = .1"},
	{ID: "A12", Title: "winsorized values, 20,000 subjects"},
	{ID: "A13", Title: "quantiles of events, of which a subject has several, 2,000 subjects an arm"},
	{ID: "B1", Title: "power at the effect that one look finds with 80 %, × 1.5 and × 2"},
	{ID: "B2", Title: "coverage of a lift's interval"},
	{ID: "B3", Title: "the boundary of GrowthBook and of Eppo from the same numbers", Verified: boundaryParity},
}

// Rows returns the rows of the protocol in order.
func Rows() []Row { return rowTitles }

// Protocol returns the cases of all rows, with the run counts that they are judged at. Figures and tolerances are those of
// docs/protocol.md.
func Protocol() []Case {
	var all []Case
	for _, part := range [][]Case{looksCases(), rampCases(), skewedCases(), accruingCases(), ratioCases(), unstableCases(), adjustedCases(), splitCases(), rampSplitCases(), familyCases(), earlyCases(), winsorizedCases(), quantileCases(), powerCases(), liftCases()} {
		all = append(all, part...)
	}
	return all
}

// A1, A2, A3: §3.1.
func looksCases() []Case {
	const alpha, runs = .05, 40000 // 10,000 are asked for; with four times as many our own error is no third of the tolerance
	limit := 3 * .0022
	var out []Case
	for _, c := range []struct {
		name            string
		draw            Value
		byCount         float64
		oneLook, peeked bool
	}{
		{"normal", Normal(1, 1), .0333, true, true},
		{"Bernoulli .1", Bernoulli(.1), .0330, true, false},
		{"Bernoulli .01", Bernoulli(.01), .0279, false, false},
		{"lognormal σ = 2", Lognormal(0, 2), .0145, false, false},
		{"5 % buyers", Buyers(.05, 3, 1), .0238, false, false},
	} {
		k := Case{Scenario: Pairs(c.name, c.draw, 0, 20000, 1), Runs: runs, EngineRuns: 300,
			Rules: []Rule{ByCount(alpha, 10000, 100), Adopted(alpha), Fixed(alpha), Peeking(alpha, 100)},
			Checks: []Check{
				{Row: "A1", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit},
				{Row: "A1", Rule: "by count", Measure: "rejected", Kind: Within, Want: c.byCount, Tolerance: .006, Most: alpha + limit},
			}}
		if c.oneLook {
			k.Checks = append(k.Checks, Check{Row: "A2", Rule: "fixed, at the end", Measure: "rejected", Kind: Within, Want: .05, Tolerance: .0065})
		}
		if c.peeked {
			k.Checks = append(k.Checks, Check{Row: "A3", Rule: "fixed, at every look", Measure: "rejected", Kind: AtLeast, Want: .45, MustFail: true, Works: alpha + limit})
		}
		out = append(out, k)
	}
	return out
}

// A4: §3.4. v at the planned end is (n_t·n_c/n)²·(1/n_t + 1/n_c) = n_t·n_c/n of variance 1.
func rampCases() []Case {
	var out []Case
	for _, c := range []struct {
		name   string
		stages []Stage
		want   float64
	}{
		{"50/50", []Stage{{40000, .5}}, .0188},
		{"90/10", []Stage{{40000, .1}}, .0148},
		{"1, 5, 10, 25, 50 %", []Stage{{8000, .01}, {8000, .05}, {8000, .1}, {8000, .25}, {8000, .5}}, .017},
		{"1 %, then 50 %", []Stage{{20000, .01}, {20000, .5}}, .0198},
	} {
		var nt float64
		for _, s := range c.stages {
			nt += float64(s.Subjects) * s.Treatment
		}
		s := Ramp(c.name, Normal(0, 1), c.stages, 10)
		s.Tuning = stats.Tuning{V: nt * (40000 - nt) / 40000}
		s.Weights = [2]float64{40000 - nt, nt}
		out = append(out, Case{Scenario: s, Runs: 4000, EngineRuns: 300, Rules: []Rule{ByInformation(.05, 25)},
			Checks: []Check{{Row: "A4", Rule: "by information", Measure: "rejected", Kind: Within, Want: c.want, Tolerance: .006}}})
	}
	return out
}

// A5: §3.4, Peeking 2.0. v* is v at the planned end, n/4 of the totals' variance then.
func accruingCases() []Case {
	const perArm, looks, window = 500, 300, 30
	const l = float64(looks)
	atOnce := Accruing("accruing, all at once", perArm, looks, false)
	atOnce.Tuning.V = perArm / 2.0 * l
	staggered := Accruing("accruing, staggered", perArm, looks, true)
	staggered.Tuning.V = perArm / 2.0 * (l/2 + l*l/12)
	strict := Windowed("windowed, a subject enters once", perArm, looks, window)
	strict.Tuning.V = perArm * (l - window) / l / 2 * window
	var out []Case
	for _, s := range []Scenario{atOnce, staggered, strict} {
		k := Case{Scenario: s, Runs: 5000, EngineRuns: 300, Rules: []Rule{ByInformation(.05, 25), Peeking(.05, 25)},
			Checks: []Check{{Row: "A5", Rule: "by information", Measure: "rejected", Kind: AtMost, Want: .05}}}
		if s.Window == 0 {
			k.Checks = append(k.Checks, Check{Row: "A5", Rule: "fixed, at every look", Measure: "rejected", Kind: AtLeast, Want: .35, MustFail: true, Works: .05})
		}
		out = append(out, k)
	}
	return out
}

// A6.
func ratioCases() []Case {
	const alpha = .05
	rules := []Rule{Fixed(alpha), ByCount(alpha, 10000, 100), Adopted(alpha)}
	return []Case{
		{Scenario: Clicks("clicks per view, by subject", 5000, 1, false), Runs: 4000, EngineRuns: 300, Rules: rules, Checks: []Check{
			{Row: "A6", Rule: "fixed, at the end", Measure: "rejected", Kind: Within, Want: .0505, Tolerance: .0103},
			{Row: "A6", Rule: "by count", Measure: "rejected", Kind: Within, Want: .015, Tolerance: .0058},
			{Row: "A6", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: 3 * .0034},
		}},
		{Scenario: Clicks("clicks per view, each view a subject", 5000, 25, true), Runs: 4000, EngineRuns: 300, Rules: rules[:2], Checks: []Check{
			{Row: "A6", Rule: "fixed, at the end", Measure: "rejected", Kind: AtLeast, Want: .28, MustFail: true, Works: alpha + 3*.0034},
			{Row: "A6", Rule: "by count", Measure: "rejected", Kind: AtLeast, Want: .40, MustFail: true, Works: alpha + 3*.0034},
		}},
	}
}

// A7 and A8.
func adjustedCases() []Case {
	const alpha = .05
	limit := 3 * .0031
	return []Case{
		{Scenario: Before("normal, correlation .7", .7, 10000, 100), Runs: 5000, EngineRuns: 300, Rules: []Rule{AdoptedCUPED(alpha), Adopted(alpha)}, Checks: []Check{
			{Row: "A7", Rule: "with CUPED", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit},
			{Row: "A7", Rule: "with CUPED", Measure: "observed", Kind: Within, Want: .714, Tolerance: .01},
		}},
		{Scenario: Corrected("normal, corrected", Normal(1, 1), 10000, 10, .3, .01), Runs: 10000, EngineRuns: 300, Rules: []Rule{ByCount(alpha, 10000, 100), Adopted(alpha)}, Checks: []Check{
			{Row: "A8", Rule: "the engine's", Measure: "observed", Kind: AtLeast, Want: 1},
			{Row: "A8", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: 3 * .0022},
			{Row: "A8", Rule: "by count", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: 3 * .0022},
		}},
	}
}

// A9: §2.9. A quantile of 1/α of the runs is looked at, so α is .01 under the plan.
func splitCases() []Case {
	const k1000, k100 = "split, K = 1,000", "split, K = 100"
	return []Case{
		{Scenario: Assigned("as planned", .5, 1_000_000, 20), Runs: 2000, EngineRuns: 300, Rules: []Rule{SplitRule(k1000, .01, 1000), SplitRule(k100, .01, 100)}, Checks: []Check{
			{Row: "A9", Rule: k1000, Measure: "rejected", Kind: AtMost, Want: .01, Tolerance: 3 * .0022},
			{Row: "A9", Rule: k100, Measure: "rejected", Kind: AtMost, Want: .01, Tolerance: 3 * .0022},
		}},
		{Scenario: Assigned("51/49", .51, 400_000, 20), Runs: 2000, EngineRuns: 300, Rules: []Rule{SplitRule(k1000, .001, 1000), SplitRule(k100, .001, 100)}, Checks: []Check{
			{Row: "A9", Rule: k1000, Measure: "rejected", Kind: AtLeast, Want: 1},
			{Row: "A9", Rule: k1000, Measure: "median_stop", Kind: Within, Want: 39000, Tolerance: 2500},
			{Row: "A9", Rule: k1000, Measure: "p99_stop", Kind: Within, Want: 105000, Tolerance: 15000},
			{Row: "A9", Rule: k100, Measure: "rejected", Kind: AtLeast, Want: 1},
			{Row: "A9", Rule: k100, Measure: "median_stop", Kind: Within, Want: 44500, Tolerance: 2500},
		}},
		{Scenario: Assigned("50.5/49.5", .505, 1_000_000, 20), Runs: 2000, EngineRuns: 300, Rules: []Rule{SplitRule(k1000, .001, 1000), SplitRule(k100, .001, 100)}, Checks: []Check{
			{Row: "A9", Rule: k1000, Measure: "median_stop", Kind: Within, Want: 164000, Tolerance: 10000},
			{Row: "A9", Rule: k100, Measure: "median_stop", Kind: Within, Want: 197000, Tolerance: 10000},
		}},
	}
}

// A10. Under the global null the mean of the current e-values is an e-process, and e-BH rejects only if that reaches 1/α; so
// the bound holds at all looks together, for Bonferroni too.
func familyCases() []Case {
	const alpha = .05
	const ledger, ebh, bonferroni, alone = "ledger: two goals half of α, whole rows", "e-BH over the slices", "Bonferroni over the slices", "each by itself"
	anyAt := func(cells []Cell, level float64) bool {
		return slices.ContainsFunc(cells, func(c Cell) bool { return c.LogE >= -math.Log(level) })
	}
	family := Family("20 metrics, 10 slices", 2, 20, 10, 4000, 100)
	family.Planned = 1000 // slices of 800 subjects are then near their tightest, where there is most to err
	return []Case{{
		Scenario: family, Runs: 2000, EngineRuns: 300,
		Rules: []Rule{
			Many(ledger, func(s *Scenario, cells []Cell) bool {
				return slices.ContainsFunc(cells[:s.metrics()], func(c Cell) bool { return c.Clear })
			}),
			Many(ebh, func(s *Scenario, cells []Cell) bool {
				var logE []float64
				for _, c := range cells[s.metrics():] {
					logE = append(logE, c.LogE)
				}
				return slices.Contains(stats.EBenjaminiHochberg(logE, alpha), true)
			}),
			Many(bonferroni, func(s *Scenario, cells []Cell) bool {
				return anyAt(cells[s.metrics():], alpha/float64(s.metrics()*s.Slices))
			}),
			Many(alone, func(_ *Scenario, cells []Cell) bool { return anyAt(cells, alpha) }),
		},
		Checks: []Check{
			{Row: "A10", Rule: ledger, Measure: "rejected", Kind: AtMost, Want: alpha},
			{Row: "A10", Rule: ebh, Measure: "rejected", Kind: AtMost, Want: alpha},
			{Row: "A10", Rule: bonferroni, Measure: "rejected", Kind: AtMost, Want: alpha},
			{Row: "A10", Rule: alone, Measure: "rejected", Kind: AtLeast, Want: .3, MustFail: true, Works: alpha},
		},
	}}
}

// A11: 4,000 runs there and here, so the tolerance is three standard errors of a difference.
func earlyCases() []Case {
	const alpha = .1
	s := Pairs("t(4) + Exp(1)", Heavy(), 0, 5000, 1)
	s.Alpha = alpha
	k := Case{Scenario: s, Runs: 4000, EngineRuns: 300}
	normal, student := []float64{.093, .088, .076, .063, .047}, []float64{.077, .077, .070, .060, .045}
	for i, n := range []int64{5, 10, 25, 50, 100} {
		name := []string{"5", "10", "25", "50", "100"}[i]
		for _, r := range []struct {
			rule Rule
			want float64
		}{{From(name, ByCount(alpha, 100, n)), normal[i]}, {From(name, Student(alpha, 100, n)), student[i]}, {From(name, ByCount(alpha, 10000, n)), .0375}} {
			k.Rules = append(k.Rules, r.rule)
			k.Checks = append(k.Checks, Check{Row: "A11", Rule: r.rule.Name, Measure: "rejected", Kind: Within, Want: r.want, Tolerance: 3 * math.Sqrt(2*r.want*(1-r.want)/4000), Most: alpha})
		}
	}
	return []Case{k}
}

// B1: §3.2. Stops are over both arms.
func powerCases() []Case {
	var out []Case
	for _, c := range []struct {
		name         string
		times, power float64
	}{{"effect × 1", 1, .533}, {"effect × 1.5", 1.5, .916}, {"effect × 2", 2, .99}} {
		k := Case{Scenario: Pairs(c.name, Normal(1, 1), c.times*2.8016*math.Sqrt(2.0/20000), 20000, 1), Runs: 5000, EngineRuns: 300,
			Rules: []Rule{ByCount(.05, 10000, 100), Adopted(.05)}}
		for _, rule := range []string{"by count", "the engine's"} {
			kind, tolerance := Within, .02
			if c.times == 2 {
				kind, tolerance = AtLeast, 0
			}
			k.Checks = append(k.Checks,
				Check{Row: "B1", Rule: rule, Measure: "rejected", Kind: kind, Want: c.power, Tolerance: tolerance},
				Check{Row: "B1", Rule: rule, Measure: "missed", Kind: AtMost, Want: .05, Tolerance: 3 * .0031})
			if c.times == 1.5 {
				k.Checks = append(k.Checks, Check{Row: "B1", Rule: rule, Measure: "median_stop", Kind: Within, Want: 15600, Tolerance: 1000})
			}
		}
		out = append(out, k)
	}
	return out
}

// B2: §2.5. Missed is 1 − coverage; delta and the absolute interval over the control miss more, as printed there.
func liftCases() []Case {
	z := stats.NormalUpper(.025)
	var out []Case
	for _, c := range []struct {
		name                       string
		perArm                     int
		rate, lift                 float64
		delta, log, fieller, naive float64
	}{
		{"1,000 an arm, .01, lift 0", 1000, .01, 0, .918, .959, .949, .949},
		{"1,000 an arm, .01, lift .5", 1000, .01, .5, .931, .956, .9525, .886},
		{"1,000 an arm, .05, lift .2", 1000, .05, .2, .948, .952, .951, .9275},
		{"10,000 an arm, .05, lift .1", 10000, .05, .1, .949, .950, .950, .938},
	} {
		truth := c.lift
		of := func(m stats.LiftMethod) func(n *Numbers) bool {
			return func(n *Numbers) bool { return without(stats.LiftInterval(m, n.T, n.C, z), truth) }
		}
		k := Case{Scenario: Rates(c.name, c.perArm, c.rate, c.rate*(1+c.lift)), Runs: 200000, EngineRuns: 300, Rules: []Rule{
			LiftRule("fieller", func(n *Numbers) bool {
				i := n.Lift.Interval
				if n.State == "" { // nothing is published
					i = stats.LiftInterval(stats.Fieller, n.T, n.C, z)
				}
				return fiellerMisses(i, n, truth, z)
			}),
			LiftRule("delta", of(stats.Delta)),
			LiftRule("log delta", of(stats.LogDelta)),
			LiftRule("difference ÷ control", func(n *Numbers) bool {
				return without(stats.Between(n.Test.Interval.Low/n.C.Value.V, n.Test.Interval.High/n.C.Value.V), truth)
			}),
		}}
		for _, w := range []struct {
			rule     string
			coverage float64
		}{{"fieller", c.fieller}, {"delta", c.delta}, {"log delta", c.log}, {"difference ÷ control", c.naive}} {
			k.Checks = append(k.Checks, Check{Row: "B2", Rule: w.rule, Measure: "missed", Kind: Within, Want: 1 - w.coverage, Tolerance: .003, MustFail: w.coverage < .94, Works: 1 - c.fieller + .003})
		}
		out = append(out, k)
	}
	return out
}

// boundaryParity is B3: the boundary here against those of others, written out as they write them, from the same n, N* and α.
func boundaryParity() (cases int, deviation float64) {
	for _, alpha := range []float64{.001, .01, .05, .1} {
		for _, planned := range []float64{100, 5000, 10000, 1e6} {
			for n := 10.0; n < 1e9; n *= 1.37 {
				// GrowthBook gbstats/frequentist/tests.py: ρ from N*, halfwidth = s·sqrt(2·(nρ²+1)/(nρ)²·ln(sqrt(nρ²+1)/α)), of an
				// estimate with variance s²/n.
				rho := math.Sqrt((-2*math.Log(alpha) + math.Log(-2*math.Log(alpha)+1)) / planned)
				x := n*rho*rho + 1
				growthbook := math.Sqrt(2*x/(n*n*rho*rho)*math.Log(math.Sqrt(x)/alpha)) * math.Sqrt(n)
				// Eppo's documentation: ρ = N/(ln(ln(e/α²)) − 2·ln α), k = sqrt((n+ρ)/n·ln((n+ρ)/(ρα²))).
				r := planned / (math.Log(math.Log(math.E/(alpha*alpha))) - 2*math.Log(alpha))
				eppo := math.Sqrt((n + r) / n * math.Log((n+r)/(r*alpha*alpha)))
				ours := stats.BoundaryByCount(n, planned, alpha)
				// The same boundary by information: of a difference whose v is n/n* of its v*.
				tuned := stats.Tuning{V: planned}.Always(stats.Test{Value: stats.Known(0), SE: stats.Known(math.Sqrt(n)), Z: stats.Known(0)}, 2, 2, alpha).K.V
				for _, theirs := range []float64{growthbook, eppo, tuned} {
					deviation = math.Max(deviation, math.Abs(theirs/ours-1))
					cases++
				}
			}
		}
	}
	return cases, deviation
}
