package results

import (
	"reflect"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats/moment"
)

// A trend shows each hour with the sums and the facts of that hour: what a look then showed, and nothing that was learnt
// later.
func TestTrendShowsWhatALookThenShowed(t *testing.T) {
	l := newLab().metric(goal("ARPU"), 2, -1)
	history, err := cube.OpenHistory("history", cube.HistoryOptions{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	live := NewEvaluator(l.plan, 0)
	facts := map[string]Tuning{}
	var looks []*Result
	for hour := range 6 {
		for i := range 60 {
			for _, v := range []int{0, 1} {
				l.subject(v, moment.Slice{}, mean(int64(100+(i*7+hour*13+v*5)%50)))
			}
		}
		at := noon.Add(time.Duration(hour)*time.Hour + 3*time.Second)
		r := live.Evaluate(l.cells(), Inputs{AsOf: at, Watermark: &at, Facts: facts, Complete: true}, Slices{Mode: NoSlices})
		for key, f := range r.Facts {
			facts[key] = f
		}
		looks = append(looks, r)
		if n, err := history.Observe(l.cells(), "then", at); err != nil || n == 0 {
			t.Fatalf("observe hour %d: %d snapshots, %v", hour, n, err)
		}
	}
	key := looks[0].Rows[0].Key()
	if f := facts[key]; f.V == 0 || !f.Set.Equal(looks[1].AsOf) {
		t.Fatalf("tuned at %v, want the second look", f.Set)
	}
	trend := func(facts map[string]Tuning) *Trend {
		series, err := history.Series(l.x(), cube.Hourly, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		return EvaluateTrend(l.plan, 0, TrendInputs{Metric: "ARPU", By: "hour", Slice: series, Whole: series, Facts: facts})
	}
	same := func(what string, got *Trend) {
		t.Helper()
		if len(got.Points) != len(looks) {
			t.Fatalf("%s: %d points, want %d", what, len(got.Points), len(looks))
		}
		for i, p := range got.Points {
			want := looks[i].Rows[0]
			if len(p.Rows) != 1 || !p.Rows[0].Equal(&want) {
				t.Errorf("%s: point %d is %+v, the look then showed %+v", what, i, p.Rows, want)
			}
			if !p.Time.Equal(noon.Add(time.Duration(i)*time.Hour)) || !p.Watermark.Equal(looks[i].AsOf) || p.Definition != "then" || !reflect.DeepEqual(p.Subjects, looks[i].Subjects) || !reflect.DeepEqual(p.SRM, looks[i].SRM) {
				t.Errorf("%s: point %d is of %v (%v) under %q with %v", what, i, p.Time, p.Watermark, p.Definition, p.Subjects)
			}
		}
	}
	same("with the facts kept", trend(facts))
	// The log was read again later: what is kept now is dated after all of it.
	later := noon.Add(1000 * time.Hour)
	same("with a fact dated later", trend(map[string]Tuning{key: {V: 1e9, Set: &later}}))
}

func TestFactsAt(t *testing.T) {
	before, after := noon.Add(-time.Hour), noon.Add(time.Hour)
	facts := map[string]Tuning{
		"kept": {V: 1, Set: &before}, "later": {V: 2, Set: &after}, "undated": {Tau2: 3},
		"looked later": {V: 4, Set: &before, Final: &Final{Set: &after}},
		"only looked":  {V: 5, Set: &after, Final: &Final{Set: &before}},
	}
	got := FactsAt(facts, noon)
	if len(got) != 4 || got["kept"].V != 1 || got["undated"].Tau2 != 3 || got["looked later"].V != 4 || got["looked later"].Final != nil ||
		got["only looked"].V != 0 || got["only looked"].Final == nil {
		t.Errorf("got %+v", got)
	}
}
