package realdata

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// reference is a node of reference.json that holds metrics; the shapes are described in DEFINITIONS.md of the data.
type reference struct {
	SRM struct {
		Observed map[string]int64 `json:"observed"`
		Chi2, P  float64
	} `json:"srm"`
	Metrics map[string]metricReference `json:"metrics"`
}

type metricReference struct {
	Kind string `json:"kind"`
	Arms map[string]struct {
		N                                                int64
		Sum, Sumsq                                       json.Number
		Sum_num, Sum_den, Sum_num2, Sum_den2, Sum_numden json.Number
		Mean, Ratio, Se_mean, Se_ratio                   *float64
	} `json:"arms"`
	Comparisons []comparison `json:"comparisons"`
}

type comparison struct {
	Treatment, Control                      string
	Diff, Rel, Se, Z, P, Ci_low, Ci_high    *float64
	Fieller_rel_ci_low, Fieller_rel_ci_high *float64
	Welch_t                                 *struct{ T, Df, P float64 }
}

// dataDir finds the data sets beside the project.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if at := filepath.Join(dir, "shared", "data"); isDir(at) {
			return at
		}
	}
	t.Skip("SKIPPED: the reference data sets (../shared/data) are not here")
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func load(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// lines reads a gzipped text file.
func lines(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	scanner := bufio.NewScanner(unzipped)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		out = append(out, strings.TrimRight(scanner.Text(), "\r"))
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// analyze runs the engine over the files with one of the definition folders.
func analyze(t *testing.T, definitions string, files map[string][]string) map[string]*results.Result {
	t.Helper()
	return analyzeSlices(t, definitions, files, "all")
}

func analyzeSlices(t *testing.T, definitions string, files map[string][]string, want string) map[string]*results.Result {
	t.Helper()
	// Globs of the definitions need not match here: the files are given.
	set, findings := catalog.Load(definitions)
	if catalog.HasErrors(findings) {
		t.Fatalf("%s: %v", definitions, findings)
	}
	slices, err := results.ParseSlices(want)
	if err != nil {
		t.Fatal(err)
	}
	list, err := stream.Analyze(context.Background(), set, stream.AnalyzeOptions{Options: stream.Options{Files: files}, Slices: slices})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*results.Result{}
	for _, r := range list {
		out[r.Experiment] = r
	}
	return out
}

// sliceName is the canonical name of a cell.
func sliceName(slice map[string]string) string {
	var parts []string
	for k, v := range slice {
		if v != "*" {
			parts = append(parts, k+"="+v)
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, "&")
}

// rows indexes a result by metric and slice; the sets here have two arms.
func rows(r *results.Result) map[string]results.Row {
	out := map[string]results.Row{}
	for _, row := range r.Rows {
		out[row.Metric+"|"+sliceName(row.Slice)] = row
	}
	return out
}

// same compares a decimal text with a number of the reference, exactly.
func same(text string, want json.Number) bool {
	a, okA := new(big.Rat).SetString(text)
	b, okB := new(big.Rat).SetString(string(want))
	if !okA || !okB {
		return false
	}
	if a.Cmp(b) == 0 {
		return true
	}
	// The reference's JSON numbers are doubles: a sum of more than 17 digits is known only as far as a double holds it.
	exact, _ := a.Float64()
	printed, _ := b.Float64()
	return exact == printed
}

func near(got *float64, want *float64, scale float64) bool {
	if got == nil || want == nil {
		return got == nil && want == nil
	}
	// A p-value too small for a double is the smallest double here (never 0) and 0 in the reference.
	return math.Abs(*got-*want) <= 1e-9*math.Max(math.Abs(*want), scale)+1e-300
}

// checkMetric holds a row against the reference and returns how many figures it compared.
func checkMetric(t *testing.T, name string, row results.Row, found bool, want metricReference) int {
	t.Helper()
	compared := 0
	fail := func(format string, args ...any) { t.Errorf("%s: "+format, append([]any{name}, args...)...) }
	if !found {
		fail("the engine has no such row")
		return 0
	}
	for arm, a := range want.Arms {
		got, ok := row.ByVariant[arm]
		if !ok || got.N != a.N {
			fail("arm %s: n = %d, want %d", arm, got.N, a.N)
			continue
		}
		sums := map[string][2]string{}
		if want.Kind == "mean" {
			sums["sum"] = [2]string{got.SumNum, string(a.Sum)}
			sums["sumsq"] = [2]string{got.SumNum2, string(a.Sumsq)}
		} else {
			sums["sum_num"] = [2]string{got.SumNum, string(a.Sum_num)}
			sums["sum_den"] = [2]string{got.SumDen, string(a.Sum_den)}
			sums["sum_num2"] = [2]string{got.SumNum2, string(a.Sum_num2)}
			sums["sum_den2"] = [2]string{got.SumDen2, string(a.Sum_den2)}
			sums["sum_numden"] = [2]string{got.SumNumDen, string(a.Sum_numden)}
		}
		for what, pair := range sums {
			compared++
			if !same(pair[0], json.Number(pair[1])) {
				fail("arm %s: %s = %s, want %s", arm, what, pair[0], pair[1])
			}
		}
		value, se := a.Mean, a.Se_mean
		if want.Kind == "ratio" {
			value, se = a.Ratio, a.Se_ratio
		}
		compared += 2
		if !near(got.Value, value, 0) {
			fail("arm %s: value %v, want %v", arm, show(got.Value), show(value))
		}
		if !near(got.SE, se, 0) {
			fail("arm %s: se %v, want %v", arm, show(got.SE), show(se))
		}
	}
	for _, c := range want.Comparisons {
		se := 0.0
		if c.Se != nil {
			se = *c.Se
		}
		var low, high *float64
		if row.Difference.Interval != nil {
			low, high = &row.Difference.Interval[0], &row.Difference.Interval[1]
		}
		check := func(what string, got, want *float64, scale float64) {
			compared++
			if !near(got, want, scale) {
				fail("%s = %v, want %v", what, show(got), show(want))
			}
		}
		check("difference", row.Difference.Value, c.Diff, se)
		check("se", row.Difference.SE, c.Se, 0)
		check("z", row.Difference.Z, c.Z, 1)
		check("p", row.Difference.P, c.P, 0)
		check("interval low", low, c.Ci_low, se)
		check("interval high", high, c.Ci_high, se)
		check("lift", row.Lift.Value, c.Rel, 1e-3)
		if c.Fieller_rel_ci_low != nil {
			var low, high *float64
			if row.Lift.Interval != nil {
				low, high = &row.Lift.Interval[0], &row.Lift.Interval[1]
			}
			check("lift low", low, c.Fieller_rel_ci_low, 1e-3)
			check("lift high", high, c.Fieller_rel_ci_high, 1e-3)
		}
		if w := c.Welch_t; w != nil {
			check("Welch t", row.Welch.T, &w.T, 1)
			check("Welch df", row.Welch.DF, &w.Df, 0)
			check("Welch p", row.Welch.P, &w.P, 0)
		}
	}
	return compared
}

func show(x *float64) string {
	if x == nil {
		return "null"
	}
	return fmt.Sprintf("%.17g", *x)
}

// checkWhole holds the whole of an experiment against a node of reference.json.
func checkWhole(t *testing.T, r *results.Result, want reference, skip ...string) int {
	t.Helper()
	for arm, n := range want.SRM.Observed {
		if r.Subjects[arm] != n {
			t.Errorf("%s: %d subjects in %s, want %d", r.Experiment, r.Subjects[arm], arm, n)
		}
	}
	if !near(r.SRM.Chi2, &want.SRM.Chi2, 0) || !near(r.SRM.P, &want.SRM.P, 0) {
		t.Errorf("%s: SRM chi2 %s p %s, want %g %g", r.Experiment, show(r.SRM.Chi2), show(r.SRM.P), want.SRM.Chi2, want.SRM.P)
	}
	index, compared := rows(r), 0
	for metric, m := range want.Metrics {
		if !strings.Contains(strings.Join(skip, " "), metric) {
			row, ok := index[metric+"|"]
			compared += checkMetric(t, r.Experiment+"/"+metric, row, ok, m)
		}
	}
	return compared
}

// checkCube holds every cell of a reference cube against the engine's rows and reports cells and figures. names maps
// the reference's metrics to ours.
func checkCube(t *testing.T, r *results.Result, path string, names map[string]string) {
	t.Helper()
	index, cells, compared := rows(r), 0, 0
	for _, line := range lines(t, path) {
		var cell struct {
			Cell    map[string]string
			Metrics map[string]metricReference
		}
		if err := json.Unmarshal([]byte(line), &cell); err != nil {
			t.Fatal(err)
		}
		cells++
		for metric, m := range cell.Metrics {
			ours := metric
			if names[metric] != "" {
				ours = names[metric]
			}
			row, ok := index[ours+"|"+sliceName(cell.Cell)]
			compared += checkMetric(t, fmt.Sprintf("%s/%s[%s]", r.Experiment, ours, sliceName(cell.Cell)), row, ok, m)
		}
	}
	t.Logf("%s: %d cells, %d figures compared", r.Experiment, cells, compared)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
