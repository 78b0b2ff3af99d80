package stream

import (
	"context"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// delivery is what a reader hands to a shard at once: one partition's records of one fetch, or a run of rows.
type delivery struct {
	feed int // index into shard.feeds
	// generation of the feed when this was read; the shard drops what was read before the feed was moved.
	generation uint64
	records    []*kgo.Record
	rows       []row
	bytes      int64
	// halt says, after everything read before it, that the partition can't be read any further.
	halt *Halt
	// header is the header row of a CSV file.
	header []byte
	// end says that the feed, a file, ends here, and next how many rows it has.
	end  bool
	next int64
}

// inbox is the bounded queue in front of one shard. Kafka readers never wait for it: a push that fills it says so and
// the reader pauses the shard's partitions, so the queue is over its limit by at most the fetches already under way.
// File readers wait for room.
type inbox struct {
	limit int64

	mu     sync.Mutex
	items  []delivery
	bytes  int64
	full   bool // set at the limit, cleared at half of it
	closed bool

	ready chan struct{} // there may be something to pop
	room  chan struct{} // there may be room to push
}

func newInbox(limit int64) *inbox {
	return &inbox{limit: limit, ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// push adds a delivery and says whether the queue is full now. A closed inbox drops it.
func (q *inbox) push(d delivery) (full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.items = append(q.items, d)
	q.bytes += d.bytes
	if q.bytes >= q.limit {
		q.full = true
	}
	signal(q.ready)
	return q.full
}

// pushWait waits for room first. It returns an error if ctx ends before, and nil on a closed inbox.
func (q *inbox) pushWait(ctx context.Context, d delivery) error {
	for {
		q.mu.Lock()
		open := !q.full || q.closed
		q.mu.Unlock()
		if open {
			if !q.push(d) {
				signal(q.room) // one signal wakes one reader, and there is room, or nothing to wait for, for the next
			}
			return nil
		}
		select {
		case <-q.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pop takes the oldest delivery, if there is one, and says whether a full queue has drained.
func (q *inbox) pop() (d delivery, ok, drained bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return delivery{}, false, false
	}
	d = q.items[0]
	q.items[0] = delivery{}
	q.items = q.items[1:]
	if len(q.items) == 0 {
		q.items = nil
	}
	q.bytes -= d.bytes
	if q.full && q.bytes <= q.limit/2 {
		q.full, drained = false, true
		signal(q.room)
	}
	return d, true, drained
}

// isFull says whether readers should stand back.
func (q *inbox) isFull() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.full && !q.closed
}

// queued is how many bytes wait.
func (q *inbox) queued() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// close drops what waits and everything pushed later.
func (q *inbox) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.items, q.bytes = true, nil, 0
	signal(q.room)
	signal(q.ready)
}

// signal wakes the other side, who looks at the state again; one pending wake-up is enough.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
