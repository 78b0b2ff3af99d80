package results

import (
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// shared is an experiment whose rows have levels of their own: goals and guardrails their shares of alpha, of which the goals keep half for
// the planned end, and slices all of it.
func shared(t *testing.T) *lab {
	t.Helper()
	l := newLab().dimension(catalog.ExposureDimension, "platform")
	l.metric(goal("clicks"), 0, -1)
	l.metric(goal("orders"), 0, -1)
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "errors", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.05, Relative: true}}, 0, -1)
	l.x().Correction, l.x().Sequential.FinalLook, l.x().End = catalog.Bonferroni, true, noon.Add(24*time.Hour)
	for i := range 8000 {
		v, j := i%2, i/2
		one := func(ones, step int) moment.Point {
			if j*step%4000 < ones {
				return mean(1)
			}
			return mean(0)
		}
		l.subject(v, l.slice([]string{"ios", "web"}[j%2]), one(1200+170*v, 7919), one(1200+80*v, 7921), one(900+71*v, 7923))
	}
	return l
}

// Every row is evaluated, and its interval labelled, at the level that it has.
func TestRowsSayTheLevelOfTheirIntervals(t *testing.T) {
	l := shared(t)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	for i := range r.Rows {
		row := &r.Rows[i]
		want, text := 0.05, "95%"
		if len(row.Slice) == 0 {
			want, text = 0.05/2/2/2, "98.75%" // of half of alpha for two goals, half of which is kept
			text = "99.38%"
			if row.Guardrail != nil {
				want, text = 0.05/2, "97.5%"
			}
		}
		texts := r.Texts(row)
		if got := row.IntervalAlpha(r.Alpha); math.Abs(got-want) > 1e-15 || texts.Level != text {
			t.Errorf("%s: the interval's level is %v, %s; want %v, %s", row.Key(), got, texts.Level, want, text)
		}
		if own := texts.Own != ""; own != (text != "97.5%") {
			t.Errorf("%s: own level %q beside the usual %s", row.Key(), texts.Own, FormatLevel(r.UsualAlpha()))
		}
		// The interval is really at that level.
		d := &row.Difference
		test := stats.Test{Value: stats.Number{V: *d.Value, OK: true}, SE: stats.Number{V: *d.SE, OK: true}, Z: stats.Number{V: *d.Z, OK: true}}
		c, v := row.ByVariant[row.Control], row.ByVariant[row.Variant]
		if iv := (stats.Tuning{V: row.Tuning.V}).Always(test, v.N, c.N, want).Interval; math.Abs(iv.Low-d.IntervalAlways[0]) > 1e-12 || math.Abs(iv.High-d.IntervalAlways[1]) > 1e-12 {
			t.Errorf("%s: %v, at %v it is %v", row.Key(), *d.IntervalAlways, want, iv)
		}
	}
}

// What stands beside a row's difference is at the row's own level: adjusted by the pre-period, post-stratified, and for a guardrail
// its non-inferiority. With a planned look all but guardrails' are at half of it.
func TestWhatStandsBesideARowHasItsLevel(t *testing.T) {
	for _, c := range []struct {
		final      bool
		correction catalog.Correction
	}{{false, ""}, {true, ""}, {true, catalog.Bonferroni}, {true, catalog.Holm}} {
		l := newLab().dimension(catalog.ExposureDimension, "platform").metric(goal("clicks"), 0, -1)
		l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "errors", Direction: catalog.Down}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: 0.05, Relative: true}}, 0, -1)
		l.x().PrePeriod, l.x().Correction = int64(24*time.Hour/time.Microsecond), c.correction
		l.x().Sequential.FinalLook, l.x().End = c.final, noon.Add(24*time.Hour)
		for i := range 4000 {
			p := moment.Point{In: true, Num: int64(i*7919%11 + i*15485863%5 + i%2), Den: 1, Pre: int64(i * 7919 % 11), PreDen: 1}
			q := moment.Point{In: true, Num: int64(i * 104729 % 13), Den: 1, Pre: int64(i * 31 % 7), PreDen: 1}
			l.subject(i%2, l.slice([]string{"ios", "web"}[i/2%2]), p, q)
		}
		r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
		seen := 0
		for i := range r.Rows {
			row := &r.Rows[i]
			if len(row.Slice) > 0 {
				continue
			}
			level := row.IntervalAlpha(r.Alpha)
			arms := row.ByVariant
			want := func(name string, d *Difference, v float64) {
				seen++
				test := stats.Test{Value: stats.Known(*d.Value), SE: stats.Known(*d.SE), Z: stats.Known(*d.Z)}
				always := stats.Tuning{V: v}.Always(test, arms["treatment"].N, arms["control"].N, level)
				p := always.P.V * row.Level(r.Alpha) / level // of both halves
				if math.Abs(d.IntervalAlways[0]-always.Interval.Low) > 1e-9 || math.Abs(d.IntervalAlways[1]-always.Interval.High) > 1e-9 || math.Abs(*d.PAlways-math.Min(1, p)) > 1e-12 {
					t.Errorf("%+v, %s, %s: %v p %v; at %v %v p %v", c, row.Metric, name, *d.IntervalAlways, *d.PAlways, level, always.Interval, p)
				}
			}
			want("plain", &row.Difference, row.Tuning.V)
			want("adjusted", &row.CUPED.Difference, row.Tuning.VCUPED)
			want("stratified", row.Stratified, row.Tuning.V)
			if row.Guardrail != nil {
				tc, cc := l.cells().Whole()[1].Metric(1), l.cells().Whole()[0].Metric(1)
				cmp := stats.Compare(tc, cc, stats.Design{Alpha: r.Alpha, Tuning: stats.Tuning{V: row.Tuning.V}})
				o := stats.NonInferiority(cmp, stats.Limit{Value: 0.05, Relative: true}, stats.Tuning{V: row.Tuning.V}, level)
				if ni := row.Guardrail.NonInferiority; *ni.BoundAlways != o.BoundAlways.V || row.AlphaAlways != 0 {
					t.Errorf("%+v: non-inferiority %v, at %v %v", c, *ni.BoundAlways, level, o.BoundAlways.V)
				}
			}
		}
		if seen != 6 {
			t.Errorf("%+v: %d intervals seen", c, seen)
		}
	}
}

// A p between the row's share and the experiment's alpha keeps on its own side of the share, whatever is rounded.
func TestPStandsToTheLevelOfItsRow(t *testing.T) {
	r := &Result{Alpha: 0.05, Rows: []Row{
		{Metric: "m", Alpha: 0.0125, Difference: Difference{PAlways: ptr(0.01249996), P: ptr(0.0499996)}},
		{Metric: "m", Alpha: 0.0125, Slice: map[string]string{"a": "b"}, Q: ptr(0.0499996), Difference: Difference{PAlways: ptr(0.0125)}},
		{Metric: "m", Slice: map[string]string{"a": "b"}, Q: ptr(0.0499996), Difference: Difference{PAlways: ptr(0.01249996)}},
	}}
	for i, want := range []Texts{{P: "0.01249996", PStands: "0.01249996", PFixed: "0.0499996"}, {P: "0.0125", PStands: "q 0.0500", PFixed: Missing}, {P: "0.0125", PStands: "q 0.0499996", PFixed: Missing}} {
		got := r.Texts(&r.Rows[i])
		if got.P != want.P || got.PStands != want.PStands || got.PFixed != want.PFixed {
			t.Errorf("row %d: p %s, stands %s, fixed %s; want %s, %s, %s", i, got.P, got.PStands, got.PFixed, want.P, want.PStands, want.PFixed)
		}
	}
	var csv, table bytes.Buffer
	if err := WriteCSV(&csv, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	if err := Table(&table, []*Result{r}, 0); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{csv.String(), table.String()} {
		if !strings.Contains(out, "0.01249996") {
			t.Errorf("p is on the wrong side of its row's level in\n%s", out)
		}
	}
}

// What table and CSV say of rows with levels of their own, read line by line when it changes (-update).
func TestLevelsGolden(t *testing.T) {
	l := shared(t)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon}, Slices{})
	var b bytes.Buffer
	for _, width := range []int{0, 100, 80} {
		if err := Table(&b, []*Result{r}, width); err != nil {
			t.Fatal(err)
		}
		b.WriteByte('\n')
	}
	var csv bytes.Buffer
	if err := WriteCSV(&csv, []*Result{r}); err != nil {
		t.Fatal(err)
	}
	level := slices.Index(CSVHeader, "alpha_always")
	for i, line := range strings.Split(strings.TrimSpace(csv.String()), "\n") { // of the numbers contract_test.go has all
		fields := strings.Split(line, ",")
		if i == 0 {
			for _, name := range []string{"alpha", "alpha_always", "level_text", "lift_text", "p_always_text"} {
				if !strings.Contains(line, name) {
					t.Errorf("no column %s", name)
				}
			}
		}
		b.WriteString(strings.Join([]string{fields[2], fields[5], fields[level], fields[level+1]}, ",") + "\n")
	}
	const file = "testdata/levels.txt"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s has changed; now\n%s", file, b.String())
	}
}
