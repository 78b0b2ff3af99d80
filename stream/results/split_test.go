package results

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// ramp adds a step that begins hours after start.
func (l *lab) ramp(hours int, weights ...float64) *lab {
	x := l.x()
	from := x.Experiment.Start.Add(time.Duration(hours) * time.Hour)
	x.Ramp = append(x.Ramp, catalog.RampStep{From: from, Weights: weights})
	x.Cuts = append(x.Cuts, from.UnixMicro())
	return l
}

// exposed adds subjects that only were exposed in an epoch; a negative number takes them out.
func (l *lab) exposed(variant, epoch, n int, s moment.Slice) {
	if l.cube == nil {
		l.cube = cube.New(l.plan)
	}
	c := moment.Change{Variant: variant, Metric: moment.ExposedMetric, Slice: s, New: moment.Point{In: true, Den: 1}}
	if n < 0 {
		c.Old, c.New, n = c.New, c.Old, -n
	}
	for range n {
		l.cube.Change(c)
		if epoch > 0 {
			e := c
			e.Metric = l.x().EpochMetric(epoch)
			l.cube.Change(e)
		}
	}
}

func (l *lab) split() SRM {
	return Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Complete: true}, Slices{Mode: AllSlices}).SRM
}

// A ramp as planned passes, though its counts together fit no weights; what is off in two epochs and cancels in the sum fails.
func TestSplitOfARampIsCheckedByEpoch(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 2, -1).ramp(24, 90, 10).ramp(48, 1, 1)
	l.x().Variants[0].Weight, l.x().Variants[1].Weight = 99, 1
	for epoch, n := range [][2]int{{9900, 101}, {9010, 990}, {5020, 4980}} {
		l.exposed(0, epoch, n[0], moment.Slice{})
		l.exposed(1, epoch, n[1], moment.Slice{})
	}
	s := l.split()
	if s.State != "ok" || s.DF != 3 || len(s.Epochs) != 3 || *s.PSequential < 0.5 {
		t.Fatalf("%+v", s)
	}
	e := s.Epochs[1]
	if !e.From.Equal(l.x().Experiment.Start.Add(24*time.Hour)) || e.Planned["treatment"] != 0.1 || e.Subjects["control"] != 9010 || e.Subjects["treatment"] != 990 || *e.PSequential != 1 {
		t.Errorf("second epoch: %+v", e)
	}
	if e := s.Epochs[0]; e.Planned["control"] != 0.99 || e.Subjects["control"] != 9900 {
		t.Errorf("first epoch: %+v", e)
	}
	same := newLab().metric(goal("ARPU"), 2, -1).ramp(24, 1, 1)
	for epoch, n := range [][2]int{{5500, 4500}, {4500, 5500}} {
		same.exposed(0, epoch, n[0], moment.Slice{})
		same.exposed(1, epoch, n[1], moment.Slice{})
	}
	if s := same.split(); s.State != "failed" || *s.Epochs[0].PSequential > 0.001 {
		t.Errorf("hidden faults: %+v", s)
	}
	// A fault smaller than matters, in both epochs; the small one's chance deviation is no reason to fail.
	same.x().SRMDeviation = 0.2
	if s := same.split(); s.State != "ok" {
		t.Errorf("below the least deviation: %+v", s)
	}
	same.x().SRMDeviation = 0.09
	if s := same.split(); s.State != "failed" {
		t.Errorf("above the least deviation: %+v", s)
	}
}

// Each value of a dimension is held against the weights of each epoch.
func TestSplitOfARampInSlices(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "platform").metric(goal("ARPU"), 2, -1).ramp(24, 9, 1)
	for epoch, n := range [][2]int{{3000, 3000}, {5400, 600}} {
		l.exposed(0, epoch, n[0], l.slice("web"))
		l.exposed(1, epoch, n[1], l.slice("web"))
	}
	for epoch, n := range [][2]int{{1000, 1000}, {1700, 300}} {
		l.exposed(0, epoch, n[0], l.slice("ios"))
		l.exposed(1, epoch, n[1], l.slice("ios"))
	}
	s := l.split()
	if len(s.Slices) != 1 || s.Slices[0].Value != "ios" || s.Slices[0].Subjects["treatment"] != 1300 {
		t.Fatalf("%+v", s.Slices)
	}
	// A subject whose first exposure turns out to be earlier moves between epochs, and the slice is looked at again.
	e := NewEvaluator(l.plan, 0)
	in := Inputs{AsOf: noon, Complete: true}
	if r := e.Evaluate(l.cells(), in, Slices{Mode: NoSlices}); len(r.SRM.Slices) != 1 {
		t.Fatalf("%+v", r.SRM.Slices)
	}
	l.exposed(1, 1, -100, l.slice("ios"))
	l.exposed(1, 0, 100, l.slice("ios"))
	r := e.Evaluate(l.cells(), in, Slices{Mode: NoSlices})
	if len(r.SRM.Slices) != 0 || r.SRM.Epochs[1].Subjects["treatment"] != 800 || r.Subjects["treatment"] != 4900 {
		t.Errorf("%+v", r.SRM)
	}
}

// What the split was at an hour is told by the epochs of then. Hours kept before a step was declared, which they lie behind, can't
// tell.
func TestTrendChecksTheSplitByEpoch(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 2, -1).ramp(24, 9, 1)
	plain := newLab().metric(goal("ARPU"), 2, -1)
	history, err := cube.OpenHistory("history", cube.HistoryOptions{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	for _, x := range []*lab{l, plain} {
		for epoch, n := range [][2]int{{1000, 1000}, {9000, 1000}} {
			x.exposed(0, min(epoch, len(x.x().Cuts)), n[0], moment.Slice{})
			x.exposed(1, min(epoch, len(x.x().Cuts)), n[1], moment.Slice{})
		}
		x.subject(0, moment.Slice{}, mean(1))
	}
	if _, err := history.Observe(plain.cells(), "before", noon); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Observe(l.cells(), NewEvaluator(l.plan, 0).hash, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	series, err := history.Series(l.x(), cube.Hourly, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := EvaluateTrend(l.plan, 0, TrendInputs{Metric: "ARPU", By: "hour", Slice: series, Whole: series})
	if len(got.Points) != 2 || got.Points[0].SRM.State != "collecting" || got.Points[1].SRM.State != "ok" || got.Points[1].SRM.Epochs[1].Subjects["treatment"] != 1000 {
		t.Errorf("%+v", got.Points)
	}
}

// Ramped experiments without a fault, looked at every 500 subjects: the always-valid check fails at most its level of them.
func TestRampKeepsTheLevelOfTheSplit(t *testing.T) {
	const runs, seed = 500, 20260304
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	failed, pooled := 0, 0
	for range runs {
		l := newLab().ramp(24, 90, 10).ramp(48, 1, 1)
		l.x().Variants[0].Weight, l.x().Variants[1].Weight = 99, 1
		e := NewEvaluator(l.plan, 0)
		counts := [][]int64{{0, 0}, {0, 0}, {0, 0}}
		var hit, whole bool
		for look := range 60 {
			epoch := look / 20
			for range 500 {
				v := 0
				if rng.Float64() < []float64{0.01, 0.1, 0.5}[epoch] {
					v = 1
				}
				counts[epoch][v]++
			}
			hit = hit || e.testSplit(counts, stats.SRMOptions{Alpha: 0.01}).State == stats.SRMFailed
			all := []int64{counts[0][0] + counts[1][0] + counts[2][0], counts[0][1] + counts[1][1] + counts[2][1]}
			one, err := stats.SampleRatio(all, e.planned[epoch].Weights, stats.SRMOptions{})
			if err != nil {
				t.Fatal(err)
			}
			whole = whole || one.State == stats.SRMFailed
		}
		if hit {
			failed++
		}
		if whole {
			pooled++
		}
	}
	t.Logf("%d of %d failed at level 0.01, %d when all epochs are held against the last weights", failed, runs, pooled)
	if failed > 11 { // 5 expected at most, and three standard errors of the binomial
		t.Errorf("%d of %d clean ramps failed", failed, runs)
	}
	if pooled != runs {
		t.Errorf("the negative control failed only %d of %d", pooled, runs)
	}
}

// The JSON of a ramp is a public shape: names are added, not changed.
func TestJSONOfARamp(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 2, -1).ramp(24, 9, 1)
	l.exposed(0, 0, 10, moment.Slice{})
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Complete: true}, Slices{})
	const want = `{"epochs": [{"from": "2026-03-02T00:00:00Z", "planned": {"control": 0.5, "treatment": 0.5}, "subjects": {"control": 10, "treatment": 0}, "p_sequential": 1},
		{"from": "2026-03-03T00:00:00Z", "planned": {"control": 0.9, "treatment": 0.1}, "subjects": {"control": 0, "treatment": 0}, "p_sequential": 1}]}`
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(asJSON(t, r)), &g); err != nil {
		t.Fatal(err)
	}
	sameShape(t, "srm", w, g.(map[string]any)["srm"])
	if text := asJSON(t, Evaluate(newLab().metric(goal("ARPU"), 2, -1).plan, 0, newLab().metric(goal("ARPU"), 2, -1).cells(), Inputs{AsOf: noon}, Slices{})); strings.Contains(text, `"epochs"`) {
		t.Error("an experiment without a ramp has epochs")
	}
}

// The table has a line for each stretch, and none without a ramp.
func TestTableShowsARamp(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 2, -1).ramp(24, 9, 1)
	l.exposed(0, 0, 100, moment.Slice{})
	l.exposed(1, 0, 100, moment.Slice{})
	l.exposed(0, 1, 9, moment.Slice{})
	l.exposed(1, 1, 1, moment.Slice{})
	var b strings.Builder
	if err := Table(&b, []*Result{Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})}, 0); err != nil {
		t.Fatal(err)
	}
	const want = "  from 2026-03-03 00:00 UTC: control 9 (90.00%, planned 90.0%), treatment 1 (10.00%, planned 10.0%), p 1.0000\n"
	if !strings.Contains(b.String(), want) || strings.Count(b.String(), "planned") != 4 {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}
