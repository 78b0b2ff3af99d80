package stream

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// owner opens and closes what a member of a group is given. Its methods are called one at a time, from the group's
// goroutine; the group waits for them.
type owner interface {
	// assigned gives partitions of the lead topic to this engine.
	assigned(ctx context.Context, partitions []int32)
	// revoked takes them away in order: what was done must be committed before it returns.
	revoked(ctx context.Context, partitions []int32)
	// lost says that they are gone already: nothing may be committed.
	lost(ctx context.Context, partitions []int32)
}

// membership is this engine's place in a consumer group that shares out shards. The group subscribes to one topic
// only, the lead topic, and its client never fetches: partition p of the lead topic stands for shard p, and whoever is
// assigned it reads partition p of every input by a fetcher. So all inputs of a shard are always at one member, with
// the brokers' ordinary cooperative-sticky balancing and no balancer of our own.
//
// The member is static (its instance id is kept in the data directory), so that an engine that is killed and started
// again takes its shards back at once, instead of after the session time-out.
type membership struct {
	client *kgo.Client
	group  string
	lead   string
	// turn is held by the commit under way: the client makes others wait too, but where no context reaches them.
	turn chan struct{}
}

func newMembership(o *Options, group, lead string, own owner) (*membership, error) {
	opts, err := o.clientOptions()
	if err != nil {
		return nil, err
	}
	list := func(m map[string][]int32) []int32 {
		ps := slices.Clone(m[lead])
		slices.Sort(ps)
		return ps
	}
	opts = append(opts,
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(lead),
		kgo.InstanceID(o.InstanceID),
		kgo.SessionTimeout(o.SessionTimeout),
		kgo.HeartbeatInterval(min(o.SessionTimeout/6, 3_000_000_000)),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		// The client must want no offset of its own, or it would report the missing ones as errors.
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			for _, ps := range at {
				for p := range ps {
					ps[p] = kgo.NewOffset().At(0)
				}
			}
			return at, nil
		}),
		kgo.OnPartitionsAssigned(func(ctx context.Context, _ *kgo.Client, m map[string][]int32) {
			if ps := list(m); len(ps) > 0 {
				own.assigned(ctx, ps)
			}
		}),
		kgo.OnPartitionsRevoked(func(ctx context.Context, _ *kgo.Client, m map[string][]int32) {
			if ps := list(m); len(ps) > 0 {
				own.revoked(ctx, ps)
			}
		}),
		kgo.OnPartitionsLost(func(ctx context.Context, _ *kgo.Client, m map[string][]int32) {
			if ps := list(m); len(ps) > 0 {
				own.lost(ctx, ps)
			}
		}),
	)
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("stream: join group %s: %w", group, err)
	}
	client.PauseFetchTopics(lead)
	return &membership{client: client, group: group, lead: lead, turn: make(chan struct{}, 1)}, nil
}

// commit tells the group how far topics have been read. Nobody resumes from it but the re-key stage; for shards it only
// feeds the tools that show lag.
func (m *membership) commit(ctx context.Context, next map[string]map[int32]kgo.EpochOffset) error {
	if len(next) == 0 {
		return nil
	}
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	var failed error
	m.client.CommitOffsetsSync(ctx, next, func(_ *kgo.Client, _ commitRequest, resp commitResponse, err error) {
		failed = commitError(resp, err)
	})
	if failed != nil {
		return fmt.Errorf("stream: commit positions to group %s: %w", m.group, failed)
	}
	return nil
}

// close leaves the client. A static member stays in the group until its session ends, so that a restart finds its
// shards still its own.
func (m *membership) close() { m.client.Close() }
