package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Verdict is what becomes of a message after an attempt.
type Verdict string

const (
	Delivered Verdict = "delivered"
	Retry     Verdict = "retry"   // later, same id and body
	Dead      Verdict = "dead"    // never accepted as it is: to the dead letters
	Disable   Verdict = "disable" // the receiver is gone for good (410)
)

// Attempt is one try to deliver a message, as the attempt log keeps it.
type Attempt struct {
	At      time.Time     `json:"at"`
	Latency time.Duration `json:"latency_ns"`
	Status  int           `json:"status,omitempty"` // 0: no answer
	Verdict Verdict       `json:"verdict"`
	Error   string        `json:"error,omitempty"`
	// Reply is the first 1 KB of the answer's body. It comes from outside: show it to administrators only.
	Reply string `json:"reply,omitempty"`
	// RetryAfter is what the receiver asked for; 0 if it did not.
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
}

// Classify is the one place that decides from an HTTP status whether a message is sent again.
func Classify(status int) Verdict {
	switch {
	case status >= 200 && status < 300:
		return Delivered
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return Retry
	case status == http.StatusGone:
		return Disable
	}
	return Dead // 3xx too: a redirect is not followed, and repeating it would lead to the same place
}

const (
	replyKept = 1 << 10  // of an answer's body
	replyRead = 64 << 10 // read at most, so that the connection can be used again
	// maxRetryAfter bounds what a receiver may ask for: one wrong header must not hold messages for years.
	maxRetryAfter = 24 * time.Hour
)

// Client posts to receivers.
type Client struct {
	http    *http.Client
	timeout time.Duration
	now     func() time.Time
	policy  Policy
}

// ClientOptions of NewClient; the zero value works.
type ClientOptions struct {
	Policy Policy
	// Timeout of one attempt, from dialling to the end of the answer. Default 10 s.
	Timeout time.Duration
	// Now stamps attempts and reads Retry-After dates. Default time.Now.
	Now func() time.Time
	// Transport replaces the guarded one; tests that run without a network use it. The guard on dialled
	// addresses is then the transport's business.
	Transport http.RoundTripper
}

// NewClient returns a client that follows no redirect and uses no proxy of the environment.
func NewClient(opt ClientOptions) *Client {
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Transport == nil {
		dialer := &net.Dialer{Timeout: opt.Timeout, KeepAlive: 30 * time.Second, Control: opt.Policy.control}
		opt.Transport = &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    opt.Timeout,
			MaxIdleConnsPerHost:    4,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &Client{
		http: &http.Client{
			Transport:     opt.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: opt.Timeout, now: opt.Now, policy: opt.Policy,
	}
}

// Policy returns where the client may send.
func (c *Client) Policy() Policy { return c.policy }

// Now is the client's clock.
func (c *Client) Now() time.Time { return c.now() }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Post sends body once and says what came of it. The secrets, and the URL beyond its host, are cut out of what the
// Attempt tells. A message that could not be sent at all (refused by the policy, no answer) is to be retried: names
// and networks change, and the schedule ends.
func (c *Client) Post(ctx context.Context, target Secret, header http.Header, body []byte, secrets ...Secret) Attempt {
	start := c.now()
	fail := func(verdict Verdict, err error) Attempt {
		return Attempt{At: start, Latency: c.now().Sub(start), Verdict: verdict, Error: c.redact(err.Error(), target, secrets)}
	}
	u, err := c.policy.CheckURL(target.Reveal())
	if err != nil {
		return fail(Dead, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return fail(Dead, err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tidemark")
	resp, err := c.http.Do(req)
	if err != nil {
		return fail(Retry, fmt.Errorf("post to %s: %w", u.Host, cause(err)))
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, replyRead))
	a := Attempt{At: start, Latency: c.now().Sub(start), Status: resp.StatusCode, Verdict: Classify(resp.StatusCode)}
	a.Reply = excerpt(c.redact(string(reply), target, secrets)) // in this order: a cut secret would not be found
	if err != nil && a.Verdict == Delivered {
		// The head said yes and the body broke off. The head is the receiver's word, but Slack and PagerDuty say
		// theirs in the body, so ask again: the id makes the second delivery harmless.
		a.Verdict, a.Error = Retry, c.redact(fmt.Sprintf("read answer of %s: %v", u.Host, cause(err)), target, secrets)
		return a
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		a.Error = fmt.Sprintf("%s answered with a redirect (%d); redirects are not followed: give the receiver its final URL", u.Host, resp.StatusCode)
	case a.Verdict != Delivered:
		a.Error = fmt.Sprintf("%s answered %d %s", u.Host, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	if a.Verdict == Retry {
		a.RetryAfter = ParseRetryAfter(resp.Header.Get("Retry-After"), c.now())
	}
	return a
}

// cause strips the URL that net/http puts in front of its errors.
func cause(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		return ue.Err
	}
	return err
}

// ParseRetryAfter reads seconds or an HTTP date; 0 for what it can't read, for the past, and for "now".
func ParseRetryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0
	}
	if s, err := strconv.ParseInt(text, 10, 64); err == nil {
		return min(max(0, time.Duration(min(s, int64(maxRetryAfter/time.Second)))*time.Second), maxRetryAfter)
	}
	if t, err := http.ParseTime(text); err == nil {
		return min(max(0, t.Sub(now)), maxRetryAfter)
	}
	return 0
}

// excerpt is the readable beginning of an answer.
func excerpt(s string) string {
	if len(s) > replyKept {
		s = s[:replyKept]
	}
	return strings.ToValidUTF8(s, "�")
}

// redact cuts secrets out of text: an answer or an error may echo them.
func (c *Client) redact(text string, target Secret, secrets []Secret) string {
	for _, s := range append([]Secret{target}, secrets...) {
		if secret := s.Reveal(); len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, redacted)
		}
	}
	if u, err := url.Parse(target.Reveal()); err == nil {
		for _, part := range []string{u.RequestURI(), u.EscapedPath(), u.RawQuery} {
			if len(part) >= 8 {
				text = strings.ReplaceAll(text, part, redacted)
			}
		}
	}
	return text
}

// Destination is what a rate limit counts: two receivers with one URL share it.
type Destination struct {
	// ID is the same for the same endpoint and tells nothing about its secret.
	ID string
	// Name is what people see: the host.
	Name string
	// Rate is messages per second, Burst how many at once; in any minute at most Burst + 60·Rate are sent.
	Rate  float64
	Burst int
}

// Fingerprint names an endpoint without telling its secret: the beginning of a SHA-256 over the parts.
func Fingerprint(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
