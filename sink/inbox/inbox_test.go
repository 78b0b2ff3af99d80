package inbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func post(b *Inbox, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	for k, v := range header {
		r.Header[k] = v
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func get(b *Inbox, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func signed(t *testing.T, id, body string, at time.Time) http.Header {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := v.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", fmt.Sprint(at.Unix()))
	h.Set("Webhook-Signature", signature)
	return h
}

func TestSlackAnswersAsAnIncomingWebhook(t *testing.T) {
	long := strings.Repeat("x", 3001)
	for _, c := range []struct {
		name, body, answer string
		status             int
	}{
		{"text", `{"text":"hello"}`, "ok", 200},
		{"blocks", `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*hello*"}},{"type":"context","elements":[{"type":"mrkdwn","text":"x"}]}]}`, "ok", 200},
		{"not JSON", `text=hello`, "invalid_payload", 400},
		{"nothing", `{}`, "no_text", 400},
		{"section too long", `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"` + long + `"}}]}`, "invalid_blocks", 400},
		{"too many blocks", `{"blocks":[` + strings.Repeat(`{"type":"divider"},`, 50) + `{"type":"divider"}]}`, "invalid_blocks", 400},
		{"unknown block", `{"blocks":[{"type":"marquee"}]}`, "invalid_blocks", 400},
	} {
		b := New(Options{})
		w := post(b, "/inbox/slack", c.body, nil)
		if w.Code != c.status || w.Body.String() != c.answer {
			t.Errorf("%s: %d %q, want %d %q", c.name, w.Code, w.Body, c.status, c.answer)
		}
		if kept := len(b.Messages().Slack); kept == 1 != (c.status == 200) {
			t.Errorf("%s: %d messages kept", c.name, kept)
		}
	}
}

const trigger = `{"routing_key":"k","event_action":"trigger","dedup_key":"d","payload":{"summary":"s","source":"x","severity":"critical","custom_details":{"b":"2","a":"1"}}}`

func TestPagerDutyMakesIncidentsOfEvents(t *testing.T) {
	b := New(Options{})
	send := func(body string, want int) {
		t.Helper()
		if w := post(b, "/inbox/pagerduty/v2/enqueue", body, nil); w.Code != want {
			t.Errorf("%s: %d %s, want %d", body, w.Code, w.Body, want)
		}
	}
	send(`{"routing_key":"k","event_action":"resolve","dedup_key":"d"}`, 202) // nothing to resolve: dropped
	send(trigger, 202)
	send(trigger, 202)
	if m := b.Messages().PagerDuty; len(m) != 1 || m[0].Status != "triggered" || len(m[0].Log) != 2 || m[0].Details[0] != (Detail{"a", "1"}) {
		t.Errorf("after two equal triggers: %+v", m)
	}
	send(`{"routing_key":"k","event_action":"resolve","dedup_key":"d"}`, 202)
	if m := b.Messages().PagerDuty; m[0].Status != "resolved" || m[0].Closed == nil {
		t.Errorf("after a resolve: %+v", m)
	}
	send(trigger, 202)
	if m := b.Messages().PagerDuty; len(m) != 2 {
		t.Errorf("a resolved key opens a new incident, there are %d", len(m))
	}
	send(strings.Replace(trigger, `"routing_key":"k"`, `"routing_key":""`, 1), 400)
	send(strings.Replace(trigger, `critical`, `page`, 1), 400)
	send(strings.Replace(trigger, `"summary":"s"`, `"summary":"`+strings.Repeat("s", 1025)+`"`, 1), 400)
	send(strings.Replace(trigger, `"dedup_key":"d"`, `"dedup_key":"`+strings.Repeat("d", 256)+`"`, 1), 400)
	send(`{"routing_key":"k","event_action":"trigger"}`, 400)
	send(`[]`, 400)
	if n := b.Messages().Refused; n != 6 {
		t.Errorf("%d refused, want 6", n)
	}
}

func TestWebhookTakesGoodSignaturesOnly(t *testing.T) {
	now := time.Now()
	body := `{"type":"experiment.alert.firing","n":1}`
	with := func(h http.Header, k, v string) http.Header { h = h.Clone(); h.Set(k, v); return h }
	good := signed(t, "evt_1", body, now)
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		status int
	}{
		{"good", good, body, 204},
		{"no headers", nil, body, 401},
		{"other body", good, body + " ", 401},
		{"other id", with(good, "Webhook-Id", "evt_2"), body, 401},
		{"other timestamp", with(good, "Webhook-Timestamp", fmt.Sprint(now.Unix()+1)), body, 401},
		{"too old", signed(t, "evt_1", body, now.Add(-6*time.Minute)), body, 401},
		{"too new", signed(t, "evt_1", body, now.Add(6*time.Minute)), body, 401},
		{"one of several", with(good, "Webhook-Signature", "v1,AAAA "+good.Get("Webhook-Signature")), body, 204},
		{"other version", with(good, "Webhook-Signature", "v2"+good.Get("Webhook-Signature")[2:]), body, 401},
		{"not JSON", signed(t, "evt_1", "x", now), "x", 400},
	} {
		b := New(Options{Secrets: []string{"whsec_" + strings.Repeat("A", 32), secret}})
		if w := post(b, "/inbox/webhook", c.body, c.header); w.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, w.Code, c.status)
		}
		if got := len(b.Messages().Webhooks); got == 1 != (c.status == 204) {
			t.Errorf("%s: %d kept", c.name, got)
		}
	}
	if w := post(New(Options{}), "/inbox/webhook", body, good); w.Code != 401 {
		t.Errorf("without a secret: %d; it must fail closed", w.Code)
	}
	b := New(Options{Secrets: []string{secret}})
	post(b, "/inbox/webhook", body, good)
	post(b, "/inbox/webhook", body, signed(t, "evt_1", body, now.Add(time.Second)))
	if m := b.Messages().Webhooks; len(m) != 1 || m[0].Times != 2 || m[0].Differs {
		t.Errorf("the same message twice: %+v", m)
	}
	other := body[:len(body)-1] + " }"
	post(b, "/inbox/webhook", other, signed(t, "evt_1", other, now))
	if m := b.Messages().Webhooks; len(m) != 1 || m[0].Times != 3 || !m[0].Differs {
		t.Errorf("another body under the same id: %+v", m)
	}
}

func TestPageEscapesAndKeepsItsPolicy(t *testing.T) {
	b := New(Options{Secrets: []string{secret}})
	evil := `<script>alert(1)</script>`
	post(b, "/inbox/slack", `{"blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*&lt;script&gt;* <javascript:alert(1)|x> <https://x.test/?a=\"|y> `+"`c`"+`"}}]}`, nil)
	post(b, "/inbox/slack", `{"text":"`+evil+`"}`, nil)
	post(b, "/inbox/pagerduty/v2/enqueue", strings.NewReplacer(`"summary":"s"`, `"summary":"`+evil+`"`, `"a":"1"`, `"`+evil+`":"`+evil+`"`, `"payload"`, `"links":[{"href":"javascript:alert(1)","text":"x"}],"payload"`).Replace(trigger), nil)
	body := `{"type":"` + evil + `","a":[1,-2.5e3,null,true],"s":"q\"<b>"}`
	post(b, "/inbox/webhook", body, signed(t, "evt_<b>", body, time.Now()))
	w := get(b, "/inbox/")
	html := w.Body.String()
	if w.Code != 200 || strings.Contains(html, "<script") || strings.Contains(html, "<b>\"") || strings.Contains(html, `href="javascript`) {
		t.Errorf("%d: the page carries what was sent to it:\n%s", w.Code, html)
	}
	for _, inline := range []string{"style=", "<style", "onload", "onclick"} {
		if strings.Contains(html, inline) {
			t.Errorf("inline %q under a policy that forbids it", inline)
		}
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; style-src 'self'") {
		t.Errorf("policy %q", got)
	}
	if !strings.Contains(html, `http-equiv="refresh"`) || strings.Contains(get(b, "/inbox/?paused=1").Body.String(), `http-equiv="refresh"`) {
		t.Error("the page refreshes by itself unless it is paused")
	}
	for _, asset := range regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(html, -1) {
		if w := get(b, asset[1]); w.Code != 200 {
			t.Errorf("%s: %d", asset[1], w.Code)
		}
	}
	if w := get(b, "/inbox/messages"); w.Code != 200 || !strings.Contains(w.Body.String(), `"received":4`) {
		t.Errorf("messages: %d %s", w.Code, w.Body)
	}
	if w := get(New(Options{Note: "Soon."}), "/inbox"); !strings.Contains(w.Body.String(), "No messages yet. Soon.") {
		t.Error("an empty inbox says so")
	}
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	b := New(Options{Keep: 3})
	for i := range 10 {
		post(b, "/inbox/slack", fmt.Sprintf(`{"text":"m%d"}`, i), nil)
	}
	if m := b.Messages(); len(m.Slack) != 3 || m.Slack[0].Text != "m9" || m.Received != 10 {
		t.Errorf("%+v", m)
	}
	if w := post(b, "/inbox/slack", strings.Repeat("x", maxBody+1), nil); w.Code != 413 {
		t.Errorf("oversize: %d", w.Code)
	}
}

func TestMrkdwn(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"plain", "plain"},
		{"*bold* and _it_ and `c`", "[b bold] and [i it] and [c c]"},
		{"a * b * c", "a * b * c"},
		{"snake_case_name", "snake_case_name"},
		{"&lt;!channel&gt; &amp;amp;", "<!channel> &amp;"},
		{"<https://x.test/a?b=1&amp;c=2|Open *x*>", "[https://x.test/a?b=1&c=2 Open *x*]"},
		{"<javascript:alert(1)|x>", "x"},
		{"<open", "<open"},
		{"*unclosed", "*unclosed"},
		{"", ""},
	} {
		var b strings.Builder
		for _, s := range parseMrkdwn(c.text) {
			switch {
			case s.Href != "":
				fmt.Fprintf(&b, "[%s %s]", s.Href, s.Text)
			case s.Bold:
				fmt.Fprintf(&b, "[b %s]", s.Text)
			case s.Italic:
				fmt.Fprintf(&b, "[i %s]", s.Text)
			case s.Code:
				fmt.Fprintf(&b, "[c %s]", s.Text)
			default:
				b.WriteString(s.Text)
			}
		}
		if b.String() != c.want {
			t.Errorf("%q: %q, want %q", c.text, b.String(), c.want)
		}
	}
}

// FuzzPage: no request, however made, breaks the page or gets a tag into it.
func FuzzPage(f *testing.F) {
	f.Add(`{"text":"*a* <https://x|y> & <"}`, `{"type":"x","a":"\\\"","b":-1}`)
	f.Add(`{"blocks":[]}`, `{`)
	f.Fuzz(func(t *testing.T, slack, hook string) {
		b := New(Options{Secrets: []string{secret}})
		post(b, "/inbox/slack", slack, nil)
		post(b, "/inbox/webhook", hook, signed(t, "evt_1", hook, time.Now()))
		post(b, "/inbox/pagerduty/v2/enqueue", hook, nil)
		if w := get(b, "/inbox/"); w.Code != 200 || strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%d\n%s", w.Code, w.Body)
		}
	})
}
