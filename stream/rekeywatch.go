package stream

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
)

// openWorkers finds, in the group, where the workers that do not know their position go on.
func (rt *rekeyTopic) openWorkers(ctx context.Context) error {
	var closed []*rekeyWorker
	for _, w := range rt.list() {
		if v := w.latest.Load(); !v.opened && v.halt == nil {
			closed = append(closed, w)
		}
	}
	if len(closed) == 0 {
		return nil
	}
	progress, err := rt.progress(ctx)
	if err != nil {
		return err
	}
	for _, w := range closed {
		at, ok := progress[w.tp.partition]
		if ok && at.Err != nil {
			return fmt.Errorf("stream: ask for the progress of re-keying %s: %w", w.tp, at.Err)
		}
		w.do(ctx, func() { w.open(at, ok && at.At >= 0); w.publish() })
	}
	return nil
}

// open takes the position from the group. A partition without one is read from the log's start: what was sent before,
// the shards skip.
func (w *rekeyWorker) open(at kadm.OffsetResponse, known bool) {
	if w.opened {
		return
	}
	w.forget()
	w.producer = w.rt.current()
	w.opened, w.next, w.epoch, w.bound, w.id, w.committed = true, 0, -1, never, [16]byte{}, -1
	if !known {
		// The group has forgotten, or the topic was deleted and its positions with it. What was sent is still known to
		// the shards, so reading starts over; but only in the same topic, and only if nothing is missing.
		if first, ok := w.rt.r.t.firstOf(w.tp); ok {
			w.next, w.id = first.Offset, parseID(first.TopicID)
		}
		return
	}
	p, err := parseProgress(at.Metadata)
	if err != nil {
		w.stopAt(haltDamagedBatch(w.tp, at.At, "the re-key stage's progress in the group is not its own: "+err.Error()))
		return
	}
	w.next, w.committed, w.epoch, w.bound, w.id = at.At, at.At, at.LeaderEpoch, p.Bound, parseID(p.TopicID)
}

// compare is the worker's part of a round of the watch.
func (w *rekeyWorker) compare(v *feedView, see *sight) {
	if b, ok := see.bounds[w.tp]; ok {
		w.end = b.end
	}
	if w.halt != nil && !w.halt.gone || !w.opened || v.generation != w.generation || !v.opened {
		return
	}
	t := w.rt.r.t
	r := reader{tp: w.tp, id: w.id, next: v.next, reading: w.reading, suspect: w.suspect}
	if w.id == ([16]byte{}) {
		r.fresh, r.id = w.next == 0, see.infos[w.tp.topic].id
	}
	if w.committed < 0 && !w.reading {
		// Reading starts over: a log that starts later than it did is no loss while the shards have what is missing.
		if b := see.bounds[w.tp]; b.start > r.next && b.start <= t.arrived(w.tp, w.incarnation) {
			r.next = b.start
			w.next = b.start
		}
	}
	start, halt, ok := r.verdict(see)
	switch {
	case !ok:
	case w.halt != nil && (halt == nil || halt.gone):
	case halt != nil:
		w.stopAt(halt)
	case !w.reading:
		if r.fresh {
			if err := t.begin(w.tp, start, r.id); err != nil {
				t.engine.fail(err)
				return
			}
		}
		w.id, w.next, w.reading = r.id, max(w.next, start), true
		w.rt.fetcher.start(w.tp, w.next, w.generation)
		// Shards must hear of a partition that has nothing for them, or their clocks wait for it.
		signal(w.soon)
	}
	w.publish()
}
