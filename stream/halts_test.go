package stream

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kadm"
)

// deleteRecords makes a partition's log start at offset.
func (w *world) deleteRecords(topic string, partition int32, offset int64) {
	w.t.Helper()
	var os kadm.Offsets
	os.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset})
	if _, err := w.admin.DeleteRecords(context.Background(), os); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deleteTopic(topic string) {
	w.t.Helper()
	if _, err := w.admin.DeleteTopic(context.Background(), topic); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) createTopic(topic string, partitions int32) {
	w.t.Helper()
	if _, err := w.admin.CreateTopic(context.Background(), partitions, 1, nil, topic); err != nil {
		w.t.Fatal(err)
	}
	w.client.PurgeTopicsFromClient(topic)
}

func (w *world) addPartitions(topic string, n int) {
	w.t.Helper()
	if _, err := w.admin.CreatePartitions(context.Background(), n, topic); err != nil {
		w.t.Fatal(err)
	}
}

// end is where a partition's log ends.
func (w *world) end(topic string, partition int32) int64 {
	w.t.Helper()
	ends, err := w.admin.ListEndOffsets(context.Background(), topic)
	if err != nil {
		w.t.Fatal(err)
	}
	e, _ := ends.Lookup(topic, partition)
	return e.Offset
}

// halts are the halted partitions of a status by name.
func halts(s Status) map[string]State {
	m := make(map[string]State)
	for _, p := range s.Partitions {
		if p.Halt != nil {
			m[fmt.Sprintf("%s/%d", p.Topic, p.Partition)] = p.Halt.State
		}
	}
	return m
}

// TestEveryGapHaltsByName is the table of what brokers can do to a position: none of it may be silent, wherever it
// happens, and partitions that it does not concern go on.
func TestEveryGapHaltsByName(t *testing.T) {
	exposures, purchases := shopLog(21, 200, 800)
	type harm struct {
		name string
		// do it while orders/1 has unread records behind the position.
		do   func(w *world)
		want State
		// halted are the partitions of orders that must stand still.
		halted []int32
		reason string
	}
	harms := []harm{
		{"records expired unread", func(w *world) { w.deleteRecords("orders", 1, w.end("orders", 1)-1) }, HaltedGap, []int32{1}, "expired unread"},
		{"topic deleted", func(w *world) { w.deleteTopic("orders") }, HaltedGap, []int32{0, 1, 2}, "no longer exists"},
		{"topic created again", func(w *world) {
			w.deleteTopic("orders")
			w.createTopic("orders", 3)
			w.produce("orders", true, purchases) // as many records as before: the offsets are in range
		}, HaltedGap, []int32{0, 1, 2}, "deleted and created again"},
		{"topic created again, empty", func(w *world) { w.deleteTopic("orders"); w.createTopic("orders", 3) }, HaltedGap, []int32{0, 1, 2}, "deleted and created again"},
		{"partitions added", func(w *world) { w.addPartitions("orders", 2) }, HaltedRekey, []int32{0, 1, 2}, "has 5 partitions"},
	}
	for _, when := range []string{"at the start", "while running", "after a kill"} {
		for _, h := range harms {
			for _, kind := range []string{"direct", "rekeyed"} {
				if kind == "rekeyed" && h.want == HaltedRekey {
					continue // a re-keyed source may get more partitions
				}
				t.Run(when+"/"+h.name+"/"+kind, func(t *testing.T) {
					inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
						keyed := kind == "direct"
						set := directShop(t)
						if !keyed {
							set = rekeyedShop(t)
						}
						var low atomic.Bool
						fs := vfs.NewCrashableMem()
						o := w.options(fs)
						o.DiskLow = 1000
						o.FreeSpace = func(string) (uint64, uint64, error) {
							if low.Load() {
								return 10, 10_000, nil
							}
							return 9_000, 10_000, nil
						}
						w.produce("exposures", keyed, exposures)
						w.produce("orders", keyed, purchases[:400])
						r := start(t, set, o)
						r.read("orders", 400)
						switch when {
						case "while running":
							low.Store(true)
							r.until("paused", func(s Status) bool { return s.State == ReadOnlyDisk })
							time.Sleep(6 * time.Second) // virtual: a fetch under way would bring what is about to be harmed
							w.produce("orders", keyed, purchases[400:])
							h.do(w)
							low.Store(false)
						case "at the start":
							r.stop()
							w.produce("orders", keyed, purchases[400:])
							h.do(w)
							r = start(t, set, o)
						case "after a kill":
							time.Sleep(6 * time.Second) // virtual: past a durable point
							clone := fs.CrashClone(vfs.CrashCloneCfg{})
							r.abandon.Store(true)
							r.stop()
							w.produce("orders", keyed, purchases[400:])
							h.do(w)
							o.FS = clone
							r = start(t, set, o)
						}
						s := r.until("halt", func(s Status) bool {
							m := halts(s)
							for _, p := range h.halted {
								if !m[fmt.Sprintf("orders/%d", p)].Halted() {
									return false
								}
							}
							return strings.Contains(strings.Join(s.Reasons, "\n"), h.reason)
						})
						for name, state := range halts(s) {
							if state != h.want || !strings.HasPrefix(name, "orders/") {
								t.Errorf("%s is %s, want %s and only in orders", name, state, h.want)
							}
						}
						if got := len(halts(s)); got != len(h.halted) {
							t.Errorf("%d partitions halted, want %d: %v", got, len(h.halted), halts(s))
						}
						if s.State != h.want || s.Ready || !s.Healthy || !strings.Contains(strings.Join(s.Reasons, "\n"), h.reason) {
							t.Errorf("status %s, ready %v, healthy %v, reasons %q; want %s, not ready, healthy, and %q", s.State, s.Ready, s.Healthy, s.Reasons, h.want, h.reason)
						}
						// What the halt does not concern goes on.
						w.produce("exposures", keyed, []string{`{"user_id":"late comer","variant":"control","platform":"web","ts":1772500001}`})
						r.read("exposures", int64(len(exposures)+1))
						if res := r.result(); res.Complete {
							t.Error("the result says that it is complete")
						}
						r.stop()
					})
				})
			}
		}
	}
}
