package stream

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/bench/traffic"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// BenchmarkShard takes one shard's log through the layers by hand, on one goroutine, and says what each costs in CPU
// time: bytes to a batch, a batch to subjects and cells, and the commits that a second's worth of traffic at the given
// rate makes.
func BenchmarkShard(b *testing.B) {
	for _, c := range []struct {
		name     string
		subjects int64
		zipf     float64
		dedupe   bool
	}{{"zipf", 1_000_000, 1.1, false}, {"zipf-dedupe", 1_000_000, 1.1, true}, {"uniform", 1_000_000, 0, false}} {
		b.Run(c.name, func(b *testing.B) {
			const records, perCommit = 1_200_000, 100_000
			shape := traffic.Standard(records, c.subjects, c.zipf)
			shape.Partitions = 1
			job := traffic.TheJob()
			job.Dedupe = c.dedupe
			plan := catalogtest.Plan(b, job.Definitions(shape, "shop"))
			for b.Loop() {
				shardCost(b, plan, shape, records, perCommit)
			}
		})
	}
}

func shardCost(b *testing.B, plan *catalog.Plan, shape traffic.Shape, records, perCommit int) {
	cache := pebble.NewCache(256 << 20)
	defer cache.Unref()
	store, err := state.Open(b.TempDir(), plan, state.Options{Cache: cache})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	input, err := store.Input(state.InputName{Source: "shop", Topic: "shop", Partitions: 1})
	if err != nil {
		b.Fatal(err)
	}
	cells := cube.New(plan)
	decoder, err := decode.New(plan, 0, store, decode.Options{})
	if err != nil {
		b.Fatal(err)
	}
	gen, writer := traffic.NewGenerator(shape), traffic.NewWriter(shape)
	var out decode.Outcome
	var spent [3]time.Duration
	all := func([]byte) bool { return true }
	batch, bound := newBatch(len(plan.Events)), int64(0)
	const rows = 20_000
	text := make([]byte, 0, rows*320)
	recs := make([]decode.Record, 0, rows)
	for made := 0; made < records; made += rows {
		text, recs = text[:0], recs[:0]
		for i := range rows {
			ev := gen.Next()
			from := len(text)
			text = writer.Append(text, ev)
			bound = max(bound, ev.Stamp*1000)
			recs = append(recs, decode.Record{Input: input, Offset: int64(made + i), Timestamp: ev.Stamp * 1000, Bound: bound, Key: traffic.AppendKey(nil, ev.Subject), Value: text[from:len(text):len(text)]})
		}
		t0 := cpu()
		for i := range recs {
			decoder.Decode(recs[i], &out)
			batch.add(&recs[i], false, &out, all)
		}
		batch.advance(state.Advance{Input: input, Next: int64(made + rows), Bound: bound})
		batch.Clock = behind(bound)
		t1 := cpu()
		if err := store.Apply(&batch.Batch, cells); err != nil {
			b.Fatal(err)
		}
		batch.reset()
		t2 := cpu()
		if (made+rows)%perCommit == 0 {
			if err := store.Commit(cells.Persist); err != nil {
				b.Fatal(err)
			}
		}
		t3 := cpu()
		spent[0], spent[1], spent[2] = spent[0]+t1-t0, spent[1]+t2-t1, spent[2]+t3-t2
	}
	for i, name := range []string{"decode", "apply", "commit"} {
		b.ReportMetric(float64(spent[i].Nanoseconds())/float64(records), name+"-cpu-ns/record")
	}
	b.ReportMetric(float64(store.Subjects()), "subjects")
	b.ReportMetric(0, "ns/op")
}
