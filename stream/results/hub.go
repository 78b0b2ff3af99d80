package results

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrClosed is returned by Next when the subscription or the hub has been closed.
var ErrClosed = errors.New("results: subscription closed")

// Update is what a subscriber gets: the latest result of one experiment, and what changed since its last Update.
type Update struct {
	Result *Result
	// Changed are the indexes into Result.Rows of the rows that are new or differ from those of the subscriber's last
	// Update of this experiment, ascending. In the first one it is every row.
	Changed []int
	// Removed are the keys (Row.Key) of rows that were there and are no more, sorted.
	Removed []string
}

// Hub keeps the latest Result of every experiment and tells subscribers. Publish never waits for a subscriber: what a
// slow one has not fetched is replaced by the newer result, and the rows changed since are added up.
//
// One mutex guards everything; nothing blocks or calls out under it.
type Hub struct {
	mu     sync.Mutex
	latest map[string]*Result
	subs   map[*Subscription]struct{}
	closed bool
}

// NewHub returns an empty hub.
func NewHub() *Hub {
	return &Hub{latest: map[string]*Result{}, subs: map[*Subscription]struct{}{}}
}

// Publish makes r the latest result of its experiment. r must not be changed afterwards.
func (h *Hub) Publish(r *Result) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	changed, removed := compare(h.latest[r.Experiment], r)
	h.latest[r.Experiment] = r
	for s := range h.subs {
		if s.wants(r.Experiment) {
			s.add(r, changed, removed)
		}
	}
}

// Latest returns the latest result of an experiment; false if there is none.
func (h *Hub) Latest(id string) (*Result, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.latest[id]
	return r, ok
}

// All returns the latest result of every experiment, by id.
func (h *Hub) All() []*Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Result, 0, len(h.latest))
	for _, r := range h.latest {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *Result) int { return compareText(a.Experiment, b.Experiment) })
	return all
}

// Subscribe returns a subscription to the experiments named, or to all if none is. What is known already is its
// first Update. The caller closes it.
func (h *Hub) Subscribe(ids ...string) *Subscription {
	s := &Subscription{hub: h, ids: slices.Clone(ids), ready: make(chan struct{}, 1), done: make(chan struct{}), pending: map[string]*pending{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(s.done)
		return s
	}
	h.subs[s] = struct{}{}
	for id, r := range h.latest {
		if s.wants(id) {
			changed, _ := compare(nil, r)
			s.add(r, changed, nil)
		}
	}
	return s
}

// Close ends all subscriptions; what they have not fetched they still get.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		delete(h.subs, s)
		close(s.done)
	}
}

// Subscription is one listener's view of a Hub. It may be used by one goroutine at a time.
type Subscription struct {
	hub   *Hub
	ids   []string
	ready chan struct{} // holds a token while pending may be non-empty
	done  chan struct{}

	// Guarded by hub.mu.
	pending map[string]*pending
	order   []string // ids in pending, oldest first
}

// pending is what a subscriber has not fetched of one experiment.
type pending struct {
	result           *Result
	changed, removed map[string]struct{} // row keys
}

func (s *Subscription) wants(id string) bool {
	return len(s.ids) == 0 || slices.Contains(s.ids, id)
}

// add is called with hub.mu held.
func (s *Subscription) add(r *Result, changed []int, removed []string) {
	p := s.pending[r.Experiment]
	if p == nil {
		p = &pending{changed: map[string]struct{}{}, removed: map[string]struct{}{}}
		s.pending[r.Experiment] = p
		s.order = append(s.order, r.Experiment)
	}
	p.result = r
	for _, i := range changed {
		k := r.Rows[i].Key()
		p.changed[k] = struct{}{}
		delete(p.removed, k)
	}
	for _, k := range removed {
		p.removed[k] = struct{}{}
		delete(p.changed, k)
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Ready receives when Take may have something.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Done is closed when the subscription or the hub is.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Take returns what has come since the last Take, one Update per experiment, without waiting.
func (s *Subscription) Take() []Update {
	s.hub.mu.Lock()
	order, taken := s.order, s.pending
	s.order, s.pending = nil, map[string]*pending{}
	s.hub.mu.Unlock()
	updates := make([]Update, 0, len(order))
	for _, id := range order {
		updates = append(updates, taken[id].update())
	}
	return updates
}

// Next waits for the next Update. It returns ctx's error, or ErrClosed after the last Update of a closed subscription.
func (s *Subscription) Next(ctx context.Context) (Update, error) {
	for {
		if u, ok := s.takeOne(); ok {
			return u, nil
		}
		select {
		case <-ctx.Done():
			return Update{}, ctx.Err()
		case <-s.ready:
		case <-s.done:
			if u, ok := s.takeOne(); ok {
				return u, nil
			}
			return Update{}, ErrClosed
		}
	}
}

func (s *Subscription) takeOne() (Update, bool) {
	s.hub.mu.Lock()
	if len(s.order) == 0 {
		s.hub.mu.Unlock()
		return Update{}, false
	}
	id := s.order[0]
	p := s.pending[id]
	s.order = s.order[1:]
	delete(s.pending, id)
	s.hub.mu.Unlock()
	return p.update(), true
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if _, ok := s.hub.subs[s]; !ok {
		return
	}
	delete(s.hub.subs, s)
	close(s.done)
	s.pending, s.order = map[string]*pending{}, nil
}

func (p *pending) update() Update {
	u := Update{Result: p.result}
	for i := range p.result.Rows {
		if _, ok := p.changed[p.result.Rows[i].Key()]; ok {
			u.Changed = append(u.Changed, i)
		}
	}
	for k := range p.removed {
		u.Removed = append(u.Removed, k)
	}
	slices.Sort(u.Removed)
	return u
}
