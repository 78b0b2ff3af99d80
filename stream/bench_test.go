package stream

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// cpu is the CPU time of the process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkEngine reads a log that is there already, from the broker in the process (whose CPU is in the figures) to
// exact cells. Records per second are of the wall clock.
func BenchmarkEngine(b *testing.B) {
	for _, c := range []struct {
		kind     string
		subjects int
	}{{"direct", 100_000}, {"rekeyed", 100_000}} {
		b.Run(fmt.Sprintf("%s/subjects=%d", c.kind, c.subjects), func(b *testing.B) {
			const records = 400_000
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(b.TempDir()), kfake.SeedTopics(4, "exposures", "orders"))
			if err != nil {
				b.Fatal(err)
			}
			defer cluster.Close()
			client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.MaxBufferedRecords(100_000))
			if err != nil {
				b.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			zipf := rand.NewZipf(rng, 1.1, 1, uint64(c.subjects-1))
			at := time.Unix(shopStart+900, 0)
			send := func(topic, user, line string) {
				r := &kgo.Record{Topic: topic, Value: []byte(line), Key: []byte(user), Timestamp: at}
				if c.kind == "rekeyed" {
					r.Key = nil
				}
				client.Produce(context.Background(), r, func(_ *kgo.Record, err error) {
					if err != nil {
						b.Error(err)
					}
				})
			}
			for i := range c.subjects {
				user := fmt.Sprintf("u%d", i)
				send("exposures", user, fmt.Sprintf(`{"user_id":%q,"variant":%q,"platform":%q,"ts":%d}`, user, []string{"control", "treatment"}[i%2], []string{"ios", "android", "web"}[i%3], shopStart))
			}
			for i := range records {
				user := fmt.Sprintf("u%d", zipf.Uint64())
				send("orders", user, fmt.Sprintf(`{"user_id":%q,"order_id":"o%d","total":%d.%02d,"ts":%d,"basket":{"items":[1,2,3],"voucher":null},"page":"https://shop.example/checkout/thanks"}`, user, i, rng.IntN(300), rng.IntN(100), shopStart+rng.IntN(800)))
			}
			if err := client.Flush(context.Background()); err != nil {
				b.Fatal(err)
			}
			client.Close()
			set := directShop(b)
			if c.kind == "rekeyed" {
				set = rekeyedShop(b)
			}
			for b.Loop() {
				runtime.GC()
				began, used := time.Now(), cpu()
				e, err := New(set, Options{Dir: b.TempDir(), Brokers: cluster.ListenAddrs(), Logger: quietLog(), InstanceID: fmt.Sprint(began.UnixNano()), GroupPrefix: fmt.Sprint(began.UnixNano()), DiskLow: -1, Rekey: RekeyOptions{Partitions: 4}})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- e.Run(ctx) }()
				for {
					time.Sleep(20 * time.Millisecond)
					s := e.Status()
					if len(s.Sources) == 2 && s.Ready && s.Sources[0].Records+s.Sources[1].Records >= int64(records+c.subjects) {
						break
					}
				}
				took, used := time.Since(began), cpu()-used
				r, err := e.Results(ctx, "landing", results.Slices{})
				if err != nil || r.Ledger.Records["orders"].Read != records {
					b.Fatalf("%v, %+v", err, r)
				}
				n := float64(records + c.subjects)
				b.ReportMetric(n/took.Seconds(), "records/s")
				b.ReportMetric(float64(used.Nanoseconds())/n, "cpu-ns/record")
				cancel()
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
