package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// experiment finds the experiment that a path names; otherwise it has answered 404 with the nearest id.
func (s *Server) experiment(w http.ResponseWriter, id string) (*catalog.Experiment, bool) {
	ids := make([]string, 0, len(s.opt.Set.Experiments))
	for _, x := range s.opt.Set.Experiments {
		if x.ID == id {
			return x, true
		}
		ids = append(ids, x.ID)
	}
	p := Problem{Status: http.StatusNotFound, Code: "no_such_experiment", Detail: "no experiment has the id " + quote(id), Nearest: Nearest(id, ids)}
	if p.Nearest != "" {
		p.Hint = "did you mean " + quote(p.Nearest) + "?"
	} else {
		p.Hint = "GET /api/v1/experiments lists them"
	}
	p.write(w)
	return nil, false
}

// parseSlices reads the slices parameter and checks its names against the experiment; otherwise it has answered 400.
func parseSlices(w http.ResponseWriter, x *catalog.Experiment, query url.Values) (results.Slices, bool) {
	names := make([]string, len(x.Slices))
	for i, d := range x.Slices {
		names[i] = d.Name
	}
	allowed := append([]string{"all", "none"}, names...)
	want, err := results.ParseSlices(query.Get("slices"))
	if err != nil {
		Problem{Status: http.StatusBadRequest, Code: "bad_slices", Detail: clip(err.Error()), Allowed: allowed}.write(w)
		return want, false
	}
	for _, name := range want.Dimensions {
		if slices.Contains(names, name) {
			continue
		}
		p := Problem{Status: http.StatusBadRequest, Code: "no_such_dimension", Nearest: Nearest(name, names), Allowed: allowed,
			Detail: "experiment " + quote(x.ID) + " is not sliced by " + quote(name)}
		if p.Nearest != "" {
			p.Hint = "did you mean " + quote(p.Nearest) + "?"
		}
		p.write(w)
		return want, false
	}
	return want, true
}

func (s *Server) results(w http.ResponseWriter, r *http.Request) {
	x, ok := s.experiment(w, r.PathValue("id"))
	if !ok {
		return
	}
	want, ok := parseSlices(w, x, r.URL.Query())
	if !ok {
		return
	}
	res, problem := s.Results(r.Context(), x.ID, want)
	if problem != nil {
		if problem.Status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		problem.write(w)
		return
	}
	body, err := s.bodies.of(res, want)
	if err != nil {
		Problem{Status: http.StatusInternalServerError, Code: "encode", Detail: "the result could not be encoded: " + err.Error()}.write(w)
		return
	}
	body.Write(w, r)
}

// Results returns an experiment's result with the slices asked for: from the hub what the hub holds, else evaluated.
// The page uses it too, so that one bound holds for both.
func (s *Server) Results(ctx context.Context, id string, want results.Slices) (*results.Result, *Problem) {
	latest, ok := s.opt.Hub.Latest(id)
	if ok {
		switch want.Mode {
		case results.DefaultSlices:
			return latest, nil
		case results.NoSlices:
			return whole(latest), nil
		case results.NamedSlices:
			if len(want.Dimensions) == 1 { // the default holds each dimension by itself
				return only(latest, want.Dimensions[0]), nil
			}
		}
	}
	if s.opt.Evaluator == nil {
		if !ok {
			return nil, &Problem{Status: http.StatusServiceUnavailable, Code: "no_result_yet", Detail: "experiment " + quote(id) + " has no result yet",
				Hint: "the engine publishes one as soon as it has read its inputs; GET /api/v1/status says how far it is"}
		}
		return nil, &Problem{Status: http.StatusNotImplemented, Code: "no_evaluator", Detail: "this server only has the slices of at most one dimension",
			Allowed: []string{"none", "one dimension"}}
	}
	return s.evaluate(ctx, id, want)
}

func (s *Server) evaluate(ctx context.Context, id string, want results.Slices) (*results.Result, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, s.opt.EvaluateTimeout)
	defer cancel()
	busy := &Problem{Status: http.StatusServiceUnavailable, Code: "busy", Detail: "too many evaluations at a time",
		Hint: "ask again in a moment; slices of one dimension need no evaluation"}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, busy
	}
	res, err := s.opt.Evaluator.Results(ctx, id, want)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, s.tooLong("name two or three dimensions instead of all of them")
	case errors.Is(err, stream.ErrUnknownExperiment):
		return nil, notActive()
	case err != nil:
		return nil, &Problem{Status: http.StatusServiceUnavailable, Code: "not_evaluated", Detail: clip(err.Error()),
			Hint: "GET /api/v1/status says how the engine is doing"}
	}
	if res == nil {
		return nil, &Problem{Status: http.StatusServiceUnavailable, Code: "no_result_yet", Detail: "experiment " + quote(id) + " has no result yet",
			Hint: "the engine publishes one as soon as it has read its inputs; GET /api/v1/status says how far it is"}
	}
	return res, nil
}

// notActive answers for an experiment that is defined but does not run: asking again is of no use.
func notActive() *Problem {
	return &Problem{Status: http.StatusNotFound, Code: "not_active", Detail: "the experiment is not active, so nothing is kept of it"}
}

// tooLong is the answer where an evaluation was begun and not finished in time.
func (s *Server) tooLong(hint string) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "too_long", Detail: "the evaluation takes longer than " + s.opt.EvaluateTimeout.String(), Hint: hint}
}

// whole is the result without its slices.
func whole(r *results.Result) *results.Result {
	return filter(r, func(row *results.Row) bool { return len(row.Slice) == 0 })
}

// only is the result with the whole and the slices of one dimension.
func only(r *results.Result, dimension string) *results.Result {
	return filter(r, func(row *results.Row) bool {
		_, has := row.Slice[dimension]
		return len(row.Slice) == 0 || len(row.Slice) == 1 && has
	})
}

func filter(r *results.Result, keep func(*results.Row) bool) *results.Result {
	c := *r
	c.Rows = make([]results.Row, 0, len(r.Rows))
	for i := range r.Rows {
		if keep(&r.Rows[i]) {
			c.Rows = append(c.Rows, r.Rows[i])
		}
	}
	return &c
}

// bodies keeps the encoded form of the hub's own results: many clients ask for the same thing.
type bodies struct {
	mu   sync.Mutex
	made map[string]madeBody // by experiment
}

type madeBody struct {
	of   *results.Result
	body *Body
}

func (b *bodies) of(r *results.Result, want results.Slices) (*Body, error) {
	shared := want.Mode == results.DefaultSlices
	if shared {
		b.mu.Lock()
		made := b.made[r.Experiment]
		b.mu.Unlock()
		if made.of == r {
			return made.body, nil
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	body := &Body{Type: "application/json", Bytes: append(text, '\n'), tag: tagOf(text)}
	if shared {
		b.mu.Lock()
		b.made[r.Experiment] = madeBody{r, body}
		b.mu.Unlock()
	}
	return body, nil
}

// quote shows a name from outside in a sentence.
func quote(name string) string {
	text, _ := json.Marshal(clip(name)) // a string: cannot fail
	return string(text)
}

func pathEscape(id string) string { return strings.ReplaceAll(url.PathEscape(id), "+", "%2B") }
