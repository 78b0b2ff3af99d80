package state

import (
	"cmp"
	"math/bits"
	"slices"
)

// located is an event of a batch: its subject's hash, and its place in the batch's log.
type located struct {
	hash  uint64
	index int32
}

// sorter brings a batch's events into the order of their subjects' hashes, which is that of their keys but for subjects of one
// hash, and within one hash into that of the log. A counting sort by the top bits leaves a few of them a bucket.
type sorter struct {
	in, out []located
	starts  []uint32
}

// longBucket is where insertion is worse than sorting.
const longBucket = 32

// sort sorts in, whose hashes are spread evenly, and returns it in memory of the sorter's.
func (s *sorter) sort() []located {
	n := len(s.in)
	if n < longBucket {
		insertion(s.in)
		return s.in
	}
	width := min(bits.Len(uint(n)), 14)
	shift := uint(64 - width)
	s.starts = resize(s.starts, 1<<width+1)
	clear(s.starts)
	for i := range s.in {
		s.starts[s.in[i].hash>>shift+1]++
	}
	for i := 1; i < len(s.starts); i++ {
		s.starts[i] += s.starts[i-1]
	}
	s.out = resize(s.out, n)
	for _, l := range s.in {
		at := &s.starts[l.hash>>shift]
		s.out[*at] = l
		*at++
	}
	// Each start is now its bucket's end.
	from := uint32(0)
	for _, to := range s.starts[:1<<width] {
		switch bucket := s.out[from:to]; {
		case len(bucket) < 2:
		case len(bucket) <= longBucket:
			insertion(bucket)
		default:
			slices.SortStableFunc(bucket, func(a, b located) int { return cmp.Compare(a.hash, b.hash) })
		}
		from = to
	}
	return s.out
}

// insertion sorts by hash, stably.
func insertion(list []located) {
	for i := 1; i < len(list); i++ {
		l := list[i]
		j := i
		for j > 0 && list[j-1].hash > l.hash {
			list[j] = list[j-1]
			j--
		}
		list[j] = l
	}
}
