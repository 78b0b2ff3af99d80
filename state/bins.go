package state

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// A quantile metric is of events: what a subject gives is how its events are distributed. Its segments hold bins, with a
// count each, so that they are added up over days and taken out again like sums; they are a function of the events' values,
// whatever their order.

// addBin adds n to a bin of a rising list.
func addBin(list []moment.Bin, index int32, n int64) []moment.Bin {
	i, found := slices.BinarySearchFunc(list, index, func(b moment.Bin, index int32) int { return cmp.Compare(b.Index, index) })
	if !found {
		return slices.Insert(list, i, moment.Bin{Index: index, Count: n})
	}
	list[i].Count += n
	return list
}

// quantileCounts returns how many events there are, and how many of them lie in bins up to the cut's.
func quantileCounts(list []moment.Bin, cut int32) (n, upTo int64) {
	for _, b := range list {
		n += b.Count
		if b.Index <= cut {
			upTo += b.Count
		}
	}
	return n, upTo
}

// binChange appends what makes old into new: new less old, without what is equal.
func binChange(old, new, out []moment.Bin) []moment.Bin {
	for len(old) > 0 || len(new) > 0 {
		switch {
		case len(new) == 0 || len(old) > 0 && old[0].Index < new[0].Index:
			out = append(out, moment.Bin{Index: old[0].Index, Count: -old[0].Count})
			old = old[1:]
		case len(old) == 0 || new[0].Index < old[0].Index:
			out = append(out, new[0])
			new = new[1:]
		default:
			if n := new[0].Count - old[0].Count; n != 0 {
				out = append(out, moment.Bin{Index: new[0].Index, Count: n})
			}
			old, new = old[1:], new[1:]
		}
	}
	return out
}

// appendBins writes the bins of a segment: their number, then for each its index less the one before, and its count.
func appendBins(b []byte, list []moment.Bin) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	last := int32(0)
	for _, x := range list {
		b = binary.AppendVarint(b, int64(x.Index)-int64(last))
		b = binary.AppendUvarint(b, uint64(x.Count))
		last = x.Index
	}
	return b
}

// bins reads what appendBins wrote.
func (r *reader) bins() []moment.Bin {
	n := r.count()
	list := make([]moment.Bin, 0, n)
	last := int64(0)
	for i := range n {
		step := r.varint()
		last += step
		count := r.uvarint()
		if r.bad || i > 0 && step <= 0 || count == 0 || count > 1<<62 || last != int64(int32(last)) || !sketch.ValidIndex(int32(last)) {
			r.bad, r.b = true, nil
			return nil
		}
		list = append(list, moment.Bin{Index: int32(last), Count: int64(count)})
	}
	r.bad = r.bad || n == 0
	return list
}

// pile adds an item's values. A single closed segment, the common case, is read where it is.
func (r *reading) pile(it *item) {
	if !it.raw && r.set == nil {
		r.set = it.set
		return
	}
	if !r.own {
		own := &distinct{}
		if r.set != nil {
			own.bins = slices.Clone(r.set.bins)
		}
		r.set, r.own = own, true
	}
	if it.raw {
		r.set.bins = addBin(r.set.bins, sketch.IndexOf(int64(it.value.lo)), 1)
		return
	}
	for _, b := range it.set.bins {
		r.set.bins = addBin(r.set.bins, b.Index, b.Count)
	}
}

// bins is what a metric of a whole cell has beside its point: a copy of how the events of a quantile metric are distributed, for
// the segments go on changing; the ranks of the values of one across subjects. nil for other metrics.
func (m *metricSchema) bins(sums *sums) []moment.Bin {
	if sums[numerator].set == nil {
		return nil
	}
	if m.across {
		return sums[numerator].set.ranks()
	}
	if !m.quantile {
		return nil
	}
	return slices.Clone(sums[numerator].set.bins)
}
