package sketch

import (
	"fmt"
	"math"
)

// IndexOf returns the bin of a value: rising with the value. Bins of small values hold one value each.
func IndexOf(v int64) int32 { return indexOf(v) }

// ValidIndex says whether a bin has values.
func ValidIndex(index int32) bool {
	return index >= -magnitudeIndex(1<<63) && index <= indexOf(math.MaxInt64)
}

// Clone returns a copy.
func (q *Quantiles) Clone() *Quantiles { return &Quantiles{*q.Bins.Clone()} }

// Unmerge takes other's values out: the inverse of Merge.
func (q *Quantiles) Unmerge(other *Quantiles) { q.Bins.Unmerge(&other.Bins) }

// At returns the value at the share p of the values, in [0, 1], with the values of a bin spread evenly over its width (half a unit on
// both sides for a single one): what grouped data says of a quantile. It differs from Quantile by at most the width of a bin, and it
// moves with every value, so that its error can be told where many values are equal. Errors as Quantile.
func (q *Quantiles) At(p float64) (float64, error) {
	if q.n <= 0 && len(q.bins) == 0 {
		return 0, ErrEmpty
	}
	rank := min(max(p, 0), 1) * float64(q.n)
	var below int64
	answer := math.NaN()
	for _, b := range q.bins {
		if b.count < 0 {
			return 0, fmt.Errorf("sketch: bin of %d has %d values: %w", middle(b.index), b.count, ErrCorrupt)
		}
		if float64(below+b.count) >= rank && math.IsNaN(answer) {
			low, width := span(b.index)
			answer = low + width*(rank-float64(below))/float64(b.count)
		}
		below += b.count
	}
	if math.IsNaN(answer) {
		return 0, fmt.Errorf("sketch: %d values in bins, %d in all: %w", below, q.n, ErrCorrupt)
	}
	return answer, nil
}

// span returns where a bin begins and how wide it is, each value being half a unit wide on both sides.
func span(index int32) (low, width float64) {
	if index < 0 {
		low, width = span(-index)
		return -low - width, width
	}
	e := max(0, int(index)>>(mantissa-1)-1)
	return math.Ldexp(float64(index-int32(e)<<(mantissa-1)), e) - 0.5, math.Ldexp(1, e)
}

// Equal says that two sketches hold the same.
func (q *Quantiles) Equal(o *Quantiles) bool { return q.Bins.Equal(&o.Bins) }

// Without0 returns the sketch less its values of 0, which have a bin of their own.
func (q *Quantiles) Without0() *Quantiles {
	out := &Quantiles{}
	for _, b := range q.bins {
		if b.index != 0 {
			out.bins = append(out.bins, b)
			out.n += b.count
		}
	}
	return out
}
