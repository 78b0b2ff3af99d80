package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/state"
)

// Acceptance is an operator's decision about a halted partition: it may go on, and what it lost is known to be lost.
type Acceptance struct {
	Subject   string `json:"subject"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// State is the halt that is accepted; another one in the meantime is not.
	State State `json:"state"`
	// To is the offset to go on from; nil: where the halt says.
	To *int64 `json:"to,omitempty"`
	// Rebuild accepts a rebuilt state that is only partial, instead of a halt.
	Rebuild bool      `json:"rebuild,omitempty"`
	By      string    `json:"by"`
	Why     string    `json:"why"`
	At      time.Time `json:"at"`
}

// Accept leaves a decision in the data directory, where a running engine picks it up within a second and a stopped one
// when it starts. It does not wait for that.
func Accept(fsys vfs.FS, dir string, a Acceptance) error {
	switch {
	case a.Subject == "":
		return fmt.Errorf("stream: accept: the subject is empty: name the subject type of the halted partition")
	case !a.Rebuild && !a.State.Halted():
		return fmt.Errorf("stream: accept: %q is not a halt (HALTED_GAP, HALTED_CORRUPT, HALTED_REJECTS)", a.State)
	case a.By == "":
		return fmt.Errorf("stream: accept: say who accepts it; it is kept for the audit")
	}
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	folder := fsys.PathJoin(dir, "accept")
	if err := makeDir(fsys, folder); err != nil {
		return fmt.Errorf("stream: accept: %w", err)
	}
	name := fmt.Sprintf("%d-%s-%d.json", a.At.UnixNano(), topicName(a.Topic), a.Partition)
	if err := writeFile(fsys, folder, name, append(text, '\n')); err != nil {
		return fmt.Errorf("stream: accept: %w", err)
	}
	return nil
}

// watchAccepted picks up decisions about a subject type without topics, which nothing else watches, until ctx ends.
func (t *subjectType) watchAccepted(ctx context.Context) {
	tick := time.NewTicker(t.engine.opt.WatchEvery)
	defer tick.Stop()
	for {
		t.pickUpAccepted(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pickUpAccepted carries out what was accepted for this subject type. A decision that fits nothing any more is logged and
// removed too: it must not meet a later halt.
func (t *subjectType) pickUpAccepted(ctx context.Context) {
	o := &t.engine.opt
	folder := o.FS.PathJoin(o.Dir, "accept")
	names, err := o.FS.List(folder)
	if err != nil {
		return // there is none
	}
	sort.Strings(names)
	for _, name := range names {
		path := o.FS.PathJoin(folder, name)
		text, err := readFile(o.FS, path)
		var a Acceptance
		if err != nil || !strings.HasSuffix(name, ".json") || json.Unmarshal(text, &a) != nil || a.Subject != t.plan.Subject {
			continue
		}
		err = t.accept(ctx, a)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			o.Logger.Error("an acceptance was not carried out", "subject", a.Subject, "topic", a.Topic, "partition", a.Partition, "state", string(a.State), "by", a.By, "err", err)
		} else {
			o.Logger.Warn("a halt was accepted", "subject", a.Subject, "topic", a.Topic, "partition", a.Partition, "state", string(a.State), "by", a.By, "why", a.Why)
		}
		if err := t.engine.facts.audit(a, err); err != nil {
			o.Logger.Error("keep the audit of an acceptance", "err", err)
		}
		if err := o.FS.Remove(path); err != nil {
			o.Logger.Error("remove a carried out acceptance", "file", path, "err", err)
		}
	}
}

// accept carries out one decision.
func (t *subjectType) accept(ctx context.Context, a Acceptance) error {
	if a.Rebuild {
		if t.rebuild == nil || t.rebuild.partial.Load() == nil {
			return fmt.Errorf("no rebuilt state waits to be swapped in")
		}
		return t.swapRebuild()
	}
	t.mu.Lock()
	damaged := t.broken[a.Partition]
	t.mu.Unlock()
	if damaged != nil && a.State == HaltedCorrupt {
		return t.startAnew(ctx, a.Partition)
	}
	tp := topicPartition{a.Topic, a.Partition}
	for _, stage := range t.stageList() {
		if w := stage.worker(a.Partition); w != nil && stage.topic == a.Topic {
			var err error
			if e := w.do(ctx, func() { err = w.accept(ctx, a); w.publish() }); e != nil {
				return e
			}
			return err
		}
	}
	s, feed := t.find(tp)
	if s == nil {
		return fmt.Errorf("partition %s is not read by this engine", tp)
	}
	whole := false
	var halt *Halt
	var err error
	if e := s.do(ctx, func() {
		if whole = s.halt != nil && s.halt.State == a.State && s.halt.Acceptable; whole {
			halt = s.halt
			return
		}
		if s.feeds[feed].tp != tp {
			err = fmt.Errorf("topic %s is not read by subject type %s", a.Topic, t.plan.Subject)
			return
		}
		err = s.accept(ctx, s.feeds[feed], a)
	}); e != nil {
		return e
	}
	if !whole {
		return err
	}
	t.drop([]int32{s.p}, false)
	t.mu.Lock()
	t.broken[s.p] = halt // until it is open again: should that fail, it must not be forgotten
	t.mu.Unlock()
	if a.State == HaltedCorrupt {
		return t.startAnew(ctx, a.Partition)
	}
	// The room for rejected records is used up: from now on they are only counted.
	gap := Gap{Partition: a.Partition, From: -1, To: -1, State: a.State, By: a.By, Why: a.Why, At: t.engine.opt.Now().UTC()}
	if err := t.engine.keepGap(t, gap); err != nil {
		return err
	}
	return t.openAgain(ctx, a.Partition)
}

// countsOnly says whether an operator let shard p count rejected records without keeping them.
func (t *subjectType) countsOnly(p int32) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.gaps {
		if g.Topic == "" && g.Partition == p && g.State == HaltedRejects {
			return true
		}
	}
	return false
}

// startAnew sets a damaged shard's folder aside and reads its partition from the log's start.
func (t *subjectType) startAnew(ctx context.Context, p int32) error {
	t.life.Lock()
	defer t.life.Unlock()
	if t.closed {
		return errStopped
	}
	fsys := t.engine.opt.FS
	aside := fmt.Sprintf("%s.damaged-%d", t.dir(p), t.engine.opt.Now().Unix())
	if err := fsys.Rename(t.dir(p), aside); err != nil {
		return err
	}
	return t.openHeld(ctx, p)
}

// openAgain opens a shard that was closed.
func (t *subjectType) openAgain(ctx context.Context, p int32) error {
	t.life.Lock()
	defer t.life.Unlock()
	if t.closed {
		return errStopped
	}
	return t.openHeld(ctx, p)
}

// openHeld opens one shard with t.life held.
func (t *subjectType) openHeld(ctx context.Context, p int32) error {
	shards, err := t.openAll(ctx, []int32{p})
	if err != nil {
		return err
	}
	if len(shards) > 0 {
		t.caught.Store(false) // it begins where it was closed, or with nothing
		read := t.readFiles
		if t.filesOnly.Load() {
			read = t.readToEnd
		}
		t.passes.Go(func() {
			if err := read(t.running, shards); err != nil && t.running.Err() == nil {
				t.engine.fail(err)
			}
		})
	}
	signal(t.look)
	return nil
}

// accept lets a halted feed go on. It runs on the shard's goroutine.
func (s *shard) accept(ctx context.Context, f *feed, a Acceptance) error {
	t := s.t
	h := f.halt
	switch {
	case h == nil:
		return fmt.Errorf("partition %s is not halted", f.tp)
	case h.State != a.State:
		return fmt.Errorf("partition %s is halted as %s, not as %s", f.tp, h.State, a.State)
	case !h.Acceptable:
		return fmt.Errorf("%s can't be accepted: %s", h.State, h.Remedy)
	}
	to := f.next
	if a.To != nil {
		to = *a.To
	} else if h.To >= 0 {
		to = h.To
	}
	if h.State == HaltedRejects {
		f.storm.reset()
		s.goOn(f)
		return nil
	}
	infos, err := t.brokers.topics(ctx, f.tp.topic)
	if err != nil {
		return err
	}
	live := infos[f.tp.topic]
	if live.err != nil {
		return fmt.Errorf("topic %s can't be read: %w", f.tp.topic, live.err)
	}
	gap := Gap{Topic: f.tp.topic, Partition: f.tp.partition, From: f.next, To: to, State: h.State, By: a.By, Why: a.Why, At: t.engine.opt.Now().UTC(), Incarnation: f.incarnation}
	if live.id != f.info.id || f.renamed || to < f.next {
		// Offsets mean other records now, and an offset is the identity of an event without an id.
		gap.Incarnation++
		if live.id != f.info.id && a.To == nil {
			gap.To = 0
		}
		own := *f.route
		own.info = live
		input, err := s.store.Input(own.name(t.plan, s.p, gap.Incarnation))
		if err != nil {
			return err
		}
		f.route, f.input, f.incarnation, f.renamed, f.epoch = &own, input, gap.Incarnation, false, -1
	}
	if err := t.engine.keepGap(t, gap); err != nil {
		return err
	}
	if err := t.beginAgain(f.tp, gap.To, live.id); err != nil {
		return err
	}
	f.next, f.epoch = gap.To, -1
	s.batch.advance(state.Advance{Input: f.input, Next: f.next, LeaderEpoch: -1, Bound: f.bound})
	s.apply()
	s.commit()
	s.goOn(f)
	return nil
}

// goOn ends a feed's halt; the watch starts it.
func (s *shard) goOn(f *feed) {
	f.halt = nil
	f.generation++
	if halted := s.t.engine.opt.Hooks.Halt; halted != nil {
		halted(s.t.plan.Sources[f.source].ID, f.tp.partition, "")
	}
	signal(s.t.look)
}

// accept lets a halted worker go on. It runs on the worker's goroutine.
func (w *rekeyWorker) accept(ctx context.Context, a Acceptance) error {
	t := w.rt.r.t
	h := w.halt
	switch {
	case h == nil:
		return fmt.Errorf("partition %s is not halted", w.tp)
	case h.State != a.State:
		return fmt.Errorf("partition %s is halted as %s, not as %s", w.tp, h.State, a.State)
	case !h.Acceptable:
		return fmt.Errorf("%s can't be accepted: %s", h.State, h.Remedy)
	}
	infos, err := t.brokers.topics(ctx, w.tp.topic)
	if err != nil {
		return err
	}
	live := infos[w.tp.topic]
	if live.err != nil {
		return fmt.Errorf("topic %s can't be read: %w", w.tp.topic, live.err)
	}
	to := w.next
	if a.To != nil {
		to = *a.To
	} else if h.To >= 0 {
		to = h.To
	}
	gap := Gap{Topic: w.tp.topic, Partition: w.tp.partition, From: w.next, To: to, State: h.State, By: a.By, Why: a.Why, At: t.engine.opt.Now().UTC(), Incarnation: w.incarnation}
	if live.id != w.id || to < w.next {
		gap.Incarnation++
		if live.id != w.id && a.To == nil {
			gap.To = 0
		}
		w.rename(gap.Incarnation)
	}
	if err := t.engine.keepGap(t, gap); err != nil {
		return err
	}
	if err := t.beginAgain(w.tp, gap.To, live.id); err != nil {
		return err
	}
	w.forget()
	w.id, w.next, w.epoch, w.committed, w.halt = live.id, gap.To, -1, -1, nil
	w.generation++
	signal(t.look)
	return nil
}

// beginAgain notes that reading a partition begins anew.
func (t *subjectType) beginAgain(tp topicPartition, offset int64, id [16]byte) error {
	t.mu.Lock()
	delete(t.meta.Began, tp.String())
	t.mu.Unlock()
	return t.begin(tp, offset, id)
}
