package speed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark/tidemark/bench/client"
	"github.com/tidemark/tidemark/bench/contract"
)

// Freshness is what was measured at one rate: milliseconds from before a record is handed to the Kafka client to when a
// client of the live stream has a result that stands on it.
type Freshness struct {
	Share    float64 `json:"share,omitempty"` // of Maximum; 0: the rate was given
	Maximum  float64 `json:"maximum"`         // events/s that the engine took while a producer appended all it could
	CaughtUp float64 `json:"caught_up"`       // events/s at which it read before what the log held
	Rate     float64 `json:"rate"`            // asked for
	Achieved float64 `json:"achieved"`        // appended
	Load     float64 `json:"load_before"`
	Busy     float64 `json:"busy_before"`
	Marks    int     `json:"marks"`
	Lost     int     `json:"lost"` // marks that never showed
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	P999     float64 `json:"p999_ms"`
	Most     float64 `json:"max_ms"`
	// Cores that the engine, the broker and the producer used.
	Engine   float64 `json:"engine_cores"`
	Broker   float64 `json:"broker_cores"`
	Producer float64 `json:"producer_cores"`
}

// latency measures freshness at each rate, after the engine has caught up with the log. The maximum that shares are of is what
// flows through all three, producer, broker and engine, on the processors that they share: a log that is filled before is read
// at a rate at which nothing on them could be appended.
func (h *harness) latency(ctx context.Context, s Scenario) (err error) {
	l, err := h.goLive(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	maximum, err := l.flow(ctx)
	if err != nil {
		return err
	}
	rates := []Freshness{}
	for _, share := range s.Shares {
		rates = append(rates, Freshness{Share: share, Rate: share * maximum})
	}
	for _, rate := range s.Rates {
		rates = append(rates, Freshness{Rate: rate})
	}
	slices.SortFunc(rates, func(a, b Freshness) int { return int(a.Rate - b.Rate) })
	for _, f := range rates {
		f.Maximum, f.CaughtUp, f.Load, f.Busy = maximum, l.maximum, load(), busy(ctx)
		if err := l.fresh(ctx, &f); err != nil {
			return err
		}
		h.Say("%.0f events/s (%.0f achieved): p50 %.0f ms, p99 %.0f ms, p99.9 %.0f ms, largest %.0f ms of %d; engine %.2f cores", f.Rate, f.Achieved, f.P50, f.P99, f.P999, f.Most, f.Marks, f.Engine)
		h.report.Freshness = append(h.report.Freshness, f)
		if err := l.settle(ctx); err != nil {
			return err
		}
	}
	return l.finish(ctx)
}

// flow returns how many events a second the engine takes while the producer appends as many as it can, up to what the engine
// caught up with.
func (l *live) flow(ctx context.Context) (float64, error) {
	if _, err := l.p.pace(ctx, l.maximum, l.s.Settle, nil); err != nil {
		return 0, err
	}
	before, err := l.e.position(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := l.p.pace(ctx, l.maximum, l.s.Measure, nil); err != nil {
		return 0, err
	}
	after, err := l.e.position(ctx)
	if err != nil {
		return 0, err
	}
	rate := float64(after-before) / time.Since(began).Seconds()
	l.Say("%.0f events/s flow through while the producer appends what it can: shares are of that", rate)
	return rate, l.settle(ctx)
}

// fresh runs one rate: some seconds to settle, then the measurement.
func (l *live) fresh(ctx context.Context, f *Freshness) error {
	watching, stop := context.WithCancel(ctx)
	var m marks
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		client.Follow(watching, "http://"+l.e.listen+"/api/v1/experiments/ranking/live?slices=none", m.seen)
	}()
	defer func() { stop(); <-watched }()
	if _, err := l.p.pace(ctx, f.Rate, l.s.Settle, nil); err != nil {
		return err
	}
	before, err := l.e.usage()
	if err != nil {
		return err
	}
	broker, own, began := l.log.usage(), contract.CPU(), time.Now()
	made, err := l.p.pace(ctx, f.Rate, l.s.Measure, m.add)
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	after, err := l.e.usage()
	if err != nil {
		return err
	}
	f.Achieved = float64(made) / took
	f.Engine, f.Broker, f.Producer = (after.CPU-before.CPU).Seconds()/took, (l.log.usage().CPU-broker.CPU).Seconds()/took, (contract.CPU()-own).Seconds()/took
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		m.mu.Lock()
		left := len(m.waiting)
		m.mu.Unlock()
		if left == 0 {
			break
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	f.Marks, f.Lost = len(m.took), len(m.waiting)
	if len(m.took) == 0 {
		return errors.Join(ctx.Err(), fmt.Errorf("speed: none of %d marked records showed in a result", len(m.waiting)))
	}
	slices.Sort(m.took)
	// A mark that never showed is worse than every one that did.
	at := func(q float64) float64 {
		i := int(q * float64(len(m.took)+len(m.waiting)))
		if i >= len(m.took) {
			i = len(m.took) - 1
		}
		return float64(m.took[i].Microseconds()) / 1000
	}
	f.P50, f.P99, f.P999, f.Most = at(0.5), at(0.99), at(0.999), at(1)
	return nil
}
