package api

import (
	"context"

	"github.com/tidemark/tidemark/stream/results"
)

// Trend is how a metric stood on the whole, by hour or day, for a page that shows it beside other things: nil where no history is kept, or
// where it can't be had within ctx.
func (s *Server) Trend(ctx context.Context, id, metric, by string) *results.Trend {
	if s.opt.Trends == nil {
		return nil
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil
	}
	t, err := s.opt.Trends.Trend(ctx, id, metric, map[string]string{}, by)
	if err != nil {
		return nil
	}
	return t
}
