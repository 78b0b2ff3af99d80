package state

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// idFilter says which ids can't be in child rows, so that the id of a new event is not looked for in Pebble: most events are
// no duplicates, and a subject with many ids would ask for each of them. A bucket's ids are kept as 32 bits of a hash of
// their key; one in a few thousand of those that are not there is looked for in vain.
type idFilter struct {
	buckets map[uint32]*fingerprints
	count   int
	// open: rows may be there that the filter does not know, so that all are looked for.
	open bool
}

// maxFiltered bounds what the filter of one shard remembers, about 7 bytes each; beyond it buckets are looked for.
const maxFiltered = 16 << 20

// fingerprint of an id's key, whose first five bytes are the prefix and the bucket.
func fingerprint(key []byte) uint32 { return max(uint32(xxh3.Hash(key[5:])>>32), 1) }

// add notes an id's key.
func (f *idFilter) add(key []byte) {
	bucket := binary.BigEndian.Uint32(key[1:5])
	b := f.buckets[bucket]
	if b == nil {
		b = &fingerprints{slots: make([]uint32, 64), shift: 32 - 6}
		f.buckets[bucket] = b
	}
	switch {
	case b.slots == nil:
	case f.count >= maxFiltered:
		f.count -= b.count
		b.slots, b.count = nil, 0
	default:
		b.add(fingerprint(key))
		f.count++
	}
}

// has says whether a row with this key may be there.
func (f *idFilter) has(key []byte) bool {
	if f.open {
		return true
	}
	b := f.buckets[binary.BigEndian.Uint32(key[1:5])]
	return b != nil && (b.slots == nil || b.has(fingerprint(key)))
}

// drop forgets a bucket.
func (f *idFilter) drop(bucket uint32) {
	if b := f.buckets[bucket]; b != nil {
		f.count -= b.count
		delete(f.buckets, bucket)
	}
}

// fingerprints is a set of 32-bit hashes other than 0, by open addressing. Without slots it has lost them: anything may be
// in it.
type fingerprints struct {
	slots []uint32
	count int
	shift uint
}

func (p *fingerprints) add(v uint32) {
	if 4*(p.count+1) > 3*len(p.slots) {
		old := p.slots
		p.slots = make([]uint32, 2*len(old))
		p.shift--
		for _, v := range old {
			if v != 0 {
				p.put(v)
			}
		}
	}
	p.put(v)
	p.count++
}

func (p *fingerprints) put(v uint32) {
	i := int(v >> p.shift)
	for p.slots[i] != 0 {
		i = (i + 1) & (len(p.slots) - 1)
	}
	p.slots[i] = v
}

func (p *fingerprints) has(v uint32) bool {
	for i := int(v >> p.shift); p.slots[i] != 0; i = (i + 1) & (len(p.slots) - 1) {
		if p.slots[i] == v {
			return true
		}
	}
	return false
}
