package stream

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tidemark/tidemark/catalog"
)

// run reads the subject type's sources until ctx ends or, if all are files, until they have been read. It leaves the
// shards open, so that the last results can still be evaluated; close closes them.
func (t *subjectType) run(ctx context.Context) error {
	topics := false
	for i, source := range t.plan.Sources {
		override, overridden := t.engine.opt.Files[source.ID]
		if len(source.Topics) == 0 || overridden {
			files, err := inputFiles(source, override)
			if err != nil {
				return err
			}
			for j, f := range files {
				t.routes = append(t.routes, &route{kind: fileFeed, source: i, file: f, index: j})
			}
			continue
		}
		topics = true
	}
	if topics {
		return t.runKafka(ctx)
	}
	return t.runFiles(ctx)
}

// runFiles reads a subject type whose sources are all files.
func (t *subjectType) runFiles(ctx context.Context) error {
	t.n = int32(t.engine.opt.Shards)
	if t.meta.Shards > 0 {
		t.n = t.meta.Shards // the state is split that way
	}
	t.running = ctx
	t.filesOnly.Store(true)
	t.mu.Lock()
	t.count = t.n
	t.mu.Unlock()
	if err := t.writeMeta(); err != nil {
		return err
	}
	all := make([]int32, t.n)
	for p := range all {
		all[p] = int32(p)
	}
	shards, err := t.openAll(ctx, all)
	if err != nil {
		return err
	}
	if t.engine.opt.KeepOpen {
		t.passes.Go(func() { t.watchAccepted(ctx) })
		return t.readToEnd(ctx, shards)
	}
	t.pickUpAccepted(ctx)
	err = t.readToEnd(ctx, shards)
	t.passes.Wait()
	return err
}

// readToEnd reads the files of a type that has nothing else for some of its shards, and waits until these have applied them.
// Whoever gets there last tells all shards that the files have ended.
func (t *subjectType) readToEnd(ctx context.Context, shards []*shard) error {
	if err := t.readFiles(ctx, shards); err != nil {
		return err
	}
	for _, s := range shards {
		// One that is closed has been accepted, and another stands in its place.
		if err := s.finishFiles(ctx); err != nil && !errors.Is(err, errStopped) {
			return err
		}
	}
	t.ending.Lock()
	defer t.ending.Unlock()
	shards = t.list()
	whole := len(shards) == int(t.n)
	for _, s := range shards {
		select {
		case <-s.filesRead:
		default:
			return nil
		}
		whole = whole && s.latest.Load().halt == nil
	}
	if t.strict() {
		if err := t.endFiles(ctx, shards); err != nil && !errors.Is(err, errStopped) {
			return err
		}
	}
	t.caught.Store(true)
	t.dirty()
	if t.rebuild != nil && whole {
		return t.finishRebuild(ctx)
	}
	return nil
}

// openAll opens shards, as many at a time as there are processors, for each reads all that it has, and starts them. A shard that
// can't be opened because it is damaged is a halt.
func (t *subjectType) openAll(ctx context.Context, ps []int32) ([]*shard, error) {
	opened, halts := make([]*shard, len(ps)), make([]*Halt, len(ps))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range ps {
		group.Go(func() (err error) {
			opened[i], halts[i], err = t.open(ctx, p)
			return err
		})
	}
	err := group.Wait()
	var shards []*shard
	for i, p := range ps {
		switch {
		case halts[i] != nil && err == nil:
			t.breakShard(p, halts[i])
		case opened[i] != nil:
			shards = append(shards, opened[i])
		}
	}
	if err != nil {
		for _, s := range shards {
			err = errors.Join(err, s.store.Close())
		}
		return nil, err
	}
	for _, s := range shards {
		t.add(s)
	}
	t.opened.Store(true)
	t.dirty()
	return shards, nil
}

// readFiles reads all file sources for the shards, each source in its own goroutine.
func (t *subjectType) readFiles(ctx context.Context, shards []*shard) error {
	var passes []*filePass
	for i, source := range t.plan.Sources {
		p := &filePass{source: source, plan: t.plan, index: i, n: t.n, shards: make(map[int32]fileShard), read: &t.engine.bytesRead, engine: t.engine}
		for _, r := range t.routes {
			if r.kind == fileFeed && r.source == i {
				p.files = append(p.files, r.file)
			}
		}
		if len(p.files) == 0 {
			continue
		}
		for _, s := range shards {
			if fs, ok := s.filesOf(i); ok {
				p.shards[s.p] = fs
			}
		}
		passes = append(passes, p)
	}
	run, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(passes))
	var wg sync.WaitGroup
	for i, p := range passes {
		wg.Go(func() {
			if errs[i] = p.run(run); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return ctx.Err()
}

// filesOf says where a file pass over a source goes in this shard. It is called before the shard's goroutine starts or
// on it. A shard that has a halted file of the source gets nothing of it.
func (s *shard) filesOf(source int) (fileShard, bool) {
	fs := fileShard{inbox: s.inbox}
	for i, f := range s.feeds {
		if f.kind != fileFeed || f.source != source {
			continue
		}
		if f.halt != nil {
			return fileShard{}, false
		}
		fs.feeds = append(fs.feeds, i)
		fs.next = append(fs.next, f.next)
	}
	return fs, len(fs.feeds) > 0
}

// finishFiles waits until what the passes handed over has been applied, and commits it.
func (s *shard) finishFiles(ctx context.Context) error {
	select {
	case <-s.filesRead:
	case <-s.stopped:
		return errStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.do(ctx, func() {
		s.apply()
		s.commit()
	})
}

// breakShard notes a shard that can't be opened.
func (t *subjectType) breakShard(p int32, h *Halt) {
	h.Since = t.engine.opt.Now()
	t.mu.Lock()
	t.broken[p] = h
	t.mu.Unlock()
	t.engine.opt.Logger.Error("shard halted", "subject", t.plan.Subject, "shard", p, "state", string(h.State), "reason", h.Reason, "remedy", h.Remedy)
	if t.engine.opt.Hooks.Halt != nil {
		for _, r := range t.routes {
			t.engine.opt.Hooks.Halt(t.plan.Sources[r.source].ID, p, h.State)
		}
	}
}

// close closes what is open: the shards with everything durable, then the group.
func (t *subjectType) close() {
	if t.filesOnly.Load() {
		t.passes.Wait() // the run has ended, and they with it
	}
	t.life.Lock()
	t.closed = true
	var wg sync.WaitGroup
	for _, s := range t.list() {
		wg.Go(func() { s.close(!t.engine.abandon.Load()) })
	}
	wg.Wait()
	t.life.Unlock()
	if t.member != nil {
		t.member.close()
	}
	if t.fetcher != nil {
		t.fetcher.close()
	}
}

// hold pauses fetching for want of room on the disk, or ends that.
func (t *subjectType) hold(low bool) {
	t.mu.Lock()
	f := t.fetcher
	t.mu.Unlock()
	if f != nil {
		f.setHold(low)
	}
	for _, stage := range t.stageList() {
		stage.fetcher.setHold(low)
	}
}

// membership is the group, once joined.
func (t *subjectType) membership() *membership {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.member
}

// halted returns the halt of the whole subject type.
func (t *subjectType) halted() *Halt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.halt
}

// publishes says whether the type's results are shown: not while a new generation is still behind the old one.
func (t *subjectType) publishes() bool { return t.rebuild == nil || t.rebuild.swapped.Load() }

// direct says whether a source's topics are keyed by the plan's subject: keyed_by names the subject column or the field
// behind it, and every event of the plan takes its subject from that field unchanged. Otherwise it is re-keyed.
func direct(plan *catalog.Plan, source int) bool {
	key := plan.Sources[source].KeyedBy
	if key == "" {
		return false
	}
	for i := range plan.Events {
		e := &plan.Events[i]
		if e.Source != source {
			continue
		}
		field, plain := e.Query.Field(e.SubjectColumn)
		if !plain || key != plan.Subject && key != strings.Join(field, ".") {
			return false
		}
	}
	return true
}
