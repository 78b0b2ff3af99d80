package stream

import (
	"fmt"
	"sort"
	"time"
)

// Status says what the engine is doing. It may be called from any goroutine, before and after Run too.
func (e *Engine) Status() Status {
	s := Status{State: Running, Healthy: true, Ready: true, AsOf: e.opt.Now().UTC(), Started: e.started}
	if d := e.disk.status.Load(); d != nil {
		s.Disk = *d
	}
	b := statusBuilder{e: e, status: &s, sources: make(map[string]*SourceStatus), low: forever}
	for _, t := range e.types {
		b.add(t)
	}
	b.finish()
	return s
}

// statusBuilder adds subject types up.
type statusBuilder struct {
	e       *Engine
	status  *Status
	sources map[string]*SourceStatus
	low     int64 // the smallest clock
	words   map[State]bool
}

func (b *statusBuilder) reason(state State, format string, args ...any) {
	if b.words == nil {
		b.words = make(map[State]bool)
	}
	b.words[state] = true
	b.status.Ready = false
	b.status.Reasons = append(b.status.Reasons, string(state)+": "+fmt.Sprintf(format, args...))
}

func (b *statusBuilder) add(t *subjectType) {
	for _, source := range t.plan.Sources {
		if b.sources[source.ID] == nil {
			b.sources[source.ID] = &SourceStatus{ID: source.ID}
		}
	}
	t.mu.Lock()
	halt, waiting, unreachable, n := t.halt, t.waiting, t.unreachable, int(t.count)
	rebuild := t.rebuild
	broken := make(map[int32]*Halt, len(t.broken))
	for p, h := range t.broken {
		broken[p] = h
	}
	t.mu.Unlock()
	shards := t.list()
	switch {
	case halt != nil:
		b.reason(halt.State, "%s; %s", halt.Reason, halt.Remedy)
	case waiting != "" && unreachable:
		b.reason(Degraded, "%s", waiting)
	case waiting != "":
		b.reason(Waiting, "%s", waiting)
	case n == 0 || len(shards)+len(broken) == 0:
		b.reason(Starting, "subject type %s has no shards yet", t.plan.Subject)
	case !t.caught.Load():
		b.reason(Restoring, "subject type %s is reading what the logs held at the start", t.plan.Subject)
	}
	for p, h := range broken {
		b.reason(h.State, "shard %s/%d: %s; %s", t.plan.Subject, p, h.Reason, h.Remedy)
		b.status.Shards = append(b.status.Shards, ShardStatus{Subject: t.plan.Subject, Shard: p, State: h.State})
		b.low = never
	}
	for _, s := range shards {
		b.addShard(t, s)
	}
	for _, stage := range t.stageList() {
		for _, w := range stage.list() {
			b.addWorker(t, stage, w.latest.Load())
		}
		for _, v := range stage.ghosts() {
			b.addWorker(t, stage, v)
		}
	}
	if rebuild != nil && !rebuild.swapped.Load() {
		b.addRebuild(t, rebuild, shards)
	}
}

func (b *statusBuilder) addShard(t *subjectType, s *shard) {
	v := s.latest.Load()
	b.low = min(b.low, v.clock)
	st := ShardStatus{Subject: t.plan.Subject, Shard: s.p, State: b.stateOf(t, v.caughtUp()), Watermark: microTime(v.clock), QueuedBytes: s.inbox.queued(), Subjects: v.subjects,
		Committed: timePointer(v.commits.committed), Durable: timePointer(v.commits.durable)}
	if v.halt != nil {
		st.State = v.halt.State
		b.reason(v.halt.State, "shard %s/%d: %s; %s", t.plan.Subject, s.p, v.halt.Reason, v.halt.Remedy)
	}
	b.status.Shards = append(b.status.Shards, st)
	for i := range v.feeds {
		f := &v.feeds[i]
		id := t.plan.Sources[f.source].ID
		p := PartitionStatus{Source: id, Subject: t.plan.Subject, Topic: f.tp.topic, Partition: s.p, File: f.file.name, State: b.stateOf(t, true),
			Position: f.next, End: f.end, Bound: microTime(f.bound), Halt: f.halt}
		switch {
		case f.halt != nil:
			p.State = f.halt.State
			if v.halt == nil {
				b.reason(f.halt.State, "%s of source %s: %s; %s", f.tp, id, f.halt.Reason, f.halt.Remedy)
			}
		case f.ended:
			p.State = Done
		case f.kind == fileFeed:
			p.State = Restoring
		case !f.reading:
			p.State = Starting
		case f.end < 0 || f.next < f.end:
			if !t.caught.Load() {
				p.State = Restoring
			}
		}
		b.lag(&p, f)
		src := b.sources[id]
		src.Storm = src.Storm || f.storm
		if f.kind != rekeyFeed {
			b.count(src, &p, f)
		}
		b.status.Partitions = append(b.status.Partitions, p)
	}
	if v.ledger != nil {
		for i := range v.ledger.Sources {
			b.sources[t.plan.Sources[i].ID].Rejected += v.ledger.Sources[i].Rejected
		}
	}
}

// addWorker adds a partition of a source that is re-keyed: it is where the source's records are counted, and its lag is
// the source's.
func (b *statusBuilder) addWorker(t *subjectType, rt *rekeyTopic, f *feedView) {
	id := t.plan.Sources[rt.r.source].ID
	p := PartitionStatus{Source: id, Subject: t.plan.Subject, Topic: f.tp.topic, Partition: f.tp.partition, State: b.stateOf(t, true),
		Position: f.next, End: f.end, Bound: microTime(f.bound), Halt: f.halt}
	switch {
	case f.halt != nil:
		p.State = f.halt.State
		b.reason(f.halt.State, "%s of source %s: %s; %s", f.tp, id, f.halt.Reason, f.halt.Remedy)
	case !f.reading:
		p.State = Starting
	}
	b.lag(&p, f)
	b.count(b.sources[id], &p, f)
	b.status.Partitions = append(b.status.Partitions, p)
}

// lag is how far a partition is behind its log's end, in records and, once it is, in the age of what it read last.
func (b *statusBuilder) lag(p *PartitionStatus, f *feedView) {
	if p.Topic == "" || f.end < 0 {
		return
	}
	p.LagRecords = max(0, f.end-f.next)
	if p.LagRecords > 0 && f.newest > 0 {
		p.LagSeconds = max(0, b.status.AsOf.Sub(time.UnixMicro(f.newest)).Seconds())
	}
}

func (b *statusBuilder) count(s *SourceStatus, p *PartitionStatus, f *feedView) {
	s.Records += f.records
	s.LagRecords += p.LagRecords
	s.LagSeconds = max(s.LagSeconds, p.LagSeconds)
	if f.newest > 0 && (s.Newest == nil || f.newest > s.Newest.UnixMicro()) {
		s.Newest = microTime(f.newest)
	}
}

// stateOf is the word for something that is not halted itself.
func (b *statusBuilder) stateOf(t *subjectType, caught bool) State {
	switch {
	case b.status.Disk.Low:
		return ReadOnlyDisk
	case !caught && !t.caught.Load():
		return Restoring
	}
	return Running
}

func (b *statusBuilder) addRebuild(t *subjectType, rebuild *rebuild, shards []*shard) {
	r := &RebuildStatus{Subject: t.plan.Subject, PartialSince: rebuild.partial.Load()}
	var done, all int64
	for _, s := range shards {
		for _, f := range s.latest.Load().feeds {
			if f.end > 0 {
				done, all = done+min(f.next, f.end), all+f.end
			}
		}
	}
	if all > 0 {
		r.Progress = float64(done) / float64(all)
	}
	b.status.Rebuild = r
	if r.PartialSince != nil {
		b.reason(Restoring, "the rebuilt state of %s is partial since %s and waits to be accepted", t.plan.Subject, r.PartialSince.Format(time.RFC3339))
	} else {
		b.reason(Restoring, "the state of %s is being rebuilt: %.0f %%", t.plan.Subject, 100*r.Progress)
	}
}

// finish picks the engine's own word: the one that most needs somebody.
func (b *statusBuilder) finish() {
	s := b.status
	if s.Disk.Low {
		b.reason(ReadOnlyDisk, "%d bytes are free below the data directory, the low-water mark is %d: fetching is paused", s.Disk.Free, s.Disk.LowWater)
	}
	for _, word := range []State{HaltedCorrupt, HaltedGap, HaltedRekey, HaltedRejects, ReadOnlyDisk, Degraded, Waiting, Starting, Restoring} {
		if b.words[word] {
			s.State = word
			break
		}
	}
	s.Watermark = microTime(b.low)
	for _, src := range b.sources {
		src.PerSecond = b.e.rates.of(src.ID, src.Records, s.AsOf)
		s.Sources = append(s.Sources, *src)
	}
	sort.Slice(s.Sources, func(i, j int) bool { return s.Sources[i].ID < s.Sources[j].ID })
	sort.Strings(s.Reasons)
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
