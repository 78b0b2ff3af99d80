package realdata

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats/sketch"
)

// TestRetailDistinctValuesOfAnArm holds the distinct products, invoices and customers of each arm, on the whole and in every country and
// month, against sets of the file's own values: within three of the errors that the sketch states. Customers are in one arm, so
// they also have an exact answer in n.
func TestRetailDistinctValuesOfAnArm(t *testing.T) {
	path := filepath.Join(dataDir(t), "online_retail_2009", "online_retail_2009.csv.gz")
	records, err := csv.NewReader(strings.NewReader(strings.Join(lines(t, path), "\n"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string]map[string]bool{} // by metric, slice and arm
	for _, f := range records[1:] {
		if f[5] == "" {
			continue // no customer
		}
		sum := sha256.Sum256([]byte(f[5]))
		digit, err := strconv.ParseUint(hex.EncodeToString(sum[:1])[1:], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		for _, slice := range []string{"", "row_country=" + f[6], "row_month=" + f[3][:7]} {
			for metric, value := range map[string]string{"products_sold": f[1], "invoices_sent": f[0], "buyers": f[5]} {
				key := metric + "|" + slice + "|" + "AB"[digit%2:digit%2+1]
				if sets[key] == nil {
					sets[key] = map[string]bool{}
				}
				sets[key][value] = true
			}
		}
	}
	r := analyze(t, "retail_across", map[string][]string{"lines": {path}})["retail_across"]
	checked, square, worst := 0, 0.0, 0.0
	for _, row := range r.Rows {
		if len(row.Slice) > 1 {
			continue
		}
		slice := ""
		for name, value := range row.Slice {
			slice = name + "=" + value
		}
		for arm, got := range row.ByVariant {
			want := float64(len(sets[row.Metric+"|"+slice+"|"+arm]))
			if got.N == 0 && want == 0 {
				continue
			}
			if got.Value == nil || got.SketchError == nil {
				t.Errorf("%s, %s, arm %s: no value, want %g", row.Metric, slice, arm, want)
				continue
			}
			e := math.Abs(*got.Value-want) / max(want*sketch.DistinctError, 0.5)
			checked, square, worst = checked+1, square+e*e, max(worst, e)
			if e > 3 {
				t.Errorf("%s, %s, arm %s: %g, want %g", row.Metric, slice, arm, *got.Value, want)
			}
			if slice == "" {
				t.Logf("%s, arm %s: %g ± %.0f, in the file %g", row.Metric, arm, *got.Value, *got.SketchError, want)
			}
			if row.Metric == "buyers" && got.N != int64(want) && slice == "" {
				t.Errorf("%s, arm %s: n = %d, want %g", slice, arm, got.N, want)
			}
		}
		if row.State == "better" || row.State == "worse" || row.Difference.P != nil || row.Difference.PAlways != nil {
			t.Errorf("%s, %s: state %s, difference %+v", row.Metric, slice, row.State, row.Difference)
		}
	}
	t.Logf("%d numbers, off by %.2f stated errors (root mean square), at most %.2f", checked, math.Sqrt(square/float64(checked)), worst)
	if checked < len(sets) {
		t.Errorf("%d numbers in rows, %d sets in the file", checked, len(sets))
	}
}
