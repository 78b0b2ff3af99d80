package realdata

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stream/results"
)

// analyzeWhole is analyze without slices.
func analyzeWhole(t *testing.T, definitions string, files map[string][]string) map[string]*results.Result {
	t.Helper()
	return analyzeSlices(t, definitions, files, "none")
}

// TestUdacityDaysReproduceTheReference reads the log up to the end of each day, as one who looks daily: the always-valid test with a prior
// of variance 1e-4 beside the classical one. What the engine publishes is the current p; the reference has its minimum over the days.
func TestUdacityDaysReproduceTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "udacity_ab")
	var want struct {
		Daily struct {
			Tau2      float64
			Snapshots []struct {
				Day                    string
				N_control, N_treatment int64
				Diff, Rel, Se, Z, P    *float64
				Ci_low, Ci_high        *float64
				Lambda                 float64  `json:"msprt_lambda_se"`
				PMin                   *float64 `json:"msprt_p_se"`
				Cs_low, Cs_high, Srm_p *float64
			}
		} `json:"daily_cumulative"`
	}
	load(t, filepath.Join(data, "reference.json"), &want)
	rows := lines(t, filepath.Join(data, "ab_data.csv.gz"))
	all, run := want.Daily.Snapshots, 1.0
	for i, day := range all {
		current := math.Min(1, 1/day.Lambda)
		run = math.Min(run, current)
		if !near(&run, day.PMin, 0) {
			t.Fatalf("%s: the least of the current p is %v, the reference has %s", day.Day, run, show(day.PMin))
		}
		if i%5 != 0 && i != len(all)-1 { // every fifth day and the last
			continue
		}
		text := []string{rows[0]}
		for _, row := range rows[1:] {
			if when := strings.Split(row, ",")[1]; when[:10] <= day.Day {
				text = append(text, row)
			}
		}
		r := analyzeWhole(t, "udacity_daily", map[string][]string{"rows": {write(t, "rows.csv", strings.Join(text, "\n")+"\n")}})["landing_page"]
		row := r.Rows[0]
		if r.Subjects["control"] != day.N_control || r.Subjects["treatment"] != day.N_treatment {
			t.Errorf("%s: subjects %v, want %d and %d", day.Day, r.Subjects, day.N_control, day.N_treatment)
		}
		d := row.Difference
		if d.IntervalAlways == nil || d.Interval == nil {
			t.Fatalf("%s: no interval: %+v", day.Day, row.Reasons)
		}
		for what, pair := range map[string][2]*float64{
			"difference": {d.Value, day.Diff}, "se": {d.SE, day.Se}, "z": {d.Z, day.Z}, "p": {d.P, day.P}, "low": {&d.Interval[0], day.Ci_low},
			"high": {&d.Interval[1], day.Ci_high}, "always-valid p": {d.PAlways, &current}, "always-valid low": {&d.IntervalAlways[0], day.Cs_low},
			"always-valid high": {&d.IntervalAlways[1], day.Cs_high}, "lift": {row.Lift.Value, day.Rel}, "srm p": {r.SRM.P, day.Srm_p},
		} {
			if !near(pair[0], pair[1], 0) {
				t.Errorf("%s: %s = %s, want %s", day.Day, what, show(pair[0]), show(pair[1]))
			}
		}
	}
}

// TestMonthsReproduceTheReference reads the logs up to the end of a month.
func TestMonthsReproduceTheReference(t *testing.T) {
	for _, set := range []struct {
		folder, definitions, experiment, source string
		rows                                    func(t *testing.T, data string) []string
		month                                   func(row string) string
		every                                   int
	}{
		{"cdnow", "cdnow", "cdnow_aa", "purchases", cdnowRows, func(row string) string { return strings.Split(row, ",")[1][:6] }, 5},
		{"online_retail_2009", "online_retail", "retail_aa", "lines", func(t *testing.T, data string) []string {
			return lines(t, filepath.Join(data, "online_retail_2009.csv.gz"))
		}, func(row string) string {
			// The only column that looks so: yyyy-mm-dd hh:mm.
			at := strings.Index(row, ",20")
			for ; at >= 0 && (len(row) < at+12 || row[at+5] != '-' || row[at+8] != '-'); at += 1 + strings.Index(row[at+1:], ",20") {
			}
			return row[at+1 : at+8]
		}, 6},
	} {
		t.Run(set.folder, func(t *testing.T) {
			data := filepath.Join(dataDir(t), set.folder)
			rows := set.rows(t, data)
			compared := 0
			for i, line := range lines(t, filepath.Join(data, "reference_month_snapshots.jsonl.gz")) {
				var want struct {
					Through   string
					Customers int64
					Metrics   map[string]metricReference
				}
				if err := json.Unmarshal([]byte(line), &want); err != nil {
					t.Fatal(err)
				}
				if i%set.every != 0 {
					continue
				}
				text := []string{rows[0]}
				for _, row := range rows[1:] {
					if set.month(row) <= want.Through {
						text = append(text, row)
					}
				}
				r := analyzeWhole(t, set.definitions, map[string][]string{set.source: {write(t, "rows.csv", strings.Join(text, "\n")+"\n")}})[set.experiment]
				if n := r.Subjects["A"] + r.Subjects["B"]; n != want.Customers {
					t.Errorf("%s: %d customers, want %d", want.Through, n, want.Customers)
				}
				index := map[string]results.Row{}
				for _, row := range r.Rows {
					index[row.Metric] = row
				}
				for metric, m := range want.Metrics {
					if row, ok := index[metric]; ok || metric != "repeat_buyer" { // no aggregate counts to two
						compared += checkMetric(t, want.Through+"/"+metric, row, ok, m)
					}
				}
			}
			t.Logf("%d figures compared", compared)
			if compared < 100 {
				t.Error("hardly anything was compared")
			}
		})
	}
}

// cdnowRows are the purchases as CSV, with a header.
func cdnowRows(t *testing.T, data string) []string {
	rows := []string{"customer_id,date,cds,dollars"}
	for i, line := range lines(t, filepath.Join(data, "CDNOW_master.txt.gz")) {
		if fields := strings.Fields(line); i > 0 && len(fields) == 4 {
			rows = append(rows, strings.Join(fields, ","))
		}
	}
	return rows
}

// checkCUPED holds an adjusted row against theta_within_arms of a reference.
func checkCUPED(t *testing.T, row results.Row, want cupedReference) {
	t.Helper()
	if row.CUPED == nil || !near(row.CUPED.Theta, &want.Theta, 0) {
		t.Fatalf("CUPED %+v, want θ = %g", row.CUPED, want.Theta)
	}
	c, d := want.Comparisons[0], row.CUPED.Difference
	if d.Interval == nil {
		t.Fatal("no adjusted interval")
	}
	for what, pair := range map[string][2]*float64{
		"difference": {d.Value, c.Diff}, "se": {d.SE, c.Se}, "z": {d.Z, c.Z}, "p": {d.P, c.P}, "low": {&d.Interval[0], c.Ci_low}, "high": {&d.Interval[1], c.Ci_high},
	} {
		if !near(pair[0], pair[1], 0) {
			t.Errorf("adjusted %s = %s, want %s", what, show(pair[0]), show(pair[1]))
		}
	}
}

type cupedReference struct {
	Theta       float64
	Comparisons []comparison
}

func TestOnlineRetailCUPEDReproducesTheReference(t *testing.T) {
	data := filepath.Join(dataDir(t), "online_retail_2009")
	var want struct {
		Cuped struct {
			N_total           int64
			Theta_within_arms cupedReference
		}
	}
	load(t, filepath.Join(data, "reference.json"), &want)
	r := analyzeWhole(t, "retail_cuped", map[string][]string{"lines": {filepath.Join(data, "online_retail_2009.csv.gz")}})["retail_cuped"]
	if n := r.Subjects["A"] + r.Subjects["B"]; n != want.Cuped.N_total {
		t.Errorf("%d customers, want %d", n, want.Cuped.N_total)
	}
	checkCUPED(t, r.Rows[0], want.Cuped.Theta_within_arms)
}
