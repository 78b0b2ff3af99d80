package page

import (
	"context"
	"sync"
	"time"

	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/view"
	"github.com/tidemark/tidemark/stream/results"
)

// trends keeps what was last read of the history for as long as trendAge: its points come by the hour at most, and a page with every row
// open asks for as many as it has metrics. There is an entry for each metric of an experiment at most.
type trends struct {
	mu   sync.Mutex
	kept map[trendKey]keptTrend
}

type trendKey struct{ experiment, metric string }

type keptTrend struct {
	trend *results.Trend
	at    time.Time
}

const (
	trendAge  = 15 * time.Second
	trendWait = 2 * time.Second // then the page comes without it
	fewDays   = 4               // fewer daily points than these show less than the hours do
)

// of returns how a metric stood by day, or by hour where it is not yet old; nil where there is no history.
func (c *trends) of(ctx context.Context, server *api.Server, experiment, metric string) *results.Trend {
	key, now := trendKey{experiment, metric}, server.Now()
	c.mu.Lock()
	k, ok := c.kept[key]
	c.mu.Unlock()
	if age := now.Sub(k.at); ok && age >= 0 && age < trendAge {
		return k.trend
	}
	ctx, cancel := context.WithTimeout(ctx, trendWait)
	defer cancel()
	t := server.Trend(ctx, experiment, metric, "day")
	if t != nil && len(t.Points) < fewDays {
		t = server.Trend(ctx, experiment, metric, "hour")
	}
	if t == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[trendKey]keptTrend{}
	}
	c.kept[key] = keptTrend{trend: t, at: now}
	return t
}

// Trend is the drawing of how an open row came about; nil where there is nothing to draw.
func (e *experiment) Trend(row *view.Row) *view.Trend {
	if e.result == nil || e.trend == nil {
		return nil
	}
	t := e.trend(row.Metric)
	if t == nil {
		return nil
	}
	return row.Trend(e.x, e.result, t)
}
