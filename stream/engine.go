package stream

import (
	"context"
	"errors"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Engine reads the sources of a set of definitions and publishes the results of its experiments.
type Engine struct {
	set *catalog.Set
	opt Options
}

// New opens an engine over the definitions. Nothing is read before Run.
func New(set *catalog.Set, opt Options) (*Engine, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	return &Engine{set: set, opt: opt}, nil
}

// Run reads until ctx ends, or until every source has been read to its end when all are files. It returns nil in
// both cases, and an error when the engine can't go on as a whole.
func (e *Engine) Run(ctx context.Context) error { return errors.New("stream: not built yet") }

// Status says what the engine is doing. It may be called from any goroutine.
func (e *Engine) Status() Status { return Status{State: Starting} }

// Results evaluates one experiment now, with the slices asked for. It may be called from any goroutine.
func (e *Engine) Results(ctx context.Context, id string, slices results.Slices) (*results.Result, error) {
	return nil, errors.New("stream: not built yet")
}

// Hub hands on what the engine publishes.
func (e *Engine) Hub() *results.Hub { return nil }
