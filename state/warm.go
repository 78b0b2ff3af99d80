package state

// What a group of events needs of its subject lies behind a chain of pointers, none of them near another: slot, entry,
// subject, and the subject's parts. Followed one subject at a time, each step waits for memory. warm follows the chains of
// many subjects step by step, so that the waits overlap, and what Apply then reads is in the processor's caches. It changes
// nothing.

// warmed is how many events' subjects are looked at together: their lines fit the first cache beside what else is at work.
const warmed = 24

// warm reads what the subjects of these hashes have in memory. What it returns means nothing: it keeps the reads from being
// left out.
func (c *cache) warm(list []located) (sum uint64) {
	var slots [warmed]*slot
	var entries [warmed]*entry
	var subjects [warmed]*Subject
	n := min(len(list), warmed)
	for i, l := range list[:n] {
		slots[i] = c.table.find(l.hash)
	}
	for i, at := range slots[:n] {
		if at == nil {
			continue
		}
		if k := at.state & entryBits; k > 0 && at.state&shared == 0 {
			entries[i] = c.entries[k-1]
		} else {
			sum += c.table.read(at)
		}
	}
	for i, e := range entries[:n] {
		if e != nil {
			subjects[i] = e.subject
		}
	}
	for _, s := range subjects[:n] {
		if s != nil {
			sum += uint64(len(s.id)+len(s.exposed)+len(s.tail)) + uint64(s.chunks) + uint64(s.epoch)
		}
	}
	for _, s := range subjects[:n] {
		if s == nil {
			continue
		}
		if len(s.id) > 0 {
			sum += uint64(s.id[0])
		}
		if len(s.accepted) > 0 {
			sum += uint64(s.accepted[0].n)
		}
		if len(s.exposed) > 0 {
			x := &s.exposed[0]
			sum += uint64(x.t0) + uint64(len(x.reads)) + uint64(len(x.points))
		}
		if len(s.segments) > 0 {
			sum += uint64(s.segments[0].list) + uint64(s.segments[len(s.segments)-1].list)
		}
	}
	for _, s := range subjects[:n] {
		if s == nil || len(s.exposed) == 0 {
			continue
		}
		x := &s.exposed[0]
		if len(x.dims) > 0 {
			sum += uint64(x.dims[0])
		}
		if len(x.reads) > 0 {
			sum += uint64(x.reads[0].counted)
		}
	}
	return sum
}

// warm reads the rows of these hashes.
func (t *resident) warm(list []located) (sum uint64) {
	var slots [warmed]*slot
	n := min(len(list), warmed)
	for i, l := range list[:n] {
		slots[i] = t.find(l.hash)
	}
	for _, at := range slots[:n] {
		if at != nil {
			sum += t.read(at)
		}
	}
	return sum
}

// read reads each line of the row at a slot.
func (t *resident) read(at *slot) (sum uint64) {
	if at.row == 0 {
		return 0
	}
	b := t.arena.block(at.row - 1)
	for i := 0; i < int(b[0])*blockStep && i < 4*cacheLine; i += cacheLine {
		sum += uint64(b[i])
	}
	return sum
}

const cacheLine = 64
