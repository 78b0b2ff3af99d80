package results

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// quantileLab is a lab with one quantile metric of latencies, whose cut is frozen, filled by draw: the events of one subject.
func quantileLab(p float64, cut int64, subjects int, draw func(variant int) []int64) *lab {
	l := newLab()
	l.metric(goal("LATENCY"), 0, -1)
	m := &l.x().Metrics[0]
	m.Quantile = p
	l.plan.Measures[0].Agg = catalog.Quantile
	l.cells() // makes the cube
	for i := range subjects {
		v := i % 2
		events := draw(v)
		point := moment.Point{In: true, Den: int64(len(events))}
		var bins []moment.Bin
		for _, e := range events {
			if sketch.IndexOf(e) <= sketch.IndexOf(cut) {
				point.Num++
			}
			bins = append(bins, moment.Bin{Index: sketch.IndexOf(e), Count: 1})
		}
		l.cube.Change(moment.Change{Variant: v, Metric: moment.ExposedMetric, New: moment.Point{In: true, Den: 1}})
		l.cube.Change(moment.Change{Variant: v, Metric: 0, New: point, Bins: bins})
	}
	return l
}

// frozenAt are the inputs with the cut frozen.
func frozenAt(cut int64, analyze bool) Inputs {
	at := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	in := Inputs{AsOf: at, Complete: true, Analyze: analyze, Frozen: []bool{true}}
	in.Facts = map[string]Tuning{MetricKey("LATENCY"): NewFrozen(catalog.ClipRange{Lower: math.MinInt64, Upper: cut}, 0, "", &at)}
	return in
}

// TestQuantileIntervalCoversForClustersAndTies: in A/A the fixed-horizon interval of the difference holds 0 in 95 % of the runs
// or more, though a subject's events go together, and also where nearly all values are equal: whole seconds, or a share of
// zeros that is just the quantile, where an interval of a few equal values would have no width (GrowthBook #6250).
func TestQuantileIntervalCoversForClustersAndTies(t *testing.T) {
	const seed, runs, subjects = 20260302, 300, 500
	t.Logf("seed %d", seed)
	for _, c := range []struct {
		name  string
		p     float64
		cut   int64
		value func(pace float64, r *rand.Rand) int64
		most  float64 // coverage above it is an interval too wide
	}{
		{"lognormal latencies, p95", 0.95, 2700, func(pace float64, r *rand.Rand) int64 { return int64(1000 * pace * math.Exp(0.3*r.NormFloat64())) }, 0.995},
		{"lognormal latencies, median", 0.5, 1000, func(pace float64, r *rand.Rand) int64 { return int64(1000 * pace * math.Exp(0.3*r.NormFloat64())) }, 0.995},
		{"a cut that is off", 0.9, 1700, func(pace float64, r *rand.Rand) int64 { return int64(1000 * pace * math.Exp(0.3*r.NormFloat64())) }, 0.995},
		{"whole seconds", 0.9, 2000, func(pace float64, r *rand.Rand) int64 { return 1000 * int64(1+pace*math.Exp(0.3*r.NormFloat64())) }, 1},
		{"mostly zeros", 0.5, 0, func(pace float64, r *rand.Rand) int64 {
			if r.Float64() < 0.5 {
				return 0
			}
			return int64(1e6 * pace)
		}, 1},
		{"three values", 0.6, 2, func(pace float64, r *rand.Rand) int64 { return int64(r.IntN(3)) + 1 }, 1},
	} {
		r := rand.New(rand.NewPCG(seed, 9))
		covered, open := 0, 0
		for range runs {
			l := quantileLab(c.p, c.cut, subjects, func(int) []int64 {
				pace := math.Exp(0.5 * r.NormFloat64())
				events := make([]int64, 1+r.IntN(10))
				for i := range events {
					events[i] = c.value(pace, r)
				}
				return events
			})
			row := Evaluate(l.plan, 0, l.cells(), frozenAt(c.cut, true), Slices{}).Rows[0]
			switch i := row.Difference.Interval; {
			case i == nil:
				open++
			case i[0] <= 0 && 0 <= i[1]:
				covered++
			}
			if row.State == "better" || row.State == "worse" {
				t.Logf("%s: state %s of %+v", c.name, row.State, row.Difference)
			}
		}
		share := float64(covered) / float64(runs-open)
		t.Logf("%s: covered in %.3f of %d runs, %d without an interval", c.name, share, runs-open, open)
		if e := 3 * math.Sqrt(.95*.05/runs); share < .95-e || share > c.most || open > runs/10 {
			t.Errorf("%s: covered in %.3f, %d without an interval", c.name, share, open)
		}
	}
}

// TestQuantileRow: what a row says of two arms whose latencies differ by a fifth.
func TestQuantileRow(t *testing.T) {
	const seed = 7
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 9))
	var all [2][]int64
	l := quantileLab(0.95, 2600, 6000, func(v int) []int64 {
		pace := math.Exp(0.5 * r.NormFloat64())
		events := make([]int64, 1+r.IntN(10))
		for i := range events {
			events[i] = int64((1000 + 200*float64(v)) * pace * math.Exp(0.3*r.NormFloat64()))
		}
		all[v] = append(all[v], events...)
		return events
	})
	l.x().Metrics[0].Metric.Direction = catalog.Down
	res := Evaluate(l.plan, 0, l.cells(), frozenAt(2600, false), Slices{})
	row := res.Rows[0]
	for v, id := range []string{"control", "treatment"} {
		slices.Sort(all[v])
		want := float64(all[v][int(math.Ceil(0.95*float64(len(all[v]))))-1])
		if got := row.ByVariant[id].Value; got == nil || math.Abs(*got-want) > want/128 {
			t.Errorf("%s: value %v, want %g", id, got, want)
		}
		if a := row.ByVariant[id]; a.N != 3000 || a.SumDen == "0" || a.SE == nil {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if row.State != "worse" || row.Quantile != 0.95 || row.Difference.IntervalAlways == nil || row.Lift.Value == nil || math.Abs(*row.Lift.Value-0.2) > 0.08 {
		t.Errorf("state %s, quantile %g, difference %+v, lift %+v", row.State, row.Quantile, row.Difference, row.Lift)
	}
	if fact := res.FactsOf()[MetricKey("LATENCY")]; fact.Upper != "2600" {
		t.Errorf("facts %+v", res.FactsOf())
	}
	// Without the fact the values stand there, and nothing is said of them.
	in := frozenAt(2600, false)
	in.Frozen = []bool{false}
	row = Evaluate(l.plan, 0, l.cells(), in, Slices{}).Rows[0]
	if row.State != "collecting" || !slices.Equal(row.Reasons, []string{ReasonCutNotFrozen}) || row.ByVariant["control"].Value == nil || row.Difference.Interval != nil || row.Tuning != nil {
		t.Errorf("before the cut is frozen: state %s, reasons %q, %+v", row.State, row.Reasons, row.Difference)
	}
}

// TestQuantileOfFewEventsIsCollecting: p99 of some hundred events has hardly one beyond it (n ≥ 4·p/(1−p)).
func TestQuantileOfFewEventsIsCollecting(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 9))
	l := quantileLab(0.99, 900, 300, func(int) []int64 { return []int64{r.Int64N(1000), r.Int64N(1000)} })
	row := Evaluate(l.plan, 0, l.cells(), frozenAt(900, true), Slices{}).Rows[0]
	if row.State != "collecting" || !slices.Contains(row.Reasons, ReasonFewEvents) || row.Difference.Interval != nil || row.ByVariant["control"].Value == nil {
		t.Errorf("state %s, reasons %q, difference %+v", row.State, row.Reasons, row.Difference)
	}
}
