package results

import (
	"math"

	"github.com/tidemark/tidemark/catalog"
)

// clip is Row.Clip: the range of the definition, of the frozen percentiles, or of both; nil if the metric has neither.
func (m *metric) clip(f *Tuning) *Clip {
	w := m.Metric.Winsorize
	if m.Clip == nil && w == nil {
		return nil
	}
	r := catalog.Unclipped
	if m.Clip != nil {
		r = *m.Clip
	}
	var c Clip
	if w != nil {
		c.LowerPercentile, c.UpperPercentile = w.Lower, w.Upper
		if f != nil {
			if own, err := f.Range(m.scale.Num); err == nil {
				r.Lower, r.Upper = max(r.Lower, min(own.Lower, r.Upper)), min(r.Upper, max(own.Upper, r.Lower))
			}
			c.Set = f.Set
		}
	}
	unit := math.Pow10(m.scale.Num)
	if r.Lower > math.MinInt64 {
		v := float64(r.Lower) / unit
		c.Lower = &v
	}
	if r.Upper < math.MaxInt64 {
		v := float64(r.Upper) / unit
		c.Upper = &v
	}
	return &c
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
