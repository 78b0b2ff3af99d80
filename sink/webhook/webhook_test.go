package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/sink/alert/notify/notifytest"
)

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

func secretFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSignMatchesThePublishedVector is the vector of Standard Webhooks' own libraries.
func TestSignMatchesThePublishedVector(t *testing.T) {
	got, err := Sign([]notify.Secret{notify.NewSecret(oldSecret)}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1674087231, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,AQG81rX2n4rTN1fkXoqILSHO9gAOcwya9dP41rhrQDI="; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestSignRefusals(t *testing.T) {
	for _, secret := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "whsec_" + strings.Repeat("AAAA", 22)} {
		if _, err := Sign([]notify.Secret{notify.NewSecret(secret)}, "evt_1", time.Now(), nil); err == nil || len(secret) > 8 && strings.Contains(err.Error(), secret[6:]) {
			t.Errorf("secret of %d characters: %v", len(secret), err)
		}
	}
	if _, err := Sign([]notify.Secret{notify.NewSecret(oldSecret)}, "a.b", time.Now(), nil); err == nil {
		t.Error("an id with a dot is signed")
	}
}

// TestReceiversVerify sends to a receiver that uses the reference library, with one secret and during a change-over.
func TestReceiversVerify(t *testing.T) {
	server := notifytest.NewReceiver(t, 204, "")
	path := secretFile(t, newSecret, oldSecret)
	s, err := New(notifytest.Client(), server.URL+"/hook", path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	body, err := s.Render(notifytest.Firing())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := s.Send(context.Background(), "evt_1", body); a.Verdict != notify.Delivered {
			t.Fatalf("%+v", a)
		}
	}
	for _, q := range server.Requests() {
		if q.Header.Get("Webhook-Id") != "evt_1" || !bytes.Equal(q.Body, body) || q.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v, body %s", q.Header, q.Body)
		}
		if n := len(strings.Fields(q.Header.Get("Webhook-Signature"))); n != 2 {
			t.Errorf("%d signatures for two secrets", n)
		}
		for _, secret := range []string{oldSecret, newSecret} {
			v, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(q.Body, q.Header); err != nil {
				t.Errorf("a receiver that has only %s…: %v", secret[:8], err)
			}
			for i := range q.Body {
				bad := bytes.Clone(q.Body)
				bad[i] ^= 1
				if v.Verify(bad, q.Header) == nil {
					t.Fatalf("byte %d can be changed", i)
				}
			}
		}
	}
	// A rotated file counts from the next attempt on, a bad one fails it and is tried again.
	if err := os.WriteFile(path, []byte("whsec_nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := s.Send(context.Background(), "evt_1", body); a.Verdict != notify.Retry || strings.Contains(a.Error, "nonsense") {
		t.Errorf("%+v", a)
	}
}

func TestMessageShape(t *testing.T) {
	s, err := New(notifytest.Client(), "http://127.0.0.1/hook", secretFile(t, oldSecret), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*notify.Notification{"firing": notifytest.Firing(), "resolved": notifytest.Resolved(), "warned": notifytest.Warned(), "split": notifytest.Split()} {
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
		again, _ := s.Render(n)
		if !bytes.Equal(body, again) {
			t.Errorf("%s: rendered twice, two bodies", name)
		}
	}
}

func TestBodyStaysSmall(t *testing.T) {
	s, err := New(notifytest.Client(), "http://127.0.0.1/hook", secretFile(t, oldSecret), Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := notifytest.Firing()
	n.Summary = strings.Repeat("가", 5000)
	n.SubjectCounts = map[string]int64{}
	for i := range 2000 {
		n.SubjectCounts[fmt.Sprintf("variant-%d", i)] = int64(i)
	}
	body, err := s.Render(n)
	if err != nil || len(body) > MaxBody {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	n.Owner = strings.Repeat("x", MaxBody)
	if _, err := s.Render(n); err == nil {
		t.Error("a body that can't be made small is not refused")
	}
}

func TestNewRefusals(t *testing.T) {
	good := secretFile(t, oldSecret)
	for name, c := range map[string]struct{ url, file string }{
		"http":          {"http://example.com/x", good},
		"private":       {"https://10.0.0.1/x", good},
		"no secret":     {"https://example.com/x", filepath.Join(t.TempDir(), "missing")},
		"bad secret":    {"https://example.com/x", secretFile(t, "hunter2")},
		"one of two":    {"https://example.com/x", secretFile(t, oldSecret, "hunter2")},
		"secret in URL": {"https://user:hunter2@example.com/x", good},
	} {
		_, err := New(notify.NewClient(notify.ClientOptions{}), c.url, c.file, Options{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContract(t *testing.T) {
	notifytest.Contract(t, func(t *testing.T, c *notify.Client, url string) notifytest.Sender {
		s, err := New(c, url+"/hook", secretFile(t, oldSecret), Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}, 204, "", strings.TrimPrefix(oldSecret, "whsec_"))
}
