package alert

import (
	"context"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// staleEvery is how often the clock is asked. Stale rules are the only ones that depend on processing time: no result
// comes to say that no result comes.
const staleEvery = time.Second

// watch looks after stale rules until ctx ends.
func (m *Manager) watch(ctx context.Context) {
	t := time.NewTicker(staleEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := m.tick(); err != nil {
				m.opt.Logger.Error("stale alerts can't be recorded", "err", err)
				m.fail(err)
				return
			}
		}
	}
}

func (m *Manager) anyStale() bool {
	for _, e := range m.experiments {
		for _, r := range e.rules {
			if r.kind == notify.Stale {
				return true
			}
		}
	}
	return false
}

// tick evaluates every stale rule against the clock.
func (m *Manager) tick() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	s := m.newStep(m.opt.Now())
	for _, e := range m.experiments {
		for _, r := range e.rules {
			if r.kind == notify.Stale {
				m.applyStale(s, r, e)
			}
		}
	}
	return s.commit()
}

func (m *Manager) applyStale(s *step, r *rule, e *experiment) {
	p := m.progress[e.ID]
	if next := s.progress[e.ID]; next != nil {
		p = next
	}
	age, ok := m.age(e, p, s.now)
	sc := scene{at: s.now, experiment: e.Experiment, lag: age, link: m.link(e.ID), result: p.last}
	o := observation{key: Key{Rule: r.ID, Experiment: e.ID}, truth: is(ok && age > r.When.Stale)}
	at := s.at
	s.at = s.now
	s.apply(r, o, false, false, sc)
	s.at = at
}

// age is how old the newest data of the experiment is; false if it need not be young: not started, stopped, or read
// from files.
func (m *Manager) age(e *experiment, p *progress, now time.Time) (time.Duration, bool) {
	if !e.live || !e.Start.IsZero() && now.Before(e.Start) || !e.Stop.IsZero() && !now.Before(e.Stop) {
		return -1, false
	}
	fresh := p.Known
	if e.Start.After(fresh) {
		fresh = e.Start
	}
	if p.Watermark != nil {
		fresh = *p.Watermark
	}
	return now.Sub(fresh), true
}

// live says that the experiment reads from Kafka, where data can stop coming; what a file does not hold is not late.
func live(e *catalog.Experiment) bool {
	fromKafka := func(ev *catalog.Event) bool { return ev != nil && ev.Source != nil && len(ev.Source.Topics) > 0 }
	if fromKafka(e.Exposure.Event) {
		return true
	}
	for _, use := range e.Metrics {
		if use.Metric == nil {
			continue
		}
		if fromKafka(use.Metric.Numerator.Event) || use.Metric.Denominator != nil && fromKafka(use.Metric.Denominator.Event) {
			return true
		}
	}
	return false
}
