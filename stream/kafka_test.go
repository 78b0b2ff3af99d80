package stream

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// world is a broker in the process on a network of pipes, so that everything runs on virtual time.
type world struct {
	t       testing.TB
	net     kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kgo.Client
	admin   *kadm.Client
}

// inWorld runs f in a bubble of virtual time with a broker that has the topics given, each with n partitions.
func inWorld(t *testing.T, n int32, topics []string, f func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		var err error
		w.cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(w.net.Listen), kfake.SeedTopics(n, topics...))
		if err != nil {
			t.Fatal(err)
		}
		defer w.cluster.Close()
		w.client, err = kgo.NewClient(w.clientOptions()...)
		if err != nil {
			t.Fatal(err)
		}
		defer w.client.Close()
		w.admin = kadm.NewClient(w.client)
		f(t, w)
	})
}

func (w *world) clientOptions() []kgo.Opt {
	return []kgo.Opt{kgo.SeedBrokers(w.cluster.ListenAddrs()...), kgo.Dialer(w.net.DialContext), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))}
}

// options of an engine in this world.
func (w *world) options(fs vfs.FS) Options {
	return Options{
		Dir: "data", FS: fs, Brokers: w.cluster.ListenAddrs(), Client: []kgo.Opt{kgo.Dialer(w.net.DialContext)}, Logger: quietLog(),
		DiskLow: -1, CacheBytes: 8 << 20, Rekey: RekeyOptions{Partitions: 3, Replication: 1},
	}
}

// produce sends lines to a topic, keyed by the user in each line when keyed.
func (w *world) produce(topic string, keyed bool, lines []string) {
	w.t.Helper()
	var rs []*kgo.Record
	for i, line := range lines {
		r := &kgo.Record{Topic: topic, Value: []byte(line), Timestamp: time.Unix(shopStart+900, 0).Add(time.Duration(i) * time.Millisecond)}
		if keyed {
			r.Key = []byte(userOf(line))
		} else {
			r.Key = []byte(fmt.Sprint(i))
		}
		rs = append(rs, r)
	}
	if err := w.client.ProduceSync(context.Background(), rs...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

func userOf(line string) string {
	_, rest, _ := strings.Cut(line, `"user_id":"`)
	user, _, _ := strings.Cut(rest, `"`)
	return user
}

// running is an engine whose Run has been called.
type running struct {
	*Engine
	t      testing.TB
	cancel context.CancelFunc
	done   chan error
}

func start(t *testing.T, set *catalog.Set, o Options) *running {
	t.Helper()
	return startWith(t, set, o, o.Memory)
}

// startWith starts an engine that plans with that much memory, which may be less than Options allow; 0: as they say.
func startWith(t *testing.T, set *catalog.Set, o Options, memory int64) *running {
	t.Helper()
	e, err := New(set, o)
	if err != nil {
		t.Fatal(err)
	}
	if memory > 0 {
		e.opt.Memory = memory
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Engine: e, t: t, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- e.Run(ctx); close(r.done) }()
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

// stop ends the engine in order.
func (r *running) stop() {
	r.t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		r.t.Errorf("Run: %v", err)
	}
}

// until waits, in virtual time, until the status fits.
func (r *running) until(what string, ok func(Status) bool) Status {
	r.t.Helper()
	for range 600 {
		select {
		case err := <-r.done:
			r.t.Fatalf("Run ended while waiting for %s: %v", what, err)
		default:
		}
		if s := r.Status(); ok(s) {
			return s
		}
		time.Sleep(100 * time.Millisecond) // virtual
	}
	r.t.Fatalf("never: %s; status %+v", what, r.Status())
	return Status{}
}

// read waits until the source's records have been applied.
func (r *running) read(source string, records int64) {
	r.t.Helper()
	for range 600 {
		res, err := r.Results(context.Background(), "landing", results.Slices{})
		if err == nil && res.Ledger.Records[source].Read >= records {
			return
		}
		select {
		case err := <-r.done:
			r.t.Fatalf("Run ended: %v", err)
		default:
		}
		time.Sleep(100 * time.Millisecond) // virtual
	}
	res, err := r.Results(context.Background(), "landing", results.Slices{})
	r.t.Fatalf("never read %d records of %s; %v, result %+v, status %+v", records, source, err, res.Ledger, r.Status())
}

func (r *running) result() *results.Result {
	r.t.Helper()
	res, err := r.Results(context.Background(), "landing", results.Slices{Mode: results.AllSlices})
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

// oracle is the result over the same lines read from files.
func oracle(t testing.TB, exposures, purchases []string) *results.Result {
	t.Helper()
	dir := t.TempDir()
	writeLines(t, dir+"/x.ndjson", exposures)
	writeLines(t, dir+"/o.ndjson", purchases)
	return analyzeShop(t, 1, []string{dir + "/x.ndjson"}, []string{dir + "/o.ndjson"})
}

// cellsOf is what must not depend on how the records came: sums and counts of every row, and the ledger.
func cellsOf(r *results.Result) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Subjects, r.Crossovers, r.Ledger)
	for i := range r.Rows {
		row := &r.Rows[i]
		fmt.Fprintln(&b, row.Key())
		for _, v := range []string{"control", "treatment"} {
			a := row.ByVariant[v]
			fmt.Fprintln(&b, v, a.N, a.SumNum, a.SumDen, a.SumNum2, a.SumDen2, a.SumNumDen)
		}
	}
	return b.String()
}

const directSources = "kafka: {topic: %s, keyed_by: user_id}"

func directShop(t testing.TB) *catalog.Set {
	return shopSet(t, fmt.Sprintf(directSources, "exposures"), fmt.Sprintf(directSources, "orders"))
}

func TestKafkaDirectEqualsFiles(t *testing.T) {
	exposures, purchases := shopLog(11, 300, 1500)
	want := cellsOf(oracle(t, exposures, purchases))
	inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", true, purchases)
		r := start(t, directShop(t), w.options(vfs.NewMem()))
		r.read("orders", int64(len(purchases)))
		r.read("exposures", int64(len(exposures)))
		r.until("ready", func(s Status) bool { return s.Ready })
		res := r.result()
		if got := cellsOf(res); got != want {
			t.Errorf("Kafka gives\n%s\nfiles give\n%s", got, want)
		}
		balanced(t, res)
		if !res.Complete || res.Watermark == nil {
			t.Errorf("complete %v, watermark %v", res.Complete, res.Watermark)
		}
		r.stop()
	})
}

func rekeyedShop(t testing.TB) *catalog.Set {
	return shopSet(t, "kafka: {topic: exposures}", "kafka: {topic: orders}")
}

func TestKafkaRekeyedEqualsFiles(t *testing.T) {
	exposures, purchases := shopLog(12, 300, 1500)
	want := cellsOf(oracle(t, exposures, purchases))
	inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", false, exposures)
		w.produce("orders", false, purchases)
		r := start(t, rekeyedShop(t), w.options(vfs.NewMem()))
		r.read("orders", int64(len(purchases)))
		r.read("exposures", int64(len(exposures)))
		r.until("ready", func(s Status) bool { return s.Ready && s.Watermark != nil })
		res := r.result()
		if got := cellsOf(res); got != want {
			t.Errorf("Kafka gives\n%s\nfiles give\n%s", got, want)
		}
		balanced(t, res)
		if !res.Complete || res.Watermark == nil {
			t.Errorf("complete %v, watermark %v", res.Complete, res.Watermark)
		}
		for i := range 4 {
			key := fmt.Sprintf("orders/%d", i)
			if _, ok := res.Positions[key]; !ok {
				t.Errorf("positions %v lack %s", res.Positions, key)
			}
		}
		r.stop()
	})
}

// One source keyed by the subject and one that is not meet in the same shards.
func TestKafkaDirectAndRekeyedMeet(t *testing.T) {
	exposures, purchases := shopLog(13, 300, 1500)
	want := cellsOf(oracle(t, exposures, purchases))
	inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
		w.produce("exposures", true, exposures)
		w.produce("orders", false, purchases)
		r := start(t, shopSet(t, fmt.Sprintf(directSources, "exposures"), "kafka: {topic: orders}"), w.options(vfs.NewMem()))
		r.read("orders", int64(len(purchases)))
		r.read("exposures", int64(len(exposures)))
		if got := cellsOf(r.result()); got != want {
			t.Errorf("Kafka gives\n%s\nfiles give\n%s", got, want)
		}
		r.stop()
	})
}

// A restart goes on where the last commit was, and counts nothing twice.
func TestKafkaRestartGoesOn(t *testing.T) {
	exposures, purchases := shopLog(14, 300, 1500)
	want := cellsOf(oracle(t, exposures, purchases))
	for name, set := range map[string]*catalog.Set{"direct": directShop(t), "rekeyed": rekeyedShop(t)} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 4, []string{"exposures", "orders"}, func(t *testing.T, w *world) {
				keyed := name == "direct"
				fs := vfs.NewMem()
				w.produce("exposures", keyed, exposures)
				w.produce("orders", keyed, purchases[:700])
				r := start(t, set, w.options(fs))
				r.read("orders", 700)
				r.stop()
				w.produce("orders", keyed, purchases[700:])
				r = start(t, set, w.options(fs))
				began := time.Now()
				r.read("orders", int64(len(purchases)))
				t.Logf("caught up %s after the restart", time.Since(began))
				r.read("exposures", int64(len(exposures)))
				if got := cellsOf(r.result()); got != want {
					t.Errorf("after a restart\n%s\nfiles give\n%s", got, want)
				}
				r.stop()
			})
		})
	}
}

// whole asks for the groupings that are published.
func whole() results.Slices { return results.Slices{} }
