// Package naive is what one writes in an afternoon: a loop over the topic that unmarshals each record with encoding/json into
// a map, gets the subject's totals from Pebble, changes them, sets them again, and corrects the cells of all groupings by the
// difference. No batching, no cache, one goroutine; writes are not synced. It counts with the bare semantics of command
// bench's doc: every record counts, no order, no lateness, no duplicates removed. That is less than Tidemark does.
package naive

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/traffic"
)

// totals of a subject under one variant: clicks, impressions, purchases, cents.
type totals [4]uint64

type consumer struct {
	db    *pebble.DB
	cells traffic.Cells
	value [32]byte
}

// Run does one run.
func Run(ctx context.Context, t contract.Task) (contract.Report, error) {
	r := contract.Report{Peer: "naive", Semantics: string(traffic.Bare)}
	dir := filepath.Join(t.Dir, "naive")
	// The caches are those of the engine, so that the difference is in the way of working, not in the settings.
	db, err := pebble.Open(dir, &pebble.Options{CacheSize: 256 << 20, MemTableSize: 32 << 20, MemTableStopWritesThreshold: 4, Logger: quiet{}})
	if err != nil {
		return r, err
	}
	c := &consumer{db: db, cells: traffic.Cells{}}
	began, cpu := time.Now(), contract.CPU()
	var failed error
	err = contract.Consume(ctx, t, func(records []*kgo.Record) {
		for _, k := range records {
			if err := c.count(k.Value); err != nil && failed == nil {
				failed = fmt.Errorf("naive: %s/%d at %d: %w", k.Topic, k.Partition, k.Offset, err)
			}
		}
		r.Events += int64(len(records))
	})
	r.WallNS, r.CPUNS = time.Since(began).Nanoseconds(), (contract.CPU() - cpu).Nanoseconds()
	if u, err := contract.UsageOf(os.Getpid()); err == nil {
		r.RSS, r.Written = u.Peak, u.Written
	}
	if err := errors.Join(err, failed, db.Close()); err != nil {
		return r, err
	}
	if r.Disk, err = contract.DiskBytes(dir); err != nil {
		return r, err
	}
	out, err := os.Create(t.Cells)
	if err != nil {
		return r, err
	}
	return r, errors.Join(c.cells.Write(out), out.Close())
}

// count applies one record.
func (c *consumer) count(text []byte) error {
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	user, _ := m["user"].(map[string]any)
	device, _ := m["device"].(map[string]any)
	experiment, _ := m["experiment"].(map[string]any)
	id, _ := user["id"].(string)
	plan, _ := user["plan"].(string)
	platform, _ := device["platform"].(string)
	country, _ := device["country"].(string)
	variant, _ := experiment["variant"].(string)
	key := []byte(id + "/" + variant)

	var before, after totals
	known := true
	switch value, closer, err := c.db.Get(key); {
	case errors.Is(err, pebble.ErrNotFound):
		known = false
	case err != nil:
		return err
	default:
		for i := range before {
			before[i] = binary.LittleEndian.Uint64(value[8*i:])
		}
		if err := closer.Close(); err != nil {
			return err
		}
	}
	after = before
	switch m["type"] {
	case "click":
		after[0]++
	case "impression":
		after[1]++
	case "purchase":
		cents, _ := m["cents"].(float64)
		after[2]++
		after[3] += uint64(cents)
	}
	if known && after == before {
		return nil
	}
	for i, v := range after {
		binary.LittleEndian.PutUint64(c.value[8*i:], v)
	}
	if err := c.db.Set(key, c.value[:], pebble.NoSync); err != nil {
		return err
	}
	values := [3]string{platform, country, plan}
	for mask := range 8 {
		slice := ""
		for d, name := range [3]string{"platform", "country", "plan"} {
			if mask>>d&1 == 1 {
				if slice != "" {
					slice += "&"
				}
				slice += name + "=" + values[d]
			}
		}
		c.change(traffic.Key{Variant: variant, Slice: slice, Metric: "ctr"}, known, before[0], before[1], after[0], after[1])
		c.change(traffic.Key{Variant: variant, Slice: slice, Metric: "revenue"}, known, before[3], 1, after[3], 1)
		c.change(traffic.Key{Variant: variant, Slice: slice, Metric: "order_rate"}, known, before[2], before[0], after[2], after[0])
	}
	return nil
}

// change takes the subject's old x and y out of a cell and puts the new ones in.
func (c *consumer) change(key traffic.Key, known bool, x0, y0, x1, y1 uint64) {
	cell := c.cells[key]
	if cell == nil {
		cell = new(traffic.Cell)
		c.cells[key] = cell
	}
	if known {
		cell.Remove(x0, y0)
	}
	cell.Add(x1, y1)
}

type quiet struct{}

func (quiet) Infof(string, ...any)           {}
func (quiet) Errorf(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
func (quiet) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }
