package stream

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Slabs come back from the client once all of their records are recycled, and what was kept of a record is not touched
// by the records after it. sync.Pool may drop what it is given (the race detector makes it), so the slabs are counted here.
func TestRecordsAreReadIntoSlabsAgain(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	producer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	pool := &countedPool{}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.WithPools(pool),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{"t": {0: kgo.NewOffset().At(0)}}))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	type kept struct{ key, value []byte }
	var all []kept
	for round := range 5 {
		var batch []*kgo.Record
		for i := range 40 - round { // smaller ones fit into the slab of the first
			n := len(all) + i
			batch = append(batch, &kgo.Record{Topic: "t", Key: fmt.Append(nil, "k", n), Value: fmt.Append(nil, "v", n)})
		}
		if err := producer.ProduceSync(ctx, batch...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for want := len(all) + len(batch); len(all) < want; {
			fetches := consumer.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatal(err)
			}
			for _, r := range fetches.Records() {
				all = append(all, kept{r.Key, r.Value})
				r.Recycle()
			}
		}
	}
	for i, k := range all {
		if string(k.key) != fmt.Sprint("k", i) || string(k.value) != fmt.Sprint("v", i) {
			t.Fatalf("record %d is %s %s", i, k.key, k.value)
		}
	}
	if pool.given == 0 || pool.given != pool.back {
		t.Errorf("%d slabs were given and %d came back", pool.given, pool.back)
	}
	small := recordPool{}
	small.PutRecords(make([]kgo.Record, 3))
	if got := small.GetRecords(5); len(got) != 5 {
		t.Errorf("a slab of %d records where 5 are asked for", len(got))
	}
}

type countedPool struct {
	recordPool
	given, back int // the client fills one fetch at a time, and hands it over before
}

func (p *countedPool) GetRecords(n int) []kgo.Record {
	p.given++
	return p.recordPool.GetRecords(n)
}

func (p *countedPool) PutRecords(slab []kgo.Record) {
	p.back++
	p.recordPool.PutRecords(slab)
}
