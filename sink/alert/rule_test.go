package alert

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// What decides a row is what an alert hears: the word after the correction, the final look's, and never a fixed-horizon interval's,
// also while a broken split makes the row itself unreliable.
func TestRulesHearTheWordThatStands(t *testing.T) {
	compiled := func(when catalog.Condition) *rule {
		r, err := newRule(&catalog.Alert{ID: "r", All: true, When: when, Severity: "warning", Receivers: []string{"chat"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	better, worse := compiled(catalog.Condition{Metric: "CTR", State: "better"}), compiled(catalog.Condition{Metric: "CTR", State: "worse"})
	notClear, collecting := compiled(catalog.Condition{Metric: "CTR", State: "not_clear"}), compiled(catalog.Condition{Metric: "CTR", State: "collecting"})
	crossed := compiled(catalog.Condition{Guardrail: "crossed"})
	wide, clear := results.Interval(&[2]float64{-0.01, 0.03}), results.Interval(&[2]float64{0.006, 0.014})
	row := func(state string, interval results.Interval, reasons ...string) *results.Row {
		return &results.Row{Metric: "CTR", State: state, Direction: "up", Reasons: reasons, Difference: results.Difference{Value: ptr(0.01), IntervalAlways: interval}}
	}
	with := func(r *results.Row, f func(*results.Row)) *results.Row { f(r); return r }
	fixed, srm := results.ReasonFixedHorizon, results.ReasonSRM
	looked := func(r *results.Row) {
		r.Tuning = &results.Tuning{Final: &results.Final{Value: ptr(0.02), Rejected: true}}
	}
	adjusted := func(r *results.Row) { r.PAdjusted = ptr(0.2) }
	for _, c := range []struct {
		name string
		rule *rule
		row  *results.Row
		want truth
	}{
		{"clear", better, row("better", clear), yes},
		{"the other way", worse, row("better", clear), no},
		{"by the fixed-horizon interval", better, row("better", clear, fixed), no},
		{"by the fixed-horizon interval, not clear", notClear, row("not_clear", wide, fixed), no},
		{"nothing to decide yet", collecting, row("collecting", nil), yes},
		{"nothing to decide yet, of a fixed horizon", collecting, row("collecting", nil, fixed), yes},
		{"corrected", better, with(row("not_clear", clear, results.ReasonCorrected), adjusted), no},
		{"under a broken split", better, row("unreliable", clear, srm), yes},
		{"corrected, under a broken split", better, with(row("unreliable", clear, srm), adjusted), no},
		{"by the fixed-horizon interval, under a broken split", better, row("unreliable", clear, srm, fixed), no},
		{"by the final look", better, with(row("better", wide, results.ReasonFinalLook), looked), yes},
		{"by the final look, under a broken split", better, with(row("unreliable", wide, srm, results.ReasonFinalLook), looked), yes},
		{"no final look, under a broken split", better, row("unreliable", wide, srm), no},
		{"a guardrail's word is always-valid", crossed, with(row("worse", clear, fixed), func(r *results.Row) { r.Guardrail = &results.Guardrail{State: "crossed"} }), yes},
	} {
		if got := c.rule.holds(c.row, 0.05); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// Nobody is told of a word that the fixed-horizon interval decided, and an alert that fired before it did is over.
func TestFixedHorizonNeverAlerts(t *testing.T) {
	senders := map[string]*rec{}
	set := definitions(&catalog.Alert{ID: "ctr", All: true, When: catalog.Condition{Metric: "CTR", State: "better"}, Severity: "warning", Receivers: []string{"chat"}})
	m := open(t, set, options(vfs.NewMem(), senders))
	defer m.Close()
	observe := func(at time.Duration, reasons ...string) {
		t.Helper()
		r := outcome{experiment: "one", at: at, positions: map[string]int64{"e/0": int64(at)}, subjects: 10_000, words: map[string]string{"CTR": "better"}}.result()
		for i := range r.Rows {
			r.Rows[i].Reasons = reasons
		}
		if err := m.Observe(r); err != nil {
			t.Fatal(err)
		}
	}
	state := func() State {
		if list := m.Alerts(); len(list) > 0 {
			return list[0].State
		}
		return Inactive
	}
	observe(time.Minute, results.ReasonFixedHorizon)
	if s := state(); s != Inactive {
		t.Errorf("fired on a fixed-horizon interval: %v", s)
	}
	observe(2 * time.Minute)
	if s := state(); s != Firing {
		t.Errorf("did not fire on the always-valid one: %v", s)
	}
	observe(3*time.Minute, results.ReasonFixedHorizon)
	if s := state(); s != Resolved {
		t.Errorf("still %v on a fixed-horizon interval", s)
	}
}
