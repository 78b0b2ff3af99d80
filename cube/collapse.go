package cube

import (
	"math/bits"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// bound gives up detail that there is too much of. It is called between batches.
//
// The bound on what is published is decided on the merged cells, by a rule that knows no order (fold.go). The shard's
// own bound only saves memory. It can't change a result that was within the bounds all the time: a value of a shard is
// a value of the merged cells, so what is too much here is too much there.
func (g *grid) bound() {
	was := g.collapsed
	for d := range g.x.Dimensions {
		if len(g.values[d]) > kept(&g.x.Dimensions[d], g.limits) {
			g.collapsed |= 1 << d
		}
	}
	if was != g.collapsed {
		g.rebuild(g.remap)
	}
	if g.cells > g.limits.Cells && !g.uncrossed {
		g.uncrossed = true
		g.rebuild(g.spread)
	}
}

// kept is how many values of a dimension are told apart. The values of an event dimension can't be folded into Other
// afterwards (a subject may be in several of them), so it keeps no more than it publishes.
func kept(d *catalog.PlanDimension, limits Limits) int {
	if d.Kind != catalog.EventDimension {
		return limits.Kept
	}
	// With values: the definition bounds it; (none) and (other) come on top.
	if n := len(d.Values); n > 0 {
		return max(n+2, limits.Values)
	}
	return limits.Values
}

// targets calls f for each cell that a contribution to p goes to, given what has been given up.
func (g *grid) targets(p place, f func(place)) {
	if !g.uncrossed {
		g.remap(p, f)
		return
	}
	g.remap(p, func(p place) { g.spread(p, f) })
}

// remap calls f with p without the values that are no longer told apart, or not at all if such cells are not kept.
func (g *grid) remap(p place, f func(place)) {
	if g.fixed(&p)&g.event&g.collapsed != 0 {
		return
	}
	for d := range g.x.Dimensions {
		if g.collapsed&(1<<d) != 0 && p.slice[d] != moment.All {
			p.slice[d] = over
		}
	}
	f(p)
}

// spread calls f with each place of at most one dimension that the base cell at p counts in.
func (g *grid) spread(p place, f func(place)) {
	for _, mask := range uncrossedMasks(g.fixed(&p), g.subject) {
		q := place{variant: p.variant}
		for d := range g.x.Dimensions {
			if mask&(1<<d) != 0 {
				q.slice[d] = p.slice[d]
			}
		}
		f(q)
	}
}

// uncrossedMasks are the groupings of at most one dimension that a base cell with the dimensions fixed counts in: for
// a cell of no event dimension the whole and each subject dimension by itself, for one of a single event dimension
// that one, and for one of several none.
func uncrossedMasks(fixed, subject uint) []uint {
	switch event := fixed &^ subject; bits.OnesCount(event) {
	case 0:
		masks := []uint{0}
		for m := fixed; m != 0; m &= m - 1 {
			masks = append(masks, m&-m)
		}
		return masks
	case 1:
		return []uint{event}
	}
	return nil
}

// rebuild moves every cell to where targets says.
func (g *grid) rebuild(targets func(place, func(place))) {
	old := g.slots
	if g.stale == nil {
		g.stale = map[place][]byte{}
	}
	for i := range old {
		if s := &old[i]; s.saved != nil {
			g.stale[s.place] = s.saved // taken back by add if the place lives on
		}
	}
	g.clear()
	g.flagsDirty = true
	g.lineage = newLineage(g.x, g.limits)
	for i := range old {
		if s := &old[i]; s.live > 0 {
			targets(s.place, func(p place) { g.absorb(p, s.cell) })
		}
	}
}

// absorb adds a cell's sums to the one at p.
func (g *grid) absorb(p place, c *Cell) {
	i := g.find(p)
	s := &g.slots[i]
	for m := range c.sums {
		if empty(&c.sums[m]) {
			continue
		}
		if empty(&s.cell.sums[m]) {
			g.born(i)
		}
		s.cell.sums[m].Merge(&c.sums[m])
	}
	s.cell.bins.merge(c.bins)
	g.touch(i)
}
