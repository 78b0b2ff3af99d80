package alert

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/alert/notify/notifytest"
)

func TestSummary(t *testing.T) {
	n := notifytest.Firing()
	for _, c := range []struct{ template, want string }{
		{"{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}", "search_rerank_v2: P95_LATENCY +6.2% crossed +5%"},
		{"{{.MetricName}} {{.State}} in {{.Variant}} vs {{.Control}}, n {{.Subjects}}, since {{.Since}}", "p95 latency crossed in rerank_v2 vs control, n 82,321, since 14:31 KST"},
		{"", "p95 latency WORSE +6.2% (limit +5%) · search_rerank_v2"},
		{"  \n ", "p95 latency WORSE +6.2% (limit +5%) · search_rerank_v2"},
		{"a\n  b", "a b"},
		{`{{if eq .Severity "critical"}}!{{end}}{{.Rule}}`, "!guardrail_crossed"},
		{`{{if .Owner}}{{else}}x{{end}}`, "p95 latency WORSE +6.2% (limit +5%) · search_rerank_v2"}, // nothing is no summary
		{`{{slice .Metric 0 3}}`, ""},
		{strings.Repeat("x", 2*maxSummary), strings.Repeat("x", maxSummary)},
	} {
		s, err := parseSummary(c.template)
		if c.want == "" {
			if err == nil {
				t.Errorf("%q is not refused, though it fails on an empty value", c.template)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.template, err)
			continue
		}
		if got := s.render(n); got != c.want {
			t.Errorf("%q: %.80q, want %.80q", c.template, got, c.want)
		}
	}
}

// What must be known with a row's state is in the one line that every receiver shows, and a rule's own line can have it.
func TestSummarySaysTheCaution(t *testing.T) {
	const caution = "p 0.0124 after Holm · check: slices differ, novelty"
	for _, c := range []struct {
		kind           notify.Kind
		state          string
		template, want string
	}{
		{notify.Guardrail, "crossed", "", "p95 latency WORSE +6.2% (limit +5%) · search_rerank_v2 · " + caution},
		{notify.Guardrail, "near", "", "p95 latency near its limit: +6.2% (limit +5%) · search_rerank_v2 · " + caution},
		{notify.Metric, "worse", "", "p95 latency WORSE +6.2% · search_rerank_v2 · " + caution},
		{notify.Metric, "worse", "{{.Metric}} {{.State}} {{.Lift}}{{if .Caution}} ({{.Caution}}){{end}}", "P95_LATENCY worse +6.2% (" + caution + ")"},
	} {
		n := notifytest.Warned()
		n.Kind, n.State = c.kind, c.state
		s, err := parseSummary(c.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.render(n); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.kind, c.state, got, c.want)
		}
		if n.Caution = ""; strings.Contains(s.render(n), "after Holm") || strings.HasSuffix(s.render(n), " · ") {
			t.Errorf("without one: %q", s.render(n))
		}
	}
	// A message whose summary has it says it once, and one whose rule words it otherwise says it all the same.
	if n := notifytest.Warned(); n.Summary != (*summary)(nil).render(n) {
		t.Errorf("the messages' golden files are of %q, and the default is %q", n.Summary, (*summary)(nil).render(n))
	}
}

func TestSummaryMistakesAreNamed(t *testing.T) {
	for template, want := range map[string]string{
		"{{.Experimnt}}":  "unknown field {{.Experimnt}} (did you mean {{.Experiment}}?); fields are Experiment, ",
		"{{.lift}}":       "did you mean {{.Lift}}?",
		"{{.Zzzzzzzzzz}}": "unknown field {{.Zzzzzzzzzz}}; fields are ",
		"{{Lift}}":        `unknown word "Lift" (did you mean {{.Lift}}?)`,
		"{{.Lift":         "unclosed action",
		"{{.Lift.Text}}":  "unknown field {{.Text}}",
	} {
		err := CheckSummary(template)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", template, err, want)
		}
	}
	if err := CheckSummary("{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"); err != nil {
		t.Error(err)
	}
	a := guardrailRule("x")
	a.Summary = "{{.Nope}}"
	if _, err := Open("alerts", definitions(a), options(nil, map[string]*rec{})); err == nil || !strings.Contains(err.Error(), "rule x") {
		t.Errorf("a bad template is not refused at open: %v", err)
	}
}

// TestSummaryFieldsAreTheCatalogs: check can't see this package, so it has the list itself.
func TestSummaryFieldsAreTheCatalogs(t *testing.T) {
	ours, theirs := SummaryFields(), catalog.SummaryFields()
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) {
		t.Errorf("fields are %v, the catalog allows %v", ours, theirs)
	}
}

func TestDefaultSummaries(t *testing.T) {
	for _, c := range []struct {
		n    notify.Notification
		want string
	}{
		{notify.Notification{Kind: notify.Guardrail, State: "near", Metric: "LAT", Lift: "+4%", Limit: "+5%", Experiment: "x"}, "LAT near its limit: +4% (limit +5%) · x"},
		{notify.Notification{Kind: notify.Metric, State: "better", Metric: "CTR", Lift: "+2%", Experiment: "x"}, "CTR BETTER +2% · x"},
		{notify.Notification{Kind: notify.SRM, SRMP: "<0.0001", Experiment: "x"}, "x: subjects are not split as planned (SRM p <0.0001)"},
		{notify.Notification{Kind: notify.Stale, Lag: "7 min", Experiment: "x"}, "x: no new data for 7 min"},
	} {
		if got := defaultSummary(&c.n); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
