package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// shopYAML is a shop with exposures and orders; sources are given by each test.
const shopYAML = `
source: {id: exposures, format: json, %s}
---
source: {id: orders, format: json, %s}
---
event:
  id: EXPOSURE
  sql: SELECT user_id AS subject, variant, platform, TO_TIMESTAMP(ts) AS event_time FROM exposures
---
event:
  id: PURCHASE
  sql: SELECT user_id AS subject, order_id AS event_id, CAST(total AS DECIMAL(18,2)) AS revenue, TO_TIMESTAMP(ts) AS event_time FROM orders WHERE total >= 0
---
metric: {metric_id: ARPU, type: CONTINUOUS, subject: subject, direction: up, numerator: {event: PURCHASE, agg: SUM, value: revenue}}
---
metric: {metric_id: BUYERS, type: BINOMIAL, subject: subject, direction: up, numerator: {event: PURCHASE, agg: EXISTS, value: subject}}
---
experiment:
  id: landing
  subject: subject
  exposure: {event: EXPOSURE, variant: variant, lateness: 1h}
  variants: {control: 1, treatment: 1}
  control: control
  start: 2026-03-02T00:00:00Z
  goals: [ARPU]
  secondary: [BUYERS]
  slices: [platform]
`

// shopStart is some time after the experiment began, in seconds.
const shopStart = 1772500000

// shopLog is a generated log: lines of exposures and of orders, with duplicates, refused records and both orders of
// exposure and purchase.
func shopLog(seed uint64, subjects, orders int) (exposures, purchases []string) {
	rng := rand.New(rand.NewPCG(seed, 1))
	variants := []string{"control", "treatment"}
	platforms := []string{"ios", "android", "web"}
	for i := range subjects {
		v := variants[rng.IntN(2)]
		ts := shopStart + rng.IntN(600)
		exposures = append(exposures, fmt.Sprintf(`{"user_id":"u%d","variant":%q,"platform":%q,"ts":%d}`, i, v, platforms[rng.IntN(3)], ts))
		if rng.IntN(50) == 0 {
			exposures = append(exposures, fmt.Sprintf(`{"user_id":"u%d","variant":%q,"platform":"web","ts":%d}`, i, variants[rng.IntN(2)], ts+rng.IntN(100)))
		}
	}
	for i := range orders {
		line := fmt.Sprintf(`{"user_id":"u%d","order_id":"o%d","total":%d.%02d,"ts":%d}`, rng.IntN(subjects+subjects/10), i, rng.IntN(300), rng.IntN(100), shopStart-100+rng.IntN(900))
		purchases = append(purchases, line)
		switch rng.IntN(40) {
		case 0:
			purchases = append(purchases, line) // delivered twice
		case 1:
			purchases = append(purchases, `{"user_id":"u1","order_id":`) // cut off
		case 2:
			purchases = append(purchases, fmt.Sprintf(`{"user_id":"u%d","order_id":"x%d","total":"many","ts":%d}`, i, i, shopStart))
		case 3:
			purchases = append(purchases, fmt.Sprintf(`{"user_id":"u%d","order_id":"n%d","total":-1,"ts":%d}`, i, i, shopStart))
		}
	}
	return exposures, purchases
}

func writeLines(t testing.TB, path string, lines []string) {
	t.Helper()
	var text bytes.Buffer
	for _, l := range lines {
		text.WriteString(l + "\n")
	}
	body := text.Bytes()
	switch filepath.Ext(path) {
	case ".gz":
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(body)
		z.Close()
		body = b.Bytes()
	case ".zst":
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		body = z.EncodeAll(body, nil)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

func quietLog() *slog.Logger {
	if os.Getenv("STREAM_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// shopSet is the shop's definitions over files (or topics, with other sources).
func shopSet(t testing.TB, exposures, orders string) *catalog.Set {
	return catalogtest.Parse(t, fmt.Sprintf(shopYAML, exposures, orders))
}

// comparableResult is a result without what depends on when and how it was read.
func comparableResult(t testing.TB, r *results.Result) string {
	t.Helper()
	c := *r
	c.AsOf = c.AsOf.Truncate(0)
	c.Positions, c.Watermark, c.Complete = nil, nil, true
	text, err := json.Marshal(struct {
		Subjects   map[string]int64
		Crossovers int64
		Ledger     results.Ledger
		Rows       []results.Row
	}{c.Subjects, c.Crossovers, c.Ledger, c.Rows})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func analyzeShop(t testing.TB, shards int, exposures, orders []string) *results.Result {
	t.Helper()
	set := shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]")
	list, err := Analyze(context.Background(), set, AnalyzeOptions{
		Options: Options{Shards: shards, Logger: quietLog(), Files: map[string][]string{"exposures": exposures, "orders": orders}},
		Slices:  results.Slices{Mode: results.AllSlices},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 {
		t.Fatalf("%d results, want 1", len(list))
	}
	return list[0]
}

func TestAnalyzeCountsEveryRecordOnce(t *testing.T) {
	dir := t.TempDir()
	exposures, purchases := shopLog(1, 500, 2000)
	x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
	writeLines(t, x, exposures)
	writeLines(t, o, purchases)
	r := analyzeShop(t, 3, []string{x}, []string{o})
	if !r.Complete || r.Watermark != nil {
		t.Errorf("complete %v, watermark %v: want a complete result without a watermark", r.Complete, r.Watermark)
	}
	if got := r.Positions["orders/o.ndjson"]; got != int64(len(purchases)) {
		t.Errorf("position of orders %d, want %d", got, len(purchases))
	}
	if got := r.Ledger.Records["orders"].Read; got != int64(len(purchases)) {
		t.Errorf("orders read %d, want %d", got, len(purchases))
	}
	if r.Subjects["control"]+r.Subjects["treatment"]+r.Crossovers != 500 {
		t.Errorf("subjects %v, crossovers %d, want 500 in all", r.Subjects, r.Crossovers)
	}
	balanced(t, r)
}

// balanced holds the ledger's sums.
func balanced(t testing.TB, r *results.Result) {
	t.Helper()
	for id, l := range r.Ledger.Records {
		if l.Read != l.Rejected+l.Evaluated {
			t.Errorf("records of %s: read %d = rejected %d + evaluated %d does not hold", id, l.Read, l.Rejected, l.Evaluated)
		}
	}
	for id, l := range r.Ledger.Events {
		if l.Evaluated != l.Filtered+l.Rejected+l.Late+l.Duplicate+l.Accepted || l.Accepted != l.Counted+l.Outside+l.Unexposed {
			t.Errorf("event %s is out of balance: %+v", id, l)
		}
	}
}

func TestAnalyzeIsTheSameForEverySharding(t *testing.T) {
	for seed := range uint64(3) {
		dir := t.TempDir()
		exposures, purchases := shopLog(seed, 300, 1500)
		x, o := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "o.ndjson")
		writeLines(t, x, exposures)
		writeLines(t, o, purchases)
		want := ""
		for shards := 1; shards <= 16; shards++ {
			got := comparableResult(t, analyzeShop(t, shards, []string{x}, []string{o}))
			if want == "" {
				want = got
			} else if got != want {
				t.Fatalf("seed %d: %d shards give another result than one:\n%s\n%s", seed, shards, got, want)
			}
		}
	}
}

func TestAnalyzeIsTheSameForEveryPackagingOfTheFiles(t *testing.T) {
	dir := t.TempDir()
	exposures, purchases := shopLog(7, 300, 1500)
	at := func(name string, lines []string) string {
		path := filepath.Join(dir, name)
		writeLines(t, path, lines)
		return path
	}
	want := comparableResult(t, analyzeShop(t, 2, []string{at("x.ndjson", exposures)}, []string{at("o.ndjson", purchases)}))
	half := len(purchases) / 2
	for name, files := range map[string][2][]string{
		"gzip":             {{at("x.ndjson.gz", exposures)}, {at("o.ndjson.gz", purchases)}},
		"zstd":             {{at("x.ndjson.zst", exposures)}, {at("o.ndjson.zst", purchases)}},
		"gzip by content":  {{at("x1.gz", exposures)}, {rename(t, at("o1.gz", purchases), "o1.ndjson")}},
		"two files":        {{at("x2.ndjson", exposures)}, {at("o-1.ndjson", purchases[:half]), at("o-2.ndjson.zst", purchases[half:])}},
		"batches of a row": {{at("x3.ndjson", exposures)}, {at("o3.ndjson", purchases)}},
	} {
		set := shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]")
		o := Options{Shards: 2, Logger: quietLog(), Files: map[string][]string{"exposures": files[0], "orders": files[1]}}
		if name == "batches of a row" {
			o.BatchRows, o.QueueBytes = 1, 1
		}
		list, err := Analyze(context.Background(), set, AnalyzeOptions{Options: o, Slices: results.Slices{Mode: results.AllSlices}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := comparableResult(t, list[0]); got != want {
			t.Errorf("%s: another result\n%s\n%s", name, got, want)
		}
	}
}

func rename(t testing.TB, path, name string) string {
	t.Helper()
	to := filepath.Join(filepath.Dir(path), name)
	if err := os.Rename(path, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// A record whose events have subjects in two shards is counted once, and each event where its subject is.
func TestAnalyzeRecordWithTwoSubjects(t *testing.T) {
	const yaml = `
source: {id: gifts, format: json, files: [none.ndjson]}
---
event: {id: GAVE, sql: "SELECT giver AS subject, variant, TO_TIMESTAMP(ts) AS event_time FROM gifts"}
---
event: {id: GOT, sql: "SELECT taker AS subject, CAST(n AS BIGINT) AS n, TO_TIMESTAMP(ts) AS event_time FROM gifts WHERE n <> 3"}
---
event: {id: GREW, sql: "SELECT giver AS subject, CAST(n AS BIGINT) AS n, TO_TIMESTAMP(ts) AS event_time FROM gifts WHERE n = 4"}
---
metric: {metric_id: GROWN, type: CONTINUOUS, subject: subject, direction: up, numerator: {event: GREW, agg: SUM, value: n}}
---
metric: {metric_id: TAKEN, type: CONTINUOUS, subject: subject, direction: up, numerator: {event: GOT, agg: SUM, value: n}}
---
experiment: {id: gifts, subject: subject, exposure: {event: GAVE, variant: variant}, variants: {a: 1, b: 1}, control: a, start: 2026-03-02T00:00:00Z, goals: [TAKEN, GROWN]}
`
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf(`{"giver":"u%d","taker":"u%d","variant":%q,"n":%d,"ts":%d}`, i%40, (i*7+3)%40, "ab"[i%40%2:i%40%2+1], i%5, shopStart+i))
	}
	lines = append(lines, `{"giver":"","taker":"","n":1}`, "nonsense")
	path := filepath.Join(t.TempDir(), "gifts.ndjson")
	writeLines(t, path, lines)
	want := ""
	for _, shards := range []int{1, 2, 5, 16} {
		list, err := Analyze(context.Background(), catalogtest.Parse(t, yaml), AnalyzeOptions{
			Options: Options{Shards: shards, Logger: quietLog(), Files: map[string][]string{"gifts": {path}}}})
		if err != nil {
			t.Fatal(err)
		}
		balanced(t, list[0])
		if got := list[0].Ledger.Records["gifts"]; got.Read != 202 || got.Rejected != 1 {
			t.Errorf("%d shards: records %+v, want 202 read and 1 rejected", shards, got)
		}
		got := comparableResult(t, list[0])
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("%d shards: another result\n%s\n%s", shards, got, want)
		}
	}
}

func TestAnalyzeNamesTheFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	exposures, purchases := shopLog(3, 100, 3000)
	x := filepath.Join(dir, "x.ndjson")
	writeLines(t, x, exposures)
	cut := func(name string) string {
		path := filepath.Join(dir, name)
		writeLines(t, path, purchases)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text[:len(text)/2], 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := filepath.Join(dir, "damaged.gz")
	writeLines(t, damaged, purchases)
	text, _ := os.ReadFile(damaged)
	text[len(text)-6] ^= 1 // in the checksum
	os.WriteFile(damaged, text, 0o644)
	empty := filepath.Join(dir, "empty.gz")
	os.WriteFile(empty, nil, 0o644)
	for want, path := range map[string]string{
		"the compressed file is cut off": cut("cut.gz"),
		"cut off":                        cut("cut.zst"),
		"the compressed file is damaged": damaged,
		"it is empty":                    empty,
		"no such file":                   filepath.Join(dir, "none.ndjson"),
		"it is a directory":              dir,
	} {
		set := shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]")
		list, err := Analyze(context.Background(), set, AnalyzeOptions{
			Options: Options{Logger: quietLog(), Files: map[string][]string{"exposures": {x}, "orders": {path}}}})
		var fe *FileError
		if !errors.As(err, &fe) || fe.Source != "orders" || fe.File != path || !strings.Contains(err.Error(), want) || list != nil {
			t.Errorf("%s: results %v, error %v; want a FileError of orders that says %q", filepath.Base(path), list, err, want)
		}
	}
}

// A pipe is refused by analyze and serve before anybody waits for its writer, and so is what a shell's <( ) names.
func TestPipesAreRefused(t *testing.T) {
	dir := t.TempDir()
	exposures, _ := shopLog(3, 100, 100)
	x, named := filepath.Join(dir, "x.ndjson"), filepath.Join(dir, "fifo.ndjson")
	writeLines(t, x, exposures)
	paths := map[string]string{"a device": os.DevNull}
	if out, err := exec.Command("mkfifo", named).CombinedOutput(); err != nil {
		t.Logf("no named pipe: %v %s", err, out)
	} else {
		paths["a pipe"] = named
	}
	if r, w, err := os.Pipe(); err == nil {
		defer r.Close()
		defer w.Close()
		if path := fmt.Sprintf("/dev/fd/%d", r.Fd()); exists(path) {
			paths["pipe, and"] = path
		}
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&os.ModeDevice == 0 {
		t.Skip("no devices here")
	}
	for says, path := range paths {
		files := map[string][]string{"exposures": {x}, "orders": {path}}
		check := func(err error) {
			t.Helper()
			var fe *FileError
			if !errors.As(err, &fe) || fe.File != path || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "write what comes from it to a file first") {
				t.Errorf("%s: %v; want a FileError that says %q", path, err, says)
			}
		}
		_, err := Analyze(context.Background(), shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]"), AnalyzeOptions{Options: Options{Logger: quietLog(), Files: files}})
		check(err)
		e, err := New(shopSet(t, "files: [none.ndjson]", "files: [none.ndjson]"), Options{Logger: quietLog(), Files: files, Dir: "data", FS: vfs.NewMem(), KeepOpen: true, DiskLow: -1})
		if err != nil {
			t.Fatal(err)
		}
		check(e.Run(context.Background()))
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestAnalyzeRefusesATopic(t *testing.T) {
	set := shopSet(t, "kafka: {topic: exposures}", "kafka: {topic: orders}")
	_, err := Analyze(context.Background(), set, AnalyzeOptions{Options: Options{Logger: quietLog()}})
	if err == nil || !strings.Contains(err.Error(), "--source exposures=FILE") {
		t.Errorf("error %v, want one that says how to name a file", err)
	}
}
