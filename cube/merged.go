package cube

import (
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// Merged keeps the sum of several shards' cells of one experiment, and brings it up to their newer pictures at the
// cost of the cells that changed. It belongs to one goroutine; the Cells that it returns may be read by any.
type Merged struct {
	x       *catalog.PlanExperiment
	limits  Limits
	parts   map[int]*part
	lineage *lineage
	// uncrossed: some shard's cells are, so the others are added up so.
	uncrossed bool

	at    map[string]int32
	cells []*Cell // by slot; nil in a free one
	epoch []uint64
	count []int32 // shards' cells in it
	free  []int32
	live  int
	now   uint64
	// latest is the last result; nil if something changed since.
	latest *Cells
}

// part is what one shard has given.
type part struct {
	given *Cells    // by the last Set; nil if the shard is gone
	added *Cells    // what the sum has of it
	up    [][]int32 // by index of added's cells: the slots to which it is added
}

var noCells = &Cells{}

// NewMerged returns the sum of no shards. The limits are those by which Cells are published.
func NewMerged(x *catalog.PlanExperiment, limits Limits) *Merged {
	m := &Merged{x: x, limits: limits, parts: map[int]*part{}}
	m.reset()
	return m
}

// reset forgets the sum, but not what the shards gave.
func (m *Merged) reset() {
	m.at = map[string]int32{}
	m.cells, m.epoch, m.count, m.free, m.live = nil, nil, nil, nil, 0
	m.lineage = newLineage(m.x, m.limits)
	for _, p := range m.parts {
		p.added, p.up = noCells, nil
	}
}

// Set makes c the cells of a shard, in place of those set before. c may be nil: the shard is gone.
func (m *Merged) Set(shard int, c *Cells) {
	p := m.parts[shard]
	if p == nil {
		if c == nil {
			return
		}
		p = &part{added: noCells}
		m.parts[shard] = p
	}
	if p.given != c {
		p.given = c
		m.latest = nil
	}
}

// Drop forgets all shards.
func (m *Merged) Drop() {
	clear(m.parts)
	m.uncrossed, m.latest = false, nil
	m.reset()
}

// Cells returns the sum. If nothing changed since the last call it is the same *Cells.
func (m *Merged) Cells() *Cells {
	if m.latest == nil {
		m.latest = m.sum()
	}
	return m.latest
}

func (m *Merged) sum() *Cells {
	collapsed, uncrossed := uint(0), false
	var lone *Cells
	n := 0
	for _, p := range m.parts {
		if p.given != nil {
			collapsed |= p.given.collapsed
			uncrossed = uncrossed || p.given.uncrossed
			lone = p.given
			n++
		}
	}
	if n == 1 && m.live == 0 && lone.lineage.limits == m.limits {
		return lone // it need not be copied
	}
	if uncrossed != m.uncrossed {
		// What the shards give is of another shape now: add it all up again.
		m.uncrossed = uncrossed
		m.reset()
	}
	m.now++
	for shard, p := range m.parts {
		if p.given == nil {
			m.update(p, noCells)
			delete(m.parts, shard)
		} else if p.added != p.given {
			m.update(p, p.given)
		}
	}
	return &Cells{x: m.x, lineage: m.lineage, collapsed: collapsed, uncrossed: uncrossed, live: m.live, cells: append([]*Cell(nil), m.cells...)}
}

// update adds what c has more than the sum has of p.
func (m *Merged) update(p *part, c *Cells) {
	old := p.added
	n := max(len(old.cells), len(c.cells))
	if n > len(p.up) {
		p.up = append(p.up, make([][]int32, n-len(p.up))...)
	}
	spread := m.uncrossed && !c.uncrossed
	for i := range n {
		var was, is *Cell
		if i < len(old.cells) {
			was = old.cells[i]
		}
		if i < len(c.cells) {
			is = c.cells[i]
		}
		if was != is {
			m.move(p, i, was, is, spread)
		}
	}
	p.added = c
}

// move takes a shard's cell out and puts its successor in; either may be nil.
func (m *Merged) move(p *part, i int, was, is *Cell, spread bool) {
	if was != nil && is != nil && was.Key == is.Key {
		for _, slot := range p.up[i] {
			m.own(slot).replace(was, is)
		}
		return
	}
	if was != nil {
		for _, slot := range p.up[i] {
			if m.count[slot]--; m.count[slot] == 0 {
				m.remove(slot)
			} else {
				m.own(slot).unmerge(was)
			}
		}
	}
	if is == nil {
		return
	}
	masks := []uint{is.Key.Mask}
	if spread {
		masks = uncrossedMasks(is.Key.Mask, m.lineage.subject)
	}
	p.up[i] = p.up[i][:0]
	for _, mask := range masks {
		slot := m.find(is, mask)
		p.up[i] = append(p.up[i], slot)
		m.count[slot]++
		m.own(slot).merge(is)
	}
}

func (m *Merged) own(slot int32) *Cell {
	if m.epoch[slot] != m.now {
		m.cells[slot] = m.cells[slot].clone()
		m.epoch[slot] = m.now
	}
	return m.cells[slot]
}

// find returns the slot for a shard's cell in the grouping mask, made if there is none.
func (m *Merged) find(c *Cell, mask uint) int32 {
	values := project(c.Key, mask)
	text := string(rune(mask)) + joinKey(values, c.Key.Variant)
	if slot, ok := m.at[text]; ok {
		return slot
	}
	var slot int32
	if n := len(m.free); n > 0 {
		slot, m.free = m.free[n-1], m.free[:n-1]
	} else {
		slot = int32(len(m.cells))
		m.cells, m.epoch, m.count = append(m.cells, nil), append(m.epoch, 0), append(m.count, 0)
	}
	m.at[text] = slot
	m.cells[slot] = &Cell{Key: &Key{Variant: c.Key.Variant, Mask: mask, Values: values}, sums: make([]moment.Sums, len(c.sums)), bins: c.bins.like()}
	m.epoch[slot] = m.now
	m.live++
	return slot
}

func (m *Merged) remove(slot int32) {
	k := m.cells[slot].Key
	delete(m.at, string(rune(k.Mask))+joinKey(k.Values, k.Variant))
	m.cells[slot] = nil
	m.free = append(m.free, slot)
	m.live--
}
