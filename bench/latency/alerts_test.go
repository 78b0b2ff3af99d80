package latency

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tidemark/tidemark/bench/process"
)

// key finds the alert of a delivery by what its body says.
func key(tb testing.TB, d delivery) string {
	var m struct {
		Type string
		Data struct {
			Experiment struct{ ID string }
			Metric     struct{ Variant string }
		}
	}
	if err := json.Unmarshal([]byte(d.text), &m); err != nil {
		tb.Fatalf("%v in %s", err, d.text)
	}
	return m.Type + " " + m.Data.Experiment.ID + "/" + m.Data.Metric.Variant
}

const firing = "experiment.alert.firing "

// BenchmarkAlerts times from the append of the event at which the oracle's word turns crossed to the request at the
// receiver: 50 experiments of 4 treatments, 200 alerts.
func BenchmarkAlerts(b *testing.B) {
	for range b.N {
		s := scenario{experiments: number("TIDEMARK_EXPERIMENTS", 50), treatments: 4, users: 1500, seed: 7}
		engine, p, r := startScenario(b, process.RealKafka(b), s)
		engine.Start()
		ctx := context.Background()
		if err := p.warm(ctx); err != nil {
			b.Fatal(err)
		}
		quiet(b, engine)
		var mu sync.Mutex
		crossed := map[string]time.Time{}
		for e := range s.experiments {
			if err := p.breakOne(ctx, e, func(experiment, variant string, at time.Time) {
				mu.Lock()
				crossed[firing+experiment+"/"+variant] = at
				mu.Unlock()
			}); err != nil {
				b.Fatal(err)
			}
		}
		var took []time.Duration
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			took = took[:0]
			first := map[string]time.Time{}
			for _, d := range r.deliveries() {
				if k := key(b, d); first[k].IsZero() {
					first[k] = d.at
				}
			}
			for k, at := range crossed {
				if !first[k].IsZero() {
					took = append(took, first[k].Sub(at))
				}
			}
			if len(took) == len(crossed) || time.Now().After(deadline) {
				break
			}
		}
		if len(took) < len(crossed) {
			b.Errorf("%d of %d alerts arrived", len(took), len(crossed))
		}
		report(b, took)
	}
}

// quiet waits until the engine has read what was produced so far.
func quiet(tb testing.TB, engine *process.Engine) {
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var status struct {
			State   string
			Sources []struct {
				LagRecords int64 `json:"lag_records"`
				Records    int64
			}
		}
		if err := engine.Get("/api/v1/status", &status); err == nil && len(status.Sources) > 0 && status.Sources[0].LagRecords == 0 && status.Sources[0].Records > 0 && status.State == "RUNNING" {
			return
		} else if time.Now().After(deadline) {
			tb.Fatalf("the engine does not catch up: %+v %v", status, err)
		}
	}
}

// TestAlertsSurviveKills kills the program at each point of a message's life, again and again, while guardrails break:
// every alert arrives, and what arrives twice has the same id and body.
func TestAlertsSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: kills are not short")
	}
	kills := number("TIDEMARK_ALERT_KILLS", 5)
	for _, point := range []string{"after_commit", "before_send", "after_send"} {
		t.Run(point, func(t *testing.T) {
			s := scenario{experiments: max(4, 3*kills), treatments: 2, users: 900, seed: uint64(len(point))}
			engine, p, r := startScenario(t, process.FakeBroker(t), s)
			rng := rand.New(rand.NewPCG(s.seed, 9))
			arm := func() { engine.Env = []string{fmt.Sprintf("TIDEMARK_ALERT_CRASH=%s:%d", point, 1+rng.IntN(2))} }
			arm()
			engine.Start()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if err := p.warm(ctx); err != nil {
				t.Fatal(err)
			}
			expected := map[string]bool{}
			var mu sync.Mutex
			broken := make(chan error, 1)
			go func() {
				for e := range s.experiments {
					if err := p.breakOne(ctx, e, func(experiment, variant string, _ time.Time) {
						mu.Lock()
						expected[firing+experiment+"/"+variant] = true
						mu.Unlock()
					}); err != nil {
						broken <- err
						return
					}
				}
				broken <- nil
			}()
			died := 0
			for died < kills {
				// There are more messages to die at than kills; two minutes are for a slow machine.
				if !engine.Died(2 * time.Minute) {
					break
				}
				died++
				if died == kills {
					engine.Env = nil
				} else {
					arm()
				}
				engine.Start()
			}
			if err := <-broken; err != nil {
				t.Fatal(err)
			}
			if engine.Alive() {
				engine.Kill()
			}
			engine.Env = nil
			engine.Start()
			var missing map[string]bool
			for end := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
				missing = map[string]bool{}
				for k := range expected {
					missing[k] = true
				}
				for _, d := range r.deliveries() {
					delete(missing, key(t, d))
				}
				if len(missing) == 0 || time.Now().After(end) {
					break
				}
			}
			bodies, ids := map[string]delivery{}, map[string]string{}
			again := 0
			for _, d := range r.deliveries() {
				if first, ok := bodies[d.id]; ok {
					again++
					if first.body != d.body {
						t.Errorf("id %s came with two bodies:\n%s\n%s", d.id, first.text, d.text)
					}
				}
				bodies[d.id] = d
				k := key(t, d)
				if ids[k] == "" {
					ids[k] = d.id
				} else if ids[k] != d.id && k[:len(firing)] == firing {
					t.Errorf("%s came under two ids", k)
				}
			}
			for k := range missing {
				t.Errorf("%s never arrived", k)
			}
			t.Logf("%d kills at %s: %d alerts expected, %d requests, %d of them repeats with the same id and body", died, point, len(expected), len(r.deliveries()), again)
			if died < kills {
				t.Errorf("only %d of %d kills happened", died, kills)
			}
		})
	}
}
