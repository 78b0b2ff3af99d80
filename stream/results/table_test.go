package results

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/tidemark/tidemark/catalog"
)

// The table's interval and p are those that decide the state beside them: of one look where the definition says so, and after the correction
// where there is one.
func TestTableShowsWhatDecides(t *testing.T) {
	text := func(r *Result) string {
		var b bytes.Buffer
		if err := Table(&b, []*Result{r}, 0); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	l := newLab().metric(goal("m"), 0, -1)
	l.shares(4000, 1200, 1300) // z = 2.4
	l.x().Fixed = true
	fixed := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	holm := family(t, 2, 0, catalog.Holm)
	corrected := Evaluate(holm.plan, 0, holm.cells(), Inputs{AsOf: noon}, Slices{})
	row := &corrected.Rows[0]
	if row.State != "not_clear" || *row.Difference.PAlways > 0.05 || *row.PAdjusted <= 0.05 {
		t.Fatalf("%s %v, %v corrected", row.State, *row.Difference.PAlways, *row.PAdjusted)
	}
	of := fixed.Texts(&fixed.Rows[0])
	for _, c := range []struct{ text, want string }{
		{text(fixed), "intervals 95% METRIC SLICE VARIANT CONTROL TREATMENT LIFT INTERVAL (ONE LOOK) P STATE"},
		{text(fixed), of.Fixed.Value + " " + of.Fixed.Interval + " " + of.PFixed + " better"},
		{text(fixed), "! states are decided by the fixed-horizon interval, which holds for one look: looked at again and again it errs more often"},
		{text(corrected), "INTERVAL (ALWAYS VALID) P CORRECTED STATE"},
		{text(corrected), row.Texts(0.05).Effect.Interval + " " + FormatP(row.PAdjusted, 0.05) + " not clear"},
		{text(corrected), "after the correction, its interval is not corrected; slices"},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("no %q in\n%s", c.want, c.text)
		}
	}
}

// A row that is collecting says why below the table, with others of the same reason.
func TestTableSaysWhyRowsCollect(t *testing.T) {
	for n, want := range map[int][]string{
		900: {"  better\n", "* same a, same b, 4 slices: collecting, every subject has the same value, so there is no test\n"},
		180: {
			"* m a, m b, 4 slices: collecting, fewer than 100 subjects in an arm\n",
			"* same a, same b, 4 slices: collecting, fewer than 100 subjects in an arm; every subject has the same value, so there is no test\n",
		},
	} {
		l := newLab("control", "a", "b").dimension(catalog.ExposureDimension, "platform").metric(goal("m"), 0, -1).metric(goal("same"), 0, -1)
		for i := range n {
			value := int64(i / 6 % 5)
			if l.x().Variants[i%3].ID == "a" {
				value += 3
			}
			l.subject(i%3, l.slice([]string{"ios", "web"}[i/3%2]), mean(value), mean(1))
		}
		r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{Mode: AllSlices})
		var b bytes.Buffer
		if err := Table(&b, []*Result{r}, 0); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("no %q in\n%s", w, b.String())
			}
		}
		if n == 900 && strings.Contains(b.String(), "* m a") {
			t.Errorf("says that m collects:\n%s", b.String())
		}
	}
}

// No line is wider than the terminal, whatever there is to say; at 80 columns the words that decide are all there.
func TestTableFitsTheTerminal(t *testing.T) {
	l := family(t, 2, 3, catalog.Holm)
	l.x().Name = "Landing page with a name that takes its room in the heading"
	three := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Complete: true, Reasons: []string{"gap_accepted"},
		Warnings: map[string][]Warning{"g0/all/a": {{Code: "novelty", Text: strings.Repeat("it wears off ", 12)}}}}, Slices{})
	negative := newLab().metric(goal("balance"), 0, -1)
	for i := range 800 {
		negative.subject(i%2, negative.slice(), mean(int64(i/2%7)-5))
	}
	two := contractResult()
	two.SRM.Slices = []SRMSlice{{Dimension: "platform", Value: "a browser with a name that is as long as names of browsers are", PSequential: ptr(1e-7)}}
	below := Evaluate(negative.plan, 0, negative.cells(), Inputs{AsOf: noon}, Slices{})
	for _, width := range []int{80, 100, 120} {
		for _, r := range []*Result{three, two, below} {
			var b bytes.Buffer
			if err := Table(&b, []*Result{r}, width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d columns in %d: %s", n, width, line)
				}
			}
			for i := range r.Rows {
				if g := r.Rows[i].Guardrail; !strings.Contains(b.String(), StateText(r.Rows[i].State)) || g != nil && !strings.Contains(b.String(), g.State) {
					t.Errorf("at %d columns %s is not said to be %s", width, r.Rows[i].Key(), r.Rows[i].State)
				}
			}
		}
	}
	text := func(r *Result) string {
		var b bytes.Buffer
		if err := Table(&b, []*Result{r}, 80); err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(b.String()), " ")
	}
	for _, want := range []string{
		"corrected for 10 comparisons (Holm)", "! g0 a: clear by itself, not after the correction for many comparisons", "! g0 a: it wears off it wears off",
		"! a missing part of the log was accepted by an operator",
	} {
		if !strings.Contains(text(three), want) {
			t.Errorf("no %q in\n%s", want, text(three))
		}
	}
	if want := "! balance: control is negative, so lift and difference have opposite signs"; !strings.Contains(text(below), want) {
		t.Errorf("no %q in\n%s", want, text(below))
	}
	if want := "! the split is off where platform is a browser"; !strings.Contains(text(two), want) {
		t.Errorf("no %q", want)
	}
}
