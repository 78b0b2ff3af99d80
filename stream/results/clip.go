package results

import (
	"math"

	"github.com/tidemark/tidemark/catalog"
)

// clip is Row.Clip of a metric with a cap; nil without one.
func (m *metric) clip() *Clip {
	if m.Clip == nil {
		return nil
	}
	return clipOf(*m.Clip, m.scale.Num)
}

// clipOf writes a range in the unit of the metric's numerator.
func clipOf(r catalog.ClipRange, scale int) *Clip {
	unit := math.Pow10(scale)
	c := &Clip{}
	if r.Lower > math.MinInt64 {
		v := float64(r.Lower) / unit
		c.Lower = &v
	}
	if r.Upper < math.MaxInt64 {
		v := float64(r.Upper) / unit
		c.Upper = &v
	}
	return c
}

func equalClip(a, b *Clip) bool {
	if a == nil || b == nil {
		return a == b
	}
	if (a.Set == nil) != (b.Set == nil) || a.Set != nil && !a.Set.Equal(*b.Set) {
		return false
	}
	return equalFloat(a.Lower, b.Lower) && equalFloat(a.Upper, b.Upper) &&
		equalFloat(a.LowerPercentile, b.LowerPercentile) && equalFloat(a.UpperPercentile, b.UpperPercentile)
}
