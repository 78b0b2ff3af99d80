package speed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/traffic"
)

// topic is the name of the job's topic, on a broker that has no other log; warm is the one to warm up on.
const (
	topic = "events"
	warm  = "warm"
)

// producer writes a generator's records to a topic, in order within each partition.
type producer struct {
	client *kgo.Client
	gen    *traffic.Generator
	write  *traffic.Writer
	shape  traffic.Shape
	topic  string
	failed atomic.Pointer[error]
}

func newProducer(addr, topic string, shape traffic.Shape, linger time.Duration) (*producer, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.MaxBufferedRecords(1<<17), kgo.RecordRetries(200))
	if err != nil {
		return nil, err
	}
	// Not RecordDeliveryTimeout: it counts from the record's own timestamp, which is event time here.
	return &producer{client: client, gen: traffic.NewGenerator(shape), write: traffic.NewWriter(shape), shape: shape, topic: topic}, nil
}

// batch is records under way together; its buffers are used again when all have arrived.
type batch struct {
	records []kgo.Record
	bytes   []byte
	pending atomic.Int32
}

const batchRecords = 4096

// render makes the next n records.
func (b *batch) render(p *producer, n int) {
	if b.records == nil {
		b.records = make([]kgo.Record, batchRecords)
		b.bytes = make([]byte, 0, batchRecords*(p.shape.Bytes+32))
	}
	b.bytes = b.bytes[:0]
	for i := range n {
		e := p.gen.Next()
		at := len(b.bytes)
		b.bytes = traffic.AppendKey(b.bytes, e.Subject)
		middle := len(b.bytes)
		b.bytes = p.write.Append(b.bytes, e)
		key := b.bytes[at:middle:middle]
		b.records[i] = kgo.Record{Topic: p.topic, Partition: traffic.Partition(key, p.shape.Partitions), Key: key,
			Value: b.bytes[middle:len(b.bytes):len(b.bytes)], Timestamp: time.UnixMilli(e.Stamp)}
	}
}

// produce appends the next n records as fast as the broker takes them.
func (p *producer) produce(ctx context.Context, n int64) error {
	const batches = 24
	free, full := make(chan *batch, batches), make(chan *batch, 2)
	for range batches {
		free <- new(batch)
	}
	go func() {
		defer close(full)
		for left := n; left > 0; {
			select {
			case b := <-free:
				size := int(min(left, batchRecords))
				b.render(p, size)
				b.pending.Store(int32(size))
				left -= int64(size)
				full <- b
			case <-ctx.Done():
				return
			}
		}
	}()
	for b := range full {
		for i := range b.pending.Load() {
			p.client.Produce(ctx, &b.records[i], func(_ *kgo.Record, err error) {
				if err != nil {
					p.failed.CompareAndSwap(nil, &err)
				}
				if b.pending.Add(-1) == 0 {
					free <- b
				}
			})
		}
	}
	return errors.Join(p.client.Flush(ctx), ctx.Err(), p.err())
}

func (p *producer) err() error {
	if err := p.failed.Load(); err != nil {
		return fmt.Errorf("speed: produce to %s: %w", p.topic, *err)
	}
	return nil
}

// filled is written beside a broker's folder when its topics are complete.
type filled struct {
	Shape traffic.Shape `json:"shape"`
	Ends  []int64       `json:"ends"`
	// Warm is the number of records of the topic to warm up on; 0: there is none.
	Warm int64 `json:"warm"`
}

// filledLog is a broker with a filled topic.
type filledLog struct {
	*broker
	filled
	dir    string
	admin  *kadm.Client
	unlock func()
}

// openLog starts a broker on the shape's log, filling it first unless the folder below cache has it already. A warm topic
// is added if asked for.
func openLog(ctx context.Context, cache, kind string, shape traffic.Shape, withWarm bool, say func(string, ...any)) (*filledLog, error) {
	l := &filledLog{dir: filepath.Join(cache, kind+"-"+shape.Name())}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, err
	}
	unlock, err := lock(l.dir)
	if err != nil {
		return nil, err
	}
	l.unlock = unlock
	if err := l.open(ctx, cache, kind, shape, withWarm, say); err != nil {
		unlock()
		return nil, err
	}
	return l, nil
}

// lock keeps other runs of the command from a log; they may use others in the same cache.
func lock(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("speed: another run uses the log %s: wait for it, or name another folder with --cache: %w", dir, err)
	}
	return func() { file.Close() }, nil
}

func (l *filledLog) open(ctx context.Context, cache, kind string, shape traffic.Shape, withWarm bool, say func(string, ...any)) error {
	done := filepath.Join(l.dir, "filled.json")
	if text, err := os.ReadFile(done); err != nil || json.Unmarshal(text, &l.filled) != nil || withWarm && l.Warm == 0 {
		l.filled = filled{Shape: shape}
		if err := os.RemoveAll(l.dir); err != nil {
			return err
		}
		if err := makeRoom(cache, shape.Events*int64(shape.Bytes+60)*11/10); err != nil {
			return err
		}
	}
	var err error
	if l.broker, err = startBroker(ctx, kind, filepath.Join(l.dir, "broker")); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(l.addr))
	if err != nil {
		return errors.Join(err, l.stop())
	}
	l.admin = kadm.NewClient(client)
	if l.Ends == nil {
		if err := l.fill(ctx, done, withWarm, say); err != nil {
			l.admin.Close()
			return errors.Join(err, l.stop())
		}
	}
	return nil
}

func (l *filledLog) fill(ctx context.Context, done string, withWarm bool, say func(string, ...any)) error {
	small := l.Shape
	small.Seed, small.Events = l.Shape.Seed+1000, max(1, l.Shape.Events/10)
	small.Step, small.Preload = l.Shape.Step*10, false
	for _, t := range []struct {
		name  string
		shape traffic.Shape
		want  bool
	}{{topic, l.Shape, true}, {warm, small, withWarm}} {
		if !t.want {
			continue
		}
		if _, err := l.admin.CreateTopic(ctx, t.shape.Partitions, 1, nil, t.name); err != nil {
			return fmt.Errorf("speed: create topic %s: %w", t.name, err)
		}
		began := time.Now()
		p, err := newProducer(l.addr, t.name, t.shape, 5*time.Millisecond)
		if err != nil {
			return err
		}
		err = p.produce(ctx, t.shape.Events)
		p.client.Close()
		if err != nil {
			return err
		}
		took := time.Since(began)
		say("filled topic %s with %d records in %s (%.2f M/s)", t.name, t.shape.Events, took.Round(time.Millisecond), float64(t.shape.Events)/took.Seconds()/1e6)
	}
	var err error
	if l.Ends, err = contract.EndsBy(ctx, l.admin, topic); err != nil {
		return err
	}
	total := int64(0)
	for _, end := range l.Ends {
		total += end
	}
	if total != l.Shape.Events {
		return fmt.Errorf("speed: topic %s has %d records after %d were produced", topic, total, l.Shape.Events)
	}
	if withWarm {
		l.Warm = small.Events
	}
	text, err := json.Marshal(l.filled)
	if err != nil {
		return err
	}
	return os.WriteFile(done, text, 0o600)
}

// spoil marks the log as one that no other scenario may use, because something was appended to it.
func (l *filledLog) spoil() error { return os.RemoveAll(filepath.Join(l.dir, "filled.json")) }

func (l *filledLog) close() error {
	l.admin.Close()
	err := l.stop()
	l.unlock()
	return err
}

// makeRoom removes the oldest logs that nobody uses until so many bytes fit, with room to spare: as much for state, 2 GiB at most, above what
// makes Tidemark pause its fetching (2 GiB or 5 % of the disk), or 8 GiB, whichever is more.
func makeRoom(cache string, need int64) error {
	inUse := map[string]bool{}
	for {
		free, total, err := diskBytes(cache)
		if err != nil {
			return err
		}
		if free > need+max(8<<30, total/20+min(need, 2<<30)) {
			return nil
		}
		old, err := filepath.Glob(filepath.Join(cache, "k*-*"))
		if err != nil {
			return err
		}
		var oldest string
		var when time.Time
		for _, dir := range old {
			if info, err := os.Stat(dir); err == nil && info.IsDir() && !inUse[dir] && (oldest == "" || info.ModTime().Before(when)) {
				oldest, when = dir, info.ModTime()
			}
		}
		if oldest == "" {
			return fmt.Errorf("speed: the log needs %d MB and %s has %d MB: name another disk with --cache, or fewer --events", need>>20, cache, free>>20)
		}
		unlock, err := lock(oldest)
		if err != nil {
			inUse[oldest] = true
			continue
		}
		err = os.RemoveAll(oldest)
		unlock()
		if err != nil {
			return err
		}
	}
}

// answers computes the oracle's cells, each once.
type answers struct {
	mu   sync.Mutex
	done map[string]traffic.Cells
}

// cells of the first n records of the shape's log.
func (a *answers) cells(shape traffic.Shape, n int64, job traffic.Job, semantics traffic.Semantics) traffic.Cells {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := fmt.Sprint(shape.Name(), n, job.Metrics, job.Dimensions, semantics)
	if a.done[key] == nil {
		g, o := traffic.NewGenerator(shape), traffic.NewOracle(shape, semantics)
		for range n {
			o.Add(g.Next())
		}
		if a.done == nil {
			a.done = map[string]traffic.Cells{}
		}
		a.done[key] = o.Cells(job)
	}
	return a.done[key]
}
