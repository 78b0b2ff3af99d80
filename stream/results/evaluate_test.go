package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats/moment"
)

// lab builds an experiment and its cells for a test.
type lab struct {
	plan  *catalog.Plan
	cube  *cube.Cube
	names []string // of the dictionary ids, from moment.FirstValue
}

// newLab makes an experiment of two variants, control and treatment, unless more are named.
func newLab(variants ...string) *lab {
	if len(variants) == 0 {
		variants = []string{"control", "treatment"}
	}
	x := &catalog.Experiment{ID: "lab", Control: variants[0], Alpha: 0.05, Start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}
	for _, v := range variants {
		x.Variants = append(x.Variants, catalog.Variant{ID: v, Weight: 1})
	}
	slices.SortFunc(x.Variants, func(a, b catalog.Variant) int { return compareText(a.ID, b.ID) })
	x.Sequential.Subjects = 10_000
	x.Exposure.Event = &catalog.Event{ID: "EXPOSURE", Source: &catalog.Source{ID: "exposures"}, Query: &sql.Query{}}
	px := catalog.PlanExperiment{Experiment: x}
	px.Control = slices.IndexFunc(x.Variants, func(v catalog.Variant) bool { return v.ID == x.Control })
	return &lab{plan: &catalog.Plan{Experiments: []catalog.PlanExperiment{px}}}
}

func (l *lab) x() *catalog.PlanExperiment { return &l.plan.Experiments[0] }

func (l *lab) dimension(kind catalog.DimensionKind, names ...string) *lab {
	for _, n := range names {
		l.x().Dimensions = append(l.x().Dimensions, catalog.PlanDimension{Dimension: catalog.Dimension{Name: n}, Kind: kind})
	}
	return l
}

// metric adds a mean (den < 0) or a ratio with the scales given.
func (l *lab) metric(use catalog.MetricUse, numScale, denScale int) *lab {
	m := catalog.PlanMetric{MetricUse: use, Numerator: len(l.plan.Measures), Denominator: -1, Dimensions: ^uint(0)}
	l.plan.Measures = append(l.plan.Measures, catalog.Measure{Scale: numScale})
	if denScale >= 0 {
		m.Denominator = len(l.plan.Measures)
		l.plan.Measures = append(l.plan.Measures, catalog.Measure{Scale: denScale})
	}
	l.x().Metrics = append(l.x().Metrics, m)
	return l
}

func goal(id string) catalog.MetricUse {
	return catalog.MetricUse{Metric: &catalog.Metric{ID: id, Direction: catalog.Up}, Role: catalog.Goal}
}

func (l *lab) id(value string) uint32 {
	if value == cube.NoneText {
		return moment.None
	}
	i := slices.Index(l.names, value)
	if i < 0 {
		i = len(l.names)
		l.names = append(l.names, value)
	}
	return moment.FirstValue + uint32(i)
}

func (l *lab) slice(values ...string) (s moment.Slice) {
	for i, v := range values {
		if v != "" {
			s[i] = l.id(v)
		}
	}
	return s
}

// subject adds one subject with a value for each metric; the subject is exposed if its cell fixes no event dimension.
func (l *lab) subject(variant int, s moment.Slice, points ...moment.Point) {
	if l.cube == nil {
		l.cube = cube.New(l.plan)
	}
	event := false
	for d, dim := range l.x().Dimensions {
		event = event || dim.Kind == catalog.EventDimension && s[d] != moment.All
	}
	if !event {
		l.cube.Change(moment.Change{Variant: variant, Metric: moment.ExposedMetric, Slice: s, New: moment.Point{In: true, Den: 1}})
	}
	for m, p := range points {
		p.In = true
		l.cube.Change(moment.Change{Variant: variant, Metric: m, Slice: s, New: p})
	}
}

// leaves takes out what subject added with the same arguments, but for the exposure.
func (l *lab) leaves(variant int, s moment.Slice, points ...moment.Point) {
	for m, p := range points {
		p.In = true
		l.cube.Change(moment.Change{Variant: variant, Metric: m, Slice: s, Old: p})
	}
}

func (l *lab) cells() *cube.Cells {
	if l.cube == nil {
		l.cube = cube.New(l.plan)
	}
	return l.cube.Snapshot(0, func(id uint32) string { return l.names[id-moment.FirstValue] })
}

var noon = time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)

func mean(num int64) moment.Point { return moment.Point{Num: num, Den: 1} }

func asJSON(t *testing.T, r *Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJSON(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEvaluateOrdersRows(t *testing.T) {
	l := newLab("b", "a", "c").dimension(catalog.ExposureDimension, "platform", "country")
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "crashes"}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.05, Relative: true}}, 0, -1)
	l.metric(goal("zeal"), 0, -1).metric(goal("ardour"), 0, -1)
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "extra"}, Role: catalog.Secondary}, 0, -1)
	l.x().Metrics[3].Dimensions = 1 << 1 // country only
	for v := range 3 {
		for _, p := range []string{"web", "ios"} {
			for _, c := range []string{"KR", "(none)"} {
				l.subject(v, l.slice(p, c), mean(1), mean(2), mean(3), mean(4))
			}
		}
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{Mode: AllSlices})
	var got []string
	for i := range r.Rows {
		got = append(got, r.Rows[i].Key())
	}
	var want []string
	for _, m := range []string{"zeal", "ardour", "extra", "crashes"} {
		slices := []string{"all", "platform=ios", "platform=web", "country=(none)", "country=KR", "country=(none),platform=ios", "country=KR,platform=ios", "country=(none),platform=web", "country=KR,platform=web"}
		for _, s := range slices {
			if m == "extra" && strings.Contains(s, "platform") {
				continue
			}
			want = append(want, m+"/"+s+"/a", m+"/"+s+"/c")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(r.Rows[0].ByVariant) != 2 {
		t.Errorf("a row has arms %v, want the treatment and the control", r.Rows[0].ByVariant)
	}
}

// An empty experiment has a row for each metric and treatment, with every number null and arrays instead of nulls.
func TestEvaluateOfNothing(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "platform").metric(goal("m"), 2, 0)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	if len(r.Rows) != 1 || r.Rows[0].State != "no_data" || r.State != "running" {
		t.Fatalf("%s", asJSON(t, r))
	}
	text := asJSON(t, r)
	for _, want := range []string{`"positions": {}`, `"tuning": {}`, `"slice": {}`, `"watermark": null`, `"sum_num": "0"`, `"value": null`, `"records": {}`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// The tuning is set once, when the silence rule first holds, is dated, and stays what it was.
func TestTuningIsSetOnce(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	e := NewEvaluator(l.plan, 0)
	facts := map[string]Tuning{}
	look := func(at time.Time) (*Result, *Row) {
		r := e.Evaluate(l.cells(), Inputs{AsOf: at, Facts: facts}, Slices{})
		return r, &r.Rows[0]
	}
	rng := rand.New(rand.NewPCG(3, 4))
	add := func(n int) {
		for range n {
			l.subject(0, moment.Slice{}, mean(rng.Int64N(2)))
			l.subject(1, moment.Slice{}, mean(rng.Int64N(2)))
		}
	}
	add(99)
	r, row := look(noon)
	if row.State != "collecting" || row.Tuning != nil || len(r.Facts) != 0 || row.Difference.IntervalAlways != nil {
		t.Fatalf("with 99 subjects an arm: %s %v", row.State, row.Tuning)
	}
	if row.Difference.Interval == nil {
		t.Error("a computable number is missing while collecting")
	}
	add(1)
	r, row = look(noon.Add(time.Minute))
	if row.State == "collecting" || row.Tuning == nil || !row.Tuning.Set.Equal(noon.Add(time.Minute)) || row.Difference.IntervalAlways == nil {
		t.Fatalf("with 100 subjects an arm: %s %v", row.State, row.Tuning)
	}
	if len(r.Facts) != 1 || r.Tuning["m/treatment"].V != row.Tuning.V || r.Facts[row.Key()] != *row.Tuning {
		t.Fatalf("facts %v", r.Facts)
	}
	set := *row.Tuning
	facts = r.Facts
	add(500)
	r, row = look(noon.Add(time.Hour))
	if *row.Tuning != set || len(r.Facts) != 0 {
		t.Errorf("the fact became %v, was %v; new facts %v", *row.Tuning, set, r.Facts)
	}
	// Another process, which knows the facts, says the same.
	if other := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon.Add(time.Hour), Facts: facts}, Slices{}); asJSON(t, other) != asJSON(t, r) {
		t.Error("the same cells and facts give another result")
	}
	// A fact of another definition does not count.
	foreign := map[string]Tuning{row.Key(): {V: 1, Definition: "other", Set: &noon}}
	if other := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Facts: foreign}, Slices{}); other.Rows[0].Tuning.V == 1 {
		t.Error("took the fact of another definition")
	}
	// Final data is tuned by itself, says so and leaves no fact.
	final := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Analyze: true}, Slices{})
	if f := &final.Rows[0]; len(final.Facts) != 0 || f.Tuning == nil || f.Tuning.Set != nil || !slices.Contains(f.Reasons, ReasonOwnTuning) {
		t.Errorf("analyze: facts %v, row %+v", final.Facts, f)
	}
	// … but uses a fact that it is given.
	given := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Analyze: true, Facts: facts}, Slices{})
	if g := &given.Rows[0]; *g.Tuning != set || slices.Contains(g.Reasons, ReasonOwnTuning) {
		t.Errorf("analyze with facts: %+v", g.Tuning)
	}
}

// The fact that was just set stays when the caller has not stored it yet.
func TestTuningStaysBeforeItIsStored(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	e := NewEvaluator(l.plan, 0)
	for i := range 400 {
		l.subject(i%2, moment.Slice{}, mean(int64(i/2%2)))
	}
	first := e.Evaluate(l.cells(), Inputs{AsOf: noon}, Slices{})
	for i := range 400 {
		l.subject(i%2, moment.Slice{}, mean(int64(i/2%3)))
	}
	second := e.Evaluate(l.cells(), Inputs{AsOf: noon.Add(time.Second)}, Slices{})
	a, b := first.Rows[0].Tuning, second.Rows[0].Tuning
	if !equalTuning(a, b) || len(second.Facts) != 1 {
		t.Errorf("set %v, then %v", a, b)
	}
}

func TestSRMFailureMakesRowsUnreliable(t *testing.T) {
	l := newLab().metric(goal("m"), 0, -1)
	for i := range 3000 {
		l.subject(min(i%3, 1), moment.Slice{}, mean(int64(i%2)))
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	if r.SRM.State != "failed" || r.Rows[0].State != "unreliable" || !slices.Contains(r.Rows[0].Reasons, ReasonSRM) {
		t.Errorf("%s %s %v", r.SRM.State, r.Rows[0].State, r.Rows[0].Reasons)
	}
	in := Inputs{AsOf: noon, Unreliable: []string{"halted_gap"}}
	if r := Evaluate(l.plan, 0, l.cells(), in, Slices{}); !slices.Contains(r.Rows[0].Reasons, "halted_gap") || !slices.Contains(r.Reasons, "halted_gap") {
		t.Errorf("%v %v", r.Rows[0].Reasons, r.Reasons)
	}
}

// A slice by a dimension of the events says so, and exists only for metrics with subjects there.
func TestEventSlicesAreMarked(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "country").dimension(catalog.EventDimension, "platform").metric(goal("m"), 0, -1).metric(goal("n"), 0, -1)
	for v := range 2 {
		l.subject(v, l.slice("KR", ""), mean(3), mean(1))
		l.subject(v, l.slice("KR", "ios"), mean(2))
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{Mode: AllSlices})
	seen := map[string]bool{}
	for i := range r.Rows {
		row := &r.Rows[i]
		_, event := row.Slice["platform"]
		seen[row.Metric+"/"+SliceKey(row.Slice)] = true
		if event != slices.Contains(row.Reasons, ReasonConditioned) {
			t.Errorf("%s: reasons %v", row.Key(), row.Reasons)
		}
	}
	for key, want := range map[string]bool{"m/all": true, "m/platform=ios": true, "m/country=KR,platform=ios": true, "n/platform=ios": false, "n/country=KR": true} {
		if seen[key] != want {
			t.Errorf("row %s: %v, want %v", key, seen[key], want)
		}
	}
}

// Evaluating what changed gives what evaluating everything gives, and rows that did not change are the same.
func TestEvaluatorEqualsEvaluate(t *testing.T) {
	for range 6 {
		evaluatorEqualsEvaluate(t, rand.Uint64())
	}
}

func evaluatorEqualsEvaluate(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	l := newLab("a", "b", "c").dimension(catalog.ExposureDimension, "x", "y").dimension(catalog.EventDimension, "z").metric(goal("m"), 2, -1).metric(goal("n"), 2, 0)
	l.x().PrePeriod = int64(24 * time.Hour / time.Microsecond)
	// Rows of one family know one another: what one says changes what is said of others.
	l.x().Correction = []catalog.Correction{catalog.NoCorrection, catalog.Bonferroni, catalog.Holm, catalog.BH, catalog.EBH}[rng.IntN(5)]
	l.x().Metrics[1].Role = []catalog.Role{catalog.Goal, catalog.Secondary}[rng.IntN(2)]
	l.x().Sequential.Student, l.x().MDE = rng.IntN(2) == 0, 0.05
	if l.x().Sequential.FinalLook = l.x().Correction != catalog.EBH && rng.IntN(2) == 0; l.x().Sequential.FinalLook {
		l.x().End = noon.Add(30 * time.Second)
	} else {
		l.x().Fixed = l.x().Correction != catalog.EBH && rng.IntN(2) == 0
	}
	e, hub := NewEvaluator(l.plan, 0), NewHub()
	sub := hub.Subscribe()
	facts := map[string]Tuning{}
	shown := map[string]string{}
	var visits []func()
	modes := []Slices{{}, {Mode: AllSlices}, {Mode: NoSlices}, {Mode: NamedSlices, Dimensions: []string{"y"}}}
	for step := range 40 {
		for range rng.IntN(200) * min(1, rng.IntN(4)) { // sometimes nothing changes
			s := l.slice(fmt.Sprint("x", rng.IntN(3)), fmt.Sprint("y", rng.IntN(2)))
			p := moment.Point{Num: rng.Int64N(1000), Den: 1, Pre: rng.Int64N(100), PreDen: 1}
			q := moment.Point{Num: rng.Int64N(1000) - 300, Den: rng.Int64N(5), Pre: rng.Int64N(100), PreDen: rng.Int64N(3)}
			variant := rng.IntN(3)
			l.subject(variant, s, p, q)
			if rng.IntN(2) == 0 {
				s[2] = l.id(fmt.Sprint("z", rng.IntN(9)))
				points := []moment.Point{p, q}[:1+rng.IntN(2)]
				l.subject(variant, s, points...)
				visits = append(visits, func() { l.leaves(variant, s, points...) })
			}
		}
		for len(visits) > 10 { // few stay: slices come and go
			i := rng.IntN(len(visits))
			visits[i]()
			visits = slices.Delete(visits, i, i+1)
		}
		in := Inputs{AsOf: noon.Add(time.Duration(step) * time.Second), Facts: facts, Complete: rng.IntN(3) > 0}
		if rng.IntN(3) == 0 {
			in.Warnings = map[string][]Warning{"m/all/b": {{Code: "novelty", Text: fmt.Sprint(rng.IntN(2))}}}
		}
		if rng.IntN(4) == 0 {
			in.Unreliable = []string{"halted_gap"}
		}
		sl := modes[rng.IntN(len(modes))]
		r := e.Evaluate(l.cells(), in, sl)
		want := Evaluate(l.plan, 0, l.cells(), in, sl)
		if a, b := asJSON(t, r), asJSON(t, want); a != b {
			t.Fatalf("seed %d, step %d: evaluator says\n%s\nwant\n%s", seed, step, a, b)
		}
		facts = maps.Clone(facts)
		maps.Copy(facts, r.Facts)
		hub.Publish(r)
		u := sub.Take()[0]
		for _, k := range u.Removed {
			delete(shown, k)
		}
		for _, i := range u.Changed {
			b, _ := json.Marshal(&r.Rows[i])
			shown[r.Rows[i].Key()] = string(b)
		}
		if len(shown) != len(r.Rows) {
			t.Fatalf("seed %d, step %d: %d rows shown of %d", seed, step, len(shown), len(r.Rows))
		}
		for i := range r.Rows {
			if b, _ := json.Marshal(&r.Rows[i]); shown[r.Rows[i].Key()] != string(b) {
				t.Fatalf("seed %d, step %d: row %s changed and was not said to", seed, step, r.Rows[i].Key())
			}
		}
	}
}

// However extreme the sums, every number is finite or null (JSON has no other), and a null has a reason.
func TestEvaluateIsFinite(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	extreme := []int64{0, 0, 1, -1, 2, 1 << 31, math.MaxInt64, math.MinInt64, 999_999_999_999}
	pick := func() int64 { return extreme[rng.IntN(len(extreme))] }
	for range 3000 {
		l := newLab().metric(goal("mean"), rng.IntN(10), -1).metric(goal("ratio"), rng.IntN(10), rng.IntN(10))
		l.x().Metrics[1].Limit = &catalog.Limit{Value: -0.05, Relative: rng.IntN(2) == 0}
		l.x().PrePeriod = rng.Int64N(2)
		for range rng.IntN(6) * rng.IntN(60) {
			l.subject(rng.IntN(2), moment.Slice{}, moment.Point{Num: pick(), Den: 1, Pre: pick(), PreDen: 1}, moment.Point{Num: pick(), Den: pick(), Pre: pick(), PreDen: pick()})
		}
		r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Analyze: rng.IntN(2) == 0}, Slices{})
		if _, err := json.Marshal(r); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i := range r.Rows {
			if row := &r.Rows[i]; (row.Difference.P == nil || row.Lift.Value == nil || row.Lift.Interval == nil) && len(row.Reasons) == 0 {
				t.Fatalf("seed %d: a number is missing without a reason: %+v", seed, row)
			}
			row := r.Rows[i].Texts(r.Alpha)
			if all := fmt.Sprint(row); strings.Contains(all, "NaN") || strings.Contains(all, "Inf") {
				t.Fatalf("seed %d: %s", seed, all)
			}
		}
	}
}

// A grouping with too many values is one row that says so: with everybody's numbers, or none for a dimension of events.
func TestCardinalityIsUnreliable(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "country").dimension(catalog.EventDimension, "page").metric(goal("m"), 0, -1)
	l.cube = cube.NewLimited(l.plan, cube.Limits{Values: 2, Kept: 3, Cells: 1000})
	for i := range 400 {
		country, page := fmt.Sprint("c", i%5), fmt.Sprint("p", i%7)
		l.subject(i%2, l.slice(country), mean(int64(i/2%2)))
		l.subject(i%2, l.slice(country, page), mean(1))
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	want := map[string]struct {
		state string
		n     int64
	}{"m/all/treatment": {"not_clear", 200}, "m/country=(other)/treatment": {"unreliable", 200}, "m/page=(other)/treatment": {"unreliable", 0}}
	if len(r.Rows) != len(want) {
		t.Errorf("%d rows, want %d", len(r.Rows), len(want))
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		w := want[row.Key()]
		if row.State != w.state || row.ByVariant["treatment"].N != w.n || slices.Contains(row.Reasons, ReasonCardinality) != (w.state == "unreliable") {
			t.Errorf("%s: %s with n %d, %v", row.Key(), row.State, row.ByVariant["treatment"].N, row.Reasons)
		}
	}
}

// While there are too few subjects to say anything, too many values are still said.
func TestCardinalityWhileCollecting(t *testing.T) {
	l := newLab().dimension(catalog.ExposureDimension, "country").metric(goal("m"), 0, -1)
	l.cube = cube.NewLimited(l.plan, cube.Limits{Values: 2, Kept: 3, Cells: 1000})
	for i := range 20 {
		l.subject(i%2, l.slice(fmt.Sprint(i)), mean(1))
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	if r.Rows[0].State != "collecting" || r.Rows[1].State != "unreliable" {
		t.Errorf("%s %s", r.Rows[0].State, r.Rows[1].State)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	l := newLab().dimension(catalog.ExposureDimension, "x", "y")
	for m := range 20 {
		l.metric(goal(fmt.Sprint("m", m)), 2, m%2-1)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	point := func() moment.Point { return moment.Point{Num: rng.Int64N(1000), Den: 1 + rng.Int64N(3)} }
	add := func(n int) {
		for range n {
			points := make([]moment.Point, 20)
			for m := range points {
				points[m] = point()
			}
			l.subject(rng.IntN(2), l.slice(fmt.Sprint("x", rng.IntN(25)), fmt.Sprint("y", rng.IntN(20))), points...)
		}
	}
	add(100_000)
	for _, sl := range []Slices{{Mode: AllSlices}, {}} {
		b.Run("slices="+sl.String()+"/all", func(b *testing.B) {
			cells := l.cells()
			rows := 0
			for b.Loop() {
				rows = len(NewEvaluator(l.plan, 0).Evaluate(cells, Inputs{AsOf: noon}, sl).Rows)
			}
			b.ReportMetric(float64(rows), "rows")
		})
		b.Run("slices="+sl.String()+"/changed=10", func(b *testing.B) {
			e := NewEvaluator(l.plan, 0)
			e.Evaluate(l.cells(), Inputs{AsOf: noon}, sl)
			for b.Loop() {
				b.StopTimer()
				add(10)
				b.StartTimer()
				e.Evaluate(l.cells(), Inputs{AsOf: noon}, sl)
			}
		})
	}
}

// Slices that stand still are not looked at again, but their facts are told until they are kept, other facts count at once, and the
// whole's tuning is in every result.
func TestSlicesThatStandStillFollowTheirFacts(t *testing.T) {
	const seed = 4
	rng := rand.New(rand.NewPCG(seed, 0))
	l := newLab().dimension(catalog.ExposureDimension, "x").metric(goal("m"), 2, -1)
	for i := range 3000 {
		l.subject(i%2, l.slice(fmt.Sprint("x", rng.IntN(2))), moment.Point{Num: rng.Int64N(1000) + int64(i%2)*100, Den: 1})
	}
	e, at := NewEvaluator(l.plan, 0), 0
	look := func(facts map[string]Tuning) *Result {
		at++
		return e.Evaluate(l.cells(), Inputs{AsOf: noon.Add(time.Duration(at) * time.Second), Facts: facts}, Slices{})
	}
	first := look(nil)
	if len(first.Rows) != 3 || len(first.Facts) != 3 || len(first.Tuning) != 1 {
		t.Fatalf("%d rows, %d facts, %d tunings", len(first.Rows), len(first.Facts), len(first.Tuning))
	}
	equal := func(a, b Tuning) bool { return equalTuning(&a, &b) }
	for range 2 {
		if again := look(nil); !maps.EqualFunc(again.Facts, first.Facts, equal) || !maps.EqualFunc(again.Tuning, first.Tuning, equal) {
			t.Fatalf("facts that were not kept: %v, want %v", again.Facts, first.Facts)
		}
	}
	for range 2 {
		if kept := look(first.Facts); len(kept.Facts) != 0 || !maps.EqualFunc(kept.Tuning, first.Tuning, equal) {
			t.Fatalf("facts that were kept: %v, tunings %v, want none, %v", kept.Facts, kept.Tuning, first.Tuning)
		}
	}
	key := first.Rows[1].Key()
	other := maps.Clone(first.Facts)
	fact := other[key]
	fact.V *= 2
	other[key] = fact
	for _, facts := range []map[string]Tuning{other, first.Facts, other} {
		r := look(facts)
		in := Inputs{AsOf: r.AsOf, Facts: facts}
		if a, b := asJSON(t, r), asJSON(t, Evaluate(l.plan, 0, l.cells(), in, Slices{})); a != b {
			t.Fatalf("with other facts\n%s\nwant\n%s", a, b)
		}
		if got := r.Rows[1].Tuning.V; got != facts[key].V {
			t.Errorf("v is %v, want %v", got, facts[key].V)
		}
	}
}
