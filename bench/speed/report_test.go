package speed

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
		got := recomputed("duckdb", share)(r)
		if len(got) != 3 || math.Abs(got[0]-want) > 0.01*want {
			t.Errorf("at %g: %g ×, want %g in each of 3 rounds", share, got, want)
		}
	}
	if x, ok := r.crossing(r.recomputes()[0]); !ok || math.Abs(x-0.2) > 1e-9 {
		t.Errorf("the curves cross at %g (%v), want 4 s of 20 s", x, ok)
	}
	text := string(r.markdown(nil))
	for _, want := range []string{
		"| CPU of DuckDB's recompute / ours, 1 % new | ≥ 10.0 | 25.0 [25.0–25.0] | held |", "| events/s | ≥ 1,000,000 | 1,000,000 [1,000,000–1,000,000] | held |",
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
	if text := string(r.markdown(nil)); !strings.Contains(text, "| events/s | ≥ 1,000,000 | 333,000 [333,000–333,000] | **missed** by 67 % |") {
		t.Errorf("the report does not say that the rate is missed:\n%s", text)
	}
	for _, target := range targets {
		if _, ok := Find(target.scenario); !ok {
			t.Errorf("there is a target for %s, which is no scenario", target.scenario)
		}
		// None of them may be computed from nothing.
		if got := target.values(&Report{}); len(got) > 0 {
			t.Errorf("%s: %s = %g without a run", target.scenario, target.what, got)
		}
	}
}

func TestWorstIsHeldToTheTarget(t *testing.T) {
	least, most := target{want: 10, least: true, worst: true}, target{want: 10, worst: true}
	for _, c := range []struct {
		target
		values         []float64
		figure, margin float64
	}{
		{least, []float64{30, 5, 20}, 5, -0.5},
		{most, []float64{8, 12, 1}, 12, -0.2},
		{target{want: 10}, []float64{8, 12, 1}, 8, 0.2},
		{target{want: 10, least: true}, []float64{8, 12, 40}, 12, 0.2},
		{most, []float64{math.Inf(1)}, math.Inf(1), math.Inf(-1)},
	} {
		figure, margin, ok := c.judged(c.values)
		if !ok || figure != c.figure || margin != c.margin && math.Abs(margin-c.margin) > 1e-9 {
			t.Errorf("%v held to %s: %g by %g, want %g by %g", c.values, c.bound(), figure, margin, c.figure, c.margin)
		}
	}
}

// saved writes a report into a folder of its own and returns that.
func saved(t *testing.T, in, name string, r *Report) string {
	t.Helper()
	dir := filepath.Join(in, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPageJoinsReports(t *testing.T) {
	in := t.TempDir()
	// The whole log, slower; a smaller one beside DuckDB, faster and newer; one that failed.
	small := batchReport(t)
	small.Scenario.Shape.Events = 4 * million
	for i := range small.Samples {
		small.Samples[i].Records = 4 * million
	}
	small.Command, small.Broker, small.Date = "go run ./bench run zipf-10m --out /somewhere/here --events 4000000", Kafka, time.Unix(2000, 0)
	saved(t, in, "small", small)
	whole := batchReport(t)
	for i := range whole.Samples {
		whole.Samples[i].Wall *= 3
		whole.Samples[i].Measurements = nil
	}
	whole.Broker, whole.Date = KFake, time.Unix(1000, 0)
	saved(t, in, "whole", whole)
	uniform, _ := Find("uniform-10m")
	saved(t, in, "failed", &Report{Scenario: uniform, Broker: KFake, Date: time.Unix(3000, 0), Samples: []Sample{{Engine: "tidemark", Round: 1, Busy: 0.37, Error: "it fell over"}}})

	other := batchReport(t) // as long as the whole one, and newer, but not on the broker that the rate is asked of
	other.Broker, other.Date = Kafka, time.Unix(6000, 0)
	for i := range other.Samples {
		other.Samples[i].Measurements = nil
	}
	saved(t, in, "other", other)
	latency, _ := Find("latency")
	for i, broker := range []string{Kafka, KFake} {
		r := &Report{Scenario: latency, Broker: broker, Date: time.Unix(int64(4000+i), 0), Freshness: []Freshness{{Share: 0.75, P99: 10, Marks: 99, Lost: 2}, {P99: float64(100 * (i + 1))}}}
		saved(t, in, "latency-"+broker, r)
	}

	for i, name := range []string{"uniform-10m-loaded", "ceiling"} {
		s, _ := Find(name)
		saved(t, in, name, &Report{Scenario: s, Broker: KFake, Date: time.Unix(int64(5000+i), 0), Samples: []Sample{{Engine: "tidemark", Round: 1, Records: 30 * million, Wall: 60e9, CPU: 60e9,
			RSS: 2 << 30 >> i, Disk: 1 << 30, Loaded: &Part{Records: 20 * million, Wall: 50e9, CPU: 50e9}}}})
	}

	reports, err := LoadAll(in)
	if err != nil || len(reports) != 8 {
		t.Fatalf("%d reports, %v", len(reports), err)
	}
	page := filepath.Join(in, "docs", "results.md")
	images := filepath.Join(in, "docs", "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bench-9-old-cost.svg", "photo.svg"} {
		if err := os.WriteFile(filepath.Join(images, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := reports.Publish(page); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| zipf-10m, kfake | events/s | ≥ 1,000,000 | 333,000 [333,000–333,000] | **missed** by 67 % | 3 | [1](#1-zipf-10m) |", // of the whole log
		"| zipf-10m, 4 M of 10 M, kafka | CPU of DuckDB's recompute / ours, 1 % new |",                                         // nobody else has it
		"| uniform-10m | events/s | ≥ 500,000 | – | not measured | | |",
		"| latency, kafka | p99 ms at 100,000 events/s | ≤ 250 | 100 | held | 1 | [4](#4-latency) |",
		"| latency, kafka | p99 ms at 75 % of the maximum | ≤ 1,500 | +Inf | **missed** by +Inf % |",
		"takes 2,050 MB of memory, 4.00 times the ceiling, and 1,020 MB on disk, 2.00 times.",
		"| ceiling, kfake | events/s once all subjects are there | ≥ 200,000 | 400,000 | held | 1 | [7](#7-ceiling) |",
		"| ceiling, kfake | RSS, % of the ceiling | ≤ 100 | 200 | **missed** by 100 % |",
		"| uniform-10m-loaded, kfake | disk per subject, bytes | ≤ 120 | 107 | held |",
		"| [3](#3-uniform-10m) | uniform-10m, kfake | 1 | 1 | 37 |",
		"## 3: uniform-10m", "it fell over", "`go run ./bench run zipf-10m --events 4000000`", "(images/bench-2-zipf-10m-recompute.svg)",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	for _, found := range regexp.MustCompile(`\]\(images/([^)]*)\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join(images, found[1])); err != nil {
			t.Errorf("the page shows a plot that is not there: %v", err)
		}
	}
	if _, err := os.Stat(filepath.Join(images, "bench-9-old-cost.svg")); err == nil {
		t.Error("a plot of an earlier page was left")
	}
	if _, err := os.Stat(filepath.Join(images, "photo.svg")); err != nil {
		t.Errorf("an image of somebody else was removed: %v", err)
	}
	if _, err := LoadAll(filepath.Join(in, "docs")); err == nil || !strings.Contains(err.Error(), "report.json") {
		t.Errorf("a folder without reports is read: %v", err)
	}
}

func TestGrowthLeavesLongLogsOut(t *testing.T) {
	s, _ := Find("growth")
	dir := t.TempDir()
	r, err := Run(t.Context(), s, Options{Axis: "uniform", MostRecords: 1, Program: "/bin/true", Out: dir, Cache: filepath.Join(dir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	text := string(r.markdown(nil))
	if len(r.Growth) != 8 || len(r.Growth[3].Samples) > 0 || !strings.Contains(text, "| 50 M | left out: a log of 52 M records |") {
		t.Errorf("%d points; the report does not say what was left out:\n%s", len(r.Growth), text)
	}
	full := Options{Axis: "nowhere", Program: "/bin/true", Out: t.TempDir(), Cache: filepath.Join(dir, "cache")}
	if bad, err := Run(t.Context(), s, full); err == nil || bad.Finished != nil || !strings.Contains(string(bad.markdown(nil)), "no axis has") {
		t.Errorf("a run that can't go on: %v, finished %v, and its report does not say why", err, bad.Finished)
	}
	if r.Finished == nil || len(r.plots()) != 0 {
		t.Errorf("finished %v, %d plots of nothing", r.Finished, len(r.plots()))
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
