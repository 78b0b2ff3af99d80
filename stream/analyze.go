package stream

import (
	"context"
	"errors"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// AnalyzeOptions of Analyze.
type AnalyzeOptions struct {
	Options
	// Experiment is the only one to evaluate; empty: all.
	Experiment string
	Slices     results.Slices
	// Progress is told how many bytes of how many have been read, about ten times a second.
	Progress func(read, total int64)
}

// Analyze reads bounded inputs to their end and returns the results. Its state is gone afterwards.
func Analyze(ctx context.Context, set *catalog.Set, opt AnalyzeOptions) ([]*results.Result, error) {
	return nil, errors.New("stream: not built yet")
}
