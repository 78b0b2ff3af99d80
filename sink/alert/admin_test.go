package alert

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

func TestAdmin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pager := newRec("pager")
		pager.answer = func(id string, try int) notify.Attempt {
			a := failure(400)(id, try)
			a.Reply = "said the receiver"
			return a
		}
		r := run(t, definitions(guardrailRule("crossed", "pager")), options(vfs.NewMem(), map[string]*rec{"pager": pager}))
		r.say("one", "crossed")
		time.Sleep(time.Second)
		admin := r.Admin("/alerts")
		ask := func(method, target string, want int, words ...string) {
			t.Helper()
			w := httptest.NewRecorder()
			admin.ServeHTTP(w, httptest.NewRequest(method, target, nil))
			if w.Code != want {
				t.Errorf("%s %s: %d %s, want %d", method, target, w.Code, w.Body, want)
			}
			for _, word := range words {
				if !strings.Contains(w.Body.String(), word) {
					t.Errorf("%s %s: no %q in %s", method, target, word, w.Body)
				}
			}
		}
		ask("GET", "/alerts", 200, `"reply":"said the receiver"`)
		if text := fmt.Sprintf("%+v", r.Alerts()); strings.Contains(text, "said the receiver") {
			t.Errorf("everybody sees what a receiver answered: %s", text)
		}
		ask("GET", "/alerts/receivers", 200, `"id":"pager"`, `"dead":1`)
		ask("GET", "/alerts/progress", 200, `"events/0":1`)
		ask("GET", "/alerts/transitions", 200, `"to":"firing"`)
		ask("GET", "/alerts/dead", 200, `"reason":"answered 400"`, `"body":"firing crossed`)
		ask("GET", "/alerts/replay?receiver=pager", 405)
		ask("POST", "/alerts/replay?receiver=nobody", 400, "no receiver")
		ask("POST", "/alerts/enable?receiver=nobody", 400, "no receiver")
		ask("POST", "/alerts/accept?experiment=nothing", 400, "no experiment")
		pager.now(nil)
		ask("POST", "/alerts/replay?receiver=pager", 200, `"replayed":1`)
		ask("POST", "/alerts/enable?receiver=pager", 200)
		ask("POST", "/alerts/accept?experiment=one", 200)
		time.Sleep(time.Second)
		if n := len(pager.delivered()); n != 1 {
			t.Errorf("%d messages arrived after the replay", n)
		}
		foreign := httptest.NewRequest("POST", "/alerts/replay?receiver=pager", nil)
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		w := httptest.NewRecorder()
		if admin.ServeHTTP(w, foreign); w.Code != 403 {
			t.Errorf("a foreign page's request: %d", w.Code)
		}
		r.end()
	})
}
