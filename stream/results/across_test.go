package results

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// acrossLab is a lab with one metric across subjects: so many values for each arm, over 1,000 subjects.
func acrossLab(values [2]int) *lab {
	l := newLab()
	l.metric(goal("PRODUCTS"), 0, -1)
	m := &l.x().Metrics[0]
	m.Across = true
	l.plan.Measures[0].Agg = catalog.CountDistinct
	l.cells() // makes the cube
	for v, n := range values {
		each := max(1, n/500)
		for i := 0; i < n; i += each {
			most := map[int]int{}
			for k := i; k < i+each; k++ {
				register, rank := sketch.RankOf(uint64(k + 1))
				most[register] = max(most[register], rank)
			}
			var bins []moment.Bin
			for register, rank := range most {
				bins = append(bins, moment.Bin{Index: sketch.RankIndex(register, rank), Count: 1})
			}
			slices.SortFunc(bins, func(a, b moment.Bin) int { return int(a.Index - b.Index) })
			for range 2 { // two subjects with the same values: nothing is counted twice
				l.cube.Change(moment.Change{Variant: v, Metric: moment.ExposedMetric, New: moment.Point{In: true, Den: 1}})
				l.cube.Change(moment.Change{Variant: v, Metric: 0, New: moment.Point{In: true, Num: int64(each), Den: 1}, Bins: bins})
			}
		}
	}
	return l
}

// TestAcrossRow: the row has both arms' numbers within three errors of the sketch, their difference, and no test of it; however clear
// the difference looks.
func TestAcrossRow(t *testing.T) {
	l := acrossLab([2]int{5000, 9000})
	r := Evaluate(l.plan, 0, l.cells(), frozenAt(0, false), Slices{})
	row := r.Rows[0]
	for id, want := range map[string]float64{"control": 5000, "treatment": 9000} {
		a := row.ByVariant[id]
		if a.Value == nil || a.SketchError == nil || math.Abs(*a.Value-want) > 3**a.SketchError || *a.SketchError != *a.Value*sketch.DistinctError || a.SE != nil || a.N != 1000 {
			t.Errorf("%s: %+v", id, a)
		}
	}
	c, tr := row.ByVariant["control"], row.ByVariant["treatment"]
	d := row.Difference
	if d.Value == nil || *d.Value != *tr.Value-*c.Value {
		t.Fatalf("difference %+v", d)
	}
	if d.Value = nil; d != (Difference{}) || row.Lift != (Lift{}) || row.Welch != (Welch{}) || row.Power != nil || row.CUPED != nil || row.Tuning != nil || len(row.Warnings) > 0 {
		t.Errorf("there is no test: %+v", row)
	}
	if row.State != "not_clear" || row.Across != "subjects" || !slices.Equal(row.Reasons, []string{"approximate", ReasonNoSamplingError}) {
		t.Errorf("state %s, across %q, reasons %q", row.State, row.Across, row.Reasons)
	}
	if len(r.FactsOf()) > 0 || r.Comparisons() != 0 {
		t.Errorf("facts %v, %d comparisons", r.FactsOf(), r.Comparisons())
	}
	// Nor is the difference of arms' numbers shown where a lift stands.
	var table bytes.Buffer
	if err := Table(&table, []*Result{r}, 0); err != nil {
		t.Fatal(err)
	}
	if texts := r.Texts(&row); texts.Effect.Value != Missing || texts.Fixed.Value != Missing || texts.Absolute.Value == Missing ||
		!strings.Contains(table.String(), "* "+row.Metric+": a count over an arm has no sampling error, so there is no test\n") {
		t.Errorf("%+v\n%s", texts, table.String())
	}
	var b bytes.Buffer
	if err := WriteCSV(&b, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if at := slices.Index(CSVHeader, "sketch_error_control"); err != nil || lines[1][at] != csvFloat(c.SketchError) || lines[1][at+1] != csvFloat(tr.SketchError) || lines[1][at-1] != "subjects" {
		t.Errorf("CSV %q, %v", lines, err)
	}
	again := Evaluate(l.plan, 0, l.cells(), frozenAt(0, false), Slices{})
	if !again.Rows[0].Equal(&row) {
		t.Error("evaluated again, the row is another")
	}
	*c.SketchError++
	if again.Rows[0].Equal(&row) {
		t.Error("another error is the same row")
	}
}

// TestAcrossRowOfNothing: without subjects, with subjects and no values, and where the sketch is impossible.
func TestAcrossRowOfNothing(t *testing.T) {
	row := func(l *lab) Row { return Evaluate(l.plan, 0, l.cells(), frozenAt(0, false), Slices{}).Rows[0] }
	if r := row(acrossLab([2]int{})); r.State != "no_data" || !slices.Contains(r.Reasons, "no_subjects") || r.Difference.Value != nil {
		t.Errorf("no subjects: %s, %q", r.State, r.Reasons)
	}
	l := acrossLab([2]int{})
	for v := range 2 {
		l.cube.Change(moment.Change{Variant: v, Metric: 0, New: moment.Point{In: true, Den: 1}})
	}
	if r := row(l); r.State != "not_clear" || r.ByVariant["control"].Value == nil || *r.ByVariant["control"].Value != 0 || *r.Difference.Value != 0 {
		t.Errorf("no values: %s, %q", r.State, r.Reasons)
	}
	l.cube.Change(moment.Change{Variant: 1, Metric: 0, Bins: []moment.Bin{{Index: 1, Count: -1}}})
	if r := row(l); r.State != "failed" || !slices.Equal(r.Reasons, []string{"corrupt"}) {
		t.Errorf("a negative count: %s, %q", r.State, r.Reasons)
	}
}

// TestAcrossTakesNoShareOfTheLevel: a metric without a test is not among the comparisons that a correction is over.
func TestAcrossTakesNoShareOfTheLevel(t *testing.T) {
	for _, correction := range []catalog.Correction{catalog.Bonferroni, catalog.Holm, catalog.BH, catalog.EBH} {
		l := acrossLab([2]int{100, 100})
		l.x().Correction = correction
		l.metric(goal("OTHER"), 0, -1)
		e := NewEvaluator(l.plan, 0)
		for _, m := range e.metrics {
			if m.share != 0 && m.Across {
				t.Errorf("%s: the metric across subjects has the share %g", correction, m.share)
			}
			if correction == catalog.Bonferroni && !m.Across && m.share != 0 && m.share != l.x().Alpha {
				t.Errorf("the only test has the share %g", m.share)
			}
		}
	}
}
