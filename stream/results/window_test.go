package results

import (
	"slices"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// A strict metric whose subjects are still in their windows is collecting; one that nobody was exposed to has no data.
func TestRowsOfOpenWindowsAreCollecting(t *testing.T) {
	l := newLab().metric(goal("OPEN"), 0, -1).metric(goal("STRICT"), 0, -1)
	l.x().Metrics[1].Strict = true
	e := NewEvaluator(l.plan, 0)
	states := func() (open, strict *Row) {
		r := e.Evaluate(l.cells(), Inputs{AsOf: noon}, Slices{})
		return &r.Rows[0], &r.Rows[1]
	}
	expect := func(row *Row, state, reason string) {
		t.Helper()
		if row.State != state || !slices.Contains(row.Reasons, reason) {
			t.Errorf("%s is %s %v, want %s with %s", row.Metric, row.State, row.Reasons, state, reason)
		}
	}
	open, strict := states()
	expect(open, "no_data", "no_subjects")
	expect(strict, "no_data", "no_subjects")
	for _, variant := range []int{0, 1} {
		l.subject(variant, moment.Slice{}, mean(1))
	}
	open, strict = states()
	expect(open, "collecting", "few_subjects")
	expect(strict, "collecting", ReasonWindowOpen)
	if slices.Contains(strict.Reasons, "no_subjects") {
		t.Errorf("the subjects are there: %v", strict.Reasons)
	}
	for _, variant := range []int{0, 1} {
		l.subject(variant, moment.Slice{}, mean(1), mean(1))
	}
	_, strict = states()
	if slices.Contains(strict.Reasons, ReasonWindowOpen) || strict.State != "collecting" {
		t.Errorf("with a complete subject: %s %v", strict.State, strict.Reasons)
	}
}
