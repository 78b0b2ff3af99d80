package sample

import (
	"strconv"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// mixer is an experiment that has at once everything that a row can say: every state, every warning, and every field that
// only some metrics have.
func mixer(dims []dimension) experiment {
	const arm = "mixer"
	effect := func(v float64) map[string]float64 { return map[string]float64{arm: v} }
	warn := func(code, dimension string, p float64, text string) results.Warning {
		return results.Warning{Code: code, Dimension: dimension, P: &p, Text: text}
	}
	number := func(v float64) *float64 { return &v }
	frozen := Now.Add(-5*day + 3*time.Hour)
	// state makes a row's numbers those of a state without an answer.
	state := func(word string, reasons ...string) func(*results.Row) {
		return func(r *results.Row) { r.State, r.Reasons = word, reasons }
	}
	return experiment{id: "feed_mixer", name: "Feed mixer", owner: "@feed", description: "Everything that a row can say, in one place.",
		start: -8 * day, end: 6 * day, arms: []string{"control", arm}, perDay: 40_000, correction: "bonferroni", mde: 0.01, dims: dims,
		uses: []use{
			{"CTR", catalog.Goal, "", effect(0.061)}, {"ARPU", catalog.Goal, "", effect(0.58)},
			{"ORDERS", catalog.Secondary, "", effect(-0.05)}, {"SESSIONS", catalog.Secondary, "", effect(0.01)}, {"SIGNED_UP", catalog.Secondary, "", nil}, {"CONVERTED", catalog.Secondary, "", nil},
			{LongName, catalog.Secondary, "", nil},
			{"LATENCY", catalog.Guardrail, "+5%", effect(0.041)}, {"CRASHES", catalog.Guardrail, "+10%", effect(0.31)}, {"REFUNDS", catalog.Guardrail, "+25%", nil},
		},
		rows: map[string]func(*results.Row){
			"CTR": func(r *results.Row) {
				r.Warnings = []results.Warning{warn("heterogeneity", "platform", 0.0004, "the effect is not the same for every platform (p 0.0004): look at its slices"),
					warn("novelty", "", 0.003, "the effect is smaller a week after the exposure than on the first day (p 0.0030)")}
			},
			"ARPU": func(r *results.Row) {
				r.Warnings = []results.Warning{warn("suspicious_lift", "", 0, "a lift of +60% is more often a fault of measurement than an effect: see that nothing is counted twice, or not at all, in one arm")}
				r.Clip = &results.Clip{Lower: number(0), Upper: number(120_000), LowerPercentile: number(0.001), UpperPercentile: number(0.999), Set: &frozen}
			},
			"ORDERS": func(r *results.Row) {
				r.Warnings = []results.Warning{warn("pre_exposure_bias", "", 0.00002, "the arms differed before they were exposed (p <0.0001): the assignment or the measurement is at fault"),
					warn("mix_shift", "", 0.001, "the arms are made up of different parts of the dimensions (p 0.0010): of the difference of −0.0100, −0.0102 remains when each part counts alike")}
				r.Clip = &results.Clip{Upper: number(20)}
			},
			"SESSIONS": func(r *results.Row) {
				r.State, r.Reasons, r.Across = "not_clear", []string{"approximate", "no_sampling_error"}, "subjects"
				r.Lift, r.Welch, r.CUPED, r.Power, r.Stratified, r.Tuning = results.Lift{}, results.Welch{}, nil, nil, nil, nil
				r.Difference = results.Difference{Value: number(312)}
				for id, a := range r.ByVariant {
					a.SE, a.Value, a.SketchError = nil, number(48_210), number(783)
					if id != "control" {
						a.Value, a.SketchError = number(48_522), number(788)
					}
					if a.Approximate = a.N / 9000; id == "control" {
						a.Overflowed = min(1, a.N/100_000)
					}
					r.ByVariant[id] = a
				}
			},
			"SIGNED_UP": func(r *results.Row) {
				for id, a := range r.ByVariant {
					a.N, a.NonZero = a.N/20, a.N/20_000
					if id == "control" {
						a.NonZero += 12
					}
					a.SumNum, a.SumDen = strconv.FormatInt(a.NonZero, 10), strconv.FormatInt(a.N, 10)
					a.Value = number(float64(a.NonZero) / float64(a.N))
					a.SE = nil
					r.ByVariant[id] = a
				}
				r.State, r.Reasons = "collecting", []string{"few_nonzero"}
				r.Tuning, r.Difference.PAlways, r.Difference.IntervalAlways, r.Lift.IntervalAlways, r.CUPED, r.Power, r.Stratified = nil, nil, nil, nil, nil, nil, nil
				r.Lift.Value, r.Lift.Interval, r.Difference.Value, r.Difference.P = number(-0.31), nil, number(-0.0007), number(0.21)
			},
			"CONVERTED": state("unreliable", "open_limit"),
			LongName: func(r *results.Row) {
				state("failed", "corrupt")(r)
				r.Difference, r.Lift, r.Welch, r.CUPED, r.Power, r.Stratified, r.Tuning = results.Difference{}, results.Lift{}, results.Welch{}, nil, nil, nil, nil
			},
			"LATENCY": func(r *results.Row) {
				r.Quantile = 0.95
				r.CUPED, r.Stratified = nil, nil
			},
		}}
}
