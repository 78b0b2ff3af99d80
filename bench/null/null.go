// Package null is the floor under Tidemark's figures: it consumes the topic and decodes every record with the engine's own
// decoder and definitions, and keeps nothing. Records go to as many decoders as there are cores, by partition, as the
// engine's shards do. Its one result is that every record gave an event.
package null

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/decode"
)

// Run does one run.
func Run(ctx context.Context, t contract.Task) (contract.Report, error) {
	r := contract.Report{Peer: "null"}
	set, diagnostics := catalog.Load(t.Definitions)
	if set == nil {
		return r, fmt.Errorf("null: %s: %v", t.Definitions, diagnostics)
	}
	plans, err := set.Plans()
	if err != nil {
		return r, err
	}
	type shard struct {
		in     chan []*kgo.Record
		events int64
	}
	shards := make([]shard, runtime.GOMAXPROCS(0))
	var group errgroup.Group
	for i := range shards {
		shards[i].in = make(chan []*kgo.Record, 8)
		decoder, err := decode.New(plans[0], 0, &dictionary{ids: map[string]uint32{}}, decode.Options{})
		if err != nil {
			return r, err
		}
		group.Go(func() error {
			var out decode.Outcome
			bound := map[int32]int64{}
			for records := range shards[i].in {
				for _, k := range records {
					at := k.Timestamp.UnixMicro()
					bound[k.Partition] = max(bound[k.Partition], at)
					decoder.Decode(decode.Record{Offset: k.Offset, Timestamp: at, Bound: bound[k.Partition], Key: k.Key, Value: k.Value}, &out)
					for e := range out.Events {
						if out.Events[e].Verdict == decode.Accepted {
							shards[i].events++
						}
					}
				}
			}
			return nil
		})
	}
	began, cpu := time.Now(), contract.CPU()
	err = contract.Consume(ctx, t, func(records []*kgo.Record) {
		r.Events += int64(len(records))
		shards[int(records[0].Partition)%len(shards)].in <- records
	})
	var events int64
	for i := range shards {
		close(shards[i].in)
	}
	if err := group.Wait(); err != nil {
		return r, err
	}
	for i := range shards {
		events += shards[i].events
	}
	r.WallNS, r.CPUNS = time.Since(began).Nanoseconds(), (contract.CPU() - cpu).Nanoseconds()
	if u, err := contract.UsageOf(os.Getpid()); err == nil {
		r.RSS = u.Peak
	}
	if err == nil && events != r.Events {
		err = fmt.Errorf("null: %d records gave %d events, want one each", r.Events, events)
	}
	return r, err
}

// dictionary numbers texts; each decoder has its own, as each shard has.
type dictionary struct{ ids map[string]uint32 }

// ID is the number of a text.
func (d *dictionary) ID(value []byte) uint32 {
	if id, ok := d.ids[string(value)]; ok {
		return id
	}
	id := uint32(len(d.ids) + 2)
	d.ids[string(value)] = id
	return id
}
