package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
)

func TestStormHaltsItsPartitionOnly(t *testing.T) {
	exposures, purchases := shopLog(41, 100, 300)
	for name, set := range map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				o := w.options(vfs.NewMem())
				o.StormWindow = 1000
				r := start(t, set, o)
				w.produce("exposures", name == "direct", exposures)
				w.produce("orders", name == "direct", purchases)
				r.read("orders", int64(len(purchases)))
				var storm []string
				for i := range 3000 {
					storm = append(storm, fmt.Sprintf(`{"user_id":"u%d","order_id":`, i))
				}
				w.produce("orders", name == "direct", storm)
				s := r.until("halt", func(s Status) bool { return s.State == HaltedRejects })
				for at, state := range halts(s) {
					if !strings.Contains(at, "orders") || state != HaltedRejects {
						t.Errorf("%s is %s", at, state)
					}
				}
				read := r.result().Ledger.Records["orders"]
				if read.Rejected > 2*1000 {
					t.Errorf("%d records were rejected before the halt, want at most a window per partition", read.Rejected)
				}
				// Accepted, it goes on, and nothing is lost or counted twice.
				for range 20 {
					s := r.Status()
					if !s.State.Halted() {
						if got := r.result().Ledger.Records["orders"]; got.Read == int64(len(purchases)+len(storm)) {
							break
						}
					}
					for _, p := range s.Partitions {
						if p.Halt != nil {
							accept(t, r, p, nil)
						}
					}
					time.Sleep(2 * time.Second) // virtual
				}
				if got := r.result().Ledger.Records["orders"]; got.Read != int64(len(purchases)+len(storm)) {
					t.Errorf("after accepting: %+v of %d records; %v", got, len(purchases)+len(storm), r.Status().Reasons)
				}
				balanced(t, r.result())
				r.stop()
			})
		})
	}
}

func accept(t *testing.T, r *running, p PartitionStatus, to *int64) {
	t.Helper()
	err := Accept(r.opt.FS, r.opt.Dir, Acceptance{Subject: p.Subject, Topic: p.Topic, Partition: p.Partition, State: p.Halt.State, To: to, By: "a test", Why: "to see it go on", At: r.opt.Now()})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAcceptedGapGoesOnAndIsNamed(t *testing.T) {
	exposures, purchases := shopLog(42, 200, 600)
	for _, harm := range []string{"expired", "recreated"} {
		for name, set := range map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)} {
			t.Run(harm+"/"+name, func(t *testing.T) {
				inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
					keyed := name == "direct"
					fs := vfs.NewMem()
					w.produce("exposures", keyed, exposures)
					w.produce("orders", keyed, purchases[:300])
					r := start(t, set, w.options(fs))
					r.read("orders", 300)
					r.stop()
					want := int64(len(purchases))
					switch harm {
					case "expired":
						w.produce("orders", keyed, purchases[300:])
						w.deleteRecords("orders", 0, w.end("orders", 0)-5)
						r = start(t, set, w.options(fs))
						s := r.until("halt", func(s Status) bool { return halts(s)["orders/0"] == HaltedGap })
						for _, p := range s.Partitions {
							if p.Halt != nil {
								want -= p.Halt.To - p.Halt.From
							}
						}
					case "recreated":
						w.deleteTopic("orders")
						w.createTopic("orders", 2)
						w.produce("orders", keyed, purchases[300:])
						r = start(t, set, w.options(fs))
						r.until("halt", func(s Status) bool { return len(halts(s)) == 2 })
					}
					for _, p := range r.Status().Partitions {
						if p.Halt != nil {
							accept(t, r, p, nil)
						}
					}
					r.until("goes on", func(s Status) bool { return s.Ready })
					r.read("orders", want)
					check := func(when string) {
						res := r.result()
						if got := res.Ledger.Records["orders"].Read; got != want {
							t.Errorf("%s: %d orders read, want %d", when, got, want)
						}
						if !strings.Contains(strings.Join(res.Reasons, " "), "gap_accepted") {
							t.Errorf("%s: reasons %q do not name the gap", when, res.Reasons)
						}
						balanced(t, res)
					}
					check("after accepting")
					r.stop()
					r = start(t, set, w.options(fs))
					r.until("ready again", func(s Status) bool { return s.Ready })
					check("after a restart")
					more := []string{`{"user_id":"u1","order_id":"late","total":5,"ts":1772500500}`}
					w.produce("orders", keyed, more)
					want++
					r.read("orders", want)
					check("after more")
					r.stop()
				})
			})
		}
	}
}

func TestWronglyKeyedTopicHalts(t *testing.T) {
	exposures, purchases := shopLog(43, 100, 300)
	inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", false, purchases)
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		s := r.until("halt", func(s Status) bool { return len(halts(s)) == 3 })
		if s.State != HaltedRekey || !strings.Contains(strings.Join(s.Reasons, " "), "not keyed by the subject") {
			t.Errorf("state %s, reasons %q", s.State, s.Reasons)
		}
		r.stop()
	})
}

func TestDirectTopicsMustAgreeOnPartitions(t *testing.T) {
	inWorld(t, 3, []string{"exposures"}, func(t *testing.T, w *world) {
		w.createTopic("orders", 4)
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		s := r.until("halt", func(s Status) bool { return s.State == HaltedRekey })
		if !strings.Contains(strings.Join(s.Reasons, " "), "orders has 4 partitions and topic exposures has 3") {
			t.Errorf("reasons %q", s.Reasons)
		}
		r.stop()
	})
}

func TestMissingTopicIsWaitedFor(t *testing.T) {
	exposures, purchases := shopLog(44, 50, 100)
	inWorld(t, 2, []string{"exposures"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		s := r.until("waiting", func(s Status) bool { return s.State == Waiting })
		if s.Ready || !s.Healthy || !strings.Contains(strings.Join(s.Reasons, " "), "topic orders does not exist") {
			t.Errorf("status %+v", s)
		}
		w.createTopic("orders", 2)
		w.produce("orders", true, purchases)
		r.read("orders", int64(len(purchases)))
		r.stop()
	})
}

func TestLowDiskPausesAndResumesByItself(t *testing.T) {
	exposures, purchases := shopLog(45, 100, 400)
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		var free atomic.Uint64
		free.Store(9000)
		o := w.options(vfs.NewMem())
		o.DiskLow = 1000
		o.FreeSpace = func(string) (uint64, uint64, error) { return free.Load(), 10_000, nil }
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases[:200])
		r := start(t, directShop(t), o)
		r.read("orders", 200)
		free.Store(900)
		s := r.until("read only", func(s Status) bool { return s.State == ReadOnlyDisk })
		if s.Ready || !s.Healthy {
			t.Errorf("ready %v, healthy %v", s.Ready, s.Healthy)
		}
		w.produce("orders", true, purchases[200:])
		time.Sleep(time.Minute) // virtual
		if got := r.result().Ledger.Records["orders"].Read; got != 200 {
			t.Errorf("%d records read on a full disk, want the 200 from before; results must go on being served", got)
		}
		free.Store(1050) // above the mark, but not by a tenth
		time.Sleep(5 * time.Second)
		if s := r.Status(); s.State != ReadOnlyDisk {
			t.Errorf("state %s just above the mark: it would flap", s.State)
		}
		free.Store(2000)
		r.read("orders", int64(len(purchases)))
		r.until("ready", func(s Status) bool { return s.Ready })
		r.stop()
	})
}

func TestChangedDefinitionsAreRefusedAndRebuilt(t *testing.T) {
	exposures, purchases := shopLog(46, 200, 600)
	changed := strings.Replace(shopYAML, "WHERE total >= 0", "WHERE total >= 100", 1)
	inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		topics := []any{fmt.Sprintf(directSources, "exposures"), fmt.Sprintf(directSources, "orders")}
		set := catalogtest.Parse(t, fmt.Sprintf(changed, topics...))
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		fs := vfs.NewMem()
		r := start(t, directShop(t), w.options(fs))
		r.read("orders", int64(len(purchases)))
		old := cellsOf(r.result())
		r.stop()

		o := w.options(fs)
		r = start(t, set, o)
		err := <-r.done
		var refused *DefinitionsChangedError
		if !errors.As(err, &refused) || len(refused.Changes) == 0 || !strings.Contains(err.Error(), "--rebuild") {
			t.Fatalf("changed definitions: %v, want a refusal with the changes", err)
		}
		t.Log(err)

		o.Rebuild = true
		r = start(t, set, o)
		r.until("swapped in", func(s Status) bool { return s.Ready })
		r.read("orders", int64(len(purchases)))
		if got := cellsOf(r.result()); got == old {
			t.Error("the rebuilt state has the old numbers")
		}
		r.stop()
		r = start(t, set, w.options(fs)) // without Rebuild: it is the current one now
		r.until("ready", func(s Status) bool { return s.Ready })
		r.stop()

		// Back to the first definitions, but the log no longer reaches back: built, but never swapped in by itself.
		w.deleteRecords("orders", 1, 20)
		o = w.options(fs)
		o.Rebuild = true
		r = start(t, directShop(t), o)
		s := r.until("partial", func(s Status) bool { return s.Rebuild != nil && s.Rebuild.PartialSince != nil })
		if s.Ready {
			t.Error("a partial state calls itself ready")
		}
		if last, ok := r.Hub().Latest("landing"); !ok || !slices.Contains(last.Reasons, "rebuilding") || last.Complete || last.Subjects["control"] == 0 {
			t.Errorf("while a partial state waits, %+v is shown; want the last result of the old state", last)
		}
		if err := Accept(fs, "data", Acceptance{Subject: "subject", Rebuild: true, By: "a test", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		r.until("accepted", func(s Status) bool { return s.Ready })
		r.stop()
	})
}

func TestUnknownExperimentAndStoppedEngine(t *testing.T) {
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		r.until("ready", func(s Status) bool { return s.Ready })
		if _, err := r.Results(context.Background(), "nope", whole()); !errors.Is(err, ErrUnknownExperiment) {
			t.Errorf("unknown experiment: %v", err)
		}
		r.stop()
		if _, err := r.Results(context.Background(), "landing", whole()); !errors.Is(err, ErrStopped) {
			t.Errorf("stopped engine: %v", err)
		}
	})
}

// The group knows how far the shards are durable, for the tools that show lag.
func TestGroupShowsPositions(t *testing.T) {
	exposures, purchases := shopLog(47, 100, 300)
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		r.read("orders", int64(len(purchases)))
		time.Sleep(8 * time.Second) // virtual: past a durable point
		groups, err := w.admin.ListGroups(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		lag := int64(-1)
		for _, g := range groups.Groups() {
			offsets, err := w.admin.FetchOffsets(context.Background(), g)
			if err != nil {
				t.Fatal(err)
			}
			lag = 0
			for _, topic := range []string{"exposures", "orders"} {
				for p := range int32(2) {
					at, ok := offsets.Lookup(topic, p)
					if !ok {
						t.Errorf("group %s has no position of %s/%d", g, topic, p)
					}
					lag += w.end(topic, p) - at.At
				}
			}
		}
		if lag != 0 {
			t.Errorf("the groups' lag is %d, want 0", lag)
		}
		r.stop()
	})
}

// A shard whose room for rejected records is used up stands still, and goes on without losing a record when an operator
// lets it count them only.
func TestUsedUpRejectQuotaHaltsAndCanBeAccepted(t *testing.T) {
	exposures, purchases := shopLog(48, 100, 300)
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		o := w.options(vfs.NewMem())
		o.RejectQuota = 4000
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		r := start(t, directShop(t), o)
		r.read("orders", int64(len(purchases)))
		var bad []string
		for i := range 400 {
			bad = append(bad, fmt.Sprintf(`{"user_id":"u%d","order_id":`, i))
		}
		w.produce("orders", true, bad)
		r.until("halt", func(s Status) bool { return s.State == HaltedRejects })
		all := int64(len(purchases) + len(bad))
		for i := 0; r.result().Ledger.Records["orders"].Read != all || !r.Status().Ready; i++ {
			if i == 60 {
				t.Fatalf("after accepting: %+v of %d records; %q", r.result().Ledger.Records["orders"], all, r.Status().Reasons)
			}
			for _, s := range r.Status().Shards {
				if s.State == HaltedRejects {
					err := Accept(o.FS, o.Dir, Acceptance{Subject: "subject", Topic: "orders", Partition: s.Shard, State: HaltedRejects, By: "a test", At: time.Now()})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(time.Second) // virtual
		}
		res := r.result()
		balanced(t, res)
		if slices.Contains(res.Reasons, "gap_accepted") {
			t.Error("rejects that are only counted are called a gap")
		}
		r.stop()
	})
}

// A restart shows the last result, and says so, until the state has been opened: never an empty one.
func TestRestartShowsTheLastResultUntilTheStateIsOpen(t *testing.T) {
	exposures, purchases := shopLog(48, 100, 300)
	inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		o := w.options(vfs.NewMem())
		r := start(t, directShop(t), o)
		r.read("orders", int64(len(purchases)))
		time.Sleep(2 * keepResultEvery) // virtual
		w.produce("orders", true, []string{`{"user_id":"u1","order_id":"late","total":5,"ts":1772500500}`})
		r.read("orders", int64(len(purchases))+1)
		r.stop()

		e, err := New(directShop(t), o)
		if err != nil {
			t.Fatal(err)
		}
		seen := e.Hub().Subscribe("landing")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		for n := 0; ; n++ {
			u, err := seen.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			restoring := slices.Contains(u.Result.Reasons, "restoring")
			if u.Result.Subjects["control"] == 0 || restoring && u.Result.Complete || n == 0 && !restoring {
				t.Fatalf("result %d after the restart: complete %v, reasons %v, subjects %v", n, u.Result.Complete, u.Result.Reasons, u.Result.Subjects)
			}
			if !restoring && u.Result.Complete {
				break
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
