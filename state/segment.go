package state

import (
	"math/bits"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/sketch"
)

// total is a signed 128-bit integer: a subject's running total may leave int64 and come back.
type total struct {
	hi int64
	lo uint64
}

func totalOf(x int64) total { return total{x >> 63, uint64(x)} }

func (t total) add(o total) total {
	lo, carry := bits.Add64(t.lo, o.lo, 0)
	hi, _ := bits.Add64(uint64(t.hi), uint64(o.hi), carry)
	return total{int64(hi), lo}
}

// int64 is the total and whether it fits.
func (t total) int64() (int64, bool) { return int64(t.lo), t.hi == int64(t.lo)>>63 }

// segment is what the closed events of one list between two cuts add up to, for one tuple of event dimensions. Its
// events lie at or after cut and before any later cut that was known when they were folded; cuts are UTC days and the
// subject's own t0, window ends and stops. A new t0 is always later than what is folded, so no segment is ever split.
type segment struct {
	// list is a measure, or len(schema.measures) + a conversion (its numerators that count).
	list  int32
	tuple uint32
	cut   int64
	// value is the sum, the count, the largest or the smallest; for COUNT_DISTINCT and QUANTILE set holds the values. A segment exists
	// iff it has events.
	value total
	set   *distinct
}

// absorb adds one qualifying value to what v and set hold; first says that they hold nothing yet.
func absorb(agg catalog.Agg, first bool, v *total, set **distinct, x int64) {
	switch agg {
	case catalog.Sum:
		*v = v.add(totalOf(x))
	case catalog.Count:
		*v = v.add(total{lo: 1})
	case catalog.Exists:
		*v = total{lo: 1}
	case catalog.Max:
		if have, _ := v.int64(); first || x > have {
			*v = totalOf(x)
		}
	case catalog.Min:
		if have, _ := v.int64(); first || x < have {
			*v = totalOf(x)
		}
	case catalog.CountDistinct:
		if *set == nil {
			*set = &distinct{}
		}
		(*set).add(uint64(x))
	case catalog.Quantile:
		if *set == nil {
			*set = &distinct{}
		}
		(*set).bins = addBin((*set).bins, sketch.IndexOf(x), 1)
	}
}

// less orders segments.
func (g *segment) less(list int32, cut int64, tuple uint32) bool {
	if g.list != list {
		return g.list < list
	}
	if g.cut != cut {
		return g.cut < cut
	}
	return g.tuple < tuple
}

// findSegment is the place of a segment, or where it would be.
func (s *Subject) findSegment(list int32, cut int64, tuple uint32) (int, bool) {
	low, high := 0, len(s.segments)
	for low < high {
		if mid := int(uint(low+high) / 2); s.segments[mid].less(list, cut, tuple) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(s.segments) {
		return low, false
	}
	g := &s.segments[low]
	return low, g.list == list && g.cut == cut && g.tuple == tuple
}

// list is the range of segments of one list from a cut on.
func (s *Subject) list(list int32, from int64) []segment {
	first, _ := s.findSegment(list, from, 0)
	to := first
	for to < len(s.segments) && s.segments[to].list == list {
		to++
	}
	return s.segments[first:to]
}

// fold adds a value to the segment of a list at cut.
func (s *Subject) fold(list int32, agg catalog.Agg, cut int64, tuple uint32, value int64) (created bool) {
	i, found := s.findSegment(list, cut, tuple)
	if !found {
		s.segments = slices.Insert(s.segments, i, segment{list: list, tuple: tuple, cut: cut})
	}
	g := &s.segments[i]
	absorb(agg, !found, &g.value, &g.set, value)
	return !found
}

// cutOf is where the segment of measure m starts that an event at t belongs to.
func (c *core) cutOf(s *Subject, m *measureSchema, t int64) int64 {
	cut := dayOf(t)
	walk := s.walk()
	for i := range m.uses {
		u := &m.uses[i]
		x := walk.to(u.experiment)
		if x == nil || t < x.t0 {
			continue
		}
		cut = max(cut, x.t0)
		if stop := c.schema.experiments[u.experiment].stop; stop <= t {
			cut = max(cut, stop)
		}
		for _, w := range u.windows {
			if end := after(x.t0, w); end <= t {
				cut = max(cut, end)
			}
		}
	}
	return cut
}

// needed says whether some experiment may ever read a segment of measure m with events at t.
func (c *core) needed(s *Subject, m *measureSchema, t int64) bool {
	walk := s.walk()
	for i := range m.uses {
		u := &m.uses[i]
		e := &c.schema.experiments[u.experiment]
		x := walk.to(u.experiment)
		horizon := behind(c.clock, e.lateness)
		// The earliest that t0 can still become.
		earliest := max(horizon, e.start)
		if x == nil {
			if u.pre && horizon < e.stop && t >= dayOf(earliest)-e.pre {
				return true
			}
			continue
		}
		if c.out(x) {
			continue
		}
		earliest = min(earliest, x.t0)
		if u.pre && t < x.t0 && t >= dayOf(earliest)-e.pre {
			return true
		}
		if u.within && t >= earliest && t < e.stop {
			if u.open || t < after(x.t0, u.windows[len(u.windows)-1]) {
				return true
			}
		}
	}
	return false
}

// prune drops the segments of a measure that no experiment can read any more. Conversions keep theirs: they count.
func (c *core) prune(s *Subject, list int32) {
	m := &c.schema.measures[list]
	s.segments = slices.DeleteFunc(s.segments, func(g segment) bool {
		if g.list != list || c.needed(s, m, g.cut) {
			return false
		}
		if g.set != nil && g.set.stored {
			s.dropped = append(s.dropped, droppedSet{g.list, g.cut, g.tuple, g.set.row})
		}
		return true
	})
}
