package alert

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Sender delivers messages to one receiver. Render is called once per message, when the state changes; its bytes are
// stored and are what Send gets in every attempt. Send must return when ctx ends.
type Sender interface {
	Render(*notify.Notification) ([]byte, error)
	Send(ctx context.Context, id string, body []byte) notify.Attempt
	Destination() notify.Destination
}

// Options of Open; the zero value works and is what production wants.
type Options struct {
	// FS holds the database. Default: the disk.
	FS vfs.FS
	// Logger gets transitions, failures and dead letters; never a secret. Default: slog.Default.
	Logger *slog.Logger
	// Now is the clock of stale rules, attempts and schedules. Default time.Now. It must run at the speed of real
	// time, because timers do.
	Now func() time.Time
	// Rand spreads retries (±20 %). Default: seeded by the runtime.
	Rand *rand.Rand

	// BaseURL is the page's own address for links in messages ("https://tidemark.example"); no link without it.
	BaseURL string
	// Policy says which addresses may be sent to. Default: https, public addresses.
	Policy notify.Policy
	// Timeout of one attempt. Default 10 s.
	Timeout time.Duration
	// WebhookRate and WebhookBurst bound what one webhook endpoint gets. Default 50 a second, 50 at once.
	WebhookRate  float64
	WebhookBurst int
	// Concurrency is how many messages one receiver gets at a time, of different alerts. Default 4.
	Concurrency int
	// MaxWaiting bounds a receiver's queue; what comes above it goes to the dead letters with reason queue_full.
	// Default 100,000.
	MaxWaiting int
	// KeepDelivered is how many delivered messages per receiver stay on record, KeepTransitions how many
	// transitions, KeepDead how many dead letters per receiver. Defaults 500, 5,000, 10,000.
	KeepDelivered, KeepTransitions, KeepDead int

	// Sender replaces the senders that Open makes from the catalog's receivers; nil means that.
	Sender func(*catalog.Receiver) (Sender, error)
	// OnTransition and OnAttempt are told what happened, for telemetry and tests, after it is durable. They must
	// return at once and not call the Manager.
	OnTransition func(Transition)
	OnAttempt    func(receiver string, a notify.Attempt)
	// OnPoint is called at the named points of a message's life, for tests that kill the process there. Default: the
	// environment variable TIDEMARK_ALERT_CRASH (see Point), else nothing.
	OnPoint func(Point)

	// database changes Pebble's options. Tests that let days pass in a moment take out its tickers.
	database func(*pebble.Options)
}

func (o *Options) ensureDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	if o.MaxWaiting <= 0 {
		o.MaxWaiting = 100_000
	}
	if o.KeepDelivered <= 0 {
		o.KeepDelivered = 500
	}
	if o.KeepTransitions <= 0 {
		o.KeepTransitions = 5_000
	}
	if o.KeepDead <= 0 {
		o.KeepDead = 10_000
	}
	if o.OnPoint == nil {
		o.OnPoint = pointFromEnvironment()
	}
}
