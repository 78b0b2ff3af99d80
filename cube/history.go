package cube

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// Grain is how far apart the snapshots of a history are.
type Grain byte

const (
	// Hourly snapshots have the groupings of at most one dimension, as they are published.
	Hourly Grain = 'h'
	// Daily snapshots have all base cells besides, so that every grouping can be had.
	Daily Grain = 'd'
)

// step is the time between two snapshots; their times are its multiples since 1970 UTC.
func (g Grain) step() time.Duration {
	if g == Daily {
		return 24 * time.Hour
	}
	return time.Hour
}

// HistoryOptions tune a History. The zero value is the default.
type HistoryOptions struct {
	FS    vfs.FS        // default the disk
	Cache *pebble.Cache // default one of its own
	// Hours and Days are for how long hourly and daily snapshots are kept, counted back from the latest. Default 14 and
	// 400 days.
	Hours, Days time.Duration
	// Logger is Pebble's; default none.
	Logger pebble.Logger
}

func (o *HistoryOptions) ensureDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Hours == 0 {
		o.Hours = 14 * 24 * time.Hour
	}
	if o.Days == 0 {
		o.Days = 400 * 24 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = noLog{}
	}
}

type noLog struct{}

func (noLog) Infof(string, ...any)  {}
func (noLog) Errorf(string, ...any) {}
func (noLog) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// History keeps what merged cells were at each hour and day of event time. A cell is written when it differs from the
// snapshot before, so an experiment that stands still costs nothing. It has a Pebble database of its own, and may be
// read by any goroutine while one observes.
type History struct {
	db  *pebble.DB
	opt HistoryOptions
	// last is the time of the newest snapshot, by experiment and grain; of the goroutine that observes.
	last map[lastKey]int64
}

type lastKey struct {
	experiment string
	grain      Grain
}

// OpenHistory opens or creates a history. One of an unknown version is ErrFormat.
func OpenHistory(dir string, opt HistoryOptions) (*History, error) {
	opt.ensureDefaults()
	db, err := pebble.Open(dir, &pebble.Options{FS: opt.FS, Cache: opt.Cache, FormatMajorVersion: pebble.FormatNewest, MemTableSize: 4 << 20, Logger: opt.Logger})
	if err != nil {
		return nil, fmt.Errorf("cube: open history %s: %w", dir, err)
	}
	h := &History{db: db, opt: opt, last: map[lastKey]int64{}}
	if err := h.checkVersion(); err != nil {
		return nil, errors.Join(fmt.Errorf("cube: open history %s: %w", dir, err), db.Close())
	}
	return h, nil
}

func (h *History) checkVersion() error {
	value, closer, err := h.db.Get([]byte(historyVersionKey))
	if errors.Is(err, pebble.ErrNotFound) {
		return h.db.Set([]byte(historyVersionKey), []byte{version}, pebble.Sync)
	}
	if err != nil {
		return err
	}
	defer closer.Close()
	if !bytes.Equal(value, []byte{version}) {
		return fmt.Errorf("its format has version %x, this program knows %d: use the program that wrote it, or another directory: %w", value, version, ErrFormat)
	}
	return nil
}

// Close closes the database.
func (h *History) Close() error { return h.db.Close() }

// Observe takes the snapshots that are due: if the watermark has passed an hour or a day of event time since the last
// ones, the cells become what the experiment was at that bound, with the watermark that they really had. It returns how
// many were taken, and costs nothing when none is due. A watermark that has gone back (a replay) is behind snapshots already taken and changes none.
func (h *History) Observe(c *Cells, definition string, watermark time.Time) (int, error) {
	taken := 0
	for _, g := range []Grain{Hourly, Daily} {
		at := watermark.Truncate(g.step()).UnixMicro()
		last, err := h.newest(c.x.ID, g)
		if err != nil {
			return taken, err
		}
		if last != nil && at <= *last {
			continue
		}
		if err := h.append(c, definition, g, at, watermark.UnixMicro()); err != nil {
			return taken, fmt.Errorf("cube: history of %s: %w", c.x.ID, err)
		}
		taken++
	}
	return taken, nil
}

// newest returns the time of the newest snapshot, nil if there is none.
func (h *History) newest(experiment string, g Grain) (*int64, error) {
	k := lastKey{experiment, g}
	if t, ok := h.last[k]; ok {
		return &t, nil
	}
	heads, err := h.heads(experiment, g)
	if err != nil || len(heads) == 0 {
		return nil, err
	}
	h.last[k] = heads[len(heads)-1].Time.UnixMicro()
	t := h.last[k]
	return &t, nil
}

// append writes one snapshot.
func (h *History) append(c *Cells, definition string, g Grain, at, watermark int64) error {
	rows, err := historyRows(c, g)
	if err != nil {
		return err
	}
	batch := h.db.NewBatch()
	defer batch.Close()
	if err := h.difference(batch, c.x, g, at, rows); err != nil {
		return err
	}
	hd := head{watermark: watermark, definition: definition, uncrossed: c.uncrossed || g == Hourly}
	for d := range c.x.Dimensions {
		hd.dimensions = append(hd.dimensions, c.x.Dimensions[d].Name)
		if c.Rollup(1 << d).Unreliable {
			hd.collapsed |= 1 << d
		}
	}
	if err := batch.Set(appendTime(historyPrefix(kindHead, c.x.ID, g), at), hd.append(nil), nil); err != nil {
		return err
	}
	if g == Daily { // pruning reads all rows, so it is done once a day
		for grain, keep := range map[Grain]time.Duration{Hourly: h.opt.Hours, Daily: h.opt.Days} {
			if err := h.prune(batch, c.x.ID, grain, at-keep.Microseconds()); err != nil {
				return err
			}
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		return err
	}
	h.last[lastKey{c.x.ID, g}] = at
	return nil
}

// historyRow is a cell of a snapshot: its place and its value.
type historyRow struct{ place, value []byte }

// historyRows encodes the cells of a snapshot, sorted by place.
func historyRows(c *Cells, g Grain) ([]historyRow, error) {
	order := metricOrder(c.x)
	var rows []historyRow
	seen := map[string]bool{}
	add := func(cell *Cell) error {
		place := appendPlace(nil, c.x, cell.Key)
		if seen[string(place)] {
			return nil // of a grouping of one dimension that is a base cell too
		}
		seen[string(place)] = true
		value, err := appendHistoryCell(nil, c.x, cell, order)
		rows = append(rows, historyRow{place, value})
		return err
	}
	if g == Daily && !c.uncrossed {
		for _, cell := range c.cells {
			if cell == nil {
				continue
			}
			if err := add(cell); err != nil {
				return nil, err
			}
		}
	}
	for _, mask := range c.Groupings() {
		if bits.OnesCount(mask) > 1 {
			continue
		}
		r := c.Rollup(mask)
		if r.Unreliable {
			continue // the head says so
		}
		for _, row := range r.Rows {
			for _, cell := range row.Arms {
				if cell == nil {
					continue
				}
				if err := add(cell); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.SortFunc(rows, func(a, b historyRow) int { return bytes.Compare(a.place, b.place) })
	return rows, nil
}

// difference writes the rows that are not what the newest of their cell are, and that cells are gone.
func (h *History) difference(batch *pebble.Batch, x *catalog.PlanExperiment, g Grain, at int64, rows []historyRow) error {
	prefix := historyPrefix(kindRow, x.ID, g)
	it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	write := func(place, value []byte) error {
		key := slices.Concat(prefix, place)
		return batch.Set(appendTimeDown(key, at), value, nil)
	}
	gone := []byte{version}
	i := 0
	for ok := it.First(); ok; {
		place, good := placeOf(it.Key(), prefix)
		if !good {
			return errors.Join(fmt.Errorf("key %x: %w", it.Key(), ErrFormat), it.Close())
		}
		place = slices.Clone(place)
		for ; i < len(rows) && bytes.Compare(rows[i].place, place) < 0; i++ {
			if err := write(rows[i].place, rows[i].value); err != nil {
				return errors.Join(err, it.Close())
			}
		}
		value := gone
		if i < len(rows) && bytes.Equal(rows[i].place, place) {
			value = rows[i].value
			i++
		}
		if !bytes.Equal(value, it.Value()) {
			if err := write(place, value); err != nil {
				return errors.Join(err, it.Close())
			}
		}
		ok = it.SeekGE(after(slices.Concat(prefix, place))) // past the older rows of the cell
	}
	for ; i < len(rows); i++ {
		if err := write(rows[i].place, rows[i].value); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// placeOf returns the place in a row's key.
func placeOf(key, prefix []byte) ([]byte, bool) {
	if len(key) < len(prefix)+8 {
		return nil, false
	}
	return key[len(prefix) : len(key)-8], true
}

// prune deletes the snapshots before cutoff: their heads, and of each cell the rows older than the one that was true
// at the cutoff.
func (h *History) prune(batch *pebble.Batch, experiment string, g Grain, cutoff int64) error {
	heads := historyPrefix(kindHead, experiment, g)
	if err := batch.DeleteRange(heads, appendTime(slices.Clone(heads), cutoff), nil); err != nil {
		return err
	}
	prefix := historyPrefix(kindRow, experiment, g)
	it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	var current []byte
	base := false // the row that was true at the cutoff has been seen
	for ok := it.First(); ok; ok = it.Next() {
		place, good := placeOf(it.Key(), prefix)
		if !good {
			return errors.Join(fmt.Errorf("key %x: %w", it.Key(), ErrFormat), it.Close())
		}
		if !bytes.Equal(place, current) {
			current, base = append(current[:0], place...), false
		}
		if timeDownOf(it.Key()[len(it.Key())-8:]) > cutoff {
			continue
		}
		// The row true at the cutoff stays, unless it says that the cell was gone.
		if base || len(it.Value()) == 1 {
			if err := batch.Delete(it.Key(), nil); err != nil {
				return errors.Join(err, it.Close())
			}
		}
		base = true
	}
	return errors.Join(it.Error(), it.Close())
}

// after returns the first key that does not start with prefix. A prefix ends in a byte that is not 0xff.
func after(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
