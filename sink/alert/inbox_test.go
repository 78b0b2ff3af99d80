package alert_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/inbox"
	"github.com/tidemark/tidemark/stream/results"
)

const shop = `
source: {id: events, format: json, kafka: {topic: events, keyed_by: user_id}}
---
event:
  id: EXPOSURE
  sql: SELECT user_id, variant, TO_TIMESTAMP(ts) AS event_time FROM events WHERE kind = 'exposure'
---
event:
  id: CRASH
  sql: SELECT user_id, TO_TIMESTAMP(ts) AS event_time FROM events WHERE kind = 'crash'
---
metric:
  metric_id: CRASHES
  name: Crashes per user
  type: CONTINUOUS
  subject: user_id
  direction: down
  numerator: {event: CRASH, agg: COUNT, value: user_id}
---
experiment:
  id: landing_page
  owner: "@growth"
  subject: user_id
  exposure: {event: EXPOSURE, variant: variant}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-03-02T00:00:00+09:00
  guardrails: [{metric: CRASHES, limit: +5%}]
---
alert:
  id: guardrail_crossed
  experiments: all
  when: {guardrail: crossed}
  min_subjects: 1000
  severity: critical
  summary: "{{.Experiment}}: {{.Metric}} {{.Lift}} crossed {{.Limit}}"
  receivers: [chat, oncall, hook]
---
receiver: {id: chat, slack: {url_file: secrets/slack}}
---
receiver: {id: oncall, pagerduty: {routing_key_file: secrets/pd}}
---
receiver: {id: hook, webhook: {url: "https://hooks.example/x", secret_file: secrets/hook}}
`

const (
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	pdKey      = "RCANARYcanaryCANARYcanaryCANARY0"
	slackPath  = "T00CANARY/B00CANARY/canarycanary"
)

// house is a catalog as its author writes it, its receivers pointed at a server of the test.
func house(t *testing.T, base string) *catalog.Set {
	t.Helper()
	set := catalogtest.Parse(t, shop)
	dir := t.TempDir()
	for name, text := range map[string]string{"pd": pdKey, "hook": hookSecret, "slack": base + "/inbox/slack?" + slackPath} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range set.Receivers {
		switch {
		case r.Slack != nil:
			r.Slack.URLFile = filepath.Join(dir, "slack")
		case r.PagerDuty != nil:
			r.PagerDuty.RoutingKeyFile, r.PagerDuty.URL = filepath.Join(dir, "pd"), base+"/inbox/pagerduty/v2/enqueue"
		case r.Webhook != nil:
			r.Webhook.SecretFile, r.Webhook.URL = filepath.Join(dir, "hook"), base+"/inbox/webhook"
		}
	}
	return set
}

func crossed(i int, word string) *results.Result {
	p := func(f float64) *float64 { return &f }
	at := time.Date(2026, 3, 4, 5, 31, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute)
	row := results.Row{
		Metric: "CRASHES", Role: "guardrail", Variant: "treatment", Control: "control", State: "worse", Direction: "down",
		ByVariant: map[string]results.Arm{"control": {N: 5000, Value: p(0.10), SE: p(0.001)}, "treatment": {N: 5010, Value: p(0.112), SE: p(0.001)}},
		Lift:      results.Lift{Value: p(0.12), IntervalAlways: results.Interval(&[2]float64{0.07, 0.17})},
		Guardrail: &results.Guardrail{Limit: 0.05, Unit: "relative", State: word},
	}
	row.Difference = results.Difference{Value: p(0.012), PAlways: p(0.00012)}
	return &results.Result{
		Experiment: "landing_page", AsOf: at, Watermark: &at, Positions: map[string]int64{"events/0": int64(i)}, Alpha: 0.05, State: "running",
		Subjects: map[string]int64{"control": 5000, "treatment": 5010}, SRM: results.SRM{State: "ok", PSequential: p(1)}, Rows: []results.Row{row},
	}
}

func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond) // a poll, not a guess: the condition decides
	}
}

// TestAlertReachesAllThreeReceivers goes the whole way: YAML, rules, outbox, the three real senders over real sockets,
// and receivers that judge by the protocols.
func TestAlertReachesAllThreeReceivers(t *testing.T) {
	in := inbox.New(inbox.Options{Secrets: []string{hookSecret}})
	server := httptest.NewServer(in)
	defer server.Close()
	m, err := alert.Open("alerts", house(t, server.URL), alert.Options{
		FS: vfs.NewMem(), Logger: slog.New(slog.DiscardHandler), BaseURL: "https://tidemark.example",
		Policy: notify.Policy{AllowHTTP: true, AllowNetworks: notify.Loopback},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	hub := results.NewHub()
	followed := make(chan error, 1)
	go func() { followed <- m.Follow(ctx, hub) }()

	began := time.Now()
	hub.Publish(crossed(1, "crossed"))
	wait(t, "the firing messages", func() bool { return in.Messages().Received == 3 })
	t.Logf("published → at all three receivers: %v", time.Since(began))
	hub.Publish(crossed(2, "within"))
	wait(t, "the resolved messages", func() bool { return in.Messages().Received == 6 })

	got := in.Messages()
	if got.Refused != 0 {
		t.Errorf("%d requests were refused", got.Refused)
	}
	if first := got.Slack[1].Text; !strings.HasPrefix(first, "▲ landing_page: CRASHES +12.0% crossed +5% · arm treatment · since 14:32") {
		t.Errorf("Slack's first line: %q", first)
	}
	if first := got.Slack[0].Text; !strings.HasPrefix(first, "✓ RESOLVED landing_page") {
		t.Errorf("Slack's last line: %q", first)
	}
	if len(got.PagerDuty) != 1 || got.PagerDuty[0].Status != "resolved" || got.PagerDuty[0].Summary != "landing_page: CRASHES +12.0% crossed +5%" {
		t.Errorf("PagerDuty: %+v", got.PagerDuty)
	}
	if len(got.Webhooks) != 2 || got.Webhooks[1].Type != "experiment.alert.firing" || got.Webhooks[0].Type != "experiment.alert.resolved" {
		t.Errorf("webhooks: %+v", got.Webhooks)
	}
	wait(t, "the receipts", func() bool {
		a := m.Alerts()
		return len(a) == 1 && len(a[0].Deliveries) == 6 && a[0].Deliveries[0].Status == alert.Delivered && a[0].Deliveries[1].Status == alert.Delivered && a[0].Deliveries[2].Status == alert.Delivered
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-followed; err != nil {
		t.Error(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := m.Observe(crossed(3, "crossed")); err == nil {
		t.Error("a closed manager observes")
	}
}

// TestSecretsAreNowhere lets every receiver fail in every way and echo what it got, and looks for the three secrets in
// everything that comes out: logs, lists, the database, errors.
func TestSecretsAreNowhere(t *testing.T) {
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		status := []int{500, 429, 400, 302, 410, 200}[n%6]
		mu.Unlock()
		var body bytes.Buffer
		body.ReadFrom(r.Body)
		w.Header().Set("Location", "/elsewhere?"+slackPath)
		w.WriteHeader(status)
		fmt.Fprintf(w, "you sent %s to %s with %v", body.String(), r.URL, r.Header)
	}))
	defer server.Close()
	fs := vfs.NewMem()
	var log syncBuffer
	m, err := alert.Open("alerts", house(t, server.URL), alert.Options{
		FS: fs, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Policy: notify.Policy{AllowHTTP: true, AllowNetworks: notify.Loopback},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for i := 1; i <= 6; i++ {
		if err := m.Observe(crossed(i, []string{"within", "crossed"}[i%2])); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "some requests", func() bool { mu.Lock(); defer mu.Unlock(); return n >= 8 })
	stop()
	<-done
	dead, err := m.DeadLetters()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	fmt.Fprintf(&all, "%+v %+v %+v %+v %+v", m.Alerts(), m.Receivers(), m.Transitions(100), m.Progress(), dead)
	for _, d := range dead {
		all.Write(d.Body)
	}
	m.Close()
	if err := alert.Inspect("alerts", fs, &all); err != nil {
		t.Fatal(err)
	}
	all.WriteString(log.String())
	for _, secret := range []string{pdKey, hookSecret, strings.TrimPrefix(hookSecret, "whsec_"), slackPath, "canarycanary"} {
		if i := strings.Index(all.String(), secret); i >= 0 {
			t.Errorf("%s…: …%s", secret[:6], all.String()[max(0, i-200):i+20])
		}
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
