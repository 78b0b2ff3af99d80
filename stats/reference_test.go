package stats

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// The reference figures were computed elsewhere with rationals and 60 digits, from public data sets; what each field means
// stands in DEFINITIONS.md beside them. They carry no licence and stay out of the repository.

// sharedData finds a folder of reference data beside the repository, or skips.
func sharedData(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		path := filepath.Join(dir, "shared", "data", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if filepath.Dir(dir) == dir {
			t.Skipf("no shared/data/%s beside or above the working directory", name)
		}
		dir = filepath.Dir(dir)
	}
}

// scale of every reference metric: prices have three decimals, ratings one.
const referenceScale = 3

type referenceArm struct {
	N         int64       `json:"n"`
	Sum       json.Number `json:"sum"`
	SumSq     json.Number `json:"sumsq"`
	Mean      *float64    `json:"mean"`
	Var       *float64    `json:"var"`
	SEMean    *float64    `json:"se_mean"`
	SumNum    json.Number `json:"sum_num"`
	SumDen    json.Number `json:"sum_den"`
	SumNum2   json.Number `json:"sum_num2"`
	SumDen2   json.Number `json:"sum_den2"`
	SumNumDen json.Number `json:"sum_numden"`
	Ratio     *float64    `json:"ratio"`
	VarRatio  *float64    `json:"var_ratio"`
	SERatio   *float64    `json:"se_ratio"`
}

type referenceComparison struct {
	Treatment, Control string
	Diff, Rel, SE, Z   *float64
	P                  *float64
	Log10P             *float64 `json:"log10_p"`
	CILow              *float64 `json:"ci_low"`
	CIHigh             *float64 `json:"ci_high"`
	RelSE              *float64 `json:"rel_se"`
	RelCILow           *float64 `json:"rel_ci_low"`
	RelCIHigh          *float64 `json:"rel_ci_high"`
	FiellerLow         *float64 `json:"fieller_rel_ci_low"`
	FiellerHigh        *float64 `json:"fieller_rel_ci_high"`
}

type referenceMetric struct {
	Kind        string
	Arms        map[string]referenceArm
	Comparisons []struct {
		referenceComparison
		Welch *struct{ T, DF, P *float64 } `json:"welch_t"`
	}
}

func parseSum(t *testing.T, n json.Number, scale int) moment.Int192 {
	t.Helper()
	text := n.String()
	if strings.ContainsAny(text, "eE") {
		t.Fatalf("sum %s has an exponent", text)
	}
	x, err := moment.Parse(text, scale)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func narrow(t *testing.T, x moment.Int192) moment.Int128 {
	t.Helper()
	n, ok := x.Narrow()
	if !ok {
		t.Fatalf("%v needs more than 128 bits", x)
	}
	return n
}

func (a referenceArm) sums(t *testing.T, kind string) *moment.Sums {
	t.Helper()
	s := &moment.Sums{N: a.N, NonZero: a.N}
	if kind == "mean" {
		s.Num, s.Num2 = narrow(t, parseSum(t, a.Sum, referenceScale)), parseSum(t, a.SumSq, 2*referenceScale)
		s.Den, s.Den2, s.NumDen = moment.Int128From(a.N), moment.Int192From(a.N), s.Num.Wide()
		return s
	}
	s.Num, s.Num2 = narrow(t, parseSum(t, a.SumNum, referenceScale)), parseSum(t, a.SumNum2, 2*referenceScale)
	s.Den, s.Den2 = narrow(t, parseSum(t, a.SumDen, 0)), parseSum(t, a.SumDen2, 0)
	s.NumDen = parseSum(t, a.SumNumDen, referenceScale)
	return s
}

// agree compares with a reference figure to 1e-11; null must be absent. (Asked for are 1e-9. The figures have 15 digits, of which an
// interval's end near 0 loses some.)
func agree(t *testing.T, where string, got Number, want *float64) {
	t.Helper()
	agreeTo(t, 1e-11, where, got, want)
}

func agreeTo(t *testing.T, tolerance float64, where string, got Number, want *float64) {
	t.Helper()
	switch {
	case want == nil && got.OK:
		t.Errorf("%s = %v, reference has null", where, got.V)
	case want == nil:
	case !got.OK:
		t.Errorf("%s is absent, reference has %v", where, *want)
	case math.Abs(got.V-*want) > tolerance*math.Abs(*want)+1e-300:
		t.Errorf("%s = %v, reference has %v", where, got.V, *want)
	}
}

func (m referenceMetric) check(t *testing.T, where string) (checked int) {
	t.Helper()
	sc := moment.Scale{Num: referenceScale}
	for arm, a := range m.Arms {
		e, _ := Ratio(a.sums(t, m.Kind), sc)
		w := where + " " + arm
		if m.Kind == "mean" {
			agree(t, w+" mean", e.Value, a.Mean)
			agree(t, w+" se", e.SE, a.SEMean)
			if a.Var != nil {
				v := *a.Var / float64(a.N)
				agree(t, w+" var/n", e.Var, &v)
			}
		} else {
			agree(t, w+" ratio", e.Value, a.Ratio)
			agree(t, w+" var", e.Var, a.VarRatio)
			agree(t, w+" se", e.SE, a.SERatio)
		}
		checked++
	}
	for _, r := range m.Comparisons {
		treatment, control := m.Arms[r.Treatment].sums(t, m.Kind), m.Arms[r.Control].sums(t, m.Kind)
		c := Compare(treatment, control, Design{Scale: sc})
		delta := Compare(treatment, control, Design{Scale: sc, Lift: Delta})
		low := func(i Interval) Number { return Number{i.Low, i.OK} }
		high := func(i Interval) Number { return Number{i.High, i.OK} }
		agree(t, where+" diff", c.Difference.Value, r.Diff)
		agree(t, where+" se", c.Difference.SE, r.SE)
		agree(t, where+" z", c.Difference.Z, r.Z)
		agree(t, where+" p", c.Difference.P, r.P)
		agree(t, where+" ci low", low(c.Difference.Interval), r.CILow)
		agree(t, where+" ci high", high(c.Difference.Interval), r.CIHigh)
		agree(t, where+" rel", c.Lift.Value, r.Rel)
		agree(t, where+" rel se", delta.Lift.SE, r.RelSE)
		agree(t, where+" rel ci low", low(delta.Lift.Interval), r.RelCILow)
		agree(t, where+" rel ci high", high(delta.Lift.Interval), r.RelCIHigh)
		if r.Log10P != nil {
			agree(t, where+" log10 p", c.Difference.Log10P, r.Log10P)
		}
		if r.FiellerLow != nil {
			agree(t, where+" fieller low", low(c.Lift.Interval), r.FiellerLow)
			agree(t, where+" fieller high", high(c.Lift.Interval), r.FiellerHigh)
		}
		if r.Welch != nil { // these were computed in float64
			agreeTo(t, 1e-9, where+" welch t", c.Welch.T, r.Welch.T)
			agreeTo(t, 1e-9, where+" welch df", c.Welch.DF, r.Welch.DF)
			agreeTo(t, 1e-9, where+" welch p", c.Welch.P, r.Welch.P)
		}
		checked++
	}
	return checked
}

// walk finds every metric and every sample ratio in a reference file, however deep.
func walk(t *testing.T, where string, raw json.RawMessage) (metrics, srms int) {
	t.Helper()
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, r := range list {
			m, s := walk(t, where, r)
			metrics, srms = metrics+m, srms+s
		}
		return metrics, srms
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return 0, 0
	}
	if object["kind"] != nil && object["arms"] != nil {
		var m referenceMetric
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(where, err)
		}
		return m.check(t, where), 0
	}
	if object["observed"] != nil && object["expected_weights"] != nil {
		checkSampleRatio(t, where, raw)
		return 0, 1
	}
	for key, r := range object {
		m, s := walk(t, where+"/"+key, r)
		metrics, srms = metrics+m, srms+s
	}
	return metrics, srms
}

func checkSampleRatio(t *testing.T, where string, raw json.RawMessage) {
	t.Helper()
	var r struct {
		Observed map[string]int64
		Weights  map[string]float64 `json:"expected_weights"`
		Chi2, P  *float64
		DF       int
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(where, err)
	}
	var counts []int64
	var weights []float64
	for arm, w := range r.Weights {
		counts, weights = append(counts, r.Observed[arm]), append(weights, w)
	}
	got, err := SampleRatio(counts, weights, SRMOptions{})
	if err != nil {
		t.Fatal(where, err)
	}
	agree(t, where+" chi2", got.Chi2, r.Chi2)
	agree(t, where+" p", got.P, r.P)
	if got.DF != r.DF {
		t.Errorf("%s: df %d, reference has %d", where, got.DF, r.DF)
	}
}

func readReference(t *testing.T, set string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(sharedData(t, set), "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func TestReferenceFigures(t *testing.T) {
	for _, set := range []string{"udacity_ab", "cdnow", "online_retail_2009", "movielens_small"} {
		t.Run(set, func(t *testing.T) {
			var raw json.RawMessage
			readReference(t, set, &raw)
			metrics, srms := walk(t, set, raw)
			t.Logf("%d arms and comparisons, %d sample ratios", metrics, srms)
			if metrics == 0 || srms == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

func TestReferenceCubesAndSnapshots(t *testing.T) {
	for _, file := range []string{
		"udacity_ab/reference_cube", "cdnow/reference_cube", "cdnow/reference_month_snapshots", "online_retail_2009/reference_cube",
		"online_retail_2009/reference_event_cube", "online_retail_2009/reference_month_snapshots", "movielens_small/reference_event_cube",
	} {
		t.Run(file, func(t *testing.T) {
			set, name, _ := strings.Cut(file, "/")
			f, err := os.Open(filepath.Join(sharedData(t, set), name+".jsonl.gz"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				t.Fatal(err)
			}
			total := 0
			lines := bufio.NewScanner(z)
			lines.Buffer(nil, 1<<24)
			for lines.Scan() {
				var line struct {
					Cell    json.RawMessage
					Through string
					Metrics map[string]json.RawMessage
				}
				if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
					t.Fatal(err)
				}
				for metric, raw := range line.Metrics {
					m, _ := walk(t, string(line.Cell)+line.Through+" "+metric, raw)
					total += m
				}
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d arms and comparisons", total)
			if total == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}
