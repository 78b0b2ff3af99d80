package catalog

import (
	"bytes"
	"testing"
	"testing/fstest"
)

// designDefinitions are the shapes of the design, word for word where it gives them.
const designDefinitions = `source:
  id: orders
  format: json                                  # json | csv
  kafka: {topic: orders, keyed_by: user_id}     # keyed_by: direct input; without it the source is re-keyed first
  lateness: 1h                                  # L
  timezone: Asia/Seoul
---
source: {id: exposures, kafka: {topics: [exposures_a, exposures_b]}}
---
source: {id: ads, kafka: {topic: ads}}
---
event:
  id: EXPOSURE
  sql: SELECT user_id AS xpc_key, variant, platform, country, TO_TIMESTAMP(ts) AS event_time FROM exposures
---
event:
  id: PURCHASE
  owner: "@growth"
  team: commerce
  description: Order with captured payment.
  dependencies: [orders]
  sql: |
    SELECT user_id AS xpc_key,
           "order".id AS event_id,
           TO_TIMESTAMP(ts / 1000) AS event_time,
           CAST("order".total AS DOUBLE) AS revenue
    FROM   orders
    WHERE  status = 'PAID'
---
event: {id: IMPRESSION, sql: 'SELECT user_id AS xpc_key, platform, ad_platform, inventory, candidate_producer, TO_TIMESTAMP(ts) AS event_time FROM ads WHERE kind = ''impression'''}
---
event: {id: CLICK, sql: "SELECT user_id AS xpc_key, platform, ad_platform, inventory, candidate_producer, TO_TIMESTAMP(ts) AS event_time FROM ads WHERE kind = 'click'"}
---
event: {id: CRASH, sql: "SELECT user_id AS xpc_key, TO_TIMESTAMP(ts) AS event_time FROM ads WHERE kind = 'crash'"}
---
metric:
  metric_id: ARPU
  type: CONTINUOUS
  subject: xpc_key
  denominator: {event: TRIGGERED, agg: COUNT, value: xpc_key}
  numerator:   {event: PURCHASE,  agg: SUM,   value: revenue}
---
metric:
  metric_id: CTR
  type: BINOMIAL
  subject: xpc_key
  denominator: {event: IMPRESSION, agg: COUNT, value: xpc_key}
  numerator:   {event: CLICK,      agg: COUNT, value: xpc_key}
  slices: [platform, ad_platform, inventory, candidate_producer]
---
metric:
  id: CRASHES
  subject: [xpc_key]
  direction: down
  numerator: {event: CRASH, agg: COUNT}
---
experiment:
  id: landing_page
  subject: xpc_key
  exposure: {event: EXPOSURE, variant: variant}  # the column that names the variant
  variants: {control: 1, treatment: 1}           # planned weights
  control: control
  start: 2026-03-02T00:00:00+09:00
  end: 2026-03-16T00:00:00+09:00                 # planned; cuts nothing
  goals: [CTR]
  secondary: [ARPU]
  guardrails: [{metric: CRASHES, limit: +5%}]    # % = lift, the sign is the harmful direction
  slices: [platform, country]                    # crossed in full: all groupings
  crossover: exclude                             # exclude | first
  cuped: {pre_period: 14d}
  alpha: 0.05
  sequential: {subjects: 10000}
---
alert:
  id: guardrail_crossed
  experiments: all                               # all | [ids]
  when: {guardrail: crossed}
  min_subjects: 1000
  severity: critical                             # critical | error | warning | info
  summary: "{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"
  receivers: [oncall]
---
receiver: {id: oncall, pagerduty: {routing_key_file: secrets/pd}}   # slack: {url_file}, webhook: {url, secret_file}
`

// loadText loads one file of definitions.
func loadText(text string) (*Set, []Diagnostic) {
	return LoadFS(fstest.MapFS{"test.yaml": {Data: []byte(text)}}, "")
}

// mustLoad loads one file of definitions that has no errors.
func mustLoad(t testing.TB, text string) *Set {
	t.Helper()
	set, findings := loadText(text)
	if set == nil {
		t.Fatalf("definitions are not valid:\n%s", rendered(findings))
	}
	return set
}

func rendered(findings []Diagnostic) string {
	var b bytes.Buffer
	RenderText(&b, findings, RenderOptions{Files: 1})
	return b.String()
}

func TestDesignDefinitionsLoad(t *testing.T) {
	set, findings := loadText(designDefinitions)
	t.Log(rendered(findings))
	if set == nil {
		t.Fatal("the design's definitions do not load")
	}
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		t.Logf("%+v", p)
	}
	s, _ := Explain(set, "CTR")
	t.Log(s)
	s, _ = Explain(set, "landing_page")
	t.Log(s)
}
