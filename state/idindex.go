package state

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/zeebo/xxh3"
)

// idIndex has what duplicates are known by: of each event with an id, 80 bits of a hash of its identity, 40 of its content's,
// and the bucket in which it is forgotten. The commits' logs of ids (idlog.go) have the same, so that it is whole at any
// time, and no row is ever looked for. What does not fit into its bound is remembered the slow way (ids.go).
//
// It is one table with open addressing and no pointers. Homes rise with the hash, so that it is rebuilt in passing.
type idIndex struct {
	slots []idSlot
	// count are the slots in use, those of dropped buckets included, which are dead.
	count, dead int
	// max bounds the slots.
	max     int
	buckets []idBucket
	// last is the bucket asked for last.
	last int
	buf  []byte
}

// idSlot is one id: hash is 0 where there is none; rest has 16 more bits of the hash, the bucket's place in eight and the
// content's 40.
type idSlot struct{ hash, rest uint64 }

// idBucket is the ids that are forgotten together.
type idBucket struct {
	bucket uint32
	count  int
	// pending are those that the next commit writes, as in its row.
	pending []byte
	// dropped: the clock has passed it. Its slots are dead; its place is free once they are swept.
	dropped, free bool
}

const (
	// maxIDBuckets is how many buckets eight bits tell apart. There are about five at a time for each lateness.
	maxIDBuckets = 256
	minIDSlots   = 1 << 8
	idSlotBytes  = 16
	contentBits  = 40
	contentMask  = 1<<contentBits - 1
	// bucketMask covers the place of the bucket in a slot.
	bucketMask = (maxIDBuckets - 1) << contentBits
	hashMask   = ^uint64(bucketMask | contentMask)
)

// newIDIndex returns an index of at most so many bytes; below 0 it has room for nothing.
func newIDIndex(limit int64) idIndex {
	return idIndex{max: int(max(limit, 0) / idSlotBytes)}
}

// identityOf is the hash of an identity, of which the lower 48 bits are not kept. Its layout is part of the format.
func (x *idIndex) identityOf(event int, subject string, id []byte) idSlot {
	b := binary.BigEndian.AppendUint32(x.buf[:0], uint32(event))
	b = binary.AppendUvarint(b, uint64(len(subject)))
	b = append(b, subject...)
	b = append(b, id...)
	x.buf = b
	h := xxh3.Hash128Seed(b, idSeed)
	return idSlot{max(h.Hi, 1), h.Lo & hashMask}
}

// home is the slot at which the search for a hash begins; homes rise with hashes.
func (x *idIndex) home(hash uint64) int {
	hi, _ := bits.Mul64(hash, uint64(len(x.slots)))
	return int(hi)
}

// find returns the 40 bits of the content of an identity that is not forgotten at the clock.
func (x *idIndex) find(id idSlot, clock int64) (content uint64, found bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	for i := x.home(id.hash); x.slots[i].hash != 0; {
		s := &x.slots[i]
		if s.hash == id.hash && (s.rest^id.rest)&hashMask == 0 && !x.buckets[s.rest&bucketMask>>contentBits].passed(clock) {
			return s.rest & contentMask, true
		}
		if i++; i == len(x.slots) {
			i = 0
		}
	}
	return 0, false
}

func (b *idBucket) passed(clock int64) bool {
	return b.dropped || b.bucket != keptForEver && int64(b.bucket)*hour <= clock
}

// add remembers an identity that find does not know, for the next commit to write. It reports false where it has no room.
func (x *idIndex) add(id idSlot, content uint64, bucket uint32) bool {
	n := x.place(bucket)
	if n < 0 || !x.room() {
		return false
	}
	id.rest |= uint64(n)<<contentBits | content&contentMask
	x.put(id)
	b := &x.buckets[n]
	b.pending = appendLogged(b.pending, id)
	return true
}

// load remembers what a row of a log says, whatever the bound is now.
func (x *idIndex) load(id idSlot, bucket uint32) {
	n := x.place(bucket)
	if !x.room() {
		x.resize(max(2*len(x.slots), minIDSlots))
	}
	id.rest |= uint64(n) << contentBits
	x.put(id)
}

func (x *idIndex) put(id idSlot) {
	x.buckets[id.rest&bucketMask>>contentBits].count++
	x.count++
	x.slots[x.free(id.hash)] = id
}

// free is the empty slot for a hash.
func (x *idIndex) free(hash uint64) int {
	i := x.home(hash)
	for x.slots[i].hash != 0 {
		if i++; i == len(x.slots) {
			i = 0
		}
	}
	return i
}

// place finds or makes the bucket's place; -1 if they are used up.
func (x *idIndex) place(bucket uint32) int {
	if x.last < len(x.buckets) && x.buckets[x.last].is(bucket) {
		return x.last
	}
	n := slices.IndexFunc(x.buckets, func(b idBucket) bool { return b.is(bucket) })
	if n < 0 {
		n = slices.IndexFunc(x.buckets, func(b idBucket) bool { return b.free })
	}
	switch {
	case n >= 0 && x.buckets[n].free:
		x.buckets[n] = idBucket{bucket: bucket, pending: x.buckets[n].pending[:0]}
	case n < 0 && len(x.buckets) < maxIDBuckets:
		n = len(x.buckets)
		x.buckets = append(x.buckets, idBucket{bucket: bucket})
	}
	if n >= 0 {
		x.last = n
	}
	return n
}

// pending is how many bytes the next commit writes.
func (x *idIndex) pending() int {
	n := 0
	for i := range x.buckets {
		n += len(x.buckets[i].pending)
	}
	return n
}

// in is how many ids of a bucket the index has.
func (x *idIndex) in(bucket uint32) int {
	for i := range x.buckets {
		if x.buckets[i].is(bucket) {
			return x.buckets[i].count
		}
	}
	return 0
}

func (b *idBucket) is(bucket uint32) bool { return b.bucket == bucket && !b.dropped }

// room makes sure that a slot can be filled: at most seven of eight are.
func (x *idIndex) room() bool {
	if x.fits() {
		return true
	}
	if n := min(max(2*len(x.slots), minIDSlots), x.max); n > len(x.slots) && x.dead <= x.count/4 {
		x.resize(n)
	} else if x.dead > 0 {
		x.sweep()
	}
	return x.fits()
}

func (x *idIndex) fits() bool { return 8*(x.count+1) <= 7*len(x.slots) }

// resize moves what is alive to a table of n slots.
func (x *idIndex) resize(n int) {
	old := x.slots
	x.slots = make([]idSlot, n)
	for _, s := range old {
		if s.hash != 0 && !x.buckets[s.rest&bucketMask>>contentBits].dropped {
			x.slots[x.free(s.hash)] = s
		}
	}
	x.swept()
}

// sweep takes the dead out of the table in place. Behind an empty slot it goes around once: each slot is emptied and, if
// alive, filled again at the first empty one from its home on, which is never beyond where it was.
func (x *idIndex) sweep() {
	n := len(x.slots)
	first := slices.IndexFunc(x.slots, func(s idSlot) bool { return s.hash == 0 })
	for k := 1; k < n; k++ {
		i := first + k
		if i >= n {
			i -= n
		}
		s := x.slots[i]
		if s.hash == 0 {
			continue
		}
		x.slots[i] = idSlot{}
		if !x.buckets[s.rest&bucketMask>>contentBits].dropped {
			x.slots[x.free(s.hash)] = s
		}
	}
	x.swept()
}

// swept counts the dead out.
func (x *idIndex) swept() {
	for i := range x.buckets {
		if b := &x.buckets[i]; b.dropped && !b.free {
			x.count -= b.count
			b.count, b.free = 0, true
		}
	}
	x.dead = 0
}

// drop forgets the buckets up to now.
func (x *idIndex) drop(now uint32) {
	for i := range x.buckets {
		if b := &x.buckets[i]; b.bucket <= now && !b.dropped {
			b.dropped = true
			b.pending = b.pending[:0]
			x.dead += b.count
		}
	}
}
