package stream

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/decode"
)

// closeTimeout bounds how long a worker that is taken away waits for its last acknowledgements.
const closeTimeout = 10 * time.Second

// rekeyWorker re-keys one partition of a source. One goroutine owns it; acknowledgements come in on others.
type rekeyWorker struct {
	rt      *rekeyTopic
	tp      topicPartition
	inbox   *inbox
	control chan func()
	stop    chan struct{}
	stopped chan struct{}
	soon    chan struct{} // commit and mark now
	latest  atomic.Pointer[feedView]

	// Below belongs to the worker's goroutine.
	route       *router
	opened      bool // the position is known
	next        int64
	epoch       int32
	bound       int64
	id          [16]byte
	name        string // the topic as copies name it
	incarnation int
	previous    []int64 // by shard: the offset of the last copy sent there
	committed   int64
	marked      int64 // the offset of the last marker
	halt        *Halt
	suspect     *Halt // what it is halted with if the watch finds nothing else
	reading     bool
	records     int64
	newest      int64
	end         int64
	generation  uint64

	producer *kgo.Client
	acks     acks
}

// acks counts the copies that are under way.
type acks struct {
	mu      sync.Mutex
	waiting int
	err     error
	none    chan struct{} // closed while nothing is under way
}

func (a *acks) add() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == 0 {
		a.none = make(chan struct{})
	}
	a.waiting++
}

func (a *acks) done(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && a.err == nil {
		a.err = err
	}
	if a.waiting--; a.waiting == 0 {
		close(a.none)
	}
}

// wait returns when nothing is under way, with the first error since the last reset.
func (a *acks) wait(ctx context.Context) error {
	a.mu.Lock()
	none, waiting := a.none, a.waiting
	a.mu.Unlock()
	if waiting > 0 {
		select {
		case <-none:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return a.failed()
}

func (a *acks) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

func (a *acks) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = nil
}

func newRekeyWorker(rt *rekeyTopic, p int32) (*rekeyWorker, error) {
	t := rt.r.t
	d, err := decode.New(t.plan, rt.r.source, scratchDictionary{}, decode.Options{})
	if err != nil {
		return nil, err
	}
	w := &rekeyWorker{
		rt: rt, tp: topicPartition{rt.topic, p}, inbox: newInbox(t.engine.opt.QueueBytes), control: make(chan func()),
		soon: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}), route: newRouter(d, t.n), previous: make([]int64, t.n),
		bound: never, epoch: -1, end: -1, marked: -1,
	}
	w.rename(t.incarnationOf(w.tp))
	w.forget()
	w.publish()
	return w, nil
}

// rename makes copies name another incarnation of the topic.
func (w *rekeyWorker) rename(incarnation int) {
	w.incarnation, w.name = incarnation, incarnated(w.rt.topic, incarnation)
}

// forget makes the next copy to each shard the first one.
func (w *rekeyWorker) forget() {
	for i := range w.previous {
		w.previous[i] = -1
	}
	w.marked = -1
}

// run is the worker's goroutine.
func (w *rekeyWorker) run() {
	defer close(w.stopped)
	tick := time.NewTicker(w.rt.r.t.engine.opt.CommitEvery)
	defer tick.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-w.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		select {
		case <-w.stop:
			return
		case f := <-w.control:
			f()
		case <-w.inbox.ready:
			w.drain(ctx)
		case <-w.soon:
			w.commit(ctx, true)
		case <-tick.C:
			w.commit(ctx, true)
		}
		w.publish()
	}
}

// do runs f on the worker's goroutine.
func (w *rekeyWorker) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case w.control <- func() { f(); close(ran) }:
		<-ran
		return nil
	case <-w.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *rekeyWorker) drain(ctx context.Context) {
	for ctx.Err() == nil {
		d, ok, drained := w.inbox.pop()
		if drained {
			w.rt.fetcher.settle(w.tp)
		}
		if !ok {
			return
		}
		if d.generation != w.generation || w.halt != nil {
			continue
		}
		if d.halt != nil {
			w.stopAt(d.halt)
			continue
		}
		for _, r := range d.records {
			w.take(ctx, r)
			r.Recycle() // its copies have what they need of it
			if ctx.Err() != nil {
				return
			}
		}
		if w.acks.failed() != nil {
			w.rewind()
		}
	}
}

// take sends a record's copies.
func (w *rekeyWorker) take(ctx context.Context, r *kgo.Record) {
	if r.Offset < w.next {
		return
	}
	w.next, w.epoch = r.Offset+1, r.LeaderEpoch
	if r.Attrs.IsControl() {
		return
	}
	timestamp := r.Timestamp.UnixMilli() * 1000
	w.bound, w.newest = max(w.bound, timestamp), timestamp
	w.records++
	value := r.Value
	if len(value) > maxRow {
		value = value[:maxRow+1] // the shard rejects it as oversize; the topic may not take it whole
	}
	c := rekeyed{topic: w.name, partition: w.tp.partition, offset: r.Offset, timestamp: timestamp, bound: w.bound, key: r.Key}
	shards, keys := w.route.route(decode.Record{Offset: r.Offset, Timestamp: timestamp, Bound: w.bound, Key: r.Key, Value: value}, w.tp.partition)
	for i, shard := range shards {
		c.copy, c.previous = i > 0, w.previous[shard]
		w.previous[shard] = r.Offset
		w.send(ctx, &kgo.Record{Topic: w.rt.r.target, Partition: shard, Key: append([]byte(nil), keys[i]...), Value: value, Headers: c.headers()})
	}
}

func (w *rekeyWorker) send(ctx context.Context, r *kgo.Record) {
	w.acks.add()
	w.producer.Produce(ctx, r, func(_ *kgo.Record, err error) { w.acks.done(err) })
}

// mark tells every shard that what is below next has been sent, so that their clocks can advance past a source partition
// that has nothing for them.
func (w *rekeyWorker) mark(ctx context.Context) {
	c := rekeyed{topic: w.name, partition: w.tp.partition, offset: w.next, bound: w.bound, marker: true}
	for shard := range w.rt.r.t.n {
		c.previous = w.previous[shard]
		w.send(ctx, &kgo.Record{Topic: w.rt.r.target, Partition: shard, Headers: c.headers()})
	}
	w.marked = w.next
}

// commit waits for the acknowledgements and tells the group; then, if anything is new, it marks it for the shards.
func (w *rekeyWorker) commit(ctx context.Context, mark bool) {
	if !w.opened || w.halt != nil || w.next == w.committed && w.next == w.marked {
		return
	}
	if err := w.acks.wait(ctx); err != nil {
		if ctx.Err() == nil {
			w.rewind()
		}
		return
	}
	if w.next != w.committed {
		at := kgo.EpochOffset{Epoch: w.epoch, Offset: w.next}
		if err := w.rt.commit(ctx, w.tp.partition, at, rekeyProgress{Bound: w.bound, TopicID: hexID(w.id)}); err != nil {
			if ctx.Err() == nil {
				w.rt.r.t.engine.opt.Logger.Warn("commit the progress of re-keying: it is tried again", "topic", w.tp.topic, "partition", w.tp.partition, "err", err)
			}
			return
		}
		w.committed = w.next
	}
	if mark && w.next != w.marked {
		w.mark(ctx)
	}
}

// rewind starts again from the last commit: a copy was not accepted, and those after it may have been.
func (w *rekeyWorker) rewind() {
	err := w.acks.failed()
	w.rt.r.t.engine.opt.Logger.Warn("re-keying goes back to its last commit: the brokers refused a copy",
		"topic", w.tp.topic, "partition", w.tp.partition, "target", w.rt.r.target, "err", err)
	w.generation++
	if w.reading {
		w.reading = false
		w.rt.fetcher.stop(w.tp)
	}
	// The copies still under way may succeed; the shards skip them until their predecessors have come.
	w.rt.renew(w.producer)
	w.acks.wait(context.Background())
	w.acks.reset()
	w.opened = false // the watch finds the position in the group again
}

// stopAt halts the worker, or lets the watch try again if the halt is only a wait.
func (w *rekeyWorker) stopAt(h *Halt) {
	w.generation++
	if w.reading {
		w.reading = false
		w.rt.fetcher.stop(w.tp)
	}
	if !h.State.Halted() {
		w.suspect = h.otherwise
		return
	}
	w.suspect = nil
	e := w.rt.r.t.engine
	if h.Since.IsZero() {
		h.Since = e.opt.Now()
	}
	if h.From < 0 || w.committed < 0 {
		h.From = max(w.next, w.rt.r.t.arrived(w.tp, w.incarnation)) // the group may have forgotten what the shards have
	}
	w.halt = h
	source := w.rt.r.t.plan.Sources[w.rt.r.source].ID
	e.opt.Logger.Error("partition halted", "source", source, "subject", w.rt.r.t.plan.Subject, "topic", w.tp.topic, "partition", w.tp.partition,
		"state", string(h.State), "from", h.From, "to", h.To, "reason", h.Reason, "remedy", h.Remedy)
	if e.opt.Hooks.Halt != nil {
		e.opt.Hooks.Halt(source, w.tp.partition, h.State)
	}
	w.rt.r.t.dirty()
}

// publish replaces what others see of the worker.
func (w *rekeyWorker) publish() {
	w.latest.Store(&feedView{tp: w.tp, next: w.next, end: w.end, bound: w.bound, newest: w.newest, records: w.records, halt: w.halt,
		epoch: w.epoch, generation: w.generation, reading: w.reading, opened: w.opened, id: w.id})
}

// close ends the worker; with keep it waits for its acknowledgements and commits.
func (w *rekeyWorker) close(ctx context.Context, keep bool) {
	if keep && w.do(ctx, func() { w.commit(ctx, false) }) == errStopped {
		return
	}
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	<-w.stopped
	w.inbox.close()
	if w.reading {
		w.reading = false
		w.rt.fetcher.stop(w.tp)
	}
}
