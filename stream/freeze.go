package stream

import (
	"context"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stats/sketch"
	"github.com/tidemark/tidemark/stream/results"
)

// A winsorized metric is clipped at percentiles of the data, and a quantile metric needs a cut up to which events are counted
// for its error. The evaluator freezes both: it adds up what the shards have gathered, keeps the range as a dated fact, and
// then has every shard apply it to all its subjects, each atomically with its commits
// (state.Freeze). A shard that was not there, crashed before its commit, or is of a new generation is told at the next
// evaluation; until all have applied the fact the metric's rows are collecting.

// frozenMetric is a metric of an experiment that waits for something of the data.
type frozenMetric struct {
	index int // of the experiment's metrics
	m     *catalog.PlanMetric
	scale int // of the numerator
}

// frozenMetrics are those of an experiment.
func frozenMetrics(plan *catalog.Plan, x *catalog.PlanExperiment) (list []frozenMetric) {
	for i := range x.Metrics {
		m := &x.Metrics[i]
		if m.Metric.Winsorize == nil && m.Quantile == 0 {
			continue
		}
		f := frozenMetric{index: i, m: m}
		if m.Numerator >= 0 {
			f.scale = plan.Measures[m.Numerator].Scale
		}
		list = append(list, f)
	}
	return list
}

// gathered is what a shard gives for freezing: what it has applied, and the pools of what is not frozen.
type gathered struct {
	applied []state.Frozen
	pools   map[int]*sketch.Quantiles // by metric
	// controls are the control's events of quantile metrics that are not frozen, by metric.
	controls map[int]*sketch.Quantiles
}

// gather is called on the shard's goroutine.
func (x *experiment) gather(s *shard) gathered {
	var g gathered
	if len(x.freezes) == 0 {
		return g
	}
	for _, f := range s.store.Frozen() {
		if f.Experiment == x.index {
			g.applied = append(g.applied, f)
		}
	}
	g.pools, g.controls = make(map[int]*sketch.Quantiles), make(map[int]*sketch.Quantiles)
	for _, f := range x.freezes {
		switch {
		case f.m.Quantile > 0 && !g.has(f.index):
			g.controls[f.index] = s.cube.Snapshot(x.index, s.store.Name).Whole()[x.x.Control].Quantiles(f.index)
		case f.m.Quantile == 0:
			if q := s.cube.Pool(x.index, f.index); q != nil {
				g.pools[f.index] = q
			}
		}
	}
	return g
}

// freeze brings an experiment's frozen facts and the shards together: it freezes what may be, and tells the shards that
// lack a fact. It reports whether a shard has changed, so that the parts are of before. i is the experiment's place in them.
func (e *Engine) freeze(ctx context.Context, x *experiment, parts []part, i int) bool {
	if len(x.freezes) == 0 {
		return false
	}
	return x.tell(ctx, e.freezeFacts(x, parts, i), parts, i)
}

// freezeFacts returns an experiment's frozen facts, freezing what may be; i is its place in the parts.
func (e *Engine) freezeFacts(x *experiment, parts []part, i int) (facts []state.Frozen) {
	for _, f := range x.freezes {
		key := results.MetricKey(f.m.Metric.ID)
		fact, ok := x.facts[key]
		if !ok || fact.Definition != "" && fact.Definition != f.m.Hash.String() {
			r, ready := applied(f.index, parts, i)
			switch {
			case ready:
			case f.m.Quantile > 0:
				r, ready = x.cut(f, parts, i)
			default:
				r, ready = x.percentiles(f, parts, i)
			}
			if !ready {
				continue
			}
			var at *time.Time
			if !e.analyzing {
				now := e.opt.Now().UTC()
				at = &now
			}
			fact = results.NewFrozen(r, f.scale, f.m.Hash.String(), at)
			if !e.keepFrozen(x, key, fact) {
				continue // a fact that could be lost is none
			}
		}
		r, err := fact.Range(f.scale)
		if err != nil {
			e.opt.Logger.Error("read a metric's frozen percentiles: its rows stay collecting", "experiment", x.x.ID, "metric", f.m.Metric.ID, "err", err)
			continue
		}
		facts = append(facts, state.Frozen{Experiment: x.index, Metric: f.index, Range: r})
	}
	return facts
}

// keepFrozen stores a metric's fact before any shard applies it.
func (e *Engine) keepFrozen(x *experiment, key string, fact results.Tuning) bool {
	if !e.analyzing {
		if err := e.facts.set(factPrefix, x.x.ID, key, fact); err != nil {
			e.opt.Logger.Error("keep a metric's frozen percentiles: its rows stay collecting", "experiment", x.x.ID, "fact", key, "err", err)
			return false
		}
	}
	facts := make(map[string]results.Tuning, len(x.facts)+1)
	maps.Copy(facts, x.facts)
	facts[key] = fact
	x.facts = facts
	return true
}

// applied is the range that a shard has applied although no fact says so: the engine's facts were lost, and the state was not.
func applied(metric int, parts []part, i int) (catalog.ClipRange, bool) {
	for k := range parts {
		if parts[k].cells == nil {
			continue
		}
		for _, f := range parts[k].gathered[i].applied {
			if f.Metric == metric {
				return f.Range, true
			}
		}
	}
	return catalog.ClipRange{}, false
}

// tell has the shards apply the facts that they lack.
func (x *experiment) tell(ctx context.Context, facts []state.Frozen, parts []part, i int) bool {
	var wg sync.WaitGroup
	told := false
	for k := range parts {
		p := &parts[k]
		if p.cells == nil {
			continue
		}
		missing := p.gathered[i].missing(facts)
		s := x.t.shard(p.shard)
		if len(missing) == 0 || s == nil {
			continue
		}
		told = true
		wg.Go(func() { _ = s.do(ctx, func() { s.freeze(missing) }) })
	}
	wg.Wait()
	return told
}

// missing are the facts that the shard has not applied.
func (g *gathered) missing(facts []state.Frozen) (list []state.Frozen) {
	for _, f := range facts {
		if !g.has(f.Metric) {
			list = append(list, f)
		}
	}
	return list
}

func (g *gathered) has(metric int) bool {
	for _, f := range g.applied {
		if f.Metric == metric {
			return true
		}
	}
	return false
}

// freeze applies facts to every subject of the shard. It runs on the shard's goroutine, between two batches, which wait for it.
func (s *shard) freeze(facts []state.Frozen) {
	if s.store == nil || s.halt != nil {
		return
	}
	s.apply()
	for _, f := range facts {
		s.cube.Freeze(f.Experiment, f.Metric)
	}
	if err := s.store.Freeze(context.Background(), facts, s.cube); err != nil {
		s.broken("freeze percentiles", err)
		return
	}
	s.changed = true
	s.t.dirty()
}

// frozen says of which metrics every shard has applied the fact.
func (x *experiment) frozen(parts []part, i int) []bool {
	if len(x.freezes) == 0 {
		return nil
	}
	all := make([]bool, len(x.x.Metrics))
	for _, f := range x.freezes {
		all[f.index] = true
		for k := range parts {
			if parts[k].cells != nil && !parts[k].gathered[i].has(f.index) {
				all[f.index] = false
			}
		}
	}
	return all
}

// beyond is how many subjects must lie beyond a percentile before it is frozen: its rank is then known to about a fifth.
const beyond = 20

// leastPool is how many subjects a pool must have at least.
const leastPool = 1000

// percentiles returns the range between a metric's percentiles over all shards, and whether it may be frozen: all shards are
// here, enough subjects are, and their totals have had the time to grow that the definition gives them. Data that is analysed is
// all there is, and may always: waiting is for totals that still grow. A range of one value is not frozen: it would make all subjects equal.
func (x *experiment) percentiles(f frozenMetric, parts []part, i int) (r catalog.ClipRange, ready bool) {
	w, e := f.m.Metric.Winsorize, x.t.engine
	var pool sketch.Quantiles
	clock := int64(forever)
	for k := range parts {
		if parts[k].cells == nil || parts[k].view == nil {
			return r, false
		}
		clock = min(clock, parts[k].view.clock)
		if q := parts[k].gathered[i].pools[f.index]; q != nil {
			pool.Merge(q)
		}
	}
	totals := &pool
	if w.NonZero {
		totals = pool.Without0()
	}
	if !e.analyzing {
		least := float64(leastPool)
		if w.Upper != nil {
			least = max(least, beyond/(1-*w.Upper))
		}
		if w.Lower != nil {
			least = max(least, beyond / *w.Lower)
		}
		if int32(len(parts)) < x.t.shardCount() || float64(totals.Count()) < math.Round(least) || clock < x.x.Start+w.After.Microseconds() {
			return r, false
		}
	}
	if totals.Count() == 0 {
		return r, false
	}
	at := func(p *float64, open float64) int64 {
		if p == nil {
			p = &open
		}
		v, err := totals.Quantile(*p)
		if err != nil {
			e.opt.Logger.Error("take a percentile", "experiment", x.x.ID, "metric", f.m.Metric.ID, "err", err)
		}
		return v
	}
	low, high := at(w.Lower, 0), at(w.Upper, 1)
	if low >= high {
		return r, false
	}
	r = catalog.Unclipped
	if w.Lower != nil {
		r.Lower = low
	}
	if w.Upper != nil {
		r.Upper = high
	}
	return r, true
}

// cut returns where a quantile metric's events are counted up to: the control's quantile, as far as it is known once enough of
// its events lie on both sides of it (what events are worth is only known afterwards).
func (x *experiment) cut(f frozenMetric, parts []part, i int) (r catalog.ClipRange, ready bool) {
	var events sketch.Quantiles
	for k := range parts {
		if parts[k].cells == nil {
			return r, false
		}
		if q := parts[k].gathered[i].controls[f.index]; q != nil {
			events.Merge(q)
		}
	}
	e, p, n := x.t.engine, f.m.Quantile, float64(events.Count())
	if n == 0 || !e.analyzing && (int32(len(parts)) < x.t.shardCount() || n < beyond/min(p, 1-p)) {
		return r, false
	}
	c, err := events.Quantile(p)
	if err != nil {
		e.opt.Logger.Error("take the cut of a quantile", "experiment", x.x.ID, "metric", f.m.Metric.ID, "err", err)
		return r, false
	}
	r = catalog.Unclipped
	r.Upper = c
	return r, true
}
