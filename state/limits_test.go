package state

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// onePlan has one experiment with the sum of CLICK's values.
func onePlan() *catalog.Plan {
	return &catalog.Plan{
		Subject: "user", Sources: []*catalog.Source{{ID: "a"}},
		Events: []catalog.PlanEvent{
			{Event: &catalog.Event{ID: "EXPOSURE"}, Lateness: 10 * minute, Exposures: []int{0}},
			{Event: &catalog.Event{ID: "CLICK"}, Lateness: hour, Measures: []int{0, 1}},
		},
		Measures: []catalog.Measure{{Event: 1, Agg: catalog.Sum, Column: -1}, {Event: 1, Agg: catalog.CountDistinct, Column: -1}},
		Experiments: []catalog.PlanExperiment{{
			Experiment: &catalog.Experiment{ID: "x", Crossover: catalog.Exclude, Variants: []catalog.Variant{{ID: "a"}, {ID: "b"}}},
			Stop:       forever, Lateness: 10 * minute,
			Metrics: []catalog.PlanMetric{
				{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ID: "SUM"}}, Numerator: 0, Denominator: -1},
				{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{ID: "DISTINCT"}}, Numerator: 1, Denominator: -1},
			},
		}},
	}
}

func openOne(t *testing.T, opt Options) *Store {
	t.Helper()
	if opt.FS == nil {
		opt.FS = vfs.NewMem()
	}
	s, err := Open("shard", onePlan(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Input(InputName{Source: "a", Topic: "t"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func click(at, bound, value int64) Event {
	return Event{Def: 1, Subject: []byte("s"), Time: at, Bound: bound, Values: []Operand{{true, value}, {true, value}}}
}

func exposeAt(at, bound int64) Event {
	return Event{Def: 0, Subject: []byte("s"), Time: at, Bound: bound, Exposures: []Exposure{{Counts: true}}}
}

func TestStoreKeepsLargeSetsAndTailsInRowsOfTheirOwn(t *testing.T) {
	fs := vfs.NewMem()
	s := openOne(t, Options{FS: fs, MaxTail: -1, CacheSubjects: 1})
	cube := newPersistedCube()
	start := int64(20_000 * day)
	rows := func() (chunks, sets int) {
		err := s.scan(context.Background(), []byte{prefixSubject}, []byte{prefixSubject + 1}, func(key, value []byte) error {
			switch _, kind, _ := subjectOf(key); kind {
			case kindChunk:
				chunks++
			case kindSet:
				sets++
			case kindHead:
				if len(value) > 4000 {
					return fmt.Errorf("head row has %d bytes", len(value))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return chunks, sets
	}
	apply := func(events []Event, clock int64) {
		t.Helper()
		if err := s.Apply(&Batch{Events: events, Clock: clock}, cube); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(cube.persist); err != nil {
			t.Fatal(err)
		}
		if err := s.VerifyDigest(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := s.Durable(); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openOne(t, Options{FS: fs, MaxTail: -1, CacheSubjects: 1})
	}
	n := int64(0)
	for range 10 {
		var events []Event
		for range 500 {
			n++
			events = append(events, click(start+n, start+n, n))
		}
		apply(events, start)
	}
	if chunks, _ := rows(); chunks != 10 {
		t.Errorf("%d chunks of the tail, want one for each commit", chunks)
	}
	apply([]Event{exposeAt(start, start+n)}, start)
	want := fmt.Sprint(n * (n + 1) / 2)
	if got := cube.cells[oracleKey{metric: 0}].Num.String(); got != want {
		t.Errorf("sum %s, want %s", got, want)
	}
	// Everything closes: the chunks go, the set of more than 4,096 values becomes a row of registers.
	apply([]Event{click(start+2*hour, start+2*hour, 1)}, start+2*hour)
	if chunks, sets := rows(); chunks != 0 || sets != 1 {
		t.Errorf("%d chunks and %d sets, want 0 and 1", chunks, sets)
	}
	c := cube.cells[oracleKey{metric: 1}]
	if v, _ := c.Num.Int64(); c.Approximate != 1 || v < 4800 || v > 5200 {
		t.Errorf("distinct %+v, want about 5000 and approximate", c)
	}
	if err := s.Verify(context.Background(), nil); err != nil {
		// The batches of this test have no records, so the ledger's evaluated events do not add up; all else must.
		if !errors.Is(err, ErrCorrupt) || s.Ledger().Check(s.eventSources()) == nil {
			t.Error(err)
		}
	}
}

func TestLargeSetsFollowTheirSegments(t *testing.T) {
	plan := onePlan()
	plan.Experiments[0].PrePeriod = day
	fs := vfs.NewMem()
	s, err := Open("shard", plan, Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Input(InputName{Source: "a"}); err != nil {
		t.Fatal(err)
	}
	// Nobody is exposed, so only the days of a possible pre-period are kept, each with a set of its own.
	start := int64(20_000 * day)
	for n := range int64(40) {
		at := start + n*6*hour
		var events []Event
		for v := range int64(20) {
			events = append(events, click(at, at, 100*n+v))
		}
		if err := s.Apply(&Batch{Events: events, Clock: at}, newTestCube()); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(nil); err != nil {
			t.Fatal(err)
		}
		if err := s.VerifyDigest(context.Background()); err != nil {
			t.Fatalf("commit %d: %v", n, err)
		}
	}
	sets := 0
	err = s.scan(context.Background(), []byte{prefixSubject}, []byte{prefixSubject + 1}, func(key, _ []byte) error {
		if _, kind, _ := subjectOf(key); kind == kindSet {
			sets++
		}
		return nil
	})
	if err != nil || sets < 1 || sets > 3 {
		t.Errorf("%d sets have rows, want those of two or three days: %v", sets, err)
	}
}

func TestTailOverItsBoundMakesTheSubjectUnreliable(t *testing.T) {
	start := int64(20_000 * day)
	clicks := func() (events []Event) {
		for i := range int64(30) {
			events = append(events, click(start+i, start+i, 1))
		}
		return events
	}
	for name, events := range map[string][]Event{
		"exposed last":  append(clicks(), exposeAt(start+25, start+30)),
		"exposed first": append([]Event{exposeAt(start, start)}, clicks()...),
	} {
		s := openOne(t, Options{MaxTail: 10})
		cube := newTestCube()
		for i := range events {
			if err := s.Apply(&Batch{Events: events[i : i+1], Clock: start}, cube); err != nil {
				t.Fatal(err)
			}
			now := newTestCube()
			if err := s.Contributions(now); err != nil {
				t.Fatal(err)
			}
			if d := difference(now.cells, cube.cells); d != "" {
				t.Fatalf("%s, event %d: %s", name, i, d)
			}
		}
		c := cube.cells[oracleKey{metric: 0}]
		if c == nil || c.OpenLimit != 1 {
			t.Fatalf("%s: cell %+v, want the flag open_limit", name, c)
		}
		for _, r := range s.Ledger().Experiments[0].Events {
			if r.Counted < 0 || r.Outside < 0 || r.Unexposed < 0 {
				t.Errorf("%s: ledger %+v", name, r)
			}
		}
	}
}

func TestEventThatNeedsWhatWasFreedIsLate(t *testing.T) {
	s := openOne(t, Options{})
	start := int64(20_000 * day)
	if err := s.Apply(&Batch{Clock: start}, newTestCube()); err != nil {
		t.Fatal(err)
	}
	// In time by its own partition's b, which is behind the clock by more than the bound.
	b := Batch{Records: []Record{{Key: []byte("k"), Value: []byte("v")}}, Events: []Event{click(start-hour-1, start-hour, 1)}, Clock: start}
	if err := s.Apply(&b, newTestCube()); err != nil {
		t.Fatal(err)
	}
	if l := s.Ledger().Events[1]; l.Late != 1 || l.Accepted != 0 || l.Reasons["freed"] != 1 {
		t.Errorf("ledger %+v", l)
	}
	if err := s.Commit(nil); err != nil {
		t.Fatal(err)
	}
	kept := 0
	err := s.Rejects(func(k Kept) error {
		kept++
		if k.Reason != "freed" || k.Event != 1 || string(k.Key) != "k" || string(k.Value) != "v" || k.Name.Source != "a" {
			t.Errorf("kept %+v", k)
		}
		return nil
	})
	if err != nil || kept != 1 {
		t.Errorf("%d records kept: %v", kept, err)
	}
	if n, err := s.DropRejects("late"); n != 0 || err != nil {
		t.Errorf("dropped %d records of another reason: %v", n, err)
	}
	if n, err := s.DropRejects("freed"); n != 1 || err != nil {
		t.Errorf("dropped %d records: %v", n, err)
	}
	if err := s.VerifyDigest(context.Background()); err != nil || s.offsets.kept["freed"] != 0 {
		t.Errorf("after dropping, %d bytes are kept: %v", s.offsets.kept["freed"], err)
	}
}

func TestCacheHoldsNoMoreThanItsLimit(t *testing.T) {
	s := openOne(t, Options{CacheSubjects: 50})
	cube := newPersistedCube()
	start := int64(20_000 * day)
	for n := range 20 {
		var events []Event
		for i := range 40 {
			ev := click(start, start, 1)
			ev.Subject = fmt.Appendf(nil, "s%d", 40*n+i)
			events = append(events, ev)
		}
		big := click(start, start, 1)
		for range 500 {
			events = append(events, big)
		}
		if err := s.Apply(&Batch{Events: events, Clock: start}, cube); err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(cube.persist); err != nil {
			t.Fatal(err)
		}
	}
	weight := 0
	for _, e := range s.cache.entries {
		if e != nil {
			weight += e.subject.weigh()
		}
	}
	if weight != s.cache.weight {
		t.Errorf("the cache thinks it weighs %d, it weighs %d", s.cache.weight, weight)
	}
	if weight > 50 {
		t.Errorf("the cache weighs %d, its limit is 50", weight)
	}
	if s.Subjects() != 801 {
		t.Errorf("%d subjects, want 801", s.Subjects())
	}
}

func TestRejectsQuotaRefusesTheWholeBatch(t *testing.T) {
	s := openOne(t, Options{RejectQuota: 200})
	b := Batch{
		Records: []Record{{Value: make([]byte, 100)}, {Value: []byte("x")}},
		Rejects: []Reject{{Record: 0, Event: -1, Reason: "malformed"}},
		Advance: []Advance{{Next: 2}},
	}
	cube := newTestCube()
	if err := s.Apply(&b, cube); err != nil {
		t.Fatal(err)
	}
	b.Events = []Event{click(20_000*day, 20_000*day, 1)}
	b.Advance[0].Next = 4
	before := fmt.Sprint(s.Ledger(), s.Positions())
	if err := s.Apply(&b, cube); !errors.Is(err, ErrRejectsFull) {
		t.Fatalf("the second batch: %v", err)
	}
	if after := fmt.Sprint(s.Ledger(), s.Positions()); after != before {
		t.Errorf("a refused batch changed %s to %s", before, after)
	}
	b.Rejects = nil
	if err := s.Apply(&b, cube); err != nil {
		t.Errorf("a batch without rejects after a refused one: %v", err)
	}
}

func TestStoreRefusesAnotherTopic(t *testing.T) {
	s := openOne(t, Options{})
	var changed *InputChangedError
	_, err := s.Input(InputName{Source: "a", Topic: "t", TopicID: [16]byte{7}})
	if !errors.As(err, &changed) || changed.Got.TopicID != [16]byte{7} {
		t.Errorf("another topic id: %v", err)
	}
	if _, err := s.Input(InputName{Source: "a", Topic: "t", Partitions: 3}); !errors.As(err, &changed) {
		t.Errorf("another partition count: %v", err)
	}
}

func TestStoreRefusesABatchThatDoesNotFit(t *testing.T) {
	s := openOne(t, Options{})
	good := click(20_000*day, 20_000*day, 1)
	for name, spoil := range map[string]func(*Event, *Batch){
		"event":      func(e *Event, _ *Batch) { e.Def = 2 },
		"input":      func(e *Event, _ *Batch) { e.Input = 1 },
		"values":     func(e *Event, _ *Batch) { e.Values = nil },
		"exposures":  func(e *Event, _ *Batch) { e.Exposures = make([]Exposure, 1) },
		"dimensions": func(e *Event, _ *Batch) { e.Dimensions = make([]uint32, 1) },
		"reject":     func(_ *Event, b *Batch) { b.Rejects = []Reject{{Record: 1}} },
		"variant": func(e *Event, _ *Batch) {
			*e = exposeAt(e.Time, e.Bound)
			e.Exposures[0].Variant = 2
		},
		"exposure's dimensions": func(e *Event, _ *Batch) {
			*e = exposeAt(e.Time, e.Bound)
			e.Exposures[0].Dimensions = []uint32{2}
		},
		"record":   func(_ *Event, b *Batch) { b.Records = []Record{{Input: 1}} },
		"filtered": func(_ *Event, b *Batch) { b.Filtered = make([]int64, 3) },
		"advance":  func(_ *Event, b *Batch) { b.Advance = []Advance{{Input: 9}} },
	} {
		b := Batch{Events: []Event{good}}
		spoil(&b.Events[0], &b)
		if err := s.Apply(&b, newTestCube()); err == nil {
			t.Errorf("%s: a batch that does not fit the plan was applied", name)
		}
	}
	if err := s.Apply(&Batch{Events: []Event{good}}, newTestCube()); err != nil {
		t.Errorf("a batch that fits, after others that do not: %v", err)
	}
}

func TestDigestIsCheckedLaterWhenAsked(t *testing.T) {
	fs := vfs.NewMem()
	s := openOne(t, Options{FS: fs})
	start := int64(20_000 * day)
	if err := s.Apply(&Batch{Events: []Event{click(start, start, 5)}, Clock: start}, newTestCube()); err != nil {
		t.Fatal(err)
	}
	lost := appendHeadKey(nil, hashSubject([]byte("s")), "s")
	if err := errors.Join(s.Commit(nil), s.db.Delete(lost, pebble.NoSync), s.Durable(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("shard", onePlan(), Options{FS: fs}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("opened a store that has lost a row: %v", err)
	}
	later := openOne(t, Options{FS: fs, VerifyLater: true})
	check := later.DigestCheck()
	done := make(chan error)
	go func() { done <- check(context.Background()) }()
	if err := later.Apply(&Batch{Clock: start + 1}, newTestCube()); err != nil {
		t.Error(err)
	}
	if err := later.Commit(nil); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, ErrCorrupt) {
		t.Errorf("the later check of a store that has lost a row: %v", err)
	}
}

func TestStoreRefusesAnUnknownFormat(t *testing.T) {
	fs := vfs.NewMem()
	s := openOne(t, Options{FS: fs})
	if err := s.db.Set(keyFormat, []byte{formatVersion + 1}, pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if err := s.Durable(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open("shard", onePlan(), Options{FS: fs}); !errors.Is(err, ErrFormat) {
		t.Errorf("opened: %v", err)
	}
}

func TestCheckpointOpensAsTheStore(t *testing.T) {
	fs := vfs.NewMem()
	s := openOne(t, Options{FS: fs})
	cube := newPersistedCube()
	id := s.ID([]byte("ios"))
	start := int64(20_000 * day)
	if err := s.Apply(&Batch{Events: []Event{exposeAt(start, start), click(start, start, 5)}, Clock: start}, cube); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(cube.persist); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint("copy"); err != nil {
		t.Fatal(err)
	}
	c, err := Open("copy", onePlan(), Options{FS: fs, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	again := newTestCube()
	if err := c.Contributions(again); err != nil {
		t.Fatal(err)
	}
	if d := difference(cube.cells, again.cells); d != "" {
		t.Error(d)
	}
	if c.Name(id) != "ios" || c.Name(moment.None) != "(none)" || c.Clock() != start || c.Subjects() != 1 {
		t.Errorf("copy has %q, clock %d, %d subjects", c.Name(id), c.Clock(), c.Subjects())
	}
}
