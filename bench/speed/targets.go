package speed

import (
	"fmt"
	"math"
	"slices"
)

// target is a figure that a scenario is held to: the project's own, for a machine of two cores with the broker on them.
type target struct {
	scenario string
	what     string
	want     float64
	least    bool // want is a minimum, else a maximum
	worst    bool // the worst of the values is held to it, else their median
	real     bool // asked of the real Kafka
	// values that were measured, one for each run or round; none if the report has no such figure.
	values func(*Report) []float64
}

// of is a figure of Tidemark's good runs.
func of(figure func(*Sample) float64) func(*Report) []float64 {
	return func(r *Report) []float64 { return each(r.Samples, "tidemark", figure) }
}

// costs is how many times an engine's CPU per event is Tidemark's, round by round.
func costs(engine string) func(*Report) []float64 {
	return func(r *Report) []float64 { return paired(r.Samples, engine, "tidemark", cost) }
}

// better is costs of whichever of the engines costs least. Without all of them nobody knows which that is.
func better(names ...string) func(*Report) []float64 {
	return func(r *Report) (least []float64) {
		for _, name := range names {
			values := costs(name)(r)
			x, ok := spread(values)
			if !ok {
				return nil
			}
			if y, any := spread(least); !any || x.Median < y.Median {
				least = values
			}
		}
		return least
	}
}

// recomputed is how many times the CPU of a refresh with that share of new events is Tidemark's for these events, round by
// round.
func recomputed(engine string, share float64) func(*Report) []float64 {
	return func(r *Report) (out []float64) {
		for i := range r.Samples {
			if s := &r.Samples[i]; s.Engine == engine && s.Good() {
				for _, m := range s.Measurements {
					if x, ok := newShare(m); ok && x > share*0.9 && x < share*1.1 {
						out = append(out, r.timesStreaming(s.Round, float64(m.CPUNS), x)...)
					}
				}
			}
		}
		return out
	}
}

// list collects a figure of what paced scenarios measured; what is not over 0 was not.
func list[T any](of func(*Report) []T, figure func(T) float64) func(*Report) []float64 {
	return func(r *Report) (out []float64) {
		for _, x := range of(r) {
			if v := figure(x); v > 0 {
				out = append(out, v)
			}
		}
		return out
	}
}

func fresh(r *Report) []Freshness         { return r.Freshness }
func restarts(r *Report) []RestartSample  { return r.Restarts }
func refreshes(r *Report) []RefreshSample { return r.Refresh }

// p99 at a share of the maximum; 0: at the rate that was given.
func p99(share float64) func(Freshness) float64 {
	return func(f Freshness) float64 {
		switch {
		case f.Share != share:
			return 0
		case 99*f.Lost > f.Marks: // what never showed is in the slowest hundredth
			return math.Inf(1)
		}
		return f.P99
	}
}

func afterLoad(s *Sample) float64 {
	if s.Loaded == nil {
		return 0
	}
	return perSecond(s.Loaded.Records, s.Loaded.Wall)
}

func gigabytes(s *Sample) float64 { return float64(s.RSS) / 1e9 }

// shareOfNull is Tidemark's rate in percent of the null engine's, round by round.
func shareOfNull(r *Report) []float64 {
	values := paired(r.Samples, "tidemark", "null", rate)
	for i := range values {
		values[i] *= 100
	}
	return values
}

// bytesPerSubject is everything in the data directory by the subjects in it.
func bytesPerSubject(r *Report) []float64 {
	return of(func(s *Sample) float64 { return float64(s.Disk) / float64(max(1, r.Scenario.Shape.Subjects)) })(r)
}

func (r *Report) ceiling() float64 { return float64(int64(max(1, r.Scenario.MemoryMB)) << 20) }

// targets in the order in which they are read. Those of peers show only where the peers ran.
var targets = []target{
	{"zipf-10m", "events/s", 1e6, true, false, false, of(rate)},
	{"zipf-10m", "CPU ns/event", 1000, false, false, false, of(cost)},
	{"uniform-10m", "events/s", 0.5e6, true, false, false, of(rate)},
	{"zipf-10m-dedupe", "events/s", 0.6e6, true, false, false, of(rate)},
	{"uniform-10m-dedupe", "events/s", 0.3e6, true, false, false, of(rate)},
	{"zipf-10m", "CPU per event of the naive consumer / ours", 5, true, false, false, costs("naive")},
	{"uniform-10m", "CPU per event of the naive consumer / ours", 5, true, false, false, costs("naive")},
	{"zipf-10m", "rate, % of the null engine's", 40, true, false, false, shareOfNull},
	{"zipf-10m", "CPU per event of Flink SQL (its better backend) / ours", 5, true, false, true, better("flink-heap", "flink-rocksdb")},
	{"uniform-10m", "CPU per event of Flink SQL on RocksDB / ours", 10, true, false, true, costs("flink-rocksdb")},
	{"uniform-10m", "CPU per event of Flink SQL on the heap / ours", 7, true, false, true, costs("flink-heap")},
	{"zipf-10m", "CPU per event of Kafka Streams' DSL / ours", 15, true, false, true, costs("streams-dsl")},
	{"uniform-10m", "CPU per event of Kafka Streams' DSL / ours", 15, true, false, true, costs("streams-dsl")},
	{"zipf-10m", "CPU per event of Kafka Streams' Processor API / ours", 3, true, false, true, costs("streams-processor")},
	{"uniform-10m", "CPU per event of Kafka Streams' Processor API / ours", 3, true, false, true, costs("streams-processor")},
	{"zipf-10m", "CPU of DuckDB's recompute / ours, 1 % new", 10, true, false, false, recomputed("duckdb", 0.01)},
	{"zipf-10m", "CPU of DuckDB's recompute / ours, 0.1 % new", 100, true, false, false, recomputed("duckdb", 0.001)},
	{"uniform-10m", "CPU of DuckDB's recompute / ours, 1 % new", 10, true, false, false, recomputed("duckdb", 0.01)},
	{"uniform-10m", "CPU of DuckDB's recompute / ours, 0.1 % new", 100, true, false, false, recomputed("duckdb", 0.001)},
	{"latency", "p99 ms at 100,000 events/s", 250, false, true, true, list(fresh, p99(0))},
	{"latency", "p99 ms at 75 % of the maximum", 1500, false, true, true, list(fresh, p99(0.75))},
	{"restart", "after SIGKILL: serving, s", 5, false, true, false, list(restarts, func(s RestartSample) float64 { return s.Serving / 1000 })},
	{"restart", "after SIGKILL: caught up, s", 20, false, true, false, list(restarts, func(s RestartSample) float64 { return s.CaughtUp / 1000 })},
	{"uniform-10m-loaded", "RSS, GB", 2.5, false, false, false, of(gigabytes)},
	{"uniform-10m-loaded", "disk per subject, bytes", 120, false, false, false, bytesPerSubject},
	{"zipf-10m-loaded", "RSS, GB", 2.5, false, false, false, of(gigabytes)},
	{"zipf-10m-loaded", "disk per subject, bytes", 120, false, false, false, bytesPerSubject},
	{"ceiling", "events/s once all subjects are there", 0.2e6, true, false, false, of(afterLoad)},
	{"ceiling", "RSS, % of the ceiling", 100, false, true, false, func(r *Report) []float64 {
		return of(func(s *Sample) float64 { return 100 * float64(s.RSS) / r.ceiling() })(r)
	}},
	{"cells-1m", "cores for rollup, evaluation and publication", 0.5, false, true, false, list(refreshes, func(s RefreshSample) float64 { return s.Publication })},
}

// judged is the figure that is held to the target, and how far it is on the right side of it, as a share of the target;
// under 0 it is missed. ok is false if there is none.
func (t target) judged(values []float64) (figure, margin float64, ok bool) {
	s, ok := spread(values)
	if !ok {
		return 0, 0, false
	}
	figure = s.Median
	switch {
	case t.worst && t.least:
		figure = s.Min
	case t.worst:
		figure = s.Max
	}
	if margin = figure/t.want - 1; !t.least {
		margin = -margin
	}
	return figure, margin, true
}

// bound is the target in words.
func (t target) bound() string {
	if t.least {
		return "≥ " + number(t.want)
	}
	return "≤ " + number(t.want)
}

// word says whether a figure with that margin holds.
func word(margin float64) string {
	if margin >= 0 {
		return "held"
	}
	return "**missed** by " + percent(-margin)
}

func percent(share float64) string {
	if share >= 0.1 {
		return fmt.Sprintf("%.0f %%", 100*share)
	}
	return fmt.Sprintf("%.2g %%", 100*share)
}

// withSpread is the figure judged, with the range of what it was taken from.
func withSpread(figure float64, values []float64) string {
	if len(values) < 2 {
		return number(figure)
	}
	return fmt.Sprintf("%s [%s–%s]", number(figure), number(slices.Min(values)), number(slices.Max(values)))
}

func (r *Report) targetTable(say func(string, ...any)) {
	head := false
	for _, t := range targets {
		if t.scenario != r.Scenario.Name {
			continue
		}
		values := t.values(r)
		figure, margin, ok := t.judged(values)
		if !ok {
			continue
		}
		if !head {
			head = true
			say("| figure | target | measured | |")
			say("| --- | --- | --- | --- |")
		}
		say("| %s | %s | %s | %s |", t.what, t.bound(), withSpread(figure, values), word(margin))
	}
	if head {
		say("")
	}
}
