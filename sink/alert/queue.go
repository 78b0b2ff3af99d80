package alert

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"github.com/tidemark/tidemark/catalog"
)

// queue is one receiver's waiting messages in memory, without their bodies: one line per alert, of which only the
// first message may be under way, so that an alert's messages arrive in order, while a message that fails holds back
// nobody else's.
type queue struct {
	id     string
	kind   string
	sender Sender
	dest   *destination
	wake   chan struct{} // capacity 1

	mu        sync.Mutex
	lines     map[Key]*line
	heads     lineHeap // lines that have a message and none under way
	underWay  int
	waiting   int // messages, those under way included
	disabled  bool
	reason    string
	delivered []Delivery // the last ones, oldest first
	dead      []Delivery // oldest first
	failing   bool       // the last attempt failed
	counts    struct{ delivered, failed int64 }
}

// line is the messages of one alert for one receiver, in order.
type line struct {
	key      Key
	messages []*Delivery
	at       int // index in heads; -1: under way or empty
}

func newQueue(r *catalog.Receiver, sender Sender, dest *destination) *queue {
	return &queue{
		id: r.ID, kind: receiverKind(r), sender: sender, dest: dest,
		wake: make(chan struct{}, 1), lines: map[Key]*line{},
	}
}

func receiverKind(r *catalog.Receiver) string {
	switch {
	case r.Slack != nil:
		return "slack"
	case r.PagerDuty != nil:
		return "pagerduty"
	case r.Webhook != nil:
		return "webhook"
	}
	return "other"
}

// add appends a message that is already durable.
func (q *queue) add(d *Delivery) {
	q.mu.Lock()
	q.insert(d)
	q.mu.Unlock()
	q.signal()
}

// insert keeps a line in the order of seq: a replayed message takes its old place.
func (q *queue) insert(d *Delivery) {
	l := q.lines[d.Key]
	if l == nil {
		l = &line{key: d.Key, at: -1}
		q.lines[d.Key] = l
	}
	underWay := l.at < 0 && len(l.messages) > 0
	i, _ := slices.BinarySearchFunc(l.messages, d.Seq, func(m *Delivery, seq uint64) int {
		switch {
		case m.Seq < seq:
			return -1
		case m.Seq > seq:
			return 1
		}
		return 0
	})
	if underWay && i == 0 {
		i = 1 // the one under way was there first
	}
	l.messages = slices.Insert(l.messages, i, d)
	q.waiting++
	switch {
	case underWay:
	case l.at < 0:
		heap.Push(&q.heads, l)
	default:
		heap.Fix(&q.heads, l.at)
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the next message that is due, now under way, or how long to wait for one (negative: until woken).
func (q *queue) take(now time.Time, concurrency int) (*Delivery, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.disabled || len(q.heads) == 0 || q.underWay >= concurrency {
		return nil, -1
	}
	l := q.heads[0]
	d := l.messages[0]
	if wait := d.NotBefore.Sub(now); wait > 0 && wait < longestWait {
		return nil, wait
	}
	if wait := q.dest.take(now); wait > 0 {
		return nil, wait
	}
	heap.Pop(&q.heads)
	q.underWay++
	return d, 0
}

// release puts the line of d, which was under way, back: without d if it is settled. settled is what becomes of it.
func (q *queue) release(d *Delivery, settled bool) {
	q.underWay--
	l := q.lines[d.Key]
	if settled {
		l.messages = slices.DeleteFunc(l.messages, func(m *Delivery) bool { return m == d })
		q.waiting--
	}
	if len(l.messages) == 0 {
		delete(q.lines, d.Key)
		return
	}
	heap.Push(&q.heads, l)
}

// forward makes what waits for a repetition due soon: the receiver has just taken a message after failing.
func (q *queue) forward(now time.Time) {
	for _, l := range q.heads {
		d := l.messages[0]
		if n := len(d.Attempts); n > 0 {
			soon := d.Attempts[n-1].At.Add(forwardAfter)
			if soon.Before(now) {
				soon = now
			}
			if soon.Before(d.NotBefore) {
				d.NotBefore = soon
			}
		}
	}
	heap.Init(&q.heads)
}

// lineHeap orders lines by when their first message is due, then by age.
type lineHeap []*line

func (h lineHeap) Len() int { return len(h) }
func (h lineHeap) Less(i, j int) bool {
	a, b := h[i].messages[0], h[j].messages[0]
	if !a.NotBefore.Equal(b.NotBefore) {
		return a.NotBefore.Before(b.NotBefore)
	}
	return a.Seq < b.Seq
}
func (h lineHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }
func (h *lineHeap) Push(x any)   { l := x.(*line); l.at = len(*h); *h = append(*h, l) }
func (h *lineHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h, l.at = old[:len(old)-1], -1
	return l
}
