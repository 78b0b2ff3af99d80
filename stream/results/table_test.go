package results

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"

	"github.com/tidemark/tidemark/catalog"
)

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
