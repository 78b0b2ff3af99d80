package demo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestForeignFolder: a folder with somebody's files is refused untouched; what comes into the demo's own later survives it.
func TestForeignFolder(t *testing.T) {
	for _, name := range []string{"thesis.txt", "definitions/mine.yaml"} {
		dir := t.TempDir()
		mine := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(mine), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Start(dir, time.Now)
		if err == nil {
			_ = d.Close(true)
			t.Fatalf("%s: the demo moved in with it", name)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 || !strings.Contains(err.Error(), "--dir") {
			t.Errorf("%s: %d things in the folder, error %v", name, len(entries), err)
		}
	}
	dir := filepath.Join(t.TempDir(), "demo")
	d, err := Start(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(true); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Errorf("the demo left %v, want notes.txt only", entries)
	}
}

// TestKilledSaysNothingTwice: a demo that was killed after any step goes on without an id that it has used.
func TestKilledSaysNothingTwice(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "demo")
	now := time.Now()
	told := 0
	ids := make(map[string]string)
	for life := range 3 {
		d, err := Start(dir, func() time.Time { return now })
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			now = now.Add(200 * time.Millisecond)
			if err := d.step(ctx, now); err != nil {
				t.Fatal(err)
			}
		}
		if life == 2 {
			told = readIDs(t, d, ids)
		}
		if err := d.Close(life == 2); err != nil { // without a save, as a kill is
			t.Fatal(err)
		}
	}
	if told < 1000 {
		t.Errorf("%d records, want enough to see something", told)
	}
}

// readIDs reads the topics and fails on one id with two contents.
func readIDs(t *testing.T, d *Demo, ids map[string]string) int {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	ends, err := kadm.NewClient(d.client).ListEndOffsets(ctx, topics...)
	if err != nil {
		t.Fatal(err)
	}
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	n := int(left)
	c, err := kgo.NewClient(kgo.SeedBrokers(d.Brokers...), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for left > 0 {
		fetches := c.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("%d records to go: %v", left, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			left--
			var e struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(r.Value, &e); err != nil || e.ID == "" {
				t.Fatalf("%s: id %q, %v", r.Value, e.ID, err)
			}
			key := r.Topic + " " + e.ID
			if before, ok := ids[key]; ok && before != string(r.Value) {
				t.Fatalf("one id, two contents:\n%s\n%s", before, r.Value)
			}
			ids[key] = string(r.Value)
		})
	}
	return n
}
