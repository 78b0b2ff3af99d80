package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// shard is partition p of all inputs of one subject type: a store, a cube and a clock that one goroutine owns. Others
// give it records through its inbox and ask it things by do; they read the last view it published.
type shard struct {
	t     *subjectType
	p     int32
	inbox *inbox
	// control runs functions on the shard's goroutine, between two batches.
	control chan order
	// stop ends the goroutine, stopped says that it has ended.
	stop, stopped chan struct{}
	// pictures are those taken of the store and not released; it is not closed before.
	pictures sync.WaitGroup
	// filesRead is closed when every file of the shard has been taken to its end, or never will be.
	filesRead chan struct{}
	latest    atomic.Pointer[shardView]

	// All below belongs to the shard's goroutine.
	store   *state.Store
	cube    *cube.Cube
	feeds   []*feed
	clock   *clock
	batch   *batch
	outcome decode.Outcome
	topics  map[string]string // names of re-keyed topics, interned
	clocked int64             // the clock that state has been told
	changed bool              // applied since the last commit
	pending bool              // committed since the last durable point was begun
	flush   *flush            // under way
	halt    *Halt             // the whole shard stands still
	commits committed
	read    bool // filesRead is closed
}

// committed is when the shard last did what.
type committed struct {
	committed, durable time.Time
}

// order is a function to run, and what is closed when it has.
type order struct {
	f   func()
	ran chan struct{}
}

// errStopped is returned by do when the shard has ended.
var errStopped = errors.New("stream: shard is closed")

// do runs f on the shard's goroutine and waits for it.
func (s *shard) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case s.control <- order{f, ran}:
	case <-s.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-ran:
		return nil
	case <-s.stopped:
		select {
		case <-ran:
			return nil
		default:
			return errStopped
		}
	}
}

// run is the shard's goroutine.
func (s *shard) run() {
	defer close(s.stopped)
	o := s.t.engine.opt
	commit := time.NewTimer(s.turn(o.CommitEvery))
	defer commit.Stop()
	durable := time.NewTimer(s.turn(o.DurableEvery))
	defer durable.Stop()
	turns := s.t.engine.turns
	var wanted *turn // asked for, or begun
	defer func() { turns.cancel(wanted) }()
	s.publish()
	for {
		select {
		case <-s.stop:
			return
		case o := <-s.control:
			o.f()
			s.publish() // whoever asked sees the view after it
			close(o.ran)
		case <-s.inbox.ready:
			if wanted == nil {
				wanted = turns.ask(s.lag())
			}
		case <-wanted.begins():
			s.drain()
			turns.done()
			wanted = nil
		case <-commit.C:
			commit.Reset(o.CommitEvery)
			s.commit()
			s.publish()
		case <-durable.C:
			durable.Reset(o.DurableEvery)
			s.beginDurable()
			s.publish()
		case err := <-s.flush.over():
			s.endDurable(err)
			s.publish()
		}
	}
}

// turn is when the shard first does what each shard does once in every: one after the other, for a result waits for the slowest
// of them.
func (s *shard) turn(every time.Duration) time.Duration {
	return every * time.Duration(s.p+1) / time.Duration(max(s.t.n, s.p+1))
}

// lag is how many records the shard's inputs had more when last asked, those in the inbox included.
func (s *shard) lag() (n int64) {
	for _, f := range s.feeds {
		if f.kind != fileFeed {
			n += max(0, f.end-f.next)
		}
	}
	return n
}

// drain takes what waits until the inbox is empty or other work is due.
func (s *shard) drain() {
	o := &s.t.engine.opt
	began := time.Now()
	for {
		d, ok, drained := s.inbox.pop()
		if drained {
			s.settle()
		}
		if !ok {
			break
		}
		s.take(&d)
		if s.halt != nil {
			return
		}
		if time.Since(began) >= o.BatchEvery {
			// Come back to the loop, where commits and questions wait, and go on from there.
			signal(s.inbox.ready)
			break
		}
	}
	s.apply()
	s.publish()
	if !s.t.caught.Load() && s.latest.Load().caughtUp() {
		signal(s.t.look) // so that it is noticed now, and not at the watch's next round
	}
}

// take decodes one delivery into the batch, which is applied whenever it is full.
func (s *shard) take(d *delivery) {
	f := s.feeds[d.feed]
	if d.generation != f.generation || f.halt != nil || s.halt != nil {
		return // read before the feed was halted or moved
	}
	if d.halt != nil {
		s.unreadable(f, d.halt)
		return
	}
	o := &s.t.engine.opt
	full := func() bool { return len(s.batch.Records) >= o.BatchRows || s.batch.bytes >= o.BatchBytes }
	for _, r := range d.records {
		s.takeRecord(f, r)
		r.Recycle() // the batch keeps what r points to, and not r
		if f.halt != nil || s.halt != nil {
			return
		}
		if full() {
			s.apply()
		}
	}
	if d.header != nil && !f.header {
		if err := f.decoder.Header(d.header); err != nil {
			s.t.engine.fail(&FileError{s.t.plan.Sources[f.source].ID, f.file.path, err})
			return
		}
		f.header = true
	}
	for i := range d.rows {
		s.takeRow(f, &d.rows[i])
		if full() {
			s.apply()
		}
	}
	if d.end {
		f.next = max(f.next, d.next)
		f.ended = true
		s.batch.advance(state.Advance{Input: f.input, Next: f.next, LeaderEpoch: -1, Bound: f.bound})
		s.clock.done(f.clock)
		s.checkFiles()
	}
}

// checkFiles closes filesRead when no file has more to give.
func (s *shard) checkFiles() {
	for _, f := range s.feeds {
		if s.halt == nil && f.kind == fileFeed && !f.ended && f.halt == nil {
			return
		}
	}
	if !s.read {
		s.read = true
		close(s.filesRead)
	}
}

// apply gives the batch to state and cube.
func (s *shard) apply() {
	now := s.clock.now()
	if s.halt != nil || (s.batch.empty() && now == s.clocked) {
		return
	}
	s.batch.Clock = behind(now)
	began := time.Now()
	records := len(s.batch.Records)
	err := s.store.Apply(&s.batch.Batch, s.cube)
	s.batch.reset()
	if err != nil {
		s.broken("apply", err)
		return
	}
	s.clocked = now
	s.changed = true
	e := s.t.engine
	s.tellDelay()
	if e.opt.Hooks.Batch != nil && records > 0 {
		e.opt.Hooks.Batch(s.t.plan.Subject, s.p, records, time.Since(began))
	}
	s.t.dirty()
	if s.store.Dirty() >= e.opt.DirtyBytes {
		s.commit()
	}
}

// tellDelay tells the age of the newest record of each feed that the batch had something of.
func (s *shard) tellDelay() {
	o := &s.t.engine.opt
	if o.Hooks.EventDelay == nil {
		return
	}
	now := o.Now().UnixMicro()
	for _, f := range s.feeds {
		if f.newest > f.told {
			f.told = f.newest
			o.Hooks.EventDelay(s.t.plan.Sources[f.source].ID, time.Duration(now-f.newest)*time.Microsecond)
		}
	}
}

// commit writes what was applied, the positions and the cube's cells in one batch.
func (s *shard) commit() {
	if !s.changed || s.halt != nil {
		return
	}
	e := s.t.engine
	release := e.watchdog.guard(fmt.Sprintf("commit of shard %s/%d", s.t.plan.Subject, s.p))
	began := time.Now()
	err := s.store.Commit(s.cube.Persist)
	release()
	if e.opt.Hooks.Commit != nil {
		e.opt.Hooks.Commit(s.t.plan.Subject, s.p, time.Since(began), err)
	}
	if err != nil {
		s.broken("commit", err)
		return
	}
	s.changed, s.pending = false, true
	s.commits.committed = e.opt.Now()
}

// settle lets the fetcher see that the inbox has room again.
func (s *shard) settle() {
	for _, f := range s.feeds {
		if f.reading {
			s.t.fetcher.settle(f.tp)
		}
	}
}

// ends tells the shard where logs ended when asked after it had reached newest.
func (s *shard) ends(bounds map[topicPartition]logBounds, newest int64) {
	for _, f := range s.feeds {
		if b, ok := bounds[f.tp]; ok && f.kind != fileFeed {
			f.end = b.end
			if f.halt == nil && f.clock >= 0 {
				s.clock.end(f.clock, b.end, newest)
			}
		}
		for _, in := range f.inputs {
			if b, ok := bounds[in.tp]; ok && f.halt == nil {
				s.clock.end(in.clock, b.end, newest)
			}
		}
	}
	if s.clock.now() != s.clocked {
		s.apply()
	}
}

// close ends the goroutine and then the store. With keep what was applied is committed and made durable first; without,
// everything since the last commit is dropped: the partition belongs to somebody else already.
func (s *shard) close(keep bool) {
	select {
	case <-s.stop:
		<-s.stopped
		return
	default:
	}
	close(s.stop)
	<-s.stopped
	s.inbox.close()
	for _, f := range s.feeds {
		if f.reading {
			f.reading = false
			s.t.fetcher.stop(f.tp)
		}
	}
	s.awaitDurable()
	if s.store == nil {
		return
	}
	if keep && s.halt == nil {
		s.commit()
		s.makeDurable()
	}
	s.publish()
	s.pictures.Wait()
	if err := s.store.Close(); err != nil {
		s.t.engine.opt.Logger.Warn("close shard", "subject", s.t.plan.Subject, "shard", s.p, "err", err)
	}
	s.store = nil
}
