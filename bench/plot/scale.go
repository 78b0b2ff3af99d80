package plot

import (
	"math"
	"slices"
)

// summary is the smallest value, the median and the largest.
func summary(values []float64) (low, middle, most float64) {
	v := slices.Clone(values)
	slices.Sort(v)
	return v[0], (v[(len(v)-1)/2] + v[len(v)/2]) / 2, v[len(v)-1]
}

// scale maps values to pixels.
type scale struct {
	log            bool
	low, high      float64 // values, or their logarithms
	from, to, step float64
}

// newLog covers the values with a fifth of a decade to spare on each side.
func newLog(values []float64, from, to float64) scale {
	s := scale{log: true, low: 0, high: 1, from: from, to: to}
	if len(values) > 0 {
		s.low, s.high = math.Log10(slices.Min(values))-0.2, math.Log10(slices.Max(values))+0.2
	}
	return s
}

// newLinear begins at 0 and ends at a round number.
func newLinear(values []float64, from, to float64) scale {
	most := 1.0
	if len(values) > 0 && slices.Max(values) > 0 {
		most = slices.Max(values)
	}
	step := math.Pow10(int(math.Floor(math.Log10(most / 4))))
	for _, m := range []float64{1, 2, 5, 10} {
		if most/(step*m) <= 5 {
			step *= m
			break
		}
	}
	return scale{low: 0, high: math.Ceil(most/step) * step, from: from, to: to, step: step}
}

// newScale is logarithmic if the values span more than a factor of 8 and are over 0.
func newScale(values []float64, from, to float64) scale {
	if len(values) == 0 {
		return scale{high: 1, from: from, to: to}
	}
	low, high := slices.Min(values), slices.Max(values)
	if low > 0 && high > 8*low {
		return scale{log: true, low: math.Log10(low), high: math.Log10(high), from: from, to: to}
	}
	if high == low {
		high = low + 1
	}
	return scale{low: low, high: high, from: from, to: to}
}

func (s scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return s.from + (s.to-s.from)*(v-s.low)/(s.high-s.low)
}

// ticks are round values in the range: 1, 2 and 5 of each decade, or only 1 if those are many.
func (s scale) ticks() (out []float64) {
	if !s.log {
		for i := 0; s.step > 0 && float64(i)*s.step <= s.high*1.0001; i++ {
			out = append(out, float64(i)*s.step)
		}
		return out
	}
	of := []float64{1, 2, 5}
	if s.high-s.low > 2.2 {
		of = of[:1]
	}
	for e := math.Floor(s.low); e <= s.high; e++ {
		for _, m := range of {
			if v := m * math.Pow(10, e); math.Log10(v) >= s.low && math.Log10(v) <= s.high {
				out = append(out, v)
			}
		}
	}
	return out
}
