package sketch

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Bins are signed counts by index: what the sketches of this package are made of. The zero Bins are empty.
type Bins struct {
	bins []bin // by index, none with count 0
	n    int64
}

type bin struct {
	index int32
	count int64
}

// Count returns the sum of the counts.
func (q *Bins) Count() int64 { return q.n }

// IsZero says that nothing has been added, or that everything has been taken out again.
func (q *Bins) IsZero() bool { return len(q.bins) == 0 }

// AddBin adds n to the count of a bin; a negative n takes out of it.
func (q *Bins) AddBin(index int32, n int64) {
	if n == 0 {
		return
	}
	q.n += n
	i, found := slices.BinarySearchFunc(q.bins, index, func(b bin, index int32) int { return int(b.index - index) })
	if !found {
		q.bins = slices.Insert(q.bins, i, bin{index, n})
		return
	}
	if q.bins[i].count += n; q.bins[i].count == 0 {
		q.bins = slices.Delete(q.bins, i, i+1)
	}
}

// Merge adds other's counts.
func (q *Bins) Merge(other *Bins) { q.merge(other, 1) }

// Unmerge takes other's counts out: the inverse of Merge.
func (q *Bins) Unmerge(other *Bins) { q.merge(other, -1) }

// many is from where on bins are merged in one pass over both, instead of one by one.
const many = 64

func (q *Bins) merge(other *Bins, sign int64) {
	if len(other.bins) < many {
		for _, b := range other.bins {
			q.AddBin(b.index, sign*b.count)
		}
		return
	}
	merged := make([]bin, 0, max(len(q.bins), len(other.bins)))
	a, b := q.bins, other.bins
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].index < b[0].index:
			merged = append(merged, a[0])
			a = a[1:]
		case len(a) == 0 || b[0].index < a[0].index:
			merged = append(merged, bin{b[0].index, sign * b[0].count})
			b = b[1:]
		default:
			if n := a[0].count + sign*b[0].count; n != 0 {
				merged = append(merged, bin{a[0].index, n})
			}
			a, b = a[1:], b[1:]
		}
	}
	q.bins = merged
	q.n += sign * other.n
}

// Clone returns a copy.
func (q *Bins) Clone() *Bins { return &Bins{bins: slices.Clone(q.bins), n: q.n} }

// Equal says that both hold the same.
func (q *Bins) Equal(o *Bins) bool { return slices.Equal(q.bins, o.bins) }

// version is the first byte of encoded bins: 1 has their number (uvarint), then for each its index, less the one before
// (the first as it is), and its count, both zigzag varints.
const version = 1

// AppendBinary appends the encoded bins. Equal ones have equal bytes and only those.
func (q *Bins) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(q.bins)))
	last := int32(0)
	for _, x := range q.bins {
		b = binary.AppendVarint(b, int64(x.index-last))
		b = binary.AppendVarint(b, x.count)
		last = x.index
	}
	return b, nil
}

// decode reads encoded bins from the front of b into q, which is empty, and returns what follows them. valid says which indexes
// there are. Errors are ErrFormat.
func (q *Bins) decode(b []byte, valid func(int32) bool) ([]byte, error) {
	bad := func(what string) ([]byte, error) { return nil, fmt.Errorf("sketch: decode: %s: %w", what, ErrFormat) }
	if len(b) == 0 || b[0] != version {
		return bad("unknown version")
	}
	b = b[1:]
	count, n := binary.Uvarint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 || count > uint64(len(b)) {
		return bad("number of bins")
	}
	b = b[n:]
	last := int64(0)
	for i := range count {
		step, n := shortVarint(b)
		if n == 0 || i > 0 && step <= 0 {
			return bad("index")
		}
		b = b[n:]
		values, n := shortVarint(b)
		if n == 0 || values == 0 {
			return bad("count")
		}
		b = b[n:]
		last += step
		if last != int64(int32(last)) || !valid(int32(last)) {
			return bad("index out of range")
		}
		q.bins = append(q.bins, bin{int32(last), values})
		q.n += values
	}
	return b, nil
}

// shortVarint is binary.Varint for the shortest spelling only; n is 0 for any other.
func shortVarint(b []byte) (v int64, n int) {
	v, n = binary.Varint(b)
	if n <= 0 || n > 1 && b[n-1] == 0 {
		return 0, 0
	}
	return v, n
}
