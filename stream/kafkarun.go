package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// runKafka reads a subject type that has Kafka sources until ctx ends.
func (t *subjectType) runKafka(ctx context.Context) error {
	e := t.engine
	opts, err := e.opt.clientOptions()
	if err != nil {
		return err
	}
	admin, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("stream: open Kafka client: %w", err)
	}
	defer admin.Close()
	t.brokers = newBrokers(admin)
	lead, err := t.discover(ctx)
	if err != nil || lead == "" {
		return err
	}
	if err := t.writeMeta(); err != nil {
		return err
	}
	var topics []string
	for _, r := range t.routes {
		if r.kind != fileFeed && !r.info.missing() {
			topics = append(topics, r.topic)
		}
	}
	f, err := newFetcher(opts, t, topics)
	if err != nil {
		return err
	}
	f.hold = e.diskLow()
	t.mu.Lock()
	t.fetcher = f
	t.running = ctx
	t.mu.Unlock()

	poll, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	polled := make(chan struct{})
	go func() { f.run(poll); close(polled) }()
	defer func() { stopPolling(); <-polled }()

	defer func() {
		for _, stage := range t.stageList() {
			stage.close()
		}
	}()
	for _, r := range t.rekeys {
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	member, err := newMembership(&e.opt, groupName(&e.opt, t), lead, t)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.member = member
	t.mu.Unlock()
	t.watch(ctx)
	t.passes.Wait()
	return nil
}

// groupName is the group that shares out the shards of a subject type. It carries the plan's hash: engines with other
// definitions build another state, and must not share shards with these.
func groupName(o *Options, t *subjectType) string {
	return fmt.Sprintf("%s.%s.%s", o.GroupPrefix, t.plan.Subject, t.plan.Hash.Short())
}

// discover waits until every topic exists, finds the number of shards, makes the re-key topics and returns the lead
// topic. Lead is "" when ctx ended, or when the topics do not fit together; then the type stands still in a halt.
func (t *subjectType) discover(ctx context.Context) (lead string, err error) {
	o := &t.engine.opt
	var names []string
	for i, s := range t.plan.Sources {
		if _, overridden := o.Files[s.ID]; len(s.Topics) > 0 && !overridden {
			names = append(names, s.Topics...)
			if !direct(t.plan, i) {
				t.rekeys = append(t.rekeys, newRekeySource(t, i))
			}
		}
	}
	infos, ok := t.awaitTopics(ctx, names)
	if !ok {
		return "", nil
	}
	if halt := t.countShards(infos); halt != nil {
		halt.Since = o.Now()
		t.mu.Lock()
		t.halt = halt
		t.mu.Unlock()
		o.Logger.Error("subject type halted", "subject", t.plan.Subject, "state", string(halt.State), "reason", halt.Reason, "remedy", halt.Remedy)
		t.dirty()
		<-ctx.Done()
		return "", nil
	}
	if !t.makeRekeyTopics(ctx, infos) {
		return "", nil
	}
	// The routes are those of the sources, in the order of the plan: files first in t.routes would change the order in
	// which inputs get their numbers.
	var routes []*route
	rekeys := t.rekeys
	for i, s := range t.plan.Sources {
		switch _, overridden := o.Files[s.ID]; {
		case len(s.Topics) == 0 || overridden:
			for _, r := range t.routes {
				if r.source == i {
					routes = append(routes, r)
				}
			}
		case len(rekeys) > 0 && rekeys[0].source == i:
			r := &route{kind: rekeyFeed, source: i, topic: rekeys[0].target, info: infos[rekeys[0].target], rekey: rekeys[0], sources: make(map[string]topicInfo)}
			for _, topic := range s.Topics {
				info := infos[topic]
				info.partitions = max(info.partitions, int32(len(t.begunPartitions(topic)))) // gone, or read before
				r.sources[topic] = info
			}
			routes = append(routes, r)
			rekeys = rekeys[1:]
		default:
			for _, topic := range s.Topics {
				routes = append(routes, &route{kind: directFeed, source: i, topic: topic, info: infos[topic]})
				if lead == "" && !infos[topic].missing() {
					lead = topic
				}
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.routes, t.count, t.waiting = routes, t.n, ""
	t.feedOf = make(map[string]int)
	for i, r := range routes {
		if r.kind == fileFeed {
			continue
		}
		t.feedOf[r.topic] = i
		if lead == "" && !r.info.missing() {
			lead = r.topic
		}
	}
	if lead == "" {
		t.waiting = "every topic of the subject type was deleted"
	}
	return lead, nil
}

// awaitTopics asks for the topics until all are there.
func (t *subjectType) awaitTopics(ctx context.Context, names []string) (map[string]topicInfo, bool) {
	o := &t.engine.opt
	said := ""
	for {
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		infos, err := t.brokers.topics(limited, names...)
		cancel()
		waiting := ""
		if err != nil {
			waiting = "the brokers do not answer: " + err.Error()
		}
		for _, name := range names {
			if info := infos[name]; err == nil && info.missing() && len(t.begunPartitions(name)) > 0 {
				// It was read before and is gone: what it fed is halted, and the others go on.
			} else if err == nil && info.missing() {
				waiting = fmt.Sprintf("topic %s does not exist: create it, or correct the source", name)
			} else if err == nil && info.err != nil {
				waiting = fmt.Sprintf("topic %s can't be read yet: %v", name, info.err)
			}
		}
		if waiting == "" {
			return infos, true
		}
		if ctx.Err() != nil {
			return nil, false
		}
		if waiting != said {
			said = waiting
			o.Logger.Warn("waiting for the sources", "subject", t.plan.Subject, "reason", waiting)
		}
		t.mu.Lock()
		t.waiting, t.unreachable = waiting, err != nil
		t.mu.Unlock()
		t.dirty() // so that there are results, without data, to look at
		if wait(ctx, o.WatchEvery) != nil {
			return nil, false
		}
	}
}

// countShards finds the number of shards: that of the state, else that of the direct topics, which must agree, else the
// option's. A topic with another count than the state's is halted where it is read.
func (t *subjectType) countShards(infos map[string]topicInfo) *Halt {
	t.n = t.meta.Shards
	first := ""
	for i, s := range t.plan.Sources {
		if !direct(t.plan, i) || len(s.Topics) == 0 {
			continue
		}
		for _, topic := range s.Topics {
			info, ok := infos[topic]
			if !ok || info.missing() {
				continue // read from files instead, or gone
			}
			switch {
			case first == "":
				first = topic
				if t.n == 0 {
					t.n = info.partitions
				}
			case info.partitions != infos[first].partitions && t.meta.Shards == 0:
				return haltCopartition(topic, info.partitions, first, infos[first].partitions)
			}
		}
	}
	if t.n == 0 {
		t.n = t.engine.opt.Rekey.Partitions
	}
	return nil
}

// makeRekeyTopics creates the re-key topics that are not there. It tries until it has them; false: ctx ended before.
func (t *subjectType) makeRekeyTopics(ctx context.Context, infos map[string]topicInfo) bool {
	o := &t.engine.opt
	read := len(infos)
	for i, r := range t.rekeys {
		for {
			info, err := t.brokers.ensureTopic(ctx, r.target, t.n, o.Rekey)
			if err == nil && info.err == nil {
				if i == 0 && t.meta.Shards == 0 && len(t.rekeys) == read {
					t.n = info.partitions // made by an earlier run with other options
				}
				infos[r.target] = info
				break
			}
			if err == nil {
				err = info.err
			}
			if ctx.Err() != nil {
				return false
			}
			o.Logger.Warn("waiting for a re-key topic", "subject", t.plan.Subject, "topic", r.target, "err", err)
			t.mu.Lock()
			t.waiting = fmt.Sprintf("re-key topic %s can't be made yet: %v; it may also be created by hand, with %d partitions", r.target, err, t.n)
			t.mu.Unlock()
			if wait(ctx, o.WatchEvery) != nil {
				return false
			}
		}
	}
	return true
}

// assigned implements owner: it opens the shards. The watch starts their feeds, once their positions are compared with
// the logs.
func (t *subjectType) assigned(ctx context.Context, ps []int32) {
	t.life.Lock()
	defer t.life.Unlock()
	if t.closed {
		return
	}
	var open []int32
	for _, p := range ps {
		if p < t.n && t.shard(p) == nil {
			open = append(open, p)
		}
	}
	shards, err := t.openAll(ctx, open)
	if err != nil {
		t.engine.fail(err)
		return
	}
	if running := t.running; len(shards) > 0 {
		t.passes.Go(func() {
			if err := t.readFiles(running, shards); err != nil && running.Err() == nil && !errors.Is(err, errStopped) {
				t.engine.fail(err)
			}
		})
	}
	signal(t.look)
}

// revoked implements owner: what was applied is committed and durable before the group gives the shards to another.
func (t *subjectType) revoked(ctx context.Context, ps []int32) {
	if t.leadGone(ctx) {
		// The topic was deleted, not handed over: the shards stay, halted, and their numbers with them.
		signal(t.look)
		return
	}
	t.drop(ps, true)
}

// lost implements owner: somebody else may have the shards already, so nothing more is written.
func (t *subjectType) lost(ctx context.Context, ps []int32) {
	if t.leadGone(ctx) {
		signal(t.look)
		return
	}
	t.drop(ps, false)
}

// leadGone says whether the lead topic is no longer the one that the shards were opened for.
func (t *subjectType) leadGone(ctx context.Context) bool {
	member := t.membership()
	if member == nil {
		return false
	}
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	infos, err := t.brokers.topics(limited, member.lead)
	if err != nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return infos[member.lead].missing() || infos[member.lead].err == nil && infos[member.lead].id != t.routes[t.feedOf[member.lead]].info.id
}

// drop closes shards.
func (t *subjectType) drop(ps []int32, keep bool) {
	t.life.Lock()
	defer t.life.Unlock()
	for _, p := range ps {
		s := t.shard(p)
		if s == nil {
			continue
		}
		s.close(keep)
		t.mu.Lock()
		delete(t.shards, p)
		t.mu.Unlock()
	}
	t.dirty()
}

// receive implements receiver.
func (t *subjectType) receive(tp topicPartition, generation uint64, records []*kgo.Record, bytes int64) bool {
	s, feed := t.find(tp)
	return s != nil && s.inbox.push(delivery{feed: feed, generation: generation, records: records, bytes: bytes})
}

// unreadable implements receiver.
func (t *subjectType) unreadable(tp topicPartition, generation uint64, h *Halt) {
	if s, feed := t.find(tp); s != nil {
		s.inbox.push(delivery{feed: feed, generation: generation, halt: h})
	}
}

// full implements receiver.
func (t *subjectType) full(tp topicPartition) bool {
	s, _ := t.find(tp)
	return s != nil && s.inbox.isFull()
}

// find returns the shard that reads a partition, and its feed.
func (t *subjectType) find(tp topicPartition) (*shard, int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.shards[tp.partition], t.feedOf[tp.topic]
}
