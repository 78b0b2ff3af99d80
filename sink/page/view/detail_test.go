package view

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

func textOf(items []Item, field string) string {
	for _, i := range items {
		if i.Field == field {
			return i.Text
		}
	}
	return "no such item"
}

func count64(n int64) *int64 { return &n }

func interval(low, high float64) results.Interval { return &[2]float64{low, high} }

// What each item of a row's detail says. Every case starts from a row of 1,000 and 1,000 subjects with a control value of 2.
func TestDetailsInWords(t *testing.T) {
	set := time.Date(2026, 1, 5, 8, 30, 0, 0, time.UTC)
	bounds := func(verdict string, bound, p float64) *results.NonInferiority {
		return &results.NonInferiority{Verdict: verdict, BoundAlways: &bound, PAlways: &p}
	}
	final := func(x *catalog.Experiment, f *results.Final) *results.Tuning {
		x.Sequential.FinalLook = true
		return &results.Tuning{V: 1, Final: f}
	}
	for _, c := range []struct {
		name, field, want string
		change            func(x *catalog.Experiment, r *results.Result, row *results.Row)
	}{
		{"all of alpha", "level_text", "", nil},
		{"a share", "level_text", "0.0125, its share of 0.05: always-valid at 98.75%", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) { row.Alpha = 0.0125 }},
		{"a share with a final look", "level_text", "0.0125, its share of 0.05: always-valid at 99.38%", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Alpha, row.AlphaAlways = 0.0125, 0.00625
		}},
		{"not corrected", "p_adjusted", "", nil},
		{"corrected", "p_adjusted", "0.0310, over 2 comparisons of metrics and arms; goals have half of the error rate", func(_ *catalog.Experiment, r *results.Result, row *results.Row) {
			r.Correction, row.PAdjusted = "holm", ptr(0.031)
		}},
		{"corrected over all alike", "p_adjusted", "0.0310, over 2 comparisons of metrics and arms", func(_ *catalog.Experiment, r *results.Result, row *results.Row) {
			r.Correction, row.PAdjusted = "ebh", ptr(0.031)
		}},
		{"no final look", "final", "", nil},
		{"final look to come", "final", "to come: half of the error rate is kept for it", func(x *catalog.Experiment, _ *results.Result, row *results.Row) { row.Tuning = final(x, nil) }},
		{"final look, clear", "final", "5 Jan 2026 08:30 UTC: +0.50 (+0.11 … +0.89), p 0.0040: clear at 97.5%", func(x *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Tuning = final(x, &results.Final{Set: &set, Value: ptr(0.5), P: ptr(0.004), Interval: interval(0.11, 0.89), Rejected: true})
		}},
		{"final look, not clear", "final", "+0.50 (−0.02 … +1.02), p 0.0310: not clear at 97.5%", func(x *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Tuning = final(x, &results.Final{Value: ptr(0.5), P: ptr(0.031), Interval: interval(-0.02, 1.02)})
		}},
		{"final look without data", "final", "5 Jan 2026 08:30 UTC: too little data to look; there is no second one", func(x *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Tuning = final(x, &results.Final{Set: &set})
		}},
		{"a guardrail has no final look", "final", "", func(x *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Tuning, row.Guardrail = final(x, nil), &results.Guardrail{Limit: 0.05, Unit: "relative"}
		}},
		{"power", "power", "±1.2% now (±0.90% by one look); about 31,000 more subjects to see ±1.0%", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Power = &results.Power{MDE: ptr(0.024), MDELift: ptr(0.012), MDEFixed: ptr(0.018), MDEFixedLift: ptr(0.009), Lift: ptr(0.01), Subjects: count64(32_440)}
		}},
		{"power enough", "power", "±0.80% now; enough subjects to see ±1.0%", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Power = &results.Power{MDELift: ptr(0.008), Lift: ptr(0.01), Subjects: count64(1500)}
		}},
		{"power without a lift", "power", "±₩24.0 now", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Format, row.Power = "currency:KRW", &results.Power{MDE: ptr(24)}
		}},
		{"no power", "power", "", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) { row.Power = &results.Power{} }},
		{"CUPED", "cuped", "+2.3% (+1.1 … +3.5), p 0.0002; 25% narrower", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Difference.IntervalAlways = interval(0, 4)
			row.CUPED = &results.CUPED{Difference: results.Difference{Value: ptr(2), PAlways: ptr(0.0002), IntervalAlways: interval(0.5, 3.5)}, Lift: &results.Lift{Value: ptr(0.023), IntervalAlways: interval(0.011, 0.035)}}
		}},
		{"CUPED of a ratio of nothing", "cuped", "", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) { row.CUPED = &results.CUPED{} }},
		{"CUPED by nothing", "cuped", "the pre-period does not vary, so nothing is adjusted", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Reasons, row.CUPED = []string{"no_pre_period"}, &results.CUPED{Theta: ptr(0.0), Difference: results.Difference{Value: ptr(2)}}
		}},
		{"stratified, wider", "stratified", "+2.0 (−0.5 … +4.5), p 0.5000; 25% wider", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Difference.IntervalAlways = interval(0, 4)
			row.Stratified = &results.Difference{Value: ptr(2), PAlways: ptr(0.5), IntervalAlways: interval(-0.5, 4.5)}
		}},
		{"shown to be within", "limit_text", "shown to be within +5%, by 12.0 ms or more (p 0.0003)", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Format, row.Guardrail = "duration_ms", &results.Guardrail{Limit: 0.05, Unit: "relative", State: "within", NonInferiority: bounds("shown", -12, 0.0003)}
		}},
		{"not yet shown", "limit_text", "not yet shown to be within −0.2 pp: may lie up to 0.30 pp beyond it (p 0.2100)", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Format, row.Guardrail = "percent", &results.Guardrail{Limit: -0.002, Unit: "absolute", State: "within", NonInferiority: bounds("not_shown", 0.003, 0.21)}
		}},
		{"crossed needs no second answer", "limit_text", "harm beyond +5% is shown", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Guardrail = &results.Guardrail{Limit: 0.05, Unit: "relative", State: "crossed", NonInferiority: bounds("not_shown", 3, 1)}
		}},
		{"clipped at a number", "clip", "at least 0, at most 20", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Clip = &results.Clip{Lower: ptr(0.0), Upper: ptr(20.0)}
		}},
		{"clipped at a percentile", "clip", "at most $120, the 99.9th percentile of all arms on 5 Jan 2026 08:30 UTC", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Format, row.Clip = "currency:USD", &results.Clip{Upper: ptr(120.0), UpperPercentile: ptr(0.999), Set: &set}
		}},
		{"percentile to come", "clip", "not yet: waiting for the 99th percentile of all arms", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.Clip = &results.Clip{UpperPercentile: ptr(0.99)}
		}},
		{"a ratio's numerator is clipped in its own unit", "clip", "at most 20", func(x *catalog.Experiment, _ *results.Result, row *results.Row) {
			x.Metrics[0].Metric.Denominator = &catalog.Term{}
			row.Format, row.Clip = "percent", &results.Clip{Upper: ptr(20.0)}
		}},
		{"quantile", "quantile", "p99.9 of events in each arm; the error is that of subjects, whose events go together", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) { row.Quantile = 0.999 }},
		{"across", "quantile", "distinct values of all subjects together in each arm, each ±1.6% (1 s.e. of the sketch); it has no sampling error, so there is no test", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) { row.Across = "subjects" }},
		{"estimates", "estimates", "distinct counts of 1 subject are estimates, ±0.8% each (1 s.e.); 1,200 subjects are left out: the total is too large to count", func(_ *catalog.Experiment, _ *results.Result, row *results.Row) {
			row.ByVariant["a"] = results.Arm{N: 1000, Approximate: 1, Overflowed: 1200}
		}},
		{"complete", "sizes", "1,000 and 1,000 complete, 7 d after their exposure", func(x *catalog.Experiment, _ *results.Result, _ *results.Row) {
			x.Metrics[0].Metric.Strict, x.Metrics[0].Metric.Window = true, 7*24*time.Hour
		}},
	} {
		x, r := experiment(), said([4]string{"CTR", "b", "better", ""}, [4]string{"P95", "b", "not_clear", "within"})
		row := &r.Rows[0]
		if c.change != nil {
			c.change(x, r, row)
		}
		if got := textOf(details(x, r, row), c.field); got != c.want {
			t.Errorf("%s: %q\nwant %q", c.name, got, c.want)
		}
	}
}

func TestAboutRoundsUpToTwoDigits(t *testing.T) {
	for n, want := range map[int64]string{1: "1", 99: "99", 100: "100", 101: "110", 30_440: "31,000", 999_001: "1,000,000", 9223372036854775807: "9,223,372,036,854,775,807"} {
		if got := about(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// A row that says nothing yet says what is missing, with its own numbers.
func TestCollectingSaysWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name    string
		reasons []string
		n, with int64
		strict  bool
		want    string
	}{
		{"subjects", []string{"few_nonzero", "few_subjects"}, 83, 2, false, "needs 100 subjects in each arm; has 83"},
		{"values", []string{"few_nonzero"}, 5000, 11, false, "needs 25 subjects with a value in each arm; has 11"},
		{"complete subjects", []string{"few_subjects"}, 7, 2, true, "needs 100 complete subjects in each arm; has 7"},
		{"open windows", []string{"window_open"}, 0, 0, true, "no subject is complete yet in an arm: that takes 7 d"},
		{"other words stay", []string{"no_variance", "not_tuned"}, 5000, 5000, false, "an arm's values do not vary; the always-valid interval starts when there is enough data"},
		{"of the adjusted difference", []string{"no_pre_period"}, 5000, 5000, false, ""},
		{"of the whole experiment", []string{"fixed_horizon"}, 5000, 5000, false, ""},
		{"the banner has said it", []string{"approximate", "srm_failed"}, 5000, 5000, false, "distinct counts are estimates"},
	} {
		x, r := experiment(), said([4]string{"CTR", "b", "collecting", ""})
		if c.strict {
			x.Metrics[0].Metric.Strict, x.Metrics[0].Metric.Window = true, 7*24*time.Hour
		}
		row := &r.Rows[0]
		row.Reasons, row.ByVariant = c.reasons, map[string]results.Arm{"a": {N: c.n, NonZero: c.with}, "b": {N: c.n + 40, NonZero: c.with + 9}}
		if slices.Contains(c.reasons, "srm_failed") {
			r.SRM.State = "failed"
		}
		if got := why(x, r, row); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBannersOfTheNewStatistics(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "better", ""})
	titles := func() string {
		var list []string
		for _, b := range banners(x, r, stream.Status{State: stream.Running}, r.AsOf) {
			list = append(list, b.Level+": "+b.Title)
		}
		return strings.Join(list, "\n")
	}
	if got := titles(); got != "" {
		t.Errorf("banners without a reason: %s", got)
	}
	x.Fixed = true
	r.SRM.Slices = []results.SRMSlice{{Dimension: "platform", Value: "ios"}, {Dimension: "country", Value: ""}, {Dimension: "c", Value: "d"}, {Dimension: "e", Value: "f"}}
	if got, want := titles(), "warn: The split is off in slices: platform=ios, country=(empty), c=d, …\nwarn: States here hold for one look at a time set beforehand"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestVerdictSaysWhatToCheckFirst(t *testing.T) {
	r := said([4]string{"CTR", "b", "better", ""}, [4]string{"P95", "b", "not_clear", "within"})
	r.Rows[0].Warnings = []results.Warning{{Code: "suspicious_lift"}, {Code: "novelty"}}
	r.Rows[1].Warnings = []results.Warning{{Code: "mix_shift"}}
	r.Rows[1].Guardrail.NonInferiority = &results.NonInferiority{Verdict: "shown"}
	v := judge(experiment(), r, &Page{})
	if want := "CTR better: +2.3% (95% always-valid +0.4 … +4.2). Check first: CTR (suspicious lift, novelty)."; v.Text != want {
		t.Errorf("%q, want %q", v.Text, want)
	}
	if want := "CTR (suspicious lift, novelty); p95 latency (mix shift)"; v.Warnings != want {
		t.Errorf("%q, want %q", v.Warnings, want)
	}
	if want := "1 of 1 within, 0 near, 0 crossed; 1 shown to be within"; v.Guardrails != want {
		t.Errorf("%q, want %q", v.Guardrails, want)
	}
}

// Where half of the error rate is kept for the planned end, the intervals say so: those of rows that have such a look stand under
// the table's level, the others name their own.
func TestLevelsOfAFinalLook(t *testing.T) {
	x, r := experiment(), said([4]string{"CTR", "b", "better", ""}, [4]string{"P95", "b", "not_clear", "within"})
	x.Sequential.FinalLook, r.Rows[0].AlphaAlways = true, 0.025
	table := NewTable(&catalog.Set{}, x, r)
	if table.Level != "97.5%" || table.Groups[0].Metrics[0].Rows[0].Cells.Level != "" || table.Groups[1].Metrics[0].Rows[0].Cells.Level != "at 95%" {
		t.Errorf("%s, %q, %q", table.Level, table.Groups[0].Metrics[0].Rows[0].Cells.Level, table.Groups[1].Metrics[0].Rows[0].Cells.Level)
	}
	if v := judge(x, r, &Page{}); !strings.Contains(v.Text, "97.5% always-valid") {
		t.Error(v.Text)
	}
}
