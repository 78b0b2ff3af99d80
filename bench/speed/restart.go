package speed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
	"time"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/stream/results"
)

// RestartSample is one SIGKILL under traffic. Times are milliseconds from the kill, the start follows at once.
type RestartSample struct {
	Round int     `json:"round"`
	Load  float64 `json:"load_before"`
	Busy  float64 `json:"busy_before"`
	Rate  float64 `json:"rate"` // events/s appended all the while
	// Serving: the API gives a result with numbers again, labelled with its lag. Ready: /-/ready. CaughtUp: the result is no
	// further behind the log's end than CaughtUpWithin of traffic.
	Serving  float64 `json:"serving_ms"`
	Ready    float64 `json:"ready_ms"`
	CaughtUp float64 `json:"caught_up_ms"`
	// Behind is how many records the result was behind when it was first served again.
	Behind   int64 `json:"behind_records"`
	Subjects int64 `json:"subjects"`
}

// caughtUpWithin is how much traffic a result may lack and still be caught up: it is what freshness allows.
const caughtUpWithin = time.Second

// restart kills the program under traffic, again and again, and times its return.
func (h *harness) restart(ctx context.Context, s Scenario) (err error) {
	l, err := h.goLive(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	rate := s.Shares[0] * l.maximum
	for round := range h.Runs {
		idle := busy(ctx)
		pacing, stop := context.WithCancel(ctx)
		paced := make(chan error, 1)
		go func() {
			_, err := l.p.pace(pacing, rate, time.Hour, nil)
			paced <- err
		}()
		sample, err := l.kill(ctx, round+1, rate)
		stop()
		if err := errors.Join(err, <-paced); err != nil {
			return err
		}
		sample.Busy = idle
		h.Say("restart %d at %.0f events/s: serving after %.0f ms, %d behind; ready after %.0f ms; caught up after %.0f ms", sample.Round, rate, sample.Serving, sample.Behind, sample.Ready, sample.CaughtUp)
		h.report.Restarts = append(h.report.Restarts, sample)
		if err := l.settle(ctx); err != nil {
			return err
		}
	}
	return l.finish(ctx)
}

// kill waits until traffic has settled, kills, starts, and watches.
func (l *live) kill(ctx context.Context, round int, rate float64) (RestartSample, error) {
	out := RestartSample{Round: round, Load: load(), Rate: rate}
	select {
	case <-time.After(l.s.Settle):
	case <-ctx.Done():
		return out, ctx.Err()
	}
	if err := l.e.alive(); err != nil {
		return out, err
	}
	killed := time.Now()
	if _, err := l.e.stop(syscall.SIGKILL); err != nil {
		return out, err
	}
	if err := l.e.start(); err != nil {
		return out, err
	}
	since := func() float64 { return float64(time.Since(killed).Microseconds()) / 1000 }
	admin := http.Client{Timeout: 5 * time.Second}
	limit := max(5*l.s.Measure, 2*time.Minute)
	for deadline := killed.Add(limit); out.Serving == 0 || out.Ready == 0 || out.CaughtUp == 0; time.Sleep(10 * time.Millisecond) {
		if out.Ready == 0 {
			if response, err := admin.Get("http://" + l.e.admin + "/-/ready"); err == nil {
				response.Body.Close()
				if response.StatusCode == http.StatusOK {
					out.Ready = since()
				}
			}
		}
		var r results.Result
		if err := l.e.get(ctx, "/api/v1/experiments/ranking/results?slices=none", &r); err == nil && len(r.Rows) > 0 {
			at := since()
			ends, err := contract.EndsBy(ctx, l.log.admin, topic)
			if err != nil {
				return out, err
			}
			behind, subjects := lag(r.Positions, ends), int64(0)
			for _, n := range r.Subjects {
				subjects += n
			}
			if out.Serving == 0 && subjects > 0 { // an empty result is no answer
				out.Serving, out.Behind, out.Subjects = at, behind, subjects
			}
			if out.CaughtUp == 0 && float64(behind) <= rate*caughtUpWithin.Seconds() {
				out.CaughtUp = at
			}
		}
		if err := errors.Join(l.e.alive(), ctx.Err()); err != nil {
			return out, err
		}
		if time.Now().After(deadline) {
			return out, fmt.Errorf("speed: %s after the kill: serving after %.0f ms, ready after %.0f ms, caught up after %.0f ms (0: not yet)", limit, out.Serving, out.Ready, out.CaughtUp)
		}
	}
	return out, nil
}
