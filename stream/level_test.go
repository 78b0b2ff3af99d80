package stream

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// A level that is changed once results have been shown is said on every result from then on, over restarts, and when it is changed back
// too. Other changes are none of its, and an experiment that starts anew has a new ledger.
func TestChangedLevelIsAFact(t *testing.T) {
	exposures, orders := shopLog(91, 600, 900)
	dir, fs := t.TempDir(), vfs.NewMem()
	writeLines(t, dir+"/x.ndjson", exposures)
	writeLines(t, dir+"/o.ndjson", orders)
	now := time.Unix(shopStart+86400, 0).UTC()
	run := func(change func(text string) string) *results.Result {
		t.Helper()
		text := fmt.Sprintf(shopYAML, noFiles[0], noFiles[1])
		if change != nil {
			changed := change(text)
			if changed == text {
				t.Fatal("nothing was changed")
			}
			text = changed
		}
		now = now.Add(time.Hour)
		at := now
		r := start(t, catalogtest.Parse(t, text), Options{Files: map[string][]string{"exposures": {dir + "/x.ndjson"}, "orders": {dir + "/o.ndjson"}}, Dir: "data", FS: fs, Shards: 2,
			KeepOpen: true, DiskLow: -1, Logger: quietLog(), CacheBytes: 8 << 20, Now: func() time.Time { return at }, Rebuild: true})
		r.until("the files are read", func(s Status) bool { return s.Ready })
		result, err := r.Results(context.Background(), "landing", results.Slices{})
		if err != nil {
			t.Fatal(err)
		}
		r.stop()
		return result
	}
	with := func(lines string) func(string) string {
		return func(text string) string { return strings.Replace(text, "  goals:", lines+"\n  goals:", 1) }
	}
	check := func(r *results.Result, want ...string) {
		t.Helper()
		if got := r.LevelChanges(); !slices.Equal(got, want) || slices.Contains(r.Reasons, results.ReasonLevelChanged) != (len(want) > 0) || (len(r.Levels) > 0) != (len(want) > 0) {
			t.Errorf("changes %q, reasons %v; want %q", got, r.Reasons, want)
		}
	}
	at := func(hours int) string {
		return time.Unix(shopStart+86400, 0).UTC().Add(time.Duration(hours) * time.Hour).Format(" (2006-01-02 15:04 UTC)")
	}
	check(run(nil))
	check(run(func(text string) string {
		return strings.Replace(text, "  id: landing\n", "  id: landing\n  name: Landing page\n", 1)
	}))
	first := "alpha 0.05 → 0.1" + at(3)
	r := run(with("  stats: {alpha: 0.1}"))
	check(r, first)
	if r.Alpha != 0.1 || r.Levels[0].Alpha != 0.05 || !r.Levels[1].Set.Equal(now) {
		t.Errorf("α %v, levels %+v", r.Alpha, r.Levels)
	}
	check(run(with("  stats: {alpha: 0.1}")), first)
	second := "correction none → Holm, tightest at 10,000 subjects → 5,000 subjects" + at(5)
	check(run(with("  stats: {alpha: 0.1, correction: holm}\n  sequential: {subjects: 5000}")), first, second)
	third := "alpha 0.1 → 0.05, correction Holm → none, tightest at 5,000 subjects → 10,000 subjects" + at(6)
	check(run(nil), first, second, third)
	// A clock that steps back changes no order: the last level is the last that came, and is found again at every restart.
	now = now.Add(-48 * time.Hour)
	fourth := "alpha 0.05 → 0.02" + at(7-48)
	for range 3 {
		check(run(with("  stats: {alpha: 0.02}")), first, second, third, fourth)
	}
	check(run(func(text string) string {
		return strings.Replace(with("  stats: {alpha: 0.01}")(text), "start: 2026-03-02T00:00:00Z", "start: 2026-03-03T00:00:00Z", 1)
	}))
}
