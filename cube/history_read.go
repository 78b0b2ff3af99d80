package cube

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tidemark/tidemark/catalog"
)

// Snapshot says when and under what definition a snapshot was taken.
type Snapshot struct {
	Time  time.Time // the hour's or day's bound
	Grain Grain
	// Watermark is that of the first look at or after Time, when the snapshot was taken.
	Watermark  time.Time
	Definition string
	head       head
}

// ErrNoSnapshot: the history has no snapshot at or before the instant.
var ErrNoSnapshot = errors.New("no snapshot that old")

// Snapshots lists the snapshots of an experiment, oldest first.
func (h *History) Snapshots(experiment string) ([]Snapshot, error) {
	hourly, err := h.heads(experiment, Hourly)
	if err != nil {
		return nil, err
	}
	daily, err := h.heads(experiment, Daily)
	all := slices.Concat(hourly, daily)
	slices.SortStableFunc(all, func(a, b Snapshot) int { return a.Time.Compare(b.Time) })
	return all, err
}

func (h *History) heads(experiment string, g Grain) ([]Snapshot, error) {
	prefix := historyPrefix(kindHead, experiment, g)
	it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, fmt.Errorf("cube: history of %s: %w", experiment, err)
	}
	var all []Snapshot
	for ok := it.First(); ok; ok = it.Next() {
		hd, err := decodeHead(it.Value())
		if err == nil && len(it.Key()) != len(prefix)+8 {
			err = fmt.Errorf("key %x: %w", it.Key(), ErrFormat)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cube: history of %s: %w", experiment, err), it.Close())
		}
		at := time.UnixMicro(timeOf(it.Key()[len(prefix):])).UTC()
		all = append(all, Snapshot{Time: at, Grain: g, Watermark: time.UnixMicro(hd.watermark).UTC(), Definition: hd.definition, head: hd})
	}
	return all, errors.Join(it.Error(), it.Close())
}

// At returns the cells of the newest snapshot at or before an instant: what the page said then. An hourly one has the
// groupings of at most one dimension; the others are Unreliable in it. ErrNoSnapshot if there is none.
func (h *History) At(x *catalog.PlanExperiment, at time.Time) (*Cells, Snapshot, error) {
	all, err := h.Snapshots(x.ID)
	if err != nil {
		return nil, Snapshot{}, err
	}
	i := len(all) - 1
	for i >= 0 && all[i].Time.After(at) {
		i--
	}
	if i < 0 {
		return nil, Snapshot{}, fmt.Errorf("cube: history of %s at %s: %w", x.ID, at.UTC().Format(time.RFC3339), ErrNoSnapshot)
	}
	// Of two at the same time the daily one, which comes second, has more.
	s := all[i]
	c, err := h.read(x, s)
	if err != nil {
		return nil, s, fmt.Errorf("cube: history of %s at %s: %w", x.ID, s.Time.Format(time.RFC3339), err)
	}
	return c, s, nil
}

// read returns the cells of a snapshot.
func (h *History) read(x *catalog.PlanExperiment, s Snapshot) (*Cells, error) {
	names := make([]string, len(x.Dimensions))
	var collapsed uint
	for d := range x.Dimensions {
		names[d] = x.Dimensions[d].Name
		if i := slices.Index(s.head.dimensions, names[d]); i < 0 || s.head.collapsed&(1<<i) != 0 {
			collapsed |= 1 << d // not told apart then
		}
	}
	limits := DefaultLimits
	c := &Cells{x: x, collapsed: collapsed, uncrossed: s.head.uncrossed || !slices.Equal(names, s.head.dimensions)}
	if c.uncrossed {
		// They are as they were published, (other) among them.
		limits = Limits{Values: math.MaxInt, Kept: math.MaxInt, Cells: math.MaxInt}
	}
	c.lineage = newLineage(x, limits)
	wanted := func(mask uint) bool {
		if c.uncrossed {
			return bits.OnesCount(mask) <= 1
		}
		return mask&c.lineage.subject == c.lineage.subject
	}
	prefix := historyPrefix(kindRow, x.ID, s.Grain)
	it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return nil, err
	}
	defer it.Close()
	for ok := it.First(); ok; {
		place, good := placeOf(it.Key(), prefix)
		if !good {
			return nil, fmt.Errorf("key %x: %w", it.Key(), ErrFormat)
		}
		place = slices.Clone(place)
		key, known, err := cutPlace(place, x)
		if err != nil {
			return nil, err
		}
		all := slices.Concat(prefix, place)
		if known && wanted(key.Mask) && it.SeekGE(appendTimeDown(slices.Clone(all), s.Time.UnixMicro())) && len(it.Key()) == len(all)+8 && slices.Equal(it.Key()[:len(all)], all) {
			cell, err := decodeHistoryCell(it.Value(), x)
			if err != nil {
				return nil, fmt.Errorf("row %x: %w", it.Key(), err)
			}
			if cell != nil {
				cell.Key = key
				c.cells = append(c.cells, cell)
				c.live++
			}
		}
		ok = it.SeekGE(after(all))
	}
	return c, it.Error()
}

// Point is a slice at one instant of a series.
type Point struct {
	Time time.Time
	// Watermark and Definition are the snapshot's.
	Watermark  time.Time
	Definition string
	Arms       []*Cell // by variant; nil for one without subjects
}

// Series returns a slice of a grouping of at most one dimension at each snapshot of a grain, oldest first: what a trend
// is drawn from. values has the value of the dimension in mask, or is empty for the whole.
func (h *History) Series(x *catalog.PlanExperiment, g Grain, mask uint, values []string) ([]Point, error) {
	if bits.OnesCount(mask) > 1 || bits.OnesCount(mask) != len(values) {
		return nil, fmt.Errorf("cube: series of %s: grouping %b with %d values: at most one dimension, with its value", x.ID, mask, len(values))
	}
	heads, err := h.heads(x.ID, g)
	if err != nil {
		return nil, err
	}
	points := make([]Point, len(heads))
	for i := range heads {
		points[i] = Point{Time: heads[i].Time, Watermark: heads[i].Watermark, Definition: heads[i].Definition, Arms: make([]*Cell, len(x.Variants))}
	}
	for v := range x.Variants {
		key := &Key{Variant: v, Mask: mask, Values: values}
		if err := h.fill(points, x, g, key); err != nil {
			return nil, fmt.Errorf("cube: series of %s: %w", x.ID, err)
		}
	}
	return points, nil
}

// fill puts the rows of one cell, which run from the newest to the oldest, at the points for which they hold.
func (h *History) fill(points []Point, x *catalog.PlanExperiment, g Grain, key *Key) error {
	prefix := appendPlace(historyPrefix(kindRow, x.ID, g), x, key)
	it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return err
	}
	defer it.Close()
	i := len(points) - 1
	for ok := it.First(); ok && i >= 0; ok = it.Next() {
		if len(it.Key()) != len(prefix)+8 {
			return fmt.Errorf("key %x: %w", it.Key(), ErrFormat)
		}
		cell, err := decodeHistoryCell(it.Value(), x)
		if err != nil {
			return fmt.Errorf("row %x: %w", it.Key(), err)
		}
		if cell != nil {
			cell.Key = key
		}
		for since := timeDownOf(it.Key()[len(prefix):]); i >= 0 && points[i].Time.UnixMicro() >= since; i-- {
			points[i].Arms[key.Variant] = cell
		}
	}
	return it.Error()
}
