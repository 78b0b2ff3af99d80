package topic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

// broker is an in-process broker and a reader of the results topic.
type broker struct {
	cluster *kfake.Cluster
	reader  *kgo.Client
	table   map[string][]byte // the topic as a table: newest value by key
	records int               // records read so far
	order   []string          // their keys
}

func newBroker(t *testing.T, opts ...kfake.Opt) *broker {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	b := &broker{cluster: c, table: map[string][]byte{}}
	b.reader, err = kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(DefaultTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.MetadataMinAge(50*time.Millisecond), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.reader.Close)
	return b
}

func (b *broker) client() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(b.cluster.ListenAddrs()...)} }

// until reads the topic until the table is as wanted.
func (b *broker) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for !ok() {
		fetches := b.reader.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%s: not within 5 minutes; the topic has %d keys after %d records", what, len(b.table), b.records)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			b.records++
			b.order = append(b.order, string(r.Key))
			if r.Value == nil {
				delete(b.table, string(r.Key))
			} else {
				b.table[string(r.Key)] = r.Value
			}
		})
	}
}

func quietly() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// run starts a publisher; stop ends it and waits.
func run(t *testing.T, b *broker, hub *results.Hub, change func(*Options)) (p *Publisher, stop func()) {
	t.Helper()
	opt := Options{Client: b.client(), Every: time.Millisecond, Logger: quietly()}
	if change != nil {
		change(&opt)
	}
	p, err := New(hub, opt)
	if err != nil {
		t.Fatal(err)
	}
	p.quiet = 5 * time.Minute // nothing is compacted away here, and silence only means a slow machine
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	var stopped bool
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
			p.Close()
		}
	}
	t.Cleanup(stop)
	return p, stop
}

// holds says that the table is exactly the result.
func (b *broker) holds(t *testing.T, r *results.Result) bool {
	t.Helper()
	want := map[string]string{}
	for i := range r.Rows {
		text, err := json.Marshal(&r.Rows[i])
		if err != nil {
			t.Fatal(err)
		}
		want[r.Experiment+"/"+r.Rows[i].Key()] = string(text)
	}
	keys := 0
	for key, value := range b.table {
		if key != r.Experiment && !strings.HasPrefix(key, r.Experiment+"/") {
			continue
		}
		keys++
		if key == r.Experiment {
			continue
		}
		row := Row{Row: &results.Row{}}
		if err := json.Unmarshal(value, &row); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		text, _ := json.Marshal(row.Row)
		if want[key] != string(text) {
			return false
		}
	}
	return keys == len(want)+1
}

func TestTopicHoldsTheLatestResult(t *testing.T) {
	b, hub, w := newBroker(t), results.NewHub(), sample.New(1)
	p, _ := run(t, b, hub, nil)
	for range 5 {
		r := w.Result("search_rerank_v2", results.Slices{})
		hub.Publish(r)
		b.until(t, "search_rerank_v2", func() bool { return b.holds(t, r) })
		w.Step(7)
	}
	r := w.Result("search_rerank_v2", results.Slices{})
	var row struct {
		Row
		Key string
	}
	row.Row.Row = &results.Row{}
	key := "search_rerank_v2/CTR/country=KR/rerank_v2"
	if err := json.Unmarshal(b.table[key], &row); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if row.Experiment != "search_rerank_v2" || row.ExperimentDefinition != r.Definition || row.AsOf.IsZero() || row.Watermark == nil || len(row.Positions) == 0 || row.Definition == "" || row.Metric != "CTR" || row.Slice["country"] != "KR" {
		t.Errorf("%s is %.300s", key, b.table[key])
	}
	if p.Stats().Published < 1 || p.Stats().Failed != 0 {
		t.Errorf("stats %+v", p.Stats())
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	configs, err := kadm.NewClient(b.reader).DescribeTopicConfigs(ctx, DefaultTopic)
	if err != nil {
		t.Fatal(err)
	}
	policy := ""
	for _, c := range configs[0].Configs {
		if c.Key == "cleanup.policy" {
			policy = c.MaybeValue()
		}
	}
	if policy != "compact" {
		t.Errorf("cleanup.policy %q", policy)
	}
}

// small is a result whose rows the test chooses.
func small(step int, values map[string]float64) *results.Result {
	r := &results.Result{Experiment: "x", Definition: "d", AsOf: sample.Now.Add(time.Duration(step) * time.Second), Positions: map[string]int64{"a/0": 1}, Subjects: map[string]int64{}}
	for _, m := range slices.Sorted(maps.Keys(values)) {
		v := values[m]
		r.Rows = append(r.Rows, results.Row{Metric: m, Variant: "b", Control: "a", Slice: map[string]string{"s": "v/1,=%"}, Lift: results.Lift{Value: &v}, Reasons: []string{}})
	}
	return r
}

func TestOnlyChangedRowsArePublishedAndVanishedOnesBuried(t *testing.T) {
	b, hub := newBroker(t), results.NewHub()
	p, stop := run(t, b, hub, nil)
	step := func(n int, values map[string]float64, records ...string) {
		t.Helper()
		r, from := small(n, values), len(b.order)
		if n == 3 {
			r.Positions = map[string]int64{"a/0": 2}
		}
		hub.Publish(r)
		b.until(t, fmt.Sprintf("step %d", n), func() bool { return len(b.order)-from >= len(records) && b.holds(t, r) })
		if got := b.order[from:]; !slices.Equal(got, records) {
			t.Errorf("step %d: records %q, want %q", n, got, records)
		}
	}
	const slice = "/s=v%2F1%2C%3D%25/b"
	step(1, map[string]float64{"M": 1, "N": 1}, "x/M"+slice, "x/N"+slice, "x")
	step(2, map[string]float64{"M": 1, "N": 2}, "x/N"+slice)
	step(3, map[string]float64{"M": 1}, "x/N"+slice, "x") // the tombstone, and the header because positions moved
	stop()
	if s := p.Stats(); s.Tombstones != 1 || s.Published != 5 {
		t.Errorf("stats %+v", s)
	}
}

func TestRestartPublishesOnlyTheDifference(t *testing.T) {
	b, hub := newBroker(t), results.NewHub()
	_, stop := run(t, b, hub, nil)
	first := small(1, map[string]float64{"M": 1, "N": 1, "O": 1})
	hub.Publish(first)
	b.until(t, "first", func() bool { return b.holds(t, first) })
	stop()

	hub = results.NewHub()
	second := small(2, map[string]float64{"M": 1, "N": 2}) // while nobody published, N changed and O went
	hub.Publish(second)
	from := b.records
	p, stop := run(t, b, hub, nil)
	b.until(t, "second", func() bool { return b.holds(t, second) })
	stop() // a reader may see a record before the publisher sees its acknowledgement
	if n := b.records - from; n != 2 {
		t.Errorf("%d records after the restart, want a row and a tombstone: %q", n, b.order[from:])
	}
	if s := p.Stats(); s.Published != 1 || s.Tombstones != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestHubDoesNotWaitForABrokerThatIsAway(t *testing.T) {
	b, hub := newBroker(t), results.NewHub()
	_, stopFirst := run(t, b, hub, nil)
	hub.Publish(small(0, map[string]float64{"M": 0}))
	b.until(t, "before", func() bool { return len(b.table) == 2 })
	stopFirst()

	// Nobody listens there: the publisher stands in its first request.
	var log bytes.Buffer
	p, stop := run(t, b, hub, func(o *Options) {
		o.Client = []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1"), kgo.RetryTimeout(100 * time.Millisecond)}
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	start := time.Now()
	for i := range 1000 {
		hub.Publish(small(i, map[string]float64{"M": float64(i)}))
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("1000 results took %v to publish", took)
	}
	stop()
	if p.Stats().Published != 0 {
		t.Errorf("published %d without a broker", p.Stats().Published)
	}

	// The broker is there again: what it gets is the newest, once.
	from := b.records
	run(t, b, hub, nil)
	latest, _ := hub.Latest("x")
	b.until(t, "after", func() bool { return b.holds(t, latest) })
	if n := b.records - from; n != 1 {
		t.Errorf("%d records after the outage, want 1", n)
	}
}

func TestClosedHubIsPublishedToItsEnd(t *testing.T) {
	b, hub := newBroker(t), results.NewHub()
	p, err := New(hub, Options{Client: b.client(), Every: time.Millisecond, Logger: quietly()})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	last := small(1, map[string]float64{"M": 1, "N": 2})
	done := make(chan error, 1)
	hub.Publish(small(0, map[string]float64{"M": 0}))
	go func() { done <- p.Run(context.Background()) }()
	hub.Publish(last)
	hub.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	b.until(t, "the last result", func() bool { return b.holds(t, last) })
}

func TestForeignRecordsAreLeftAlone(t *testing.T) {
	b, hub := newBroker(t, kfake.SeedTopics(2, DefaultTopic)), results.NewHub()
	producer, err := kgo.NewClient(append(b.client(), kgo.DefaultProduceTopic(DefaultTopic))...)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for key, value := range map[string]string{"note": "not JSON", "y/M/all/b": `{"experiment":"y","metric":"M"}`, "odd": `{"experiment":"x","metric":7}`} {
		if err := producer.ProduceSync(context.Background(), &kgo.Record{Key: []byte(key), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	run(t, b, hub, nil)
	r := small(1, map[string]float64{"M": 1})
	hub.Publish(r)
	b.until(t, "ours", func() bool { return b.holds(t, r) })
	for _, key := range []string{"note", "y/M/all/b", "odd"} {
		if b.table[key] == nil {
			t.Errorf("%s was buried", key)
		}
	}
}
