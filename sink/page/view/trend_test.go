package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// course is a trend of one metric by day: at each day a lift with an interval of the half-width given; 0: none yet.
func course(by string, halves ...float64) *results.Trend {
	t := &results.Trend{By: by}
	for i, half := range halves {
		n := row("CTR", 0.02, 0.02-half, 0.02+half)
		if half == 0 {
			n.Lift.IntervalAlways = nil
		}
		step := 24 * time.Hour
		if by == "hour" {
			step = time.Hour
		}
		t.Points = append(t.Points, results.TrendPoint{Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * step), Rows: []results.Row{*n}})
	}
	return t
}

func drawn(x *catalog.Experiment, r *results.Result, t *results.Trend) *Trend {
	return (&Row{row: &r.Rows[0]}).Trend(x, r, t)
}

// Where no history can be, the row says so; where there is only none yet, it says nothing.
func TestTrendlessRowsSayWhy(t *testing.T) {
	for _, c := range []struct {
		row  results.Row
		want string
	}{
		{results.Row{Quantile: 0.95}, "a quantile can't be made from sums"},
		{results.Row{Across: "subjects"}, "distinct values of all subjects together can't be counted from sums"},
		{results.Row{}, ""},
	} {
		if got := (&Row{row: &c.row}).Trendless(); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// Few of the points have intervals, so all estimates are seen: the line must not leave the picture.
func TestTrendWithoutIntervalsShowsEveryEstimate(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "not_clear", ""})
	r.Rows[0].Lift = results.Lift{Value: ptr(0.001), IntervalAlways: &[2]float64{-0.002, 0.004}}
	var ys []float64
	for point := range strings.SplitSeq(strings.TrimPrefix(drawn(x, r, course("day", 0, 0, 0, 0)).Line, "M"), "L") {
		var at, y float64
		if _, err := fmt.Sscanf(point, "%g %g", &at, &y); err != nil {
			t.Fatal(err)
		}
		if ys = append(ys, y); y < 0 || y > trendHeight {
			t.Errorf("a point at %g of %g", y, trendHeight)
		}
	}
	if len(ys) != 5 {
		t.Errorf("%d points", len(ys))
	}
}

func TestTrendIsDrawnFromItsPoints(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "better", ""})
	r.Rows[0].Lift = results.Lift{Value: ptr(0.03), IntervalAlways: &[2]float64{0.01, 0.05}}
	d := drawn(x, r, course("day", 0, 0.5, 0.04, 0.03))
	if d.Title != "Lift of CTR up to each day" || d.ID != "trend-CTR-B" || d.State != "better" {
		t.Errorf("%q, %q, %q", d.Title, d.ID, d.State)
	}
	if want := "From +2.0% (—) on 2 Jan to +3.0% (+1.0 … +5.0) on 6 Jan 12:00; each with its always-valid interval. The table below has the numbers."; d.Desc != want {
		t.Errorf("%q", d.Desc)
	}
	// The band begins where the intervals do, and goes there and back.
	if !strings.HasPrefix(d.Band, "M222.2 ") || strings.Count(d.Band, "L") != 7 || !strings.HasSuffix(d.Band, "Z") {
		t.Errorf("band %s", d.Band)
	}
	if strings.Count(d.Line, "L") != 4 || strings.Count(d.Dots, "h0") != 5 {
		t.Errorf("line %s, dots %s", d.Line, d.Dots)
	}
	var effects, times []string
	for i, tick := range d.Ticks {
		effects = append(effects, tick.Text)
		if i > 0 && tick.X <= d.Ticks[i-1].X {
			t.Errorf("%s is not below %s", tick.Text, effects[i-1])
		}
	}
	for _, tick := range d.Times {
		times = append(times, tick.Text+" "+tick.Anchor())
	}
	// The second day's interval is 25 times as wide as the last: it does not rule the scale.
	if got := strings.Join(effects, " "); got != "+6% +4% +2% 0 −2%" {
		t.Errorf("effects %s", got)
	}
	if got := strings.Join(times, ", "); got != "2 Jan start, 3 Jan middle, 4 Jan middle, 5 Jan middle, 6 Jan 12:00 end" {
		t.Errorf("times %s", got)
	}
	if first := d.Points[0]; len(d.Points) != 5 || first != (TrendPoint{Time: "6 Jan 12:00", Effect: "+3.0%", Interval: "+1.0 … +5.0", P: results.Missing, Word: "better", Subjects: "2,000"}) || d.Points[4].Interval != results.Missing {
		t.Errorf("%+v", d.Points)
	}
}

func TestTrendIsLeftOutWithoutPoints(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "better", ""})
	other := course("day", 0.1, 0.1)
	for i := range other.Points {
		other.Points[i].Rows[0].Variant = "c"
	}
	for name, c := range map[string]*results.Trend{"none": course("day"), "another treatment": other} {
		if d := drawn(x, r, c); d != nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if d := drawn(x, r, course("hour", make([]float64, 100)...)); len(d.Points) != mostTrendPoints || d.Dots != "" || len(d.Times) != 4 {
		t.Errorf("%d points, %d times", len(d.Points), len(d.Times))
	}
}

// Without a lift the differences are drawn, in the metric's unit and against a limit in it.
func TestTrendOfDifferences(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "worse", "near"})
	c := course("day", 0.01, 0.01)
	for i := range c.Points {
		n := &c.Points[i].Rows[0]
		n.Format, n.Lift, n.Difference = "percent", results.Lift{}, results.Difference{Value: ptr(0.004), IntervalAlways: &[2]float64{0.001, 0.007}}
	}
	now := &r.Rows[0]
	r.AsOf = c.Points[1].Time
	now.Format, now.Lift, now.Guardrail = "percent", results.Lift{}, &results.Guardrail{Limit: 0.008, Unit: "absolute"}
	d := drawn(x, r, c)
	if d.Heads[1] != "Difference" || d.Points[0].Effect != "+0.40 pp" || d.Limit == "" || d.Ticks[0].Text != "+0.8 pp" {
		t.Errorf("%+v", d)
	}
	now.Guardrail.Unit = "relative" // of nothing: it has no place among differences
	if d := drawn(x, r, c); d.Limit != "" {
		t.Errorf("limit %s", d.Limit)
	}
	now.Guardrail = &results.Guardrail{Limit: 5, Unit: "absolute"} // would flatten everything
	if d := drawn(x, r, c); d.Limit != "" || d.Ticks[0].Text != "+0.6 pp" {
		t.Errorf("limit %s, ticks from %s", d.Limit, d.Ticks[0].Text)
	}
}
