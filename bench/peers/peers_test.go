package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/kafka"
	"github.com/tidemark/tidemark/bench/traffic"
)

// shape is a log small enough for a test, with every kind of trouble that the bare semantics know: crossovers and
// duplicates, of few enough subjects that all of them have many events.
func shape(seed uint64) traffic.Shape {
	s := traffic.Standard(20_000, 4_000, 1.1)
	s.Seed, s.Crossovers, s.Late = seed, 0.01, 0.005
	return s
}

// TestPeersEqualOracle runs each peer over one topic on a real broker, with a warm-up over another, and compares its cells
// with the oracle's. A third of the records are written in other ways that mean the same: JSON is not one fixed text.
func TestPeersEqualOracle(t *testing.T) {
	if testing.Short() || os.Getenv("TIDEMARK_PEERS") == "" {
		t.Skip("fetches and starts six engines, which takes minutes: TIDEMARK_PEERS=1 runs it")
	}
	names := []string{"flink-rocksdb", "flink-heap", "streams-dsl", "streams-processor", "streams-processor store=rocksdb", "streams-processor peer.restart=9000", "duckdb", "clickhouse"}
	broker := kafka.Start(t)
	log := shape(rand.Uint64())
	t.Logf("seed %d", log.Seed)
	want := fill(t, broker.Addr, "events", log)
	warm := shape(log.Seed + 1)
	warm.Events = 2_000
	fill(t, broker.Addr, "warm", warm)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			name, settings, _ := strings.Cut(name, " ")
			prepare(t, name)
			task := contract.Task{Brokers: broker.Addr, Topic: "events", Partitions: int(log.Partitions), Events: log.Events, Subjects: log.Subjects,
				Lateness: log.Lateness, Cores: 2, MemoryMB: 2048, Dir: t.TempDir(), Cells: filepath.Join(t.TempDir(), "cells.ndjson"),
				Warm: "warm", WarmEvents: warm.Events, Own: fmt.Sprintf("own-%d-", rand.Uint64())}
			report := run(t, name, settings, task)
			if report.Peer != name || report.Semantics != "bare" || report.Events != log.Events {
				t.Errorf("reports %+v, want %d events of %s with bare semantics", report, log.Events, name)
			}
			if report.WallNS <= 0 || report.CPUNS <= 0 || report.RSS <= 0 || report.Version == "" {
				t.Errorf("reports %+v, want figures and a version", report)
			}
			file, err := os.Open(task.Cells)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			got, err := traffic.Read(file, traffic.Dimensions(3))
			if err != nil {
				t.Fatal(err)
			}
			differences := want.Differences(got)
			for _, d := range differences[:min(len(differences), 5)] {
				t.Error(d)
			}
			t.Logf("%d cells, %d differ; %.1f CPU s", len(got), len(differences), float64(report.CPUNS)/1e9)
			if left := topics(t, broker.Addr); slices.ContainsFunc(left, func(name string) bool { return strings.HasPrefix(name, task.Own) }) {
				t.Errorf("topics of its own are left: %v", left)
			}
		})
	}
}

// prepare fetches and builds a peer, or skips the test where that can't be had.
func prepare(t *testing.T, name string) {
	t.Helper()
	cmd := exec.Command("./peer", "prepare")
	cmd.Dir = name
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 3 && os.Getenv("TIDEMARK_PEERS") != "all" {
		t.Skipf("%s is not to be had here (TIDEMARK_PEERS=all makes that a failure): %s", name, out)
	}
	if err != nil {
		t.Fatalf("prepare %s: %v\n%s", name, err, out)
	}
}

// run runs a peer and returns its last line.
func run(t *testing.T, name, settings string, task contract.Task) contract.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "./peer", "run")
	cmd.Dir, cmd.Env = name, append(os.Environ(), task.Environment()...)
	cmd.Env = append(cmd.Env, "PEER_SETTINGS="+settings)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		text := words.String()
		t.Fatalf("%s: %v\n%s", name, err, text[max(0, len(text)-4000):])
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	var report contract.Report
	if err := json.Unmarshal(lines[len(lines)-1], &report); err != nil {
		t.Fatalf("%s: last line %q: %v", name, lines[len(lines)-1], err)
	}
	return report
}

// fill makes a topic with the records of a log and returns the oracle's cells for it.
func fill(t *testing.T, addr, topic string, log traffic.Shape) traffic.Cells {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), log.Partitions, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(log.Seed, 2))
	generator, writer, oracle := traffic.NewGenerator(log), traffic.NewWriter(log), traffic.NewOracle(log, traffic.Bare)
	for range log.Events {
		e := generator.Next()
		oracle.Add(e)
		key, value := traffic.AppendKey(nil, e.Subject), writer.Append(nil, e)
		if rng.IntN(3) == 0 {
			value = rewrite(t, rng, value)
		}
		client.Produce(t.Context(), &kgo.Record{Topic: topic, Key: key, Value: value, Partition: traffic.Partition(key, log.Partitions), Timestamp: time.UnixMilli(e.Stamp)},
			func(_ *kgo.Record, err error) {
				if err != nil {
					t.Error(err)
				}
			})
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return oracle.Cells(traffic.TheJob())
}

// rewrite writes a record in another way that means the same: members in another order, with white space, with members that
// nobody reads, and with escapes in texts.
func rewrite(t *testing.T, rng *rand.Rand, value []byte) []byte {
	var record map[string]any
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	if err := decoder.Decode(&record); err != nil {
		t.Fatal(err)
	}
	record["more"] = map[string]any{"type": "click", "list": []any{1, "]}\"", map[string]any{"variant": "x"}}, "none": nil}
	record["experiment"].(map[string]any)["cents"] = 7
	var out []byte
	escaped := rng.IntN(2) == 0
	var write func(v any)
	write = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			out = append(out, "{ "...)
			names := slices.Sorted(maps.Keys(v))
			rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
			for i, name := range names {
				if i > 0 {
					out = append(out, " ,\n"...)
				}
				out = fmt.Appendf(out, "%q :\t", name)
				write(v[name])
			}
			out = append(out, " }"...)
		case string:
			if escaped && v != "" && v[0] < 0x80 && v[0] != '"' {
				out = fmt.Appendf(out, "\"\\u%04x%s", v[0], quoted(v[1:])[1:])
				return
			}
			out = append(out, quoted(v)...)
		default:
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, text...)
		}
	}
	write(record)
	return out
}

func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(out)
}

func topics(t *testing.T, addr string) []string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	list, err := kadm.NewClient(client).ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list.Names()
}
