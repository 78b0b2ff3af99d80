package stream

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/klauspost/compress/gzip"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark/tidemark/catalog"
)

// flip damages one byte in the middle of every table of a store.
func flip(t *testing.T, fs vfs.FS, dir string) {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, name := range names {
		if !strings.HasSuffix(name, ".sst") {
			continue
		}
		path := fs.PathJoin(dir, name)
		f, err := fs.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(text)/2; i += 50 {
			text[i] ^= 0x10
		}
		g, err := fs.Create(path, vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Write(text); err != nil {
			t.Fatal(err)
		}
		g.Close()
		damaged++
	}
	if damaged == 0 {
		t.Fatalf("%s has no tables: %v", dir, names)
	}
}

func TestDamagedShardHaltsAndIsBuiltAnew(t *testing.T) {
	exposures, purchases := shopLog(51, 200, 600)
	want := cellsOf(oracle(t, exposures, purchases))
	for name, set := range map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 3, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				w.produce("exposures", name == "direct", exposures)
				w.produce("orders", name == "direct", purchases)
				fs := vfs.NewMem()
				r := start(t, set, w.options(fs))
				r.read("orders", int64(len(purchases)))
				r.read("exposures", int64(len(exposures)))
				dir := r.types[0].dir(1)
				r.stop()
				flip(t, fs, dir)
				r = start(t, set, w.options(fs))
				s := r.until("halt", func(s Status) bool { return s.State == HaltedCorrupt && len(s.Shards) == 3 })
				if !s.Healthy || s.Ready {
					t.Errorf("healthy %v, ready %v", s.Healthy, s.Ready)
				}
				if res := r.result(); res.Complete {
					t.Error("the result without a shard says that it is complete")
				}
				err := Accept(fs, "data", Acceptance{Subject: "subject", Partition: 1, State: HaltedCorrupt, By: "a test", At: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				r.until("built anew", func(s Status) bool { return s.Ready })
				r.read("orders", int64(len(purchases)))
				r.read("exposures", int64(len(exposures)))
				if got := cellsOf(r.result()); got != want {
					t.Errorf("built anew\n%s\nfiles give\n%s", got, want)
				}
				r.stop()
			})
		})
	}
}

// produceRaw appends a record batch with the attributes and body given, as a broken producer would.
func (w *world) produceRaw(topic string, partition int32, attributes int16, records int32, body []byte) {
	w.t.Helper()
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, Attributes: attributes, LastOffsetDelta: records - 1,
		FirstTimestamp: shopStart * 1000, MaxTimestamp: shopStart * 1000, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: records, Records: body}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	infos, err := w.admin.ListTopics(context.Background(), topic)
	if err != nil {
		w.t.Fatal(err)
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1
	req.TimeoutMillis = 5000
	rt := kmsg.NewProduceRequestTopic()
	rt.Topic, rt.TopicID = topic, infos[topic].ID
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Partition, rp.Records = partition, raw
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := w.client.Broker(0).Request(context.Background(), req)
	if err != nil {
		w.t.Fatal(err)
	}
	if code := resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode; code != 0 {
		w.t.Fatalf("produce a raw batch: error code %d", code)
	}
}

func TestUnreadableBatchHaltsAndCanBeSkipped(t *testing.T) {
	exposures, purchases := shopLog(52, 100, 300)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	chunk := make([]byte, 1<<20)
	for range maxDecompressed>>20 + 1 {
		z.Write(chunk)
	}
	z.Close()
	var cut bytes.Buffer
	z = gzip.NewWriter(&cut)
	rng := rand.New(rand.NewPCG(5, 5))
	for range 1000 {
		fmt.Fprint(z, rng.Uint64())
	}
	z.Close()
	for name, body := range map[string][]byte{"bomb": bomb.Bytes(), "cut off": cut.Bytes()[:cut.Len()/2]} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				w.produce("exposures", true, exposures)
				w.produce("orders", true, purchases)
				r := start(t, directShop(t), w.options(vfs.NewMem()))
				r.read("orders", int64(len(purchases)))
				w.produceRaw("orders", 0, 1, 1, body) // 1: gzip
				more := []string{`{"user_id":"u1","order_id":"later","total":5,"ts":1772500500}`, `{"user_id":"u2","order_id":"later","total":5,"ts":1772500500}`,
					`{"user_id":"u3","order_id":"later","total":5,"ts":1772500500}`, `{"user_id":"u5","order_id":"later","total":5,"ts":1772500500}`}
				w.produce("orders", true, more)
				s := r.until("halt", func(s Status) bool { return len(halts(s)) == 1 })
				if s.State != HaltedCorrupt {
					t.Errorf("state %s, want HALTED_CORRUPT", s.State)
				}
				for _, p := range s.Partitions {
					if p.Halt != nil {
						to := p.Position + 1
						accept(t, r, p, &to)
					}
				}
				r.read("orders", int64(len(purchases)+len(more)))
				r.until("ready", func(s Status) bool { return s.Ready })
				r.stop()
			})
		})
	}
}

// A disk that refuses a write ends the engine with an error, and what it had committed is right.
func TestFailedWriteStopsTheEngine(t *testing.T) {
	exposures, purchases := shopLog(53, 200, 600)
	want := cellsOf(oracle(t, exposures, purchases))
	inWorld(t, 2, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		stopped := 0
		for _, after := range []int32{0, 5, 20, 60, 100} {
			mem := vfs.NewCrashableMem()
			var left atomic.Int32 // shards write at the same time
			left.Store(after)
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				// Only below the shards' folders; the count is of writes there.
				if op.Kind.ReadOrWrite() != errorfs.OpIsWrite || !strings.Contains(op.Path, "/s-subject/g-") || op.Kind == errorfs.OpRemove {
					return nil
				}
				if left.Add(-1) == -1 {
					return errorfs.ErrInjected
				}
				return nil
			}))
			o := w.options(fs)
			o.DurableEvery = 200 * time.Millisecond
			e, err := New(directShop(t), o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			err = e.Run(ctx)
			cancel()
			if err != nil {
				stopped++
				if !errors.Is(err, errorfs.ErrInjected) {
					t.Errorf("write %d fails: %v", after, err)
				}
			}
			o.FS = mem
			r := start(t, directShop(t), o)
			r.read("orders", int64(len(purchases)))
			r.read("exposures", int64(len(exposures)))
			if got := cellsOf(r.result()); got != want {
				t.Errorf("write %d failed, and after a restart\n%s\nfiles give\n%s", after, got, want)
			}
			r.stop()
		}
		if stopped == 0 {
			t.Error("no failed write stopped the engine")
		}
	})
}

func TestHangingDiskEndsTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		w := watchdog{time.Minute, func(err error) { failed <- err }}
		release := w.guard("a commit that takes its time")
		time.Sleep(time.Minute - 1) // virtual
		release()
		time.Sleep(time.Hour)
		select {
		case err := <-failed:
			t.Fatalf("a commit in time failed with %v", err)
		default:
		}
		release = w.guard("a commit")
		err := <-failed
		release()
		var late *DeadlineError
		if !errors.As(err, &late) || late.Doing != "a commit" {
			t.Errorf("failed with %v, want a DeadlineError of the commit", err)
		}
	})
}
