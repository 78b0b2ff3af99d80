package state

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unsafe"
)

// resident is the shard's table of subjects: which there are, and the head rows of as many as memory allows, as the bytes
// that Pebble has. It holds no pointers to them, so ten million subjects cost the garbage collector nothing, and their
// bytes lie outside its heap. Who is not in the table is new; who is there without a row has one in Pebble.
//
// Rows lie in blocks of a few sizes, and a block that is given back is used again for a row of its size. When the rows weigh
// more than the limit, those that were not asked for since the hand last came by lose their place. A row that a batch changed
// stays as it is until the commit that writes it.
type resident struct {
	slots []slot
	count int
	// shift makes a slot's home of a hash: its top bits, so that subjects in the order of their keys lie in order.
	shift uint

	arena arena
	limit int64
	hand  int
}

// slot is the subject of a hash. hash 0 is an empty slot; a hash of 0 is kept as 1.
type slot struct {
	hash uint64
	// row is where its bytes are: the block's number + 1; 0: in Pebble only.
	row uint32
	// state has the entry's number + 1 in its lower bits while the subject is decoded, and the bits below.
	state uint32
}

const (
	// used: the slot was asked for since the hand last came by.
	used = 1 << 31
	// shared: several subjects have this hash. None of them has a row or an entry here.
	shared = 1 << 30
	// changed: the row here is newer than Pebble's, and the next commit writes it.
	changed = 1 << 29
	// fresh: Pebble has no row of the subject yet.
	fresh = 1 << 28
	// again: the row was changed by an earlier batch since the last commit.
	again = 1 << 27
	// entryBits are the rest.
	entryBits = again - 1
)

// minSlots is the size of an empty table.
const minSlots = 1 << 10

func newResident(limit int64) resident {
	return resident{slots: makeSlots(minSlots), shift: 64 - uint(bits.TrailingZeros(minSlots)), limit: limit}
}

func tableHash(hash uint64) uint64 { return max(hash, 1) }

// find returns the slot of a hash, nil if no subject has it. It is valid until the next add.
func (t *resident) find(hash uint64) *slot {
	h := tableHash(hash)
	mask := len(t.slots) - 1
	for i := int(h >> t.shift); ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.hash == h {
			return s
		}
		if s.hash == 0 {
			return nil
		}
	}
}

// add makes a slot for a hash that has none.
func (t *resident) add(hash uint64) *slot {
	if 8*(t.count+1) > 7*len(t.slots) {
		t.grow()
	}
	h := tableHash(hash)
	mask := len(t.slots) - 1
	i := int(h >> t.shift)
	for t.slots[i].hash != 0 {
		i = (i + 1) & mask
	}
	t.slots[i].hash = h
	t.count++
	return &t.slots[i]
}

func (t *resident) grow() {
	old := t.slots
	t.slots = makeSlots(2 * len(old))
	t.shift--
	t.hand = 0
	mask := len(t.slots) - 1
	for _, s := range old {
		if s.hash == 0 {
			continue
		}
		i := int(s.hash >> t.shift)
		for t.slots[i].hash != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
	dropSlots(old)
}

// reserve makes an empty table large enough for n subjects. They are read in the order of their hashes: a smaller table would have
// all of them at its front, where each looks for a place behind all the others.
func (t *resident) reserve(n int64) {
	size := len(t.slots)
	for 8*(n+1) > 7*int64(size) {
		size *= 2
	}
	if size > len(t.slots) {
		dropSlots(t.slots)
		t.slots, t.shift = makeSlots(size), 64-uint(bits.TrailingZeros(uint(size)))
	}
}

const slotBytes = int(unsafe.Sizeof(slot{}))

// makeSlots makes an empty table. A large one lies outside the Go heap, as the rows do.
func makeSlots(n int) []slot {
	if n*slotBytes < slabBytes {
		return make([]slot, n)
	}
	return unsafe.Slice((*slot)(unsafe.Pointer(unsafe.SliceData(mapSlab(n*slotBytes)))), n)
}

// dropSlots gives a table's memory back.
func dropSlots(slots []slot) {
	if n := len(slots) * slotBytes; n >= slabBytes {
		unmapSlab(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(slots))), n))
	}
}

// row is the subject and the head row at a slot; nil where they are in Pebble only. It is valid until the next keep.
func (t *resident) row(s *slot) (id, row []byte) {
	if s.row == 0 {
		return nil, nil
	}
	b := t.arena.at(s.row - 1)
	n, k := binary.Uvarint(b)
	id = b[k : k+int(n)]
	b = b[k+int(n):]
	n, k = binary.Uvarint(b)
	return id, b[k : k+int(n)]
}

// drop forgets a slot's row.
func (t *resident) drop(s *slot) {
	if s.row != 0 {
		t.arena.free(s.row - 1)
		s.row = 0
	}
}

// keep makes row the head row of a slot's subject, or lets it be in Pebble only where it is too large.
func (t *resident) keep(s *slot, id string, row []byte) {
	need := uvarintLen(len(id)) + len(id) + uvarintLen(len(row)) + len(row)
	if s.row != 0 && !t.arena.fits(s.row-1, need) {
		t.drop(s)
	}
	if need+blockHead > maxBlock || t.limit <= 0 {
		return
	}
	if s.row == 0 {
		ref, ok := t.arena.alloc(need)
		if !ok {
			return
		}
		s.row = ref + 1
	}
	b := t.arena.at(s.row - 1)
	n := binary.PutUvarint(b, uint64(len(id)))
	n += copy(b[n:], id)
	n += binary.PutUvarint(b[n:], uint64(len(row)))
	copy(b[n:], row)
}

// weight is what slots and rows take in memory.
func (t *resident) weight() int64 { return t.arena.weight + int64(len(t.slots)*slotBytes) }

// trim lets rows go until the table weighs no more than the limit, or has none left.
func (t *resident) trim() {
	for steps := 2 * len(t.slots); t.weight() > t.limit && t.arena.weight > 0 && steps > 0; steps-- {
		if t.hand >= len(t.slots) {
			t.hand = 0
		}
		s := &t.slots[t.hand]
		if s.row != 0 {
			if s.state&used == 0 {
				t.drop(s)
			} else {
				s.state &^= used
			}
		}
		t.hand++
	}
}

func (t *resident) close() {
	t.arena.close()
	dropSlots(t.slots)
	t.slots = nil
}

func uvarintLen(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }

// arena gives out blocks of memory in steps of blockStep bytes. A block's number is its place in steps, so 32 bits reach
// 64 GiB.
type arena struct {
	slabs [][]byte
	// next is the first step of the newest slab that was never given out.
	next uint32
	// unused are blocks given back, by size in steps.
	unused [maxBlock/blockStep + 1][]uint32
	weight int64 // bytes given out
}

const (
	blockStep = 16
	maxBlock  = 2048
	slabBytes = 1 << 21 // one huge page
	slabSteps = slabBytes / blockStep
)

// A block starts with its size in steps, in one byte.
const blockHead = 1

func (a *arena) steps(need int) int { return (need + blockHead + blockStep - 1) / blockStep }

func (a *arena) block(ref uint32) []byte {
	return a.slabs[ref/slabSteps][ref%slabSteps*blockStep:]
}

// at is the memory of a block.
func (a *arena) at(ref uint32) []byte {
	b := a.block(ref)
	n := int(b[0])
	return b[blockHead : n*blockStep : n*blockStep]
}

// fits says whether need bytes go into a block without wasting most of it.
func (a *arena) fits(ref uint32, need int) bool {
	have := int(a.block(ref)[0])
	want := a.steps(need)
	return want <= have && 2*want >= have
}

func (a *arena) alloc(need int) (ref uint32, ok bool) {
	n := a.steps(need)
	if n > math.MaxUint8 {
		return 0, false
	}
	if list := a.unused[n]; len(list) > 0 {
		ref = list[len(list)-1]
		a.unused[n] = list[:len(list)-1]
	} else {
		if len(a.slabs) == 0 || a.next+uint32(n) > slabSteps {
			if len(a.slabs) >= math.MaxUint32/slabSteps {
				return 0, false
			}
			a.slabs = append(a.slabs, mapSlab(slabBytes))
			a.next = 0
		}
		ref = uint32(len(a.slabs)-1)*slabSteps + a.next
		a.next += uint32(n)
	}
	a.block(ref)[0] = byte(n)
	a.weight += int64(n) * blockStep
	return ref, true
}

func (a *arena) free(ref uint32) {
	n := a.block(ref)[0]
	a.unused[n] = append(a.unused[n], ref)
	a.weight -= int64(n) * blockStep
}

// close gives the memory back to the system.
func (a *arena) close() {
	for _, s := range a.slabs {
		unmapSlab(s)
	}
	*a = arena{}
}
