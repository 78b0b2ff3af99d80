package stream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// subjectType is everything the engine does for one kind of subject: the routes by which its sources arrive, the
// shards that are here, and who reads for them.
type subjectType struct {
	engine *Engine
	plan   *catalog.Plan
	index  int // of the plan
	routes []*route
	// n is the number of shards in all; routes and n do not change once the first shard is opened.
	n int32
	// generation is the folder below the subject's that holds the shards, home its path, meta its begin.json.
	generation string
	home       string
	meta       generationMeta
	rebuild    *rebuild // set while the generation is built beside the current one

	brokers brokers
	rekeys  []*rekeySource
	look    chan struct{} // wakes the watch
	opened  atomic.Bool   // the shards that this engine was given first have been opened

	life    sync.Mutex // held while shards are opened and closed, so that the group and the end don't do it at once
	closed  bool       // under life: no shard is opened any more
	running context.Context
	// filesOnly: there is no topic; set before the first shard is opened. ending is held while shards are told that all files ended.
	filesOnly atomic.Bool
	ending    sync.Mutex

	mu sync.Mutex // guards what follows; held for moments only, never while a shard is asked something
	// fetcher and member are nil when all sources are files, or before they are needed.
	fetcher *fetcher
	member  *membership
	feedOf  map[string]int // feed, that is route, by topic
	shards  map[int32]*shard
	// broken are shards that could not be opened.
	broken map[int32]*Halt
	// halt stands for the whole subject type: it could not even start.
	halt    *Halt
	gaps    []Gap
	count   int32         // n, for those who may ask before it is known
	stages  []*rekeyTopic // what re-keys for the type
	waiting string        // why it has not started, or can't see the brokers
	// unreachable: the brokers do not answer.
	unreachable bool

	experiments []*experiment
	caught      atomic.Bool // every partition has been at its log's end once
	passes      sync.WaitGroup
}

// lateBy is the bound that state gets for a record: b, or never for sources whose events are never late.
func (t *subjectType) lateBy(source int, bound int64) int64 {
	if s := t.plan.Sources[source]; s.Profile || s.Lateness == catalog.NoLateness {
		return never
	}
	return bound
}

// dir is where shard p keeps its state.
func (t *subjectType) dir(p int32) string {
	return t.engine.opt.FS.PathJoin(t.home, fmt.Sprintf("%04d", p))
}

// dirty says that the type's experiments have something new.
func (t *subjectType) dirty() {
	for _, x := range t.experiments {
		x.dirty.Store(true)
	}
	signal(t.engine.wake)
}

// fail is how a shard's goroutine ends the engine.
func (e *Engine) fail(err error) {
	select {
	case e.failed <- err:
	default: // the first one counts
	}
}

// open opens shard p: its store, its cube, its inputs. A damaged store is a halt, not an error.
func (t *subjectType) open(ctx context.Context, p int32) (*shard, *Halt, error) {
	e := t.engine
	dir := t.dir(p)
	if err := makeDir(e.opt.FS, dir); err != nil {
		return nil, nil, fmt.Errorf("stream: make %s: %w", dir, err)
	}
	opt := state.Options{FS: e.opt.FS, Cache: e.cache, FileCache: e.files, RejectQuota: e.opt.RejectQuota, RejectsCountOnly: t.countsOnly(p)}
	t.shardMemory(&opt)
	store, err := state.Open(dir, t.plan, opt)
	switch {
	case errors.Is(err, state.ErrCorrupt):
		return nil, haltDamagedState(dir, err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("stream: open shard %s/%d: %w", t.plan.Subject, p, err)
	}
	s := &shard{
		t: t, p: p, store: store, cube: cube.New(t.plan), batch: newBatch(len(t.plan.Events)), topics: make(map[string]string), inbox: newInbox(e.opt.QueueBytes),
		control: make(chan order), stop: make(chan struct{}), stopped: make(chan struct{}), filesRead: make(chan struct{}),
	}
	if err := s.cube.Load(store.Reader()); err != nil {
		store.Close()
		return nil, haltDamagedState(dir, err), nil
	}
	for _, f := range store.Frozen() {
		s.cube.Freeze(f.Experiment, f.Metric)
	}
	// Steps of a ramp may have come, gone or moved: the subjects' first exposures say of which epoch they are.
	if again := s.cube.Recount(newestExposure(t.plan, store)); len(again) > 0 {
		err := store.CountEpochs(ctx, again, s.cube)
		switch {
		case errors.Is(err, state.ErrCorrupt):
			store.Close()
			return nil, haltDamagedState(dir, err), nil
		case err != nil:
			store.Close()
			return nil, nil, fmt.Errorf("stream: count the epochs of shard %s/%d: %w", t.plan.Subject, p, err)
		}
	}
	if err := s.openFeeds(); err != nil {
		store.Close()
		return nil, nil, err
	}
	s.checkFiles()
	s.clocked = store.Clock()
	s.clock.value = s.clocked
	return s, nil, nil
}

// newestExposure is an instant after which none of a store's subjects was first exposed: no event is accepted that is more than
// clockSkew ahead of its input's b. Of inputs without a b, whose records are never late, nothing is known.
func newestExposure(plan *catalog.Plan, store *state.Store) int64 {
	exposes := make(map[string]bool)
	for i := range plan.Experiments {
		exposes[plan.Sources[plan.Events[plan.Experiments[i].Exposure].Source].ID] = true
	}
	newest := int64(never)
	for _, p := range store.Positions() {
		switch {
		case p.Next == 0 || !exposes[p.Name.Source]: // nothing read, or nothing that exposes; copies count for their own partitions
		case p.Bound == never:
			return forever
		default:
			newest = max(newest, p.Bound+clockSkew)
		}
	}
	return newest
}

// openFeeds finds where each route stands in this shard. Inputs get their numbers in the order of the routes, which
// is that of the sources, so that ties in time break the same way in every shard and run.
func (s *shard) openFeeds() error {
	t := s.t
	positions := make(map[state.Input]state.Position)
	for _, p := range s.store.Positions() {
		positions[p.Input] = p
	}
	clocks := 0
	for _, r := range t.routes {
		f := &feed{route: r, clock: -1, epoch: -1, bound: never, end: -1, storm: newStorm(t.engine.opt.StormWindow, t.engine.opt.StormShare)}
		f.tp = topicPartition{r.topic, s.p}
		f.incarnation = t.incarnationOf(f.tp)
		decoder, err := decode.New(t.plan, r.source, s.store, decode.Options{})
		if err != nil {
			return fmt.Errorf("stream: decoder of source %s: %w", t.plan.Sources[r.source].ID, err)
		}
		f.decoder = decoder
		if err := s.place(f, positions); err != nil {
			return fmt.Errorf("stream: shard %s/%d: %w", t.plan.Subject, s.p, err)
		}
		if r.kind == rekeyFeed {
			f.inputs = make(map[topicPartition]*sourceInput)
			for _, topic := range t.plan.Sources[r.source].Topics {
				clocks += int(r.sources[topic].partitions)
			}
		} else {
			f.clock = clocks
			clocks++
		}
		s.feeds = append(s.feeds, f)
	}
	s.clock = newClock(clocks)
	for _, f := range s.feeds {
		if f.clock >= 0 {
			s.clock.observe(f.clock, f.next, f.bound)
		}
	}
	return s.openInputs(positions)
}

// place finds the feed's number and position in the store, or the halt that it begins with.
func (s *shard) place(f *feed, positions map[state.Input]state.Position) error {
	name := f.name(s.t.plan, s.p, f.incarnation)
	if f.info.missing() {
		f.halt = haltDeleted(f.tp, -1)
	} else {
		input, err := s.store.Input(name)
		var changed *state.InputChangedError
		switch {
		case errors.As(err, &changed):
			f.halt = s.t.inputChanged(f, changed)
		case err != nil:
			return err
		}
		f.input = input
	}
	f.renamed = f.halt != nil
	for _, p := range positions {
		if f.halt == nil && p.Input == f.input || f.halt != nil && p.Name.Source == name.Source && p.Name.Topic == name.Topic && p.Name.Partition == name.Partition {
			f.input, f.next, f.epoch, f.bound = p.Input, p.Next, p.LeaderEpoch, p.Bound
		}
	}
	if f.halt != nil {
		f.halt.From, f.halt.Since = f.next, s.t.engine.opt.Now()
	}
	return nil
}

// name is what state calls the route's input in partition p.
func (r *route) name(plan *catalog.Plan, p int32, incarnation int) state.InputName {
	source := plan.Sources[r.source].ID
	switch r.kind {
	case fileFeed:
		return state.InputName{Source: source, Topic: r.file.name, TopicID: r.file.identity}
	case rekeyFeed:
		return state.InputName{Topic: incarnated(r.topic, incarnation), TopicID: r.info.id, Partition: p, Partitions: r.info.partitions}
	}
	return state.InputName{Source: source, Topic: incarnated(r.topic, incarnation), TopicID: r.info.id, Partition: p, Partitions: r.info.partitions}
}

// inputChanged says what it means that an input is not what the store has read.
func (t *subjectType) inputChanged(f *feed, c *state.InputChangedError) *Halt {
	var h *Halt
	switch {
	case f.kind == fileFeed:
		h = &Halt{State: HaltedGap, From: -1, To: -1, Reason: fmt.Sprintf("file %s is not the one that the state has read: its size or its first bytes differ", f.file.path),
			Remedy: "put the file back, or start with --rebuild"}
	case c.Stored.TopicID != c.Got.TopicID:
		h = haltRecreated(f.tp)
	default:
		h = haltPartitions(f.tp.topic, c.Stored.Partitions, c.Got.Partitions)
	}
	return h
}

// add makes an opened shard one of the type's and starts its goroutine.
func (t *subjectType) add(s *shard) {
	s.publish()
	t.mu.Lock()
	t.shards[s.p] = s
	delete(t.broken, s.p)
	t.mu.Unlock()
	go s.run()
}

// shardCount is n, 0 while it is not known.
func (t *subjectType) shardCount() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// stageList returns what re-keys for the type.
func (t *subjectType) stageList() []*rekeyTopic {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.stages)
}

// list returns the shards that are here, by number.
func (t *subjectType) list() []*shard {
	t.mu.Lock()
	defer t.mu.Unlock()
	shards := make([]*shard, 0, len(t.shards))
	for _, p := range slices.Sorted(maps.Keys(t.shards)) {
		shards = append(shards, t.shards[p])
	}
	return shards
}

// shard returns shard p if it is here.
func (t *subjectType) shard(p int32) *shard {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shards[p]
}

// inform lets the group know how far a shard is durable. It only feeds tools that show lag, so it may fail.
func (t *subjectType) inform(next map[string]map[int32]kgo.EpochOffset) {
	if t.member != nil {
		t.engine.informer.tell(t, next)
	}
}

// positions are those of the shard's topics.
func (t *subjectType) positions(s *shard) map[string]map[int32]kgo.EpochOffset {
	next := make(map[string]map[int32]kgo.EpochOffset)
	for _, f := range s.feeds {
		if f.kind != fileFeed && f.next > 0 && f.halt == nil {
			if next[f.tp.topic] == nil {
				next[f.tp.topic] = make(map[int32]kgo.EpochOffset)
			}
			next[f.tp.topic][f.tp.partition] = kgo.EpochOffset{Epoch: f.epoch, Offset: f.next}
		}
	}
	return next
}
