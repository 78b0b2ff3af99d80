package metamorphic

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/bench/workload"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

var all = results.Slices{Mode: results.AllSlices}

// TestEngineOverFilesEqualsOracle reads random logs as files, by the whole engine on a memory file system, with any
// number of shards and any size of batch. Files are never late.
func TestEngineOverFilesEqualsOracle(t *testing.T) {
	dir := t.TempDir()
	seeds(t, 4_000, func(seed uint64) error {
		c := Generate(seed)
		if seed%4 == 0 {
			c = c.Scatter()
		}
		for i := range c.Spec.Events {
			c.Spec.Events[i].Lateness = -1
		}
		rng := rand.New(rand.NewPCG(seed, 6))
		yaml, files := asFiles(c, dir)
		set := catalogtest.Parse(t, yaml)
		list, err := stream.Analyze(context.Background(), set, stream.AnalyzeOptions{Slices: all, Options: stream.Options{
			Files: files, Facts: c.Facts, Shards: 1 + rng.IntN(16), BatchRows: 1 + rng.IntN(30), CacheBytes: 4 << 20, Logger: quiet}})
		if err != nil {
			return fmt.Errorf("%w\n%s", err, yaml)
		}
		return verdict(c, yaml, list)
	})
}

// asFiles writes the log as one file a partition and makes the sources read files.
func asFiles(c *Case, dir string) (yaml string, files map[string][]string) {
	text := map[string]*strings.Builder{}
	for _, source := range sources {
		for p := range c.Partitions {
			text[fmt.Sprintf("%s-%d", source, p)] = new(strings.Builder)
		}
	}
	for _, r := range c.Log {
		b := text[fmt.Sprintf("%s-%d", r.Source, r.Partition)]
		b.Write(JSON(r))
		b.WriteByte('\n')
	}
	files = map[string][]string{}
	for name, b := range text {
		path := filepath.Join(dir, name+".ndjson")
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			panic(err)
		}
		source, _, _ := strings.Cut(name, "-")
		files[source] = append(files[source], path)
	}
	var out []string
	for _, line := range strings.Split(c.YAML, "\n") {
		if strings.HasPrefix(line, "source: ") {
			id, _, _ := strings.Cut(strings.TrimPrefix(line, "source: {id: "), ",")
			profile := ""
			if strings.Contains(line, "profile") {
				profile = ", profile: true"
			}
			slices.Sort(files[id])
			line = fmt.Sprintf("source: {id: %s, format: json, files: [%s-*.ndjson]%s}", id, id, profile)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n"), files
}

func verdict(c *Case, yaml string, list []*results.Result) error {
	differences := workload.Differences(c.Spec, oracle.Compute(c.Spec, c.Log), list)
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("%s\n%s\n%s", strings.Join(differences[:min(5, len(differences))], "\n"), yaml, dump(c))
}

// TestEngineOverKafkaEqualsOracle runs the whole engine against a broker in virtual time: random logs come in pieces,
// the engine is killed in between, losing a random part of what was not synced.
func TestEngineOverKafkaEqualsOracle(t *testing.T) {
	seeds(t, 500, func(seed uint64) (failed error) {
		c := Generate(seed)
		set := catalogtest.Parse(t, c.YAML)
		synctest.Test(t, func(t *testing.T) { failed = overKafka(c, set) })
		return failed
	})
}

func overKafka(c *Case, set *catalog.Set) error {
	rng := rand.New(rand.NewPCG(c.Seed, 8))
	var net kfake.VirtualNetwork
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(net.Listen), kfake.SeedTopics(int32(c.Partitions), sources...))
	if err != nil {
		return err
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.Dialer(net.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()

	c.Spec.Clock = shardClock(c, set)
	left := slices.Clone(c.Log)
	slices.SortStableFunc(left, func(a, b oracle.Record) int { return int(a.Timestamp - b.Timestamp) })
	produce := func(n int) error {
		for _, r := range left[:n] {
			record := &kgo.Record{Topic: r.Source, Partition: int32(r.Partition), Key: []byte(r.Subject), Value: JSON(r), Timestamp: time.UnixMicro(r.Timestamp)}
			if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
				return err
			}
		}
		left = left[n:]
		return nil
	}
	fs := vfs.NewCrashableMem()
	for kills := rng.IntN(4); ; kills-- {
		e, err := stream.New(set, stream.Options{Dir: "data", FS: fs, Brokers: cluster.ListenAddrs(), Client: []kgo.Opt{kgo.Dialer(net.DialContext)},
			Logger: quiet, Facts: c.Facts, DiskLow: -1, CacheBytes: 4 << 20, BatchRows: 1 + rng.IntN(20),
			CommitEvery: time.Duration(10+rng.IntN(400)) * time.Millisecond, DurableEvery: time.Duration(10+rng.IntN(900)) * time.Millisecond})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		stop := func() error {
			cancel()
			return <-done
		}
		if kills <= 0 {
			if err := produce(len(left)); err != nil {
				return err
			}
			list, err := await(e, c)
			if err == nil && strict(c) {
				// An input without news vouches for the time that the others had reached when its end was last asked for.
				time.Sleep(5 * time.Second) // virtual
				list, err = await(e, c)
			}
			if stopped := stop(); err == nil {
				err = stopped
			}
			if err != nil {
				return err
			}
			return verdict(c, c.YAML, list)
		}
		if err := produce(rng.IntN(len(left) + 1)); err != nil {
			return err
		}
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond) // virtual
		clone := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 50, 100}[rng.IntN(3)], RNG: rng})
		if err := stop(); err != nil { // what it still writes goes to the old file system
			return err
		}
		fs = clone
	}
}

// shardClock is what a shard's clock comes to when all has been read: the largest timestamp of the partition's records, less
// what brokers' clocks may differ.
func shardClock(c *Case, set *catalog.Set) func(subject string) int64 {
	plans, err := set.Plans()
	if err != nil {
		panic(err)
	}
	reads := map[string]bool{}
	for _, source := range plans[0].Sources {
		reads[source.ID] = true
	}
	return func(subject string) int64 {
		p := int(Partition(subject, c.Partitions))
		return newest(c.Log, func(r oracle.Record) bool { return r.Partition == p && reads[r.Source] }) - 5*minute
	}
}

// strict says whether the case has a strict metric.
func strict(c *Case) bool {
	for _, e := range c.Spec.Experiments {
		if slices.ContainsFunc(e.Metrics, func(m oracle.Metric) bool { return m.Strict }) {
			return true
		}
	}
	return false
}

// await waits, in virtual time, until every record that the engine reads has been applied.
func await(e *stream.Engine, c *Case) ([]*results.Result, error) {
	ends := map[string]int64{}
	for _, r := range c.Log {
		ends[fmt.Sprintf("%s/%d", r.Source, r.Partition)] = r.Offset + 1
	}
	var missing error
	for range 1200 {
		var list []*results.Result
		missing = nil
		for _, x := range c.Spec.Experiments {
			r, err := e.Results(context.Background(), x.ID, all)
			if err != nil {
				missing = err
				break
			}
			for at, next := range r.Positions {
				if next < ends[at] {
					missing = fmt.Errorf("%s is at %d of %d", at, next, ends[at])
				}
			}
			if len(r.Positions) == 0 && len(c.Log) > 0 {
				missing = fmt.Errorf("no positions yet")
			}
			list = append(list, r)
		}
		if missing == nil {
			return list, nil
		}
		time.Sleep(50 * time.Millisecond) // virtual
	}
	return nil, fmt.Errorf("never caught up: %w; %+v", missing, e.Status())
}
