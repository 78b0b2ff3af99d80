package stream

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// informer commits durable positions to the consumer groups, one subject type after the other, so that the tools that
// show lag have something to show. Nothing is read from there. It keeps only the latest positions, and a commit that
// fails is left for the next one.
type informer struct {
	mu    sync.Mutex
	next  map[*subjectType]map[string]map[int32]kgo.EpochOffset
	ready chan struct{}
}

func (i *informer) tell(t *subjectType, next map[string]map[int32]kgo.EpochOffset) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.next == nil {
		return // not running
	}
	all := i.next[t]
	if all == nil {
		all = make(map[string]map[int32]kgo.EpochOffset)
		i.next[t] = all
	}
	for topic, ps := range next {
		if all[topic] == nil {
			all[topic] = make(map[int32]kgo.EpochOffset)
		}
		for p, at := range ps {
			all[topic][p] = at
		}
	}
	signal(i.ready)
}

func (i *informer) run(ctx context.Context) {
	i.mu.Lock()
	i.next = make(map[*subjectType]map[string]map[int32]kgo.EpochOffset)
	i.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case <-i.ready:
		}
		i.mu.Lock()
		next := i.next
		i.next = make(map[*subjectType]map[string]map[int32]kgo.EpochOffset)
		i.mu.Unlock()
		for t, at := range next {
			member := t.membership()
			if member == nil {
				continue
			}
			limited, cancel := context.WithTimeout(ctx, 5*time.Second)
			if err := member.commit(limited, at); err != nil && ctx.Err() == nil {
				t.engine.opt.Logger.Debug("commit positions to the group", "group", member.group, "err", err)
			}
			cancel()
		}
	}
}
