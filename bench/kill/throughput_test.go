package kill

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemark/tidemark/bench/process"
	"github.com/tidemark/tidemark/bench/workload"
)

// BenchmarkCatchUp fills the topics first and times the program from its start to the end of the log.
func BenchmarkCatchUp(b *testing.B) {
	for range b.N {
		broker := process.FakeBroker(b)
		createTopics(b, broker.Addr())
		r := round{events: 500_000, seed: 1}
		if err := produce(context.Background(), broker.Addr(), r, new(atomic.Int64), new(atomic.Int64), 0); err != nil {
			b.Fatal(err)
		}
		_, ends := readLog(b, broker.Addr())
		e := process.New(b, workload.Definitions, broker.Addr(), "--no-results-topic")
		began := time.Now()
		e.Start()
		e.Results([]string{"ranking", "pricing"}, ends, 5*time.Minute)
		b.ReportMetric(float64(total64(ends))/time.Since(began).Seconds(), "events/s")
	}
}
