package state

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemark/tidemark/catalog"
)

// drawClips gives a third of the metrics a range for their numerators' totals.
func (w *workload) drawClips(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 17))
	for x := range w.plan.Experiments {
		for m := range w.plan.Experiments[x].Metrics {
			if r.IntN(3) > 0 {
				continue
			}
			clip := &catalog.ClipRange{Lower: math.MinInt64, Upper: 1 + r.Int64N(20)}
			if r.IntN(2) == 0 {
				clip.Lower = clip.Upper - 1 - r.Int64N(20)
			}
			w.plan.Experiments[x].Metrics[m].Clip = clip
		}
	}
}

// clipped is what a clip makes of a total; TRIGGERED, which has no total, is not clipped.
func clipped(m *catalog.PlanMetric, v int64) int64 {
	switch {
	case m.Clip != nil && v < m.Clip.Lower:
		return m.Clip.Lower
	case m.Clip != nil && v > m.Clip.Upper:
		return m.Clip.Upper
	}
	return v
}

// TestClippedTotalBeyondInt64Counts: a subject whose total has left int64 is out of the cell, unless it is clipped on that
// side: what it is clipped to fits.
func TestClippedTotalBeyondInt64Counts(t *testing.T) {
	up, down := total{0, 1 << 63}, total{-1, 1<<63 - 1}
	for _, c := range []struct {
		name   string
		clip   catalog.ClipRange
		total  total
		want   int64
		counts bool
	}{
		{"above, with an upper bound", catalog.ClipRange{Lower: math.MinInt64, Upper: 100}, up, 100, true},
		{"above, with a lower bound only", catalog.ClipRange{Lower: -5, Upper: math.MaxInt64}, up, 0, false},
		{"below, with a lower bound", catalog.ClipRange{Lower: -5, Upper: math.MaxInt64}, down, -5, true},
		{"below, with an upper bound only", catalog.ClipRange{Lower: math.MinInt64, Upper: 100}, down, 0, false},
		{"within", catalog.ClipRange{Lower: -5, Upper: 100}, totalOf(7), 7, true},
	} {
		r := reading{some: true, value: c.total}
		v, fits, _ := r.read(catalog.Sum)
		got, ok := clipTotal(&c.clip, &r, v, fits)
		if ok != c.counts || ok && got != c.want {
			t.Errorf("%s: %d, %v, want %d, %v", c.name, got, ok, c.want, c.counts)
		}
	}
}
