package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func open() *Client {
	return NewClient(ClientOptions{Policy: Policy{AllowHTTP: true, AllowNetworks: Loopback}, Timeout: time.Minute})
}

func TestStatusDecidesOnce(t *testing.T) {
	for status, want := range map[int]Verdict{
		200: Delivered, 201: Delivered, 202: Delivered, 204: Delivered, 299: Delivered,
		301: Dead, 302: Dead, 304: Dead, 308: Dead,
		400: Dead, 401: Dead, 403: Dead, 404: Dead, 405: Dead, 413: Dead, 422: Dead, 451: Dead,
		408: Retry, 425: Retry, 429: Retry, 500: Retry, 502: Retry, 503: Retry, 504: Retry, 599: Retry,
		410: Disable,
	} {
		if got := Classify(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "1": time.Second, " 120 ": 2 * time.Minute, "-5": 0, "1.5": 0, "soon": 0,
		"999999999999": maxRetryAfter, "99999999999999999999999": 0,
		"Mon, 02 Mar 2026 10:00:30 GMT":     30 * time.Second,
		"Monday, 02-Mar-26 10:00:30 GMT":    30 * time.Second,
		"Mon Mar  2 10:00:30 2026":          30 * time.Second,
		"Mon, 02 Mar 2026 09:00:00 GMT":     0,
		"Mon, 02 Mar 2099 09:00:00 GMT":     maxRetryAfter,
		"Mon, 02 Mar 2026 10:00:30 +0900":   0,
		"Fri, 31 Dec 99999 23:59:59 GMT":    0,
		"9223372036854775807":               maxRetryAfter,
		"Mon, 02 Mar 2026 10:00:30 GMT, 10": 0,
	} {
		if got := ParseRetryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestReceiversThatMisbehave: each kind of failure has its verdict, and none hangs or panics.
func TestReceiversThatMisbehave(t *testing.T) {
	reset := func(w http.ResponseWriter) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
		verdict Verdict
		status  int
		after   time.Duration
	}{
		{"ok", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }, Delivered, 200, 0},
		{"500", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }, Retry, 500, 0},
		{"429 in seconds", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Retry-After", "3"); w.WriteHeader(429) }, Retry, 429, 3 * time.Second},
		{"503 with a date", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", now.Add(time.Hour).Format(http.TimeFormat))
			w.WriteHeader(503)
		}, Retry, 503, time.Hour},
		{"400 may say Retry-After in vain", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Retry-After", "3"); w.WriteHeader(400) }, Dead, 400, 0},
		{"410", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(410) }, Disable, 410, 0},
		{"302", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, Dead, 302, 0},
		{"reset", func(w http.ResponseWriter, r *http.Request) { reset(w) }, Retry, 0, 0},
		{"truncated body", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			reset(w)
		}, Retry, 200, 0},
		{"not HTTP", func(w http.ResponseWriter, r *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			io.WriteString(c, "220 smtp ready\r\n")
			c.Close()
		}, Retry, 0, 0},
		{"endless header", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			w.WriteHeader(200)
		}, Retry, 0, 0},
		{"endless body", func(w http.ResponseWriter, r *http.Request) {
			for range 64 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, Delivered, 200, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(c.handler))
			server.Config.ErrorLog = nil
			client := NewClient(ClientOptions{Policy: Policy{AllowHTTP: true, AllowNetworks: Loopback}, Timeout: time.Minute, Now: func() time.Time { return now }})
			a := client.Post(context.Background(), NewSecret(server.URL+"/services/T00/B00/secretpath"), nil, []byte("{}"))
			server.CloseClientConnections()
			if a.Verdict != c.verdict || a.Status != c.status {
				t.Errorf("%+v, want %s %d", a, c.verdict, c.status)
			}
			if a.RetryAfter != c.after {
				t.Errorf("Retry-After %v, want %v", a.RetryAfter, c.after)
			}
			if (a.Error == "") != (a.Verdict == Delivered) {
				t.Errorf("error %q with verdict %s", a.Error, a.Verdict)
			}
			if len(a.Reply) > replyKept {
				t.Errorf("reply of %d bytes is kept", len(a.Reply))
			}
			if strings.Contains(fmt.Sprintf("%+v", a), "secretpath") {
				t.Errorf("the URL's path shows: %+v", a)
			}
		})
	}
}

// single is a listener with one connection.
type single struct {
	net.Conn
	accepted bool
}

func (s *single) Accept() (net.Conn, error) {
	if s.accepted {
		return nil, net.ErrClosed
	}
	s.accepted = true
	return s.Conn, nil
}

func (s *single) Addr() net.Addr { return s.LocalAddr() }
func (s *single) Close() error   { return nil } // of the listener; the server closes the connection

// TestSlowReceiversAreCutOff: the timeout is of the whole attempt, from dialling to the end of the body.
func TestSlowReceiversAreCutOff(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
	}{
		{"never answers", func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server see the connection end
			<-r.Context().Done()
		}, 0},
		{"slow body", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			for range 100 {
				if _, err := io.WriteString(w, "o"); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(time.Second) // virtual
			}
		}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 5*time.Second + time.Second/2
				client := NewClient(ClientOptions{Policy: Policy{AllowHTTP: true}, Timeout: timeout, Transport: &http.Transport{
					DialContext: func(context.Context, string, string) (net.Conn, error) {
						here, there := net.Pipe()
						go (&http.Server{Handler: c.handler}).Serve(&single{Conn: there})
						return here, nil
					}}})
				began := time.Now()
				a := client.Post(context.Background(), NewSecret("http://receiver.test/services/T00/B00/secretpath"), nil, []byte("{}"))
				if a.Verdict != Retry || a.Status != c.status || a.Error == "" || strings.Contains(fmt.Sprintf("%+v", a), "secretpath") {
					t.Errorf("%+v, want a retry with status %d", a, c.status)
				}
				if took := time.Since(began); took != timeout {
					t.Errorf("cut off after %v, want %v", took, timeout)
				}
				client.Close()
				time.Sleep(time.Minute) // virtual: the receiver notices and ends
			})
		})
	}
}

func TestNobodyListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	a := open().Post(context.Background(), NewSecret("http://"+address+"/secretpath"), nil, nil)
	if a.Verdict != Retry || strings.Contains(a.Error, "secretpath") || !strings.Contains(a.Error, address) {
		t.Errorf("%+v", a)
	}
	// Too short to be looked for in texts: it must not get there in the first place.
	if a := open().Post(context.Background(), NewSecret("http://"+address+"/s3cr3t"), nil, nil); strings.Contains(a.Error, "s3cr3t") {
		t.Errorf("%+v", a)
	}
	a = open().Post(context.Background(), NewSecret("https://no-such-host.invalid/secretpath"), nil, nil)
	if a.Verdict != Retry || strings.Contains(a.Error, "secretpath") {
		t.Errorf("%+v", a)
	}
}

func TestEchoedSecretsAreCutOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(400)
		// The secret straddles the cut of what is kept.
		fmt.Fprintf(w, "%s%s %s", strings.Repeat("x", replyKept-5), body, r.URL.Path)
	}))
	defer server.Close()
	key := NewSecret("R0UT1NGK3Y-R0UT1NGK3Y")
	a := open().Post(context.Background(), NewSecret(server.URL+"/services/T1/B2/verysecret"), nil, []byte(key.Reveal()), key)
	text := fmt.Sprintf("%+v", a)
	for _, secret := range []string{"R0UT", "verysecret"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q shows in %s", secret, text)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	const canary = "canary-secret"
	s := NewSecret(canary)
	holder := struct {
		A Secret
		B *Secret
		C map[string]Secret
		d Secret // fmt sees it and can't call its methods
	}{s, &s, map[string]Secret{"x": s}, s}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "holder", holder)
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(text) + fmt.Sprint(s, holder) + fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s) + fmt.Sprintf("%v %+v %#v", holder, holder, holder)
	if strings.Contains(all, canary) || strings.Contains(all, fmt.Sprintf("%x", canary)) {
		t.Errorf("the secret shows: %s", all)
	}
	if s.Reveal() != canary {
		t.Error("and can't be had when it is needed")
	}
}

func TestReadSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	got, err := ReadSecrets(write("two", "# new first\n one \n\ntwo\r\n"))
	if err != nil || len(got) != 2 || got[0].Reveal() != "one" || got[1].Reveal() != "two" {
		t.Errorf("%d secrets, %v", len(got), err)
	}
	for name, text := range map[string]string{"empty": "", "comments": "# x\n\n", "large": strings.Repeat("x", maxSecretFile+1)} {
		if _, err := ReadSecrets(write(name, text)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadSecrets(filepath.Join(dir, "missing")); err == nil {
		t.Error("a missing file is not refused")
	}
}

func TestTruncateCountsCharacters(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"가나다라", 3, "가나…"}, {"ab cd", 4, "ab…"}, {"x", 0, ""}} {
		if got := Truncate(c.in, c.limit); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}
