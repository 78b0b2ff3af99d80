package stream

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/results"
)

// experiment is one experiment as the evaluator keeps it. Everything but dirty belongs to the evaluator's goroutine.
type experiment struct {
	t      *subjectType
	index  int // of the plan's experiments
	x      *catalog.PlanExperiment
	dirty  atomic.Bool
	merged *cube.Merged
	live   *results.Evaluator // evaluates what is published, and only that: it remembers rows between evaluations
	asked  *results.Evaluator // evaluates what Results asks for
	facts  map[string]results.Tuning
	levels []results.Level
	// freezes are the metrics that wait for something of the data.
	freezes []frozenMetric
	due     time.Time // not evaluated again before
	kept    time.Time // when the last result was kept
	// shown: the last result before this start is shown, and stays until the shards are open.
	shown bool
}

// part is what one shard gives for the evaluation of some experiments, all of it as of one moment of the shard.
type part struct {
	shard int32
	cells []*cube.Cells // parallel to the experiments asked for
	// gathered is parallel to cells.
	gathered []gathered
	ledger   *state.Ledger
	view     *shardView
	caught   bool  // the type had caught up before the shard was asked
	newest   int64 // event time of the shard's latest event
}

// question is an evaluation on request.
type question struct {
	x      *experiment
	slices results.Slices
	// publish asks for the live result, published like any other.
	publish bool
	// looked are what final looks found where this engine does not look itself (analyze), by Row.Key.
	looked map[string]results.Tuning
	answer chan *results.Result // nil: ErrRestoring
}

// evaluator is the goroutine that turns cells into results. Shards only mark experiments dirty; it takes a snapshot of
// each shard, adds them up and publishes, at the evaluator's pace (pace.go).
func (e *Engine) evaluator(ctx context.Context) {
	runtime.LockOSThread() // so that evaluations can be charged for what they cost
	defer runtime.UnlockOSThread()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-e.questions:
			e.answer(ctx, q)
		case <-e.wake:
		case <-timer.C:
		}
		if next := e.evaluateDue(ctx); next > 0 {
			timer.Reset(next)
		}
	}
}

// evaluateDue evaluates the dirty experiments whose time has come, and returns how long until the next is due; 0 if
// none is dirty.
func (e *Engine) evaluateDue(ctx context.Context) time.Duration {
	began := time.Now()
	rest := e.pace.wait(began)
	var next, spent time.Duration
	for _, t := range e.types {
		now := time.Now()
		var due []*experiment
		for _, x := range t.experiments {
			if !x.dirty.Load() || x.restoring() {
				continue
			}
			if wait := max(rest, x.due.Sub(now)); wait > 0 {
				if next == 0 || wait < next {
					next = wait
				}
				continue
			}
			x.dirty.Store(false)
			due = append(due, x)
		}
		if len(due) == 0 || !t.publishes() {
			continue
		}
		parts := t.snapshot(ctx, due)
		if ctx.Err() != nil {
			return 0
		}
		watch := startWatch()
		for i, x := range due {
			e.publish(ctx, x, parts, i)
		}
		spent += watch.cost()
	}
	if spent > 0 {
		e.pace.rest(began, spent)
	}
	return next
}

// restoring says whether there is nothing to evaluate yet but something to show: opening the shards makes it dirty again.
func (x *experiment) restoring() bool { return x.shown && !x.t.opened.Load() && x.t.halted() == nil }

// snapshot asks every shard for the cells of the experiments.
func (t *subjectType) snapshot(ctx context.Context, xs []*experiment) []part {
	shards := t.list()
	parts := make([]part, len(shards))
	done := make(chan struct{}, len(shards))
	for i, s := range shards {
		go func() {
			defer func() { done <- struct{}{} }()
			parts[i].shard, parts[i].newest = s.p, never
			parts[i].view, parts[i].caught = s.latest.Load(), t.caught.Load()
			s.do(ctx, func() {
				if s.store == nil || s.halt != nil {
					return
				}
				s.publish()
				parts[i].view = s.latest.Load()
				parts[i].ledger, parts[i].newest = s.store.Ledger(), s.store.Newest()
				for _, x := range xs {
					parts[i].cells = append(parts[i].cells, s.cube.Snapshot(x.index, s.store.Name))
					parts[i].gathered = append(parts[i].gathered, x.gather(s))
				}
			})
		}()
	}
	for range shards {
		<-done
	}
	return parts
}

// evaluate adds the shards' cells up and evaluates them; i is the experiment's place in the parts.
func (x *experiment) evaluate(with *results.Evaluator, parts []part, i int, slices results.Slices) *results.Result {
	t := x.t
	here := make(map[int32]bool, len(parts))
	for _, p := range parts {
		here[p.shard] = true
		if p.cells != nil {
			x.merged.Set(int(p.shard), p.cells[i])
		}
	}
	for p := range t.shardCount() {
		if !here[p] {
			x.merged.Set(int(p), nil)
		}
	}
	in := t.inputs(parts)
	in.Levels = x.levels
	in.Facts, in.Frozen = x.facts, x.frozen(parts, i)
	in.Ledger, in.Crossovers = t.ledger(parts, x)
	in.Analyze = t.engine.analyzing
	in.Warnings = x.warnings()
	r := with.Evaluate(x.merged.Cells(), in, slices)
	return r
}

// inputs are what all results of the subject type say about where they stand.
func (t *subjectType) inputs(parts []part) results.Inputs {
	in := results.Inputs{AsOf: t.engine.opt.Now().UTC(), Positions: make(map[string]int64), Complete: true}
	low, newest := int64(forever), int64(never)
	if n := t.shardCount(); len(parts) < int(n) || n == 0 {
		in.Complete = false
	}
	reasons := make(map[string]bool)
	for _, p := range parts {
		newest = max(newest, p.newest)
		if p.view == nil {
			in.Complete = false
			continue
		}
		low = min(low, p.view.clock)
		if !p.view.caughtUp() {
			in.Complete = in.Complete && t.caught.Load()
		}
		if t.filesOnly.Load() && !p.caught {
			in.Complete = false // a shard that has read all may not have been told yet that it was all
		}
		if p.view.halt != nil {
			in.Complete = false
			in.Unreliable = appendNew(in.Unreliable, reasonOf(p.view.halt))
		}
		for i := range p.view.feeds {
			f := &p.view.feeds[i]
			if f.halt != nil {
				in.Complete = false
				reasons[reasonOf(f.halt)] = true
			}
			f.positions(t.plan, in.Positions)
		}
	}
	for _, h := range t.breaks() {
		in.Complete = false
		in.Unreliable = appendNew(in.Unreliable, reasonOf(h))
	}
	if t.halted() != nil {
		in.Complete = false
	}
	for _, stage := range t.stageList() {
		for _, h := range stage.halts() {
			in.Complete = false
			reasons[reasonOf(h)] = true
		}
	}
	for r := range reasons {
		in.Reasons = append(in.Reasons, r)
	}
	in.Reasons = append(in.Reasons, t.engine.gapReasons(t)...)
	slices.Sort(in.Reasons)
	in.Watermark = microTime(low)
	if low == forever { // everything has been read to its end
		in.Reached = microTime(max(newest, t.engine.vouched))
	}
	return in
}

// positions adds where a feed stands, by source partition: "orders/0". For re-keyed sources all shards see the same
// partitions; what all of them have seen is what counts.
func (f *feedView) positions(plan *catalog.Plan, to map[string]int64) {
	switch f.kind {
	case rekeyFeed:
		newest := make(map[topicPartition]int)
		for _, in := range f.sources {
			newest[in.tp] = max(newest[in.tp], in.incarnation)
		}
		for _, in := range f.sources {
			key := in.tp.String()
			if have, ok := to[key]; in.incarnation == newest[in.tp] && (!ok || in.next < have) {
				to[key] = in.next
			}
		}
	case fileFeed:
		key := plan.Sources[f.source].ID + "/" + f.file.name
		to[key] = max(to[key], f.next)
	default:
		to[f.tp.String()] = f.next
	}
}

func reasonOf(h *Halt) string {
	switch h.State {
	case HaltedGap:
		return "halted_gap"
	case HaltedRekey:
		return "halted_rekey"
	case HaltedRejects:
		return "halted_rejects"
	case HaltedCorrupt:
		return "halted_corrupt"
	}
	return "waiting"
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// remember takes the hourly and daily snapshots that are due, and keeps the result now and then: it is what is shown
// while another generation is built.
func (e *Engine) remember(x *experiment, r *results.Result) {
	if e.analyzing {
		return
	}
	if h := e.history.Load(); h != nil && r.Watermark != nil {
		if _, err := h.Observe(x.merged.Cells(), r.Definition, *r.Watermark); err != nil {
			e.opt.Logger.Error("keep the history of an experiment", "experiment", x.x.ID, "err", err)
		}
	}
	if now := e.opt.Now(); now.Sub(x.kept) >= keepResultEvery {
		x.kept = now
		e.keepResult(r)
	}
}

// answer evaluates on request.
func (e *Engine) answer(ctx context.Context, q question) {
	if q.x.restoring() {
		q.answer <- nil
		return
	}
	if q.looked != nil {
		q.x.facts = withLooks(q.x.facts, q.looked)
	}
	parts := q.x.t.snapshot(ctx, []*experiment{q.x})
	if q.publish {
		q.x.dirty.Store(false)
		q.x.kept = time.Time{} // the last one is kept
		q.answer <- e.publish(ctx, q.x, parts, 0)
		return
	}
	if e.freeze(ctx, q.x, parts, 0) {
		parts = q.x.t.snapshot(ctx, []*experiment{q.x})
	}
	r := q.x.evaluate(q.x.asked, parts, 0, q.slices)
	e.keepFacts(q.x, r.Facts)
	e.keepLevel(q.x, r)
	q.answer <- r
}

// publish evaluates an experiment for everybody.
func (e *Engine) publish(ctx context.Context, x *experiment, parts []part, i int) *results.Result {
	watch := startWatch()
	// Data that is analysed is complete only when its results are asked for.
	if !e.analyzing && e.freeze(ctx, x, parts, i) {
		parts, i = x.t.snapshot(ctx, []*experiment{x}), 0
	}
	r := x.evaluate(x.live, parts, i, results.Slices{})
	e.keepFacts(x, r.Facts)
	e.keepLevel(x, r)
	e.hub.Publish(r)
	e.remember(x, r)
	x.due = e.pace.after(watch.began, watch.cost(), e.opt.EvaluateEvery)
	if e.opt.Hooks.Evaluate != nil {
		e.opt.Hooks.Evaluate(x.x.ID, time.Since(watch.began))
	}
	return r
}

// Results evaluates one experiment now, with the slices asked for. It may be called from any goroutine while Run runs.
func (e *Engine) Results(ctx context.Context, id string, slices results.Slices) (*results.Result, error) {
	return e.ask(ctx, id, question{slices: slices})
}

// ask asks the evaluator about an experiment.
func (e *Engine) ask(ctx context.Context, id string, q question) (*results.Result, error) {
	x := e.find(id)
	if x == nil {
		return nil, fmt.Errorf("stream: there is no experiment %q: %w", id, ErrUnknownExperiment)
	}
	if _, err := q.slices.Masks(x.x); err != nil {
		return nil, err
	}
	q.x, q.answer = x, make(chan *results.Result, 1)
	select {
	case e.questions <- q:
	case <-e.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-q.answer:
		if r == nil {
			return nil, ErrRestoring
		}
		return r, nil
	case <-e.stopped:
		return nil, ErrStopped
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
