package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Most of the state lies outside the Go heap, so that what is in it is small and soon garbage; collecting it whenever it has
// doubled, as Go does, takes a tenth of the processor for little. The collector waits longer here, while that costs no
// more than heapRoom; a heap that is large by itself is collected as Go does.
const (
	heapRoom   = 450 << 20 // bytes
	laxPercent = 300
	goPercent  = 100
)

// collectorPercent is how much a heap with so many live bytes may grow before it is collected, in percent of them.
func collectorPercent(live uint64) int {
	return int(min(max(heapRoom*100/max(live, 1), goPercent), laxPercent))
}

// paceCollector keeps the collector at collectorPercent until the context ends. GOGC in the environment decides instead,
// where it is set.
func paceCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := laxPercent
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		// Setting it stops all goroutines for a moment: not for small steps.
		if want := collectorPercent(live[0].Value.Uint64()); max(want-percent, percent-want) > 10 || want == goPercent && percent != want {
			percent = want
			debug.SetGCPercent(percent)
		}
	}
}
