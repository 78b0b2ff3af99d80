package results

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// shares adds n subjects to each arm, of which the first of control and treatment have the value, in every metric.
func (l *lab) shares(n, control, treatment int) {
	for j := range n {
		for v, ones := range []int{control, treatment} {
			x := int64(0)
			if j < ones {
				x = 1
			}
			l.subject(v, moment.Slice{}, slices.Repeat([]moment.Point{mean(x)}, len(l.x().Metrics))...)
		}
	}
}

// The planned end is looked at once: the first evaluation past it that misses nothing. What it found is a fact, stays when the data move
// on, and is not looked for again.
func TestFinalLookIsHadOnce(t *testing.T) {
	end := noon.Add(24 * time.Hour)
	l := newLab().metric(goal("m"), 0, -1)
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "rail", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.5, Relative: true}}, 0, -1)
	l.x().End, l.x().Sequential.FinalLook = end, true
	e := NewEvaluator(l.plan, 0)
	facts := map[string]Tuning{}
	look := func(at time.Time, more ...func(*Inputs)) (*Result, *Row) {
		in := Inputs{AsOf: at, Watermark: &at, Complete: true, Facts: facts}
		for _, f := range more {
			f(&in)
		}
		r := e.Evaluate(l.cells(), in, Slices{})
		for k, f := range r.Facts {
			facts[k] = f
		}
		return r, &r.Rows[0]
	}
	// z = 2.6: clear to one look at half of alpha (2.24), not to the sequential test at half of it (3.26).
	l.shares(4000, 1200, 1308)
	_, row := look(noon)
	tuning := stats.Tuning{V: row.Tuning.V}
	cells := l.cells().Whole()
	test := stats.Compare(cells[1].Metric(0), cells[0].Metric(0), stats.Design{Alpha: 0.05, Tuning: tuning}).Difference
	before, at := tuning.Hybrid(test, 4000, 4000, 0.05, false), tuning.Hybrid(test, 4000, 4000, 0.05, true)
	if row.State != "not_clear" || row.Tuning.Final != nil || *row.Difference.PAlways != before.P.V || *row.Difference.IntervalAlways != *before.Interval.Ptr() {
		t.Fatalf("before the end: %s, p %v, %+v", row.State, *row.Difference.PAlways, row.Tuning)
	}
	for name, miss := range map[string]func(*Inputs){
		"watermark": func(in *Inputs) { in.Watermark = &noon }, "not complete": func(in *Inputs) { in.Complete = false },
		"halted": func(in *Inputs) { in.Unreliable = []string{"halted_gap"} },
	} {
		if _, row := look(end, miss); row.Tuning.Final != nil {
			t.Errorf("looked although: %s", name)
		}
	}
	r, row := look(end)
	final := row.Tuning.Final
	if final == nil || !final.Rejected || *final.P != test.P.V || !final.Set.Equal(end) || row.State != "better" || !slices.Contains(row.Reasons, ReasonFinalLook) {
		t.Fatalf("at the end: %s %v, %+v", row.State, row.Reasons, final)
	}
	if *row.Difference.PAlways != at.P.V || math.Abs(final.Interval[0]-at.Interval.Low) > 1e-15 || *row.Difference.IntervalAlways != *before.Interval.Ptr() {
		t.Errorf("at the end: p %v, look's interval %v, Hybrid says %+v", *row.Difference.PAlways, *final.Interval, at)
	}
	if f := r.Facts[row.Key()]; f.Final == nil || f.V != row.Tuning.V || r.Tuning["m/treatment"].Final == nil {
		t.Errorf("the fact: %+v", f)
	}
	if rail := &r.Rows[1]; rail.Tuning.Final != nil || rail.Guardrail == nil || *rail.Difference.PAlways != tuning.Always(test, 4000, 4000, 0.05).P.V {
		t.Errorf("a guardrail had a final look: %+v, p %v", rail.Tuning, *rail.Difference.PAlways)
	}
	// The estimate goes back; what was found stands, the interval says where it is now.
	l.shares(4000, 1200, 1200)
	r, row = look(end.Add(time.Hour))
	if row.State != "better" || !equalFinal(row.Tuning.Final, final) || *row.Difference.PAlways != 2*test.P.V || len(r.Facts) != 0 {
		t.Errorf("afterwards: %s, p %v, %+v, facts %v", row.State, *row.Difference.PAlways, row.Tuning.Final, r.Facts)
	}
	// Another process, with the facts as they are kept, says the same; without the look's fact it would look now.
	kept, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	facts = nil
	if err := json.Unmarshal(kept, &facts); err != nil {
		t.Fatal(err)
	}
	other := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: r.AsOf, Watermark: r.Watermark, Complete: true, Facts: facts}, Slices{})
	if asJSON(t, other) != asJSON(t, r) || len(other.Facts) != 0 {
		t.Error("the same cells and facts give another result")
	}
	// A look that found nothing is a look all the same: what becomes clear to one look later does not count.
	for i := range 2 {
		l := newLab().metric(goal("m"), 0, -1)
		l.x().End, l.x().Sequential.FinalLook = end, true
		e := NewEvaluator(l.plan, 0)
		facts := map[string]Tuning{}
		rows := func(at time.Time) *Row {
			r := e.Evaluate(l.cells(), Inputs{AsOf: at, Watermark: &at, Complete: true, Facts: facts}, Slices{})
			for k, f := range r.Facts {
				facts[k] = f
			}
			return &r.Rows[0]
		}
		n := []int{4000, 50}[i] // decided, and still collecting
		l.shares(n, 3*n/10, 3*n/10)
		first := rows(end)
		if f := first.Tuning.Final; f == nil || f.Rejected || (f.P == nil) != (first.State == "collecting") {
			t.Fatalf("with %d subjects: %+v", n, first.Tuning)
		}
		l.shares(4000, 1200, []int{1360, 1312}[i])
		if row := rows(end.Add(time.Hour)); row.State != "not_clear" || *row.Difference.P > 0.025 || row.Tuning.Final.Rejected || row.Tuning.V == 0 {
			t.Errorf("with %d subjects first: looked again: %s, %+v", n, row.State, row.Tuning)
		}
	}
	if look := r.FinalLook; look == nil || look.State != "done" || !look.End.Equal(end) {
		t.Errorf("the result says of its look %+v", look)
	}
}

// Data that is analysed is looked at where it passes the planned end, by its own time or by that of whoever says so, and not before,
// whatever the clock says: run again and again before the end it is looked at by the half of alpha that is for looking.
func TestFinalLookOfAnalyzedDataIsByItsTime(t *testing.T) {
	end := noon.Add(24 * time.Hour)
	l := newLab().metric(goal("m"), 0, -1)
	l.x().End, l.x().Sequential.FinalLook = end, true
	l.shares(4000, 1200, 1308) // z = 2.6
	at := func(d time.Duration) *time.Time { t := end.Add(d); return &t }
	for name, c := range map[string]struct {
		in   Inputs
		done bool
	}{
		"nothing is known of its end": {Inputs{AsOf: end}, false},
		"before the end":              {Inputs{AsOf: *at(time.Hour), Reached: at(-time.Microsecond)}, false},
		"before it, by a watermark":   {Inputs{AsOf: *at(time.Hour), Reached: at(0), Watermark: at(-time.Microsecond)}, false},
		"at the end":                  {Inputs{AsOf: noon, Reached: at(0)}, true},
		"past the end":                {Inputs{AsOf: noon, Reached: at(time.Hour)}, true},
	} {
		for _, analyze := range []bool{true, false} {
			in := c.in
			in.Complete, in.Analyze = true, analyze
			r := Evaluate(l.plan, 0, l.cells(), in, Slices{})
			row := &r.Rows[0]
			want := map[bool]string{true: "better", false: "not_clear"}[c.done]
			if f := row.Tuning.Final; (f != nil) != c.done || row.State != want || row.AlphaAlways != 0.025 || c.done && ((f.Set == nil) != analyze || (len(r.Facts) == 0) != analyze) {
				t.Errorf("%s: %s, looked %+v", name, row.State, row.Tuning)
			}
			if look := r.FinalLook; look.State != map[bool]string{true: "done", false: "to_come"}[c.done] || !look.End.Equal(end) || look.Reached != in.reached() {
				t.Errorf("%s: the result says of its look %+v", name, look)
			}
			in.Complete = false
			if r := Evaluate(l.plan, 0, l.cells(), in, Slices{}); r.Rows[0].Tuning.Final != nil {
				t.Errorf("%s: looked at data of which some is missing", name)
			}
		}
	}
	l.x().Sequential.FinalLook = false
	if r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: end, Reached: &end, Complete: true, Analyze: true}, Slices{}); r.FinalLook != nil || r.Rows[0].Tuning.Final != nil {
		t.Errorf("a look that is not planned: %+v", r.FinalLook)
	}
}

// Without an effect, looked at again and again and once at the planned end, a row says something wrong at most as often as its level; the
// final look finds effects that looking at any time alone does not.
func TestFinalLookHoldsItsLevelAndFindsMore(t *testing.T) {
	seed := rand.Uint64()
	const runs, looks, each = 300, 12, 200
	end := noon.Add(looks * time.Minute)
	found := func(effect float64, final bool) (said int) {
		for run := range runs {
			rng := rand.New(rand.NewPCG(seed, uint64(run)))
			l := newLab().metric(goal("m"), 0, -1)
			l.x().Sequential.Subjects, l.x().End, l.x().Sequential.FinalLook = 2000, end, final
			e := NewEvaluator(l.plan, 0)
			facts := map[string]Tuning{}
			ever := false
			for look := 1; look <= looks+2; look++ { // two more after the end
				for i := range each {
					l.subject(i%2, moment.Slice{}, mean(coin(rng, 0.3+effect*float64(i%2))))
				}
				at := noon.Add(time.Duration(look) * time.Minute)
				r := e.Evaluate(l.cells(), Inputs{AsOf: at, Watermark: &at, Complete: true, Facts: facts}, Slices{})
				for k, f := range r.Facts {
					facts[k] = f
				}
				ever = ever || r.Rows[0].State == "better" || r.Rows[0].State == "worse"
			}
			if ever {
				said++
			}
		}
		return said
	}
	wrong, with, without := found(0, true), found(0.05, true), found(0.05, false)
	t.Logf("seed %d: of %d, wrong %d; found %d with the final look, %d without", seed, runs, wrong, with, without)
	if limit := 0.05 + 3*math.Sqrt(0.05*0.95/runs); float64(wrong)/runs > limit {
		t.Errorf("seed %d: %d of %d without an effect are said to have one", seed, wrong, runs)
	}
	if with <= without {
		t.Errorf("seed %d: %d found with the final look, %d without", seed, with, without)
	}
}

// With the definition's tau2 the look is a fact by itself.
func TestFinalLookWithAFixedPrior(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	l.x().End, l.x().Sequential.FinalLook, l.x().Sequential.Tau2 = noon, true, 1e-4
	l.shares(4000, 1200, 1308)
	in := Inputs{AsOf: noon, Watermark: &noon, Complete: true}
	first := Evaluate(l.plan, 0, l.cells(), in, Slices{})
	fact := first.Facts[first.Rows[0].Key()]
	if fact.Final == nil || !fact.Final.Rejected || fact.Tau2 != 0 || first.Rows[0].Tuning.Tau2 != 1e-4 {
		t.Fatalf("fact %+v, tuning %+v", fact, first.Rows[0].Tuning)
	}
	l.shares(4000, 1200, 1200)
	in.Facts = first.Facts
	second := Evaluate(l.plan, 0, l.cells(), in, Slices{})
	if row := &second.Rows[0]; !equalFinal(row.Tuning.Final, fact.Final) || row.State != "better" || len(second.Facts) != 0 {
		t.Errorf("%s, %+v, facts %v", row.State, row.Tuning, second.Facts)
	}
}

// The fixed-horizon interval decides where the definition says so, and is what is corrected; the always-valid numbers stay.
func TestFixedIntervalDecides(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1).metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "rail", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.01, Relative: true}}, 0, -1)
	l.shares(4000, 1200, 1300) // z = 2.4
	plain := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	l.x().Fixed = true
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	for i, want := range []string{"better", "worse"} {
		row, was := &r.Rows[i], &plain.Rows[i]
		if was.State != "not_clear" || row.State != want || !slices.Contains(row.Reasons, ReasonFixedHorizon) || slices.Contains(was.Reasons, ReasonFixedHorizon) {
			t.Errorf("%s: %s %v, was %s", row.Key(), row.State, row.Reasons, was.State)
		}
		if !equalDifference(&row.Difference, &was.Difference) {
			t.Errorf("%s: numbers changed", row.Key())
		}
	}
	if r.Rows[1].Guardrail.State != plain.Rows[1].Guardrail.State {
		t.Errorf("the guardrail's word became %s", r.Rows[1].Guardrail.State)
	}
	for correction, want := range map[catalog.Correction]float64{catalog.Bonferroni: 2, catalog.Holm: 2, catalog.BH: 1} {
		l.x().Correction = correction
		row := &Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]
		if p := want * *row.Difference.P; math.Abs(*row.PAdjusted-p) > 1e-15 || row.State != map[bool]string{true: "better", false: "not_clear"}[p <= 0.05] {
			t.Errorf("%s: %s, corrected p %v, want %v", correction, row.State, *row.PAdjusted, p)
		}
	}
	// While there is too little to say anything a fixed horizon says nothing either.
	few := newLab().metric(goal("m"), 0, -1)
	few.x().Fixed = true
	few.shares(90, 20, 80)
	if row := &Evaluate(few.plan, 0, few.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]; row.State != "collecting" || slices.Contains(row.Reasons, ReasonFixedHorizon) {
		t.Errorf("%s %v", row.State, row.Reasons)
	}
}

func TestStudentMixtureOnRequest(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	l.x().Sequential.Student = true
	l.shares(400, 120, 180)
	row := &Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]
	cells := l.cells().Whole()
	d := stats.Compare(cells[1].Metric(0), cells[0].Metric(0), stats.Design{Alpha: 0.05}).Difference
	want := stats.Tuning{V: row.Tuning.V}.StudentMixture(d, 400, 400, 0.05)
	if *row.Difference.PAlways != want.P.V || *row.Difference.IntervalAlways != *want.Interval.Ptr() {
		t.Errorf("%v %v, want %+v", *row.Difference.PAlways, *row.Difference.IntervalAlways, want)
	}
	// So early that its interval is not finite: collecting, with the reason.
	early := newLab().metric(goal("m"), 0, -1)
	early.x().Sequential.Student, early.x().Sequential.Subjects = true, 1_000_000
	early.shares(100, 30, 40)
	if row := &Evaluate(early.plan, 0, early.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]; row.State != "collecting" || !slices.Equal(row.Reasons, []string{ReasonLittleInformation}) {
		t.Errorf("%s %v", row.State, row.Reasons)
	}
}

func TestLiftMethodOnRequest(t *testing.T) {
	for method, want := range map[catalog.LiftMethod]stats.LiftMethod{"": stats.Fieller, catalog.Fieller: stats.Fieller, catalog.Delta: stats.Delta, catalog.LogDelta: stats.LogDelta} {
		l := newLab().metric(goal("m"), 0, -1)
		l.x().Lift = method
		l.shares(400, 120, 180)
		row := &Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{}).Rows[0]
		cells := l.cells().Whole()
		c := stats.Compare(cells[1].Metric(0), cells[0].Metric(0), stats.Design{Alpha: 0.05, Lift: want})
		if row.Lift.Method != string(want) || *row.Lift.Interval != *c.Lift.Interval.Ptr() {
			t.Errorf("%q: %s %v, want %+v", method, row.Lift.Method, *row.Lift.Interval, c.Lift)
		}
	}
}

// A row that is clear by itself, not after the correction, and then is because of the look's p: the look decided it, and the row says so. The
// table says what the look found, before it how far the data is, and why intervals are at another level.
func TestFinalLookDecidesThroughTheCorrection(t *testing.T) {
	end := noon.Add(24 * time.Hour)
	l := family(t, 2, 0, catalog.Holm)
	l.x().End, l.x().Sequential.FinalLook = end, true
	e := NewEvaluator(l.plan, 0)
	text := func(r *Result) string {
		var b strings.Builder
		if err := Table(&b, []*Result{r}, 0); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	before := e.Evaluate(l.cells(), Inputs{AsOf: noon, Watermark: &noon, Complete: true}, Slices{})
	at := e.Evaluate(l.cells(), Inputs{AsOf: end, Watermark: &end, Complete: true, Facts: before.Facts}, Slices{})
	again := e.Evaluate(l.cells(), Inputs{AsOf: end, Watermark: &end, Complete: true, Facts: at.FactsOf()}, Slices{})
	reasons := func(r *Result, key string) string {
		for i := range r.Rows {
			if r.Rows[i].Key() == key {
				return r.Rows[i].State + " " + strings.Join(r.Rows[i].Reasons, " ")
			}
		}
		return ""
	}
	for _, c := range []struct{ what, got, want string }{
		{"before", reasons(before, "g0/all/a"), "not_clear corrected"},
		{"at the end", reasons(at, "g0/all/a"), "better final_look"},
		{"again", reasons(again, "g0/all/a"), "better final_look"},
		{"clear without the look", reasons(at, "g1/all/b"), "better "},
		{"nothing there", reasons(at, "g0/all/b"), "not_clear "},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	for _, c := range []struct {
		r    *Result
		want string
	}{
		{before, "* half of the error rate is kept for one look at the planned end, 2026-03-10 12:00 UTC, so intervals of the whole are at 97.5%; the data goes up to 2026-03-09 12:00 UTC\n"},
		{at, "* the look at the planned end, 2026-03-10 12:00 UTC, has been, for half of the error rate: it found clear, before the correction: g0 a, g1 b; intervals of the whole are for the other half, at 97.5%\n"},
		{at, "! g0 a: decided by the one look at the planned end"},
	} {
		if got := text(c.r); !strings.Contains(got, c.want) {
			t.Errorf("no %q in\n%s", c.want, got)
		}
	}
	files := NewEvaluator(l.plan, 0).Evaluate(l.cells(), Inputs{AsOf: end.AddDate(1, 0, 0), Reached: &noon, Complete: true, Analyze: true}, Slices{})
	if want := "the data goes up to 2026-03-09 12:00 UTC (if nothing is missing up to a later time, analyze --as-of TIME says so)"; !strings.Contains(text(files), want) {
		t.Errorf("no %q in\n%s", want, text(files))
	}
	// Without an effect anywhere the look is done, and says so.
	none := newLab().metric(goal("m"), 0, -1)
	none.x().End, none.x().Sequential.FinalLook = end, true
	none.shares(4000, 1200, 1200)
	r := Evaluate(none.plan, 0, none.cells(), Inputs{AsOf: end, Reached: &end, Complete: true, Analyze: true}, Slices{})
	if want := "it found nothing clear"; !strings.Contains(text(r), want) {
		t.Errorf("no %q in\n%s", want, text(r))
	}
}
