package notifytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// Sender is what sink/alert asks of a sender.
type Sender interface {
	Render(*notify.Notification) ([]byte, error)
	Send(ctx context.Context, id string, body []byte) notify.Attempt
	Destination() notify.Destination
}

// Contract is what every sender must keep. open makes a sender to url; status and reply are the receiver's yes;
// secrets must never show.
func Contract(t *testing.T, open func(t *testing.T, client *notify.Client, url string) Sender, status int, reply string, secrets ...string) {
	hidden := func(t *testing.T, what any) {
		t.Helper()
		text := fmt.Sprintf("%v %+v %#v", what, what, what)
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("a secret shows in %s", text)
			}
		}
	}
	t.Run("bodies are the same every time", func(t *testing.T) {
		server := NewReceiver(t, status, reply)
		s := open(t, Client(), server.URL)
		for _, n := range []*notify.Notification{Firing(), Resolved(), Split(), Evil()} {
			before := len(server.Requests())
			body, err := s.Render(n)
			if err != nil || !json.Valid(body) || len(body) > 20<<10 {
				t.Fatalf("%d bytes, %v: %s", len(body), err, body)
			}
			again, _ := s.Render(n)
			if !bytes.Equal(body, again) {
				t.Errorf("rendered twice:\n%s\n%s", body, again)
			}
			hidden(t, string(body))
			kept := bytes.Clone(body)
			for range 2 {
				a := s.Send(context.Background(), n.ID, body)
				if a.Verdict != notify.Delivered || a.Error != "" || a.At.IsZero() {
					t.Errorf("%+v", a)
				}
				hidden(t, a)
			}
			if !bytes.Equal(body, kept) {
				t.Error("Send changed the body that it was lent")
			}
			q := server.Requests()[before:]
			if len(q) != 2 || !bytes.Equal(q[0].Body, q[1].Body) || q[0].Header.Get("Content-Type") != "application/json" {
				t.Errorf("%d requests, or not the same bytes twice", len(q))
			}
		}
	})
	t.Run("answers", func(t *testing.T) {
		for code, want := range map[int]notify.Verdict{
			301: notify.Dead, 400: notify.Dead, 401: notify.Dead, 403: notify.Dead, 404: notify.Dead, 413: notify.Dead,
			408: notify.Retry, 425: notify.Retry, 429: notify.Retry, 500: notify.Retry, 502: notify.Retry, 503: notify.Retry,
			410: notify.Disable,
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var got bytes.Buffer
				got.ReadFrom(r.Body)
				w.Header().Set("Retry-After", "11")
				w.WriteHeader(code)
				fmt.Fprint(w, got.String(), r.URL, r.Header) // echoes all it can
			}))
			s := open(t, Client(), server.URL)
			body, _ := s.Render(Firing())
			a := s.Send(context.Background(), "evt_1", body)
			server.Close()
			if a.Verdict != want || a.Status != code || a.Error == "" {
				t.Errorf("%d: %+v, want %s", code, a, want)
			}
			if want == notify.Retry && a.RetryAfter != 11*time.Second {
				t.Errorf("%d: Retry-After %v", code, a.RetryAfter)
			}
			hidden(t, a)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		url := "http://" + l.Addr().String()
		l.Close()
		s := open(t, Client(), url)
		body, _ := s.Render(Firing())
		if a := s.Send(context.Background(), "evt_1", body); a.Verdict != notify.Retry || a.Error == "" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("the end of the context ends it", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-release
		}))
		defer server.Close()
		defer close(release)
		s := open(t, Client(), server.URL)
		body, _ := s.Render(Firing())
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-arrived; cancel() }()
		if a := s.Send(ctx, "evt_1", body); a.Verdict != notify.Retry {
			t.Errorf("%+v", a)
		}
	})
	t.Run("the destination tells no secret", func(t *testing.T) {
		s, same := open(t, Client(), "http://127.0.0.1:1"), open(t, Client(), "http://127.0.0.1:1")
		d := s.Destination()
		if d.ID == "" || d.Name == "" || d.Rate <= 0 || d.Burst < 1 {
			t.Errorf("%+v", d)
		}
		if d.ID != same.Destination().ID {
			t.Error("one endpoint, two destinations")
		}
		if other := open(t, Client(), "http://127.0.0.1:2").Destination(); other.ID == d.ID {
			t.Error("two endpoints, one destination")
		}
		hidden(t, d)
		hidden(t, s)
	})
	t.Run("production refuses what is inside the house", func(t *testing.T) {
		server := NewReceiver(t, status, reply)
		strict := notify.NewClient(notify.ClientOptions{Policy: notify.Policy{AllowHTTP: true}})
		defer func() {
			// A sender may refuse at once, by failing the test's open, or when it sends; never may it connect.
			if n := len(server.Requests()); n != 0 {
				t.Errorf("%d requests reached loopback", n)
			}
		}()
		s := open(t, strict, strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
		body, _ := s.Render(Firing())
		if a := s.Send(context.Background(), "evt_1", body); a.Verdict == notify.Delivered {
			t.Errorf("%+v", a)
		}
	})
}
