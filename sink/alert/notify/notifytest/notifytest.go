// Package notifytest gives the senders' tests one notification of each kind and a client that may talk to loopback.
// It owns nothing and imports notify only.
package notifytest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Start is when the notifications' condition began to hold.
var Start = time.Date(2026, 3, 4, 5, 31, 0, 0, time.UTC)

func ptr(f float64) *float64 { return &f }

// Firing is the worked example: a latency guardrail that is crossed.
func Firing() *notify.Notification {
	watermark := Start.Add(57 * time.Second)
	return &notify.Notification{
		ID: "evt_00112233445566778899aabbccddeeff", Key: "ffeeddccbbaa99887766554433221100",
		Transition: notify.Firing, Reason: "crossed", Rule: "guardrail_crossed", Kind: notify.Guardrail, Severity: "critical", Episode: 1,
		Summary:    "p95 latency WORSE +6.2% (limit +5%) · search_rerank_v2",
		Experiment: "search_rerank_v2", ExperimentName: "Re-rank search", Owner: "@search", Definition: "3f9c",
		Metric: "P95_LATENCY", MetricName: "p95 latency", Role: "guardrail", Variant: "rerank_v2", Control: "control",
		State: "crossed", Up: true, Lift: "+6.2%", Limit: "+5%", Interval: "+5.1 … +7.3",
		ControlValue: "412.0 ms", VariantValue: "437.5 ms", P: "<0.0001", Level: "95%",
		Subjects: "82,321", ControlSubjects: "41,203", VariantSubjects: "41,118", SRMState: "ok", SRMP: "0.8700",
		WorstSlice: "platform=Android +11.4%", Lag: "3.0 s",
		LiftValue: ptr(0.062), LimitValue: ptr(0.05), IntervalValue: &[2]float64{0.051, 0.073}, PValue: ptr(3e-9),
		SubjectCounts: map[string]int64{"control": 41203, "rerank_v2": 41118},
		SubjectTexts:  map[string]string{"control": "41,203", "rerank_v2": "41,118"},
		Since:         Start, At: Start.Add(time.Minute), Watermark: &watermark, Location: time.FixedZone("KST", 9*3600),
		Link: "https://tidemark.example/experiments/search_rerank_v2", Runbook: "https://runbooks.example/latency",
	}
}

// Warned is it with what to know beside it.
func Warned() *notify.Notification {
	n := Firing()
	n.Caution, n.Warnings = "p 0.0124 after Holm · check: slices differ, novelty", []string{"heterogeneity", "novelty"}
	n.Correction, n.PAdjustedValue = "holm", ptr(0.01243)
	n.Summary += " · " + n.Caution
	return n
}

// Resolved is its end.
func Resolved() *notify.Notification {
	n := Firing()
	n.ID, n.Transition, n.Reason = "evt_ffffffffffffffffffffffffffffffff", notify.Resolved, "cleared"
	n.Lift, n.Interval, n.VariantValue, n.WorstSlice = "+2.9%", "+1.8 … +4.0", "423.9 ms", ""
	n.LiftValue, n.IntervalValue = ptr(0.029), &[2]float64{0.018, 0.04}
	n.At = Start.Add(20 * time.Minute)
	return n
}

// Split is about the whole experiment.
func Split() *notify.Notification {
	n := Firing()
	return &notify.Notification{
		ID: "evt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Key: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Transition: notify.Firing, Reason: "failed",
		Rule: "split", Kind: notify.SRM, Severity: "error", Episode: 2, Summary: "search_rerank_v2: subjects are not split as planned (SRM p <0.0001)",
		Experiment: n.Experiment, Owner: n.Owner, State: "failed", Subjects: n.Subjects, SubjectCounts: n.SubjectCounts, SubjectTexts: n.SubjectTexts,
		SRMState: "failed", SRMP: "<0.0001", Since: n.Since, At: n.At, Location: n.Location,
	}
}

// Evil is Firing with every text made to break out of whatever it is put in.
func Evil() *notify.Notification {
	n := Firing()
	evil := "<!channel> <https://evil.test|click> & \"quoted\" \\ *_`~ \n{{.X}} "
	n.Summary, n.Experiment, n.ExperimentName, n.Owner, n.Metric, n.MetricName = evil, evil, evil, evil, evil, evil
	n.Variant, n.Control, n.WorstSlice, n.Rule, n.Severity = evil, evil, evil, evil, evil
	n.Link = "https://tidemark.example/experiments/a|b>c d"
	return n
}

// Client may talk to loopback over http.
func Client() *notify.Client {
	return notify.NewClient(notify.ClientOptions{Policy: notify.Policy{AllowHTTP: true, AllowNetworks: notify.Loopback}, Timeout: time.Minute})
}

// Receiver is a server that records requests and answers as its fields say.
type Receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []Request
	status   int
	reply    string
}

// Request is what a Receiver got.
type Request struct {
	Path   string
	Header http.Header
	Body   []byte
}

// NewReceiver starts a receiver that ends with the test.
func NewReceiver(t testing.TB, status int, reply string) *Receiver {
	r := &Receiver{status: status, reply: reply}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *Receiver) serve(w http.ResponseWriter, q *http.Request) {
	body := make([]byte, 0, 1024)
	buf := make([]byte, 4096)
	for {
		n, err := q.Body.Read(buf)
		body = append(body, buf[:n]...)
		if err != nil {
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, Request{q.URL.Path, q.Header.Clone(), body})
	w.WriteHeader(r.status)
	w.Write([]byte(r.reply))
}

// Answer changes what the receiver says from now on.
func (r *Receiver) Answer(status int, reply string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.reply = status, reply
}

// Requests returns what has arrived.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Request{}, r.requests...)
}
