package view

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

func ptr(v float64) *float64 { return &v }

// row is a row of the whole with a lift, its always-valid interval, and a fixed-horizon one of half its width.
func row(metric string, lift, low, high float64) *results.Row {
	return &results.Row{Metric: metric, Role: "goal", Variant: "b", Control: "a", State: "not_clear", ByVariant: map[string]results.Arm{"a": {N: 1000, Value: ptr(2)}, "b": {N: 1000, Value: ptr(2)}},
		Lift: results.Lift{Value: &lift, IntervalAlways: &[2]float64{low, high}, Interval: &[2]float64{(lift + low) / 2, (lift + high) / 2}}}
}

func TestAxisIsSymmetricAndRound(t *testing.T) {
	for _, c := range []struct {
		low, high, want float64
		ticks           string
	}{
		{0.004, 0.042, 0.05, "−5% −2.5% 0 +2.5% +5%"},
		{-0.11, 0.02, 0.12, "−12% −6% 0 +6% +12%"},
		{-0.0003, 0.0009, 0.001, "−0.1% −0.05% 0 +0.05% +0.1%"},
		{-2, 3, 3, "−300% −150% 0 +150% +300%"},
	} {
		a := axisOver([]*results.Row{row("M", (c.low+c.high)/2, c.low, c.high)})
		var texts []string
		for i, tick := range a.Ticks {
			texts = append(texts, tick.Text)
			if mirror := a.Ticks[len(a.Ticks)-1-i]; math.Abs(tick.X+mirror.X-Width) > 1e-9 {
				t.Errorf("[%g, %g]: tick %s is not mirrored", c.low, c.high, tick.Text)
			}
		}
		if math.Abs(a.Max-c.want) > 1e-12 || strings.Join(texts, " ") != c.ticks {
			t.Errorf("[%g, %g]: axis to %g with ticks %q, want %g and %q", c.low, c.high, a.Max, texts, c.want, c.ticks)
		}
	}
	if a := axisOver(nil); a.Max != 0 || a.draw(row("M", 0, -1, 1)) != (Drawing{}) {
		t.Error("an axis over nothing draws something")
	}
}

func TestAxisIsNotRuledByOneThinSlice(t *testing.T) {
	rows := []*results.Row{row("M", 0.02, 0.01, 0.03)}
	for range 10 {
		r := row("M", 0.02, -3, 3)
		r.Slice = map[string]string{"country": "LI"}
		rows = append(rows, r)
	}
	if a := axisOver(rows); a.Max > 0.0601 {
		t.Errorf("the axis reaches to %g because of slices; the whole needs 0.03", a.Max)
	}
	if a := axisOver([]*results.Row{row("M", 2.5, 1.7, 3.8), row("N", 0.07, 0.02, 0.12), row("O", 0, -0.04, 0.05)}); a.Max > 0.31 {
		t.Errorf("the axis reaches to %g because of one row; the others need 0.12", a.Max)
	}
	collecting := row("M", 0.5, 0, 0)
	collecting.Lift.IntervalAlways, collecting.Lift.Interval = nil, &[2]float64{-4, 5}
	if a := axisOver([]*results.Row{rows[0], collecting}); a.Max > 0.0301 {
		t.Errorf("the axis reaches to %g because of a row that is still collecting", a.Max)
	}
}

func TestDrawingClipsWithArrows(t *testing.T) {
	a := Axis{Max: 0.1}
	x := func(v float64) float64 { return round1(a.at(v)) }
	for _, c := range []struct {
		name      string
		low, high float64
		bar       string
	}{
		{"inside", -0.05, 0.05, "M64 7H176V17H64V7Z"},
		{"high end outside", 0, 0.2, "M120 7H232L238 12L232 17H120V7Z"},
		{"low end outside", -0.2, 0, "M8 7H120V17H8L2 12L8 7Z"},
		{"both", -1, 1, "M8 7H232L238 12L232 17H8L2 12L8 7Z"},
		{"wholly above", 0.3, 0.4, "M222 7H232L238 12L232 17H222V7Z"},
		{"wholly below", -0.4, -0.3, "M8 7H18V17H8L2 12L8 7Z"},
		{"too narrow to see", 0.05, 0.0501, "M175.3 7H176.9V17H175.3V7Z"},
	} {
		if got := a.bar(&[2]float64{c.low, c.high}); got != c.bar {
			t.Errorf("%s: %s, want %s", c.name, got, c.bar)
		}
	}
	if got := a.bar(nil); got != "" {
		t.Errorf("no interval draws %s", got)
	}
	r := row("M", 0.02, -0.01, 0.05)
	r.Guardrail = &results.Guardrail{Limit: 0.05, Unit: "relative"}
	d := a.draw(r)
	if d.Point != "M142.4 12h0" || d.Limit != "M176 1V23" || d.Whisker == "" || x(0) != 120 {
		t.Errorf("drawing %+v", d)
	}
	r.Guardrail = &results.Guardrail{Limit: -0.1, Unit: "absolute"} // of a control of 2: −5 %
	if d := a.draw(r); d.Limit != "M64 1V23" {
		t.Errorf("absolute limit at %s", d.Limit)
	}
	r.Lift = results.Lift{}
	if d := a.draw(r); d.Bar+d.Whisker+d.Point != "" {
		t.Errorf("a row without a lift draws %+v", d)
	}
}

// experiment of one goal and one guardrail, two arms (three with more).
func experiment(more ...string) *catalog.Experiment {
	x := &catalog.Experiment{ID: "x", Control: "a", Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC), Alpha: 0.05,
		Variants: []catalog.Variant{{ID: "a", Weight: 1}, {ID: "b", Weight: 1}}}
	for _, v := range more {
		x.Variants = append(x.Variants, catalog.Variant{ID: v, Weight: 1})
	}
	x.Metrics = []catalog.MetricUse{{Metric: &catalog.Metric{ID: "CTR"}, Role: catalog.Goal}, {Metric: &catalog.Metric{ID: "P95", Name: "p95 latency"}, Role: catalog.Guardrail}}
	return x
}

// said is a result in which the rows have the words given: metric, variant, state, and a guardrail's state.
func said(words ...[4]string) *results.Result {
	r := &results.Result{Experiment: "x", State: "running", Complete: true, Alpha: 0.05, Subjects: map[string]int64{"a": 1000, "b": 1000}, SRM: results.SRM{State: "ok", PSequential: ptr(1)}, AsOf: time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC)}
	for _, w := range words {
		n := row(w[0], 0.023, 0.004, 0.042)
		n.Variant, n.State = w[1], w[2]
		if w[3] != "" {
			n.Role, n.Guardrail = "guardrail", &results.Guardrail{Limit: 0.05, Unit: "relative", State: w[3]}
		}
		r.Rows = append(r.Rows, *n)
	}
	return r
}

func TestVerdictFollowsTheRule(t *testing.T) {
	goal, rail := func(state string) [4]string { return [4]string{"CTR", "b", state, ""} }, func(state string) [4]string { return [4]string{"P95", "b", "not_clear", state} }
	const better = "CTR better: +2.3% (95% always-valid +0.4 … +4.2)."
	for _, c := range []struct {
		name   string
		change func(*results.Result)
		words  [][4]string
		state  string
		text   string
		rule   string
	}{
		{"all good", nil, [][4]string{goal("better"), rail("within")}, "better", "Ready to decide. " + better, "all_goals_better_and_no_guardrail_near_or_crossed"},
		{"a guardrail worse within its limit", nil, [][4]string{goal("better"), {"P95", "b", "worse", "within"}}, "better", "Ready to decide. " + better + " Guardrail p95 latency worse, within its limit: +2.3% (95% always-valid +0.4 … +4.2).", "all_goals_better_and_no_guardrail_near_or_crossed"},
		{"near", nil, [][4]string{goal("better"), rail("near")}, "better", "Keep running. " + better + " 1 of 1 guardrails near its limit.", "some_goals_better"},
		{"crossed beats better", nil, [][4]string{goal("better"), rail("crossed")}, "worse", "Stop or roll back. p95 latency crossed its limit +5%: +2.3% (95% always-valid +0.4 … +4.2).", "any_guardrail_crossed"},
		{"worse", nil, [][4]string{goal("worse"), rail("within")}, "worse", "Consider stopping. CTR worse: +2.3% (95% always-valid +0.4 … +4.2).", "goal_worse"},
		{"worse at the end", func(r *results.Result) { r.State = "ended" }, [][4]string{goal("worse"), rail("within")}, "worse", "Do not ship. CTR worse: +2.3% (95% always-valid +0.4 … +4.2).", "goal_worse"},
		{"not clear", nil, [][4]string{goal("not_clear"), rail("within")}, "not_clear", "Keep running. No goal is clear yet. CTR: +2.3% (95% always-valid +0.4 … +4.2).", "no_goal_clear"},
		{"not clear at the end", func(r *results.Result) { r.State = "stopped" }, [][4]string{goal("not_clear")}, "not_clear", "No clear effect. CTR: +2.3% (95% always-valid +0.4 … +4.2).", "no_goal_clear"},
		{"collecting", nil, [][4]string{goal("collecting"), rail("within")}, "collecting", "Too early to say. Fewer subjects than a result needs; it is given as soon as there are enough.", "collecting"},
		{"SRM beats crossed", func(r *results.Result) { r.SRM.State = "failed" }, [][4]string{goal("better"), rail("crossed")}, "unreliable", "Do not decide on these numbers. Subjects are not split as planned, so every difference is suspect.", "srm_failed"},
		{"failed beats all", func(r *results.Result) { r.SRM.State = "failed" }, [][4]string{goal("failed"), rail("crossed")}, "failed", "Some results cannot be computed. Their rows say why; do not decide before they are repaired.", "any_row_failed"},
		{"unreliable", nil, [][4]string{goal("unreliable"), rail("within")}, "unreliable", "Wait before deciding. The data is incomplete; the rows say why.", "any_row_unreliable"},
		{"nobody", func(r *results.Result) { r.Subjects = nil }, [][4]string{goal("no_data")}, "no_data", "No exposures yet. No subject has been exposed.", "no_subjects"},
	} {
		r := said(c.words...)
		if c.change != nil {
			c.change(r)
		}
		v := judge(experiment(), r, &Page{})
		if got := v.Lead + " " + v.Text; v.State != c.state || got != c.text || v.Rule != c.rule {
			t.Errorf("%s: %s, %q by %s\nwant %s, %q by %s", c.name, v.State, got, v.Rule, c.state, c.text, c.rule)
		}
		if v.RuleText() == "" || strings.Contains(v.RuleText(), "_") {
			t.Errorf("%s: the rule %s reads %q", c.name, v.Rule, v.RuleText())
		}
	}
}

func TestVerdictNamesTheArmWhereThereAreSeveral(t *testing.T) {
	v := judge(experiment("c"), said([4]string{"CTR", "b", "better", ""}, [4]string{"CTR", "c", "worse", ""}), &Page{})
	if v.Lead != "Ready to decide." || !strings.HasPrefix(v.Text, "b: CTR better: +2.3%") {
		t.Errorf("%s %s", v.Lead, v.Text)
	}
	v = judge(experiment("c"), said([4]string{"P95", "b", "worse", "within"}, [4]string{"P95", "c", "worse", "crossed"}), &Page{})
	if v.Lead != "Stop or roll back c." {
		t.Errorf("%s", v.Lead)
	}
}

func TestFreshnessSaysTheWorst(t *testing.T) {
	now := time.Date(2026, 1, 6, 12, 0, 3, 0, time.UTC)
	live := stream.Status{State: stream.Running, Sources: []stream.SourceStatus{{ID: "orders", LagSeconds: 3.14}, {ID: "other", LagSeconds: 900}}}
	with := func(change func(*stream.Status)) stream.Status {
		s := live
		s.Sources = append([]stream.SourceStatus{}, live.Sources...)
		change(&s)
		return s
	}
	ledger := func(r *results.Result) *results.Result {
		r.Ledger.Records = map[string]results.RecordLedger{"orders": {Rejected: 2}}
		r.Ledger.Events = map[string]results.EventLedger{"E": {Evaluated: 10000, Late: 4, Duplicate: 11, Rejected: 10}}
		return r
	}
	r := ledger(said([4]string{"CTR", "b", "better", ""}))
	for _, c := range []struct {
		name        string
		st          stream.Status
		change      func(*results.Result)
		now         time.Time
		state, word string
	}{
		{"live: another experiment's source does not count", live, nil, now, "live", "live"},
		{"behind", with(func(s *stream.Status) { s.Sources[0].LagSeconds = 250 }), nil, now, "behind", "behind 4 min"},
		{"stalled", live, nil, now.Add(10 * time.Minute), "stalled", "no new result for 10 min"},
		{"nothing new is not stalled", with(func(s *stream.Status) { s.Sources[0].LagSeconds = 0 }), nil, now.Add(10 * time.Minute), "quiet", "no new events for 10 min"},
		{"stopped is not stalled", live, func(r *results.Result) { r.State = "stopped" }, now.Add(time.Hour), "frozen", "frozen"},
		{"complete", with(func(s *stream.Status) {
			s.Partitions = []stream.PartitionStatus{{Source: "orders", File: "a.csv", State: stream.Done}, {Source: "other", State: stream.Running}}
		}), nil, now.Add(time.Hour), "complete", "complete"},
		{"not yet complete", with(func(s *stream.Status) {
			s.Partitions = []stream.PartitionStatus{{Source: "orders", File: "a.csv", State: stream.Done}, {Source: "orders", File: "b.csv", State: stream.Running}}
		}), nil, now, "live", "live"},
		{"partial", live, func(r *results.Result) { r.Complete = false }, now, "partial", "partial: some inputs are not read yet"},
		{"brokers away", with(func(s *stream.Status) { s.State = stream.Degraded }), nil, now, "stalled", "brokers do not answer"},
		{"disk", with(func(s *stream.Status) { s.Disk.Low = true }), nil, now, "paused", "paused: disk nearly full"},
		{"rebuild", with(func(s *stream.Status) { s.Rebuild = &stream.RebuildStatus{Progress: 0.43} }), nil, now, "backfilling", "backfilling 43%"},
		{"catching up", with(func(s *stream.Status) { s.State, s.Sources[0].LagSeconds = stream.Restoring, 7200 }), nil, now, "restoring", "catching up, 2 h behind"},
		{"a halt beats all", with(func(s *stream.Status) {
			s.Disk.Low = true
			s.Partitions = []stream.PartitionStatus{{Source: "orders", Topic: "shop.orders", Partition: 3, State: stream.HaltedGap}}
		}), nil, now, "halted", "HALTED_GAP shop.orders/3"},
		{"but not another source's", with(func(s *stream.Status) {
			s.Partitions = []stream.PartitionStatus{{Source: "other", Topic: "x", State: stream.HaltedGap}}
		}), nil, now, "live", "live"},
	} {
		copied := *r
		if c.change != nil {
			c.change(&copied)
		}
		f := freshness(experiment(), &copied, c.st, c.now)
		if f.State != c.state || f.Word != c.word {
			t.Errorf("%s: %s %q, want %s %q", c.name, f.State, f.Word, c.state, c.word)
		}
	}
	f := freshness(experiment(), r, live, now)
	if f.Lag != "3.1 s" || f.Late != "0.04%" || f.Duplicate != "0.11%" || f.Rejected != "12" || f.AsOf != "6 Jan 12:00:00 UTC" {
		t.Errorf("%+v", f)
	}
}

func TestDayOfAnExperiment(t *testing.T) {
	x := experiment()
	for at, want := range map[string]Day{
		"2025-12-31T00:00:00Z": {"starts 1 Jan", "0", ""},
		"2026-01-01T00:00:00Z": {"day 1/14", "0", ""},
		"2026-01-08T00:00:00Z": {"day 8/14", "36", ""},
		"2026-02-01T00:00:00Z": {"day 14/14", "72", ""},
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := day(x, when); got.Text != want.Text || got.Width != want.Width {
			t.Errorf("%s: %+v, want %+v", at, got, want)
		}
	}
}

func TestQuotedNamesStayInTheirPlace(t *testing.T) {
	for name, want := range map[string]string{
		"CTR":                            "CTR",
		"a\nb\tc":                        "a b c",
		"\u202eevil\u202c \u2066x\u2069": "evil x",
		"نص":                             "\u2068نص\u2069",
		strings.Repeat("é", 90):          strings.Repeat("é", 80) + "…",
		"two\u2028lines\u200f":           "two lines",
		"<b>":                            "<b>", // escaping is the template's
		"bad \xff utf8":                  "bad  utf8",
	} {
		if got := quoted(name); got != want {
			t.Errorf("quoted(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestSinceHasOneUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 s", 3140 * time.Millisecond: "3.1 s", 45 * time.Second: "45 s", 5 * time.Minute: "5 min", time.Hour: "1 h", 90 * time.Minute: "90 min", 30 * time.Hour: "30 h", 6 * 24 * time.Hour: "6 d", -1: "—"} {
		if got := Since(d); got != want {
			t.Errorf("Since(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestShapeMovesWithElementsOnly(t *testing.T) {
	x := experiment()
	set := &catalog.Set{}
	st := stream.Status{State: stream.Running}
	of := func(r *results.Result) string {
		return shape(NewTable(set, x, r), banners(x, r, st, r.AsOf), epochs(x, r), r.State)
	}
	r := said([4]string{"CTR", "b", "better", ""}, [4]string{"P95", "b", "worse", "near"})
	before := of(r)
	r.Rows[0].Lift.Value, r.Rows[0].State, r.AsOf = ptr(0.5), "not_clear", r.AsOf.Add(time.Hour)
	if of(r) != before {
		t.Error("numbers and words changed the shape")
	}
	r.Rows[1].Guardrail.State = "crossed"
	if of(r) == before {
		t.Error("a crossed guardrail, which needs its banner, did not change the shape")
	}
	r.Rows = r.Rows[:1]
	if of(r) == before {
		t.Error("a row less did not change the shape")
	}
}

// The list marks a running experiment whose goals or guardrails have warnings, and no other.
func TestListMarksWhatToCheck(t *testing.T) {
	x := experiment()
	x.Metrics = append(x.Metrics, catalog.MetricUse{Metric: &catalog.Metric{ID: "AOV"}, Role: catalog.Secondary})
	warn := func(at ...int) *results.Result {
		r := said([4]string{"CTR", "b", "better", ""}, [4]string{"P95", "b", "not_clear", "within"}, [4]string{"AOV", "b", "not_clear", ""})
		r.Rows[2].Role = "secondary"
		for _, i := range at {
			r.Rows[i].Warnings = []results.Warning{{Code: "novelty"}, {Code: "mix_shift"}}
		}
		return r
	}
	sliced := warn(0)
	sliced.Rows[0].Slice = map[string]string{"platform": "ios"}
	ended := warn(0)
	ended.State = "ended"
	for _, c := range []struct {
		name string
		r    *results.Result
		want string
	}{
		{"no result", nil, ""}, {"nothing", warn(), ""}, {"a goal", warn(0), "CTR (novelty, mix shift)"},
		{"both", warn(0, 1), "CTR (novelty, mix shift); p95 latency (novelty, mix shift)"}, {"secondary", warn(2), ""}, {"a slice", sliced, ""}, {"ended", ended, ""},
	} {
		l := NewList(&catalog.Set{Experiments: []*catalog.Experiment{x}}, map[string]*results.Result{"x": c.r}, stream.Status{State: stream.Running}, time.Date(2026, 1, 6, 12, 0, 0, 0, time.UTC))
		if got := l.Entries[0].Marks; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// An interval is in the unit of the effect beside it, however that is written.
func TestUnitOfAnEffect(t *testing.T) {
	for text, want := range map[string]string{
		"+2.3%": "%", "−12.1 pp": " pp", "+₩1,193": " ₩", "−€0.21": " €", "+5.28 CHF": " CHF", "+17.7 ms": " ms", "−0.0007": "", results.Missing: "",
	} {
		if got := unitOf(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
