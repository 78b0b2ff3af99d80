package state

import (
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
)

// place is one combination of event dimension values that items of a metric have: a tuple of one event.
type place struct {
	event int32
	tuple uint32
	// slice has the values that the grouping at hand fixes, group the cell that they make.
	slice moment.Slice
	group int32
}

// group is one cell of a grouping.
type group struct {
	slice   moment.Slice
	sums    sums
	present bool
}

// groupings appends the metric's cells over event dimensions: for each grouping of them, one for each combination of
// values where an event that the metric reads falls. A subject has few places, so they are sorted and not the items.
func (c *core) groupings(m *metricSchema, base *cell, openLimit bool, out []cell) []cell {
	c.findPlaces()
	for mask := m.eventDims; mask != 0; mask = (mask - 1) & m.eventDims {
		c.group(m, mask)
		for i := range c.items {
			it := &c.items[i]
			g := &c.groups[c.places[c.placeOf[i]].group]
			if it.role == present {
				g.present = true
			} else {
				c.add(m, &g.sums, it)
			}
		}
		for i := range c.groups {
			g := &c.groups[i]
			if !g.present {
				continue
			}
			p := c.point(m, &g.sums, openLimit)
			if p == (moment.Point{}) {
				continue
			}
			at := *base
			at.point, at.bins = p, m.bins(&g.sums)
			for d, v := range g.slice {
				if mask>>d&1 == 1 {
					at.slice[d] = v
				}
			}
			out = append(out, at)
		}
	}
	return out
}

// fewPlaces is up to where looking through a list is quicker than a map.
const fewPlaces = 16

// findPlaces finds the distinct places of the items, and which one each item is at.
func (c *core) findPlaces() {
	c.places, c.placeOf = c.places[:0], c.placeOf[:0]
	clear(c.placeAt)
	for i := range c.items {
		it := &c.items[i]
		at := -1
		if len(c.places) <= fewPlaces {
			at = slices.IndexFunc(c.places, func(p place) bool { return p.event == it.event && p.tuple == it.tuple })
		} else if n, ok := c.placeAt[uint64(it.event)<<32|uint64(it.tuple)]; ok {
			at = int(n)
		}
		if at < 0 {
			at = len(c.places)
			c.places = append(c.places, place{event: it.event, tuple: it.tuple})
			if at == fewPlaces {
				for k, p := range c.places[:at] {
					c.placeAt[uint64(p.event)<<32|uint64(p.tuple)] = int32(k)
				}
			}
			if at >= fewPlaces {
				c.placeAt[uint64(it.event)<<32|uint64(it.tuple)] = int32(at)
			}
		}
		c.placeOf = append(c.placeOf, int32(at))
	}
}

// group gives each place its cell in the grouping that fixes the dimensions of mask.
func (c *core) group(m *metricSchema, mask uint) {
	c.order, c.groups = c.order[:0], c.groups[:0]
	for i := range c.places {
		p := &c.places[i]
		p.slice = moment.Slice{}
		for d, column := range m.columns[int(p.event)] {
			if mask>>d&1 == 1 {
				p.slice[d] = c.tuples.at(p.tuple, column)
			}
		}
		c.order = append(c.order, int32(i))
	}
	slices.SortFunc(c.order, func(a, b int32) int { return slices.Compare(c.places[a].slice[:], c.places[b].slice[:]) })
	for _, i := range c.order {
		p := &c.places[i]
		if n := len(c.groups); n == 0 || c.groups[n-1].slice != p.slice {
			c.groups = append(c.groups, group{slice: p.slice})
		}
		p.group = int32(len(c.groups) - 1)
	}
}
