package stream

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// rebuild is a generation that is built from the log beside the current one.
type rebuild struct {
	old     string // the generation it will replace
	began   map[string]beginning
	swapped atomic.Bool
	partial atomic.Pointer[time.Time]
}

// finishRebuild makes the new generation the current one, unless the log no longer reached back to where the old one
// had begun: such a state answers another question, and only an operator may swap it in.
func (t *subjectType) finishRebuild(ctx context.Context) error {
	if t.rebuild.swapped.Load() || t.rebuild.partial.Load() != nil {
		return nil
	}
	since, err := t.partialSince(ctx)
	if err != nil {
		return err
	}
	if since != nil {
		t.rebuild.partial.Store(since)
		t.engine.opt.Logger.Error("the rebuilt state is partial: the log no longer reaches back to where the old state began, so it is not swapped in",
			"subject", t.plan.Subject, "since", since.Format(time.RFC3339), "remedy", "accept it with `tidemark state accept`, or go back to the old definitions")
		return nil
	}
	return t.swapRebuild()
}

// swapRebuild makes the new generation the current one.
func (t *subjectType) swapRebuild() error {
	if err := t.swapIn(); err != nil {
		return err
	}
	t.rebuild.swapped.Store(true)
	o := &t.engine.opt
	o.Logger.Info("the rebuilt state has caught up and is swapped in", "subject", t.plan.Subject, "generation", t.generation, "before", t.rebuild.old)
	old := o.FS.PathJoin(o.FS.PathDir(t.home), t.rebuild.old)
	if err := o.FS.RemoveAll(old); err != nil {
		return fmt.Errorf("stream: remove the old generation %s: %w", old, err)
	}
	t.dirty()
	return nil
}
