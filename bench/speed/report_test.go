package speed

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/bench/contract"
)

// batchReport is a report of Tidemark at 1,000 ns an event beside a batch engine, as it reads back from its file.
func batchReport(t *testing.T) *Report {
	t.Helper()
	s, _ := Find("zipf-10m")
	r := &Report{Scenario: s}
	line := func(name string, seconds float64, extra map[string]any) contract.Report {
		return contract.Report{Peer: "duckdb", Measurement: name, Events: s.Shape.Events, CPUNS: int64(seconds * 1e9), Extra: extra}
	}
	for round := range 3 {
		r.Samples = append(r.Samples,
			Sample{Engine: "tidemark", Round: round + 1, Records: s.Shape.Events, Wall: 20e9, CPU: 1000 * s.Shape.Events, RSS: 1e9},
			Sample{Engine: "duckdb", Round: round + 1, Records: s.Shape.Events, Wall: 2e9, CPU: 4e9, Semantics: "bare", Measurements: []contract.Report{
				line("load", 30, nil),
				line("refresh_1pct", 5, map[string]any{"new_events": 200_010}),
				line("refresh_0.1pct", 4.5, map[string]any{"new_events": 20_000}),
				line("refresh", 4, nil),
			}})
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back := new(Report)
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	return back
}

func TestRecomputeIsComparedByShareOfNewEvents(t *testing.T) {
	r := batchReport(t)
	// 20 M events at 1,000 ns are 20 s of CPU: 1 % are 0.2 s, 0.1 % are 0.02 s.
	for share, want := range map[float64]float64{0.01: 25, 0.001: 225} {
		if got, ok := recomputed("duckdb", share)(r); !ok || math.Abs(got-want) > 0.01*want {
			t.Errorf("at %g: %g × (%v), want %g", share, got, ok, want)
		}
	}
	if x, ok := r.crossing(r.recomputes()[0]); !ok || math.Abs(x-0.2) > 1e-9 {
		t.Errorf("the curves cross at %g (%v), want 4 s of 20 s", x, ok)
	}
	text := string(r.markdown(nil))
	for _, want := range []string{
		"| CPU of DuckDB's recompute / ours, 1 % new | ≥ 10.0 | 25.0 | held |", "| events/s | ≥ 1,000,000 | 1,000,000 | held |",
		"| duckdb | 0.100 % |", "cross where 20.0 % of all events are new",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Flink") {
		t.Error("a target of a peer that did not run is in the report")
	}
	if svg := r.plots()["recompute.svg"]; !strings.Contains(string(svg), "duckdb") {
		t.Errorf("the plot lacks duckdb: %s", svg)
	}
}

func TestTargetsSayWhenTheyAreMissed(t *testing.T) {
	r := batchReport(t)
	for i := range r.Samples {
		r.Samples[i].Wall *= 3
	}
	if text := string(r.markdown(nil)); !strings.Contains(text, "| events/s | ≥ 1,000,000 | 333,000 | **missed** |") {
		t.Errorf("the report does not say that the rate is missed:\n%s", text)
	}
	for name := range targets {
		if _, ok := Find(name); !ok {
			t.Errorf("there are targets for %s, which is no scenario", name)
		}
	}
	// None of them may be computed from nothing.
	for name, list := range targets {
		for _, target := range list {
			if got, ok := target.got(&Report{}); ok {
				t.Errorf("%s: %s = %g without a run", name, target.what, got)
			}
		}
	}
}

func TestLogInUseIsLeftAlone(t *testing.T) {
	cache := t.TempDir()
	dir := filepath.Join(cache, "kfake-used")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	unlock, err := lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(dir); err == nil || !strings.Contains(err.Error(), "--cache") {
		t.Errorf("a second run gets the log: %v", err)
	}
	const tooMuch = 1 << 60
	if err := makeRoom(cache, tooMuch); err == nil {
		t.Error("there is room for 2⁶⁰ bytes")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a log in use was removed: %v", err)
	}
	unlock()
	if err := makeRoom(cache, tooMuch); err == nil || !strings.Contains(err.Error(), "fewer --events") {
		t.Errorf("there is room for 2⁶⁰ bytes: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a log that nobody uses was kept")
	}
}
