package sketch

import "slices"

// Equal says that two sketches hold the same.
func (q *Quantiles) Equal(o *Quantiles) bool { return slices.Equal(q.bins, o.bins) }

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
