package alert

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
)

const (
	childVariable = "TIDEMARK_ALERT_TEST_CHILD" // directory and URL of the receiver
	killSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	killEpisodes  = 260
)

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		dir, url, _ := strings.Cut(text, " ")
		if err := child(dir, url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func killDefinitions(dir, url string) *catalog.Set {
	set := definitions(guardrailRule("crossed", "pager", "chat"))
	set.Receivers = nil
	for _, id := range []string{"pager", "chat"} {
		set.Receivers = append(set.Receivers, &catalog.Receiver{ID: id, Webhook: &struct{ URL, SecretFile string }{url + "/" + id, filepath.Join(dir, "secret")}})
	}
	return set
}

// child is an engine's life: it publishes everything from the beginning, as one does that replays after a crash, and
// ends when all is delivered. The real senders, the real disk.
func child(dir, url string) error {
	m, err := Open(filepath.Join(dir, "alerts"), killDefinitions(dir, url), Options{Logger: quiet, Policy: notify.Policy{AllowHTTP: true, AllowNetworks: notify.Loopback}})
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for i := range 2 * killEpisodes {
		o := outcome{experiment: "one", at: time.Duration(i) * time.Second, positions: map[string]int64{"events/0": int64(i + 1)}, subjects: 1000, words: map[string]string{"CRASHES": "crossed"}}
		if i%2 == 1 {
			o.words["CRASHES"] = "within"
		}
		if err := m.Observe(o.result()); err != nil {
			return err
		}
	}
	for {
		waiting := 0
		for _, r := range m.Receivers() {
			waiting += r.Waiting
		}
		if waiting == 0 {
			break
		}
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return fmt.Errorf("%d messages still wait", waiting)
		case <-time.After(5 * time.Millisecond):
		}
	}
	stop()
	if err := <-done; err != nil {
		return err
	}
	return m.Close()
}

// TestKilledProcessLosesNothing kills a real process with SIGKILL at each of the three points of a message's life,
// again and again, and looks at what the receiver got: every message, in order, twice only with the same id and body.
func TestKilledProcessLosesNothing(t *testing.T) {
	perPoint := 30
	if testing.Short() {
		perPoint = 5
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(killSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	got := map[string][]request{}
	verifier, err := standardwebhooks.NewWebhook(killSecret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || verifier.Verify(body, r.Header) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mu.Lock()
		got[r.URL.Path] = append(got[r.URL.Path], request{r.Header.Get("Webhook-Id"), string(body)})
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	const seed = 3
	r := rand.New(rand.NewPCG(seed, seed))
	kills := map[Point]int{}
	points := []Point{AfterCommit, BeforeSend, AfterSend}
	for run := 0; ; run++ {
		var crash string
		// after_commit passes only where a state changes, so the child is killed there before it gets far.
		if p := points[run%3]; kills[p] < perPoint {
			crash = fmt.Sprintf("%s:%d", p, 1+r.IntN(3))
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+dir+" "+server.URL, pointVariable+"="+crash)
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
			t.Fatalf("run %d (%s): %v\n%s", run, crash, err, out)
		}
		kills[points[run%3]]++
	}
	for _, p := range points {
		if kills[p] < perPoint {
			t.Errorf("only %d kills at %s", kills[p], p)
		}
	}
	repeated := 0
	for _, path := range []string{"/pager", "/chat"} {
		bodies := map[string]string{}
		var order []string
		for _, q := range got[path] {
			if old, ok := bodies[q.id]; ok {
				repeated++
				if old != q.body {
					t.Errorf("%s has two bodies:\n%s\n%s", q.id, old, q.body)
				}
				continue
			}
			bodies[q.id] = q.body
			order = append(order, q.id)
		}
		var want []string
		k := Key{"crossed", "one", "CRASHES", "b"}
		for episode := range int64(killEpisodes) {
			want = append(want, MessageID(k, "crossed", episode+1, notify.Firing), MessageID(k, "crossed", episode+1, notify.Resolved))
		}
		if !slices.Equal(order, want) {
			t.Errorf("%s got %d different messages, want %d in their order", path, len(order), len(want))
		}
	}
	// One alert has one message under way at a time, so a kill can repeat one for each of the two receivers.
	if total := kills[AfterCommit] + kills[BeforeSend] + kills[AfterSend]; repeated > 2*total {
		t.Errorf("%d messages were repeated in %d kills", repeated, total)
	}
	t.Logf("kills %v, %d messages, %d repeated", kills, 4*killEpisodes, repeated)
}

type request struct{ id, body string }
