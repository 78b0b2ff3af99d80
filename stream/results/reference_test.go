package results

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// reference opens a file of the shared reference data, found by walking up from the working directory: it has no
// licence to be in the tree. Without it the test is skipped.
func reference(t *testing.T, name string) *os.File {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		f, err := os.Open(filepath.Join(dir, "shared", "data", filepath.FromSlash(name)))
		if err == nil {
			t.Cleanup(func() { f.Close() })
			return f
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skipf("SKIPPED: no shared/data/%s above the working directory", name)
		}
		dir = up
	}
}

type referenceCell struct {
	Cell    map[string]string
	Metrics map[string]struct {
		Arms map[string]struct {
			N, Sum int64
			Mean   float64
			SE     float64 `json:"se_mean"`
		}
		Comparisons []struct {
			Diff, SE, Z, P float64
			Low            float64  `json:"ci_low"`
			High           float64  `json:"ci_high"`
			Rel            *float64 `json:"rel"`
		}
	}
}

// Cells built from the finest cells of the reference cube roll up to every other cell of it: country × day of week ×
// hour, 800 cells in 8 groupings, counts exact and derived numbers to 1e-9.
func TestEvaluateReproducesReferenceCube(t *testing.T) {
	z, err := gzip.NewReader(reference(t, "udacity_ab/reference_cube.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	dims := []string{"country", "dow", "hour"}
	l := newLab().dimension(catalog.ExposureDimension, dims...).metric(goal("converted"), 0, -1)
	want := map[string]referenceCell{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c referenceCell
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		slice, values, finest := map[string]string{}, []string{}, true
		for _, d := range dims {
			values = append(values, c.Cell[d])
			if c.Cell[d] == "*" {
				finest = false
			} else {
				slice[d] = c.Cell[d]
			}
		}
		want[SliceKey(slice)] = c
		if !finest {
			continue
		}
		for v, variant := range []string{"control", "treatment"} {
			arm := c.Metrics["converted"].Arms[variant]
			for i := range arm.N {
				converted := int64(0)
				if i < arm.Sum {
					converted = 1
				}
				l.subject(v, l.slice(values...), mean(converted))
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Analyze: true}, Slices{Mode: AllSlices})
	if len(r.Rows) != len(want) || len(want) != 800 {
		t.Errorf("%d rows for %d reference cells", len(r.Rows), len(want))
	}
	near := func(got *float64, want float64) bool {
		return got != nil && math.Abs(*got-want) <= 1e-9*math.Max(math.Abs(want), 1e-3)
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		c, ok := want[SliceKey(row.Slice)]
		if !ok {
			t.Errorf("no reference cell for %s", row.Key())
			continue
		}
		m := c.Metrics["converted"]
		for v, arm := range row.ByVariant {
			ref, ok := m.Arms[v]
			sum := moment.Int128From(ref.Sum).String()
			if arm.N != ref.N || ok && (arm.SumNum != sum || arm.SumNum2 != sum) || ok && ref.N > 1 && !(near(arm.Value, ref.Mean) && near(arm.SE, ref.SE)) {
				t.Errorf("%s %s: %+v, reference %+v", row.Key(), v, arm, ref)
			}
		}
		if len(m.Comparisons) == 0 {
			continue
		}
		d, ref := &row.Difference, m.Comparisons[0]
		if ref.SE == 0 {
			continue
		}
		if !near(d.Value, ref.Diff) || !near(d.SE, ref.SE) || !near(d.Z, ref.Z) || !near(d.P, ref.P) || !near(&d.Interval[0], ref.Low) || !near(&d.Interval[1], ref.High) || ref.Rel != nil && !near(row.Lift.Value, *ref.Rel) {
			t.Errorf("%s: %+v, reference %+v", row.Key(), d, ref)
		}
	}
}

// The figures of DESIGN §3.1 and of the reference's cleaned analysis, from cells of its sums.
func TestEvaluateGivesTheFiguresOfTheContract(t *testing.T) {
	l := newLab().metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "CONVERTED", Type: "BINOMIAL", Direction: catalog.Up}, Role: catalog.Goal}, 0, -1)
	for v, arm := range [][2]int64{{145274, 17489}, {145310, 17264}} {
		for i := range arm[0] {
			converted := int64(0)
			if i < arm[1] {
				converted = 1
			}
			l.subject(v, moment.Slice{}, mean(converted))
		}
	}
	r := Evaluate(l.plan, 0, l.cells(), Inputs{AsOf: noon, Analyze: true}, Slices{})
	row := &r.Rows[0]
	for _, c := range []struct {
		name string
		got  *float64
		want float64
	}{
		{"srm chi2", r.SRM.Chi2, 0.004459984032155934}, {"srm p", r.SRM.P, 0.9467543681597945}, {"srm p_sequential", r.SRM.PSequential, 1},
		{"control value", row.ByVariant["control"].Value, 0.1203863045004612}, {"control se", row.ByVariant["control"].SE, 0.0008537723392809549},
		{"treatment value", row.ByVariant["treatment"].Value, 0.11880806551510564}, {"treatment se", row.ByVariant["treatment"].SE, 0.0008488128819479702},
		{"difference", row.Difference.Value, -0.0015782389853555613}, {"se", row.Difference.SE, 0.0012039146630397409},
		{"z", row.Difference.Z, -1.310922637465596}, {"p", row.Difference.P, 0.18988390190525398},
		{"low", &row.Difference.Interval[0], -0.003937868365373128}, {"high", &row.Difference.Interval[1], 0.000781390394662006},
		{"t", row.Welch.T, -1.310922637465592}, {"df", row.Welch.DF, 290571.7142927855}, {"welch p", row.Welch.P, 0.18988493791578323},
		{"lift", row.Lift.Value, -0.013109788458948127}, {"lift low", &row.Lift.Interval[0], -0.03239356773260692}, {"lift high", &row.Lift.Interval[1], 0.006555415618103064},
	} {
		if c.got == nil || math.Abs(*c.got-c.want) > 1e-9*math.Max(math.Abs(c.want), 1e-3) {
			t.Errorf("%s: %v, want %g", c.name, c.got, c.want)
		}
	}
	arm := row.ByVariant["control"]
	if arm.N != 145274 || arm.SumNum != "17489" || arm.SumDen != "145274" || arm.SumNum2 != "17489" || arm.SumDen2 != "145274" || arm.SumNumDen != "17489" {
		t.Errorf("control %+v", arm)
	}
	if row.State != "not_clear" || r.SRM.State != "ok" || row.Lift.Method != "fieller" || r.Subjects["treatment"] != 145310 {
		t.Errorf("%s", asJSON(t, r))
	}
	if got := row.Texts(r.Alpha); got.Control != "12.04%" || got.PFixed != "0.1899" || got.Fixed.Text != "−1.3% (−3.2 … +0.7)" {
		t.Errorf("%+v", got)
	}
}
