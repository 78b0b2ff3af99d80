package pagerduty

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/alert/notify/notifytest"
)

const routingKey = "R0123456789abcdef0123456789abcdef"

func sender(t *testing.T, url string) (*Sender, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(routingKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(notifytest.Client(), url, path)
	if err != nil {
		t.Fatal(err)
	}
	return s, path
}

func TestEventShape(t *testing.T) {
	s, _ := sender(t, "http://127.0.0.1")
	for name, n := range map[string]*notify.Notification{"trigger": notifytest.Firing(), "resolve": notifytest.Resolved(), "warned": notifytest.Warned(), "split": notifytest.Split()} {
		body, err := s.Render(n)
		if err != nil {
			t.Fatal(err)
		}
		var pretty bytes.Buffer
		json.Indent(&pretty, body, "", "  ")
		pretty.WriteByte('\n')
		golden := filepath.Join("testdata", name+".json")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			os.WriteFile(golden, pretty.Bytes(), 0o644)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, pretty.Bytes()) {
			t.Errorf("%s:\n%s\nwant\n%s", name, pretty.Bytes(), want)
		}
	}
}

func TestTriggerAndResolveShareTheKeyAndTheBytesStay(t *testing.T) {
	server := notifytest.NewReceiver(t, 202, `{"status":"success","message":"Event processed","dedup_key":"x"}`)
	s, path := sender(t, server.URL)
	for _, n := range []*notify.Notification{notifytest.Firing(), notifytest.Firing(), notifytest.Resolved()} {
		body, err := s.Render(n)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(body, []byte(routingKey)) {
			t.Error("the routing key is in the stored body")
		}
		if a := s.Send(context.Background(), n.ID, body); a.Verdict != notify.Delivered {
			t.Fatalf("%+v", a)
		}
	}
	q := server.Requests()
	if !bytes.Equal(q[0].Body, q[1].Body) {
		t.Error("two attempts, two bodies")
	}
	for i, action := range []string{"trigger", "trigger", "resolve"} {
		var e map[string]any
		if err := json.Unmarshal(q[i].Body, &e); err != nil {
			t.Fatal(err)
		}
		if e["routing_key"] != routingKey || e["event_action"] != action || e["dedup_key"] != notifytest.Firing().Key || q[i].Path != "/v2/enqueue" {
			t.Errorf("%s: %s", q[i].Path, q[i].Body)
		}
	}
	// The file is read for every attempt: a rotated key works without a restart, a missing one is waited for.
	os.WriteFile(path, []byte("other\n"), 0o600)
	body, _ := s.Render(notifytest.Firing())
	s.Send(context.Background(), "x", body)
	if last := server.Requests()[3]; !bytes.Contains(last.Body, []byte(`"routing_key":"other"`)) {
		t.Errorf("after the rotation: %s", last.Body)
	}
	os.Remove(path)
	if a := s.Send(context.Background(), "x", body); a.Verdict != notify.Retry {
		t.Errorf("%+v", a)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		status  int
		reply   string
		verdict notify.Verdict
	}{
		{202, `{"status":"success"}`, notify.Delivered},
		{200, "<html>welcome to the hotel's network</html>", notify.Retry},
		{400, `{"status":"invalid event","errors":["'routing_key' is bad: ` + routingKey + `"]}`, notify.Dead},
		{429, "", notify.Retry},
		{500, "", notify.Retry},
		{410, "", notify.Disable},
	} {
		server := notifytest.NewReceiver(t, c.status, c.reply)
		s, _ := sender(t, server.URL)
		body, _ := s.Render(notifytest.Firing())
		a := s.Send(context.Background(), "x", body)
		if a.Verdict != c.verdict || strings.Contains(fmt.Sprintf("%+v", a), routingKey) {
			t.Errorf("%d: %+v", c.status, a)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	s, _ := sender(t, "http://127.0.0.1")
	n := notifytest.Evil()
	n.Summary = strings.Repeat("요", 2000)
	n.Owner = strings.Repeat("x", 1<<20)
	body, err := s.Render(n)
	if err != nil || len(body) > 512<<10 {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	var e struct {
		Payload struct{ Summary, Severity string }
	}
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(e.Payload.Summary)); n != 1024 {
		t.Errorf("summary has %d characters", n)
	}
	if e.Payload.Severity != "error" {
		t.Errorf("an unknown severity became %q", e.Payload.Severity)
	}
	n.Key = strings.Repeat("k", 256)
	if _, err := s.Render(n); err == nil {
		t.Error("a dedup_key of 256 characters is not refused")
	}
	// No minute has more than 120 events: the burst and what comes after it.
	if d := s.Destination(); float64(d.Burst)+60*d.Rate > 120 {
		t.Errorf("%+v", d)
	}
}

func TestNewRefusals(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		os.WriteFile(path, []byte(text), 0o600)
		return path
	}
	c := notify.NewClient(notify.ClientOptions{})
	for name, x := range map[string]struct{ url, file string }{
		"missing":  {"", filepath.Join(dir, "missing")},
		"empty":    {"", write("empty", "\n")},
		"two keys": {"", write("two", "a\nb\n")},
		"http":     {"http://events.pagerduty.com", write("key", routingKey)},
	} {
		if _, err := New(c, x.url, x.file); err == nil || strings.Contains(err.Error(), routingKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := New(c, "", write("key", routingKey))
	if err != nil || s.url != DefaultURL || strings.Contains(s.Destination().ID, routingKey) {
		t.Errorf("%+v, %v", s, err)
	}
	if strings.Contains(fmt.Sprintf("%+v %#v", s, s), routingKey) {
		t.Error("the key shows in the sender")
	}
}

func TestContract(t *testing.T) {
	notifytest.Contract(t, func(t *testing.T, c *notify.Client, url string) notifytest.Sender {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(routingKey), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := New(c, url, path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, 202, `{"status":"success"}`, routingKey)
}
