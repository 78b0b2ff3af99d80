package view

import (
	"testing"
	"testing/fstest"

	"github.com/tidemark/tidemark/catalog"
)

const tested = `
source: {id: s, format: json, kafka: {topic: s, keyed_by: user_id}}
---
event: {id: SEEN, sql: "SELECT user_id, variant, CAST(amount AS DECIMAL(18,2)) AS amount, TO_TIMESTAMP(ts) AS event_time FROM s"}
---
metric:
  metric_id: SPENT
  subject: user_id
  format: currency:EUR
  direction: up
  window: 7d
  strict: true
  cap: {lower: 0}
  winsorize: {upper: 0.999, zeros: exclude}
  numerator: {event: SEEN, agg: SUM, value: amount}
---
metric: {metric_id: AMOUNT, subject: user_id, direction: up, numerator: {event: SEEN, agg: QUANTILE, quantile: 0.999, value: amount}}
---
experiment:
  id: looks
  subject: user_id
  exposure: {event: SEEN, variant: variant}
  variants: {a: 1, b: 1}
  control: a
  start: 2026-01-01
  end: 2026-02-01
  goals: [SPENT]
  sequential: {mixture: student, final_look: true}
---
experiment:
  id: plain
  subject: user_id
  exposure: {event: SEEN, variant: variant}
  variants: {a: 1, b: 1}
  control: a
  start: 2026-01-01
  goals: [SPENT]
---
experiment:
  id: special
  subject: user_id
  exposure: {event: SEEN, variant: variant}
  variants: {a: 1, b: 1}
  control: a
  start: 2026-01-01
  end: 2026-02-01
  goals: [SPENT]
  stats: {interval: fixed, mde: 2%, correction: holm, lift: log}
  srm: {min_deviation: 0.5%}
`

func TestDefinitionSaysHowItIsTested(t *testing.T) {
	set, findings := catalog.LoadFS(fstest.MapFS{"d.yaml": {Data: []byte(tested)}}, ".")
	if catalog.HasErrors(findings) {
		t.Fatalf("%+v", findings)
	}
	for _, c := range []struct {
		kind, id string
		want     map[string]string
	}{
		{"metrics", "SPENT", map[string]string{
			"strict window": "a subject enters once, complete, when its 7 d are over",
			"clipped":       "at least €0; at most the 99.9th percentile of all arms without zeros, frozen once",
		}},
		{"experiments", "plain", map[string]string{"interval": "95% always-valid", "tightest at": "10,000 subjects", "correction": "", "final look": "", "smallest lift worth finding": "", "mixture": ""}},
		{"experiments", "special", map[string]string{
			"interval": "95% fixed-horizon decides: it holds for one look", "correction": "Holm, over all metrics and treatments",
			"smallest lift worth finding": "±2.0%", "split may deviate by": "0.50%", "intervals of lifts": "log",
		}},
		{"experiments", "looks", map[string]string{"interval": "95% always-valid", "final look": "half of the error rate is kept for one classical look at the planned end", "mixture": "student: it knows that variances are estimated"}},
	} {
		if d, _ := Define(set, "metrics", "AMOUNT"); d.Sentence != "p99.9 of amount of SEEN events, over the events of exposed subjects (user_id) in each arm." {
			t.Errorf("%q", d.Sentence)
		}
		d, _ := Define(set, c.kind, c.id)
		got := map[string]string{}
		for _, f := range d.Facts {
			got[f.Name] = f.Value
		}
		for name, text := range c.want {
			if got[name] != text {
				t.Errorf("%s: %s: %q, want %q", c.id, name, got[name], text)
			}
		}
	}
}
