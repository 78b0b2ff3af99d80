package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/sink/page/view"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

const rerank = "/experiments/search_rerank_v2"

// everyPage is one of each kind, the hostile ones among them.
func everyPage() []string {
	hostile := experimentURL(sample.LongName)
	return []string{"/", "/?state=ended", "/?state=" + url.QueryEscape(sample.HostileSlice), rerank, rerank + "?open=CTR%2Fall%2Frerank_v2", rerank + "?by=platform&then=country&open=CTR%2Fall%2Frerank_v2",
		"/experiments/feed_mixer", "/experiments/feed_mixer?open=CTR%2Fall%2Fmixer&open=LATENCY%2Fall%2Fmixer", "/experiments/checkout_one_page", "/experiments/banner_redirect", "/experiments/new_pricing", "/experiments/push_timing", "/experiments/gift_wrap", "/experiments/spring_theme",
		hostile, hostile + "?open=" + url.QueryEscape("HOSTILE/all/"+sample.RTL), rerank + "?open=" + url.QueryEscape(sample.HostileSlice) + "&by=" + url.QueryEscape(sample.HostileName),
		"/alerts", "/alerts?state=firing", "/health", "/definitions/metrics/CTR", "/definitions/metrics/HOSTILE", "/definitions/events/PURCHASE", "/definitions/sources/orders", "/definitions/alerts/guardrail_crossed", definitionURL("experiments", sample.LongName),
		"/experiments/serch_rerank_v2", experimentURL(sample.HostileName), "/definitions/metrics/" + url.PathEscape(sample.HostileSlice), "/nowhere"}
}

func gzipped(body []byte) int {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write(body)
	_ = z.Close()
	return buf.Len()
}

func TestEveryPageStandsAlone(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?: type="module" src="/assets/[0-9a-f]+/page\.js")?>[^<]`)
	foreign := regexp.MustCompile(`(?:src|href|action|data-live)="(https?:)?//[^"]*"`)
	for _, target := range everyPage() {
		w := get(t, h, target)
		body := w.Body.String()
		if w.Code != 200 && w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
		if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s: policy %q", target, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %v", target, w.Header())
		}
		for _, m := range foreign.FindAllString(body, -1) {
			if !strings.Contains(m, "wiki.example") { // the runbook of an alert: a link that somebody may follow
				t.Errorf("%s asks somebody else: %s", target, m)
			}
		}
		if !strings.HasPrefix(body, "<!doctype html>") || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s is not a whole page", target)
		}
		// What definitions brought in may look like markup, escaped; nothing outside of it may.
		if m := inline.FindString(stripText(body)); m != "" {
			t.Errorf("%s has %q inline", target, m)
		}
		if n := gzipped([]byte(body)); n > 60<<10 {
			t.Errorf("%s: %d bytes gzipped, want at most 60 KB", target, n)
		}
	}
}

// stripText leaves the tags of a page, attribute values emptied except for those of addresses and scripts.
func stripText(body string) string {
	tags := regexp.MustCompile(`<[^>]*>`).FindAllString(body, -1)
	values := regexp.MustCompile(`(title|aria-label|data-k|value|data-letter)="[^"]*"`)
	for i := range tags {
		tags[i] = values.ReplaceAllString(tags[i], `$1=""`)
	}
	return strings.Join(tags, "")
}

func TestNothingFromOutsideBecomesMarkup(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	for _, target := range everyPage() {
		body := get(t, h, target).Body.String()
		for _, raw := range []string{"<script>alert", "<img", "onerror=alert(1)>\"", "<b>search</b>"} {
			if strings.Contains(body, raw) {
				t.Errorf("%s contains %q", target, raw)
			}
		}
		// A quote in a value would end its attribute: every tag must still have its quotes in pairs.
		for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(body, -1) {
			if strings.Count(tag, `"`)%2 != 0 {
				t.Errorf("%s: quotes do not pair in %s", target, tag)
			}
		}
	}
	alerts := get(t, h, "/alerts").Body.String()
	if strings.Contains(alerts, `href="javascript:`) {
		t.Error("a runbook became a script")
	}
	if !strings.Contains(alerts, html.EscapeString(sample.HostileName)) {
		t.Error("the hostile summary is not shown at all")
	}
}

func TestAssetsAreSmallAndKeptForEver(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	page := get(t, h, "/").Body.String()
	total := 0
	for _, address := range regexp.MustCompile(`/assets/[0-9a-f]+/[a-z.]+`).FindAllString(page, -1) {
		w := get(t, h, address, "Accept-Encoding", "gzip")
		if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", address, w.Code, w.Header())
		}
		if strings.HasSuffix(address, ".js") && w.Body.Len() > 45<<10 {
			t.Errorf("%s: %d bytes gzipped, want at most 45 KB", address, w.Body.Len())
		}
		total += w.Body.Len()
	}
	if total == 0 || total > 60<<10 {
		t.Errorf("assets of %d bytes gzipped", total)
	}
	if w := get(t, h, "/assets/000000000000/page.js"); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("an asset of another version: %d %v", w.Code, w.Header())
	}
}

func TestPagesAreRevalidated(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	for _, target := range []string{"/", rerank, "/alerts", "/health"} {
		w := get(t, h, target)
		if again := get(t, h, target, "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s: %d for the same page", target, again.Code)
		}
	}
}

func TestPagesCanOnlyBeRead(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, rerank, strings.NewReader("x=1")))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
}

var (
	rowPattern   = regexp.MustCompile(`(?s)<tr role="row"[^>]* data-k="([^"]*)"[^>]*>(.*?)</tr>`)
	fieldPattern = regexp.MustCompile(`(?s)<([a-z]+)[^>]* data-f="([^"]+)"[^>]*>([^<]*)`)
	statePattern = regexp.MustCompile(`data-state-of="([^"]*)" data-state="([^"]*)"`)
	attrPattern  = regexp.MustCompile(` (d|aria-label)="([^"]*)"`)
)

// fieldsOf reads the cells of a piece of a page as the script does.
func fieldsOf(t *testing.T, piece string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for _, m := range fieldPattern.FindAllStringSubmatch(piece, -1) {
		text := html.UnescapeString(m[3])
		if m[1] == "path" || m[1] == "svg" {
			a := attrPattern.FindStringSubmatch(m[0])
			if a == nil {
				t.Fatalf("no attribute for the cell in %s", m[0])
			}
			text = html.UnescapeString(a[2])
		}
		fields[m[2]] = text
	}
	return fields
}

// What a page shows and what the live stream would send for it are the same texts, cell by cell: else a page would change
// when its first patch comes, or never.
func TestPageAndPatchesAgree(t *testing.T) {
	w := sample.New(1)
	h, _, _ := serve(t, w)
	for _, id := range []string{"search_rerank_v2", "checkout_one_page", "banner_redirect", "new_pricing", "push_timing", "gift_wrap", "feed_mixer", sample.LongName} {
		var x *catalog.Experiment
		for _, e := range w.Set().Experiments {
			if e.ID == id {
				x = e
			}
		}
		r := w.Result(id, results.Slices{})
		all, keys := []string{"unreliable=show"}, []string(nil)
		for i := range r.Rows {
			if len(r.Rows[i].Slice) == 0 {
				keys = append(keys, r.Rows[i].Key())
				all = append(all, "open="+url.QueryEscape(r.Rows[i].Key()), "all="+url.QueryEscape(r.Rows[i].Key()))
			}
		}
		cells := view.Cells(w.Set(), x, r, keys)
		cells[view.PageKey] = view.PageCells(w.Set(), x, r, w.Status(), w.Now())
		body := get(t, h, experimentURL(id)+"?"+strings.Join(all, "&")).Body.String()
		seen := 0
		for _, m := range rowPattern.FindAllStringSubmatch(body, -1) {
			key := html.UnescapeString(m[1])
			for name, text := range fieldsOf(t, m[2]) {
				seen++
				if want, ok := cells[key][name]; !ok || want != text {
					t.Errorf("%s: %s %s is %q on the page and %q in the patch", id, key, name, text, want)
				}
			}
			for _, s := range statePattern.FindAllStringSubmatch(m[0], -1) {
				if want := cells[key][s[1]]; want != s[2] {
					t.Errorf("%s: %s has %s %q on the page and %q in the patch", id, key, s[1], s[2], want)
				}
			}
		}
		if want := len(r.Rows) * 14; seen < want {
			t.Errorf("%s: %d cells in rows, want at least %d", id, seen, want)
		}
		outside := rowPattern.ReplaceAllString(body, "")
		for name, text := range fieldsOf(t, outside) {
			if name == "done" {
				continue // a width
			}
			if want, ok := cells[view.PageKey][name]; !ok || want != text {
				t.Errorf("%s: page cell %s is %q on the page and %q in the patch", id, name, text, want)
			}
		}
	}
}

// Where the split of the whole has failed, the page says so once, and shows slices only to who asks for them.
func TestBrokenSplitFoldsSlices(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	page := func(query string) string {
		return html.UnescapeString(get(t, h, "/experiments/banner_redirect?open=CTR%2Fall%2Ftreatment"+query).Body.String())
	}
	folded := page("")
	const anyway = "/experiments/banner_redirect?open=CTR%2Fall%2Ftreatment&unreliable=show"
	if n := strings.Count(folded, "Slices are not shown: subjects are not split as planned"); n != 1 || strings.Contains(folded, `class="slice`) ||
		strings.Contains(folded, "Slices explore") || !strings.Contains(folded, `href="`+anyway+`"`) {
		t.Errorf("%d notes instead of slices, %d slices", n, strings.Count(folded, `class="slice`))
	}
	if n := strings.Count(folded, "Sample ratio mismatch"); n != 1 || strings.Contains(folded, `data-f="why" data-still>subjects are not split`) {
		t.Errorf("the page says %d times that the split is off, or in a row too", n)
	}
	shown := page("&unreliable=show")
	if !strings.Contains(shown, `class="slice`) || strings.Contains(shown, "Slices are not shown") || !strings.Contains(shown, "Slices explore") {
		t.Error("slices that were asked for are not shown")
	}
	if !strings.Contains(shown, `<input type="hidden" name="unreliable" value="show">`) {
		t.Error("another cut would fold the slices again")
	}
}

// What stands beside the numbers is on the page without a script: marks on the row, sentences and figures in its detail.
func TestDetailNeedsNoScript(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	closed := html.UnescapeString(get(t, h, "/experiments/feed_mixer").Body.String())
	for _, want := range []string{"slices differ, novelty", "shown to be within", "not yet shown", "at 98.75%", "p95 of events", "complete after 7 d", "needs 25 subjects with a value in each arm; has 8"} {
		if !strings.Contains(closed, want) {
			t.Errorf("the closed page does not say %q", want)
		}
	}
	for _, hidden := range []string{"look at its slices", "comparisons of metrics"} {
		if strings.Contains(closed, hidden) {
			t.Errorf("the closed page says %q: that is for the detail", hidden)
		}
	}
	open := html.UnescapeString(get(t, h, "/experiments/feed_mixer?open=CTR%2Fall%2Fmixer&open=ARPU%2Fall%2Fmixer&open=REFUNDS%2Fall%2Fmixer").Body.String())
	for _, want := range []string{"the effect is not the same for every platform", "over 9 comparisons of metrics and arms", "more subjects to see ±1.0%", "adjusted by the pre-period (CUPED)", "post-stratified by slices",
		"99.9th percentile", "shown to be within +25%, by", "by <b class=\"text\">platform</b>: exploring", ">q <0.0001<"} {
		if !strings.Contains(open, want) {
			t.Errorf("the opened page does not say %q", want)
		}
	}
}

// An experiment that is cut by nothing has rows to open all the same.
func TestDetailNeedsNoSlices(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	link := regexp.MustCompile(`data-act="open" href="([^"]*)"`).FindStringSubmatch(get(t, h, "/experiments/coupon_stack").Body.String())
	if link == nil {
		t.Fatal("no link opens a row")
	}
	opened := get(t, h, html.UnescapeString(link[1])).Body.String()
	for _, want := range []string{"z-test (one look)", `aria-expanded="true"`, "close the detail of"} {
		if !strings.Contains(strings.ToLower(opened), want) {
			t.Errorf("the opened row does not say %q", want)
		}
	}
	if strings.Contains(opened, "exploring") {
		t.Error("slices of nothing")
	}
}

func TestSlicesOpenWithoutAScript(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	closed := get(t, h, rerank).Body.String()
	if strings.Contains(closed, `class="slice`) {
		t.Error("slices are open from the start")
	}
	link := regexp.MustCompile(`data-act="open" href="([^"]*)"`).FindStringSubmatch(closed)
	if link == nil {
		t.Fatal("no link opens a row")
	}
	opened := get(t, h, html.UnescapeString(link[1])).Body.String()
	for _, want := range []string{`data-k="CTR/platform=Android/rerank_v2"`, `data-k="CTR/country=KR/rerank_v2"`, `aria-expanded="true"`, "exploring", "4 more not shown"} {
		if !strings.Contains(opened, want) {
			t.Errorf("the opened page has no %s", want)
		}
	}
	if n := strings.Count(opened, `data-k="CTR/country=`); n != 10 {
		t.Errorf("%d countries shown, want the top 10", n)
	}
	all := regexp.MustCompile(`data-act="more" href="([^"]*)"`).FindStringSubmatch(opened)
	if n := strings.Count(get(t, h, html.UnescapeString(all[1])).Body.String(), `data-k="CTR/country=`); n != 14 {
		t.Errorf("%d countries after show all, want 14", n)
	}
	by := get(t, h, rerank+"?by=platform&then=country&open=CTR%2Fall%2Frerank_v2").Body.String()
	if !strings.Contains(by, `data-k="CTR/country=KR,platform=iOS/rerank_v2"`) || !strings.Contains(by, "slices=platform%2Ccountry") {
		t.Error("the second dimension is not nested, or its live stream is not the cross")
	}
}

func TestStatesNameTheNextAction(t *testing.T) {
	w := sample.New(1)
	h, _, hub := serve(t, w)
	for target, want := range map[string][]string{
		"/experiments/spring_theme":    {"Not started.", "It starts on 27 Nov 2026"},
		"/experiments/push_timing":     {"No exposures yet.", "none is valid here"},
		"/experiments/new_pricing":     {"Too early to say.", "needs 100 subjects in each arm; has "},
		"/experiments/banner_redirect": {"Sample ratio mismatch", "Do not decide on these numbers.", "unreliable"},
		"/experiments/gift_wrap":       {"Some results cannot be computed", "tidemark state verify", "frozen"},
		"/experiments/serch_rerank_v2": {"There is no such experiment", "Did you mean search_rerank_v2?"},
		"/definitions/metrics/CTRR":    {"Did you mean CTR?"},
		"/alerts?state=inactive":       {"Nothing is inactive", "All alerts"},
	} {
		body := get(t, h, target).Body.String()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not say %q", target, text)
			}
		}
	}
	w.Halted = true
	hub.Publish(w.Result("search_rerank_v2", results.Slices{}))
	for _, target := range []string{rerank, "/health"} {
		body := get(t, h, target).Body.String()
		for _, text := range []string{"HALTED_GAP", "shop.search/2", "tidemark state accept shop.search/2"} {
			if !strings.Contains(body, text) {
				t.Errorf("%s does not say %q while a partition is halted", target, text)
			}
		}
	}

	empty := api.New(api.Options{Set: &catalog.Set{}, Hub: results.NewHub()})
	pages, err := New(empty, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{"/": "No experiments yet", "/alerts": "No alert rules", "/health": "No sources are defined"} {
		if body := get(t, pages, target).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s of an empty catalog does not say %q", target, want)
		}
	}
}

func TestBeforeTheFirstResult(t *testing.T) {
	w := sample.New(1)
	server := api.New(api.Options{Set: w.Set(), Hub: results.NewHub(), Now: w.Now, Status: func() stream.Status { return stream.Status{State: stream.Restoring} }})
	pages, err := New(server, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{"/": "no result yet", rerank: "No result yet.", "/health": "catching up"} {
		if body := get(t, pages, target).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s does not say %q", target, want)
		}
	}
}

func TestDefinitionsShowTheirText(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	body := get(t, h, "/definitions/metrics/CTR").Body.String()
	for _, want := range []string{"CLICK events per IMPRESSION events", "metric_id: CTR", "metrics.yaml:", "search_rerank_v2", "hash"} {
		if !strings.Contains(body, want) {
			t.Errorf("the definition of CTR does not say %q", want)
		}
	}
	if strings.Contains(body, "metric_id: ARPU") {
		t.Error("it shows another document of its file")
	}
	if body := get(t, h, "/definitions/events/PURCHASE").Body.String(); !strings.Contains(body, "CAST(amount AS DECIMAL(18,2)) AS revenue") {
		t.Error("the event does not show its SQL")
	}
}

func TestDocumentIsTheOneAroundTheLine(t *testing.T) {
	lines := strings.Split("# head\na: 1\n---\nb: 2\n\nc: 3\n--- # note\nd: 4\n", "\n")
	for line, want := range map[int]string{1: "# head\na: 1", 2: "# head\na: 1", 4: "b: 2\n\nc: 3", 6: "b: 2\n\nc: 3", 8: "d: 4", 0: "", 99: ""} {
		if got := document(lines, line); got != want {
			t.Errorf("line %d: %q, want %q", line, got, want)
		}
	}
}

// A page must come at once: the biggest of the sample in well under the 100 ms that opening a slice may take. Counted is the
// processor's time, which other processes do not prolong, and the best of many, so that the collector is not in it.
func TestPagesAreQuick(t *testing.T) {
	h, _, _ := serve(t, sample.New(1))
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	best := time.Hour
	for range 20 {
		start := used()
		get(t, h, rerank+"?open=CTR%2Fall%2Frerank_v2&open=ARPU%2Fall%2Frerank_v2")
		best = min(best, used()-start)
	}
	if best > 100*time.Millisecond {
		t.Errorf("an experiment's page takes %v", best)
	}
	t.Log(fmt.Sprint("experiment page: ", best))
}
