package stream

import "time"

// Evaluations compete with the shards for the processor, so their pace follows their cost: one experiment's own, and
// that of all of them together, of which there may be many.
const (
	// ownRest: an experiment is not evaluated again before so many times what it cost.
	ownRest = 10
	// allRest: nothing is evaluated before so many times what the last round cost, so that the evaluator's goroutine is at
	// work for a fifth of the time at most.
	allRest = 5
)

// pace is when the evaluator may go on. It belongs to its goroutine.
type pace struct {
	rested time.Time // no round begins before
}

// after is when an experiment may be evaluated again whose evaluation began then and took so long.
func (p *pace) after(began time.Time, took, every time.Duration) time.Time {
	return began.Add(max(every, ownRest*took))
}

// rest keeps the next round from beginning before the last, which took so long, has been made up for.
func (p *pace) rest(began time.Time, took time.Duration) { p.rested = began.Add(allRest * took) }

// wait is how long until a round may begin; 0 for now.
func (p *pace) wait(now time.Time) time.Duration { return max(0, p.rested.Sub(now)) }

// stopwatch measures what work costs the calling goroutine, which has its thread to itself: processor time, as waiting for a
// processor that others have is no reason to show results later still.
type stopwatch struct {
	began time.Time
	cpu   time.Duration
	ok    bool
}

func startWatch() stopwatch {
	w := stopwatch{began: time.Now()}
	w.cpu, w.ok = threadCPU()
	return w
}

// cost is the processor time since the start, or the time where that is not known.
func (w stopwatch) cost() time.Duration {
	took := time.Since(w.began)
	if cpu, ok := threadCPU(); ok && w.ok {
		return min(took, max(0, cpu-w.cpu))
	}
	return took
}
