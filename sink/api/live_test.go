package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

// rowsOf decodes an event of rows.
func rowsOf(t *testing.T, e event) (m struct {
	results.Result
	Removed []string
	Full    bool
}) {
	t.Helper()
	if e.name != "rows" {
		t.Fatalf("event %q, want rows: %.200s", e.name, e.data)
	}
	if err := json.Unmarshal([]byte(e.data), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// made is a result of two rows with the values given; it lets a test say what changed.
func made(step int, values map[string]float64) *results.Result {
	r := &results.Result{Experiment: "homepage_aa", State: "running", Alpha: 0.05, AsOf: sample.Now.Add(time.Duration(step) * time.Second), Subjects: map[string]int64{"control": 1000, "treatment": 1000}}
	for _, m := range []string{"CTR", "ARPU"} {
		if v, ok := values[m]; ok {
			r.Rows = append(r.Rows, results.Row{Metric: m, Role: "goal", Variant: "treatment", Control: "control", State: "not_clear", Lift: results.Lift{Value: &v}})
		}
	}
	return r
}

func metrics(rows []results.Row) string {
	var names []string
	for _, r := range rows {
		names = append(names, fmt.Sprintf("%s=%g", r.Metric, *r.Lift.Value))
	}
	return strings.Join(names, " ")
}

const liveAA = "/api/v1/experiments/homepage_aa/live"

func TestLiveSendsOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.hub.Publish(made(1, map[string]float64{"CTR": 1, "ARPU": 1}))
		s := r.open(liveAA)
		defer s.close()
		if m := rowsOf(t, s.next(t)); !m.Full || metrics(m.Rows) != "CTR=1 ARPU=1" {
			t.Errorf("first: full %v, %s", m.Full, metrics(m.Rows))
		}
		if h := s.wire.header; h.Get("Content-Type") != "text/event-stream" || h.Get("X-Accel-Buffering") != "no" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", h)
		}
		r.hub.Publish(made(2, map[string]float64{"CTR": 1, "ARPU": 2}))
		if m := rowsOf(t, s.next(t)); m.Full || metrics(m.Rows) != "ARPU=2" || len(m.Removed) > 0 || !m.AsOf.Equal(sample.Now.Add(2*time.Second)) {
			t.Errorf("second: %+v %s", m, metrics(m.Rows))
		}
		r.hub.Publish(made(3, map[string]float64{"CTR": 1}))
		if m := rowsOf(t, s.next(t)); metrics(m.Rows) != "" || len(m.Removed) != 1 || m.Removed[0] != "ARPU/all/treatment" {
			t.Errorf("third: %s, removed %q", metrics(m.Rows), m.Removed)
		}
		r.hub.Publish(made(4, map[string]float64{"CTR": 1})) // only the instant moves: that is news too
		if m := rowsOf(t, s.next(t)); metrics(m.Rows) != "" || !m.AsOf.Equal(sample.Now.Add(4*time.Second)) {
			t.Errorf("fourth: %s at %v", metrics(m.Rows), m.AsOf)
		}
	})
}

func TestLiveResumesWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.hub.Publish(made(1, map[string]float64{"CTR": 1, "ARPU": 1}))
		first := r.open(liveAA)
		id := first.next(t).id
		first.close()
		if id == "" {
			t.Fatal("an event without an id")
		}
		r.hub.Publish(made(2, map[string]float64{"CTR": 2, "ARPU": 1}))
		for _, how := range []string{"header", "query"} {
			var s *stream
			if how == "header" {
				s = r.open(liveAA, "Last-Event-ID", id)
			} else {
				s = r.open(liveAA + "?last_event_id=" + id)
			}
			if m := rowsOf(t, s.next(t)); m.Full || metrics(m.Rows) != "CTR=2" {
				t.Errorf("%s: full %v, %s", how, m.Full, metrics(m.Rows))
			}
			s.close()
		}
		// The id of another process says nothing here.
		for _, foreign := range []string{"abcdef-1", "1", "-", id[:len(id)-1] + "999999", "x" + id} {
			s := r.open(liveAA, "Last-Event-ID", foreign)
			if m := rowsOf(t, s.next(t)); !m.Full {
				t.Errorf("Last-Event-ID %q: not everything", foreign)
			}
			s.close()
		}
	})
}

func TestSlowClientHoldsNobodyUpAndCatchesUpInOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *api.Options) { o.WriteTimeout = time.Hour })
		r.hub.Publish(made(1, map[string]float64{"CTR": 1, "ARPU": 1}))
		slow, quick := r.open(liveAA), r.open(liveAA)
		defer slow.close()
		defer quick.close()
		slow.next(t)
		quick.next(t)
		// The slow one reads one event ahead (the scanner's) and then no more: its handler stands in Write.
		for step := 2; step <= 60; step++ {
			start := time.Now()
			r.hub.Publish(made(step, map[string]float64{"CTR": float64(step), "ARPU": 1}))
			if time.Since(start) > 0 {
				t.Fatal("Publish waited")
			}
			if m := rowsOf(t, quick.next(t)); metrics(m.Rows) != fmt.Sprintf("CTR=%d", step) {
				t.Fatalf("quick client at step %d: %s", step, metrics(m.Rows))
			}
		}
		n := 0
		for {
			n++
			m := rowsOf(t, slow.next(t))
			if metrics(m.Rows) == "CTR=60" {
				break
			}
		}
		if n > 3 {
			t.Errorf("the slow client got %d messages for what it had missed, want at most 3", n)
		}
	})
}

func TestClientThatTakesNothingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := &stream{wire: newWire(), ended: make(chan struct{})}
		start := time.Now()
		go func() {
			defer close(s.ended)
			r.server.ServeHTTP(s.wire, httptest.NewRequest(http.MethodGet, liveAA, nil))
		}()
		<-s.ended
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("cut off after %v, want the write timeout of 10 s", took)
		}
		if n := r.server.Clients(); n != 0 {
			t.Errorf("%d clients left", n)
		}
	})
}

func TestLiveIsPacedAndHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.hub.Publish(made(0, map[string]float64{"CTR": 0}))
		s := r.open(liveAA + "?every=2s")
		defer s.close()
		start := time.Now()
		s.next(t)
		var times []time.Duration
		done := make(chan struct{})
		go func() {
			defer close(done)
			for step := 1; step <= 80; step++ { // eight seconds of ten results a second
				time.Sleep(100 * time.Millisecond)
				r.hub.Publish(made(step, map[string]float64{"CTR": float64(step)}))
			}
		}()
		for {
			e := s.next(t)
			times = append(times, time.Since(start))
			if metrics(rowsOf(t, e).Rows) == "CTR=80" {
				break
			}
		}
		<-done
		if len(times) < 4 || len(times) > 6 {
			t.Errorf("messages at %v, want one every 2 s", times)
		}
		quiet := time.Now()
		if e := <-s.events; e.name != "comment" || time.Since(quiet) > 15*time.Second {
			t.Errorf("%q after %v of silence, want a heartbeat within 15 s", e.name, time.Since(quiet))
		}
	})
}

func TestStreamsAreCountedAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *api.Options) { o.MaxClients = 2 })
		a, b := r.open(liveAA), r.open(liveAA)
		a.next(t)
		b.next(t)
		if w := r.get(liveAA); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("third: %d %v", w.Code, w.Header())
		}
		a.close()
		c := r.open(liveAA)
		c.next(t)
		r.server.Close()
		<-b.ended
		<-c.ended
		if n := r.server.Clients(); n != 0 {
			t.Errorf("%d clients left after Close", n)
		}
		b.close()
		c.close()
	})
}

func TestHubsEndEndsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.open(liveAA)
		s.next(t)
		r.hub.Close()
		<-s.ended
		s.close()
	})
}

func TestCellsAreTheTextsThatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.open("/api/v1/experiments/search_rerank_v2/live?format=cells&open=CTR%2Fall%2Frerank_v2&open=ARPU%2Fall%2Frerank_v2")
		defer s.close()
		type cells struct {
			AsOf time.Time                    `json:"as_of"`
			C    map[string]map[string]string `json:"c"`
		}
		read := func() cells {
			e := s.next(t)
			if e.name != "cells" {
				t.Fatalf("event %q", e.name)
			}
			var c cells
			if err := json.Unmarshal([]byte(e.data), &c); err != nil {
				t.Fatal(err)
			}
			return c
		}
		first := read()
		res := r.world.Result("search_rerank_v2", results.Slices{})
		have := first.C
		shown := func(row *results.Row) bool { return len(row.Slice) == 0 || row.Metric == "CTR" || row.Metric == "ARPU" }
		for i := range res.Rows {
			row := &res.Rows[i]
			if !shown(row) {
				if have[row.Key()] != nil {
					t.Fatalf("%s is sent, though it is not open", row.Key())
				}
				continue
			}
			if got, want := have[row.Key()]["lift"], row.Texts(0.05).Effect.Value; got != want {
				t.Fatalf("%s lift %q, want %q", row.Key(), got, want)
			}
		}
		if have["@"]["sentence"] == "" || have["@"]["fresh"] != "live" {
			t.Errorf("page cells %v", have["@"])
		}
		sizes := 0
		for range 5 {
			r.world.Step(1)
			r.publish()
			patch := read()
			for key, fields := range patch.C {
				for name, text := range fields {
					if have[key][name] == text {
						t.Errorf("%s %s is %q again", key, name, text)
					}
					have[key][name] = text
					sizes++
				}
			}
			res := r.world.Result("search_rerank_v2", results.Slices{})
			for i := range res.Rows {
				row := &res.Rows[i]
				if !shown(row) {
					continue
				}
				if got, want := have[row.Key()]["ci"], row.Texts(0.05).Effect.Interval; got != want {
					t.Fatalf("%s ci %q after the patch, want %q", row.Key(), got, want)
				}
			}
		}
		if all := len(have) * 17; sizes > all*5/2 {
			t.Errorf("%d fields in five patches of a page of %d: more than changed", sizes, all)
		}
	})
}

func TestFreshnessMovesWithoutResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		s := r.open("/api/v1/experiments/search_rerank_v2/live?format=cells")
		defer s.close()
		s.next(t)
		r.world.Step(600) // the world's clock goes on, no result comes
		if e := s.next(t); !strings.Contains(e.data, `"fresh":"stalled"`) || !strings.Contains(e.data, "no new result for 10 min") {
			t.Errorf("after ten minutes without a result: %.300s", e.data)
		}
	})
}

func TestClientsOfACrossShareOneEvaluation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		const target = "/api/v1/experiments/search_rerank_v2/live?slices=platform,country"
		var all []*stream
		for range 5 {
			s := r.open(target)
			all = append(all, s)
			if m := rowsOf(t, s.next(t)); !m.Full {
				t.Error("first message is not everything")
			}
		}
		r.eval.calls = 0
		r.world.Step(5)
		r.publish()
		for _, s := range all {
			s.next(t)
		}
		if r.eval.calls != 1 {
			t.Errorf("%d evaluations for 5 clients", r.eval.calls)
		}
		for _, s := range all {
			s.close()
		}
	})
}

// A server that is careful about slow requests must not cut streams off.
func TestLiveOutlivesTheServersTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *api.Options) { o.Heartbeat = 15 * time.Second })
		pipes := newPipes()
		server := &http.Server{Handler: r.server, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second}
		served := make(chan error, 1)
		go func() { served <- server.Serve(pipes) }()
		client := &http.Transport{DialContext: pipes.dial}
		res, err := (&http.Client{Transport: client}).Get("http://pipe" + liveAA)
		if err != nil {
			t.Fatal(err)
		}
		out := make(chan event)
		go events(res.Body, out)
		for n := 0; n < 10; {
			e, ok := <-out
			if !ok {
				t.Fatalf("the stream ended after %d heartbeats", n)
			}
			if e.data == "still here" {
				n++
			}
		}
		r.server.Close()
		for range out {
		}
		res.Body.Close()
		client.CloseIdleConnections()
		server.Close()
		<-served
	})
}

// Over a real connection: headers leave at once, and the first event comes with them.
func TestLiveOverHTTP(t *testing.T) {
	r := newRig(t, nil)
	server := httptest.NewServer(r.server)
	defer server.Close()
	defer r.server.Close()
	res, err := http.Get(server.URL + liveAA)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	out := make(chan event)
	go events(res.Body, out)
	for e := range out {
		if e.name == "comment" {
			continue
		}
		if m := rowsOf(t, e); !m.Full || len(m.Rows) == 0 || m.Experiment != "homepage_aa" {
			t.Errorf("first event: full %v, %d rows of %s", m.Full, len(m.Rows), m.Experiment)
		}
		break
	}
}
