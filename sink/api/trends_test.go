package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/tidemark/tidemark/sink/api"
	engine "github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// trends remembers what it was asked.
type trends struct {
	asked []string
	slice map[string]string
	err   error
	days  []results.MetricDays
}

func (s *trends) Trend(_ context.Context, id, metric string, slice map[string]string, by string) (*results.Trend, error) {
	s.asked, s.slice = []string{id, metric, by}, slice
	if s.err != nil {
		return nil, s.err
	}
	at := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	return &results.Trend{Experiment: id, Metric: metric, Slice: slice, By: by, Points: []results.TrendPoint{{Time: at, Watermark: at.Add(time.Second), Definition: "d", Rows: []results.Row{}}}}, nil
}

func (s *trends) Days(_ context.Context, id string) (*results.Days, error) {
	if s.err != nil {
		return nil, s.err
	}
	return &results.Days{Experiment: id, Metrics: s.days}, nil
}

func TestDaysOfOneMetricOrAll(t *testing.T) {
	fake := &trends{}
	r := newRig(t, func(o *api.Options) { o.Trends = fake })
	x := r.world.Set().Experiments[0]
	for _, u := range x.Metrics {
		fake.days = append(fake.days, results.MetricDays{Metric: u.Metric.ID, Days: []results.Day{}, Drift: []results.Drift{}})
	}
	path := "/api/v1/experiments/" + x.ID + "/days"
	for query, want := range map[string]int{"": len(x.Metrics), "?metric=" + x.Metrics[1].Metric.ID: 1} {
		w := r.get(path + query)
		var got results.Days
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != http.StatusOK || len(got.Metrics) != want || want == 1 && got.Metrics[0].Metric != x.Metrics[1].Metric.ID {
			t.Errorf("%s: %d %s (%v)", query, w.Code, w.Body, err)
		}
	}
	if w := r.get(path + "?metric=nothing"); w.Code != http.StatusBadRequest {
		t.Errorf("an unknown metric: %d", w.Code)
	}
	fake.err = engine.ErrStopped
	if w := r.get(path); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a stopped engine: %d", w.Code)
	}
}

func TestHistoryAsksForOneMetricInOneSlice(t *testing.T) {
	fake := &trends{}
	r := newRig(t, func(o *api.Options) { o.Trends = fake })
	x := r.world.Set().Experiments[0]
	metric, path := x.Metrics[0].Metric.ID, "/api/v1/experiments/"+x.ID+"/history"
	for _, c := range []struct {
		query string
		asked []string
		slice map[string]string
	}{
		{"?metric=" + metric, []string{x.ID, metric, "hour"}, map[string]string{}},
		{"?metric=" + metric + "&by=day&slice=all", []string{x.ID, metric, "day"}, map[string]string{}},
		{"?metric=" + metric + "&slice=" + x.Slices[0].Name + "%3Da%3Db", []string{x.ID, metric, "hour"}, map[string]string{x.Slices[0].Name: "a=b"}},
	} {
		w := r.get(path + c.query)
		var got results.Trend
		if err := json.Unmarshal(w.Body.Bytes(), &got); w.Code != http.StatusOK || err != nil || len(got.Points) != 1 || got.Metric != metric {
			t.Errorf("%s: %d %s (%v)", c.query, w.Code, w.Body, err)
		}
		if !reflect.DeepEqual(fake.asked, c.asked) || !reflect.DeepEqual(fake.slice, c.slice) {
			t.Errorf("%s asked for %v in %v, want %v in %v", c.query, fake.asked, fake.slice, c.asked, c.slice)
		}
	}
}

func TestHistoryProblems(t *testing.T) {
	fake := &trends{}
	r := newRig(t, func(o *api.Options) { o.Trends = fake })
	x := r.world.Set().Experiments[0]
	metric, path := x.Metrics[0].Metric.ID, "/api/v1/experiments/"+x.ID+"/history"
	code := func(target string) string {
		t.Helper()
		w := r.get(target)
		var p struct {
			Status int    `json:"status"`
			Code   string `json:"code"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code {
			t.Errorf("%s: %d %s (%v)", target, w.Code, w.Body, err)
		}
		return p.Code
	}
	for target, want := range map[string]string{
		path:                                    "no_such_metric",
		path + "?metric=" + metric + "x":        "no_such_metric",
		path + "?metric=" + metric + "&by=week": "bad_grain",
		path + "?metric=" + metric + "&slice=colour=red":                   "bad_slice",
		path + "?metric=" + metric + "&slice=" + x.Slices[0].Name:          "bad_slice",
		"/api/v1/experiments/nothing_of_the_kind/history?metric=" + metric: "no_such_experiment",
	} {
		if got := code(target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	for err, want := range map[error]string{
		engine.ErrUnknownExperiment: "not_active", engine.ErrStopped: "not_evaluated", errors.New("damaged"): "not_evaluated", context.DeadlineExceeded: "too_long",
	} {
		fake.err = err
		if got := code(path + "?metric=" + metric); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	r = newRig(t, nil)
	if got := code(path + "?metric=" + metric); got != "no_history" {
		t.Errorf("without a history: %s", got)
	}
}
