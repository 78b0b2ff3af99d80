package latency

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/process"
)

// scenario is many experiments of one control and some treatments on one topic, each with one guardrail that breaks.
type scenario struct {
	experiments, treatments, users int // users per experiment, over all arms
	seed                           uint64
}

const (
	limit = 0.10
	tau2  = 0.05 // about the variance of the estimates here, so that what has crossed stays crossed
	alpha = 0.05
)

func (s scenario) definitions(receiver string) string {
	var out strings.Builder
	out.WriteString(`source: {id: signals, format: json, kafka: {topic: signals, keyed_by: user_id}}
---
event: {id: EXPOSURE, owner: bench, description: exposure, dependencies: [signals], sql: "SELECT user_id, EPOCH_MS(ts) AS event_time, experiment, variant FROM signals WHERE kind = 'exposure'"}
---
event: {id: REQUEST, owner: bench, description: request, dependencies: [signals], sql: "SELECT user_id, EPOCH_MS(ts) AS event_time, CAST(failed AS BIGINT) AS failed FROM signals WHERE kind = 'request'"}
---
metric: {metric_id: failures, subject: user_id, owner: bench, direction: down, numerator: {event: REQUEST, agg: SUM, value: failed}}
---
alert:
  id: guardrail_crossed
  experiments: all
  when: {guardrail: crossed}
  severity: critical
  summary: "{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"
  receivers: [hook]
---
`)
	fmt.Fprintf(&out, "receiver: {id: hook, webhook: {url: %q, secret_file: hook.secret}}\n", receiver)
	for e := range s.experiments {
		fmt.Fprintf(&out, `---
experiment:
  id: e%03d
  owner: bench
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant, where: "experiment = 'e%03d'"}
  variants: {%s}
  control: c
  start: 2026-01-01T00:00:00Z
  guardrails: [{metric: failures, limit: +10%%}]
  sequential: {tau2: %g}
`, e, e, s.variants(), tau2)
	}
	return out.String()
}

func (s scenario) variants() string {
	list := []string{"c: 1"}
	for i := range s.treatments {
		list = append(list, fmt.Sprintf("t%d: 1", i+1))
	}
	return strings.Join(list, ", ")
}

// oracle is one experiment's sums, kept event by event, and the word that follows from them.
type oracle struct {
	total  map[string]float64 // by user
	n      []float64          // by arm
	sum    []float64
	square []float64
	some   []float64 // users with a failure
}

func newOracle(arms int) *oracle {
	z := func() []float64 { return make([]float64, arms) }
	return &oracle{total: map[string]float64{}, n: z(), sum: z(), square: z(), some: z()}
}

func (o *oracle) expose(arm int) { o.n[arm]++ }

func (o *oracle) fail(arm int, user string) {
	was := o.total[user]
	o.total[user] = was + 1
	o.sum[arm]++
	o.square[arm] += 2*was + 1
	if was == 0 {
		o.some[arm]++
	}
}

// crossed says whether the always-valid interval of the arm's lift lies wholly above the limit (Fieller with k of the
// normal mixture with prior variance tau2; silent below 100 subjects and 25 with a failure in each arm).
func (o *oracle) crossed(arm int) bool {
	if o.n[0] < 100 || o.n[arm] < 100 || o.some[0] < 25 || o.some[arm] < 25 {
		return false
	}
	mean := func(a int) float64 { return o.sum[a] / o.n[a] }
	variance := func(a int) float64 { return (o.square[a] - o.sum[a]*o.sum[a]/o.n[a]) / (o.n[a] - 1) / o.n[a] }
	v := variance(arm) + variance(0)
	k := math.Sqrt((v + tau2) / tau2 * math.Log((v+tau2)/(v*alpha*alpha)))
	beyond := mean(arm) - (1+limit)*mean(0)
	return beyond > k*math.Sqrt(variance(arm)+(1+limit)*(1+limit)*variance(0))
}

// producer appends events and keeps the oracles.
type producer struct {
	scenario
	client  *kgo.Client
	rng     *rand.Rand
	oracles []*oracle
	records []*kgo.Record
}

func newProducer(tb testing.TB, s scenario, addr string) *producer {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(0))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	p := &producer{scenario: s, client: client, rng: rand.New(rand.NewPCG(s.seed, 3))}
	for range s.experiments {
		p.oracles = append(p.oracles, newOracle(s.treatments+1))
	}
	return p
}

func (p *producer) user(e, u int) string { return fmt.Sprintf("e%03d-u%05d", e, u) }
func (p *producer) arm(u int) int        { return u % (p.treatments + 1) }

func (p *producer) add(user, fields string) {
	now := time.Now()
	value := fmt.Appendf(nil, `{"ts":%d,"user_id":%q,%s}`, now.UnixMilli(), user, fields)
	p.records = append(p.records, &kgo.Record{Topic: "signals", Key: []byte(user), Value: value, Timestamp: now})
}

func (p *producer) flush(ctx context.Context) error {
	records := p.records
	p.records = nil
	return p.client.ProduceSync(ctx, records...).FirstErr()
}

// warm exposes everybody and gives a tenth a failure.
func (p *producer) warm(ctx context.Context) error {
	for e := range p.experiments {
		for u := range p.users {
			name, arm := p.user(e, u), "c"
			if a := p.arm(u); a > 0 {
				arm = fmt.Sprintf("t%d", a)
			}
			p.add(name, fmt.Sprintf(`"kind":"exposure","experiment":"e%03d","variant":%q`, e, arm))
			p.oracles[e].expose(p.arm(u))
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
		for u := range p.users {
			failed := 0
			if p.rng.Float64() < 0.15 {
				failed = 1
				p.oracles[e].fail(p.arm(u), p.user(e, u))
			}
			p.add(p.user(e, u), fmt.Sprintf(`"kind":"request","failed":%d`, failed))
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// breakOne makes every request of an experiment's treatments fail until all have crossed, and tells the instant before
// the append of the event at which each did.
func (p *producer) breakOne(ctx context.Context, e int, crossed func(experiment, variant string, at time.Time)) error {
	done := map[int]bool{}
	for len(done) < p.treatments {
		type failure struct {
			arm  int
			name string
		}
		var batch []failure
		for range 20 {
			u := p.rng.IntN(p.users)
			if p.arm(u) == 0 {
				continue
			}
			name := p.user(e, u)
			p.add(name, `"kind":"request","failed":1`)
			batch = append(batch, failure{p.arm(u), name})
		}
		at := time.Now()
		if err := p.flush(ctx); err != nil {
			return err
		}
		for _, f := range batch {
			p.oracles[e].fail(f.arm, f.name)
			if !done[f.arm] && p.oracles[e].crossed(f.arm) {
				done[f.arm] = true
				crossed(fmt.Sprintf("e%03d", e), fmt.Sprintf("t%d", f.arm), at)
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// delivery is one request at the receiver.
type delivery struct {
	id   string
	body [sha256.Size]byte
	text string
	at   time.Time
}

// receiver is the webhook's other end; it keeps every request.
type receiver struct {
	url string
	mu  sync.Mutex
	got []delivery
}

func newReceiver(tb testing.TB) *receiver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	r := &receiver{url: "http://" + l.Addr().String() + "/hook"}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		at := time.Now()
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, delivery{request.Header.Get("webhook-id"), sha256.Sum256(body), string(body), at})
	})}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close() })
	return r
}

func (r *receiver) deliveries() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]delivery(nil), r.got...)
}

// startScenario starts broker, receiver and engine.
func startScenario(tb testing.TB, b process.Broker, s scenario) (*process.Engine, *producer, *receiver) {
	topics(tb, b.Addr(), 4, "signals")
	r := newReceiver(tb)
	engine := process.New(tb, s.definitions(r.url), b.Addr(), "--allow-http-receivers", "--allow-receiver-networks", "127.0.0.0/8")
	secret := "whsec_" + strings.Repeat("QUJD", 11)
	if err := os.WriteFile(filepath.Join(engine.Definitions(), "hook.secret"), []byte(secret), 0o600); err != nil {
		tb.Fatal(err)
	}
	return engine, newProducer(tb, s, b.Addr()), r
}
