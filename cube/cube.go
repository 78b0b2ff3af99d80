package cube

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// Limits bound the cardinality of an experiment's cube (DESIGN §7).
type Limits struct {
	// Values is how many values of a dimension are published; the rest of a subject dimension is Other. Default 1,000.
	Values int
	// Kept is how many values of a subject dimension are kept to choose the published from. Default 20 × Values.
	Kept int
	// Cells is how many base cells (variant and slice) an experiment may have before its dimensions are no longer
	// crossed. Default 100,000.
	Cells int
}

// DefaultLimits are those of DESIGN §7.
var DefaultLimits = Limits{Values: 1000, Kept: 20_000, Cells: 100_000}

// Cube is one shard's cells, of all experiments of its plan. It belongs to the shard's goroutine.
type Cube struct {
	plan   *catalog.Plan
	limits Limits
	grids  []*grid
	encode []byte // scratch of Persist
}

// New returns an empty cube for the experiments of plan.
func New(plan *catalog.Plan) *Cube { return NewLimited(plan, DefaultLimits) }

// NewLimited is New with other bounds than the default ones.
func NewLimited(plan *catalog.Plan, limits Limits) *Cube {
	c := &Cube{plan: plan, limits: limits}
	for i := range plan.Experiments {
		c.grids = append(c.grids, newGrid(&plan.Experiments[i], limits))
	}
	return c
}

// Change takes the old contribution of one subject out of a cell and puts the new one in. It implements state.Sink.
func (c *Cube) Change(ch moment.Change) { c.grids[ch.Experiment].change(&ch) }

// Dirty says whether anything changed since the last Persist.
func (c *Cube) Dirty() bool {
	for _, g := range c.grids {
		if len(g.dirty) > 0 || len(g.stale) > 0 || g.flagsDirty || len(g.gone) > 0 {
			return true
		}
	}
	return false
}

// Snapshot returns the cells of an experiment as they are now. name gives the text of a dictionary id of the shard; it
// is asked once for each new cell. Cells that did not change since the last Snapshot are shared with it, and if
// none changed it is the same *Cells.
func (c *Cube) Snapshot(experiment int, name func(uint32) string) *Cells {
	return c.grids[experiment].snapshot(name)
}

// Twin returns an empty cube that has given up what c has given up. Fed with every subject's contribution, it has the
// cells of c, which Compare tells.
func (c *Cube) Twin() *Cube {
	t := NewLimited(c.plan, c.limits)
	for i, g := range c.grids {
		t.grids[i].collapsed, t.grids[i].uncrossed = g.collapsed, g.uncrossed
		for m, p := range g.pools {
			if p == nil {
				t.grids[i].pools[m] = nil
			}
		}
	}
	return t
}

// Compare returns an error that names the first cell in which c is not what other says it must be, nil if there is none.
// Both must be of one shard. name is for the error's text.
func (c *Cube) Compare(other *Cube, name func(uint32) string) error {
	for i, g := range c.grids {
		o := other.grids[i]
		if err := g.comparePools(o); err != nil {
			return err
		}
		places := make(map[place]struct{}, len(g.at))
		for p := range g.at {
			places[p] = struct{}{}
		}
		for p := range o.at {
			places[p] = struct{}{}
		}
		sorted := slices.SortedFunc(maps.Keys(places), func(a, b place) int { return comparePlaces(&a, &b) })
		for _, p := range sorted {
			if err := g.compareBins(o, &p, name); err != nil {
				return err
			}
			known := sumsOf(g.x)
			if g.recut {
				known -= len(g.x.Cuts)
			}
			for m := range known {
				has, must := g.sums(p, m), o.sums(p, m)
				if has == must {
					continue
				}
				metric := "exposed subjects"
				if m > len(g.x.Metrics) {
					metric = fmt.Sprintf("exposed subjects of epoch %d", m-len(g.x.Metrics))
				} else if m > 0 {
					metric = "metric " + g.x.Metrics[m-1].Metric.ID
				}
				k := g.key(&p, name)
				return fmt.Errorf("cube: experiment %s, variant %s, slice %q, %s: n is %d and must be %d, Σ is %s and must be %s",
					g.x.ID, g.x.Variants[k.Variant].ID, k.Values, metric, has.N, must.N, has.Num, must.Num)
			}
		}
	}
	return nil
}

// sums returns those at a place, zero if there is no cell.
func (g *grid) sums(p place, metric int) moment.Sums {
	if i, ok := g.at[p]; ok {
		return g.slots[i].cell.sums[metric]
	}
	return moment.Sums{}
}

// place is the key of a cell in a shard.
type place struct {
	slice   moment.Slice
	variant int32
}

// over is the value of a dimension that the shard no longer tells apart, because it has too many. No dictionary gets there.
const over = ^uint32(0)

// slot is where a cell lives in its grid.
type slot struct {
	place place
	// cell is nil in a free slot. It is ours to change only while epoch is the grid's; else a snapshot has it too.
	cell  *Cell
	epoch uint64
	live  int  // metrics whose sums are not zero; the cell is gone when it is 0
	dirty bool // in grid.dirty
	saved []byte
}

// grid is one experiment's cells in one shard.
type grid struct {
	x       *catalog.PlanExperiment
	limits  Limits
	subject uint // mask of the subject dimensions
	event   uint // mask of the event dimensions

	at    map[place]int32
	slots []slot
	free  []int32
	cells int // live slots
	// last is the slot of the latest change: state hands all metrics of a cell over one after the other.
	last int32

	// values counts the cells that fix a dimension to a value.
	values [moment.MaxDimensions]map[uint32]int32
	// collapsed are the dimensions with more values than can be kept: a subject dimension's are all over, the cells of
	// an event dimension are not kept at all. It never shrinks, for what was given up can't be had back.
	collapsed uint
	// uncrossed: too many cells; each dimension is kept by itself only. It never goes back either.
	uncrossed  bool
	flagsDirty bool
	savedFlags []byte

	// cuts are those by which the rows that are loaded count epochs. recut: they are others than the definition's, and recutFrom
	// is from where on the counts by epoch are not what they must be (epochs.go).
	cuts      []int64
	recut     bool
	recutFrom int64

	// pools are the distributions of the totals of winsorized metrics, by metric; nil without such metrics. gone are those
	// that are frozen by now and still have rows.
	pools []*pool
	gone  []gonePool

	epoch   uint64
	dirty   []int32 // slots changed since the last Persist
	stale   map[place][]byte
	unnamed []int32 // slots whose cell has no Key yet
	latest  *Cells  // the last snapshot; nil if something changed since
	lineage *lineage
}

func newGrid(x *catalog.PlanExperiment, limits Limits) *grid {
	g := &grid{x: x, limits: limits, last: -1, lineage: newLineage(x, limits)}
	g.subject, g.event = dimensionMasks(x)
	g.pools = newPools(x)
	g.flagsDirty = len(x.Cuts) > 0
	g.clear()
	return g
}

func (g *grid) clear() {
	g.at = map[place]int32{}
	g.slots, g.free, g.dirty, g.unnamed = nil, nil, nil, nil
	g.cells, g.last = 0, -1
	for d := range g.x.Dimensions {
		g.values[d] = map[uint32]int32{}
	}
	g.latest = nil
}

// dimensionMasks parts the dimensions of x into those of the subjects and those of the events.
func dimensionMasks(x *catalog.PlanExperiment) (subject, event uint) {
	for i := range x.Dimensions {
		if x.Dimensions[i].Kind == catalog.EventDimension {
			event |= 1 << i
		} else {
			subject |= 1 << i
		}
	}
	return subject, event
}

func (g *grid) change(ch *moment.Change) {
	if ch.Old == ch.New && len(ch.Bins) == 0 {
		return
	}
	g.latest = nil
	if g.pools != nil {
		g.gather(ch)
	}
	p := place{ch.Slice, int32(ch.Variant)}
	if g.collapsed == 0 && !g.uncrossed {
		g.apply(p, ch)
		return
	}
	g.targets(p, func(p place) { g.apply(p, ch) })
}

// apply changes one metric of one cell.
func (g *grid) apply(p place, ch *moment.Change) {
	i := g.find(p)
	s := &g.slots[i]
	g.own(s)
	sums := &s.cell.sums[ch.Metric+1]
	was := empty(sums)
	sums.Apply(ch.Old, ch.New)
	if len(ch.Bins) > 0 {
		s.cell.bins.apply(ch.Metric, ch.Bins)
	}
	if is := empty(sums); is && !was {
		g.died(i)
	} else if was && !is {
		g.born(i)
	}
	g.touch(i)
}

// find returns the slot of the cell at p, which it makes if there is none.
func (g *grid) find(p place) int32 {
	if i := g.last; i >= 0 && g.slots[i].place == p {
		return i
	}
	i, ok := g.at[p]
	if !ok {
		i = g.add(p)
	}
	g.last = i
	return i
}

// empty says that no subject is in the sums: then every part is zero, for a part is a sum over the subjects counted.
func empty(s *moment.Sums) bool { return s.N|s.Approximate|s.Overflowed|s.OpenLimit == 0 }

// own makes the slot's cell ours to change.
func (g *grid) own(s *slot) {
	if s.epoch == g.epoch {
		return
	}
	s.cell = s.cell.clone()
	s.epoch = g.epoch
}

func (g *grid) touch(i int32) {
	if s := &g.slots[i]; !s.dirty {
		s.dirty = true
		g.dirty = append(g.dirty, i)
	}
}

// add makes an empty cell at p.
func (g *grid) add(p place) int32 {
	var i int32
	if n := len(g.free); n > 0 {
		i, g.free = g.free[n-1], g.free[:n-1]
	} else {
		i = int32(len(g.slots))
		g.slots = append(g.slots, slot{})
	}
	s := &g.slots[i]
	*s = slot{place: p, cell: newCell(g.x, nil), epoch: g.epoch, dirty: s.dirty}
	if old, ok := g.stale[p]; ok {
		s.saved = old
		delete(g.stale, p)
	}
	g.at[p] = i
	g.unnamed = append(g.unnamed, i)
	return i
}

// born counts one more metric with subjects in the cell, and the cell if it is its first.
func (g *grid) born(i int32) {
	s := &g.slots[i]
	if s.live++; s.live > 1 {
		return
	}
	g.cells++
	for d := range g.x.Dimensions {
		if v := s.place.slice[d]; v != moment.All {
			g.values[d][v]++
		}
	}
}

// died is the inverse of born. The slot stays until the cell's bytes are deleted; if there are none it is freed here.
func (g *grid) died(i int32) {
	s := &g.slots[i]
	if s.live--; s.live > 0 {
		return
	}
	g.cells--
	for d := range g.x.Dimensions {
		if v := s.place.slice[d]; v != moment.All {
			if g.values[d][v]--; g.values[d][v] == 0 {
				delete(g.values[d], v)
			}
		}
	}
	if s.saved == nil {
		g.remove(i)
	}
}

// remove frees the slot of a cell that is gone.
func (g *grid) remove(i int32) {
	s := &g.slots[i]
	delete(g.at, s.place)
	s.cell, s.saved = nil, nil
	s.place.variant = -1 // no place has it
	g.free = append(g.free, i)
}

// fixed is the mask of the dimensions that p fixes.
func (g *grid) fixed(p *place) (mask uint) {
	for d := range g.x.Dimensions {
		if p.slice[d] != moment.All {
			mask |= 1 << d
		}
	}
	return mask
}

func (g *grid) snapshot(name func(uint32) string) *Cells {
	if g.latest != nil {
		return g.latest
	}
	g.bound()
	for _, i := range g.unnamed {
		s := &g.slots[i]
		if s.cell == nil || s.cell.Key != nil {
			continue // gone, or the slot was reused and is named already
		}
		g.own(s)
		s.cell.Key = g.key(&s.place, name)
	}
	g.unnamed = g.unnamed[:0]
	c := &Cells{x: g.x, lineage: g.lineage, collapsed: g.collapsed, uncrossed: g.uncrossed, cells: make([]*Cell, len(g.slots))}
	for i := range g.slots {
		if s := &g.slots[i]; s.live > 0 {
			c.cells[i] = s.cell
			c.live++
		}
	}
	g.epoch++
	g.latest = c
	return c
}

func (g *grid) key(p *place, name func(uint32) string) *Key {
	k := &Key{Variant: int(p.variant), Mask: g.fixed(p)}
	k.Values = make([]string, 0, bits.OnesCount(k.Mask))
	for d := range g.x.Dimensions {
		switch v := p.slice[d]; v {
		case moment.All:
		case moment.None:
			k.Values = append(k.Values, NoneText)
		case over:
			k.Values = append(k.Values, Other)
		default:
			k.Values = append(k.Values, name(v))
		}
	}
	return k
}
