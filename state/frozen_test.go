package state

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
)

// freeze freezes one of the workload's metrics that is not frozen yet. What is frozen already is told again.
func (s *storeRun) freeze(r *rand.Rand) error {
	x := r.IntN(len(s.w.plan.Experiments))
	f := Frozen{Experiment: x, Metric: r.IntN(len(s.w.plan.Experiments[x].Metrics)), Range: catalog.ClipRange{Lower: math.MinInt64, Upper: r.Int64N(20)}}
	if r.IntN(2) == 0 {
		f.Range.Lower = f.Range.Upper - r.Int64N(20)
	}
	facts := s.store.Frozen()
	if !slices.ContainsFunc(facts, func(have Frozen) bool { return have.same(&f) }) {
		facts = append(facts, f)
	}
	return s.store.Freeze(context.Background(), facts, s.cube)
}

// withFrozen is a plan in which the frozen ranges are caps, together with those of the definitions: what the oracle goes by.
func withFrozen(plan *catalog.Plan, facts []Frozen) *catalog.Plan {
	p := *plan
	p.Experiments = slices.Clone(plan.Experiments)
	for i := range p.Experiments {
		p.Experiments[i].Metrics = slices.Clone(p.Experiments[i].Metrics)
	}
	for _, f := range facts {
		m := &p.Experiments[f.Experiment].Metrics[f.Metric]
		r := f.Range
		if have := m.Clip; have != nil {
			r = catalog.ClipRange{Lower: clipped(m, r.Lower), Upper: clipped(m, r.Upper)}
		}
		m.Clip = &r
	}
	return &p
}

func TestFreezeRefuses(t *testing.T) {
	s := newStoreRun(5, false)
	s.opt.FS = s.fs
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	apply := func(f Frozen) error { return s.store.Freeze(context.Background(), []Frozen{f}, s.cube) }
	if err := apply(Frozen{Range: catalog.ClipRange{Lower: 1, Upper: 9}}); err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]Frozen{
		"has no metric 99":     {Metric: 99},
		"of experiment -1":     {Experiment: -1},
		"is empty":             {Range: catalog.ClipRange{Lower: 2, Upper: 1}},
		"is frozen to {1 9}":   {Range: catalog.ClipRange{Lower: 1, Upper: 8}},
		"has no metric -3":     {Metric: -3},
		"of experiment 7":      {Experiment: 7},
		"frozen to {1 9} alre": {},
	} {
		if err := apply(f); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	if err := apply(Frozen{Range: catalog.ClipRange{Lower: 1, Upper: 9}}); err != nil {
		t.Errorf("the same fact again, after refusals: %v", err)
	}
	if got := s.store.Frozen(); len(got) != 1 {
		t.Errorf("frozen: %+v", got)
	}
}

// TestFreezeThatFailsLeavesTheStoreAsCommitted: a scan that ends early has told the cube of some subjects only, so the store
// is not usable any more; opened again it has neither the fact nor its changes.
func TestFreezeThatFailsLeavesTheStoreAsCommitted(t *testing.T) {
	s := newStoreRun(5, false)
	s.opt.FS = s.fs
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	s.extend(3)
	if err := s.step(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.store.Commit(s.cube.persist), s.store.Durable()); err != nil {
		t.Fatal(err)
	}
	s.store.db.Set([]byte{prefixSubject, 0}, []byte("no subject"), pebble.NoSync)
	if err := s.store.Freeze(context.Background(), []Frozen{{Range: catalog.ClipRange{Upper: 1}}}, s.cube); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("over a row that is no subject's: %v", err)
	}
	if err := s.store.Commit(s.cube.persist); !errors.Is(err, ErrClosed) {
		t.Errorf("commit after it: %v", err)
	}
	s.store.db.Delete([]byte{prefixSubject, 0}, pebble.NoSync)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	if got := s.store.Frozen(); len(got) != 0 {
		t.Errorf("frozen after all: %+v", got)
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
}

// TestFormat1IsMigrated opens a store of format 1, which has no frozen facts, and goes on with it; a build of format 1
// refuses it from then on by its number.
func TestFormat1IsMigrated(t *testing.T) {
	fs := vfs.NewMem()
	s := newStoreRun(9, false)
	s.opt.FS, s.opt.IDBytes = fs, -1
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	s.extend(5)
	err := errors.Join(s.step(), s.store.Commit(s.cube.persist), s.store.db.Set(keyFormat, []byte{1}, pebble.NoSync), s.store.Durable(), s.store.Close())
	if err != nil {
		t.Fatal(err)
	}
	s.opt.ReadOnly = true
	if err := s.open(); err != nil {
		t.Fatalf("read-only: %v", err)
	}
	if format, err := s.store.get(keyFormat); err != nil || format[0] != 1 {
		t.Errorf("reading changed the format to %x (%v)", format, err)
	}
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.opt.ReadOnly = false
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	defer s.store.Close()
	if format, err := s.store.get(keyFormat); err != nil || format[0] != formatVersion {
		t.Errorf("format %x after opening, %v", format, err)
	}
	if err := errors.Join(s.check(), s.store.Verify(context.Background(), nil)); err != nil {
		t.Error(err)
	}
}

func BenchmarkFreeze(b *testing.B) {
	s := newStoreRun(9, false)
	s.opt.FS, s.w.subjects = s.fs, 100_000
	if err := s.open(); err != nil {
		b.Fatal(err)
	}
	defer s.store.Close()
	for range 100 {
		s.extend(5000)
		if err := s.step(); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.store.Commit(s.cube.persist); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.store.frozen = nil
		if err := s.store.Freeze(context.Background(), []Frozen{{Range: catalog.ClipRange{Lower: math.MinInt64, Upper: 5}}}, s.cube); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.store.Subjects())*float64(b.N)/b.Elapsed().Seconds(), "subjects/s")
}
