package realdata

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// customer is one of CDNOW, as this test reads the file by itself: orders in cents.
type customer struct {
	arm    string
	orders []int64
}

func (c *customer) total() (cents int64) {
	for _, o := range c.orders {
		cents += o
	}
	return cents
}

// cdnow reads the file: the customers in order of their first line, and the file as CSV.
func cdnow(t *testing.T) (customers []*customer, csv string) {
	t.Helper()
	var b strings.Builder
	byID := map[string]*customer{}
	b.WriteString("customer_id,date,cds,dollars\n")
	for _, line := range lines(t, filepath.Join(dataDir(t), "cdnow", "CDNOW_master.txt.gz"))[1:] {
		f := strings.Fields(line)
		if len(f) != 4 {
			continue
		}
		b.WriteString(strings.Join(f, ",") + "\n")
		c := byID[f[0]]
		if c == nil {
			sum := sha256.Sum256([]byte(f[0]))
			digit, err := strconv.ParseUint(hex.EncodeToString(sum[:1])[1:], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			c = &customer{arm: "AB"[digit%2 : digit%2+1]}
			byID[f[0]], customers = c, append(customers, c)
		}
		dollars, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		c.orders = append(c.orders, int64(math.Round(100*dollars)))
	}
	return customers, b.String()
}

// TestCDNOWCappedWinsorizedAndItsQuantile holds what keeps extremes out against a computation over the file that shares nothing
// with the engine: every sum to the cent, percentiles to the width of a bin, and the error of a quantile against a bootstrap
// of customers.
func TestCDNOWCappedWinsorizedAndItsQuantile(t *testing.T) {
	customers, csv := cdnow(t)
	r := analyze(t, "cdnow_robust", map[string][]string{"purchases": {write(t, "cdnow.csv", csv)}})["cdnow_robust"]
	rows := rows(r)
	check := func(metric string, value func(*customer) (num, den int64)) {
		t.Helper()
		row, ok := rows[metric+"|"]
		if !ok {
			t.Fatalf("no row of %s among %d", metric, len(rows))
		}
		for _, arm := range []string{"A", "B"} {
			var n int64
			var num, den, num2, numden int64
			for _, c := range customers {
				if c.arm == arm {
					x, y := value(c)
					n, num, den, num2, numden = n+1, num+x, den+y, num2+x*x, numden+x*y
				}
			}
			got := row.ByVariant[arm]
			for what, pair := range map[string][2]string{
				"sum_num": {got.SumNum, decimal(num, 2)}, "sum_num2": {got.SumNum2, decimal(num2, 4)},
				"sum_den": {got.SumDen, decimal(den, 0)}, "sum_numden": {got.SumNumDen, decimal(numden, 2)},
			} {
				if a, b := rat(t, pair[0]), rat(t, pair[1]); a.Cmp(b) != 0 {
					t.Errorf("%s, arm %s: %s = %s, want %s", metric, arm, what, pair[0], pair[1])
				}
			}
			if got.N != n {
				t.Errorf("%s, arm %s: n = %d, want %d", metric, arm, got.N, n)
			}
		}
	}
	check("dollars_capped", func(c *customer) (int64, int64) { return min(max(c.total(), 500), 25000), 1 })
	check("capped_per_order", func(c *customer) (int64, int64) { return min(c.total(), 25000), int64(len(c.orders)) })

	var totals []int64
	for _, c := range customers {
		totals = append(totals, c.total())
	}
	slices.Sort(totals)
	percentile := totals[int(math.Ceil(0.99*float64(len(totals))))-1]
	clip := rows["dollars_winsorized|"].Clip
	if clip == nil || clip.Upper == nil || math.Abs(100**clip.Upper-float64(percentile)) > float64(percentile)/256+1 {
		t.Fatalf("clip %+v, want the 99th percentile of all customers, %s", clip, decimal(percentile, 2))
	}
	bound := int64(math.Round(100 * *clip.Upper))
	check("dollars_winsorized", func(c *customer) (int64, int64) { return min(c.total(), bound), 1 })

	const seed = 20260302
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	row := rows["order_p90|"]
	for _, arm := range []string{"A", "B"} {
		var of []*customer
		for _, c := range customers {
			if c.arm == arm {
				of = append(of, c)
			}
		}
		want := p90(of)
		var sum, sum2 float64
		const resamples = 200
		for range resamples {
			again := make([]*customer, len(of))
			for i := range again {
				again[i] = of[rng.IntN(len(of))]
			}
			q := p90(again)
			sum, sum2 = sum+q, sum2+q*q
		}
		se := math.Sqrt((sum2 - sum*sum/resamples) / (resamples - 1))
		got := row.ByVariant[arm]
		if got.Value == nil || math.Abs(*got.Value-want) > want/128 {
			t.Errorf("arm %s: p90 %s, want %.2f", arm, show(got.Value), want)
		}
		// Prices are few, so the bootstrap's error steps; the engine's may be larger, and hardly smaller.
		if got.SE == nil || *got.SE < 0.75*se || *got.SE > 2*se {
			t.Errorf("arm %s: error %s, the bootstrap's %.4f", arm, show(got.SE), se)
		}
		t.Logf("arm %s: p90 %s ± %s, of the file %.2f, bootstrap %.4f", arm, show(got.Value), show(got.SE), want, se)
	}
	if row.Quantile != 0.9 || row.State == "better" || row.State == "worse" {
		t.Errorf("A/A: state %s, reasons %q", row.State, row.Reasons)
	}
}

// p90 is the 90th percentile of the customers' orders, in dollars.
func p90(of []*customer) float64 {
	var all []int64
	for _, c := range of {
		all = append(all, c.orders...)
	}
	slices.Sort(all)
	return float64(all[int(math.Ceil(0.9*float64(len(all))))-1]) / 100
}

func decimal(v int64, scale int) string {
	return new(big.Rat).SetFrac(big.NewInt(v), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}

func rat(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatal(fmt.Errorf("%q is no number", text))
	}
	return r
}
