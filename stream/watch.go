package stream

import (
	"context"
	"sync"
	"time"
)

// watch compares, every WatchEvery and whenever something changed, what the brokers say about the topics with what the
// shards and the re-key workers have read: it starts feeds whose position fits the log, halts those whose does not,
// moves clocks past idle inputs and picks up what an operator has decided. It returns when ctx ends.
func (t *subjectType) watch(ctx context.Context) {
	tick := time.NewTicker(t.engine.opt.WatchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-t.look:
		}
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := t.lookAround(limited)
		cancel()
		if ctx.Err() != nil {
			return
		}
		t.mu.Lock()
		was := t.unreachable
		t.unreachable = err != nil
		if err != nil {
			t.waiting = "the brokers do not answer: " + err.Error()
		} else {
			t.waiting = ""
		}
		t.mu.Unlock()
		if was != (err != nil) {
			if err != nil {
				t.engine.opt.Logger.Warn("the brokers do not answer", "subject", t.plan.Subject, "err", err)
			} else {
				t.engine.opt.Logger.Info("the brokers answer again", "subject", t.plan.Subject)
			}
		}
	}
}

// sight is what one look at the brokers found.
type sight struct {
	infos  map[string]topicInfo
	bounds map[topicPartition]logBounds
	// diverged has, for feeds that are not read yet, where the log of their epoch ends, if the brokers can tell.
	diverged map[topicPartition]int64
}

// lookAround is one round of the watch.
func (t *subjectType) lookAround(ctx context.Context) error {
	t.pickUpAccepted(ctx)
	// What the shards had reached before the brokers are asked is what an idle input's log end can vouch for.
	before := make(map[*shard]*shardView)
	for _, s := range t.list() {
		before[s] = s.latest.Load()
	}
	workers := make(map[*rekeyWorker]*feedView)
	stages := t.stageList()
	for _, stage := range stages {
		if err := stage.openWorkers(ctx); err != nil {
			return err
		}
		for _, w := range stage.list() {
			workers[w] = w.latest.Load()
		}
	}
	names := t.topicNames()
	var see sight
	var err error
	if see.infos, err = t.brokers.topics(ctx, names...); err != nil {
		return err
	}
	var there []string
	for _, name := range names {
		if see.infos[name].err == nil {
			there = append(there, name)
		}
	}
	if see.bounds, err = t.brokers.bounds(ctx, there...); err != nil {
		return err
	}
	see.diverged = make(map[topicPartition]int64)
	for _, v := range before {
		for i := range v.feeds {
			if err := t.seeEpoch(ctx, &v.feeds[i], &see); err != nil {
				return err
			}
		}
	}
	for _, v := range workers {
		if err := t.seeEpoch(ctx, v, &see); err != nil {
			return err
		}
	}
	// The topics are asked for again: bounds and epochs must never be those of a topic that is newer than the id they come
	// with.
	if see.infos, err = t.brokers.topics(ctx, names...); err != nil {
		return err
	}
	for _, stage := range stages {
		stage.mu.Lock()
		stage.missing = see.infos[stage.topic].missing()
		stage.mu.Unlock()
	}
	// All at once: a busy shard answers between two batches, and there may be many.
	var told sync.WaitGroup
	for w, v := range workers {
		told.Go(func() { w.do(ctx, func() { w.compare(v, &see) }) })
	}
	for s, v := range before {
		told.Go(func() { s.do(ctx, func() { s.compare(v, &see) }) })
	}
	told.Wait()
	t.noticeCaughtUp(ctx)
	return nil
}

// seeEpoch asks where the log of a position's epoch ends, for positions about to be read from.
func (t *subjectType) seeEpoch(ctx context.Context, v *feedView, see *sight) error {
	if v.halt != nil || v.reading || !v.opened || v.epoch < 0 || v.tp.topic == "" {
		return nil
	}
	end, err := t.brokers.epochEnd(ctx, v.tp, v.epoch)
	if err == nil && end >= 0 {
		see.diverged[v.tp] = end
	}
	return err
}

// topicNames lists every topic that the type reads, its own re-key topics among them.
func (t *subjectType) topicNames() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for _, r := range t.routes {
		if r.kind == fileFeed {
			continue
		}
		names = append(names, r.topic)
		if r.kind == rekeyFeed {
			names = append(names, t.plan.Sources[r.source].Topics...)
		}
	}
	return names
}

// reader is a position in a partition, as verdict compares it with the log.
type reader struct {
	tp      topicPartition
	id      [16]byte // of the topic that the position belongs to
	counted int32    // partitions that the topic must have; 0: any number
	next    int64    // as of before the brokers were asked
	fresh   bool     // nothing has been read yet: any log start will do
	reading bool
	suspect *Halt // what it is halted with if nothing else is found
}

// verdict compares a position with the log, in one place for shards and re-key workers. It returns where to read from,
// or a halt. ok is false when the brokers can't say just now.
func (r *reader) verdict(see *sight) (start int64, halt *Halt, ok bool) {
	info := see.infos[r.tp.topic]
	switch {
	case info.missing():
		return 0, haltDeleted(r.tp, r.next), true
	case info.err != nil:
		return 0, nil, false
	case info.id != r.id:
		return 0, haltRecreated(r.tp), true
	case r.counted > 0 && info.partitions != r.counted:
		return 0, haltPartitions(r.tp.topic, r.counted, info.partitions), true
	}
	b, known := see.bounds[r.tp]
	if !known {
		return 0, nil, false
	}
	end, checked := see.diverged[r.tp]
	switch {
	case r.suspect != nil && r.next <= b.end:
		return 0, r.suspect, true
	case r.fresh:
		return b.start, nil, true
	case r.next > b.end:
		return 0, haltTruncated(r.tp, r.next, b.end), true
	case r.reading:
		// What is below the log's start may wait in the queue already; the fetch itself finds a gap.
		return r.next, nil, true
	case r.next < b.start:
		return 0, haltExpired(r.tp, r.next, b.start), true
	case checked && end < r.next:
		return 0, haltTruncated(r.tp, r.next, end), true
	}
	return r.next, nil, true
}

// compare is the shard's part of a round of the watch; v is its view from before the brokers were asked.
func (s *shard) compare(v *shardView, see *sight) {
	if s.halt != nil {
		return
	}
	t := s.t
	for i, f := range s.feeds {
		if f.kind == fileFeed || i >= len(v.feeds) || v.feeds[i].generation != f.generation {
			continue
		}
		if f.halt != nil && !f.halt.gone {
			continue
		}
		r := reader{tp: f.tp, id: f.info.id, counted: t.n, next: v.feeds[i].next, reading: f.reading, suspect: f.suspect}
		r.fresh = !t.began(f.tp, &f.next)
		start, halt, ok := r.verdict(see)
		switch {
		case !ok:
		case f.halt != nil && (halt == nil || halt.gone):
		case halt != nil:
			s.haltFeed(f, halt)
		case !f.reading:
			if r.fresh {
				if err := t.begin(f.tp, start, f.info.id); err != nil {
					t.engine.fail(err)
					return
				}
			}
			f.next = max(f.next, start)
			f.reading = true
			t.fetcher.start(f.tp, f.next, f.generation)
		}
	}
	s.ends(see.bounds, v.newest)
}

// noticeCaughtUp remembers that every shard has been at the end of its logs, and swaps a rebuilt generation in.
func (t *subjectType) noticeCaughtUp(ctx context.Context) {
	shards := t.list()
	if len(shards) == 0 {
		return
	}
	for _, s := range shards {
		if v := s.latest.Load(); !v.caughtUp() {
			return
		}
	}
	if !t.caught.Swap(true) {
		t.engine.opt.Logger.Info("caught up with the logs", "subject", t.plan.Subject, "shards", len(shards))
		t.dirty()
	}
	if t.rebuild != nil && len(shards) == int(t.n) {
		if err := t.finishRebuild(ctx); err != nil {
			t.engine.fail(err)
		}
	}
}
