// Package sample makes up definitions and results that look like a company's: experiments in every state, slices with
// awkward values, sources that lag, alerts on their way. Tests of the API and the page read it, and the page can be
// looked at without an engine. It is seeded: the same step of the same seed is the same result. The statistics are
// plausible, not computed; nothing but tests may import it.
package sample

import (
	"fmt"
	"strings"
	"testing/fstest"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Now is the instant at which the sample plays.
var Now = time.Date(2026, 11, 18, 5, 32, 7, 0, time.UTC)

// Hostile are names as an attacker or an accident would choose them.
const (
	HostileName  = `<script>alert("name")</script>`
	HostileSlice = `"><img src=x onerror=alert(1)>`
	RTL          = "\u202eمخفض الحساب\u202c \u202eevil"
	LongName     = "an_experiment_whose_name_was_written_by_a_program_that_concatenates_everything_it_knows_about_the_feature_flag_and_its_parents"
)

// metric is how a made-up metric behaves.
type metric struct {
	id     string
	mean   float64 // of the control, per subject or per denominator event
	sd     float64 // per subject, of the linearised value
	binary bool    // 0 or 1 per subject
	yaml   string  // the rest of its definition
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
	correction                   string
	finalLook                    bool
	mde                          float64
	rows                         map[string]func(*results.Row) // by metric: what is special about its rows
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
	orders := "numerator: {event: PURCHASE, agg: COUNT, value: user_id}"
	return []metric{
		{id: "CTR", mean: 0.04812, sd: 0.1, yaml: "format: percent\n  direction: up\n  description: \"Clicks per search impression, among exposed users.\"\n  denominator: {event: IMPRESSION, agg: COUNT, value: user_id}\n  numerator: {event: CLICK, agg: COUNT, value: user_id}"},
		{id: "ARPU", mean: 1204.6, sd: 8100, yaml: "name: Revenue per user\n  format: currency:KRW\n  winsorize: {lower: 0.001, upper: 0.999}\n  direction: up\n  description: Revenue after exposure, per exposed user.\n  numerator: {event: PURCHASE, agg: SUM, value: revenue}"},
		{id: "ORDERS", mean: 0.1372, sd: 0.52, yaml: "name: Orders per user\n  format: number\n  direction: up\n  " + orders},
		{id: "CONVERTED", mean: 0.1204, binary: true, yaml: "name: Converted\n  format: percent\n  direction: up\n  window: 7d\n  numerator: {event: PURCHASE, agg: EXISTS, value: user_id}"},
		{id: "LATENCY_P95", mean: 412, sd: 250, yaml: "name: Slowest search\n  format: duration_ms\n  direction: down\n  numerator: {event: IMPRESSION, agg: MAX, value: latency}"},
		{id: "CRASHES", mean: 0.0312, sd: 0.21, yaml: "name: Crashes per user\n  format: number\n  direction: down\n  numerator: {event: IMPRESSION, agg: COUNT, value: user_id, where: \"latency > 9000\"}"},
		{id: "REFUNDS", mean: 0.0211, sd: 0.16, yaml: "name: Refund rate\n  format: percent\n  direction: down\n  denominator: {event: PURCHASE, agg: COUNT, value: user_id}\n  numerator: {event: PURCHASE, agg: COUNT, value: user_id, where: \"revenue < 0\"}"},
		{id: "SESSIONS", mean: 3.41, sd: 4.2, yaml: "name: Sessions per user\n  format: number\n  direction: none\n  numerator: {event: IMPRESSION, agg: COUNT_DISTINCT, value: session}"},
		{id: "SIGNED_UP", mean: 0.002, binary: true, yaml: "name: Signed up within a week\n  format: percent\n  direction: up\n  window: 7d\n  strict: true\n  numerator: {event: PURCHASE, agg: EXISTS, value: user_id}"},
		{id: "LATENCY", mean: 412, sd: 250, yaml: "name: Search latency\n  format: duration_ms\n  direction: down\n  numerator: {event: IMPRESSION, agg: P95, value: latency}"},
		{id: "HOSTILE", mean: 1, sd: 3, yaml: "name: '" + HostileName + "'\n  format: number\n  direction: up\n  description: '" + HostileSlice + "'\n  " + orders},
		{id: LongName, mean: 12, sd: 30, yaml: "name: \"" + RTL + "\"\n  format: number\n  direction: down\n  " + orders},
	}
}

const sources = `# The shop's sources and events.
source: {id: exposures, format: json, kafka: {topic: shop.exposures, keyed_by: user_id}, lateness: 1h, owner: "@platform"}
---
source: {id: orders, format: json, kafka: {topic: shop.orders, keyed_by: user_id}, lateness: 1h}
---
source: {id: search, format: json, kafka: {topic: shop.search, keyed_by: user_id}, lateness: 1h}
---
event:
  id: EXPOSURE
  sql: SELECT user_id, variant, experiment, platform, country, TO_TIMESTAMP(ts) AS event_time FROM exposures
---
event:
  id: PURCHASE
  owner: "@checkout"
  description: An order that was paid, or with a negative amount a refund.
  sql: |
    SELECT user_id, order_id AS event_id, TO_TIMESTAMP(ts) AS event_time,
           CAST(amount AS DECIMAL(18,2)) AS revenue
    FROM orders
    WHERE status IN ('paid', 'refunded')
---
event:
  id: IMPRESSION
  sql: SELECT user_id, session, latency, TO_TIMESTAMP(ts) AS event_time FROM search WHERE kind = 'impression'
---
event:
  id: CLICK
  sql: SELECT user_id, session, TO_TIMESTAMP(ts) AS event_time FROM search WHERE kind = 'click'
---
alert:
  id: guardrail_crossed
  experiments: all
  when: {guardrail: crossed}
  min_subjects: 1000
  severity: critical
  summary: "{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"
  receivers: [oncall]
---
receiver: {id: oncall, webhook: {url: "https://hooks.example.com/x", secret_file: secrets/hook}}
`

// files are the definitions as YAML.
func files() fstest.MapFS {
	var m, x strings.Builder
	for _, d := range metrics() {
		fmt.Fprintf(&m, "---\nmetric:\n  metric_id: %s\n  owner: \"@growth\"\n  subject: user_id\n  %s\n", d.id, d.yaml)
	}
	for _, e := range experiments() {
		id, arms := e.id, e.arms
		if id == LongName { // what no definition may hold is put in after loading
			id, arms = "hostile", []string{"control", "treatment"}
		}
		fmt.Fprintf(&x, "---\nexperiment:\n  id: %s\n  name: %q\n  owner: %q\n  description: %q\n  subject: user_id\n", id, e.name, e.owner, e.description)
		fmt.Fprintf(&x, "  exposure: {event: EXPOSURE, variant: variant, where: \"experiment = '%s'\"}\n  variants: {", id)
		for i, a := range arms {
			fmt.Fprintf(&x, "%s%s: 1", strings.Repeat(", ", min(i, 1)), a)
		}
		fmt.Fprintf(&x, "}\n  control: %s\n  start: %s\n", arms[0], Now.Add(e.start).Format(time.RFC3339))
		if e.end != 0 {
			fmt.Fprintf(&x, "  end: %s\n", Now.Add(e.end).Format(time.RFC3339))
		}
		if e.stop != 0 {
			fmt.Fprintf(&x, "  stop: %s\n", Now.Add(e.stop).Format(time.RFC3339))
		}
		if e.id == "search_rerank_v2" || e.id == "feed_mixer" {
			x.WriteString("  cuped: {pre_period: 14d}\n")
		}
		if e.correction != "" {
			fmt.Fprintf(&x, "  correction: %s\n", e.correction)
		}
		if e.finalLook {
			x.WriteString("  sequential: {final_look: true}\n")
		}
		if e.mde > 0 {
			fmt.Fprintf(&x, "  stats: {mde: %g%%}\n", e.mde*100)
		}
		roles := map[catalog.Role][]string{}
		for _, u := range e.uses {
			if u.limit != "" {
				roles[u.role] = append(roles[u.role], fmt.Sprintf("{metric: %s, limit: %s}", u.metric, u.limit))
			} else {
				roles[u.role] = append(roles[u.role], u.metric)
			}
		}
		for _, r := range []struct {
			role catalog.Role
			key  string
		}{{catalog.Goal, "goals"}, {catalog.Secondary, "secondary"}, {catalog.Guardrail, "guardrails"}} {
			if len(roles[r.role]) > 0 {
				fmt.Fprintf(&x, "  %s: [%s]\n", r.key, strings.Join(roles[r.role], ", "))
			}
		}
		var dims []string
		for _, d := range e.dims {
			dims = append(dims, d.name)
		}
		fmt.Fprintf(&x, "  slices: [%s]\n", strings.Join(dims, ", "))
	}
	return fstest.MapFS{"events.yaml": {Data: []byte(sources)}, "metrics.yaml": {Data: []byte(m.String())}, "experiments.yaml": {Data: []byte(x.String())}, "secrets/hook": {Data: []byte("whsec_eHh4")}}
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
			start: -6 * day, end: 8 * day, arms: []string{"control", "rerank_v2"}, perDay: 170_000, mde: 0.01, dims: all, uses: append([]use{
				{"CTR", catalog.Goal, "", map[string]float64{"rerank_v2": 0.028}},
				{"ARPU", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.011}},
				{"ORDERS", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.016}},
				{"SESSIONS", catalog.Secondary, "", map[string]float64{"rerank_v2": 0.008}},
			}, rails(0.042, 0.004)...)},
		{id: "checkout_one_page", name: "One-page checkout", owner: "@checkout", description: "Three shapes of the checkout against today's four steps.",
			start: -12 * day, end: 2 * day, arms: []string{"control", "compact", "guided"}, perDay: 60_000, correction: "holm", mde: 0.02, dims: all, uses: append([]use{
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
			finalLook: true, uses: append([]use{{"ARPU", catalog.Goal, "", map[string]float64{"treatment": 0.06}}}, rails(0, 0.01)...)},
		{id: "gift_wrap", name: "Gift wrapping upsell", owner: "@checkout", start: -10 * day, end: 4 * day, stop: -1 * day, arms: []string{"control", "treatment"}, perDay: 20_000,
			none: "failed", dims: all, uses: append([]use{{"ARPU", catalog.Goal, "", nil}}, rails(0, 0)...)},
		{id: "spring_theme", name: "Spring theme", owner: "@brand", start: 9 * day, end: 23 * day, arms: []string{"control", "treatment"}, dims: all,
			uses: []use{{"CTR", catalog.Goal, "", nil}}},
		mixer(all),
		{id: LongName, name: HostileName, owner: HostileSlice, description: RTL + " " + HostileName, start: -5 * day, end: 9 * day,
			arms: []string{HostileSlice, RTL}, perDay: 50_000,
			dims: []dimension{{"platform", []string{HostileName, RTL, LongName, "a=b,c/d%e", ""}, []float64{0.4, 0.3, 0.2, 0.06, 0.04}}},
			uses: []use{{"HOSTILE", catalog.Goal, "", nil}, {LongName, catalog.Guardrail, "+10%", map[string]float64{RTL: 0.4}}}},
	}
}
