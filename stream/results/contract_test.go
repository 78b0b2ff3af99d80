package results

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it; read the difference line by line")

// contract is the shape that notebooks and dashboards hold on to (DESIGN §3.1). A field may be added; none of these
// may go, be renamed or change its type. A null here stands for a number.
const contract = `{"experiment": "landing_page", "definition": "a1b2…", "as_of": "…", "watermark": "…", "positions": {"orders/0": 812}, "complete": true, "alpha": 0.05, "tuning": {},
 "subjects": {"control": 145274, "treatment": 145310}, "crossovers": 0,
 "srm": {"chi2": 0.00446, "df": 1, "p": 0.946754, "p_sequential": 1, "state": "ok"},
 "ledger": {"records": {"orders": {"read": 0, "rejected": 0}},
            "events": {"PURCHASE": {"filtered": 0, "rejected": 0, "late": 0, "duplicate": 0, "unexposed": 0, "outside": 0, "counted": 0}}},
 "rows": [{"metric": "CONVERTED", "definition": "3f9c…", "role": "goal", "slice": {}, "variant": "treatment", "control": "control",
   "by_variant": {"control":   {"n": 145274, "sum_num": "17489", "sum_den": "145274", "sum_num2": "17489", "sum_den2": "145274", "sum_numden": "17489", "value": 0.120386, "se": 0.000853772},
                  "treatment": {"n": 145310, "sum_num": "17264", "sum_den": "145310", "sum_num2": "17264", "sum_den2": "145310", "sum_numden": "17264", "value": 0.118808, "se": 0.000848813}},
   "difference": {"value": -0.00157824, "se": 0.00120391, "z": -1.31092, "p": 0.189884, "interval": [-0.00393787, 0.00078139], "p_always": 0.5, "interval_always": [-1, 1]},
   "welch": {"t": -1.31092, "df": 290571.7, "p": 0.189885, "interval": [-1, 1]},
   "lift": {"value": -0.0131098, "interval": [-0.0323936, 0.0065554], "interval_always": [-1, 1], "method": "fieller"},
   "guardrail": {"limit": 0.05, "unit": "relative", "state": "within"}, "state": "not_clear", "reasons": []}]}`

// contractResult has every field filled.
func contractResult() *Result {
	l := newLab().dimension(catalog.ExposureDimension, "platform")
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "CONVERTED", Type: "BINOMIAL", Direction: catalog.Up}, Role: catalog.Guardrail, Limit: &catalog.Limit{Value: -0.05, Relative: true, Text: "-5%"}}, 0, -1)
	l.metric(catalog.MetricUse{Metric: &catalog.Metric{ID: "AOV", Direction: catalog.Up, Format: "currency:KRW"}, Role: catalog.Goal}, 2, 0)
	l.x().ID, l.x().Name, l.x().Owner = "landing_page", "Landing page", "@growth"
	l.x().PrePeriod = int64(14 * 24 * time.Hour / time.Microsecond)
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 1000 {
		pre := rng.Int64N(500)
		platform := []string{"ios", "web", "(none)"}[rng.IntN(3)]
		l.subject(i%2, l.slice(platform), moment.Point{Num: rng.Int64N(2), Den: 1, Pre: pre % 2, PreDen: 1},
			moment.Point{Num: 100*pre + rng.Int64N(10000), Den: 1 + rng.Int64N(3), Pre: pre * 100, PreDen: 1 + pre%3})
	}
	watermark := noon.Add(-time.Second)
	r := Evaluate(l.plan, 0, l.cells(), Inputs{
		AsOf: noon, Watermark: &watermark, Positions: map[string]int64{"orders/0": 812, "orders/1": 790}, Complete: true, Crossovers: 3,
		Ledger: Ledger{
			Records: map[string]RecordLedger{"orders": {Read: 1602, Rejected: 2, Evaluated: 1600, Reasons: map[string]int64{"malformed": 2}}},
			Events:  map[string]EventLedger{"PURCHASE": {Evaluated: 1600, Filtered: 100, Late: 1, Duplicate: 4, Accepted: 1495, Unexposed: 300, Outside: 195, Counted: 1000}},
		},
	}, Slices{})
	r.Definition = "a1b2" // catalog's own tests hold what it is
	return r
}

func TestJSONContract(t *testing.T) {
	var want, got any
	if err := json.Unmarshal([]byte(contract), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(asJSON(t, contractResult())), &got); err != nil {
		t.Fatal(err)
	}
	// The row of the contract is a guardrail's.
	rows := got.(map[string]any)["rows"].([]any)
	for _, row := range rows {
		if row.(map[string]any)["guardrail"] != nil {
			rows[0] = row
			break
		}
	}
	sameShape(t, "", want, got)
}

// sameShape reports what of want is missing in got or has another type there.
func sameShape(t *testing.T, path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s is no object: %v", path, got)
			return
		}
		for name, w := range want {
			g, ok := got[name]
			if !ok {
				t.Errorf("%s.%s is missing", path, name)
				continue
			}
			sameShape(t, path+"."+name, w, g)
		}
	case []any:
		got, ok := got.([]any)
		if !ok {
			t.Errorf("%s is no list", path)
			return
		}
		for i := range min(len(want), len(got)) {
			sameShape(t, path+"[]", want[i], got[i])
		}
		if len(want) > 0 && len(got) == 0 {
			t.Errorf("%s is empty", path)
		}
	case string:
		if _, ok := got.(string); !ok {
			t.Errorf("%s is no string: %v", path, got)
		}
	case float64:
		if _, ok := got.(float64); !ok {
			t.Errorf("%s is no number: %v", path, got)
		}
	case bool:
		if _, ok := got.(bool); !ok {
			t.Errorf("%s is no boolean: %v", path, got)
		}
	}
}

// longFloat are floats with all their digits. The last few are stats' affair; the goldens have ten.
var longFloat = regexp.MustCompile(`-?\d+\.\d{7,}(e[-+]\d+)?`)

// The writers' output, read line by line when it changes.
func TestGoldens(t *testing.T) {
	r := contractResult()
	var j, c, wide, narrow, terminal bytes.Buffer
	for _, err := range []error{WriteJSON(&j, []*Result{r}), WriteCSV(&c, []*Result{r}), Table(&wide, []*Result{r}, 0), Table(&narrow, []*Result{r, r}, 100), Table(&terminal, []*Result{r}, 80)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, got := range map[string]string{"result.json": j.String(), "result.csv": c.String(), "table.txt": wide.String(), "table_narrow.txt": narrow.String(), "table_80.txt": terminal.String()} {
		file := "testdata/" + name
		got := longFloat.ReplaceAllStringFunc(got, func(f string) string {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				t.Fatal(err)
			}
			return strconv.FormatFloat(v, 'g', 10, 64)
		})
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range min(len(g), len(w)) {
				if g[i] != w[i] {
					t.Errorf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
					break
				}
			}
			if len(g) != len(w) {
				t.Errorf("%s has %d lines, want %d", file, len(g), len(w))
			}
		}
	}
}

func TestWriteJSONOfSeveralIsAList(t *testing.T) {
	for n, want := range map[int]string{0: "[]\n", 2: "[\n"} {
		var b bytes.Buffer
		if err := WriteJSON(&b, make([]*Result, n)); err != nil || !strings.HasPrefix(b.String(), want) {
			t.Errorf("%d results: %q %v", n, b.String(), err)
		}
	}
}
