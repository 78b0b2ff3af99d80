package state

import (
	"math"

	"github.com/tidemark/tidemark/catalog"
)

// clipTotal returns a numerator's total v within a metric's range. A total beyond int64 is clipped like any other on a side
// that has a bound: what it is clipped to fits.
func clipTotal(to *catalog.ClipRange, r *reading, v int64, fits bool) (int64, bool) {
	if fits {
		return min(max(v, to.Lower), to.Upper), true
	}
	if r.value.hi < 0 {
		return to.Lower, to.Lower > math.MinInt64
	}
	return to.Upper, to.Upper < math.MaxInt64
}
