package view

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Trend is how a row of the whole came about: its effect with the always-valid interval at each hour or day. Like every drawing it is
// finished here; a table of the same numbers goes with it.
type Trend struct {
	ID          string // for the document, unique in it
	State       string
	Title, Desc string
	Band, Line  string // SVG paths in a box of trendWidth × trendHeight
	Dots        string
	Zero, Limit string
	Ticks       []Tick // effects, from the top; X is a percentage of the height
	Times       []Tick // X is a percentage of the width
	Heads       [2]string
	Points      []TrendPoint
}

// TrendPoint is a line of the table.
type TrendPoint struct{ Time, Effect, Interval, P, Word, Subjects string }

const (
	trendWidth, trendHeight = 1000.0, 100.0
	// A drawing of more points than these shows no more, and the table of them nobody reads.
	mostTrendPoints = 96
	fewestPoints    = 2
)

// point is one instant of a trend, in the trend's unit.
type point struct {
	time  time.Time
	row   *results.Row
	value float64
	band  results.Interval
}

// Trend draws how the row came about; nil where there are fewer than two points with a number. It is of lifts where the row has one now,
// else of differences.
func (v *Row) Trend(x *catalog.Experiment, r *results.Result, t *results.Trend) *Trend {
	row := v.row
	lift := row.Lift.Value != nil
	points := pointsOf(t, row.Variant, lift)
	if len(points) == 0 {
		return nil
	}
	// The last point is what the row says above: what happened since the last day's bound must not be missing.
	now := r.AsOf
	if r.Watermark != nil {
		now = *r.Watermark
	}
	if p, ok := pointOf(now, row, lift); ok && now.After(points[len(points)-1].time) {
		points = append(points, p)
	}
	if len(points) < fewestPoints {
		return nil
	}
	limit, limited := limitLine(row, lift)
	at := scaleOf(points, limit, limited)
	name := metricName(x, row.Metric)
	what := ifelse(lift, "Lift", "Difference")
	d := &Trend{ID: "trend-" + row.Metric + "-" + letter(x, row.Variant), State: row.State, Heads: [2]string{"Until (UTC)", what}}
	first, last := points[0].time, points[len(points)-1].time
	across := func(at time.Time) float64 { return float64(at.Sub(first)) / float64(last.Sub(first)) * trendWidth }
	d.Band, d.Line, d.Dots = drawTrend(points, across, at.y)
	d.Zero = horizontal(at.y(0))
	if limited && limit >= at.low && limit <= at.high {
		d.Limit = horizontal(at.y(limit))
	}
	for _, v := range at.ticks() {
		d.Ticks = append(d.Ticks, Tick{X: at.y(v), Text: trendTick(row, lift, v)})
	}
	d.Times = timeTicks(points, across, t.By)
	for i := range points {
		p := points[len(points)-1-i] // newest first
		texts := r.Texts(p.row)
		e := texts.Effect
		if !lift {
			e = texts.Absolute
		}
		d.Points = append(d.Points, TrendPoint{Time: trendTime(p.time, t.By), Effect: e.Value, Interval: orMissing(e.Interval), P: texts.P, Word: texts.State,
			Subjects: results.FormatCount(p.row.ByVariant[p.row.Control].N + p.row.ByVariant[p.row.Variant].N)})
	}
	d.Title = what + " of " + name + inArm(x, row.Variant) + " up to each " + t.By
	oldest, newest := d.Points[len(d.Points)-1], d.Points[0]
	d.Desc = "From " + oldest.Effect + " (" + oldest.Interval + ") on " + oldest.Time + " to " + newest.Effect + " (" + newest.Interval + ") on " + newest.Time + "; each with its always-valid interval. The table below has the numbers."
	return d
}

// Trendless says why there is no picture of how a row came about, where there never will be one; "" for others.
func (v *Row) Trendless() string {
	switch {
	case v.row.Quantile > 0:
		return "No picture over time: the history keeps sums by the hour and day, and a quantile can't be made from sums."
	case v.row.Across != "":
		return "No picture over time: the history keeps sums by the hour and day, and distinct values of all subjects together can't be counted from sums."
	}
	return ""
}

// pointsOf are the instants at which a treatment has an effect, the newest mostTrendPoints of them.
func pointsOf(t *results.Trend, variant string, lift bool) []point {
	var points []point
	for i := range t.Points {
		for j := range t.Points[i].Rows {
			row := &t.Points[i].Rows[j]
			p, ok := pointOf(t.Points[i].Time, row, lift)
			if row.Variant != variant || !ok || len(points) > 0 && !p.time.After(points[len(points)-1].time) {
				continue
			}
			points = append(points, p)
		}
	}
	return points[max(0, len(points)-mostTrendPoints+1):]
}

func pointOf(at time.Time, row *results.Row, lift bool) (point, bool) {
	value, band := row.Difference.Value, row.Difference.IntervalAlways
	if lift {
		value, band = row.Lift.Value, row.Lift.IntervalAlways
	}
	if value == nil {
		return point{}, false
	}
	return point{time: at, row: row, value: *value, band: band}, true
}

// limitLine is a guardrail's limit in the unit of the drawing.
func limitLine(row *results.Row, lift bool) (float64, bool) {
	if row.Guardrail == nil {
		return 0, false
	}
	if lift {
		return relativeLimit(row)
	}
	return row.Guardrail.Limit, row.Guardrail.Unit == "absolute"
}

// scale maps effects to the drawing's height.
type scale struct{ low, high, step float64 }

func (s scale) y(v float64) float64 {
	y := (s.high - v) / (s.high - s.low) * trendHeight
	return round1(math.Max(-2*trendHeight, math.Min(3*trendHeight, y)))
}

// ticks are the round numbers on the scale, from the top.
func (s scale) ticks() []float64 {
	var list []float64
	for i := math.Floor(s.high / s.step * (1 + 1e-9)); i*s.step >= s.low-s.step*1e-9; i-- {
		list = append(list, i*s.step)
	}
	return list
}

// scaleOf chooses what of the effects is seen: zero, the newest interval, every estimate that has an interval (every one, where few
// have), and three quarters of the other bounds; the first intervals may be many times wider than all that follow and run out of the
// picture. A limit is seen if that does not flatten the rest.
func scaleOf(points []point, limit float64, limited bool) scale {
	var above, below []float64
	low, high := 0.0, 0.0
	see := func(v float64) { low, high = math.Min(low, v), math.Max(high, v) }
	for _, p := range points {
		if p.band == nil {
			continue
		}
		above, below = append(above, p.band[1]), append(below, -p.band[0])
		see(p.value)
	}
	if len(above) > 0 {
		see(quantile(above, 0.75))
		see(-quantile(below, 0.75))
	}
	if 2*len(above) < len(points) {
		for _, p := range points {
			see(p.value)
		}
	}
	if last := points[len(points)-1].band; last != nil {
		see(last[0])
		see(last[1])
	}
	if limited && math.Abs(limit) <= 2*(high-low) {
		see(limit)
	}
	if high-low <= 0 || math.IsInf(high-low, 0) || math.IsNaN(high-low) {
		low, high = -1, 1
	}
	pad := (high - low) * 0.06
	s := scale{low: low - pad, high: high + pad}
	for _, m := range []float64{1, 2, 5, 10} { // steps that read well
		power := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
		if s.step = m * power; s.step >= (high-low)/4*(1-1e-9) {
			break
		}
	}
	return s
}

// drawTrend returns the band between the bounds, broken where there are none, the line of the estimates, and a dot for each where
// they are few.
func drawTrend(points []point, x func(time.Time) float64, y func(float64) float64) (band, line, dots string) {
	var b, l, d strings.Builder
	for from := 0; from < len(points); {
		if points[from].band == nil {
			from++
			continue
		}
		to := from
		for to+1 < len(points) && points[to+1].band != nil {
			to++
		}
		for i := from; i <= to; i++ {
			fmt.Fprintf(&b, "%s%g %g", ifelse(i == from, "M", "L"), round1(x(points[i].time)), y(points[i].band[1]))
		}
		for i := to; i >= from; i-- {
			fmt.Fprintf(&b, "L%g %g", round1(x(points[i].time)), y(points[i].band[0]))
		}
		b.WriteByte('Z')
		from = to + 1
	}
	for i, p := range points {
		at := strconv.FormatFloat(round1(x(p.time)), 'g', -1, 64) + " " + strconv.FormatFloat(y(p.value), 'g', -1, 64)
		l.WriteString(ifelse(i == 0, "M", "L") + at)
		if len(points) <= 31 {
			d.WriteString("M" + at + "h0") // with round caps a dot at any stretch
		}
	}
	return b.String(), l.String(), d.String()
}

func horizontal(y float64) string { return fmt.Sprintf("M0 %gH%g", y, trendWidth) }

// trendTick writes a place on the scale in the unit of the effect.
func trendTick(row *results.Row, lift bool, v float64) string {
	if math.Abs(v) < 1e-12 {
		return "0"
	}
	unit := "absolute"
	if lift {
		unit = "relative"
	}
	return results.FormatLimit(row.Format, &results.Guardrail{Limit: v, Unit: unit})
}

// timeTicks are at most five instants, evenly spaced from the last one back.
func timeTicks(points []point, x func(time.Time) float64, by string) []Tick {
	var ticks []Tick
	step := (len(points) + 2) / 4
	for i := len(points) - 1; i >= 0; i -= step {
		ticks = append(ticks, Tick{X: x(points[i].time) / trendWidth * Width, Text: trendTime(points[i].time, by)})
	}
	for i := range ticks {
		ticks[i].Inner = i%2 == 1 // from the last
	}
	slices.Reverse(ticks)
	return ticks
}

func trendTime(t time.Time, by string) string {
	if by == "day" && t.Equal(t.Truncate(24*time.Hour)) {
		return t.UTC().Format("2 Jan")
	}
	return t.UTC().Format("2 Jan 15:04")
}

// Down is the tick's place on a scale from the top, in percent.
func (t Tick) Down() string { return strconv.FormatFloat(t.X, 'f', -1, 64) + "%" }

// Anchor is how the label of a time stands to its place: the first and the last stay inside.
func (t Tick) Anchor() string {
	switch {
	case t.X < 1:
		return "start"
	case t.X > Width-1:
		return "end"
	}
	return "middle"
}
