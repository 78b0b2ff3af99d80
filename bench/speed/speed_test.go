package speed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/bench/traffic"
)

func TestMain(m *testing.M) {
	if Child() {
		return
	}
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(filepath.Dir(built))
	}
	os.Exit(code)
}

// small makes a scenario that runs in seconds, with its reports and topics in the test's folder.
func small(t *testing.T, name string) (Scenario, Options) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: builds and runs the program; not short")
	}
	s, ok := Find(name)
	if !ok {
		t.Fatalf("no scenario %s", name)
	}
	dir := t.TempDir()
	return s, Options{Runs: 1, Out: filepath.Join(dir, "out"), Cache: filepath.Join(dir, "cache"), Program: program(t), Command: "go test", Say: t.Logf}
}

var built string

// program builds the program once for all tests.
func program(t *testing.T) string {
	t.Helper()
	if built == "" {
		dir, err := os.MkdirTemp("", "tidemark-speed-")
		if err != nil {
			t.Fatal(err)
		}
		if built, err = buildProgram(t.Context(), dir, ""); err != nil {
			t.Fatal(err)
		}
	}
	return built
}

// TestSmoke is the whole way in small: broker, topic, engines in turns, comparison, report.
func TestSmoke(t *testing.T) {
	s, opt := small(t, "smoke")
	report, err := Run(t.Context(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range all {
		samples := each(report.Samples, engine, rate)
		if len(samples) != 1 || len(each(report.Samples, engine, cost)) != 1 {
			t.Errorf("%s has %d good samples, want 1", engine, len(samples))
		}
	}
	for _, sample := range report.Samples {
		if (sample.Engine == "null") != (sample.Semantics == "") || sample.Semantics != "" && sample.Cells < 1000 {
			t.Errorf("%s compared %d cells with semantics %q", sample.Engine, sample.Cells, sample.Semantics)
		}
		if sample.RSS < 1<<20 || sample.CPU <= 0 || sample.Wall <= 0 {
			t.Errorf("%s: %+v has figures that can't be", sample.Engine, sample)
		}
	}
	again, err := Load(filepath.Join(opt.Out, "report.json"))
	if err != nil || len(again.Samples) != len(report.Samples) || again.Machine != report.Machine {
		t.Errorf("report.json reads back as %+v, %v", again, err)
	}
	text, err := os.ReadFile(filepath.Join(opt.Out, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| tidemark | dedupe | 1 of 1 |", "| naive | bare | 1 of 1 |", "all equal", report.Machine.Commit, "`go test`", "(cost.svg)", "lateness 1h0m0s"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("report.md does not say %q:\n%s", want, text)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(opt.Cache, "run-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestWrongCellIsNoticed changes one of the oracle's sums by one: neither Tidemark nor the naive consumer may pass.
func TestWrongCellIsNoticed(t *testing.T) {
	s, opt := small(t, "smoke")
	opt.Engines = []string{"tidemark", "naive"}
	opt, err := opt.withDefaults(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(opt.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	h := &harness{Options: opt, program: opt.Program, report: &Report{Scenario: s}}
	broken := traffic.Key{Variant: "treatment", Slice: "platform=ios&plan=plus", Metric: "revenue"}
	for _, semantics := range []traffic.Semantics{traffic.Bare, traffic.Dedupe} {
		h.answers.cells(s.Shape, s.Shape.Events, s.Job, semantics)[broken].XX.Lo++
	}
	if err := h.throughput(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	for _, sample := range h.report.Samples {
		if len(sample.Wrong) != 1 || !strings.Contains(sample.Wrong[0], broken.Slice) {
			t.Errorf("%s: %q, want one difference in %v", sample.Engine, sample.Wrong, broken)
		}
	}
	if values := each(h.report.Samples, "tidemark", rate); len(values) > 0 {
		t.Errorf("a wrong run is in the median: %v", values)
	}
	if err := h.report.verdict(); err == nil || !strings.Contains(err.Error(), "differences from the oracle") {
		t.Errorf("the verdict is %v", err)
	}
}

// TestPeersAreHeldToTheContract runs peers that are scripts.
func TestPeersAreHeldToTheContract(t *testing.T) {
	s, opt := small(t, "smoke")
	opt.Peers = t.TempDir()
	var answer strings.Builder
	cells, err := Answer(s, Options{}, traffic.Bare)
	if err != nil {
		t.Fatal(err)
	}
	if err := cells.Write(&answer); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(opt.Peers, "answer.ndjson")
	if err := os.WriteFile(file, []byte(answer.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	good := `echo '{"peer":"x","semantics":"bare","events":'$BENCH_EVENTS',"wall_ns":5000000,"cpu_ns":7000000,"rss_bytes":9,"extra":{"topic":"'$BENCH_TOPIC'"}}'`
	for name, script := range map[string]string{
		"right":   "echo some log; cp " + file + " $BENCH_CELLS; " + good,
		"lacking": "grep -v order_rate " + file + " > $BENCH_CELLS; " + good,
		"short":   "cp " + file + " $BENCH_CELLS; " + strings.ReplaceAll(good, "$BENCH_EVENTS", "19999"),
		"silent":  "echo nothing to say",
		"failing": "echo out of memory >&2; exit 3",
	} {
		dir := filepath.Join(opt.Peers, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		text := "#!/bin/sh\nset -e\ncase $1 in prepare) exit 0;; describe) echo peer " + name + ";; run) " + script + ";; esac\n"
		if err := os.WriteFile(filepath.Join(dir, "peer"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	opt.Engines = []string{"right", "lacking", "short", "silent", "failing", "nobody"}
	report, err := Run(t.Context(), s, opt)
	if err == nil {
		t.Error("the run is a success")
	}
	for _, sample := range report.Samples {
		said := sample.Error + strings.Join(sample.Wrong, "\n")
		want := map[string]string{"lacking": "missing", "short": "19999 records consumed", "silent": "no line of JSON", "failing": "out of memory", "nobody": "want tidemark, tidemark@FILE, null, naive"}[sample.Engine]
		if sample.Good() != (want == "") || !strings.Contains(said, want) {
			t.Errorf("%s: good %v, said %q, want %q", sample.Engine, sample.Good(), said, want)
		}
		if sample.Engine == "right" && (sample.CPU != 7e6 || sample.Extra["topic"] != topic) {
			t.Errorf("the line of a peer is not taken over: %+v", sample)
		}
	}
	if text, err := os.ReadFile(filepath.Join(opt.Out, "peer-right.txt")); err != nil || string(text) != "peer right\n" {
		t.Errorf("the description is %q, %v", text, err)
	}
}

func TestLatencyMeasuresAndStaysExact(t *testing.T) {
	s, opt := small(t, "latency")
	opt.Events, opt.Subjects, opt.Seconds = 20_000, 5_000, 1
	s.Shares, s.Rates = nil, []float64{2000}
	report, err := Run(t.Context(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	// How much of the rate a machine keeps up with is its own affair; more than it never is.
	f := report.Freshness[0]
	if f.Lost > 0 || f.Marks == 0 || f.P50 <= 0 || f.P50 > f.P99 || f.P99 > f.Most || f.Achieved <= 0 || f.Achieved > s.Rates[0]*1.01 {
		t.Errorf("%+v", f)
	}
	if p := report.Paced[0]; !p.Good() || p.Cells < 1000 || p.Records <= opt.Events {
		t.Errorf("the whole: %+v", p)
	}
}

func TestRestartMeasuresAndStaysExact(t *testing.T) {
	s, opt := small(t, "restart")
	opt.Events, opt.Subjects, opt.Seconds = 20_000, 5_000, 2
	s.Shares = []float64{0.05} // other tests run beside this one: at half of the maximum the engine might never catch up
	report, err := Run(t.Context(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	r := report.Restarts[0]
	// Shards become durable one after the other, so how many subjects the first answer has depends on when the kill came.
	if r.Serving <= 0 || r.Serving > r.CaughtUp || r.Ready <= 0 || r.Subjects <= 0 {
		t.Errorf("%+v", r)
	}
	if p := report.Paced[0]; !p.Good() || p.Records <= opt.Events {
		t.Errorf("the whole: %+v", p)
	}
}

func TestScenariosAreValid(t *testing.T) {
	names := map[string]bool{}
	for _, s := range Scenarios {
		if err := s.Shape.Validate(); err != nil || names[s.Name] || s.About == "" {
			t.Errorf("%s: %v, or it has no About or stands twice", s.Name, err)
		}
		names[s.Name] = true
		// "Several times the lateness": the run must see ids and open events being forgotten.
		if s.Shape.Span() < 5*s.Shape.Lateness && s.Kind != Refresh && s.Kind != Latency {
			t.Errorf("%s spans %s of event time with a lateness of %s", s.Name, s.Shape.Span(), s.Shape.Lateness)
		}
		for _, a := range s.Axes {
			for _, p := range a.Points {
				at := s
				p.Change(&at)
				if err := at.Shape.Validate(); err != nil {
					t.Errorf("%s, %s = %s: %v", s.Name, a.Name, p.Label, err)
				}
			}
		}
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	}
}

func TestFiguresOfBadRunsDoNotCount(t *testing.T) {
	sample := func(engine string, round int, wall time.Duration, wrong ...string) Sample {
		return Sample{Engine: engine, Round: round, Records: 1000, Wall: int64(wall), CPU: 2 * int64(wall), Wrong: wrong}
	}
	samples := []Sample{
		sample("a", 1, time.Second), sample("b", 1, 2*time.Second), sample("a", 2, 3*time.Second, "wrong"), sample("b", 2, 2*time.Second),
		sample("a", 3, time.Second/2), sample("b", 3, 2*time.Second), {Engine: "b", Round: 4, Error: "it died"}, sample("a", 4, time.Second),
	}
	if got := each(samples, "a", rate); !slices.Equal(got, []float64{1000, 2000, 1000}) {
		t.Errorf("rates of a: %v", got)
	}
	if got := paired(samples, "b", "a", cost); !slices.Equal(got, []float64{2, 4}) {
		t.Errorf("b against a: %v, want the rounds 1 and 3 only", got)
	}
	if s, ok := spread([]float64{3, 1, 2, 10}); !ok || s != (Spread{2.5, 1, 10}) {
		t.Errorf("spread: %v", s)
	}
	if err := (&Report{Samples: samples}).verdict(); err == nil || !strings.Contains(err.Error(), "it died") || !strings.Contains(err.Error(), "1 differences") {
		t.Errorf("verdict: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1234567: "1,230,000", 999: "999", 12.345: "12.3", 0.01234: "0.0123", 86_400: "86,400", -1234: "-1,230"} {
		if got := number(x); got != want {
			t.Errorf("number(%g) = %s, want %s", x, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", 12_345_678: "12,345,678"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestCtrlCEndsARun(t *testing.T) {
	s, opt := small(t, "smoke")
	ctx, cancel := context.WithCancel(t.Context())
	opt.Peers = t.TempDir()
	dir := filepath.Join(opt.Peers, "endless")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	started := filepath.Join(dir, "started")
	script := fmt.Sprintf("#!/bin/sh\n[ $1 = run ] || exit 0\ntouch %s\nexec sleep 1000\n", started)
	if err := os.WriteFile(filepath.Join(dir, "peer"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	opt.Engines = []string{"endless"}
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, s, opt)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a run that was cut off is a success")
		}
	case <-time.After(5 * time.Minute):
		t.Fatal("the run goes on for minutes after Ctrl-C")
	}
}
