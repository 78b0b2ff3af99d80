package stream

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stream/results"
)

var (
	// ErrStopped is returned by Results when the engine does not run.
	ErrStopped = errors.New("stream: the engine does not run")
	// ErrUnknownExperiment is returned by Results for an id that no definition has.
	ErrUnknownExperiment = errors.New("unknown experiment")
	// ErrRestoring is returned by Results while the state is being opened; the hub has the last result meanwhile.
	ErrRestoring = errors.New("the state is being opened")
)

// Engine reads the sources of a set of definitions and publishes the results of its experiments.
type Engine struct {
	set   *catalog.Set
	opt   Options
	types []*subjectType
	hub   *results.Hub
	facts *factStore
	// history is nil while the engine does not run, and in Analyze.
	history atomic.Pointer[cube.History]
	// reading is held by those who read history and facts from other goroutines, and by their closing.
	reading sync.RWMutex
	days    days

	cache *pebble.Cache
	files *pebble.FileCache

	wake      chan struct{} // something is dirty
	questions chan question
	turns     *turns        // of the shards
	pace      pace          // the evaluator's
	failed    chan error    // the first error that ends the engine
	stopped   chan struct{} // Run has returned
	running   atomic.Bool
	started   time.Time
	watchdog  watchdog
	informer  informer
	disk      diskWatch
	rates     rates
	analyzing bool
	// vouched is the event time up to which somebody says that files are complete; never: nobody does. until is the one before which
	// events count; forever: all do. Both are of analyze.
	vouched, until int64
	// atEnd is asked for what is wanted of the last state, while the shards are still open.
	atEnd func(context.Context) error
	// abandon drops everything at the end that a killed process would lose: a test's kill -9.
	abandon   atomic.Bool
	bytesRead atomic.Int64 // of files
}

// New opens an engine over the definitions. Nothing is read, and the data directory is not touched, before Run.
func New(set *catalog.Set, opt Options) (*Engine, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	plans, err := set.Plans()
	if err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	if opt.Facts, err = results.ResolveFacts(plans, opt.Facts); err != nil {
		return nil, fmt.Errorf("stream: facts: %w", err)
	}
	e := &Engine{
		set: set, opt: opt, hub: results.NewHub(), turns: newTurns(runtime.GOMAXPROCS(0)), wake: make(chan struct{}, 1), questions: make(chan question),
		failed: make(chan error, 1), stopped: make(chan struct{}), started: opt.Now(), vouched: never, until: forever,
	}
	e.informer.ready = make(chan struct{}, 1)
	e.days = days{looking: make(chan struct{}, 1), latest: make(map[string]*results.Days)}
	e.watchdog = watchdog{opt.CommitDeadline, e.fail}
	for i, plan := range plans {
		t := &subjectType{engine: e, plan: plan, index: i, look: make(chan struct{}, 1), shards: make(map[int32]*shard), broken: make(map[int32]*Halt)}
		for j := range plan.Experiments {
			x := &plan.Experiments[j]
			t.experiments = append(t.experiments, &experiment{
				t: t, index: j, x: x, merged: cube.NewMerged(x, cube.DefaultLimits),
				live: results.NewEvaluator(plan, j), asked: results.NewEvaluator(plan, j), freezes: frozenMetrics(plan, x),
			})
		}
		e.types = append(e.types, t)
	}
	return e, nil
}

// Hub hands on what the engine publishes.
func (e *Engine) Hub() *results.Hub { return e.hub }

// History keeps what experiments were at each hour and day; nil while the engine does not run.
func (e *Engine) History() *cube.History { return e.history.Load() }

// Run reads until ctx ends, or until every source has been read to its end when all are files (but see KeepOpen). It
// returns nil in both cases, and an error when the engine can't go on as a whole. What was applied is committed and durable when it
// returns without a *StoreError or *DeadlineError. It may be called once.
func (e *Engine) Run(ctx context.Context) (err error) {
	if !e.running.CompareAndSwap(false, true) {
		return errors.New("stream: Run may be called once")
	}
	defer close(e.stopped)
	if err := e.openDir(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.closeDir()) }()

	run, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup // evaluator, disk watch, informer: they outlive the shards
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { stop(); work.Wait() }()
	for _, f := range []func(context.Context){e.evaluator, e.watchDisk, e.informer.run, e.watchDays} {
		work.Go(func() { f(background) })
	}

	var types sync.WaitGroup
	ends := make(chan struct{})
	for _, t := range e.types {
		types.Go(func() {
			if err := t.run(run); err != nil && run.Err() == nil {
				e.fail(err)
			}
		})
	}
	go func() { types.Wait(); close(ends) }()

	select {
	case err = <-e.failed:
	case <-ends:
		select {
		case err = <-e.failed:
		default:
			if e.opt.KeepOpen {
				e.publishAll(ctx)
				select {
				case err = <-e.failed:
				case <-ctx.Done():
				}
			}
		}
	case <-ctx.Done():
	}
	cancel()
	if isHung(err) {
		return err // waiting for the shards would wait for the disk
	}
	<-ends
	if err == nil {
		e.publishAll(background)
		if e.atEnd != nil && ctx.Err() == nil {
			err = e.atEnd(background)
		}
	}
	for _, t := range e.types {
		t.close()
	}
	return err
}

// experiments lists all experiments, by id within a subject type.
func (e *Engine) experiments() []*experiment {
	var all []*experiment
	for _, t := range e.types {
		all = append(all, t.experiments...)
	}
	slices.SortFunc(all, func(a, b *experiment) int { return strings.Compare(a.x.ID, b.x.ID) })
	return all
}

// find returns the experiment with the id, nil if there is none.
func (e *Engine) find(id string) *experiment {
	for _, x := range e.experiments() {
		if x.x.ID == id {
			return x
		}
	}
	return nil
}

func isHung(err error) bool {
	var d *DeadlineError
	return errors.As(err, &d)
}

// publishAll evaluates everything that is still dirty, at once.
func (e *Engine) publishAll(ctx context.Context) {
	for _, t := range e.types {
		for _, x := range t.experiments {
			q := question{x: x, answer: make(chan *results.Result, 1), publish: true}
			select {
			case e.questions <- q:
				<-q.answer
			case <-ctx.Done():
				return
			}
		}
	}
}
