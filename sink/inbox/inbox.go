package inbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options of New; the zero value works.
type Options struct {
	// Prefix is the path under which the Inbox is served. Default "/inbox".
	Prefix string
	// Secrets are the whsec_… secrets that the webhook endpoint accepts. Default none: it refuses everything.
	Secrets []string
	// Keep is how many messages of each kind are kept, the newest. Default 200.
	Keep int
	// Note is a sentence on the page while nothing has arrived.
	Note string
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Inbox is an http.Handler for everything under its prefix:
//
//	POST slack                      an incoming webhook; answers ok
//	POST pagerduty/v2/enqueue       Events API v2; answers 202
//	POST webhook                    a signed webhook; answers 204
//	GET  .                          the page; ?paused=1 stops its refreshing
//	GET  messages                   the same as JSON
type Inbox struct {
	opt Options
	mux *http.ServeMux

	mu        sync.Mutex
	slack     []SlackMessage // newest first, as the others
	incidents []Incident
	webhooks  []Webhook
	refused   int
	received  int
}

// New returns an empty inbox.
func New(opt Options) *Inbox {
	if opt.Prefix == "" {
		opt.Prefix = "/inbox"
	}
	opt.Prefix = strings.TrimRight(opt.Prefix, "/")
	if opt.Keep <= 0 {
		opt.Keep = 200
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	b := &Inbox{opt: opt, mux: http.NewServeMux()}
	b.mux.HandleFunc("POST "+opt.Prefix+"/slack", b.receiveSlack)
	b.mux.HandleFunc("POST "+opt.Prefix+"/pagerduty/v2/enqueue", b.receivePagerDuty)
	b.mux.HandleFunc("POST "+opt.Prefix+"/webhook", b.receiveWebhook)
	b.mux.HandleFunc("GET "+opt.Prefix+"/inbox.css", b.serveStyle)
	b.mux.HandleFunc("GET "+opt.Prefix+"/messages", b.serveMessages)
	b.mux.HandleFunc("GET "+opt.Prefix+"/{$}", b.servePage)
	b.mux.HandleFunc("GET "+opt.Prefix, b.servePage)
	return b
}

func (b *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }

// Messages is what has arrived, newest first.
type Messages struct {
	Slack     []SlackMessage `json:"slack"`
	PagerDuty []Incident     `json:"pagerduty"`
	Webhooks  []Webhook      `json:"webhooks"`
	Received  int            `json:"received"` // requests accepted, repeated ones included
	Refused   int            `json:"refused"`
}

// Messages returns what has arrived.
func (b *Inbox) Messages() Messages {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := Messages{Slack: append([]SlackMessage{}, b.slack...), PagerDuty: make([]Incident, 0, len(b.incidents)), Webhooks: append([]Webhook{}, b.webhooks...), Received: b.received, Refused: b.refused}
	for _, i := range b.incidents {
		i.Log = append([]LogEntry{}, i.Log...)
		m.PagerDuty = append(m.PagerDuty, i)
	}
	return m
}

func (b *Inbox) serveMessages(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(b.Messages())
}

// maxBody is what is read of a request: the largest limit of the three, PagerDuty's.
const maxBody = 512 << 10

// body reads a request's body; it has answered if it returns false.
func (b *Inbox) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		b.refuse(w, http.StatusRequestEntityTooLarge, "text/plain", "request too large")
		return nil, false
	}
	return data, true
}

func (b *Inbox) refuse(w http.ResponseWriter, status int, contentType, text string) {
	b.mu.Lock()
	b.refused++
	b.mu.Unlock()
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}

// push puts v in front and drops what is over the limit.
func push[T any](list []T, v T, keep int) []T {
	list = append([]T{v}, list...)
	return list[:min(len(list), keep)]
}
