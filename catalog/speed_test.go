package catalog

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// manyDefinitions are n files as a large company would have them: sources, events with SQL blocks, metrics with
// conditions, experiments that use them.
func manyDefinitions(n int) fstest.MapFS {
	out := fstest.MapFS{}
	add := func(format string, args ...any) {
		name := fmt.Sprintf("%s/%04d.yaml", []string{"a", "b", "c"}[len(out)%3], len(out))
		out[name] = &fstest.MapFile{Data: []byte(fmt.Sprintf(format, args...))}
	}
	groups := n / 10
	for i := range groups {
		add("source: {id: s%d, format: json, kafka: {topic: topic%d}, lateness: 2h}\n", i, i)
		for j := range 3 {
			add(`# event %[2]d of group %[1]d
event:
  id: E%[1]d_%[2]d
  owner: "@team%[1]d"
  description: Something that happened to a user, told in a sentence of the usual length.
  dependencies: [s%[1]d]
  sql: |
    SELECT user_id, device_id, variant, platform, country,
           "order".id AS event_id,
           TO_TIMESTAMP(ts / 1000) AS event_time,
           CAST("order".total AS DECIMAL(18,2)) AS revenue,
           CASE WHEN "order".items > 10 THEN 'many' WHEN "order".items > 0 THEN 'few' ELSE 'none' END AS size,
           COALESCE("order".category, 'unknown') AS category
    FROM s%[1]d
    WHERE status IN ('PAID', 'SENT', 'DONE') AND kind = 'kind%[2]d' AND "order".total BETWEEN 0 AND 1000000
`, i, j)
		}
		for j := range 5 {
			add(`metric:
  metric_id: M%[1]d_%[2]d
  type: CONTINUOUS
  owner: "@team%[1]d"
  direction: up
  subject: [user_id, device_id]
  denominator: {event: E%[1]d_0, agg: COUNT, value: user_id}
  numerator: {event: E%[1]d_%[3]d, agg: SUM, value: revenue, where: "category <> 'gift' AND revenue > %[2]d"}
  slices: [platform, country]
`, i, j, j%3)
		}
		add(`experiment:
  id: x%[1]d
  owner: "@team%[1]d"
  subject: user_id
  exposure: {event: E%[1]d_0, where: "category = 'x%[1]d'"}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-03-02T00:00:00+09:00
  goals: [M%[1]d_0]
  secondary: [M%[1]d_1, M%[1]d_2, M%[1]d_3]
  guardrails: [{metric: M%[1]d_4, limit: -5%%}]
  slices: [platform, country, category]
`, i)
	}
	return out
}

// TestCheckFiveHundredFiles reports how long checking 500 definition files takes; the bar is a second.
func TestCheckFiveHundredFiles(t *testing.T) {
	files := manyDefinitions(500)
	bytes := 0
	for _, f := range files {
		bytes += len(f.Data)
	}
	began := time.Now()
	r := CheckFS(files, "")
	checked := time.Since(began)
	if r.Set == nil || len(r.Findings) > 0 || r.Files != 500 {
		t.Fatalf("%d files: %s", r.Files, rendered(r.Findings))
	}
	began = time.Now()
	plans, err := r.Set.Plans()
	compiled := time.Since(began)
	if err != nil || len(plans) != 1 || len(plans[0].Experiments) != 50 {
		t.Fatal(len(plans), err)
	}
	began = time.Now()
	r.Set.Hash()
	t.Logf("%d files, %d bytes: checked in %v, compiled in %v, hashed in %v", r.Files, bytes, checked.Round(time.Microsecond), compiled.Round(time.Microsecond), time.Since(began).Round(time.Microsecond))
	// The same with a mistake in each experiment: finding errors must not cost more than finding none.
	for name, f := range files {
		f.Data = []byte(strings.Replace(string(f.Data), "secondary: [M", "secondary: [N", 1))
		files[name] = f
	}
	began = time.Now()
	broken := CheckFS(files, "")
	t.Logf("with %d findings: %v", len(broken.Findings), time.Since(began).Round(time.Microsecond))
	if len(broken.Findings) != 50 {
		t.Errorf("%d findings, want 50", len(broken.Findings))
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, n := range []int{10, 100, 500} {
		files := manyDefinitions(n)
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if r := CheckFS(files, ""); r.Set == nil {
					b.Fatal("not valid")
				}
			}
		})
	}
}
