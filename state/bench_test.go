package state

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// benchPlan is a shop's: experiments that share an exposure event, with five metrics each over impressions, clicks and orders.
func benchPlan(experiments int) *catalog.Plan {
	p := &catalog.Plan{
		Subject: "user", Sources: []*catalog.Source{{ID: "a"}},
		Events: []catalog.PlanEvent{
			{Event: &catalog.Event{ID: "EXPOSURE"}, Lateness: 10 * minute},
			{Event: &catalog.Event{ID: "IMPRESSION"}, Lateness: hour, Measures: []int{0}},
			{Event: &catalog.Event{ID: "CLICK"}, Lateness: hour, Measures: []int{1, 2}},
			{Event: &catalog.Event{ID: "ORDER"}, Lateness: hour, Measures: []int{3, 4}},
		},
		Measures: []catalog.Measure{
			{Event: 1, Agg: catalog.Count}, {Event: 2, Agg: catalog.Count}, {Event: 2, Agg: catalog.Exists},
			{Event: 3, Agg: catalog.Sum}, {Event: 3, Agg: catalog.Count},
		},
	}
	metric := func(num, den int, ordered bool) catalog.PlanMetric {
		return catalog.PlanMetric{MetricUse: catalog.MetricUse{Metric: &catalog.Metric{}}, Numerator: num, Denominator: den, Ordered: ordered}
	}
	for x := range experiments {
		p.Events[0].Exposures = append(p.Events[0].Exposures, x)
		p.Experiments = append(p.Experiments, catalog.PlanExperiment{
			Experiment: &catalog.Experiment{ID: fmt.Sprint("e", x), Variants: []catalog.Variant{{ID: "a"}, {ID: "b"}}, Crossover: catalog.Exclude},
			Stop:       forever, Lateness: 10 * minute,
			Dimensions: []catalog.PlanDimension{{Kind: catalog.ExposureDimension}, {Kind: catalog.ExposureDimension}},
			Metrics:    []catalog.PlanMetric{metric(1, 0, true), metric(2, -1, false), metric(3, -1, false), metric(4, -1, false), metric(3, 4, false)},
		})
	}
	return p
}

// processTime is the CPU time that the process has used: what a shared machine leaves comparable.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

type nothing struct{ n int }

func (n *nothing) Change(moment.Change) { n.n++ }

// BenchmarkApply applies batches of 10,000 events of subjects that were exposed long ago, and commits every ten batches.
func BenchmarkApply(b *testing.B) {
	for _, subjects := range []int{10_000, 200_000} {
		for _, experiments := range []int{3, 30} {
			for _, plain := range []bool{false, true} {
				b.Run(fmt.Sprintf("subjects=%d/experiments=%d/plain=%v", subjects, experiments, plain), func(b *testing.B) { benchmarkApply(b, subjects, experiments, plain) })
			}
		}
	}
}

func benchmarkApply(b *testing.B, subjects, experiments int, plain bool) {
	plan := benchPlan(experiments)
	cache := pebble.NewCache(256 << 20)
	defer cache.Unref()
	s, err := Open("shard", plan, Options{FS: vfs.NewMem(), Cache: cache})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Input(InputName{Source: "a"}); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	now, sink := int64(20_000*day), &nothing{}
	names := make([][]byte, subjects)
	for i := range names {
		names[i] = fmt.Appendf(nil, "user-%d", i)
	}
	batch := &Batch{}
	flush := func() {
		if err := s.Apply(batch, sink); err != nil {
			b.Fatal(err)
		}
		batch.Events = batch.Events[:0]
	}
	for i := range names {
		ev := Event{Def: 0, Subject: names[i], Time: now, Bound: now, Exposures: make([]Exposure, experiments)}
		for x := range ev.Exposures {
			ev.Exposures[x] = Exposure{Counts: r.IntN(experiments) < 2, Variant: r.IntN(2), Dimensions: []uint32{uint32(2 + r.IntN(5)), uint32(2 + r.IntN(9))}}
		}
		batch.Events = append(batch.Events, ev)
		if len(batch.Events) == 10_000 {
			batch.Clock = now
			flush()
		}
	}
	now += hour
	batch.Clock = now
	flush()
	// An impression each, so that clicks count at once.
	now += hour
	for i := range names {
		batch.Events = append(batch.Events, Event{Def: 1, Subject: names[i], Time: now, Bound: now, Values: []Operand{{true, 1}}})
		if len(batch.Events) == 10_000 || i == len(names)-1 {
			batch.Clock = now
			flush()
		}
	}
	now += 2 * hour
	if err := s.Commit(nil); err != nil {
		b.Fatal(err)
	}
	zipf := rand.NewZipf(r, 1.1, 10, uint64(subjects-1))
	values := []Operand{{true, 1}, {true, 100}}
	draw := func() {
		batch.Events = batch.Events[:0]
		for range 10_000 {
			now += 50_000
			def := 1 + min(r.IntN(10)/5, 2)
			if def == 2 && r.IntN(5) == 0 {
				def = 3
			}
			ev := Event{Def: def, Subject: names[zipf.Uint64()], Time: now - r.Int64N(minute), Bound: now, Values: values[:len(plan.Events[def].Measures)]}
			batch.Events = append(batch.Events, ev)
		}
		batch.Clock = now
	}
	s.core.plainOnly = plain
	b.ReportAllocs()
	b.ResetTimer()
	var spent time.Duration
	events := 0
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		draw()
		b.StartTimer()
		began := processTime(b)
		if err := s.Apply(batch, sink); err != nil {
			b.Fatal(err)
		}
		events += len(batch.Events)
		if i%10 == 9 {
			if err := s.Commit(nil); err != nil {
				b.Fatal(err)
			}
		}
		spent += processTime(b) - began
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(events), "cpu-ns/event")
	b.ReportMetric(float64(s.Metrics().DiskSpaceUsage())/float64(subjects), "B/subject")
}
