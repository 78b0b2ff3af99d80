package state

import (
	"cmp"
	"slices"
)

// A conversion's numerator event counts iff a denominator event that counts lies at most a window before it. What the
// closed denominator events allow is kept as covers: the union of their spans [t, t + window), or [t, ∞) without a
// window. Both only grow: an earlier exposure or a late denominator event adds to them and takes nothing away. So a
// numerator event that is covered once counts for ever, and one that is not can be forgotten when no denominator event
// at or before it can come.

// cover adds the span of a denominator event at t.
func (s *Subject) cover(conversion int, t, window int64) {
	n := cover{conversion: int32(conversion), from: t, to: forever}
	if window > 0 {
		n.to = after(t, window)
	}
	i, _ := slices.BinarySearchFunc(s.covers, n, func(a, b cover) int {
		if a.conversion != b.conversion {
			return cmp.Compare(a.conversion, b.conversion)
		}
		return cmp.Compare(a.from, b.from)
	})
	if i > 0 && s.covers[i-1].conversion == n.conversion && s.covers[i-1].to >= n.from {
		i--
		n.from, n.to = s.covers[i].from, max(n.to, s.covers[i].to)
	}
	j := i
	for j < len(s.covers) && s.covers[j].conversion == n.conversion && s.covers[j].from <= n.to {
		n.to = max(n.to, s.covers[j].to)
		j++
	}
	s.covers = slices.Replace(s.covers, i, j, n)
}

// isCovered says whether a closed denominator event makes numerator events at t count.
func (s *Subject) isCovered(conversion int, t int64) bool {
	for i := range s.covers {
		if v := &s.covers[i]; int(v.conversion) == conversion && v.from <= t && t < v.to {
			return true
		}
	}
	return false
}

// pruneCovers drops the covers that no coming numerator event and none of the tail can fall into.
func (c *core) pruneCovers(s *Subject) {
	if len(s.covers) == 0 {
		return
	}
	s.covers = slices.DeleteFunc(s.covers, func(v cover) bool {
		if v.to == forever {
			return false
		}
		num := c.schema.measures[c.schema.conversions[v.conversion].numerator].event
		oldest := behind(c.next, c.schema.events[num].lateness)
		if len(s.tail) > 0 {
			oldest = min(oldest, s.tail[0].time)
		}
		return v.to <= oldest
	})
}

// pruneProfile drops the profile rows that hold at no t0 that is still possible.
func (c *core) pruneProfile(s *Subject) {
	for i := 0; i < len(s.profile); i++ {
		r := &s.profile[i]
		until := int64(forever) // the row holds in [r.time, until)
		if i+1 < len(s.profile) && s.profile[i+1].event == r.event {
			until = s.profile[i+1].time
		}
		if !c.profileNeeded(s, r, until) {
			s.profile = slices.Delete(s.profile, i, i+1)
			i--
		}
	}
}

func (c *core) profileNeeded(s *Subject, r *profileRow, until int64) bool {
	if until <= r.time {
		return false // another row of the same time holds
	}
	for _, x := range c.schema.events[r.event].profiled {
		e := &c.schema.experiments[x]
		horizon := behind(c.next, e.lateness)
		low, high := max(horizon, e.start), e.stop-1
		if in := s.inExperiment(x); in != nil {
			low, high = min(low, in.t0), in.t0
		} else if horizon >= e.stop {
			continue
		}
		if r.time <= high && until > low {
			return true
		}
	}
	return false
}
