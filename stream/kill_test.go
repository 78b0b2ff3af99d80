package stream

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// TestKillsChangeNothing kills the engine at random moments, each time losing a random part of what was not synced,
// while records come in: the cells are those of the files all the same. Every other seed has a ceiling of memory under which
// nothing stays decoded.
func TestKillsChangeNothing(t *testing.T) {
	for seed := range uint64(12) {
		for name, set := range map[string]*catalog.Set{
			"direct": directShop(t), "rekeyed": rekeyedShop(t),
			"mixed": shopSet(t, "kafka: {topic: exposures}", fmt.Sprintf(directSources, "orders")),
		} {
			exposures, purchases := shopLog(seed+100, 150, 600)
			want := cellsOf(oracle(t, exposures, purchases))
			t.Run(fmt.Sprintf("%s/seed=%d", name, seed), func(t *testing.T) {
				inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
					rng := rand.New(rand.NewPCG(seed, 2))
					fs := vfs.NewCrashableMem()
					x, o := exposures, purchases
					kills := 0
					for {
						opt := w.options(fs)
						opt.BatchRows = 1 + rng.IntN(200)
						opt.CommitEvery = time.Duration(10+rng.IntN(500)) * time.Millisecond
						opt.DurableEvery = time.Duration(10+rng.IntN(1500)) * time.Millisecond
						memory := int64(0)
						if seed%2 == 1 {
							// Next to nothing: subjects are written, forgotten and read again all the time, and ids go to their rows.
							opt.CacheSubjects, memory = 2, 4096
						}
						r := startWith(t, set, opt, memory)
						for range rng.IntN(4) {
							nx, no := rng.IntN(len(x)+1), rng.IntN(len(o)+1)
							w.produce("exposures", name == "direct", x[:nx])
							w.produce("orders", name != "rekeyed", o[:no])
							x, o = x[nx:], o[no:]
							time.Sleep(time.Duration(rng.IntN(900)) * time.Millisecond) // virtual
						}
						if kills++; kills > 5 {
							w.produce("exposures", name == "direct", x)
							w.produce("orders", name != "rekeyed", o)
							r.read("exposures", int64(len(exposures)))
							r.read("orders", int64(len(purchases)))
							res := r.result()
							balanced(t, res)
							if got := cellsOf(res); got != want {
								t.Errorf("after %d kills\n%s\nfiles give\n%s", kills-1, got, want)
							}
							r.stop()
							return
						}
						clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 10, 50, 100}[rng.IntN(4)], RNG: rng})
						r.abandon.Store(true)
						r.stop()
						fs = clone
					}
				})
			})
		}
	}
}
