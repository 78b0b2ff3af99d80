// Package demo is Tidemark's demonstration: a broker in the process, a shop whose traffic has effects that are known,
// definitions for it, and a clock that starts 14 days back, runs through them in half a minute and then goes on in
// real time. Everything is in one folder of the system's temporary directory: a demo that was killed goes on from it,
// one that was stopped removes it. The broker is a stand-in for a real one and only for demonstrations.
package demo

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"text/template"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

//go:embed shop/*.yaml shop/*.tmpl
var files embed.FS

// Topics of the shop, each keyed by the user and with this many partitions.
var topics = []string{"exposures", "impressions", "orders", "checkout"}

const partitions = 4

// Demo is a running shop and its broker.
type Demo struct {
	Dir         string // everything the demo keeps
	Definitions string // its YAML
	State       string // for the engine
	Brokers     []string
	Resumed     bool // it goes on from a demo that was killed

	lock     io.Closer // of Dir, so that two demos do not share it
	cluster  *kfake.Cluster
	client   *kgo.Client
	progress progress
}

const progressName = "progress.json"

// progress is what a killed demo goes on from.
type progress struct {
	Began time.Time `json:"began"` // when the demo started, on the wall clock
	Clock time.Time `json:"clock"` // the event clock
	Shop  shop      `json:"shop"`
}

// Start prepares the folder and starts the broker. now is the wall clock.
func Start(dir string, now func() time.Time) (*Demo, error) {
	d := &Demo{Dir: dir, Definitions: filepath.Join(dir, "definitions"), State: filepath.Join(dir, "state")}
	if err := ours(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	var err error
	if d.lock, err = vfs.Default.Lock(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("demo: another demo runs in %s: stop it, or give this one a folder of its own with --dir (%w)", dir, err)
	}
	if err := d.start(now()); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// things are what a demo keeps in its folder, and all that it ever deletes there.
var things = []string{"broker", "definitions", "state", progressName, progressName + ".next", "lock"}

// ours refuses a folder with things of somebody else: the demo would write among them and delete some at its end.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	begun := len(entries) == 0
	for _, e := range entries {
		begun = begun || e.Name() == progressName || e.Name() == "lock"
	}
	for _, e := range entries {
		if !begun || !slices.Contains(things, e.Name()) {
			return fmt.Errorf("demo: %s holds %q, which is not the demo's: name a folder that is empty or does not exist with --dir", dir, e.Name())
		}
	}
	return nil
}

// remove deletes what the demo made, and its folder if nothing else is in there.
func (d *Demo) remove() error {
	var errs []error
	for _, name := range things {
		errs = append(errs, os.RemoveAll(filepath.Join(d.Dir, name)))
	}
	_ = os.Remove(d.Dir) // stays where somebody has put something in
	return errors.Join(errs...)
}

// start loads or begins the progress, writes the definitions and starts the broker.
func (d *Demo) start(now time.Time) error {
	for _, sub := range []string{d.Definitions, d.State, filepath.Join(d.Dir, "broker")} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	if err := d.load(now); err != nil {
		return err
	}
	if err := d.writeDefinitions(); err != nil {
		return err
	}
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.DataDir(filepath.Join(d.Dir, "broker")), kfake.SyncWrites()}
	if !d.Resumed {
		options = append(options, kfake.SeedTopics(partitions, topics...))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return fmt.Errorf("demo: start the broker: %w", err)
	}
	d.cluster, d.Brokers = cluster, cluster.ListenAddrs()
	d.client, err = kgo.NewClient(kgo.SeedBrokers(d.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.ProducerLinger(0))
	if err != nil {
		cluster.Close()
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// Began is when the demo first started, on the wall clock.
func (d *Demo) Began() time.Time { return d.progress.Began }

// Close stops the broker; with remove it deletes the folder.
func (d *Demo) Close(remove bool) error {
	d.client.Close()
	d.cluster.Close()
	if !remove {
		return d.lock.Close()
	}
	return errors.Join(d.remove(), d.lock.Close())
}

// Run makes traffic until ctx ends.
func (d *Demo) Run(ctx context.Context, now func() time.Time) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := d.step(ctx, now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return d.save()
		case <-tick.C:
		}
	}
}

// step moves the event clock to where it belongs at wall time now and produces what has arrived by then.
func (d *Demo) step(ctx context.Context, now time.Time) error {
	p := &d.progress
	for target := d.clockAt(now); p.Clock.Before(target); {
		until, visits := d.stretch(target)
		each := until.Sub(p.Clock) / time.Duration(visits)
		for i := range visits {
			t := p.Clock.Add(each * time.Duration(i))
			p.Shop.visit(t, moments{rerank: d.rerank(), breaks: p.Began.Add(breaksAfter)})
		}
		p.Clock = until
	}
	var records []*kgo.Record
	for _, r := range p.Shop.due(p.Clock) {
		records = append(records, &kgo.Record{Topic: r.topic, Key: []byte(r.user), Value: r.value, Timestamp: r.arrives})
	}
	if len(records) == 0 {
		return nil
	}
	// First the progress: a demo that is killed in between loses what it was about to say. The other way round it would
	// say it again with the same ids at other times, and ids in conflict are outside C1.
	if err := d.save(); err != nil {
		return err
	}
	err := d.client.ProduceSync(ctx, records...).FirstErr()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// clockAt is the event clock at wall time now: 14 days in half a minute, then real time.
func (d *Demo) clockAt(now time.Time) time.Time {
	lived := now.Sub(d.progress.Began)
	if lived >= fastForward {
		return now
	}
	start := d.begin()
	return start.Add(time.Duration(float64(d.progress.Began.Add(fastForward).Sub(start)) * (float64(lived) / float64(fastForward))))
}

// stretch is the next piece of time towards target with one density of visits, and its number of visits (at least one).
func (d *Demo) stretch(target time.Time) (until time.Time, visits int) {
	clock, live := d.progress.Clock, d.progress.Began.Add(fastForward)
	if clock.Before(live) {
		until = earlier(target, live)
		return until, max(1, int(historyVisits*float64(until.Sub(clock))/float64(live.Sub(d.begin()))))
	}
	// Where the demo was away for long, the gap gets fewer visits rather than a flood.
	return target, min(max(1, int(liveVisits*target.Sub(clock).Seconds())), maxVisits)
}

// rerank is when search_rerank starts.
func (d *Demo) rerank() time.Time { return d.begin().Add(rerankAfter * 24 * time.Hour) }

func (d *Demo) begin() time.Time { return d.progress.Began.Add(-days * 24 * time.Hour) }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (d *Demo) load(now time.Time) error {
	text, err := os.ReadFile(d.progressFile())
	if errors.Is(err, fs.ErrNotExist) {
		now = now.UTC().Truncate(time.Second)
		d.progress = progress{Began: now, Shop: shop{Seed: uint64(now.Unix())}}
		d.progress.Clock = d.begin()
		return d.save()
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := json.Unmarshal(text, &d.progress); err != nil {
		return fmt.Errorf("demo: %s: %w; delete %s to start anew", d.progressFile(), err, d.Dir)
	}
	d.Resumed = true
	return nil
}

func (d *Demo) progressFile() string { return filepath.Join(d.Dir, progressName) }

// save writes the progress; a kill in between leaves the old one.
func (d *Demo) save() error {
	text, err := json.Marshal(d.progress)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	next := d.progressFile() + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := os.Rename(next, d.progressFile()); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

func (d *Demo) writeDefinitions() error {
	return fs.WalkDir(files, "shop", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.Base(path)
		if filepath.Ext(name) == ".tmpl" {
			name = name[:len(name)-len(".tmpl")]
			var out bytes.Buffer
			t := template.Must(template.New(name).Parse(string(text)))
			stamp := func(t time.Time) string { return t.Format(time.RFC3339) }
			if err := t.Execute(&out, map[string]string{"Start": stamp(d.begin()), "Rerank": stamp(d.rerank()), "End": stamp(d.progress.Began.Add(24 * time.Hour))}); err != nil {
				return err
			}
			text = out.Bytes()
		}
		return os.WriteFile(filepath.Join(d.Definitions, name), text, 0o600)
	})
}
