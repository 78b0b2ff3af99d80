package kill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/bench/process"
	"github.com/tidemark/tidemark/bench/workload"
)

const partitions = 8

func TestMain(m *testing.M) { process.Main(m) }

// round is the size of one run.
type round struct {
	events, engineKills, brokerKills int
	seed                             uint64
}

func (r round) fromEnvironment(t *testing.T) round {
	number := func(name string, to *int) {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			*to = n
		}
	}
	seed := int(time.Now().UnixNano() & 0xffffff)
	number("TIDEMARK_KILL_EVENTS", &r.events)
	number("TIDEMARK_KILL_ENGINE", &r.engineKills)
	number("TIDEMARK_KILL_BROKER", &r.brokerKills)
	number("TIDEMARK_KILL_SEED", &seed)
	r.seed = uint64(seed)
	return r
}

func TestKillsOnFakeBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: kills are not short")
	}
	r := round{events: 300_000, engineKills: 200, brokerKills: 10}.fromEnvironment(t)
	run(t, process.FakeBroker(t), r)
}

func TestKillsOnRealKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: kills are not short")
	}
	r := round{events: 200_000, engineKills: 10, brokerKills: 1}.fromEnvironment(t)
	run(t, process.RealKafka(t), r)
}

// run produces the events, paced so that they outlast the kills, kills, waits and compares.
func run(t *testing.T, b process.Broker, r round) {
	t.Logf("seed %d: %d events, %d engine kills, %d broker kills", r.seed, r.events, r.engineKills, r.brokerKills)
	ctx := context.Background()
	createTopics(t, b.Addr())
	e := process.New(t, workload.Definitions, b.Addr())
	e.Start()

	var produced atomic.Int64
	done := make(chan error, 1)
	killed := atomic.Int64{}
	total := int64(r.engineKills + r.brokerKills)
	go func() { done <- produce(ctx, b.Addr(), r, &produced, &killed, total) }()

	rng := rand.New(rand.NewPCG(r.seed, 2))
	began := time.Now()
	brokerEvery := 0
	if r.brokerKills > 0 {
		brokerEvery = max(1, r.engineKills/r.brokerKills)
	}
	brokers := 0
	for i := range r.engineKills {
		time.Sleep(time.Duration(100+rng.IntN(700)) * time.Millisecond)
		if !e.Kill() {
			t.FailNow()
		}
		killed.Add(1)
		if brokerEvery > 0 && i%brokerEvery == 0 && brokers < r.brokerKills {
			if err := errors.Join(b.Kill(), b.Start()); err != nil {
				t.Fatal(err)
			}
			brokers++
			killed.Add(1)
		}
		e.Start()
	}
	t.Logf("%d engine kills and %d broker kills in %s, %d events produced by then", r.engineKills, brokers, time.Since(began).Round(time.Second), produced.Load())
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	log, ends := readLog(t, b.Addr())
	list := e.Results([]string{"ranking", "pricing"}, ends, 5*time.Minute)
	t.Logf("%d records in the log, %d events for the oracle; caught up after %s", total64(ends), len(log), time.Since(began).Round(time.Second))
	spec := workload.Spec()
	answer := oracle.Compute(spec, log)
	differences := workload.Differences(spec, answer, list)
	for i, d := range differences {
		if i == 20 {
			t.Errorf("… and %d more", len(differences)-20)
			break
		}
		t.Error(d)
	}
	t.Logf("%d cells compared", len(answer.Cells))
}

func total64(m map[string]int64) (sum int64) {
	for _, v := range m {
		sum += v
	}
	return sum
}

// produce writes the workload in order, retrying without end; it keeps events for as long as there are kills to come.
func produce(ctx context.Context, addr string, r round, produced, killed *atomic.Int64, kills int64) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.RecordRetries(1<<30), kgo.RequestRetries(1<<30), kgo.UnknownTopicRetries(-1), kgo.RetryTimeout(10*time.Minute), kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.MaxBufferedRecords(100_000), kgo.RequiredAcks(kgo.AllISRAcks()))
	if err != nil {
		return err
	}
	defer client.Close()
	step := workload.Span / time.Duration(r.events)
	g := workload.NewGenerator(r.seed, max(1000, r.events/10), step)
	// Partitions get a chunk in any order; their timestamps must not disagree by more than the engine's bound of 5 minutes.
	chunk := min(2000, int(3*time.Minute/step))
	for sent := 0; sent < r.events; sent += chunk {
		// The share of events sent stays behind the share of kills done: the traffic outlasts the kills.
		for kills > 0 && float64(sent)/float64(r.events) > (float64(killed.Load())+1)/float64(kills) {
			time.Sleep(10 * time.Millisecond)
		}
		records := make([]*kgo.Record, 0, chunk)
		for range chunk {
			w := g.Next()
			records = append(records, &kgo.Record{Topic: w.Topic, Key: []byte(w.Key), Value: w.Value, Timestamp: w.Timestamp})
		}
		if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
			return fmt.Errorf("produce: %w", err)
		}
		produced.Add(int64(chunk))
	}
	return nil
}

func createTopics(t testing.TB, addr string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	response, err := kadm.NewClient(client).CreateTopics(context.Background(), partitions, 1, nil, workload.Topics...)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Error(); err != nil {
		t.Fatal(err)
	}
}

// readLog reads every topic to its end: the oracle's input and the ends by "topic/partition".
func readLog(t testing.TB, addr string) ([]oracle.Record, map[string]int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	admin, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	offsets, err := kadm.NewClient(admin).ListEndOffsets(ctx, workload.Topics...)
	if err != nil {
		t.Fatal(err)
	}
	ends, left := map[string]int64{}, int64(0)
	offsets.Each(func(o kadm.ListedOffset) {
		ends[fmt.Sprintf("%s/%d", o.Topic, o.Partition)] = o.Offset
		left += o.Offset
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(workload.Topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var log []oracle.Record
	for left > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("reading the log: %v with %d records to go", err, left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			events, err := workload.Decode(r.Topic, int(r.Partition), r.Offset, r.Timestamp, r.Value)
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, events...)
		})
	}
	workload.Sort(log)
	return log, ends
}
