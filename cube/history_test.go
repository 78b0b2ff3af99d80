package cube

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func openHistory(t *testing.T, fs vfs.FS, opt HistoryOptions) *History {
	t.Helper()
	opt.FS = fs
	h, err := OpenHistory("history", opt)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// rollupsOf writes every grouping of cells, and whether it is unreliable.
func rollupsOf(w *world, c *Cells) map[uint]string {
	all := map[uint]string{}
	for _, mask := range c.Groupings() {
		r := c.Rollup(mask)
		m := flat(w.x, r)
		var lines []string
		for at, sums := range m {
			lines = append(lines, fmt.Sprint(at, sums))
		}
		slices.Sort(lines)
		all[mask] = fmt.Sprint(r.Unreliable, "\n", strings.Join(lines, "\n"))
	}
	return all
}

// What the history says of an instant is what the cells were at the first look past the bound before it, for as long
// as it is kept.
func TestHistoryRemembers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	limits := Limits{Values: 3, Kept: 5, Cells: 1000}
	for _, values := range []int{3, 5, 9} { // within the bounds, folded, too many
		w := newWorld(t, seed, 2, values, limits, exposure, event, profile)
		for i := range w.x.Metrics {
			w.x.Metrics[i].Hash[0] = byte(i + 1)
		}
		fs := vfs.NewMem()
		h := openHistory(t, fs, HistoryOptions{Hours: 30 * time.Hour, Days: 72 * time.Hour})
		merged := NewMerged(w.x, limits)
		now := monday.Add(90 * time.Minute)
		type seen struct {
			rollups   map[uint]string
			watermark time.Time
		}
		hourly, daily := map[time.Time]seen{}, map[time.Time]seen{}
		for step := range 150 {
			for range w.rng.IntN(5) {
				w.step(w.rng.IntN(40))
			}
			if w.rng.IntN(40) == 0 { // everybody leaves: cells go
				for id := range 40 {
					if w.subjects[id] != nil {
						w.set(id, nil)
					}
				}
			}
			for k, s := range w.shards {
				merged.Set(k, s.cells())
			}
			c := merged.Cells()
			taken, err := h.Observe(c, fmt.Sprint("definition ", step/100), now)
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			for g, seenAt := range map[Grain]map[time.Time]seen{Hourly: hourly, Daily: daily} {
				if at := now.Truncate(g.step()); seenAt[at].rollups == nil {
					seenAt[at] = seen{rollupsOf(w, c), now}
					want++
				}
			}
			if taken != want {
				t.Fatalf("step %d: %d snapshots taken, want %d", step, taken, want)
			}
			if n, err := h.Observe(c, "", now.Add(-3*time.Hour)); n != 0 || err != nil {
				t.Fatalf("a watermark that went back took %d snapshots (%v)", n, err)
			}
			now = now.Add(time.Duration(w.rng.IntN(150)) * time.Minute)
			if w.rng.IntN(10) == 0 {
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				h = openHistory(t, fs, HistoryOptions{Hours: 30 * time.Hour, Days: 72 * time.Hour})
			}
		}
		all, err := h.Snapshots("x")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) >= len(hourly)+len(daily) || len(all) < 10 {
			t.Errorf("%d snapshots are kept of %d", len(all), len(hourly)+len(daily))
		}
		for _, s := range all {
			c, err := h.read(w.x, s)
			if err != nil {
				t.Fatal(err)
			}
			want := hourly[s.Time]
			if s.Grain == Daily {
				want = daily[s.Time]
			}
			if !s.Watermark.Equal(want.watermark) {
				t.Errorf("%v: watermark %v, want %v", s.Time, s.Watermark, want.watermark)
			}
			c.lineage.limits = cmpLimits(s, limits)
			got := rollupsOf(w, c)
			for mask, text := range want.rollups {
				if s.Grain == Hourly && bits.OnesCount(mask) > 1 {
					if !strings.HasPrefix(got[mask], "true") {
						t.Errorf("grouping %b of an hour is said to be known", mask)
					}
					continue
				}
				if got[mask] != text {
					t.Fatalf("%v %c: grouping %b is\n%s\nwant\n%s", s.Time, s.Grain, mask, got[mask], text)
				}
			}
		}
		w.checkSeries(h, all)
		oldest := all[0].Time
		if _, _, err := h.At(w.x, oldest.Add(-time.Hour)); !errors.Is(err, ErrNoSnapshot) {
			t.Errorf("before the first snapshot: %v", err)
		}
		last := all[len(all)-1]
		if _, s, err := h.At(w.x, now.Add(time.Hour)); err != nil || !s.Time.Equal(last.Time) {
			t.Errorf("now: %v %v", s, err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// cmpLimits gives a daily snapshot the bounds of the test: it is folded when read, by the default ones.
func cmpLimits(s Snapshot, limits Limits) Limits {
	if s.head.uncrossed {
		return DefaultLimits
	}
	return limits
}

// checkSeries compares each point of some series with the snapshot of its time.
func (w *world) checkSeries(h *History, all []Snapshot) {
	w.t.Helper()
	for _, g := range []Grain{Hourly, Daily} {
		for _, at := range []struct {
			mask   uint
			values []string
		}{{0, nil}, {1, []string{"v0"}}, {4, []string{NoneText}}, {1, []string{"nobody"}}} {
			points, err := h.Series(w.x, g, at.mask, at.values)
			if err != nil {
				w.t.Fatal(err)
			}
			i := 0
			for _, s := range all {
				if s.Grain != g {
					continue
				}
				c, err := h.read(w.x, s)
				if err != nil {
					w.t.Fatal(err)
				}
				c.uncrossed, c.collapsed = true, 0 // the rows of one dimension are there in every snapshot
				if !s.head.uncrossed {
					hs := s
					hs.head.uncrossed = true
					if c, err = h.read(w.x, hs); err != nil {
						w.t.Fatal(err)
					}
				}
				var arms []*Cell
				for _, cell := range c.cells {
					if cell.Key.Mask == at.mask && slices.Equal(cell.Key.Values, at.values) {
						arms = append(arms, cell)
					}
				}
				p := points[i]
				i++
				if !p.Time.Equal(s.Time) {
					w.t.Fatalf("point at %v, want %v", p.Time, s.Time)
				}
				n := 0
				for v, cell := range p.Arms {
					if cell == nil {
						continue
					}
					n++
					if !slices.ContainsFunc(arms, func(o *Cell) bool { return o.Key.Variant == v && o.equal(cell) }) {
						w.t.Errorf("%v %c %v: the series has a cell that the snapshot has not", s.Time, g, at)
					}
				}
				if n != len(arms) {
					w.t.Errorf("%v %c %v: %d arms, want %d", s.Time, g, at, n, len(arms))
				}
			}
			if i != len(points) {
				w.t.Errorf("%d points, want %d", len(points), i)
			}
		}
	}
}

// A cell that stands still is written once.
func TestHistoryWritesWhatChanged(t *testing.T) {
	w := newWorld(t, 1, 1, 3, DefaultLimits, exposure)
	w.set(0, &subject{values: []string{"still"}})
	h := openHistory(t, vfs.NewMem(), HistoryOptions{})
	defer h.Close()
	rows := func() (n int) {
		it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindRow}, UpperBound: []byte{kindRow + 1}})
		if err != nil {
			t.Fatal(err)
		}
		defer it.Close()
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		return n
	}
	for hour := range 10 {
		if _, err := h.Observe(w.shards[0].cells(), "d", monday.Add(time.Duration(hour)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	before := rows()
	if before != 2*2 { // the whole and the slice, hourly and daily
		t.Errorf("%d rows, want 4", before)
	}
	w.set(1, &subject{values: []string{"new"}, variant: 1})
	if _, err := h.Observe(w.shards[0].cells(), "d", monday.Add(10*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := rows(); n != before+2 {
		t.Errorf("%d rows after a new subject in another variant and slice, want %d", n, before+2)
	}
}

// What is too old is deleted, up to the row of each cell that was true at the oldest instant kept.
func TestHistoryPrunes(t *testing.T) {
	w := newWorld(t, 1, 1, 3, DefaultLimits, exposure)
	h := openHistory(t, vfs.NewMem(), HistoryOptions{Hours: 24 * time.Hour})
	defer h.Close()
	w.set(0, &subject{values: []string{"still"}})
	w.set(1, &subject{values: []string{"leaves"}})
	for hour := range 49 { // ends with the daily snapshot of the third day
		w.set(100+hour, &subject{values: []string{"grows"}})
		if hour == 3 {
			w.set(1, nil)
		}
		if _, err := h.Observe(w.shards[0].cells(), "d", monday.Add(time.Duration(hour)*time.Hour+time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	for value, want := range map[string]int{"still": 1, "leaves": 0, "grows": 25} {
		prefix := appendPlace(historyPrefix(kindRow, "x", Hourly), w.x, &Key{Mask: 1, Values: []string{value}})
		it, err := h.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for ok := it.First(); ok; ok = it.Next() {
			n++
		}
		if err := it.Close(); err != nil {
			t.Fatal(err)
		}
		if n != want {
			t.Errorf("%s has %d rows, want %d", value, n, want)
		}
	}
	// The instant is compared with the bound, not with when it was looked.
	if _, s, err := h.At(w.x, monday.Add(30*time.Hour)); err != nil || !s.Time.Equal(monday.Add(30*time.Hour)) || !s.Watermark.Equal(s.Time.Add(time.Minute)) {
		t.Errorf("%+v %v", s, err)
	}
}

// A history is read under definitions that have changed: what is no more is left out, what is new has nobody.
func TestHistoryOutlivesDefinitions(t *testing.T) {
	w := newWorld(t, 1, 1, 3, DefaultLimits, exposure, profile)
	w.x.Metrics[0].Hash[0], w.x.Metrics[1].Hash[0] = 1, 2
	w.set(0, &subject{values: []string{"a", "b"}, events: []happened{{num: 4, den: 2, values: []string{"", ""}}}})
	h := openHistory(t, vfs.NewMem(), HistoryOptions{})
	defer h.Close()
	if _, err := h.Observe(w.shards[0].cells(), "old", monday); err != nil {
		t.Fatal(err)
	}
	changed := newPlan(exposure, exposure) // d1 gives way to a new d2, metric m1 has a new meaning, and a new one is first
	x := &changed.Experiments[0]
	x.Dimensions[1].Name = "d2"
	x.Metrics = slices.Insert(x.Metrics, 0, x.Metrics[1])
	m := *x.Metrics[0].Metric
	m.ID = "new"
	x.Metrics[0].Metric = &m
	x.Metrics[1].Hash[0], x.Metrics[2].Hash[0] = 1, 3
	c, s, err := h.At(x, monday.Add(time.Hour))
	if err != nil || s.Definition != "old" {
		t.Fatal(s, err)
	}
	whole := c.Whole()[0]
	if whole.Exposed() != 1 || whole.Metric(1).N != 1 || whole.Metric(0).N != 0 || whole.Metric(2).N != 0 {
		t.Errorf("exposed %d, m0 %d, new %d, m1 %d", whole.Exposed(), whole.Metric(1).N, whole.Metric(0).N, whole.Metric(2).N)
	}
	if r := c.Rollup(1); r.Unreliable || len(r.Rows) != 1 || r.Rows[0].Values[0] != "a" {
		t.Errorf("d0: %+v", r)
	}
	if r := c.Rollup(2); !r.Unreliable {
		t.Errorf("d2, which was not there: %+v", r)
	}
}

func TestHistoryRefusesAnotherVersion(t *testing.T) {
	fs := vfs.NewMem()
	h := openHistory(t, fs, HistoryOptions{})
	if err := errors.Join(h.db.Set([]byte(historyVersionKey), []byte{9}, pebble.Sync), h.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHistory("history", HistoryOptions{FS: fs}); !errors.Is(err, ErrFormat) {
		t.Error(err)
	}
}

// Keys sort as texts do, and come back.
func TestHistoryKeys(t *testing.T) {
	texts := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00b", "ab", "b", "\xff", "\xff\xff"}
	for i, a := range texts {
		got, rest, ok := cutText(append(appendText(nil, a), 'r'))
		if !ok || got != a || string(rest) != "r" {
			t.Errorf("%q comes back as %q", a, got)
		}
		for _, b := range texts[i+1:] {
			if string(appendText(nil, a)) >= string(appendText(nil, b)) {
				t.Errorf("%q does not sort before %q", a, b)
			}
		}
	}
	for _, m := range []int64{-1 << 62, -1, 0, 1, 1 << 62} {
		if timeOf(appendTime(nil, m)) != m || timeDownOf(appendTimeDown(nil, m)) != m {
			t.Errorf("time %d does not come back", m)
		}
	}
	if _, _, ok := cutText([]byte("no end")); ok {
		t.Error("a text without an end")
	}
}
