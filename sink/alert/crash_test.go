package alert

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// crashes is how often TestCrashKeepsStateAndOutboxTogether crashes; TestCrashLosesNoMessage a fifth of it.
var crashes = flag.Int("crashes", 600, "crash clones of the alerts' database")

// crashAt wraps a crashable memory file system and takes a crash clone of it just before the n-th write operation.
func crashAt(mem *vfs.MemFS, n int64, percent int, r *rand.Rand, atCrash func(clone *vfs.MemFS)) (vfs.FS, *atomic.Int64) {
	var count atomic.Int64
	return errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && count.Add(1) == n {
			atCrash(mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r}))
		}
		return nil
	})), &count
}

// TestCrashKeepsStateAndOutboxTogether crashes at every kind of write and asks the clone: the transitions and messages
// in it are those after one of the results, both of them, and not before the last result that was acknowledged.
func TestCrashKeepsStateAndOutboxTogether(t *testing.T) {
	clones := *crashes
	if testing.Short() {
		clones = min(clones, 60)
	}
	set := definitions(scriptRules()...)
	cut := 0
	for seed := range uint64(clones) {
		r := rand.New(rand.NewPCG(seed, 11))
		list := script(rand.New(rand.NewPCG(seed/20, 3)), 30)

		// What is there after each result, without a crash.
		type moment struct{ history, messages int }
		plain := open(t, set, options(vfs.NewMem(), map[string]*rec{}))
		moments := []moment{{}}
		for _, o := range list {
			observe(t, plain, o)
			messages, _ := outbox(t, plain, 0)
			moments = append(moments, moment{len(history(plain)), len(messages)})
		}
		wantHistory := history(plain)
		wantMessages, _ := outbox(t, plain, 0)
		plain.Close()

		var clone *vfs.MemFS
		var acknowledged, crashed atomic.Int64
		fs, _ := crashAt(vfs.NewCrashableMem(), 1+r.Int64N(120), []int{0, 10, 50, 100}[seed%4], r, func(c *vfs.MemFS) {
			clone = c // read when the manager is closed
			crashed.Store(acknowledged.Load())
		})
		m := open(t, set, options(fs, map[string]*rec{}))
		for i, o := range list {
			observe(t, m, o)
			acknowledged.Store(int64(i + 1))
		}
		m.Close()
		if clone == nil {
			continue
		}
		cut++
		atCrash := int(crashed.Load())
		again := open(t, set, options(clone, map[string]*rec{}))
		got := history(again)
		messages, _ := outbox(t, again, 0)
		if !slices.Contains(moments, moment{len(got), len(messages)}) {
			t.Fatalf("seed %d: the clone has %d transitions and %d messages, which belong to no result: %v", seed, len(got), len(messages), moments)
		}
		if len(got) < moments[atCrash].history {
			t.Fatalf("seed %d: result %d was acknowledged with %d transitions, the clone has %d", seed, atCrash, moments[atCrash].history, len(got))
		}
		if !slices.Equal(got, wantHistory[:len(got)]) || !slices.Equal(messages, wantMessages[:len(messages)]) {
			t.Fatalf("seed %d: the clone tells another story:\n%v\n%v", seed, got, messages)
		}
		// And life goes on from there as if nothing had happened.
		for _, o := range list[max(0, atCrash-r.IntN(6)):] {
			observe(t, again, o)
		}
		if got := history(again); !slices.Equal(got, wantHistory) {
			t.Fatalf("seed %d: after the crash:\n%v\nwant\n%v", seed, got, wantHistory)
		}
		again.Close()
	}
	if cut < clones/2 {
		t.Fatalf("only %d of %d runs were cut", cut, clones)
	}
	t.Logf("%d crash clones", cut)
}

// TestCrashLosesNoMessage crashes while messages are being delivered, by receivers that fail now and then. Every
// message arrives, what arrives twice is the same, an alert's messages arrive in order, and nothing is sent that was
// not durable first.
func TestCrashLosesNoMessage(t *testing.T) {
	seeds := *crashes / 5
	if testing.Short() {
		seeds = min(seeds, 12)
	}
	set := definitions(scriptRules()...)
	twice, cut := 0, 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 13))
			list := script(r, 30)
			plain := open(t, set, options(vfs.NewMem(), map[string]*rec{}))
			for _, o := range list {
				observe(t, plain, o)
			}
			want, _ := outbox(t, plain, 0)
			plain.Close()

			flaky := func() map[string]*rec {
				senders := map[string]*rec{"chat": newRec("chat"), "pager": newRec("pager")}
				salt := r.Uint32()
				for _, s := range senders {
					s.answer = func(id string, try int) notify.Attempt {
						// Fails the first times for some messages; the same in every run of a seed.
						h := salt
						for _, c := range id {
							h = h*31 + uint32(c)
						}
						if try <= int(h%4) {
							return notify.Attempt{Status: 503, Verdict: notify.Retry, Error: "answered 503"}
						}
						return notify.Attempt{Status: 200, Verdict: notify.Delivered}
					}
				}
				return senders
			}
			before, after := flaky(), flaky()
			var clone *vfs.MemFS
			atCrash := map[string][]sent{}
			var observed, atIndex atomic.Int64
			fs, _ := crashAt(vfs.NewCrashableMem(), 20+r.Int64N(110), []int{0, 10, 50, 100}[seed%4], r, func(c *vfs.MemFS) {
				clone = c // read when the manager is closed
				atIndex.Store(observed.Load())
				for id, s := range before {
					atCrash[id] = s.log()
				}
			})
			liveOn(t, set, fs, before, list, &observed)
			if clone == nil {
				return
			}
			cut++
			first, err := Open("alerts", set, options(clone, map[string]*rec{}))
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			durable := everything(t, first)
			first.Close()
			from := max(0, int(atIndex.Load())-r.IntN(6))
			liveOn(t, set, clone, after, list[from:], &observed)

			for _, id := range []string{"chat", "pager"} {
				var accepted []string
				bodies := map[string]string{}
				for _, s := range slices.Concat(atCrash[id], after[id].log()) {
					if old, ok := bodies[s.id]; ok && old != s.body {
						t.Errorf("seed %d: %s has two bodies: %q and %q", seed, s.id, old, s.body)
					}
					bodies[s.id] = s.body
					if s.ok {
						if slices.Contains(accepted, s.body) {
							twice++
							continue
						}
						accepted = append(accepted, s.body)
					}
				}
				for _, s := range atCrash[id] {
					if !durable[s.id] {
						t.Errorf("seed %d: %s was sent and is not in the clone", seed, s.id)
					}
				}
				var wanted []string
				for _, text := range want {
					if body, ok := strings.CutPrefix(text, id+": "); ok {
						wanted = append(wanted, body)
					}
				}
				if a, b := byAlert(accepted), byAlert(wanted); !maps.EqualFunc(a, b, slices.Equal) {
					t.Errorf("seed %d: %s accepted\n%v\nwant\n%v", seed, id, a, b)
				}
			}
		})
	}
	if cut < seeds/2 {
		t.Fatalf("only %d of %d runs were cut", cut, seeds)
	}
	t.Logf("%d crashes, %d messages repeated with the same id and body", cut, twice)
}

// liveOn runs a manager over the results and waits in virtual time until everything is delivered.
func liveOn(t *testing.T, set *catalog.Set, fs vfs.FS, senders map[string]*rec, list []outcome, observed *atomic.Int64) {
	m := open(t, set, options(fs, senders))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for i, o := range list {
		observe(t, m, o)
		observed.Store(int64(i + 1))
		time.Sleep(time.Duration(i%3) * 400 * time.Millisecond)
	}
	time.Sleep(10 * time.Minute)
	synctest.Wait()
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

// everything lists the ids of all messages in the database, whatever became of them.
func everything(t *testing.T, m *Manager) map[string]bool {
	ids := map[string]bool{}
	for _, prefix := range []byte{outboxPrefix, deliveredPrefix, deadPrefix} {
		err := m.store.each([]byte{prefix}, func(k, v []byte) error {
			var row storedDelivery
			if err := decode(k, v, &row); err != nil {
				return err
			}
			ids[row.ID] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// byAlert sorts bodies into the alerts they are about, in order. A body is "transition reason alert #episode …".
func byAlert(bodies []string) map[string][]string {
	m := map[string][]string{}
	for _, b := range bodies {
		fields := strings.Fields(b)
		m[fields[2]] = append(m[fields[2]], fmt.Sprint(fields[0], fields[3]))
	}
	return m
}
