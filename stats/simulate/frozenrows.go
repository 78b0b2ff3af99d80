package simulate

import (
	"math"
	"math/rand/v2"

	"github.com/tidemark/tidemark/stats/moment"
)

// Winsorized is Pairs of which every value is clipped at an upper percentile of both arms together.
func Winsorized(name string, draw Value, percentile float64, perArm, every int) Scenario {
	s := Pairs(name, draw, 0, perArm, every)
	s.Winsorize = percentile
	return s
}

// Latencies is a quantile of events, in milliseconds: a subject has one to nine of them, lognormal about a pace of its own, which is
// lognormal too and most of the variance. A share of the subjects has so many times as many. A subject's events come with its entry.
func Latencies(name string, quantile, active float64, times, perArm, every int) Scenario {
	return Scenario{
		Name: name, Scale: moment.Scale{Num: 1}, Looks: perArm / every, Repeated: true, Quantile: quantile,
		Start: func(r *rand.Rand) func(func(*Event)) {
			var e Event
			n := 0
			return func(emit func(*Event)) {
				for i := range 2 * every {
					e.Subject, e.Arm = n, 1-i&1
					n++
					events := 1 + r.IntN(9)
					if r.Float64() < active {
						events *= times
					}
					pace := 1000 * math.Exp(.5*r.NormFloat64())
					for range events {
						e.Num = int64(math.Round(10 * pace * math.Exp(.3*r.NormFloat64())))
						emit(&e)
					}
				}
			}
		},
	}
}

// A12. The percentile is frozen at the first look with enough values; an engine freezes it at the same look.
func winsorizedCases() []Case {
	const alpha, limit = .05, 3 * .0034
	var out []Case
	for _, c := range []struct {
		name       string
		draw       Value
		percentile float64
	}{
		{"lognormal σ = 2, clipped at its 99th percentile", Lognormal(0, 2), .99},
		{"5 % buyers, clipped at the 99th percentile", Buyers(.05, 3, 1), .99},
	} {
		out = append(out, Case{Scenario: Winsorized(c.name, c.draw, c.percentile, 10000, 10), Runs: 4000, EngineRuns: 300, Rules: []Rule{Adopted(alpha), Peeking(alpha, 100)},
			Checks: []Check{
				{Row: "A12", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit},
				{Row: "A12", Rule: "fixed, at every look", Measure: "rejected", Kind: AtLeast, Want: .25, MustFail: true, Works: alpha + limit},
			}})
	}
	return out
}

// A13. The negative controls are the variance of events taken for independent, and speaking while few subjects have most of the events.
func quantileCases() []Case {
	const alpha = .05
	limit := 3 * .0034
	var out []Case
	for _, c := range []struct {
		name             string
		quantile, active float64
		control          string
		errs             float64 // what the control errs at least; 0: not asked
	}{
		{"latencies, median", .5, 0, eachEvent, .2},
		{"latencies, p95", .95, 0, eachEvent, .1},
		{"latencies, median, 1 % of subjects with 100 times the events", .5, .01, anyDenominator, .075},
		{"latencies, p95, 1 % of subjects with 100 times the events", .95, .01, anyDenominator, 0},
	} {
		k := Case{Scenario: Latencies(c.name, c.quantile, c.active, 100, 2000, 10), Runs: 4000, EngineRuns: 300, Rules: []Rule{Adopted(alpha)},
			Checks: []Check{{Row: "A13", Rule: "the engine's", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit}}}
		if c.active == 0 {
			k.Rules = append(k.Rules, Fixed(alpha))
			k.Checks = append(k.Checks, Check{Row: "A13", Rule: "fixed, at the end", Measure: "rejected", Kind: AtMost, Want: alpha, Tolerance: limit})
		}
		if c.errs > 0 {
			rule := EachEvent(alpha)
			if c.control == anyDenominator {
				rule = AnyDenominator(alpha)
			}
			k.Rules = append(k.Rules, rule)
			k.Checks = append(k.Checks, Check{Row: "A13", Rule: c.control, Measure: "rejected", Kind: AtLeast, Want: c.errs, MustFail: true, Works: alpha + limit})
		}
		out = append(out, k)
	}
	return out
}
