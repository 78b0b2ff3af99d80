package protocol

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/simulate"
)

// Definitions returns a scenario as definition files: one source, one event that is exposure and outcome in one, a metric for each
// of the scenario's, and one experiment.
func Definitions(s *simulate.Scenario) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	columns := []string{"s", "EPOCH_MS(t) AS event_time", "v AS variant"}
	metrics := max(1, s.Metrics)
	for m := range metrics {
		columns = append(columns, fmt.Sprintf("CAST(%s AS DECIMAL(18,%d)) AS %[1]s", value(m), s.Scale.Num))
	}
	if s.Ratio {
		columns = append(columns, fmt.Sprintf("CAST(d AS DECIMAL(18,%d)) AS d", s.Scale.Den))
	}
	if s.Slices > 0 {
		columns = append(columns, "g AS slice")
	}
	// Lateness: an event that is also an outcome may be as late as a pre-period is long.
	lateness := "72h"
	if s.Window > 0 {
		lateness = "1h" // for so long a window waits for late events
	}
	line("source: {id: events, format: json, kafka: {topic: events, keyed_by: s}, lateness: %s}", lateness)
	line("---\nevent:\n  id: OUTCOME\n  owner: simulate\n  description: A subject meets its variant, and something adds to its total.\n  dependencies: [events]")
	line("  sql: SELECT %s FROM events%s", strings.Join(columns, ", "), where(s, "WHERE v IS NOT NULL"))
	if s.CUPED {
		line("---\nevent:\n  id: VALUE\n  owner: simulate\n  description: What counts, before the exposure too.\n  dependencies: [events]")
		line("  sql: SELECT s, EPOCH_MS(t) AS event_time, CAST(x0 AS DECIMAL(18,%d)) AS x0 FROM events", s.Scale.Num)
	}
	event := "OUTCOME"
	if s.CUPED {
		event = "VALUE"
	}
	if s.Split {
		metrics = 0
		line("---\nmetric:\n  id: SEEN\n  subject: s\n  owner: simulate\n  description: Whoever met a variant.\n  direction: none\n  numerator: {event: OUTCOME, agg: EXISTS}")
	}
	var goals []string
	if s.Split {
		goals = append(goals, "SEEN")
	}
	for m := range metrics {
		id := fmt.Sprintf("M%02d", m)
		goals = append(goals, id)
		agg := "SUM"
		if s.Quantile > 0 {
			agg = fmt.Sprintf("QUANTILE, quantile: %v", s.Quantile)
		}
		line("---\nmetric:\n  id: %s\n  subject: s\n  owner: simulate\n  description: The metric that is judged.\n  direction: up\n  numerator: {event: %s, agg: %s, value: %s}", id, event, agg, value(m))
		if s.Winsorize > 0 {
			line("  winsorize: {upper: %v}", s.Winsorize)
		}
		if s.Ratio {
			line("  denominator: {event: %s, agg: SUM, value: d}\n  order: any", event)
		}
		if s.Window > 0 {
			line("  window: %s\n  strict: true", time.Duration(s.Window)*s.Step)
		}
	}
	weights := s.Weights
	if len(s.Ramp) > 0 {
		weights = s.Ramp[0].Weights
	}
	if weights == [2]float64{} {
		weights = [2]float64{1, 1}
	}
	line("---\nexperiment:\n  id: simulated\n  owner: simulate\n  description: An experiment whose truth is known.\n  subject: s\n  exposure: {event: OUTCOME}")
	line("  variants: {control: %v, treatment: %v}\n  control: control\n  start: 2026-01-01", weights[0], weights[1])
	looks := 0
	for i := range s.Ramp {
		if i == 0 {
			line("  ramp:")
		} else {
			line("    - {from: %s, weights: {control: %v, treatment: %v}}", begin.Add(time.Duration(looks)*s.Step).Format(time.RFC3339), s.Ramp[i].Weights[0], s.Ramp[i].Weights[1])
		}
		looks += s.Ramp[i].Looks
	}
	others := goals[len(goals):]
	if s.Goals > 0 {
		goals, others = goals[:s.Goals], goals[s.Goals:]
	}
	line("  goals: [%s]\n  secondary: [%s]\n  alpha: %v", strings.Join(goals, ", "), strings.Join(others, ", "), alpha(s))
	if s.Correction != "" {
		line("  correction: %s", s.Correction)
	}
	if s.Slices > 0 {
		line("  slices: [{dimension: slice, of: OUTCOME}]")
	}
	if s.CUPED {
		line("  cuped: {pre_period: 7d}")
	}
	if s.Planned > 0 {
		line("  sequential: {subjects: %d}", s.Planned)
	}
	return b.String()
}

func alpha(s *simulate.Scenario) float64 {
	if s.Alpha > 0 {
		return s.Alpha
	}
	return 0.05
}

func where(s *simulate.Scenario, condition string) string {
	if s.CUPED {
		return " " + condition
	}
	return ""
}

// value names the column of a metric.
func value(metric int) string { return fmt.Sprintf("x%d", metric) }

// load makes definitions of a scenario's text.
func load(text string) (*catalog.Set, error) {
	dir, err := os.MkdirTemp("", "tidemark-simulate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "simulated.yaml"), []byte(text), 0o600); err != nil {
		return nil, err
	}
	set, findings := catalog.Load(dir)
	for _, f := range findings {
		if f.Severity == catalog.Error {
			return nil, fmt.Errorf("protocol: the definitions of a scenario: %v\n%s", f, text)
		}
	}
	return set, nil
}
