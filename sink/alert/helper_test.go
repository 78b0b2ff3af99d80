package alert

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream/results"
)

// start is a fixed instant at which tests begin; results carry their own times, so nothing depends on it.
var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// rec is a sender that records what it is asked to do and answers as told.
type rec struct {
	dest   notify.Destination
	answer func(id string, try int) notify.Attempt // nil: delivered

	mu    sync.Mutex
	tries map[string]int
	sent  []sent
}

type sent struct {
	id, body string
	at       time.Time
	ok       bool
}

func newRec(name string) *rec {
	return &rec{dest: notify.Destination{ID: name, Name: name + ".test", Rate: 1e6, Burst: 1000}, tries: map[string]int{}}
}

func (r *rec) Render(n *notify.Notification) ([]byte, error) {
	return fmt.Appendf(nil, "%s %s %s/%s/%s/%s #%d %s", n.Transition, n.Reason, n.Rule, n.Experiment, n.Metric, n.Variant, n.Episode, n.Summary), nil
}

func (r *rec) Destination() notify.Destination { return r.dest }

func (r *rec) Send(ctx context.Context, id string, body []byte) notify.Attempt {
	r.mu.Lock()
	r.tries[id]++
	try, answer := r.tries[id], r.answer
	r.mu.Unlock()
	a := notify.Attempt{At: time.Now(), Status: 200, Verdict: notify.Delivered}
	if answer != nil {
		a = answer(id, try)
		a.At = time.Now()
	}
	r.mu.Lock()
	r.sent = append(r.sent, sent{id, string(body), time.Now(), a.Verdict == notify.Delivered})
	r.mu.Unlock()
	return a
}

func (r *rec) log() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// now changes the answer while requests come in; nil: delivered.
func (r *rec) now(answer func(id string, try int) notify.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// delivered lists the bodies that were accepted, in order.
func (r *rec) delivered() []string {
	var list []string
	for _, s := range r.log() {
		if s.ok {
			list = append(list, s.body)
		}
	}
	return list
}

// definitions is a catalog of two experiments, in Go: what the tests vary, they vary here.
func definitions(alerts ...*catalog.Alert) *catalog.Set {
	src := &catalog.Source{ID: "events", Topics: []string{"events"}}
	ev := &catalog.Event{ID: "CRASH", Source: src}
	crashes := &catalog.Metric{ID: "CRASHES", Direction: catalog.Down, Numerator: catalog.Term{Event: ev}}
	ctr := &catalog.Metric{ID: "CTR", Name: "Click-through rate", Direction: catalog.Up, Format: "percent", Numerator: catalog.Term{Event: ev}}
	set := &catalog.Set{Sources: []*catalog.Source{src}, Events: []*catalog.Event{ev}, Metrics: []*catalog.Metric{crashes, ctr}, Alerts: alerts}
	for _, id := range []string{"one", "two"} {
		e := &catalog.Experiment{ID: id, Owner: "@search", Control: "a", Start: start.Add(-24 * time.Hour), Alpha: 0.05,
			Variants: []catalog.Variant{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}},
			Metrics: []catalog.MetricUse{{Metric: ctr, Role: catalog.Goal},
				{Metric: crashes, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.05, Relative: true, Text: "+5%"}}},
		}
		e.Exposure.Event = ev
		set.Experiments = append(set.Experiments, e)
	}
	for _, id := range []string{"chat", "pager"} {
		set.Receivers = append(set.Receivers, &catalog.Receiver{ID: id, Webhook: &struct{ URL, SecretFile string }{"https://" + id + ".test", ""}})
	}
	return set
}

func guardrailRule(id string, receivers ...string) *catalog.Alert {
	return &catalog.Alert{ID: id, All: true, When: catalog.Condition{Guardrail: "crossed"}, Severity: "critical", Receivers: receivers,
		Summary: "{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"}
}

// outcome builds a result: its words are what the tests are about, its numbers only have to be there.
type outcome struct {
	experiment string
	at         time.Duration // after start
	positions  map[string]int64
	subjects   int64
	srm        string
	state      string            // of the experiment
	words      map[string]string // metric → guardrail word or state word; missing: no row
}

func (o outcome) result() *results.Result {
	r := &results.Result{Experiment: o.experiment, AsOf: start.Add(o.at), Positions: o.positions, Alpha: 0.05, State: o.state,
		Subjects: map[string]int64{"a": o.subjects / 2, "b": o.subjects - o.subjects/2}, SRM: results.SRM{State: o.srm, P: ptr(0.8), PSequential: ptr(1.0)}}
	w := start.Add(o.at)
	r.Watermark = &w
	if o.srm == "" {
		r.SRM.State = "ok"
	}
	if r.SRM.State == "failed" {
		r.SRM.PSequential = ptr(1e-9)
	}
	for _, metric := range slices.Sorted(maps.Keys(o.words)) {
		word := o.words[metric]
		row := results.Row{Metric: metric, Variant: "b", Control: "a", Slice: map[string]string{}, State: word, Role: "goal", Format: "percent", Direction: "up",
			ByVariant: map[string]results.Arm{"a": {N: o.subjects / 2, Value: ptr(0.1), SE: ptr(0.001)}, "b": {N: o.subjects / 2, Value: ptr(0.11), SE: ptr(0.001)}},
			Lift:      results.Lift{Value: ptr(0.1), IntervalAlways: results.Interval(&[2]float64{0.06, 0.14})},
		}
		row.Difference.Value, row.Difference.PAlways = ptr(0.01), ptr(0.0001)
		row.Difference.IntervalAlways = results.Interval(&[2]float64{0.006, 0.014})
		if metric == "CRASHES" {
			row.Role, row.Direction = "guardrail", "down"
			row.Guardrail = &results.Guardrail{Limit: 0.05, Unit: "relative", State: word}
			switch word {
			case "crossed", "near":
				row.State = "worse"
			case "within":
				row.State = "not_clear"
			default:
				row.Guardrail.State = "within"
			}
		}
		if r.SRM.State == "failed" {
			row.State, row.Reasons = "unreliable", append(row.Reasons, results.ReasonSRM)
		}
		slice := row
		slice.Slice = map[string]string{"platform": "ios"}
		slice.State = "worse"
		if slice.Guardrail != nil {
			slice.Guardrail = &results.Guardrail{Limit: 0.05, Unit: "relative", State: "crossed"}
		}
		r.Rows = append(r.Rows, slice, row) // the slice must never matter
	}
	return r
}

func ptr[T any](v T) *T { return &v }

// quiet is a logger for nobody.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// options for tests: memory, fixed randomness, recording senders by receiver.
func options(fs vfs.FS, senders map[string]*rec) Options {
	return Options{FS: fs, Logger: quiet, Rand: rand.New(rand.NewPCG(1, 2)),
		Sender: func(r *catalog.Receiver) (Sender, error) {
			if senders[r.ID] == nil {
				senders[r.ID] = newRec(r.ID)
			}
			return senders[r.ID], nil
		},
		OnPoint: func(Point) {},
		database: func(o *pebble.Options) {
			o.Experimental.CompactionScheduler = pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()
		},
	}
}

func open(t testing.TB, set *catalog.Set, opt Options) *Manager {
	t.Helper()
	m, err := Open("alerts", set, opt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func observe(t testing.TB, m *Manager, o outcome) {
	t.Helper()
	if err := m.Observe(o.result()); err != nil {
		t.Fatal(err)
	}
}

// history is what a manager has decided, without what depends on when: the transition log.
func history(m *Manager) []string {
	var list []string
	for _, t := range slices.Backward(m.Transitions(1 << 20)) {
		list = append(list, fmt.Sprintf("%s %s %s/%s: %s -> %s (%s) #%d muted=%v", t.At.UTC().Format("15:04:05"), t.Key.Rule, t.Key.Experiment, t.Key.Metric, t.From, t.To, t.Reason, t.Episode, t.Muted))
	}
	return list
}

// outbox lists what waits behind seq in the order in which it came about, as "receiver: body".
func outbox(t testing.TB, m *Manager, after uint64) (list []string, last uint64) {
	t.Helper()
	var rows []storedDelivery
	err := m.store.each([]byte{outboxPrefix}, func(k, v []byte) error {
		var row storedDelivery
		if err := decode(k, v, &row); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rows, func(a, b storedDelivery) int { return cmp.Compare(a.Seq, b.Seq) })
	last = after
	for _, row := range rows {
		if row.Seq > after {
			list, last = append(list, row.Receiver+": "+string(row.Body)), row.Seq
		}
	}
	return list, last
}
