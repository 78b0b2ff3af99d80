package stream

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Exposures from a file and orders from a topic, direct or re-keyed, meet in the same shards; a restart reads the file
// again from where its shards were.
func TestFilesAndTopicsMeet(t *testing.T) {
	exposures, purchases := shopLog(71, 200, 800)
	want := cellsOf(oracle(t, exposures, purchases))
	path := filepath.Join(t.TempDir(), "exposures.ndjson.gz")
	writeLines(t, path, exposures)
	for _, orders := range []string{"kafka: {topic: orders, keyed_by: user_id}", "kafka: {topic: orders}"} {
		t.Run(orders, func(t *testing.T) {
			inWorld(t, 3, []string{"orders"}, func(t *testing.T, w *world) {
				set := shopSet(t, "files: [none.ndjson]", orders)
				keyed := orders != "kafka: {topic: orders}"
				fs := vfs.NewMem()
				o := w.options(fs)
				o.Files = map[string][]string{"exposures": {path}}
				w.produce("orders", keyed, purchases[:300])
				r := start(t, set, o)
				r.read("orders", 300)
				r.read("exposures", int64(len(exposures)))
				r.stop()
				w.produce("orders", keyed, purchases[300:])
				r = start(t, set, o)
				r.read("orders", int64(len(purchases)))
				s := r.until("ready", func(s Status) bool { return s.Ready && s.Watermark != nil })
				for _, p := range s.Partitions {
					if p.File != "" && p.State != Done {
						t.Errorf("file %s is %s, want DONE", p.File, p.State)
					}
				}
				res := r.result()
				if got := cellsOf(res); got != want {
					t.Errorf("mixed\n%s\nfiles give\n%s", got, want)
				}
				balanced(t, res)
				r.stop()
			})
		})
	}
}

// A state on disk over files is resumed, and a file that has changed under it is a halt.
func TestFilesResumeAndNoticeAnotherFile(t *testing.T) {
	exposures, purchases := shopLog(72, 100, 300)
	dir := t.TempDir()
	x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
	writeLines(t, x, exposures)
	writeLines(t, o, purchases)
	want := cellsOf(analyzeShop(t, 1, []string{x}, []string{o}))
	set := shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]")
	opt := Options{Dir: "data", FS: vfs.NewMem(), Shards: 3, Logger: quietLog(), DiskLow: -1, KeepOpen: true,
		Files: map[string][]string{"exposures": {x}, "orders": {o}}}
	for range 2 {
		r := start(t, set, opt)
		for done := false; !done; {
			done = r.Status().Ready
			time.Sleep(time.Millisecond)
		}
		if got := cellsOf(r.result()); got != want {
			t.Errorf("with a state on disk\n%s\nwithout\n%s", got, want)
		}
		r.stop()
	}
	writeLines(t, o, purchases[:200])
	r := start(t, set, opt)
	for len(halts(r.Status())) == 0 {
		time.Sleep(time.Millisecond)
		if len(r.done) > 0 {
			break
		}
	}
	if s := r.Status(); s.State != HaltedGap {
		t.Errorf("another file under the same name: state %s, want HALTED_GAP", s.State)
	}
	r.stop()
}

// The queue in front of a shard is bounded: what is read waits at the brokers.
func TestQueuesAreBounded(t *testing.T) {
	q := newInbox(1000)
	if q.push(delivery{bytes: 600}) {
		t.Error("full at 600 of 1000")
	}
	if !q.push(delivery{bytes: 600}) || !q.isFull() {
		t.Error("not full at 1200 of 1000")
	}
	ctx, cancel := context.WithCancel(context.Background())
	waited := make(chan error, 1)
	go func() { waited <- q.pushWait(ctx, delivery{bytes: 1}) }()
	if _, _, drained := q.pop(); drained {
		t.Error("drained at 600 of 1000, want half")
	}
	if _, _, drained := q.pop(); !drained || q.isFull() {
		t.Error("not drained when empty")
	}
	if err := <-waited; err != nil || q.queued() != 1 {
		t.Errorf("a file reader that waited for room: %v, %d bytes queued", err, q.queued())
	}
	q.push(delivery{bytes: 5000})
	cancel()
	if err := q.pushWait(ctx, delivery{bytes: 1}); err == nil {
		t.Error("waited for room after the end")
	}
	q.close()
	if q.push(delivery{bytes: 5000}) || q.queued() != 0 {
		t.Error("a closed inbox keeps what is pushed")
	}
}
