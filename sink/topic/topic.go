package topic

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// DefaultTopic is where results go unless said otherwise.
const DefaultTopic = "tidemark.results"

// Options of a Publisher. Client must reach the brokers; every other zero value works.
type Options struct {
	// Client says how to reach the brokers: seeds, TLS, SASL.
	Client []kgo.Opt
	// Topic is created if it is missing. Default "tidemark.results".
	Topic string
	// Partitions and Replication of a new topic. Defaults 1 (results are small, and one partition keeps a header after its
	// rows) and the broker's.
	Partitions  int32
	Replication int16
	// Every is the shortest time between two publications of an experiment. Default 1 s.
	Every time.Duration
	// Logger gets what an operator should know. Default slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Topic == "" {
		o.Topic = DefaultTopic
	}
	if o.Partitions == 0 {
		o.Partitions = 1
	}
	if o.Replication == 0 {
		o.Replication = -1
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Stats count what a Publisher has done.
type Stats struct {
	Published  int64 // rows and headers acknowledged
	Tombstones int64 // tombstones acknowledged
	Failed     int64 // records that the broker refused for good
}

// Publisher keeps the topic equal to the hub's latest results. Run owns what it remembers; Stats may be called from any
// goroutine.
type Publisher struct {
	hub    *results.Hub
	sub    *results.Subscription
	opt    Options
	client *kgo.Client
	admin  *kadm.Client
	quiet  time.Duration // quietFor, unless a test has more patience

	// held is what the topic holds, as far as it was acknowledged or read: experiment → key → digest. Nil: not read yet.
	held map[string]map[string][sha256.Size]byte
	// encoders remember what they made of rows, by experiment.
	encoders map[string]*encoder

	published, tombstones, failed atomic.Int64
}

// New returns a publisher of the hub's results. Nothing is sent before Run.
func New(hub *results.Hub, opt Options) (*Publisher, error) {
	opt = opt.withDefaults()
	client, err := kgo.NewClient(append(append([]kgo.Opt{kgo.ClientID("tidemark-results")}, opt.Client...), kgo.DefaultProduceTopic(opt.Topic))...)
	if err != nil {
		return nil, fmt.Errorf("topic: %w", err)
	}
	// Subscribed here and not in Run: a hub that is closed in between still has its last results published.
	return &Publisher{hub: hub, sub: hub.Subscribe(), opt: opt, client: client, admin: kadm.NewClient(client), quiet: quietFor, encoders: map[string]*encoder{}}, nil
}

// Stats returns the counts so far.
func (p *Publisher) Stats() Stats {
	return Stats{p.published.Load(), p.tombstones.Load(), p.failed.Load()}
}

// Close releases the connections. Run does so at its end; it is for a Publisher that was never run.
func (p *Publisher) Close() {
	p.sub.Close()
	p.client.Close()
}

// Run publishes until ctx ends, or until the hub is closed and its last results are out; then it returns nil. It is
// called once. What the brokers refuse or do not answer is tried again; Run does not give up.
func (p *Publisher) Run(ctx context.Context) error {
	defer p.Close()
	due := map[string]bool{} // experiments with a result that is not out yet
	for last := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-p.sub.Done():
			last = true
		case <-p.sub.Ready():
		}
		for _, u := range p.sub.Take() {
			due[u.Result.Experiment] = true
		}
		for len(due) > 0 {
			if err := p.round(ctx, due); err != nil && ctx.Err() == nil {
				p.opt.Logger.Error("results topic: not published, will try again", "topic", p.opt.Topic, "waiting", len(due), "err", err)
				// The topic may have been deleted, or somebody else may have written to it: read it again.
				p.held = nil
			}
			if !sleep(ctx, p.opt.Every) {
				return nil
			}
		}
		if last {
			return nil
		}
	}
}

// round publishes the latest result of every experiment in due and takes out what is done.
func (p *Publisher) round(ctx context.Context, due map[string]bool) error {
	if p.held == nil {
		if err := p.ensureTopic(ctx); err != nil {
			return err
		}
		held, err := p.read(ctx)
		if err != nil {
			return err
		}
		p.held = held
	}
	for _, id := range slices.Sorted(maps.Keys(due)) {
		if r, ok := p.hub.Latest(id); ok {
			if err := p.publish(ctx, r); err != nil {
				return err
			}
		}
		delete(due, id)
	}
	return nil
}

// publish produces what differs from what the topic holds, and waits for the acknowledgements.
func (p *Publisher) publish(ctx context.Context, r *results.Result) error {
	held := p.held[r.Experiment]
	if held == nil {
		held = map[string][sha256.Size]byte{}
		p.held[r.Experiment] = held
	}
	of := p.encoders[r.Experiment]
	if of == nil {
		of = &encoder{}
		p.encoders[r.Experiment] = of
	}
	send, gone, err := of.changed(r, held)
	if err != nil {
		return err
	}
	// Tombstones first: the header, which is last, closes what changed.
	stones := make([]message, 0, len(gone)+len(send))
	for _, key := range gone {
		stones = append(stones, message{key: key})
	}
	return p.produce(ctx, held, append(stones, send...))
}

func (p *Publisher) produce(ctx context.Context, held map[string][sha256.Size]byte, ms []message) error {
	errs := make([]error, len(ms))
	var wait sync.WaitGroup
	wait.Add(len(ms))
	for i, m := range ms {
		p.client.Produce(ctx, &kgo.Record{Key: []byte(m.key), Value: m.value}, func(_ *kgo.Record, err error) {
			errs[i] = err
			wait.Done()
		})
	}
	wait.Wait()
	var again error
	for i, m := range ms {
		switch err := errs[i]; {
		case err == nil && m.value == nil:
			p.tombstones.Add(1)
			delete(held, m.key)
		case err == nil:
			p.published.Add(1)
			held[m.key] = m.digest
		case refused(err):
			// Sending it again would fail again; it counts as held until its content changes.
			p.failed.Add(1)
			held[m.key] = m.digest
			p.opt.Logger.Error("results topic: record refused; raise max.message.bytes of the topic", "topic", p.opt.Topic, "key", m.key, "bytes", len(m.value), "err", err)
		default:
			again = fmt.Errorf("topic: produce %s: %w", m.key, err)
		}
	}
	return again
}

// refused says that the broker will never take this record.
func refused(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord)
}

// sleep waits, and says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
