package stream

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What is committed becomes durable beside the shard's goroutine, which goes on applying and answering: a flush waits for
// the disk, and results would wait with it.

// flush is one that is under way.
type flush struct {
	began   time.Time
	release func() // of the watchdog
	ended   chan error
	next    map[string]map[int32]kgo.EpochOffset // the positions when it began
}

// over receives the outcome of the flush under way; nil if there is none.
func (f *flush) over() <-chan error {
	if f == nil {
		return nil
	}
	return f.ended
}

// beginDurable begins to make what was committed survive the machine, unless it is being done already.
func (s *shard) beginDurable() {
	if !s.pending || s.halt != nil || s.flush != nil {
		return
	}
	e := s.t.engine
	f := &flush{began: time.Now(), ended: make(chan error, 1), next: s.t.positions(s)}
	f.release = e.watchdog.guard(fmt.Sprintf("flush of shard %s/%d", s.t.plan.Subject, s.p))
	wait, err := s.store.BeginDurable()
	s.flush, s.pending = f, false
	if err != nil {
		s.endDurable(err)
		return
	}
	go func() { f.ended <- wait() }()
}

// endDurable takes the outcome of the flush under way, and lets the group know how far what is durable goes.
func (s *shard) endDurable(err error) {
	f, e := s.flush, s.t.engine
	s.flush = nil
	f.release()
	if e.opt.Hooks.Durable != nil {
		e.opt.Hooks.Durable(s.t.plan.Subject, s.p, time.Since(f.began), err)
	}
	if err != nil {
		s.broken("make durable", err)
		return
	}
	s.commits.durable = e.opt.Now()
	s.t.inform(f.next)
}

// makeDurable makes what was committed survive the machine before it returns.
func (s *shard) makeDurable() {
	s.awaitDurable()
	s.beginDurable()
	s.awaitDurable()
}

// awaitDurable waits for the flush under way, if there is one.
func (s *shard) awaitDurable() {
	if s.flush != nil {
		s.endDurable(<-s.flush.ended)
	}
}
