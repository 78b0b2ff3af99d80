package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// Trends knows how results came about in time; stream.Engine is one.
type Trends interface {
	// Trend is how a metric stood in a slice of at most one dimension, by hour or day.
	Trend(ctx context.Context, id, metric string, slice map[string]string, by string) (*results.Trend, error)
	// Days is how effects go with the days since the first exposure.
	Days(ctx context.Context, id string) (*results.Days, error)
}

// history answers how a metric stood at each hour or day.
func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	x, ok := s.experiment(w, r.PathValue("id"))
	if !ok {
		return
	}
	query := r.URL.Query()
	metric, ok := metricOf(w, x, query.Get("metric"))
	if !ok {
		return
	}
	slice, ok := parseSlice(w, x, query.Get("slice"))
	if !ok {
		return
	}
	by := query.Get("by")
	if by == "" {
		by = "hour"
	}
	if by != "hour" && by != "day" {
		Problem{Status: http.StatusBadRequest, Code: "bad_grain", Detail: "by is " + quote(by), Allowed: []string{"hour", "day"}}.write(w)
		return
	}
	s.slowly(w, r, func(ctx context.Context, t Trends) (any, error) { return t.Trend(ctx, x.ID, metric, slice, by) })
}

// days answers how effects go with the days since the first exposure, of one metric or of all.
func (s *Server) days(w http.ResponseWriter, r *http.Request) {
	x, ok := s.experiment(w, r.PathValue("id"))
	if !ok {
		return
	}
	metric := r.URL.Query().Get("metric")
	if metric != "" {
		if _, ok := metricOf(w, x, metric); !ok {
			return
		}
	}
	s.slowly(w, r, func(ctx context.Context, t Trends) (any, error) {
		all, err := t.Days(ctx, x.ID)
		if err != nil || metric == "" {
			return all, err
		}
		one := *all
		one.Metrics = slices.DeleteFunc(slices.Clone(all.Metrics), func(m results.MetricDays) bool { return m.Metric != metric })
		return &one, nil
	})
}

// slowly answers with what f computes, within the bounds of evaluations.
func (s *Server) slowly(w http.ResponseWriter, r *http.Request, f func(context.Context, Trends) (any, error)) {
	if s.opt.Trends == nil {
		Problem{Status: http.StatusNotImplemented, Code: "no_history", Detail: "this server keeps no history"}.write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opt.EvaluateTimeout)
	defer cancel()
	busy := Problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: "too many evaluations at a time", Hint: "ask again in a moment"}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		w.Header().Set("Retry-After", "2")
		busy.write(w)
		return
	}
	answer, err := f(ctx, s.opt.Trends)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		w.Header().Set("Retry-After", "2")
		s.tooLong("name one metric").write(w)
	case errors.Is(err, stream.ErrUnknownExperiment):
		notActive().write(w)
	case err != nil:
		Problem{Status: http.StatusServiceUnavailable, Code: "not_evaluated", Detail: clip(err.Error()), Hint: "GET /api/v1/status says how the engine is doing"}.write(w)
	default:
		body, err := json.Marshal(answer)
		if err != nil {
			Problem{Status: http.StatusInternalServerError, Code: "encode", Detail: "the answer could not be encoded: " + err.Error()}.write(w)
			return
		}
		(&Body{Type: "application/json", Bytes: append(body, '\n')}).Write(w, r)
	}
}

// metricOf checks the parameter metric; otherwise it has answered 400.
func metricOf(w http.ResponseWriter, x *catalog.Experiment, metric string) (string, bool) {
	var ids []string
	for _, u := range x.Metrics {
		ids = append(ids, u.Metric.ID)
	}
	if slices.Contains(ids, metric) {
		return metric, true
	}
	p := Problem{Status: http.StatusBadRequest, Code: "no_such_metric", Detail: "experiment " + quote(x.ID) + " has no metric " + quote(metric), Nearest: Nearest(metric, ids), Allowed: ids}
	if metric == "" {
		p.Detail = "say which metric: ?metric=ID"
	}
	if p.Nearest != "" {
		p.Hint = "did you mean " + quote(p.Nearest) + "?"
	}
	p.write(w)
	return "", false
}

// parseSlice reads one slice, dimension=value; "" is the whole. Otherwise it has answered 400.
func parseSlice(w http.ResponseWriter, x *catalog.Experiment, text string) (map[string]string, bool) {
	if text == "" || text == results.WholeKey {
		return map[string]string{}, true
	}
	name, value, ok := strings.Cut(text, "=")
	var names []string
	for _, d := range x.Slices {
		names = append(names, d.Name)
	}
	if ok && slices.Contains(names, name) {
		return map[string]string{name: value}, true
	}
	p := Problem{Status: http.StatusBadRequest, Code: "bad_slice", Allowed: names,
		Detail: "slice is " + quote(text) + "; the history has the whole and single dimensions: write dimension=value"}
	if p.Nearest = Nearest(name, names); p.Nearest != "" && p.Nearest != name {
		p.Hint = "did you mean " + quote(p.Nearest) + "?"
	}
	p.write(w)
	return nil, false
}
