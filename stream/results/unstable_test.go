package results

import (
	"slices"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// TestFewSubjectsWithMostOfTheDenominatorSilenceTheRow: a ratio whose mean denominator is less than 10 of its standard errors from 0 says
// nothing, tunes nothing and alerts nobody, however clear the difference looks; where the denominator is stable all of that is there.
// A tuning that was set before does not change it.
func TestFewSubjectsWithMostOfTheDenominatorSilenceTheRow(t *testing.T) {
	for _, c := range []struct {
		name string
		den  int64 // of 4 subjects in 400; the others have 2
		sure bool
	}{{"stable", 3, true}, {"unstable", 400, false}} {
		use := goal("m")
		use.Metric.Direction, use.Role, use.Limit = catalog.Down, catalog.Guardrail, &catalog.Limit{Value: 0.05, Relative: true}
		l := newLab().metric(use, 0, 0)
		for j := range 400 {
			for v, per := range []int64{100, 200} {
				den := int64(2)
				if j < 4 {
					den = c.den
				}
				l.subject(v, moment.Slice{}, moment.Point{Num: den*per + int64(j%7), Den: den})
			}
		}
		in := Inputs{AsOf: noon, Complete: true}
		for _, set := range []bool{false, true} {
			if set {
				in.Facts = map[string]Tuning{rowKey("m", nil, "b"): {V: 1e6, Set: &noon}}
			}
			row := Evaluate(l.plan, 0, l.cells(), in, Slices{}).Rows[0]
			says := slices.Contains(row.Reasons, "unstable_denominator")
			if says == c.sure || (row.State == "worse") != c.sure || !c.sure && row.State != "collecting" {
				t.Errorf("%s, set %t: state %s, reasons %q", c.name, set, row.State, row.Reasons)
			}
			if tuned := row.Tuning != nil; !set && tuned != c.sure {
				t.Errorf("%s: tuning %+v", c.name, row.Tuning)
			}
			if crossed := row.Guardrail.State == "crossed"; crossed != c.sure || !c.sure && (row.Guardrail.State != "within" || row.Guardrail.NonInferiority != nil && row.Guardrail.NonInferiority.Verdict != "not_shown") {
				t.Errorf("%s, set %t: guardrail %+v", c.name, set, row.Guardrail)
			}
		}
	}
}

// TestFewSubjectsWithMostOfTheEventsSilenceAQuantile: the median of events is theirs, and their number is random.
func TestFewSubjectsWithMostOfTheEventsSilenceAQuantile(t *testing.T) {
	for _, c := range []struct {
		name   string
		events int
		sure   bool
	}{{"as many as others", 2, true}, {"a hundred times as many", 200, false}} {
		i := 0
		l := quantileLab(0.5, 1100, 2000, func(v int) []int64 {
			i++
			n, at := 2, int64(1000)
			if i%200 < 2 {
				n, at = c.events, 3000
			}
			events := make([]int64, n)
			for j := range events {
				events[j] = at*int64(1+v)/2 + int64(i*37%500) + int64(j)
			}
			return events
		})
		row := Evaluate(l.plan, 0, l.cells(), frozenAt(1100, false), Slices{}).Rows[0]
		says := slices.Contains(row.Reasons, "unstable_denominator")
		if decided := row.State == "better" || row.State == "worse"; says == c.sure || decided != c.sure || !c.sure && row.State != "collecting" || (row.Tuning != nil) != c.sure {
			t.Errorf("%s: state %s, reasons %q, tuning %+v, difference %+v", c.name, row.State, row.Reasons, row.Tuning, row.Difference)
		}
	}
}
