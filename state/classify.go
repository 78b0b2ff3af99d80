package state

import "slices"

// What an accepted event is to an experiment that reads it.
const (
	classOutside byte = iota
	classUnexposed
	classCounted
)

// classify fills class, parallel to the tail, for an experiment in which the subject is exposed: counted if it is a valid
// exposure or counts for any metric; else unexposed before t0, unless it is of the exposure event; else outside.
func (c *core) classify(s *Subject, x *exposed) {
	c.class = resize(c.class, len(s.tail))
	clear(c.class)
	if c.out(x) || len(s.tail) == 0 {
		return
	}
	e := &c.schema.experiments[x.experiment]
	for i := range s.tail {
		o := &s.tail[i]
		if slices.Contains(o.valid, x.experiment) {
			c.class[i] = classCounted
		} else if o.time < x.t0 && int(o.event) != e.exposure {
			c.class[i] = classUnexposed
		}
	}
	c.flags = resize(c.flags, len(s.tail))
	for i := range e.metrics {
		c.countTail(s, x, &e.metrics[i], c.flags)
		for j, f := range c.flags {
			if f != 0 {
				c.class[j] = classCounted
			}
		}
	}
}

// tally appends, for each event that the experiment reads, how many of the subject's events are counted and unexposed.
func (c *core) tally(s *Subject, x *exposed, out []readCount) []readCount {
	from := len(out)
	out = append(out, x.reads...)
	if c.out(x) {
		clear(out[from:])
		return out
	}
	c.classify(s, x)
	reads := c.schema.experiments[x.experiment].reads
	for i := range s.tail {
		k := slices.Index(reads, int(s.tail[i].event))
		if k < 0 {
			continue
		}
		switch c.class[i] {
		case classCounted:
			out[from+k].counted++
		case classUnexposed:
			out[from+k].unexposed++
		}
	}
	return out
}
