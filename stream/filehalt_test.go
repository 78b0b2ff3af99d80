package stream

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// strictShop is the shop over files with a strict metric beside its others: who is in it depends on the files' ends.
func strictShop(t testing.TB) *catalog.Set {
	text := fmt.Sprintf(shopYAML, "files: [none.ndjson]", "files: [none.ndjson]")
	text = strings.Replace(text, "goals: [ARPU]", "goals: [ARPU, SOON]", 1)
	return catalogtest.Parse(t, text+`
---
metric: {metric_id: SOON, subject: subject, direction: up, window: 5m, strict: true, numerator: {event: PURCHASE, agg: COUNT, value: subject}}
`)
}

// filesOf writes the shop's files and returns options of an engine that stays open over them.
func filesOf(t testing.TB, exposures, purchases []string) Options {
	dir := t.TempDir()
	x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
	writeLines(t, x, exposures)
	writeLines(t, o, purchases)
	return Options{Dir: "data", FS: vfs.NewMem(), Shards: 3, Logger: quietLog(), DiskLow: -1, KeepOpen: true, CacheBytes: 8 << 20, WatchEvery: 10 * time.Millisecond,
		Files: map[string][]string{"exposures": {x}, "orders": {o}}}
}

// patience is for a loaded machine under the race detector; it only guards against hanging.
const patience = 5 * time.Minute

// settled waits, in real time, until the status fits.
func (r *running) settled(what string, ok func(Status) bool) Status {
	r.t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Millisecond) {
		if s := r.Status(); ok(s) {
			return s
		}
		select {
		case err := <-r.done:
			r.t.Fatalf("Run ended while waiting for %s: %v", what, err)
		default:
		}
	}
	r.t.Fatalf("never: %s; status %+v", what, r.Status())
	return Status{}
}

// complete waits until the result is, and returns its cells.
func (r *running) complete() string {
	r.t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(time.Millisecond) {
		res, err := r.Results(context.Background(), "landing", results.Slices{Mode: results.AllSlices})
		if err == nil && res.Complete {
			balanced(r.t, res)
			return cellsOf(res)
		}
	}
	r.t.Fatalf("never complete; status %+v", r.Status())
	return ""
}

// A damaged shard over files is a halt that results and status tell of; accepted, it is read again from the files while the
// engine runs, and all is as if nothing had been.
func TestDamagedShardOverFilesIsBuiltAnew(t *testing.T) {
	exposures, purchases := shopLog(81, 200, 600)
	set, opt := strictShop(t), filesOf(t, exposures, purchases)
	r := start(t, set, opt)
	want := r.complete()
	dir := r.types[0].dir(1)
	r.stop()
	flip(t, opt.FS, dir)
	r = start(t, set, opt)
	s := r.settled("halt", func(s Status) bool { return s.State == HaltedCorrupt && len(s.Shards) == 3 })
	if !s.Healthy || s.Ready {
		t.Errorf("healthy %v, ready %v", s.Healthy, s.Ready)
	}
	if res := r.result(); res.Complete || !slices.Contains(res.Reasons, "halted_corrupt") {
		t.Errorf("complete %v, reasons %v: the result does not say that a shard is missing", res.Complete, res.Reasons)
	}
	if err := Accept(opt.FS, "data", Acceptance{Subject: "subject", Partition: 1, State: HaltedCorrupt, By: "a test", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	r.settled("built anew", func(s Status) bool { return s.Ready })
	if got := r.complete(); got != want {
		t.Errorf("built anew\n%s\nbefore\n%s", got, want)
	}
	r.stop()
}

// What was accepted while nothing ran is carried out at the start, and a run that ends waits for it.
func TestDamagedShardOverFilesIsAcceptedBeforeTheStart(t *testing.T) {
	exposures, purchases := shopLog(82, 200, 600)
	set, opt := strictShop(t), filesOf(t, exposures, purchases)
	r := start(t, set, opt)
	want := r.complete()
	dir := r.types[0].dir(2)
	r.stop()
	flip(t, opt.FS, dir)
	if err := Accept(opt.FS, "data", Acceptance{Subject: "subject", Partition: 2, State: HaltedCorrupt, By: "a test", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	opt.KeepOpen = false
	e, err := New(set, opt)
	if err != nil {
		t.Fatal(err)
	}
	var last *results.Result
	e.atEnd = func(ctx context.Context) error {
		var err error
		last, err = e.Results(ctx, "landing", results.Slices{Mode: results.AllSlices})
		return err
	}
	if err := e.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := cellsOf(last); !last.Complete || got != want {
		t.Errorf("complete %v, built anew\n%s\nbefore\n%s", last.Complete, got, want)
	}
}

// A shard that halts while files are read holds up neither the others nor the end, and says so; accepted, it goes on.
func TestShardThatHaltsHoldsNoFileUp(t *testing.T) {
	exposures, purchases := shopLog(83, 200, 600)
	for i := range 3000 {
		purchases = append(purchases, fmt.Sprintf(`{"user_id":"u7","order_id":"b%d","total":"many","ts":%d}`, i, shopStart),
			fmt.Sprintf(`{"user_id":"u%d","order_id":"a%d","total":1,"ts":%d}`, i%200, i, shopStart+800))
	}
	set, opt := strictShop(t), filesOf(t, exposures, purchases)
	whole := opt
	whole.FS = vfs.NewMem()
	r := start(t, set, whole)
	want := r.complete()
	r.stop()

	opt.RejectQuota, opt.QueueBytes, opt.BatchRows = 10_000, 20_000, 50
	once := opt
	once.FS, once.KeepOpen = vfs.NewMem(), false
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	list, err := Analyze(ctx, set, AnalyzeOptions{Options: once, Slices: results.Slices{Mode: results.AllSlices}})
	if err != nil {
		t.Fatalf("a shard halted: %v", err)
	}
	if list[0].Complete || !slices.Contains(list[0].Reasons, "halted_rejects") {
		t.Errorf("complete %v, reasons %v: the result does not say that a shard is halted", list[0].Complete, list[0].Reasons)
	}

	r = start(t, set, opt)
	accepted := map[int32]bool{}
	r.settled("the end", func(s Status) bool {
		for _, shard := range s.Shards {
			if shard.State != HaltedRejects || accepted[shard.Shard] {
				continue
			}
			accepted[shard.Shard] = true
			if err := Accept(opt.FS, "data", Acceptance{Subject: "subject", Partition: shard.Shard, State: HaltedRejects, By: "a test", At: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		return s.Ready
	})
	if len(accepted) == 0 {
		t.Error("no shard has halted")
	}
	if got := r.complete(); got != want {
		t.Errorf("after a halt\n%s\nwithout\n%s", got, want)
	}
	r.stop()
}

// An engine that can't open one of its shards leaves none of the others open.
func TestNothingStaysOpenWhenAShardDoesNotOpen(t *testing.T) {
	exposures, purchases := shopLog(84, 20, 60)
	set, opt := strictShop(t), filesOf(t, exposures, purchases)
	r := start(t, set, opt)
	r.complete()
	dir := r.types[0].dir(1)
	r.stop()
	mem := opt.FS
	opt.FS = errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasPrefix(op.Path, dir) && op.Kind == errorfs.OpOpen && strings.HasSuffix(op.Path, "DURABLE") {
			return errorfs.ErrInjected
		}
		return nil
	}))
	e, err := New(set, opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Run(context.Background()); !errors.Is(err, errorfs.ErrInjected) {
		t.Fatalf("Run: %v, want the injected error", err)
	}
	opt.FS = mem
	r = start(t, set, opt) // fails on a lock that is still held
	r.complete()
	r.stop()
}

// Several files wait for room in one shard's queue: room that one of them leaves is for the next, and so is the end.
func TestEveryReaderThatWaitsForRoomIsWoken(t *testing.T) {
	for _, end := range []string{"drained", "closed"} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newInbox(1000)
				q.push(delivery{bytes: 1000})
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // virtual
				defer cancel()
				waited := make(chan error)
				for range 3 {
					go func() { waited <- q.pushWait(ctx, delivery{bytes: 1}) }()
				}
				synctest.Wait()
				if end == "closed" {
					q.close()
				} else {
					q.pop()
				}
				for range 3 {
					if err := <-waited; err != nil {
						t.Errorf("a reader that waits for room: %v", err)
					}
				}
			})
		})
	}
}
