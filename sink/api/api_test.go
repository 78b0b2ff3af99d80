package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; read them line by line afterwards")

// evaluator answers from a sample world; fail makes it refuse.
type evaluator struct {
	world *sample.World
	fail  error
	calls int
}

func (e *evaluator) Results(_ context.Context, id string, s results.Slices) (*results.Result, error) {
	e.calls++
	if e.fail != nil {
		return nil, e.fail
	}
	return e.world.Result(id, s), nil
}

// hash is a definition's hash; what it is made of is the catalog's contract, not this one's.
var hash = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

type rig struct {
	world  *sample.World
	hub    *results.Hub
	eval   *evaluator
	server *api.Server
}

func newRig(t testing.TB, change func(*api.Options)) *rig {
	t.Helper()
	w := sample.New(1)
	r := &rig{world: w, hub: results.NewHub(), eval: &evaluator{world: w}}
	opt := api.Options{Set: w.Set(), Hub: r.hub, Evaluator: r.eval, Status: w.Status, Alerts: w.Alerts, Now: w.Now}
	if change != nil {
		change(&opt)
	}
	r.server = api.New(opt)
	t.Cleanup(r.server.Close)
	r.publish()
	return r
}

func (r *rig) publish() {
	for _, res := range r.world.Results(results.Slices{}) {
		r.hub.Publish(res)
	}
}

func (r *rig) get(target string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.server.ServeHTTP(w, req)
	return w
}

// golden compares JSON, indented, with a file: the contract as others see it.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, bytes.TrimSpace(body), "", " "); err != nil {
		t.Fatalf("%s: %v in %q", name, err, body)
	}
	indented.WriteByte('\n')
	text := hash.ReplaceAll(indented.Bytes(), []byte("<hash>"))
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, text) {
		t.Errorf("%s differs from its golden (-rewrite makes it anew):\n%s", name, firstDifference(want, text))
	}
}

func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\n want %s\n got  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestAnswersAreTheContract(t *testing.T) {
	r := newRig(t, nil)
	for name, target := range map[string]string{
		"experiments.json": "/api/v1/experiments",
		"results.json":     "/api/v1/experiments/search_rerank_v2/results?slices=none",
		"alerts.json":      "/api/v1/alerts",
		"status.json":      "/api/v1/status",
	} {
		w := r.get(target)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", target, w.Code, w.Header().Get("Content-Type"))
		}
		golden(t, name, w.Body.Bytes())
	}
}

func TestProblemsSayWhatToDo(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, method, target string
		status               int
	}{
		{"nearest_experiment", "GET", "/api/v1/experiments/serch_rerank_v2/results", 404},
		{"no_experiment", "GET", "/api/v1/experiments/zzz/results", 404},
		{"no_path", "GET", "/api/v2/experiments", 404},
		{"nearest_dimension", "GET", "/api/v1/experiments/search_rerank_v2/results?slices=platfrom", 400},
		{"empty_dimension", "GET", "/api/v1/experiments/search_rerank_v2/results?slices=platform,,country", 400},
		{"no_format", "GET", "/api/v1/experiments/search_rerank_v2/live?format=xml", 400},
		{"bad_every", "GET", "/api/v1/experiments/search_rerank_v2/live?every=-1s", 400},
		{"read_only", "DELETE", "/api/v1/experiments", 405},
		{"no_result", "GET", "/api/v1/experiments/spring_theme/results", 503},
		{"not_evaluated", "GET", "/api/v1/experiments/search_rerank_v2/results?slices=all", 503},
	} {
		r.eval.fail = nil
		if c.name == "not_evaluated" {
			r.eval.fail = errors.New("stream: shard 3 is not open yet")
		}
		req := httptest.NewRequest(c.method, c.target, nil)
		w := httptest.NewRecorder()
		r.server.ServeHTTP(w, req)
		if w.Code != c.status || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", c.name, w.Code, w.Header())
		}
		golden(t, "problem_"+c.name+".json", w.Body.Bytes())
	}
}

func TestResultsAreRevalidated(t *testing.T) {
	r := newRig(t, nil)
	const target = "/api/v1/experiments/search_rerank_v2/results"
	first := r.get(target)
	tag := first.Header().Get("ETag")
	if first.Code != 200 || tag == "" || first.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("%d %v", first.Code, first.Header())
	}
	for header, want := range map[string]int{tag: 304, `"x", ` + tag: 304, strings.TrimPrefix(tag, "W/"): 304, "*": 304, `"x"`: 200, "": 200} {
		w := r.get(target, "If-None-Match", header)
		if w.Code != want {
			t.Errorf("If-None-Match %s: %d, want %d", header, w.Code, want)
		}
		if want == 304 && (w.Body.Len() > 0 || w.Header().Get("ETag") != tag) {
			t.Errorf("304 with %d bytes and %v", w.Body.Len(), w.Header())
		}
	}
	r.world.Step(1)
	r.publish()
	if w := r.get(target, "If-None-Match", tag); w.Code != 200 || w.Header().Get("ETag") == tag {
		t.Errorf("after a new result: %d %s", w.Code, w.Header().Get("ETag"))
	}
}

func TestResultsAreCompressedOnRequest(t *testing.T) {
	r := newRig(t, nil)
	plain := r.get("/api/v1/experiments/search_rerank_v2/results")
	for accept, want := range map[string]string{"gzip": "gzip", "br, gzip;q=0.5": "gzip", "*": "gzip", "gzip;q=0": "", "br": "", "": ""} {
		w := r.get("/api/v1/experiments/search_rerank_v2/results", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: %q, want %q", accept, got, want)
		}
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Vary %q", w.Header().Get("Vary"))
		}
		if want == "gzip" {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(z); err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
				t.Errorf("gzip: %v, %d bytes, want %d", err, len(body), plain.Body.Len())
			}
		}
	}
}

func TestSlicesChooseTheRows(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		slices string
		most   int // dimensions of a row
		only   string
		calls  int // of the evaluator
	}{{"", 1, "", 0}, {"none", 0, "", 0}, {"platform", 1, "platform", 0}, {"platform,country", 2, "", 1}, {"all", 2, "", 1}} {
		r.eval.calls = 0
		w := r.get("/api/v1/experiments/search_rerank_v2/results?slices=" + c.slices)
		var res results.Result
		if err := json.Unmarshal(w.Body.Bytes(), &res); err != nil || w.Code != 200 {
			t.Fatalf("slices=%s: %d %v", c.slices, w.Code, err)
		}
		most := 0
		for _, row := range res.Rows {
			most = max(most, len(row.Slice))
			if _, ok := row.Slice[c.only]; c.only != "" && len(row.Slice) > 0 && !ok {
				t.Errorf("slices=%s has %v", c.slices, row.Slice)
			}
		}
		if most != c.most || r.eval.calls != c.calls {
			t.Errorf("slices=%s: rows of up to %d dimensions and %d evaluations, want %d and %d", c.slices, most, r.eval.calls, c.most, c.calls)
		}
	}
}

func TestEvaluationsAreBounded(t *testing.T) {
	block := make(chan struct{})
	waiting := make(chan struct{}, 8)
	slow := slowEvaluator{block: block, waiting: waiting}
	r := newRig(t, func(o *api.Options) {
		o.Evaluator, o.MaxEvaluations, o.EvaluateTimeout = slow, 1, 50e6
	})
	done := make(chan int, 2)
	go func() { done <- r.get("/api/v1/experiments/search_rerank_v2/results?slices=all").Code }()
	<-waiting
	w := r.get("/api/v1/experiments/search_rerank_v2/results?slices=all")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("second evaluation: %d %v", w.Code, w.Header())
	}
	close(block)
	if code := <-done; code != 200 && code != 503 {
		t.Errorf("first evaluation: %d", code)
	}
	if w := r.get("/api/v1/experiments/search_rerank_v2/results"); w.Code != 200 {
		t.Errorf("the hub's own result: %d", w.Code)
	}
}

type slowEvaluator struct{ block, waiting chan struct{} }

func (e slowEvaluator) Results(ctx context.Context, id string, s results.Slices) (*results.Result, error) {
	e.waiting <- struct{}{}
	<-e.block
	return &results.Result{Experiment: id}, ctx.Err()
}

func TestNearestIsASlipAndNotAnotherWord(t *testing.T) {
	known := []string{"search_rerank_v2", "checkout", "aa"}
	for name, want := range map[string]string{"serch_rerank_v2": "search_rerank_v2", "search_rerank_V2": "search_rerank_v2", "chekcout": "checkout", "banana": "", "ab": "aa", "": ""} {
		if got := api.Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
