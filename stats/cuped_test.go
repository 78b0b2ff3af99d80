package stats

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/stats/moment"
)

// cdnow reads the purchases: spend before 1997-10-01 is the pre-period, spend from then on the value, in cents.
func cdnow(t *testing.T) (treatment, control moment.Sums) {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData(t, "cdnow"), "CDNOW_master.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	customers := map[string]*moment.Point{}
	lines := bufio.NewScanner(z)
	lines.Scan() // header
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		p := customers[fields[0]]
		if p == nil {
			p = &moment.Point{In: true, Den: 1}
			customers[fields[0]] = p
		}
		x, err := moment.Parse(fields[3], 2)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := x.Narrow()
		cents, _ := n.Int64()
		if fields[1] < "19971001" {
			p.Pre += cents
		} else {
			p.Num += cents
		}
	}
	for id, p := range customers {
		if sha256.Sum256([]byte(id))[0]%2 == 0 {
			control.Add(*p)
		} else {
			treatment.Add(*p)
		}
	}
	return treatment, control
}

// onlineRetail reads the invoices of customers with one before 2010-06-01: revenue before that day is the pre-period.
func onlineRetail(t *testing.T) (treatment, control moment.Sums) {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedData(t, "online_retail_2009"), "online_retail_2009.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(z)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range header {
		column[name] = i
	}
	customers, early := map[string]*moment.Point{}, map[string]bool{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		id := row[column["CustomerID"]]
		if id == "" {
			continue
		}
		quantity, err := strconv.ParseInt(row[column["Quantity"]], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		x, err := moment.Parse(row[column["UnitPrice"]], 3)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := x.Narrow()
		price, _ := n.Int64()
		id = strings.Clone(id)
		p := customers[id]
		if p == nil {
			p = &moment.Point{In: true, Den: 1}
			customers[id] = p
		}
		if row[column["InvoiceDate"]] < "2010-06-01" {
			early[id] = true
			p.Pre += quantity * price
		} else {
			p.Num += quantity * price
		}
	}
	for id, p := range customers {
		if !early[id] {
			continue
		}
		if sha256.Sum256([]byte(id))[0]%2 == 0 {
			control.Add(*p)
		} else {
			treatment.Add(*p)
		}
	}
	return treatment, control
}

func TestCUPEDReferenceFigures(t *testing.T) {
	t.Run("cdnow", func(t *testing.T) {
		treatment, control := cdnow(t)
		checkCUPED(t, "cdnow", &treatment, &control, 2)
	})
	t.Run("online_retail_2009", func(t *testing.T) {
		treatment, control := onlineRetail(t)
		checkCUPED(t, "online_retail_2009", &treatment, &control, 3)
	})
}

func checkCUPED(t *testing.T, set string, treatment, control *moment.Sums, scale int) {
	t.Helper()
	var ref struct {
		CUPED struct {
			XMean  float64 `json:"x_mean_all"`
			Within struct {
				Theta *float64
				Arms  map[string]struct {
					N       int64
					AdjMean *float64 `json:"adj_mean"`
					AdjVar  *float64 `json:"adj_var"`
				}
				Comparisons []struct {
					referenceComparison
					Unadjusted referenceComparison
					Reduction  *float64 `json:"variance_ratio_adj_over_raw"`
				}
			} `json:"theta_within_arms"`
		}
	}
	readReference(t, set, &ref)
	r := ref.CUPED.Within
	sc := moment.Scale{Num: scale}
	a := CUPED(treatment, control, Design{Scale: sc})
	agree(t, "θ", a.Theta, r.Theta)
	for arm, e := range map[string]Estimate{"A": a.Control, "B": a.Treatment} {
		w := r.Arms[arm]
		agree(t, arm+" mean", e.Value, w.AdjMean)
		v := *w.AdjVar / float64(w.N)
		agree(t, arm+" variance", e.Var, &v)
	}
	c := r.Comparisons[0]
	agree(t, "difference", a.Difference.Value, c.Diff)
	agree(t, "se", a.Difference.SE, c.SE)
	agree(t, "z", a.Difference.Z, c.Z)
	agree(t, "p", a.Difference.P, c.P)
	agree(t, "low", low(a.Difference.Interval), c.CILow)
	agree(t, "high", high(a.Difference.Interval), c.CIHigh)
	plain := Compare(treatment, control, Design{Scale: sc})
	agree(t, "unadjusted difference", plain.Difference.Value, c.Unadjusted.Diff)
	agree(t, "unadjusted se", plain.Difference.SE, c.Unadjusted.SE)
	agree(t, "variance left", Known(math.Pow(a.Difference.SE.V/plain.Difference.SE.V, 2)), c.Reduction)

	// The reference takes the two adjusted means for independent arms; ours knows better, so this is only its function.
	i := LiftInterval(Fieller, a.Treatment, a.Control, NormalUpper(.025))
	agree(t, "fieller low", low(i), c.FiellerLow)
	agree(t, "fieller high", high(i), c.FiellerHigh)
}

func TestCUPEDOfNothingToAdjustByIsTheUnadjusted(t *testing.T) {
	// Spotify confidence 3.0.2 (singular pre-data): no pre-period, and one that is the same for everybody.
	for name, pre := range map[string]int64{"none": 0, "constant": 7} {
		var tr, co moment.Sums
		for i := range int64(200) {
			tr.Add(moment.Point{In: true, Num: i % 11, Den: 1, Pre: pre})
			co.Add(moment.Point{In: true, Num: i % 13, Den: 1, Pre: pre})
		}
		a := CUPED(&tr, &co, Design{})
		c := Compare(&tr, &co, Design{})
		if a.Theta.V != 0 || a.Difference.Value != c.Difference.Value || relative(a.Difference.SE.V, c.Difference.SE.V) > 1e-15 ||
			relative(a.Lift.Interval.Low, c.Lift.Interval.Low) > 1e-14 || len(a.Reasons) != 1 || a.Reasons[0] != NoPrePeriod {
			t.Errorf("%s: %+v, unadjusted %+v", name, a, c.Difference)
		}
	}
}

func TestCUPEDWhereThePrePeriodTellsAlmostEverything(t *testing.T) {
	// y = x + 1e12 + a little: s_yy − 2θ·s_yx + θ²·s_xx loses every digit in float64. The oracle is a plain regression on the rest.
	r := newRand(t)
	var tr, co moment.Sums
	var rest [2][]float64
	var xs [2][]float64
	for i := range 2000 {
		x, e := r.Int64N(4e9), r.Int64N(3)
		p := moment.Point{In: true, Num: 1e12 + x + e, Den: 1, Pre: x}
		arm := i % 2
		if arm == 0 {
			tr.Add(p)
		} else {
			co.Add(p)
		}
		rest[arm], xs[arm] = append(rest[arm], float64(e)), append(xs[arm], float64(x))
	}
	a := CUPED(&tr, &co, Design{})
	cov := func(a, b []float64) (c float64) {
		var ma, mb float64
		for i := range a {
			ma, mb = ma+a[i]/float64(len(a)), mb+b[i]/float64(len(b))
		}
		for i := range a {
			c += (a[i] - ma) * (b[i] - mb) / float64(len(a)-1)
		}
		return c
	}
	// With y = x + e: y − θx = e − (θ−1)x.
	b := a.Theta.V - 1
	for arm, e := range []Estimate{a.Treatment, a.Control} {
		want := (cov(rest[arm], rest[arm]) - 2*b*cov(rest[arm], xs[arm]) + b*b*cov(xs[arm], xs[arm])) / 1000
		if relative(e.Var.V, want) > 1e-6 {
			t.Errorf("arm %d: variance %v, want %v", arm, e.Var.V, want)
		}
	}
}

func TestCUPEDTakesTheDenominatorOfAMeanForOne(t *testing.T) {
	// A mean's pre-period denominator may be kept or not; it says nothing.
	r := newRand(t)
	var with, without, other moment.Sums
	for range 300 {
		p := moment.Point{In: true, Num: r.Int64N(100), Den: 1, Pre: r.Int64N(100), PreDen: r.Int64N(5)}
		with.Add(p)
		p.PreDen = 0
		without.Add(p)
		p.Num++
		other.Add(p)
	}
	a, b := CUPED(&with, &other, Design{}), CUPED(&without, &other, Design{})
	if a.Difference != b.Difference || a.Theta != b.Theta {
		t.Errorf("%+v, %+v", a, b)
	}
}

func TestTuneCUPEDIsSilentWithTheRest(t *testing.T) {
	arm := func(n int64) *moment.Sums {
		return spread(n, func(i int64) moment.Point { return moment.Point{Num: i % 7, Den: 1, Pre: i % 5} })
	}
	if v, ok := TuneCUPED(arm(99), arm(500), moment.Scale{}, 1000); ok || v != 0 {
		t.Errorf("tuned with 99 subjects: %v", v)
	}
	v, ok := TuneCUPED(arm(400), arm(500), moment.Scale{}, 9000)
	se := CUPED(arm(400), arm(500), Design{}).Difference.SE.V
	if want := Intrinsic(400, 500, se) * 10; !ok || relative(v, want) > 1e-13 {
		t.Errorf("v* = %v, want %v", v, want)
	}
}

func TestCUPEDOfImpossibleSumsSaysSo(t *testing.T) {
	// Any two of the four totals could go together so, all four can't: numerator and denominator are uncorrelated, each goes with its own
	// pre-period and against the other's. Of numerator − denominator 1.8 times more than everything would be explained.
	bad := momentsOf(100, [4]int64{5, 5, 5, 5}, func(v, w int) int64 {
		return [4][4]int64{{10, 0, 9, -9}, {0, 10, -9, 9}, {9, -9, 10, 0}, {-9, 9, 0, 10}}[v][w]
	})
	if err := bad.Check(); err != nil {
		t.Fatalf("refused pair by pair, so the case says nothing: %v", err)
	}
	a := CUPED(bad, bad, Design{})
	if len(a.Reasons) != 1 || a.Reasons[0] != Corrupt || a.Difference.SE.OK {
		t.Errorf("%+v", a)
	}
	c := Compare(bad, bad, Design{CUPED: true, CUPEDTuning: Tuning{V: 1}, Tuning: Tuning{V: 1}})
	requireFinite(t, "impossible pre-period", c)
}

func TestCUPEDThatExplainsEverythingHasAReason(t *testing.T) {
	arm := func(shift int64) *moment.Sums {
		return spread(200, func(i int64) moment.Point { return moment.Point{Num: i%13 + shift, Den: 1, Pre: i % 13} })
	}
	a := CUPED(arm(2), arm(0), Design{CUPEDTuning: Tuning{V: 1}})
	if a.Difference.Value.V != 2 || a.Difference.SE.V != 0 || a.Difference.P.OK || len(a.Reasons) != 1 || a.Reasons[0] != ZeroVariance {
		t.Errorf("%+v", a)
	}
}
