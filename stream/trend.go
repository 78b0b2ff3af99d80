package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stream/results"
)

// ErrNoTrend is returned by Trend for a metric, slice or grain that the experiment's history does not have.
var ErrNoTrend = errors.New("not in the history")

// Trend returns how one metric stood in one slice of at most one dimension, by hour or by day, as far back as the
// history goes. It reads
// what is kept and asks no shard. It may be called from any goroutine.
func (e *Engine) Trend(ctx context.Context, id, metric string, slice map[string]string, by string) (*results.Trend, error) {
	x := e.find(id)
	if x == nil {
		return nil, fmt.Errorf("stream: there is no experiment %q: %w", id, ErrUnknownExperiment)
	}
	mask, values, ok := results.TrendMask(x.x, slice)
	if !ok {
		return nil, fmt.Errorf("stream: the history of %s has the whole and single dimensions only: %w", id, ErrNoTrend)
	}
	if !hasMetric(x.x, metric) {
		return nil, fmt.Errorf("stream: experiment %s has no metric %q: %w", id, metric, ErrNoTrend)
	}
	// What is read must not be closed meanwhile.
	e.reading.RLock()
	defer e.reading.RUnlock()
	h := e.history.Load()
	if h == nil {
		return nil, ErrStopped
	}
	grain, ok := map[string]cube.Grain{"hour": cube.Hourly, "day": cube.Daily}[by]
	if !ok {
		return nil, fmt.Errorf("stream: the history is kept by hour and day, not by %q: %w", by, ErrNoTrend)
	}
	in := results.TrendInputs{Metric: metric, Mask: mask, Values: values, By: by}
	var err error
	if in.Facts, err = e.factsOf(id); err != nil {
		return nil, fmt.Errorf("stream: read the dated facts of %s: %w", id, err)
	}
	if in.Whole, err = h.Series(x.x, grain, 0, nil); err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	in.Slice = in.Whole
	if mask != 0 {
		if in.Slice, err = h.Series(x.x, grain, mask, values); err != nil {
			return nil, fmt.Errorf("stream: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return results.EvaluateTrend(x.t.plan, x.index, in), nil
}

// factsOf reads the facts of an experiment as they are kept.
func (e *Engine) factsOf(id string) (map[string]results.Tuning, error) {
	facts := make(map[string]results.Tuning)
	for key, tuning := range e.opt.Facts[id] {
		facts[key] = tuning
	}
	err := e.facts.each(factPrefix, id, func(key string, value []byte) error {
		var tuning results.Tuning
		if err := json.Unmarshal(value, &tuning); err != nil {
			return err
		}
		facts[key] = tuning
		return nil
	})
	return facts, err
}

func hasMetric(x *catalog.PlanExperiment, metric string) bool {
	for i := range x.Metrics {
		if x.Metrics[i].Metric.ID == metric {
			return true
		}
	}
	return false
}
