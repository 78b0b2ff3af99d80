package stats

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// pageOf makes the arms of 1,000 cells of 20 metrics, whose sizes go from 60 to 100,000 subjects as slices' do.
func pageOf(r *rand.Rand, point func(metric int) moment.Point) [][2]moment.Sums {
	page := make([][2]moment.Sums, 20000)
	for i := range page {
		for arm := range page[i] {
			s := &page[i][arm]
			for range 60 + r.IntN(60) {
				s.Add(point(i % 20))
			}
			for range i / 20 % 11 {
				o := *s
				s.Merge(&o)
			}
		}
	}
	return page
}

// One op evaluates all that a page with 1,000 cells and 20 metrics shows. It is to take less than 50 ms on one core: 2.5 µs each. cpu-ms/op
// is what it takes of the core, ns/op what the clock shows, with all that others do on the machine meanwhile.
func BenchmarkEvaluateThousandCellsTwentyMetrics(b *testing.B) {
	money := func(r *rand.Rand) int64 { return r.Int64N(2) * r.Int64N(500e6) } // up to 500 at scale 6, half of them 0
	mean := func(r *rand.Rand) moment.Point { return moment.Point{In: true, Num: money(r), Den: 1} }
	ratio := func(r *rand.Rand) moment.Point {
		d := r.Int64N(40)
		return moment.Point{In: true, Num: r.Int64N(d + 1), Den: d}
	}
	before := func(p moment.Point, r *rand.Rand) moment.Point {
		p.Pre, p.PreDen = p.Num/2+r.Int64N(p.Num+2), p.Den/2+r.Int64N(p.Den+1)
		return p
	}
	for _, c := range []struct {
		name  string
		point func(metric int, r *rand.Rand) moment.Point
		d     Design
	}{
		{"mixed", func(metric int, r *rand.Rand) moment.Point {
			if metric%2 == 0 {
				return mean(r)
			}
			return ratio(r)
		}, Design{}},
		{"means", func(_ int, r *rand.Rand) moment.Point { return mean(r) }, Design{}},
		{"ratios", func(_ int, r *rand.Rand) moment.Point { return ratio(r) }, Design{}},
		{"ratios/limit", func(_ int, r *rand.Rand) moment.Point { return ratio(r) }, Design{Limit: &Limit{Value: -0.05, Relative: true}}},
		{"cuped/means", func(_ int, r *rand.Rand) moment.Point { return before(mean(r), r) }, Design{CUPED: true}},
		{"cuped/ratios", func(_ int, r *rand.Rand) moment.Point { return before(ratio(r), r) }, Design{CUPED: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := newRand(b)
			page := pageOf(r, func(metric int) moment.Point { return c.point(metric, r) })
			d := c.d
			d.Scale, d.Direction, d.Tuning = moment.Scale{Num: 6}, Up, Tuning{V: 1e4}
			if d.CUPED {
				d.CUPEDTuning = d.Tuning
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			b.ResetTimer()
			before := threadTime()
			for range b.N {
				for i := range page {
					Compare(&page[i][0], &page[i][1], d)
				}
			}
			b.ReportMetric(float64((threadTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
