package api

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// Evaluator computes an experiment's results for the slices asked for; stream.Engine is one.
type Evaluator interface {
	Results(ctx context.Context, id string, s results.Slices) (*results.Result, error)
}

// Options of a Server. Set and Hub are required.
type Options struct {
	// Set are the definitions that the engine runs.
	Set *catalog.Set
	// Hub has the latest results.
	Hub *results.Hub
	// Evaluator answers for slices that the hub does not hold. Default: none, such requests get 501.
	Evaluator Evaluator
	// Trends answers how results came about in time. Default: none, such requests get 501.
	Trends Trends
	// Status says how the data is doing. Default: RUNNING, without sources.
	Status func() stream.Status
	// Alerts lists the alerts, firing ones first. Default: none.
	Alerts func() []alert.Alert

	// MaxClients bounds the live streams; one more gets 503. Default 512.
	MaxClients int
	// MaxEvaluations bounds the evaluations at a time on behalf of requests; more wait up to EvaluateTimeout, then get
	// 503. Default 2: they compete with the shards for the processor.
	MaxEvaluations int
	// EvaluateTimeout bounds one evaluation and the wait for it. Default 10 s.
	EvaluateTimeout time.Duration
	// Heartbeat is how often a silent stream shows that it is alive. Default 15 s.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept one message before it is cut off. Default 10 s.
	WriteTimeout time.Duration
	// RowsEvery and CellsEvery are the shortest time between two messages of a stream. Defaults 100 ms and 1 s.
	RowsEvery, CellsEvery time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Status == nil {
		o.Status = func() stream.Status { return stream.Status{State: stream.Running, Healthy: true, Ready: true} }
	}
	if o.Alerts == nil {
		o.Alerts = func() []alert.Alert { return nil }
	}
	if o.MaxClients == 0 {
		o.MaxClients = 512
	}
	if o.MaxEvaluations == 0 {
		o.MaxEvaluations = 2
	}
	setDefault(&o.EvaluateTimeout, 10*time.Second)
	setDefault(&o.Heartbeat, 15*time.Second)
	setDefault(&o.WriteTimeout, 10*time.Second)
	setDefault(&o.RowsEvery, 100*time.Millisecond)
	setDefault(&o.CellsEvery, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// Server serves the paths under /api/v1/. It may be used by any number of goroutines.
type Server struct {
	opt     Options
	mux     *http.ServeMux
	clients atomic.Int64
	slots   chan struct{} // one token per evaluation at work
	closing chan struct{}
	close   sync.Once
	feeds   feeds
	bodies  bodies
}

// New returns a server over what opt names.
func New(opt Options) *Server {
	opt = opt.withDefaults()
	s := &Server{opt: opt, mux: http.NewServeMux(), slots: make(chan struct{}, opt.MaxEvaluations), closing: make(chan struct{})}
	s.feeds.open = map[feedKey]*feed{}
	s.bodies.made = map[string]madeBody{}
	s.mux.HandleFunc("GET /api/v1/experiments", s.experiments)
	s.mux.HandleFunc("GET /api/v1/experiments/{id}/results", s.results)
	s.mux.HandleFunc("GET /api/v1/experiments/{id}/live", s.live)
	s.mux.HandleFunc("GET /api/v1/experiments/{id}/history", s.history)
	s.mux.HandleFunc("GET /api/v1/experiments/{id}/days", s.days)
	s.mux.HandleFunc("GET /api/v1/alerts", s.alerts)
	s.mux.HandleFunc("GET /api/v1/status", s.status)
	return s
}

// Close ends all live streams, so that an http.Server can shut down: register it with RegisterOnShutdown.
func (s *Server) Close() { s.close.Do(func() { close(s.closing) }) }

// Clients is how many live streams are open.
func (s *Server) Clients() int { return int(s.clients.Load()) }

// ServeHTTP answers a request under /api/v1/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Detail: "this interface is read-only", Allowed: []string{"GET", "HEAD"}}.write(w)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		Problem{Status: http.StatusNotFound, Code: "no_such_path", Detail: "nothing is served at " + clip(r.URL.Path),
			Allowed: []string{"/api/v1/experiments", "/api/v1/experiments/{id}/results", "/api/v1/experiments/{id}/live", "/api/v1/experiments/{id}/history", "/api/v1/experiments/{id}/days", "/api/v1/alerts", "/api/v1/status"}}.write(w)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// clip keeps what a client sent short enough to be echoed.
func clip(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// Set are the definitions that are served.
func (s *Server) Set() *catalog.Set { return s.opt.Set }

// Latest is the newest result of an experiment; false if there is none.
func (s *Server) Latest(id string) (*results.Result, bool) { return s.opt.Hub.Latest(id) }

// Status says how the data is doing.
func (s *Server) Status() stream.Status { return s.opt.Status() }

// Alerts lists the alerts, firing ones first.
func (s *Server) Alerts() []alert.Alert { return s.opt.Alerts() }

// Now is the server's clock.
func (s *Server) Now() time.Time { return s.opt.Now() }
