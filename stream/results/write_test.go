package results

import (
	"strings"
	"testing"
)

// TestTableSaysWhatIsMissing: who reads the table sees no ledger, and values that come from the data do not steer the terminal.
func TestTableSaysWhatIsMissing(t *testing.T) {
	r := &Result{
		Experiment: "x", Subjects: map[string]int64{"a": 1, "b": 1},
		Ledger: Ledger{
			Records: map[string]RecordLedger{"orders": {Read: 3, Evaluated: 3}, "visits": {Read: 1200, Rejected: 2, Evaluated: 1198, Reasons: map[string]int64{"malformed": 2}}},
			Events:  map[string]EventLedger{"P": {Evaluated: 3, Rejected: 3, Reasons: map[string]int64{"type_mismatch": 3, "unknown_variant": 9}}},
		},
		Rows: []Row{{Metric: "M", Role: "goal", Variant: "b", Control: "a", Slice: map[string]string{"city": "x\ny\x1b[2J"}}},
	}
	var b strings.Builder
	if err := Table(&b, []*Result{r}, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"! visits: 2 of 1,200 records rejected: malformed 2\n", "! P: 3 of 3 events rejected: type_mismatch 3\n", `city=x\ny\x1b[2J `} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "orders") || strings.Contains(b.String(), "\x1b") {
		t.Errorf("too much in\n%s", b.String())
	}
}
