package stream

import (
	"sync"
	"time"
)

// rates tells records per second of each source over the last seconds, from counts at the times it is asked.
type rates struct {
	mu  sync.Mutex
	was map[string][]count // oldest first
}

type count struct {
	at      time.Time
	records int64
}

// rateOver is how far back a rate looks.
const rateOver = 10 * time.Second

func (r *rates) of(source string, records int64, now time.Time) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.was == nil {
		r.was = make(map[string][]count)
	}
	counts := r.was[source]
	for len(counts) > 1 && now.Sub(counts[1].at) >= rateOver {
		counts = counts[1:]
	}
	rate := 0.0
	if len(counts) > 0 {
		if passed := now.Sub(counts[0].at).Seconds(); passed > 0 {
			rate = max(0, float64(records-counts[0].records)/passed)
		}
	}
	if n := len(counts); n == 0 || now.Sub(counts[n-1].at) >= rateOver/20 {
		counts = append(counts, count{now, records})
	}
	r.was[source] = counts
	return rate
}
