package contract

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Ends are the topic's log ends by partition.
func Ends(ctx context.Context, brokers, topic string) ([]int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return EndsBy(ctx, kadm.NewClient(client), topic)
}

// EndsBy is Ends with a client that is open.
func EndsBy(ctx context.Context, admin *kadm.Client, topic string) ([]int64, error) {
	listed, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := make([]int64, len(listed[topic]))
	for partition, o := range listed[topic] {
		if o.Err != nil || int(partition) >= len(ends) {
			return nil, fmt.Errorf("contract: end of %s/%d: %w", topic, partition, o.Err)
		}
		ends[partition] = o.Offset
	}
	return ends, nil
}

// Consume reads a topic from its start to its ends as they are, with the fetch settings of the engine, and hands over the
// records of one partition at a time. They may be kept only if the client was not given pools.
func Consume(ctx context.Context, t Task, take func([]*kgo.Record), opts ...kgo.Opt) error {
	ends, err := Ends(ctx, t.Brokers, t.Topic)
	if err != nil {
		return err
	}
	from, left := map[int32]kgo.Offset{}, int64(0)
	for partition, end := range ends {
		from[int32(partition)] = kgo.NewOffset().At(0)
		left += end
	}
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(t.Brokers), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.Topic: from}),
		kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(1<<20))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("contract: consume %s with %d records to go: %w", t.Topic, left, err)
		}
		fetches.EachError(func(_ string, p int32, e error) { err = fmt.Errorf("contract: consume %s/%d: %w", t.Topic, p, e) })
		if err != nil {
			return err
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			left -= int64(len(p.Records))
			take(p.Records)
		})
	}
	return nil
}
