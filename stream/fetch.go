package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topicPartition is one partition of one topic.
type topicPartition struct {
	topic     string
	partition int32
}

func (tp topicPartition) String() string { return fmt.Sprintf("%s/%d", tp.topic, tp.partition) }

// receiver takes what a fetcher reads. Its methods are called from the fetcher's goroutine and must not wait.
type receiver interface {
	// receive takes records in log order and says whether the partition's queue is full.
	receive(tp topicPartition, generation uint64, records []*kgo.Record, bytes int64) (full bool)
	// unreadable tells that the partition can't be read any further.
	unreadable(tp topicPartition, generation uint64, halt *Halt)
	// full says whether the queue that takes the partition's records is full.
	full(tp topicPartition) bool
}

// fetcher reads partitions from offsets that the engine sets, and only those: no group, no stored offset and no reset
// decide where it reads. One goroutine polls; start, stop and drained may be called from any.
type fetcher struct {
	client *kgo.Client
	to     receiver

	mu         sync.Mutex // guards the maps; held while the client is told to pause or resume, never while delivering
	partitions map[topicPartition]*fetching
	hold       bool // disk low-water: everything is paused
}

type fetching struct {
	generation uint64
	paused     bool
}

// newFetcher has its client learn of the topics given at once: a partition that starts while the client still asks
// about its topic is looked for at any broker, and after the refusal waits for a second.
func newFetcher(opts []kgo.Opt, to receiver, topics []string) (*fetcher, error) {
	known := make(map[string]map[int32]kgo.Offset)
	for _, topic := range topics {
		known[topic] = nil
	}
	client, err := kgo.NewClient(append(append(opts, consumerOptions()...), kgo.ConsumePartitions(known), kgo.WithPools(new(recordPool)))...)
	if err != nil {
		return nil, fmt.Errorf("stream: open Kafka client: %w", err)
	}
	return &fetcher{client: client, to: to, partitions: make(map[topicPartition]*fetching)}, nil
}

// recordPool keeps the slabs in which the client hands over records: a slab of a batch comes back when each of its records
// was recycled. Nothing but the slab is used again; keys, values and headers are elsewhere.
type recordPool struct{ slabs sync.Pool }

// GetRecords implements kgo.PoolRecords.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if slab, ok := p.slabs.Get().(*[]kgo.Record); ok && cap(*slab) >= n {
		return (*slab)[:n]
	}
	return make([]kgo.Record, n)
}

// PutRecords implements kgo.PoolRecords.
func (p *recordPool) PutRecords(slab []kgo.Record) { p.slabs.Put(&slab) }

// start reads the partition from offset on. Records come with the generation given.
func (f *fetcher) start(tp topicPartition, offset int64, generation uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	part := &fetching{generation: generation}
	f.partitions[tp] = part
	f.apply(tp, part)
	f.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		tp.topic: {tp.partition: kgo.NewOffset().At(offset)},
	})
}

// stop reads the partition no more.
func (f *fetcher) stop(tp topicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	part := f.partitions[tp]
	if part == nil {
		return
	}
	delete(f.partitions, tp)
	f.client.RemoveConsumePartitions(map[string][]int32{tp.topic: {tp.partition}})
	if part.paused {
		f.client.ResumeFetchPartitions(map[string][]int32{tp.topic: {tp.partition}})
	}
}

// settle makes the client's pause fit the state of the partition's queue. The queue's own lock orders a fill against
// a drain, f.mu orders the calls: whoever comes last sees the truth.
func (f *fetcher) settle(tp topicPartition) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if part := f.partitions[tp]; part != nil {
		f.apply(tp, part)
	}
}

// apply is called with f.mu held.
func (f *fetcher) apply(tp topicPartition, part *fetching) {
	want := f.hold || f.to.full(tp)
	if want == part.paused {
		return
	}
	part.paused = want
	set := map[string][]int32{tp.topic: {tp.partition}}
	if want {
		f.client.PauseFetchPartitions(set)
	} else {
		f.client.ResumeFetchPartitions(set)
	}
}

// setHold pauses everything, or ends that pause.
func (f *fetcher) setHold(hold bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold = hold
	for tp, part := range f.partitions {
		f.apply(tp, part)
	}
}

// run polls until ctx ends.
func (f *fetcher) run(ctx context.Context) {
	for {
		fetches := f.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			tp := topicPartition{p.Topic, p.Partition}
			f.mu.Lock()
			part := f.partitions[tp]
			f.mu.Unlock()
			if part == nil {
				return
			}
			if len(p.Records) > 0 {
				bytes := int64(0)
				for _, r := range p.Records {
					bytes += recordBytes(r)
				}
				if f.to.receive(tp, part.generation, p.Records, bytes) {
					f.settle(tp)
				}
			}
			if halt := fetchHalt(tp, p.Err); halt != nil {
				f.to.unreadable(tp, part.generation, halt)
			}
		})
	}
}

func (f *fetcher) close() { f.client.Close() }

// recordBytes is what a record weighs in a queue.
func recordBytes(r *kgo.Record) int64 { return int64(len(r.Key)+len(r.Value)) + 160 }

// fetchHalt decides, in one place, what an error of reading a partition means: nil for those that the client retries by
// itself, a halt where the log itself is damaged, and a halt in the state Waiting where the watch has to look again. An
// offset out of range and an unknown topic id are of the last kind: the watch compares topic, bounds and epoch with the
// position, and either halts the partition by its right name or goes on reading at the same offset, never at another.
func fetchHalt(tp topicPartition, err error) *Halt {
	if err == nil {
		return nil
	}
	var loss *kgo.ErrDataLoss
	var large *kgo.ErrDecompressTooLarge
	var broker *kerr.Error
	again := func(reason, remedy string) *Halt {
		return &Halt{State: Waiting, From: -1, To: -1, Reason: reason, Remedy: remedy}
	}
	switch {
	case errors.As(err, &loss):
		// So it looks, too, where the topic is another one by now: the watch can tell.
		h := again(err.Error(), "the position is compared with the log")
		h.otherwise = haltTruncated(tp, loss.ConsumedTo, loss.ResetTo)
		return h
	case errors.As(err, &large):
		return haltDamagedBatch(tp, large.Offset, fmt.Sprintf("a batch unpacks to more than %d MiB", maxDecompressed>>20))
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		return again(fmt.Sprintf("the brokers do not allow reading topic %s", tp.topic), "grant Read and Describe on the topic")
	case errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID), errors.Is(err, kerr.OffsetOutOfRange):
		return again(err.Error(), "the position is compared with the log")
	case kerr.IsRetriable(err), errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		return nil
	case errors.As(err, &broker):
		return again(err.Error(), "see the broker's log if it goes on")
	}
	return haltDamagedBatch(tp, -1, err.Error())
}
