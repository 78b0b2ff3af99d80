package state

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// digest is a sum modulo 2^128 over rows: each adds the keyed hash of its key and value. A changed row takes its old hash
// out and puts its new one in, so the digest is kept without reading anything else, and any row that is lost, older or
// altered shows. It finds what Pebble's own checksums miss: files that are whole but not those that belong together.
type digest struct{ hi, lo uint64 }

// digestSeed keys the hash. It is part of the format.
const digestSeed = 0x7469_6465_6d61_726b

func (d digest) add(o digest) digest {
	lo, carry := bits.Add64(d.lo, o.lo, 0)
	hi, _ := bits.Add64(d.hi, o.hi, carry)
	return digest{hi, lo}
}

func (d digest) sub(o digest) digest {
	lo, borrow := bits.Sub64(d.lo, o.lo, 0)
	hi, _ := bits.Sub64(d.hi, o.hi, borrow)
	return digest{hi, lo}
}

// rowHasher hashes rows, reusing its memory.
type rowHasher struct{ b []byte }

// row is the hash of one row: of the key's length, the key and the value.
func (h *rowHasher) row(key, value []byte) digest {
	h.b = binary.BigEndian.AppendUint32(h.b[:0], uint32(len(key)))
	h.b = append(h.b, key...)
	h.b = append(h.b, value...)
	sum := xxh3.Hash128Seed(h.b, digestSeed)
	return digest{sum.Hi, sum.Lo}
}

func appendDigest(b []byte, d digest) []byte {
	b = binary.BigEndian.AppendUint64(b, d.hi)
	return binary.BigEndian.AppendUint64(b, d.lo)
}

func (r *reader) digest() digest { return digest{r.uint64(), r.uint64()} }
