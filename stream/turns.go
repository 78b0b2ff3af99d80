package stream

import (
	"slices"
	"sync"
	"time"
)

// turns lets only as many shards work at a time as there are processors: each then has the processor's caches to itself for
// the length of its turn, and who has most to read gets more of them, so that the shards catch up together: the slowest one
// decides when results are complete.
type turns struct {
	mu      sync.Mutex
	free    int
	waiting []*turn // in the order in which they asked
}

// turn is one shard's, from asking to done.
type turn struct {
	lag   int64 // records that the shard has to read
	asked time.Time
	// given is closed when the turn begins.
	given chan struct{}
}

// longWait is from when on a shard is not passed over any more, whatever others have to read.
const longWait = 200 * time.Millisecond

func newTurns(n int) *turns { return &turns{free: n} }

// ask asks for a turn; whoever gets it calls done, and who no longer wants it cancel.
func (t *turns) ask(lag int64) *turn {
	a := &turn{lag: lag, asked: time.Now(), given: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free > 0 {
		t.free--
		close(a.given)
		return a
	}
	t.waiting = append(t.waiting, a)
	return a
}

// begins is closed when the turn begins; nil if none was asked for.
func (a *turn) begins() <-chan struct{} {
	if a == nil {
		return nil
	}
	return a.given
}

// done ends a turn, and gives it to the shard with most to read, or to the one that has waited for long.
func (t *turns) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	next := 0
	if time.Since(t.waiting[0].asked) < longWait {
		for i, a := range t.waiting {
			if a.lag > t.waiting[next].lag {
				next = i
			}
		}
	}
	close(t.waiting[next].given)
	t.waiting = slices.Delete(t.waiting, next, next+1)
}

// cancel gives back a turn that was asked for, whether it has begun or not; nil is none.
func (t *turns) cancel(a *turn) {
	if a == nil {
		return
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, a)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 {
		t.done()
	}
}
