package stream

import (
	"errors"
	"fmt"

	"github.com/tidemark/tidemark/state"
)

// broken decides what an error of the store means: damaged bytes and a full reject store halt this shard, anything
// else (a write that failed) stops the engine, for what a failed write left behind is not known.
func (s *shard) broken(doing string, err error) {
	switch {
	case errors.Is(err, state.ErrCorrupt):
		s.haltAll(haltDamagedState(s.t.dir(s.p), err))
	case errors.Is(err, state.ErrRejectsFull):
		s.haltAll(&Halt{State: HaltedRejects, From: -1, To: -1, Acceptable: true,
			Reason: "the room for rejected records is used up",
			Remedy: "read and delete them, or let the engine count further ones without keeping them with `tidemark state accept`"})
	default:
		s.haltAll(&Halt{State: HaltedCorrupt, From: -1, To: -1, Reason: err.Error(), Remedy: "see the engine's log"})
		s.t.engine.fail(&StoreError{Subject: s.t.plan.Subject, Shard: s.p, Doing: doing, Err: err})
	}
}

// StoreError is a shard's store that can't write; the process should end (exit 11) and start again.
type StoreError struct {
	Subject string
	Shard   int32
	Doing   string
	Err     error
}

func (e *StoreError) Error() string {
	return fmt.Sprintf("stream: %s, shard %s/%d: %v", e.Doing, e.Subject, e.Shard, e.Err)
}

func (e *StoreError) Unwrap() error { return e.Err }

// haltAll stops every feed of the shard. What still comes for it is dropped: the pass over a file, which feeds others too, must
// not wait for room.
func (s *shard) haltAll(h *Halt) {
	h.Since = s.t.engine.opt.Now()
	s.halt = h
	s.inbox.close()
	for _, f := range s.feeds {
		s.haltFeed(f, h)
	}
	s.checkFiles()
}

// haltFeed stops one feed; the others go on, and the clock waits for it.
func (s *shard) haltFeed(f *feed, h *Halt) {
	e := s.t.engine
	if h.Since.IsZero() {
		h.Since = e.opt.Now()
	}
	if h.From < 0 {
		h.From = f.next
	}
	f.halt, f.suspect = h, nil
	f.generation++
	if f.reading {
		f.reading = false
		s.t.fetcher.stop(f.tp)
	}
	source := s.t.plan.Sources[f.source].ID
	e.opt.Logger.Error("partition halted", "source", source, "subject", s.t.plan.Subject, "topic", f.tp.topic, "partition", f.tp.partition,
		"state", string(h.State), "from", h.From, "to", h.To, "reason", h.Reason, "remedy", h.Remedy)
	if e.opt.Hooks.Halt != nil {
		e.opt.Hooks.Halt(source, f.tp.partition, h.State)
	}
	s.t.dirty()
}

// unreadable stops a feed that the fetcher can't read: for good, or until the watch tries it again.
func (s *shard) unreadable(f *feed, h *Halt) {
	if h.State.Halted() {
		s.haltFeed(f, h)
		return
	}
	s.t.engine.opt.Logger.Warn("reading a partition is tried again", "topic", f.tp.topic, "partition", f.tp.partition, "reason", h.Reason, "remedy", h.Remedy)
	f.generation++
	f.reading = false
	f.suspect = h.otherwise
	s.t.fetcher.stop(f.tp)
}
