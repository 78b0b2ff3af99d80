// Package sample makes up definitions and results that look like a company's: experiments in every state, slices with
// awkward values, sources that lag, alerts on their way. Tests of the API and the page read it, and the page can be
// looked at without an engine. It is seeded: the same step of the same seed is the same result. The statistics are
// plausible, not computed; nothing but tests may import it.
package sample

import (
	"time"

	"github.com/tidemark/tidemark/catalog"
)

// Now is the instant at which the sample plays.
var Now = time.Date(2026, 11, 18, 5, 32, 7, 0, time.UTC)

// Hostile are names as an attacker or an accident would choose them.
const (
	HostileName  = `<script>alert("name")</script>`
	HostileSlice = `"><img src=x onerror=alert(1)>`
	RTL          = "\u202eمخفض الحساب‬ ‮evil"
	LongName     = "an_experiment_whose_name_was_written_by_a_program_that_concatenates_everything_it_knows_about_the_feature_flag_and_its_parents"
)

// metric is how a made-up metric behaves.
type metric struct {
	def    *catalog.Metric
	mean   float64 // of the control, per subject or per denominator event
	sd     float64 // per subject, of the linearised value
	binary bool    // 0 or 1 per subject
}

// use is a metric in an experiment, with the true lift of each treatment.
type use struct {
	metric string
	role   catalog.Role
	limit  string
	effect map[string]float64
}

type experiment struct {
	id, name, owner, description string
	start, end, stop             time.Duration // before or after Now
	arms                         []string      // control first
	perDay                       float64       // subjects
	skew                         float64       // of the split, for SRM
	uses                         []use
	dims                         []dimension
	none                         string // no_data, failed: why there are no numbers
}

type dimension struct {
	name   string
	values []string
	share  []float64
}

const day = 24 * time.Hour

var platform = dimension{"platform", []string{"Android", "iOS", "Web", "(none)"}, []float64{0.46, 0.34, 0.19, 0.01}}
var country = dimension{"country", []string{"KR", "JP", "US", "DE", "FR", "BR", "ID", "VN", "TH", "TW", "GB", "CA", "MX", "(other)"},
	[]float64{0.31, 0.18, 0.14, 0.07, 0.06, 0.05, 0.045, 0.04, 0.03, 0.025, 0.02, 0.015, 0.01, 0.015}}

func metrics() []metric {
	m := func(id, name, format string, dir catalog.Direction, mean, sd float64, description string) metric {
		d := &catalog.Metric{ID: id, Name: name, Format: format, Direction: dir, Description: description, Owner: "@growth", Subjects: []string{"user_id"},
			Type: "CONTINUOUS", Pos: catalog.Position{File: "metrics.yaml", Line: 3, Column: 1},
			Numerator: catalog.Term{Event: &catalog.Event{ID: "PURCHASE"}, Agg: catalog.Sum, Value: "revenue"}}
		return metric{def: d, mean: mean, sd: sd}
	}
	list := []metric{
		m("CTR", "", "percent", catalog.Up, 0.04812, 0.19, "Clicks per search impression, among exposed users."),
		m("ARPU", "Revenue per user", "currency:KRW", catalog.Up, 1204.6, 8100, "Revenue within the experiment, per exposed user."),
		m("ORDERS", "Orders per user", "number", catalog.Up, 0.1372, 0.52, "Orders placed after exposure."),
		m("CONVERTED", "Converted", "percent", catalog.Up, 0.1204, 0, "Share of exposed users with at least one order."),
		m("LATENCY_P95", "p95 search latency", "duration_ms", catalog.Down, 412, 250, "Mean of the per-user 95th percentile."),
		m("CRASHES", "Crashes per user", "number", catalog.Down, 0.0312, 0.21, "App crashes after exposure."),
		m("REFUNDS", "Refund rate", "percent", catalog.Down, 0.0211, 0.16, "Refunded orders per order."),
		m("SESSIONS", "Sessions per user", "number", catalog.Either, 3.41, 4.2, "Sessions started after exposure."),
		m("HOSTILE", HostileName, "number", catalog.Up, 1, 3, HostileSlice),
		m(LongName, RTL, "number", catalog.Up, 12, 30, RTL),
	}
	for i := range list {
		if list[i].def.ID == "CONVERTED" {
			list[i].binary = true
			list[i].def.Numerator.Agg = catalog.Exists
		}
		if list[i].def.ID == "CTR" {
			list[i].def.Numerator = catalog.Term{Event: &catalog.Event{ID: "CLICK"}, Agg: catalog.Count, Value: "user_id"}
			list[i].def.Denominator = &catalog.Term{Event: &catalog.Event{ID: "IMPRESSION"}, Agg: catalog.Count, Value: "user_id"}
			list[i].def.Ordered = true
		}
	}
	return list
}

func experiments() []experiment {
	all := []dimension{platform, country}
	rails := func(latency, crashes float64) []use {
		return []use{
			{"LATENCY_P95", catalog.Guardrail, "+5%", map[string]float64{"rerank_v2": latency, "compact": latency, "guided": latency, "treatment": latency}},
			{"CRASHES", catalog.Guardrail, "+10%", map[string]float64{"rerank_v2": crashes, "compact": crashes, "guided": crashes, "treatment": crashes}},
			{"REFUNDS", catalog.Guardrail, "+8%", nil},
		}
	}
	return []experiment{
		{id: "search_rerank_v2", name: "Search re-ranking v2", owner: "@search", description: "Re-rank the first page of search results by predicted order value instead of predicted click.",
			start: -6 * day, end: 8 * day, arms: []string{"control", "rerank_v2"}, perDay: 170_000, dims: all, uses: append([]use{
				{"CTR", catalog.Goal, "", map[string]float64{"rerank_v2": 0.024}},
				{"ARPU", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.011}},
				{"ORDERS", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.016}},
				{"SESSIONS", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.008}},
			}, rails(0.042, 0.004)...)},
		{id: "checkout_one_page", name: "One-page checkout", owner: "@checkout", description: "Three shapes of the checkout against today's four steps.",
			start: -12 * day, end: 2 * day, arms: []string{"control", "compact", "guided"}, perDay: 60_000, dims: all, uses: append([]use{
				{"CONVERTED", catalog.Goal, "", map[string]float64{"compact": 0.034, "guided": -0.028}},
				{"ARPU", catalog.Goal, "", map[string]float64{"compact": 0.02, "guided": -0.01}},
				{"ORDERS", catalog.Secondary, "", map[string]float64{"compact": 0.02, "guided": -0.03}},
			}, rails(0.003, 0.145)...)},
		{id: "homepage_aa", name: "Homepage A/A", owner: "@platform", description: "Two equal arms: whatever shows a difference here is broken.",
			start: -9 * day, end: 5 * day, arms: []string{"control", "treatment"}, perDay: 120_000, dims: all, uses: append([]use{
				{"CTR", catalog.Goal, "", nil}, {"ARPU", catalog.Secondary, "", nil}}, rails(0, 0)...)},
		{id: "banner_redirect", name: "Banner with redirect", owner: "@ads", description: "The treatment redirects; slow clients lose their exposure on the way.",
			start: -3 * day, end: 11 * day, arms: []string{"control", "treatment"}, perDay: 40_000, skew: 0.03, dims: all, uses: append([]use{
				{"CTR", catalog.Goal, "", map[string]float64{"treatment": 0.05}}}, rails(0.01, 0)...)},
		{id: "new_pricing", name: "New pricing page", owner: "@pricing", start: -40 * time.Minute, end: 14 * day, arms: []string{"control", "treatment"}, perDay: 3_000,
			dims: all, uses: append([]use{{"CONVERTED", catalog.Goal, "", map[string]float64{"treatment": 0.04}}}, rails(0, 0)...)},
		{id: "push_timing", name: "Push timing", owner: "@crm", start: -14 * time.Minute, end: 14 * day, arms: []string{"control", "treatment"}, none: "no_data",
			dims: all, uses: append([]use{{"CONVERTED", catalog.Goal, "", nil}}, rails(0, 0)...)},
		{id: "coupon_stack", name: "Coupon stacking", owner: "@pricing", start: -20 * day, end: -6 * day, arms: []string{"control", "treatment"}, perDay: 30_000,
			dims: all, uses: append([]use{{"ARPU", catalog.Goal, "", map[string]float64{"treatment": 0.06}}}, rails(0, 0.01)...)},
		{id: "gift_wrap", name: "Gift wrapping upsell", owner: "@checkout", start: -10 * day, end: 4 * day, stop: -1 * day, arms: []string{"control", "treatment"}, perDay: 20_000,
			none: "failed", dims: all, uses: append([]use{{"ARPU", catalog.Goal, "", nil}}, rails(0, 0)...)},
		{id: "spring_theme", name: "Spring theme", owner: "@brand", start: 9 * day, end: 23 * day, arms: []string{"control", "treatment"}, dims: all,
			uses: []use{{"CTR", catalog.Goal, "", nil}}},
		{id: LongName, name: HostileName, owner: HostileSlice, description: RTL + " " + HostileName, start: -5 * day, end: 9 * day,
			arms: []string{HostileSlice, RTL}, perDay: 50_000,
			dims: []dimension{{"platform", []string{HostileName, RTL, LongName, "a=b,c/d%e", ""}, []float64{0.4, 0.3, 0.2, 0.06, 0.04}}},
			uses: []use{{"HOSTILE", catalog.Goal, "", nil}, {LongName, catalog.Guardrail, "+10%", map[string]float64{RTL: 0.4}}}},
	}
}
