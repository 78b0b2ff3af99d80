package results

import (
	"math"
	"testing"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// A canary whose few subjects have not met the outliers of the many: by its own variance the planned look would be sure of harm.
func TestFinalLookAllowsForUnequalArms(t *testing.T) {
	end := noon
	l := newLab().metric(goal("m"), 0, -1)
	l.x().End, l.x().Sequential.FinalLook = end, true
	l.x().Variants[0].Weight, l.x().Variants[1].Weight = 26, 1
	for i := range 3900 {
		x := int64(1)
		if i%40 == 0 {
			x = 40
		}
		l.subject(0, moment.Slice{}, mean(x))
	}
	for i := range 150 {
		l.subject(1, moment.Slice{}, mean(int64(1+i%50/49)))
	}
	r := NewEvaluator(l.plan, 0).Evaluate(l.cells(), Inputs{AsOf: end, Watermark: &end, Complete: true}, Slices{})
	row := &r.Rows[0]
	if row.Tuning == nil || row.Tuning.Final == nil || row.Tuning.Final.P == nil || row.Difference.SEAlways == nil {
		t.Fatalf("no look, or no allowance: %s %v %+v", row.State, row.Reasons, row.Tuning)
	}
	if *row.Difference.P > 1e-9 {
		t.Fatalf("one look by the arms' own variances has p %g; the case is none", *row.Difference.P)
	}
	want, _ := stats.TwoSidedP(*row.Difference.Value / *row.Difference.SEAlways)
	if final := row.Tuning.Final; math.Abs(*final.P-want.V) > 1e-12 || final.Rejected || row.State != "not_clear" {
		t.Errorf("p %g, want %g; rejected %v, state %s", *final.P, want.V, final.Rejected, row.State)
	}
}
