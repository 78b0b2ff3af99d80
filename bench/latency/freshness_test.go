package latency

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/client"
	"github.com/tidemark/tidemark/bench/process"
	"github.com/tidemark/tidemark/bench/workload"
)

func TestMain(m *testing.M) { process.Main(m) }

// number reads an environment variable.
func number(name string, otherwise int) int {
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		return otherwise
	}
	return n
}

// mark is one event whose way is timed.
type mark struct {
	partition string
	offset    int64
	sent      time.Time
}

// BenchmarkFreshness produces at TIDEMARK_RATE events a second (20,000) for TIDEMARK_SECONDS (30) and times one
// of each tick of 10 ms until a message of the live stream has positions beyond them.
func BenchmarkFreshness(b *testing.B) {
	rate, seconds := number("TIDEMARK_RATE", 20_000), number("TIDEMARK_SECONDS", 30)
	broker := process.RealKafka(b)
	topics(b, broker.Addr(), 8, workload.Topics...)
	engine := process.New(b, workload.Definitions, broker.Addr())
	engine.Start()
	for range b.N {
		var mu sync.Mutex
		var failed atomic.Value
		var waiting []mark
		var took []time.Duration
		ctx, cancel := context.WithCancel(context.Background())
		seen := func(positions map[string]int64, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			waiting = slices.DeleteFunc(waiting, func(m mark) bool {
				if positions[m.partition] <= m.offset {
					return false
				}
				took = append(took, at.Sub(m.sent))
				return true
			})
		}
		var followed sync.WaitGroup
		followed.Go(func() { client.Follow(ctx, engine.URL("/api/v1/experiments/ranking/live"), seen) })

		client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(0))
		if err != nil {
			b.Fatal(err)
		}
		total := rate * seconds
		g := workload.NewGenerator(1, 50_000, workload.Span/time.Duration(total))
		began := time.Now()
		const tick = 10 * time.Millisecond
		each := max(1, rate/100)
		for sent := 0; sent < total; sent += each {
			if ahead := time.Until(began.Add(time.Duration(sent/each) * tick)); ahead > 0 {
				time.Sleep(ahead)
			}
			for i := range each {
				w := g.Next()
				record := &kgo.Record{Topic: w.Topic, Key: []byte(w.Key), Value: w.Value, Timestamp: w.Timestamp}
				at := time.Now()
				client.Produce(ctx, record, func(r *kgo.Record, err error) {
					if err != nil {
						failed.Store(err)
					} else if i == each-1 { // one event of each tick is timed
						mu.Lock()
						waiting = append(waiting, mark{fmt.Sprintf("%s/%d", r.Topic, r.Partition), r.Offset, at})
						mu.Unlock()
					}
				})
			}
		}
		if err := client.Flush(ctx); err != nil {
			b.Fatal(err)
		}
		if err := failed.Load(); err != nil {
			b.Fatal(err)
		}
		lasted := time.Since(began)
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			mu.Lock()
			left := len(waiting)
			mu.Unlock()
			if left == 0 {
				break
			}
		}
		cancel()
		followed.Wait()
		client.Close()
		if len(waiting) > 0 {
			b.Errorf("%d of %d marked events never showed", len(waiting), len(waiting)+len(took))
		}
		report(b, took)
		b.ReportMetric(float64(total)/lasted.Seconds(), "events/s")
	}
}

// report gives the median and the tail in milliseconds.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	if len(took) == 0 {
		b.Fatal("nothing was measured")
	}
	slices.Sort(took)
	at := func(p float64) float64 {
		return float64(took[min(len(took)-1, int(p*float64(len(took))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
	b.ReportMetric(float64(len(took)), "measured")
	b.ReportMetric(0, "ns/op")
}

// topics creates topics on a broker.
func topics(tb testing.TB, addr string, partitions int32, names ...string) {
	tb.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	response, err := kadm.NewClient(client).CreateTopics(context.Background(), partitions, 1, nil, names...)
	if err != nil {
		tb.Fatal(err)
	}
	if err := response.Error(); err != nil {
		tb.Fatal(err)
	}
}
