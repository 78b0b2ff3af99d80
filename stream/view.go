package stream

import (
	"math"
	"time"

	"github.com/tidemark/tidemark/state"
)

// shardView is what others see of a shard: immutable, replaced as a whole after every step that changes it.
type shardView struct {
	feeds    []feedView
	clock    int64
	newest   int64 // the largest bound of any input: what a log end asked for from now on can vouch for
	halt     *Halt
	ledger   *state.Ledger // as of the last commit
	subjects int64
	commits  committed
}

type feedView struct {
	*route
	tp         topicPartition
	next, end  int64
	bound      int64
	newest     int64
	records    int64
	halt       *Halt
	ended      bool
	storm      bool
	reading    bool // the fetcher reads it
	opened     bool // re-key workers: the position is known
	epoch      int32
	generation uint64
	id         [16]byte // re-key workers: of the topic read
	sources    []sourceView
}

// sourceView is a re-keyed source partition in a shard.
type sourceView struct {
	tp          topicPartition
	next, bound int64
	incarnation int
}

// publish replaces the view. It is called by the shard's goroutine, or by its opener and closer while that goroutine
// does not run.
func (s *shard) publish() {
	v := &shardView{clock: s.clock.now(), newest: s.clock.newest(), halt: s.halt, commits: s.commits, feeds: make([]feedView, len(s.feeds))}
	for i, f := range s.feeds {
		v.feeds[i] = feedView{route: f.route, tp: f.tp, next: f.next, end: f.end, bound: f.bound, newest: f.newest, records: f.records,
			halt: f.halt, ended: f.ended, storm: f.storms > 0, reading: f.reading,
			opened: true, epoch: f.epoch, generation: f.generation}
		for _, in := range f.inputs {
			v.feeds[i].sources = append(v.feeds[i].sources, sourceView{in.tp, in.next, in.bound, in.incarnation})
		}
	}
	if old := s.latest.Load(); old != nil {
		v.ledger, v.subjects = old.ledger, old.subjects
	}
	if s.store != nil && (v.ledger == nil || !s.changed) && s.halt == nil {
		v.ledger, v.subjects = s.store.Ledger(), s.store.Subjects()
	}
	s.latest.Store(v)
}

// caughtUp says whether everything that the logs held when last asked has been applied. A halted feed counts: there is
// nothing to wait for.
func (v *shardView) caughtUp() bool {
	for i := range v.feeds {
		f := &v.feeds[i]
		if f.halt != nil {
			continue
		}
		if f.kind == fileFeed && !f.ended || f.kind != fileFeed && (f.end < 0 || f.next < f.end) {
			return false
		}
	}
	return true
}

// microTime is a time of the event clock as a time, nil where there is none.
func microTime(us int64) *time.Time {
	if us == math.MinInt64 || us == math.MaxInt64 {
		return nil
	}
	t := time.UnixMicro(us).UTC()
	return &t
}
