package speed

import "slices"

// target is a figure that a scenario is held to.
type target struct {
	what  string
	want  float64
	least bool // want is a minimum, else a maximum
	got   func(*Report) (float64, bool)
}

// of is the median of a figure of Tidemark's good runs.
func of(figure func(*Sample) float64) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		s, ok := spread(each(r.Samples, "tidemark", figure))
		return s.Median, ok
	}
}

// costs is how many times an engine's CPU per event is Tidemark's: the median over the rounds.
func costs(engine string) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		s, ok := spread(paired(r.Samples, engine, "tidemark", cost))
		return s.Median, ok
	}
}

// better is costs of whichever of the engines costs least.
func better(names ...string) func(*Report) (float64, bool) {
	return func(r *Report) (least float64, ok bool) {
		for _, name := range names {
			if x, measured := costs(name)(r); measured && (!ok || x < least) {
				least, ok = x, true
			}
		}
		return least, ok
	}
}

// recomputed is how many times the CPU of a refresh with that share of new events is Tidemark's for these events.
func recomputed(engine string, share float64) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		for _, c := range r.recomputes() {
			for i := range c.shares {
				if c.engine == engine && c.shares[i] > share*0.9 && c.shares[i] < share*1.1 {
					return ratio(c.cpu[i], r.streaming(c.shares[i]))
				}
			}
		}
		return 0, false
	}
}

// worst is the largest value of a list.
func worst[T any](list func(*Report) []T, figure func(*Report, T) (float64, bool)) func(*Report) (float64, bool) {
	return func(r *Report) (float64, bool) {
		var values []float64
		for _, x := range list(r) {
			if v, ok := figure(r, x); ok {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			return 0, false
		}
		return slices.Max(values), true
	}
}

func fresh(r *Report) []Freshness         { return r.Freshness }
func restarts(r *Report) []RestartSample  { return r.Restarts }
func refreshes(r *Report) []RefreshSample { return r.Refresh }

func afterLoad(s *Sample) float64 {
	if s.Loaded == nil {
		return 0
	}
	return perSecond(s.Loaded.Records, s.Loaded.Wall)
}

func gigabytes(s *Sample) float64 { return float64(s.RSS) / 1e9 }

// shareOfNull is Tidemark's rate over the null engine's.
func shareOfNull(r *Report) (float64, bool) {
	s, ok := spread(paired(r.Samples, "tidemark", "null", rate))
	return 100 * s.Median, ok
}

// targets by scenario: the project's own, for a machine of two cores with the broker on them. Those of peers show only where
// the peers ran.
var targets = map[string][]target{
	"zipf-10m": {
		{"events/s", 1e6, true, of(rate)},
		{"CPU ns/event", 1000, false, of(cost)},
		{"CPU per event of the naive consumer / ours", 5, true, costs("naive")},
		{"rate, % of the null engine's", 40, true, shareOfNull},
		{"CPU per event of Flink SQL (its better backend) / ours", 5, true, better("flink-heap", "flink-rocksdb")},
		{"CPU per event of Kafka Streams' DSL / ours", 15, true, costs("streams-dsl")},
		{"CPU per event of Kafka Streams' Processor API / ours", 3, true, costs("streams-processor")},
		{"CPU of DuckDB's recompute / ours, 1 % new", 10, true, recomputed("duckdb", 0.01)},
		{"CPU of DuckDB's recompute / ours, 0.1 % new", 100, true, recomputed("duckdb", 0.001)},
	},
	"uniform-10m": {
		{"events/s", 0.5e6, true, of(rate)},
		{"CPU per event of Flink SQL on RocksDB / ours", 10, true, costs("flink-rocksdb")},
		{"CPU per event of Flink SQL on the heap / ours", 7, true, costs("flink-heap")},
	},
	"zipf-10m-dedupe":    {{"events/s", 0.6e6, true, of(rate)}},
	"uniform-10m-dedupe": {{"events/s", 0.3e6, true, of(rate)}},
	"uniform-10m-loaded": {
		{"RSS, GB", 2.5, false, of(gigabytes)},
		{"disk per subject, bytes", 120, false, func(r *Report) (float64, bool) {
			x, ok := of(func(s *Sample) float64 { return float64(s.Disk) })(r)
			return x / float64(r.Scenario.Shape.Subjects), ok
		}},
	},
	"ceiling": {
		{"events/s once all subjects are there", 0.2e6, true, of(afterLoad)},
		{"RSS, % of the ceiling", 100, false, func(r *Report) (float64, bool) {
			x, ok := of(func(s *Sample) float64 { return float64(s.RSS) })(r)
			return 100 * x / float64(int64(max(1, r.Scenario.MemoryMB))<<20), ok
		}},
	},
	"latency": {
		{"p99 ms at 100,000 events/s", 250, false, worst(fresh, func(_ *Report, f Freshness) (float64, bool) { return f.P99, f.Share == 0 })},
		{"p99 ms at 75 % of the maximum", 1500, false, worst(fresh, func(_ *Report, f Freshness) (float64, bool) { return f.P99, f.Share == 0.75 })},
	},
	"restart": {
		{"serving, s", 5, false, worst(restarts, func(_ *Report, s RestartSample) (float64, bool) { return s.Serving / 1000, true })},
		{"caught up, s", 20, false, worst(restarts, func(_ *Report, s RestartSample) (float64, bool) { return s.CaughtUp / 1000, true })},
	},
	"cells-1m": {
		{"cores for rollup, evaluation and publication", 0.5, false, worst(refreshes, func(_ *Report, s RefreshSample) (float64, bool) { return s.Publication, true })},
	},
}

func (r *Report) targetTable(say func(string, ...any)) {
	head := false
	for _, t := range targets[r.Scenario.Name] {
		got, ok := t.got(r)
		if !ok {
			continue
		}
		if !head {
			head = true
			say("| figure | target | measured | |")
			say("| --- | --- | --- | --- |")
		}
		bound, word := "≤", "**missed**"
		if t.least {
			bound = "≥"
		}
		if t.least && got >= t.want || !t.least && got <= t.want {
			word = "held"
		}
		say("| %s | %s %s | %s | %s |", t.what, bound, number(t.want), number(got), word)
	}
	if head {
		say("")
	}
}
