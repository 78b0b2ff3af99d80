package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/tidemark/tidemark/stream/results"
)

// Width and Height are the drawing's own units (its viewBox); the page scales it.
const (
	Width  = 240.0
	Height = 24.0
	margin = 8.0 // room for the arrows of clipped ends
)

// Axis is the common scale of a group's drawings: symmetric, Max a round number. Lifts map linearly onto
// [margin, Width − margin]. The zero Axis draws nothing.
type Axis struct {
	Max   float64
	Ticks []Tick
}

// Tick is a labelled place on an axis.
type Tick struct {
	X     float64
	Text  string
	Inner bool // can be left out where there is no room
}

// Percent is the tick's place for a drawing without a viewBox, in which text keeps its size.
func (t Tick) Percent() string {
	return strconv.FormatFloat(math.Round(t.X/Width*1e4)/100, 'f', -1, 64) + "%"
}

// axisOver chooses the scale that shows the rows. The whole's bounds decide: 95 in 100 of them fit, what does not is
// clipped and gets an arrow, and so is a single row more than five times as wide as its like. Slices, which are wider by nature, may widen it to their median but not beyond twice what the
// whole needs; otherwise one thin slice would squeeze every interval into a line. It depends on the result alone, so that
// the page and the patches that follow it agree without knowing each other.
func axisOver(rows []*results.Row) Axis {
	var whole, sliced, reach []float64
	limit := 0.0
	judged := slices.ContainsFunc(rows, func(r *results.Row) bool { return r.Lift.IntervalAlways != nil })
	for _, r := range rows {
		if judged && r.Lift.IntervalAlways == nil {
			continue // too few subjects to be judged: not what the others should be measured by
		}
		bounds, most := &whole, 0.0
		if len(r.Slice) > 0 {
			bounds = &sliced
		}
		for _, iv := range []results.Interval{r.Lift.Interval, r.Lift.IntervalAlways} {
			if iv == nil {
				continue
			}
			for _, b := range *iv {
				if a := math.Abs(b); a > 0 && !math.IsInf(a, 0) && !math.IsNaN(a) {
					*bounds, most = append(*bounds, a), max(most, a)
				}
			}
		}
		if len(r.Slice) == 0 && most > 0 {
			reach = append(reach, most)
		}
		if l, ok := relativeLimit(r); ok {
			limit = max(limit, math.Abs(l))
		}
	}
	need := quantile(whole, 0.95)
	if slices.Sort(reach); len(reach) > 1 {
		need = min(need, 5*quantile(reach[:len(reach)-1], 0.5))
	}
	if need == 0 {
		need = quantile(sliced, 0.5)
	}
	need = max(need, min(quantile(sliced, 0.5), 2*need))
	// A limit far outside what is seen would flatten everything; it then shows as an arrow like any clipped end.
	if limit*1.1 <= 4*need || need == 0 {
		need = max(need, limit*1.1)
	}
	if need == 0 {
		return Axis{}
	}
	a := Axis{Max: roundUp(need)}
	for _, f := range []float64{-1, -0.5, 0, 0.5, 1} {
		v := f * a.Max
		a.Ticks = append(a.Ticks, Tick{X: a.at(v), Text: tickText(v)})
	}
	return a
}

// at maps a lift to the drawing, unclipped.
func (a Axis) at(lift float64) float64 {
	return Width/2 + lift/a.Max*(Width/2-margin)
}

// roundUp is the smallest of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 times a power of ten that is ≥ v > 0: halves of these print short.
func roundUp(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// quantile is the smallest value with at least q of the values at or below it; 0 of none.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Clone(values)
	slices.Sort(s)
	return s[max(0, int(math.Ceil(q*float64(len(s))))-1)]
}

// relativeLimit is a guardrail's limit on the lift's scale; an absolute limit is divided by the control's value.
func relativeLimit(r *results.Row) (float64, bool) {
	g := r.Guardrail
	if g == nil {
		return 0, false
	}
	if g.Unit == "relative" {
		return g.Limit, true
	}
	control := r.ByVariant[r.Control].Value
	if control == nil || *control == 0 {
		return 0, false
	}
	return g.Limit / math.Abs(*control), true
}

// Drawing is an interval as SVG path data in the viewBox: a thick bar for the always-valid interval, a thin whisker with
// caps for the fixed-horizon one, a point for the estimate, a guardrail's limit. An empty path draws nothing. An end that
// lies outside the axis is an arrow head.
type Drawing struct {
	Bar, Whisker, Point, Limit string
}

// draw places a row on the axis. A row without a lift (its control is 0) draws nothing.
func (a Axis) draw(r *results.Row) Drawing {
	var d Drawing
	if a.Max == 0 {
		return d
	}
	d.Bar, d.Whisker = a.bar(r.Lift.IntervalAlways), a.whisker(r.Lift.Interval)
	// In a bar not much wider than the dot, bar and dot would be one blot: then the bar is the dot.
	if s, ok := a.clip(r.Lift.IntervalAlways); ok && s.to-s.from < 10 {
		return d.limit(a, r)
	}
	if v := r.Lift.Value; v != nil && math.Abs(*v) <= a.Max {
		d.Point = fmt.Sprintf("M%g 12h0", round1(a.at(*v))) // a line of no length with round caps is a dot at any stretch
	}
	return d.limit(a, r)
}

func (d Drawing) limit(a Axis, r *results.Row) Drawing {
	if l, ok := relativeLimit(r); ok && math.Abs(l) <= a.Max {
		d.Limit = fmt.Sprintf("M%g 1V23", round1(a.at(l)))
	}
	return d
}

// span is an interval clipped to the axis; outside says that nothing of it lies on the axis.
type span struct {
	from, to  float64
	low, high bool // clipped there
}

func (a Axis) clip(iv results.Interval) (span, bool) {
	if iv == nil || math.IsNaN(iv[0]) || math.IsNaN(iv[1]) {
		return span{}, false
	}
	at := func(v float64) float64 { return round1(a.at(math.Max(-a.Max, math.Min(a.Max, v)))) }
	s := span{from: at(iv[0]), to: at(iv[1]), low: iv[0] < -a.Max, high: iv[1] > a.Max}
	// Wholly outside: a stub with one arrow at the edge.
	if iv[1] < -a.Max {
		s.to, s.high = s.from+10, false
	}
	if iv[0] > a.Max {
		s.from, s.low = s.to-10, false
	}
	return s, true
}

func (a Axis) bar(iv results.Interval) string {
	s, ok := a.clip(iv)
	if !ok {
		return ""
	}
	if s.to-s.from < 1.5 { // too narrow to be seen
		mid := (s.from + s.to) / 2
		s.from, s.to = round1(mid-0.8), round1(mid+0.8)
	}
	left, right := "V7", "V17"
	from, to := s.from, s.to
	if s.low {
		left = fmt.Sprintf("L%g 12L%g 7", from-margin+2, from)
	}
	if s.high {
		right = fmt.Sprintf("L%g 12L%g 17", to+margin-2, to)
	}
	return fmt.Sprintf("M%g 7H%g%sH%g%sZ", from, to, right, from, left)
}

func (a Axis) whisker(iv results.Interval) string {
	s, ok := a.clip(iv)
	if !ok {
		return ""
	}
	if s.to-s.from < 14 {
		return "" // its caps would touch the dot; the bar and the numbers say it
	}
	path := fmt.Sprintf("M%g 12H%g", s.from, s.to)
	if s.low {
		path += fmt.Sprintf("M%g 9.5l-4 2.5l4 2.5", s.from+1)
	} else {
		path += fmt.Sprintf("M%g 9V15", s.from)
	}
	if s.high {
		path += fmt.Sprintf("M%g 9.5l4 2.5l-4 2.5", s.to-1)
	} else {
		path += fmt.Sprintf("M%g 9V15", s.to)
	}
	return path
}

// round1 keeps coordinates to a tenth of a unit: finer is invisible and would make every refresh a change.
func round1(v float64) float64 { return math.Round(v*10) / 10 }

// tickText writes a place on the axis; ticks are limits that nobody set, so they are written like limits.
func tickText(v float64) string {
	if v == 0 {
		return "0"
	}
	return results.FormatLimit("", &results.Guardrail{Limit: v, Unit: "relative"})
}
