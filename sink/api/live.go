package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// statusEvery is how often a stream of cells looks at the status when no result comes: lag and staleness change by
// themselves.
const statusEvery = 2 * time.Second

// live streams what changes: event "rows" with whole rows, or with ?format=cells event "cells" with the texts of the page.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	x, ok := s.experiment(w, r.PathValue("id"))
	if !ok {
		return
	}
	query := r.URL.Query()
	want, ok := parseSlices(w, x, query)
	if !ok {
		return
	}
	c := client{server: s, experiment: x, want: want, every: s.opt.RowsEvery}
	switch format := query.Get("format"); format {
	case "", "rows":
	case "cells":
		c.cells, c.every, c.open = true, s.opt.CellsEvery, openRows(query)
	default:
		Problem{Status: http.StatusBadRequest, Code: "bad_format", Detail: "there is no format " + quote(format), Allowed: []string{"rows", "cells"}}.write(w)
		return
	}
	if text := query.Get("every"); text != "" {
		every, err := time.ParseDuration(text)
		if err != nil || every < 0 || every > time.Hour {
			Problem{Status: http.StatusBadRequest, Code: "bad_every", Detail: "every=" + quote(text) + " is not a time between two messages", Allowed: []string{"a duration such as 1s, 5s, 30s, at most 1h"}}.write(w)
			return
		}
		c.every = max(c.every, every)
	}
	if s.opt.Evaluator == nil && c.evaluated() {
		Problem{Status: http.StatusNotImplemented, Code: "no_evaluator", Detail: "this server only has the slices of at most one dimension", Allowed: []string{"none", "one dimension"}}.write(w)
		return
	}
	if n := s.clients.Add(1); n > int64(s.opt.MaxClients) {
		s.clients.Add(-1)
		w.Header().Set("Retry-After", "5")
		Problem{Status: http.StatusServiceUnavailable, Code: "too_many_clients", Detail: "all live streams of this server are taken",
			Hint: "poll GET …/results with If-None-Match meanwhile"}.write(w)
		return
	}
	defer s.clients.Add(-1)

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back until its buffer is full
	if r.Method == http.MethodHead {
		return
	}
	c.out, c.control = w, http.NewResponseController(w)
	c.last = r.Header.Get("Last-Event-ID")
	if c.last == "" {
		c.last = query.Get("last_event_id") // EventSource can't set the header of its first request
	}
	c.run(r.Context())
}

// client is one live stream; it belongs to its request's goroutine.
type client struct {
	server     *Server
	experiment *catalog.Experiment
	want       results.Slices
	cells      bool
	open       []string // of cells: the rows that are open
	every      time.Duration
	out        http.ResponseWriter
	control    *http.ResponseController
	last       string // Last-Event-ID

	feed *feed
	sent uint64 // the version the client has
}

// evaluated says that the slices asked for are not among the hub's.
func (c *client) evaluated() bool {
	return c.want.Mode == results.AllSlices || c.want.Mode == results.NamedSlices && len(c.want.Dimensions) > 1
}

// run writes until the client, the hub or the server goes.
func (c *client) run(ctx context.Context) {
	key := feedKey{c.experiment.ID, c.want.String(), c.cells, strings.Join(c.open, "\n")}
	c.feed = c.server.feeds.use(key)
	defer c.server.feeds.done(key)
	c.sent = c.feed.since(c.last)
	sub := c.server.opt.Hub.Subscribe(c.experiment.ID)
	defer sub.Close()

	if c.write([]byte("retry: 2000\n: tidemark\n\n")) != nil {
		return
	}
	heartbeat := time.NewTicker(c.server.opt.Heartbeat)
	defer heartbeat.Stop()
	status := time.NewTicker(max(statusEvery, c.every))
	defer status.Stop()
	if !c.cells {
		status.Stop()
	}
	// due is when the next message may be sent. News before that arms wait, a single timer: however many results come in
	// the meantime, one message follows.
	var due time.Time
	var wait <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.server.closing:
			return
		case <-sub.Done():
			return
		case <-heartbeat.C:
			if c.write([]byte(": still here\n\n")) != nil {
				return
			}
			continue
		case <-status.C:
		case <-sub.Ready():
			sub.Take() // the feed knows what changed; taking only clears the mark
			if rest := time.Until(due); rest > 0 {
				if wait == nil {
					wait = time.After(rest)
				}
				continue
			}
		case <-wait:
			wait = nil
		}
		sent, err := c.send(ctx)
		if err != nil {
			return
		}
		if sent {
			due = time.Now().Add(c.every)
			heartbeat.Reset(c.server.opt.Heartbeat)
		}
	}
}

// send brings the feed up to date and writes what the client does not have yet.
func (c *client) send(ctx context.Context) (bool, error) {
	r, err := c.observe(ctx)
	if err != nil || r == nil {
		return false, err
	}
	var data any
	var version uint64
	event := "rows"
	if c.cells {
		event = "cells"
		var patch cellsMessage
		patch.AsOf = r.AsOf
		patch.Cells, version = c.feed.cellsSince(c.sent)
		if len(patch.Cells) == 0 {
			c.sent = version
			return false, nil
		}
		data = patch
	} else {
		var m rowsMessage
		m, version = c.feed.rowsSince(c.sent)
		if version == c.sent {
			return false, nil
		}
		data = m
	}
	body, err := json.Marshal(data)
	if err != nil {
		return false, err
	}
	var b bytes.Buffer
	b.Grow(len(body) + 64)
	b.WriteString("event: " + event + "\nid: " + c.feed.id(version) + "\ndata: ")
	b.Write(body) // JSON has no newline outside of \n, so one data line is enough
	b.WriteString("\n\n")
	if err := c.write(b.Bytes()); err != nil {
		return false, err
	}
	c.sent = version
	return true, nil
}

// cellsMessage is the data of an event of cells: the texts that changed, by row key and field.
type cellsMessage struct {
	AsOf  time.Time                    `json:"as_of"`
	Cells map[string]map[string]string `json:"c"`
}

// observe makes the newest result known to the feed and returns it; nil while there is none.
func (c *client) observe(ctx context.Context) (*results.Result, error) {
	f, hub := c.feed, c.server.opt.Hub
	select {
	case f.reading <- struct{}{}:
		defer func() { <-f.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	latest, ok := hub.Latest(c.experiment.ID)
	if !ok {
		return nil, nil
	}
	if latest != f.from {
		r := latest
		switch {
		case c.evaluated():
			// One evaluation a second serves all clients of the feed: they wait here for reading, and then find it done.
			if err := c.sleep(ctx, evaluateEvery-time.Since(f.read)); err != nil {
				return nil, err
			}
			latest, _ = hub.Latest(c.experiment.ID)
			fresh, problem := c.server.evaluate(ctx, c.experiment.ID, c.want)
			f.read = time.Now()
			if problem != nil {
				return f.result, ctx.Err() // busy or not ready: the next result tries again
			}
			r = fresh
		case c.want.Mode == results.NoSlices:
			r = whole(latest)
		case c.want.Mode == results.NamedSlices:
			r = only(latest, c.want.Dimensions[0])
		}
		f.from = latest
		f.observe(r)
	}
	if c.cells {
		c.server.observeCells(f, c.experiment, c.open)
	}
	return f.result, nil
}

// evaluateEvery is the shortest time between two evaluations for one feed.
const evaluateEvery = time.Second

func (c *client) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.server.closing:
		return results.ErrClosed
	case <-time.After(d):
		return nil
	}
}

// write sends bytes to the client within the write timeout. A client that does not take them is cut off; it will
// resume where it was.
func (c *client) write(b []byte) error {
	deadline := time.Now().Add(c.server.opt.WriteTimeout)
	if err := c.control.SetWriteDeadline(deadline); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if _, err := c.out.Write(b); err != nil {
		return err
	}
	return c.control.Flush()
}
