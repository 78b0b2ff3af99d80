package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/results"
)

const (
	// daysShare is the part of one processor that the background look at the days since exposure takes, askedShare that of
	// one that somebody waits for.
	daysShare, askedShare = 0.05, 0.5
	// daysSubjects bounds how many subjects a look takes: what comes first in the order of hashes, a random part of all.
	daysSubjects = 1_000_000
	// daysChunk is how many subjects are read from one picture of a shard. It bounds for how long old rows are kept for it.
	daysChunk = 1000
	// daysPrefix of the facts: d <experiment> 0 → results.Days as JSON.
	daysPrefix = 'd'
)

// days are the last looks at how effects go with the days since exposure.
type days struct {
	// looking is held by whoever reads subjects for it: one at a time.
	looking chan struct{}

	mu     sync.Mutex
	latest map[string]*results.Days // by experiment
}

func (d *days) of(id string) *results.Days {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.latest[id]
}

func (d *days) put(look *results.Days) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latest[look.Experiment] = look
}

// Days returns the last look at an experiment's effects by the days since the first exposure. Without one, or with one older than
// DaysEvery, it takes one. It may be called from any goroutine.
func (e *Engine) Days(ctx context.Context, id string) (*results.Days, error) {
	x := e.find(id)
	if x == nil {
		return nil, fmt.Errorf("stream: there is no experiment %q: %w", id, ErrUnknownExperiment)
	}
	every := e.opt.DaysEvery
	fresh := func() *results.Days {
		if d := e.days.of(id); d != nil && every > 0 && e.opt.Now().Sub(d.AsOf) < 2*every {
			return d
		}
		return nil
	}
	if d := fresh(); d != nil {
		return d, nil
	}
	select {
	case e.days.looking <- struct{}{}:
		defer func() { <-e.days.looking }()
	case <-e.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d := fresh(); d != nil {
		return d, nil // somebody else waited for the same
	}
	if err := e.lookAtDays(ctx, x.t, askedShare); err != nil {
		return nil, err
	}
	return e.days.of(id), nil
}

// watchDays looks at the days since exposure now and then.
func (e *Engine) watchDays(ctx context.Context) {
	if e.opt.DaysEvery < 0 || e.analyzing {
		return
	}
	e.loadDays()
	tick := time.NewTicker(e.opt.DaysEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range e.types {
			if !t.publishes() {
				continue
			}
			select {
			case e.days.looking <- struct{}{}:
			case <-ctx.Done():
				return
			}
			err := e.lookAtDays(ctx, t, daysShare)
			<-e.days.looking
			if err != nil && ctx.Err() == nil && !errors.Is(err, errStopped) {
				e.opt.Logger.Warn("look at the days since exposure", "subject", t.plan.Subject, "err", err)
			}
		}
	}
}

// loadDays takes up the looks of an earlier run.
func (e *Engine) loadDays() {
	for _, x := range e.experiments() {
		err := e.facts.each(daysPrefix, x.x.ID, func(_ string, value []byte) error {
			d := new(results.Days)
			if err := json.Unmarshal(value, d); err != nil {
				return err
			}
			e.days.put(d)
			return nil
		})
		if err != nil {
			e.opt.Logger.Error("read the days since exposure", "experiment", x.x.ID, "err", err)
		}
	}
}

// warnings are what the last look at the days says about an experiment's rows, as far as its metrics are still the same.
func (x *experiment) warnings() map[string][]results.Warning {
	d := x.t.engine.days.of(x.x.ID)
	if d == nil {
		return nil
	}
	same := *d
	same.Metrics = nil
	for _, m := range d.Metrics {
		for i := range x.x.Metrics {
			if x.x.Metrics[i].Metric.ID == m.Metric && x.x.Metrics[i].Hash.String() == m.Definition {
				same.Metrics = append(same.Metrics, m)
			}
		}
	}
	return same.Warnings()
}

// lookAtDays reads the subjects of all shards of a type once, for all of its experiments, and evaluates what they add up to.
func (e *Engine) lookAtDays(ctx context.Context, t *subjectType, share float64) error {
	look := &daysLook{t: t, share: share}
	for x := range t.experiments {
		look.sums = append(look.sums, newByDay(t, x))
	}
	shards := t.list()
	if len(shards) == 0 {
		return ErrStopped
	}
	end, err := latestOf(ctx, shards)
	if err != nil {
		return err
	}
	low := int64(forever)
	for _, s := range shards {
		low = min(low, s.latest.Load().clock)
		if err := look.shard(ctx, s, end, max(1, daysSubjects/len(shards))); err != nil {
			return err
		}
	}
	for i, x := range t.experiments {
		facts, err := e.keptFacts(x.x.ID)
		if err != nil {
			return err
		}
		d := results.EvaluateDays(t.plan, x.index, results.DaysInputs{AsOf: e.opt.Now(), Watermark: microTime(low), Subjects: look.subjects, Sampled: look.sampled,
			Facts: facts, Days: look.sums[i].Sums, Windows: look.sums[i].Paired})
		e.days.put(d)
		if err := e.keepDays(d); err != nil {
			return err
		}
		x.dirty.Store(true)
	}
	signal(e.wake)
	return nil
}

// keptFacts and keepDays use what may be closed meanwhile.
func (e *Engine) keptFacts(id string) (map[string]results.Tuning, error) {
	e.reading.RLock()
	defer e.reading.RUnlock()
	if e.facts == nil {
		return nil, ErrStopped
	}
	return e.factsOf(id)
}

func (e *Engine) keepDays(d *results.Days) error {
	e.reading.RLock()
	defer e.reading.RUnlock()
	if e.facts == nil || e.analyzing {
		return nil
	}
	return e.facts.set(daysPrefix, d.Experiment, "", d)
}

// newByDay is what is gathered for one experiment.
func newByDay(t *subjectType, x int) *state.ByDay {
	var ranges []state.DayRange
	for k := range results.DaysShown {
		ranges = append(ranges, state.DayRange{From: k, To: k + 1})
	}
	var pairs [][2]state.DayRange
	for _, w := range results.DriftWindows {
		pairs = append(pairs, [2]state.DayRange{{From: w[1][0], To: w[1][1] + 1}, {From: w[0][0], To: w[0][1] + 1}})
	}
	return state.NewByDay(t.plan, x, ranges, pairs)
}

// daysLook is one look on its way.
type daysLook struct {
	t        *subjectType
	share    float64
	sums     []*state.ByDay
	subjects int64
	sampled  bool
}

// shard adds a shard's subjects, most of them at most, in pieces: each from a picture of its own, so that none is kept for
// long, and with a rest after each that leaves the processor to the shards. A subject that changes between two pieces is read
// once all the same, and what is over of it does not change any more.
func (l *daysLook) shard(ctx context.Context, s *shard, end int64, most int) error {
	var from []byte
	for read := 0; ; {
		began := time.Now()
		n, next, err := l.piece(ctx, s, from, min(daysChunk, most-read), end)
		if err != nil {
			return err
		}
		read += n
		l.subjects += int64(n)
		if next == nil {
			return nil
		}
		if from = next; read >= most {
			l.sampled = true
			return nil
		}
		rest := time.Duration(float64(time.Since(began)) * (1/l.share - 1))
		if err := wait(ctx, rest); err != nil {
			return err
		}
	}
}

func (l *daysLook) piece(ctx context.Context, s *shard, from []byte, most int, end int64) (n int, next []byte, err error) {
	picture, release, err := s.picture(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	picture.End = end
	next, n, err = picture.ByDay(from, most, l.sums)
	return n, next, err
}

// picture takes a picture of the shard's store. The store is not closed before it is released.
func (s *shard) picture(ctx context.Context) (p *state.Picture, release func() error, err error) {
	asked := s.do(ctx, func() {
		if s.store == nil || s.halt != nil {
			err = errStopped
			return
		}
		if p, err = s.store.Picture(); err == nil {
			s.pictures.Add(1)
		}
	})
	switch {
	case asked == nil && err == nil:
		return p, func() error { defer s.pictures.Done(); return p.Close() }, nil
	case err != nil:
		return nil, nil, err
	}
	return nil, nil, asked
}

// latestOf is the time of the latest event of any of the shards.
func latestOf(ctx context.Context, shards []*shard) (int64, error) {
	latest := int64(never)
	for _, s := range shards {
		err := s.do(ctx, func() {
			if s.store != nil && s.halt == nil {
				latest = max(latest, s.store.Newest())
			}
		})
		if err != nil {
			return latest, err
		}
	}
	return latest, nil
}
