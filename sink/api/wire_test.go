package api_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire is a connection without a network, so that synctest sees all of it: writes block until somebody reads, or until
// the write deadline.
type wire struct {
	header http.Header
	read   *io.PipeReader
	write  *io.PipeWriter

	mu       sync.Mutex
	code     int
	deadline time.Time
}

func newWire() *wire {
	w := &wire{header: http.Header{}, code: 200}
	w.read, w.write = io.Pipe()
	return w
}

func (w *wire) Header() http.Header  { return w.header }
func (w *wire) WriteHeader(code int) { w.code = code }
func (w *wire) Flush()               {}
func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return nil
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	late := time.AfterFunc(time.Until(w.deadline), func() { w.write.CloseWithError(os.ErrDeadlineExceeded) })
	w.mu.Unlock()
	defer late.Stop()
	n, err := w.write.Write(b)
	if err != nil {
		return n, os.ErrDeadlineExceeded
	}
	return n, nil
}

// stream opens a live stream; ended is closed when the handler has returned. Nothing is read before the first receive
// from events, and never more than one event ahead.
type stream struct {
	wire   *wire
	events chan event
	ended  chan struct{}
	cancel context.CancelFunc
}

func (r *rig) open(target string, header ...string) *stream {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stream{wire: newWire(), events: make(chan event), ended: make(chan struct{}), cancel: cancel}
	req := httptest.NewRequest(http.MethodGet, target, nil).WithContext(ctx)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(s.ended)
		defer s.wire.write.Close()
		r.server.ServeHTTP(s.wire, req)
	}()
	go events(s.wire.read, s.events)
	return s
}

// next is the next event that is not a comment.
func (s *stream) next(t *testing.T) event {
	t.Helper()
	for {
		e, ok := <-s.events
		if !ok {
			t.Fatal("the stream has ended")
		}
		if e.name != "comment" {
			return e
		}
	}
}

func (s *stream) close() {
	s.cancel()
	s.wire.read.Close()
	<-s.ended
	for range s.events {
	}
}

// event is one Server-Sent Event.
type event struct{ name, id, data string }

// events reads a stream until it ends.
func events(body io.Reader, out chan<- event) {
	defer close(out)
	var e event
	scanner := bufio.NewScanner(body)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		switch line := scanner.Text(); {
		case line == "":
			if e.data != "" {
				out <- e
			}
			e = event{}
		case strings.HasPrefix(line, "event: "):
			e.name = line[7:]
		case strings.HasPrefix(line, "id: "):
			e.id = line[4:]
		case strings.HasPrefix(line, "data: "):
			e.data = line[6:]
		case strings.HasPrefix(line, ": "):
			out <- event{name: "comment", data: line[2:]}
		}
	}
}

// pipes is a network in memory for one server, so that its timeouts run on virtual time.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{accept: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accept <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }
