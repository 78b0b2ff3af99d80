package stream

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// AnalyzeOptions of Analyze.
type AnalyzeOptions struct {
	Options
	// Experiment is the only one to evaluate; empty: all.
	Experiment string
	Slices     results.Slices
	// AsOf is the event time up to which the files are said to be complete, and the results' as_of. Zero: they are known to be complete up
	// to their latest event, and as_of is the clock's. Data beyond it is an error.
	AsOf time.Time
	// Progress is told how many bytes of how many have been read, about ten times a second and once at the end.
	Progress func(read, total int64)
}

// inMemory is up to how many bytes of files Analyze keeps its state in memory; beyond, it is in a temporary folder.
const inMemory = 64 << 20

// Analyze reads bounded inputs to their end and returns the results, in the order of the experiments' ids. Its state is
// gone afterwards. The same events give the same results as when they are streamed.
func Analyze(ctx context.Context, set *catalog.Set, opt AnalyzeOptions) (list []*results.Result, err error) {
	return analyze(ctx, set, opt, forever)
}

// analyze is Analyze of the events before until.
func analyze(ctx context.Context, set *catalog.Set, opt AnalyzeOptions, until int64) (list []*results.Result, err error) {
	given := opt
	total, err := boundedBytes(set, opt.Files)
	if err != nil {
		return nil, err
	}
	if opt.Dir == "" && opt.FS == nil && total > inMemory {
		dir, err := os.MkdirTemp("", "tidemark-analyze-")
		if err != nil {
			return nil, fmt.Errorf("stream: make a temporary folder: %w", err)
		}
		defer os.RemoveAll(dir)
		opt.Dir, opt.FS = dir, vfs.Default
	}
	// Everything is read once and nothing is resumed: commits only make room in memory.
	opt.CommitEvery, opt.DurableEvery = 5*time.Second, time.Hour
	if !opt.AsOf.IsZero() {
		opt.Now = func() time.Time { return opt.AsOf }
	}
	if opt.Experiment != "" { // what is given for others may be of other definitions
		facts := opt.Facts[opt.Experiment]
		if opt.Facts = nil; facts != nil {
			opt.Facts = map[string]map[string]results.Tuning{opt.Experiment: facts}
		}
	}
	e, err := New(set, opt.Options)
	if err != nil {
		return nil, err
	}
	e.endsAt(opt.AsOf, until)
	if opt.Experiment != "" && e.find(opt.Experiment) == nil {
		return nil, fmt.Errorf("stream: there is no experiment %q: %w", opt.Experiment, ErrUnknownExperiment)
	}
	e.analyzing = true
	e.atEnd = func(ctx context.Context) error {
		if err := e.withinVouched(ctx); err != nil {
			return err
		}
		for _, x := range e.experiments() {
			if opt.Experiment != "" && x.x.ID != opt.Experiment {
				continue
			}
			looked, err := e.lookedAtEnd(ctx, x, given)
			if err != nil {
				return err
			}
			r, err := e.ask(ctx, x.x.ID, question{slices: opt.Slices, looked: looked})
			if err != nil {
				return err
			}
			list = append(list, r)
		}
		return nil
	}
	if opt.Progress != nil {
		stop := make(chan struct{})
		told := make(chan struct{})
		go func() {
			defer close(told)
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					opt.Progress(min(e.bytesRead.Load(), total), total)
				}
			}
		}()
		defer func() {
			close(stop)
			<-told
			if err == nil {
				opt.Progress(total, total)
			}
		}()
	}
	if err := e.Run(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return list, nil
}

// boundedBytes adds up the files that would be read, and refuses a source that has no end.
func boundedBytes(set *catalog.Set, override map[string][]string) (int64, error) {
	plans, err := set.Plans()
	if err != nil {
		return 0, fmt.Errorf("stream: %w", err)
	}
	var total int64
	for _, plan := range plans {
		for _, s := range plan.Sources {
			files, overridden := override[s.ID]
			if len(s.Topics) > 0 && !overridden {
				return 0, fmt.Errorf("stream: source %s is a Kafka topic, which has no end: name a file with its records (--source %s=FILE)", s.ID, s.ID)
			}
			list, err := inputFiles(s, files)
			if err != nil {
				return 0, err
			}
			for _, f := range list {
				total += f.size
			}
		}
	}
	return total, nil
}
