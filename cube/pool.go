package cube

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// A winsorized metric is clipped at a percentile of its subjects' totals over all variants. Until that is frozen the grid
// keeps the distribution of the totals, in a sketch from which the old total of a subject can be taken out again; what it
// holds is a function of the subjects, whatever the order in which they came. Afterwards it is gone: the changes then are
// of clipped totals.

// pool is the distribution of one metric's totals over all variants of the shard.
type pool struct {
	totals sketch.Quantiles
	dirty  bool
	saved  []byte
}

// newPools makes the pools of an experiment, by metric; nil where a metric has none, and if none has one.
func newPools(x *catalog.PlanExperiment) []*pool {
	var pools []*pool
	for m := range x.Metrics {
		if def := x.Metrics[m].Metric; def != nil && def.Winsorize != nil {
			if pools == nil {
				pools = make([]*pool, len(x.Metrics))
			}
			pools[m] = &pool{}
		}
	}
	return pools
}

// gather counts a change into its metric's pool. A subject stands once in the cells that fix no dimension of the events.
func (g *grid) gather(ch *moment.Change) {
	if ch.Metric < 0 || ch.Metric >= len(g.pools) || g.pools[ch.Metric] == nil {
		return
	}
	for d := range g.x.Dimensions {
		if g.event&(1<<d) != 0 && ch.Slice[d] != moment.All {
			return
		}
	}
	p := g.pools[ch.Metric]
	if ch.Old.In {
		p.totals.Add(ch.Old.Num, -1)
	}
	if ch.New.In {
		p.totals.Add(ch.New.Num, 1)
	}
	p.dirty = true
}

// Pool returns the distribution of the totals of a winsorized metric that is not frozen, over all variants of the shard; nil
// for any other metric. It is the caller's.
func (c *Cube) Pool(experiment, metric int) *sketch.Quantiles {
	g := c.grids[experiment]
	if g.pools == nil || g.pools[metric] == nil {
		return nil
	}
	q := &sketch.Quantiles{}
	q.Merge(&g.pools[metric].totals)
	return q
}

// Freeze forgets the pool of a metric: its percentiles are frozen. It is called before the changes by which the totals
// are clipped, and after Load for what state says is frozen.
func (c *Cube) Freeze(experiment, metric int) {
	g := c.grids[experiment]
	if g.pools == nil || g.pools[metric] == nil {
		return
	}
	if saved := g.pools[metric].saved; saved != nil {
		g.gone = append(g.gone, gonePool{metric, saved})
	}
	g.pools[metric] = nil
}

// gonePool is the row of a pool that is no longer needed.
type gonePool struct {
	metric int
	saved  []byte
}

func poolKey(experiment, metric int) []byte {
	b := binary.BigEndian.AppendUint16([]byte{keyPrefix, kindPool}, uint16(experiment))
	return binary.BigEndian.AppendUint16(b, uint16(metric))
}

// persistPools hands over the rows of the pools that changed.
func (g *grid) persistPools(experiment int, set func(key, old, new []byte) error) error {
	for _, gone := range g.gone {
		if err := set(poolKey(experiment, gone.metric), gone.saved, nil); err != nil {
			return err
		}
	}
	g.gone = nil
	for m, p := range g.pools {
		if p == nil || !p.dirty {
			continue
		}
		p.dirty = false
		var now []byte
		if !p.totals.IsZero() {
			b, err := p.totals.AppendBinary([]byte{version})
			if err != nil {
				return err
			}
			now = b
		}
		if slices.Equal(now, p.saved) {
			continue
		}
		if err := set(poolKey(experiment, m), p.saved, now); err != nil {
			return err
		}
		p.saved = now
	}
	return nil
}

// loadPool reads a row of persistPools.
func (g *grid) loadPool(key, value []byte) error {
	if len(key) != 2 {
		return fmt.Errorf("key of a pool: %w", ErrFormat)
	}
	m := int(binary.BigEndian.Uint16(key))
	if m >= len(g.pools) || g.pools[m] == nil {
		return fmt.Errorf("pool of metric %d, which is not winsorized: %w", m, ErrFormat)
	}
	if len(value) == 0 || value[0] != version {
		return fmt.Errorf("version %d, this program knows %d: %w", first(value), version, ErrFormat)
	}
	q, rest, err := sketch.Decode(value[1:])
	if err != nil || len(rest) > 0 || q.IsZero() {
		return fmt.Errorf("sketch of a pool does not decode: %w", ErrFormat)
	}
	g.pools[m].totals, g.pools[m].saved = *q, slices.Clone(value)
	return nil
}

// comparePools returns an error that names the first metric whose pool is not other's.
func (g *grid) comparePools(o *grid) error {
	for m, p := range g.pools {
		if p == nil || o.pools[m] == nil {
			continue
		}
		if !p.totals.Equal(&o.pools[m].totals) {
			return fmt.Errorf("cube: experiment %s, metric %s: the pool has %d totals and must have %d, or others", g.x.ID, g.x.Metrics[m].Metric.ID,
				p.totals.Count(), o.pools[m].totals.Count())
		}
	}
	return nil
}
