package stream

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// rekeyTopic re-keys one topic of a source: a group of its own shares out the topic's partitions, and each partition
// here has a worker. It is the owner that its membership opens and closes workers through, and the receiver of its
// fetcher.
type rekeyTopic struct {
	r       *rekeySource
	topic   string
	member  *membership
	fetcher *fetcher
	cancel  context.CancelFunc
	polling sync.WaitGroup

	mu      sync.Mutex
	workers map[int32]*rekeyWorker
	closed  bool
	// producer is replaced when it has failed: an idempotent producer that could not get its id stays failed.
	producer *kgo.Client
	retired  sync.WaitGroup // producers being closed
	missing  bool           // the topic does not exist
}

// rekeyProgress is the metadata of the stage's commits: what a position means beyond its offset.
type rekeyProgress struct {
	// Bound is b of the records below the offset, in µs; TopicID tells a recreated topic.
	Bound   int64  `json:"b"`
	TopicID string `json:"topic_id"`
}

func newRekeyTopic(ctx context.Context, r *rekeySource, topic string) (*rekeyTopic, error) {
	rt := &rekeyTopic{r: r, topic: topic, workers: make(map[int32]*rekeyWorker)}
	opts, err := r.t.engine.opt.clientOptions()
	if err != nil {
		return nil, err
	}
	if rt.producer, err = rt.newProducer(); err != nil {
		return nil, err
	}
	if rt.fetcher, err = newFetcher(opts, rt, nil); err != nil {
		rt.producer.Close()
		return nil, err
	}
	rt.fetcher.hold = r.t.engine.diskLow()
	poll, cancel := context.WithCancel(context.WithoutCancel(ctx))
	rt.cancel = cancel
	rt.polling.Go(func() { rt.fetcher.run(poll) })
	if rt.member, err = newMembership(&r.t.engine.opt, r.group+groupSuffix(r, topic), topic, rt); err != nil {
		rt.close()
		return nil, err
	}
	return rt, nil
}

func (rt *rekeyTopic) newProducer() (*kgo.Client, error) {
	opts, err := rt.r.t.engine.opt.clientOptions()
	if err != nil {
		return nil, err
	}
	p, err := kgo.NewClient(append(opts, producerOptions()...)...)
	if err != nil {
		return nil, fmt.Errorf("stream: open the producer of %s: %w", rt.r.target, err)
	}
	return p, nil
}

// current is the producer to send by.
func (rt *rekeyTopic) current() *kgo.Client {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.producer
}

// renew replaces a producer that has failed. What it still had under way fails for everybody, and is sent again.
func (rt *rekeyTopic) renew(failed *kgo.Client) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.producer != failed || rt.closed {
		return // somebody else did
	}
	p, err := rt.newProducer()
	if err != nil {
		rt.r.t.engine.fail(err)
		return
	}
	rt.producer = p
	rt.retired.Go(failed.Close)
}

// groupSuffix tells the topics of a source with several apart.
func groupSuffix(r *rekeySource, topic string) string {
	if len(r.t.plan.Sources[r.source].Topics) == 1 {
		return ""
	}
	return "." + topic
}

// assigned implements owner.
func (rt *rekeyTopic) assigned(_ context.Context, ps []int32) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if rt.closed {
		return
	}
	for _, p := range ps {
		if rt.workers[p] == nil {
			w, err := newRekeyWorker(rt, p)
			if err != nil {
				rt.r.t.engine.fail(err)
				return
			}
			rt.workers[p] = w
			go w.run()
		}
	}
	signal(rt.r.t.look)
}

// revoked implements owner: the workers wait for their acknowledgements and commit.
func (rt *rekeyTopic) revoked(ctx context.Context, ps []int32) {
	if rt.gone(ctx) {
		signal(rt.r.t.look) // deleted, not handed over: the workers stay, and are halted
		return
	}
	for _, w := range rt.take(ps) {
		w.close(ctx, true)
	}
}

// lost implements owner.
func (rt *rekeyTopic) lost(ctx context.Context, ps []int32) {
	if rt.gone(ctx) {
		signal(rt.r.t.look)
		return
	}
	for _, w := range rt.take(ps) {
		w.close(ctx, false)
	}
}

// gone says whether the topic is no longer the one that the workers read.
func (rt *rekeyTopic) gone(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	infos, err := rt.r.t.brokers.topics(limited, rt.topic)
	if err != nil {
		return false
	}
	info := infos[rt.topic]
	if info.missing() {
		return true
	}
	for _, w := range rt.list() {
		if v := w.latest.Load(); info.err == nil && v.id != ([16]byte{}) && v.id != info.id {
			return true
		}
	}
	return false
}

// ghosts are the partitions that were read before and that nobody can be assigned, because the topic is gone.
func (rt *rekeyTopic) ghosts() []*feedView {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	if !rt.missing || len(rt.workers) > 0 {
		return nil
	}
	var all []*feedView
	for _, p := range rt.r.t.begunPartitions(rt.topic) {
		tp := topicPartition{rt.topic, p}
		all = append(all, &feedView{tp: tp, end: -1, bound: never, halt: haltDeleted(tp, -1)})
	}
	return all
}

// halts are those of the topic's partitions.
func (rt *rekeyTopic) halts() []*Halt {
	var all []*Halt
	for _, w := range rt.list() {
		if h := w.latest.Load().halt; h != nil {
			all = append(all, h)
		}
	}
	for _, v := range rt.ghosts() {
		all = append(all, v.halt)
	}
	return all
}

// take removes workers from the topic.
func (rt *rekeyTopic) take(ps []int32) []*rekeyWorker {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	var ws []*rekeyWorker
	for _, p := range ps {
		if w := rt.workers[p]; w != nil {
			delete(rt.workers, p)
			ws = append(ws, w)
		}
	}
	return ws
}

func (rt *rekeyTopic) list() []*rekeyWorker {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	ws := make([]*rekeyWorker, 0, len(rt.workers))
	for _, w := range rt.workers {
		ws = append(ws, w)
	}
	return ws
}

func (rt *rekeyTopic) worker(p int32) *rekeyWorker {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.workers[p]
}

// receive implements receiver.
func (rt *rekeyTopic) receive(tp topicPartition, generation uint64, records []*kgo.Record, bytes int64) bool {
	w := rt.worker(tp.partition)
	return w != nil && w.inbox.push(delivery{generation: generation, records: records, bytes: bytes})
}

// unreadable implements receiver.
func (rt *rekeyTopic) unreadable(tp topicPartition, generation uint64, h *Halt) {
	if w := rt.worker(tp.partition); w != nil {
		w.inbox.push(delivery{generation: generation, halt: h})
	}
}

// full implements receiver.
func (rt *rekeyTopic) full(tp topicPartition) bool {
	w := rt.worker(tp.partition)
	return w != nil && w.inbox.isFull()
}

// progress asks the group how far the partitions have been re-keyed.
func (rt *rekeyTopic) progress(ctx context.Context) (map[int32]kadm.OffsetResponse, error) {
	group := rt.member.group
	all, err := rt.r.t.brokers.admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, fmt.Errorf("stream: ask group %s for its progress: %w", group, err)
	}
	return all[rt.topic], nil
}

// commit tells the group how far a partition has been re-keyed.
func (rt *rekeyTopic) commit(ctx context.Context, p int32, at kgo.EpochOffset, progress rekeyProgress) error {
	text, err := json.Marshal(progress)
	if err != nil {
		return err
	}
	metadata := string(text)
	ctx = kgo.PreCommitFnContext(ctx, func(req commitRequest) error {
		for i := range req.Topics {
			for j := range req.Topics[i].Partitions {
				req.Topics[i].Partitions[j].Metadata = &metadata
			}
		}
		return nil
	})
	return rt.member.commit(ctx, map[string]map[int32]kgo.EpochOffset{rt.topic: {p: at}})
}

// parseProgress reads a commit's metadata.
func parseProgress(metadata string) (rekeyProgress, error) {
	p := rekeyProgress{Bound: never}
	if err := json.Unmarshal([]byte(metadata), &p); err != nil {
		return p, fmt.Errorf("its metadata is %q: %w", metadata, err)
	}
	return p, nil
}

func hexID(id [16]byte) string { return hex.EncodeToString(id[:]) }

func parseID(text string) (id [16]byte) {
	b, _ := hex.DecodeString(text)
	copy(id[:], b)
	return id
}

// close ends the workers with what they have acknowledged committed, then the clients.
func (rt *rekeyTopic) close() {
	rt.mu.Lock()
	rt.closed = true
	rt.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range rt.list() {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
			defer cancel()
			w.close(ctx, !rt.r.t.engine.abandon.Load())
		})
	}
	wg.Wait()
	rt.cancel()
	rt.polling.Wait()
	if rt.member != nil {
		rt.member.close()
	}
	rt.fetcher.close()
	rt.current().Close()
	rt.retired.Wait()
}
