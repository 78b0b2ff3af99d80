package state

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/axiomhq/hyperloglog"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

func TestDistinctIsAFunctionOfTheSet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 17, exactDistinct - 1, exactDistinct, exactDistinct + 1, 20_000, 300_000} {
		values := make([]uint64, n)
		for i := range values {
			values[i] = r.Uint64()
		}
		var whole distinct
		for _, v := range values {
			whole.add(v)
		}
		// Any parts of it, overlapping and in any order, unite to the same.
		var united distinct
		for range 3 {
			r.Shuffle(n, func(i, j int) { values[i], values[j] = values[j], values[i] })
			var part distinct
			for _, v := range values[:n/2] {
				part.add(v)
			}
			united.union(&part)
		}
		for i, v := range values {
			if i%2 == 0 {
				united.add(v)
			}
		}
		rest := distinct{hashes: slices.Clone(values)}
		slices.Sort(rest.hashes)
		rest.spread()
		united.union(&rest)
		got, approximate := united.count()
		want, _ := whole.count()
		if got != want || approximate != (n > exactDistinct) || !slices.Equal(united.registers, whole.registers) {
			t.Errorf("%d values: united %d (approximate %v), added one by one %d", n, got, approximate, want)
		}
		if n <= exactDistinct && got != int64(n) {
			t.Errorf("%d values: counted %d", n, got)
		}
		// 2^14 registers have a standard error of 0.81 %; four of them are 3.3 %.
		if d := float64(got - int64(n)); n > exactDistinct && (d > 0.033*float64(n) || d < -0.033*float64(n)) {
			t.Errorf("%d values: estimated %d", n, got)
		}
	}
}

func TestDistinctAgreesWithAnotherSketch(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{5000, 50_000, 500_000} {
		theirs, err := hyperloglog.NewSketch(precision, false)
		if err != nil {
			t.Fatal(err)
		}
		var ours distinct
		for range n {
			v := r.Uint64()
			ours.add(v)
			theirs.InsertHash(mix(v))
		}
		got, _ := ours.count()
		want := int64(theirs.Estimate())
		// Same registers, other estimators: they differ by less than the sketch's own error.
		if d := float64(got-want) / float64(want); d > 0.01 || d < -0.01 {
			t.Errorf("%d values: we say %d, axiomhq says %d", n, got, want)
		}
	}
}

func TestDistinctOfSmallNumbersIsSpread(t *testing.T) {
	var d distinct
	for v := range uint64(100_000) {
		d.add(v)
	}
	if n, _ := d.count(); n < 97_000 || n > 103_000 {
		t.Errorf("100000 consecutive hashes counted as %d", n)
	}
}

func TestTotalsSurviveTheirBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 10_000 {
		x := total{int64(r.Uint64()) >> r.IntN(64), r.Uint64() >> r.IntN(64)}
		if r.IntN(2) == 0 {
			x = totalOf(int64(r.Uint64()) >> r.IntN(64))
		}
		b := appendTotal(nil, x)
		if got, n := readTotal(b); got != x || n != len(b) {
			t.Fatalf("%+v has bytes %x, which are %+v", x, b, got)
		}
	}
}

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
	s := openOne(t, Options{MaxTail: 10})
	cube := newTestCube()
	start := int64(20_000 * day)
	var events []Event
	for i := range int64(30) {
		events = append(events, click(start+i, start+i, 1))
	}
	events = append(events, exposeAt(start+25, start+30))
	for i := range events {
		if err := s.Apply(&Batch{Events: events[i : i+1], Clock: start}, cube); err != nil {
			t.Fatal(err)
		}
	}
	c := cube.cells[oracleKey{metric: 0}]
	if c == nil || c.OpenLimit != 1 {
		t.Fatalf("cell %+v, want the flag open_limit", c)
	}
	for _, r := range s.Ledger().Experiments[0].Events {
		if r.Counted < 0 || r.Outside < 0 || r.Unexposed < 0 {
			t.Errorf("ledger %+v", r)
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
	for _, e := range s.cache.ring {
		weight += e.subject.weigh()
	}
	if weight != s.cache.weight || len(s.cache.ring) != len(s.cache.entries) {
		t.Errorf("the cache thinks it weighs %d with %d entries, it weighs %d with %d", s.cache.weight, len(s.cache.entries), weight, len(s.cache.ring))
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
		"advance":    func(_ *Event, b *Batch) { b.Advance = []Advance{{Input: 9}} },
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

func FuzzDecode(f *testing.F) {
	w := newWorkload(4)
	m := newShardModel(w.plan, w.rank)
	for range 20 {
		m.apply([]Event{w.event(), w.event()}, w.clock(), newTestCube())
		for _, s := range m.subjects {
			f.Add(m.core.encode(s, nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := m.core.decode("s", b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error without its mark: %v", err)
			}
			return
		}
		again, err := m.core.decode("s", m.core.encode(s, nil))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if a, b := m.core.encode(s, nil), m.core.encode(again, nil); !slices.Equal(a, b) {
			t.Errorf("%x encodes to %x", a, b)
		}
	})
}
