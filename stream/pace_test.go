package stream

import (
	"testing"
	"time"
)

// However many experiments there are and whatever they cost, the evaluator is at work for a fifth of the time at most; one alone
// for a tenth, and no more often than it may.
func TestPaceBoundsTheEvaluator(t *testing.T) {
	const every = 50 * time.Millisecond
	for _, c := range []struct {
		experiments int
		cost        time.Duration
		longest     time.Duration // between two evaluations of one
	}{{1, time.Millisecond, every}, {1, 30 * time.Millisecond, 300 * time.Millisecond}, {3, time.Millisecond, every},
		{20, 10 * time.Millisecond, time.Second}, {100, 2 * time.Millisecond, time.Second}} {
		var p pace
		start := time.Unix(0, 0)
		now, busy := start, time.Duration(0)
		due, last := make([]time.Time, c.experiments), make([]time.Time, c.experiments)
		for now.Before(start.Add(time.Minute)) {
			if p.wait(now) > 0 {
				now = now.Add(time.Millisecond)
				continue
			}
			began, round := now, time.Duration(0)
			for i := range due {
				if due[i].After(began) {
					continue
				}
				if gap := now.Sub(last[i]); !last[i].IsZero() && (gap < max(every, ownRest*c.cost) || gap > c.longest+c.longest/5) {
					t.Fatalf("%+v: evaluated after %v", c, gap)
				}
				last[i], due[i] = now, p.after(now, c.cost, every)
				now = now.Add(c.cost)
				round += c.cost
			}
			if round > 0 {
				p.rest(began, round)
				busy += round
			}
			now = now.Add(time.Millisecond)
		}
		if share := busy.Seconds() / now.Sub(start).Seconds(); share > 0.2 {
			t.Errorf("%+v: at work for %.2f of the time", c, share)
		}
	}
}
