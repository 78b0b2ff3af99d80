package alert

import (
	"slices"
	"testing"

	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream/results"
)

// A message about a row says what the page says beside the row: its own level, its corrected p, its warnings.
func TestMessageHasTheRowsCautions(t *testing.T) {
	r := outcome{experiment: "one", subjects: 2000, words: map[string]string{"CRASHES": "crossed"}}.result()
	r.Correction = "holm"
	row := &r.Rows[1]
	row.Alpha, row.PAdjusted = 0.0125, ptr(0.0124)
	row.Warnings = []results.Warning{{Code: "heterogeneity", Dimension: "platform"}, {Code: "novelty"}}
	n := &notify.Notification{Kind: notify.Guardrail, Metric: "CRASHES"}
	scene{experiment: definitions().Experiments[0], result: r, row: row}.addRow(n)
	if want := "p 0.0124 after Holm · check: slices differ, novelty"; n.Caution != want {
		t.Errorf("%q, want %q", n.Caution, want)
	}
	if n.Level != "98.75%" || n.Correction != "holm" || n.PAdjustedValue == nil || *n.PAdjustedValue != 0.0124 || !slices.Equal(n.Warnings, []string{"heterogeneity", "novelty"}) {
		t.Errorf("%+v", n)
	}

	row.Alpha, row.PAdjusted, row.Warnings = 0, nil, nil
	n = &notify.Notification{Kind: notify.Guardrail, Metric: "CRASHES"}
	scene{experiment: definitions().Experiments[0], result: r, row: row}.addRow(n)
	if n.Caution != "" || n.Level != "95%" || n.Correction != "" || n.Warnings != nil {
		t.Errorf("a row without cautions: %+v", n)
	}
}
