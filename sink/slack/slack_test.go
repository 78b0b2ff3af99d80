package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/alert/notify/notifytest"
)

// texts are the message's mrkdwn, block by block; the fallback first.
func texts(t *testing.T, body []byte) []string {
	t.Helper()
	var m struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     struct{ Type, Text string }
			Elements []struct{ Type, Text string }
		}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	list := []string{m.Text}
	for _, b := range m.Blocks {
		if b.Text.Text != "" {
			list = append(list, b.Text.Text)
		}
		for _, e := range b.Elements {
			list = append(list, e.Text)
		}
	}
	return list
}

func render(t *testing.T, n *notify.Notification) []byte {
	t.Helper()
	s, err := New(notifytest.Client(), "http://127.0.0.1/services/T/B/x", "")
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.Render(n)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestMessage(t *testing.T) {
	for name, n := range map[string]*notify.Notification{"firing": notifytest.Firing(), "resolved": notifytest.Resolved(), "warned": notifytest.Warned(), "split": notifytest.Split()} {
		got := strings.Join(texts(t, render(t, n)), "\n--\n") + "\n"
		golden := filepath.Join("testdata", name+".txt")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			os.WriteFile(golden, []byte(got), 0o644)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestCautionIsSaidOnce: in the summary, or on a line of its own where a rule words its summary without it.
func TestCautionIsSaidOnce(t *testing.T) {
	n := notifytest.Warned()
	worded := notifytest.Warned()
	worded.Summary = "latency is up"
	for _, n := range []*notify.Notification{n, worded} {
		list := texts(t, render(t, n))
		for what, text := range map[string]string{"fallback": list[0], "blocks": strings.Join(list[1:], "\n")} {
			if got := strings.Count(text, n.Caution); got != 1 {
				t.Errorf("%q: the %s says the caution %d times:\n%s", n.Summary, what, got, text)
			}
		}
	}
}

// TestFirstLineCarriesTheFacts: what a phone shows of the message is enough to know what, how much and where.
func TestFirstLineCarriesTheFacts(t *testing.T) {
	first, _, _ := strings.Cut(texts(t, render(t, notifytest.Firing()))[0], "\n")
	for _, fact := range []string{"▲", "p95 latency", "WORSE", "+6.2%", "limit +5%", "search_rerank_v2", "rerank_v2", "14:31 KST", "critical"} {
		if !strings.Contains(first, fact) {
			t.Errorf("%q is not in %q", fact, first)
		}
	}
}

func TestTextFromOutsideIsOnlyText(t *testing.T) {
	for _, text := range texts(t, render(t, notifytest.Evil())) {
		for _, bad := range []string{"<!channel", "<https://evil", "<!here", "<@"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q in %q", bad, text)
			}
		}
		// Of < and > only our own links are left, each whole.
		rest := text
		for {
			open := strings.IndexByte(rest, '<')
			if open < 0 {
				break
			}
			end := strings.IndexByte(rest[open:], '>')
			if end < 0 || !strings.HasPrefix(rest[open:], "<https://") || strings.Count(rest[open:open+end], "|") != 1 {
				t.Fatalf("broken markup in %q", text)
			}
			rest = rest[open+end+1:]
		}
		if strings.Contains(rest, ">") {
			t.Errorf("a stray > in %q", rest)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	n := notifytest.Firing()
	n.Summary = strings.Repeat("<&>요", 3000)
	n.Owner, n.WorstSlice, n.Rule = strings.Repeat("o", 9000), strings.Repeat("<", 9000), strings.Repeat("r", 9000)
	n.ControlValue = strings.Repeat("9", 9000)
	body := render(t, n)
	list := texts(t, body)
	if c := utf8.RuneCountInString(list[0]); c > 4000 {
		t.Errorf("fallback has %d characters", c)
	}
	for _, text := range list[1:] {
		if c := utf8.RuneCountInString(text); c > maxSection {
			t.Errorf("a block has %d characters", c)
		}
		if i := strings.LastIndexByte(text, '&'); i >= 0 && !strings.Contains(text[i:], ";") {
			t.Errorf("cut in the middle of an entity: …%s", text[i:])
		}
	}
	if !strings.Contains(list[len(list)-1], n.ID) {
		t.Error("the id is cut off")
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		reply   string
		verdict notify.Verdict
	}{
		{200, "ok", notify.Delivered},
		{200, "ok\n", notify.Delivered},
		{200, "", notify.Retry},
		{200, "<html>ok</html>", notify.Retry},
		{200, `{"ok":false,"error":"ratelimited"}`, notify.Retry},
		{400, "invalid_payload", notify.Dead},
		{403, "action_prohibited", notify.Dead},
		{404, "no_service", notify.Dead},
		{410, "channel_is_archived", notify.Disable},
		{429, "rate_limited", notify.Retry},
		{500, "rollup_error", notify.Retry},
	} {
		server := notifytest.NewReceiver(t, c.status, c.reply)
		path := filepath.Join(t.TempDir(), "url")
		if err := os.WriteFile(path, []byte(server.URL+"/services/T00/B00/topsecret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(notifytest.Client(), "", path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := s.Render(notifytest.Firing())
		a := s.Send(context.Background(), "evt_1", body)
		if a.Verdict != c.verdict {
			t.Errorf("%d %q: %+v", c.status, c.reply, a)
		}
		if q := server.Requests(); len(q) != 1 || q[0].Path != "/services/T00/B00/topsecret" || !bytes.Equal(q[0].Body, body) {
			t.Errorf("requests %v", q)
		}
		if strings.Contains(fmt.Sprintf("%+v %+v %#v", a, s, s), "topsecret") {
			t.Error("the URL shows")
		}
	}
}

func TestNewRefusals(t *testing.T) {
	c := notify.NewClient(notify.ClientOptions{})
	for name, x := range map[string]struct{ url, file string }{
		"nothing": {"", ""},
		"http":    {"http://hooks.slack.com/services/topsecret", ""},
		"missing": {"", filepath.Join(t.TempDir(), "missing")},
		"private": {"https://192.168.1.1/services/topsecret", ""},
	} {
		if _, err := New(c, x.url, x.file); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContract(t *testing.T) {
	notifytest.Contract(t, func(t *testing.T, c *notify.Client, url string) notifytest.Sender {
		s, err := New(c, url+"/services/T00/B00/topsecret", "")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, 200, "ok", "topsecret")
}
