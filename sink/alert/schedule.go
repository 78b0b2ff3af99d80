package alert

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// schedule is how long to wait before the n-th repetition; the last step repeats. The head is short because a page
// that comes a minute late is late; the tail is that of Standard Webhooks.
var schedule = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

const (
	// giveUpAfter is how old a message must be, and giveUpTries how often it must have been tried, before a failure
	// is final. Both, because a process that was down for a week has tried nothing in that week.
	giveUpAfter = 75 * time.Hour
	giveUpTries = 12
	// jitter spreads each wait by U(0.8, 1.2), so that what failed together does not come back together.
	jitter = 0.2
	// forwardAfter is how soon after its last attempt a waiting message is tried again when its receiver has taken
	// another one. A minute keeps a message that fails for its own sake from being tried at the rate of all others.
	forwardAfter = time.Minute
	// unaskedRest is the longest rest for an endpoint that answers 429 without saying for how long.
	unaskedRest = time.Minute
	// longestWait is more than any wait that is ever set: a message that says it waits longer was stamped by a clock
	// that has been put back since.
	longestWait = 25 * time.Hour
)

// next returns when a message that has failed tries times is tried again.
func next(now time.Time, tries int, retryAfter time.Duration, random *rand.Rand) time.Time {
	step := schedule[min(max(tries, 1), len(schedule))-1]
	wait := time.Duration(float64(step) * (1 - jitter + 2*jitter*random.Float64()))
	return now.Add(max(wait, retryAfter))
}

// destination is the endpoint behind one or more receivers: its token bucket, and the rest it asked for.
type destination struct {
	mu     sync.Mutex
	rate   float64 // tokens per second
	burst  float64
	tokens float64
	at     time.Time // when tokens was true
	paused time.Time // no request before
}

func newDestination(d notify.Destination, now time.Time) *destination {
	return &destination{rate: d.Rate, burst: float64(max(1, d.Burst)), tokens: float64(max(1, d.Burst)), at: now}
}

// take takes a token, or returns how long to wait for one.
func (d *destination) take(now time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait := d.paused.Sub(now); wait > 0 {
		return wait
	}
	d.tokens = min(d.burst, d.tokens+d.rate*max(0, now.Sub(d.at).Seconds()))
	d.at = now
	// Rounding may leave a refilled bucket a hair short of a whole token.
	if d.tokens >= 1-1e-9 {
		d.tokens--
		return 0
	}
	return max(time.Millisecond, time.Duration((1-d.tokens)/d.rate*float64(time.Second)))
}

// pause keeps requests back until t: a receiver that answers 429 means all of its messages, not only this one.
func (d *destination) pause(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.After(d.paused) {
		d.paused = t
	}
}

func (d *destination) pausedUntil() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.paused
}
