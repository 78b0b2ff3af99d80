package stream

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// TestShardsMoveBetweenEngines lets a second engine join and the first one leave: at no time is a shard at both or a
// record in two places, and in the end the one that is left has the whole, built from the log.
func TestShardsMoveBetweenEngines(t *testing.T) {
	exposures, purchases := shopLog(31, 300, 1200)
	want := cellsOf(oracle(t, exposures, purchases))
	for name, set := range map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				keyed := name == "direct"
				w.produce("exposures", keyed, exposures)
				w.produce("orders", keyed, purchases[:500])
				o := w.options(vfs.NewMem())
				o.Rekey.Partitions = 4
				a := start(t, set, o)
				a.read("orders", 500)
				o.FS = vfs.NewMem()
				b := start(t, set, o)
				b.until("has shards", func(s Status) bool { return len(s.Shards) == 2 })
				a.until("gave shards away", func(s Status) bool { return len(s.Shards) == 2 })
				owned := make(map[int32]int)
				for _, r := range []*running{a, b} {
					for _, s := range r.Status().Shards {
						owned[s.Shard]++
					}
				}
				for p := range int32(4) {
					if owned[p] != 1 {
						t.Errorf("shard %d is at %d engines", p, owned[p])
					}
				}
				w.produce("orders", keyed, purchases[500:])
				both := func() (read, subjects int64) {
					for _, r := range []*running{a, b} {
						res := r.result()
						read += res.Ledger.Records["orders"].Read
						subjects += res.Subjects["control"] + res.Subjects["treatment"] + res.Crossovers
						if res.Complete {
							t.Error("half of the shards call themselves complete")
						}
					}
					return read, subjects
				}
				for i := 0; ; i++ {
					read, subjects := both()
					if read == int64(len(purchases)) && subjects == 300 {
						break
					}
					if i == 300 {
						t.Fatalf("the two engines have %d of %d orders and %d of 300 subjects", read, len(purchases), subjects)
					}
					time.Sleep(100 * time.Millisecond) // virtual
				}
				a.stop() // a static member: its shards wait for it until its session ends
				b.until("has all shards", func(s Status) bool { return len(s.Shards) == 4 })
				b.read("orders", int64(len(purchases)))
				b.read("exposures", int64(len(exposures)))
				b.until("ready", func(s Status) bool { return s.Ready })
				res := b.result()
				if got := cellsOf(res); got != want {
					t.Errorf("after the first engine left\n%s\nfiles give\n%s", got, want)
				}
				if !res.Complete {
					t.Error("all shards are here, but the result is not complete")
				}
				b.stop()
			})
		})
	}
}

// A restart with the same instance id has its shards back at once, not after the session.
func TestRestartTakesOverAtOnce(t *testing.T) {
	exposures, purchases := shopLog(32, 100, 300)
	inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		fs := vfs.NewMem()
		for range 3 {
			r := start(t, directShop(t), w.options(fs))
			began := time.Now()
			r.until("ready", func(s Status) bool { return s.Ready })
			if took := time.Since(began); took > time.Second {
				t.Errorf("ready after %s of virtual time, want well under a second", took)
			}
			r.abandon.Store(true)
			r.stop()
		}
	})
}
