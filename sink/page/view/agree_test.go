package view

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

// Page, table and CSV say the same of every row of the sample: values, lift, interval, its level, p and state.
func TestPageTableAndCSVAgree(t *testing.T) {
	w := sample.New(1)
	columns := regexp.MustCompile(` {2,}`)
	rows, owns := 0, 0
	for _, x := range w.Set().Experiments {
		r := w.Result(x.ID, results.Slices{})
		if r == nil || x.ID == sample.LongName { // whose values have spaces and line breaks
			continue
		}
		var open []string
		for i := range r.Rows {
			open = append(open, r.Rows[i].Key())
		}
		cells := Cells(w.Set(), x, r, open)
		usual := NewTable(w.Set(), x, r).Level
		var table, comma bytes.Buffer
		if err := results.Table(&table, []*results.Result{r}, 0); err != nil {
			t.Fatal(err)
		}
		if err := results.WriteCSV(&comma, []*results.Result{r}); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&comma).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		field := func(i int, name string) string { return records[i+1][slices.Index(records[0], name)] }
		lines := strings.Split(strings.TrimSpace(table.String()), "\n")
		head := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "METRIC") })
		heads := columns.Split(lines[head], -1)
		lines = slices.DeleteFunc(lines[head+1:], func(l string) bool { return strings.HasPrefix(l, "!") || !strings.Contains(l, "  ") })
		if len(lines) != len(r.Rows) {
			t.Fatalf("%s: %d lines for %d rows", x.ID, len(lines), len(r.Rows))
		}
		for i := range r.Rows {
			key := r.Rows[i].Key()
			page := cells[key]
			texts := columns.Split(lines[i], -1)
			level := usual
			if own, ok := strings.CutPrefix(page["level"], "at "); ok {
				level = own
				owns++
			}
			state := page["word"]
			if page["rail_word"] != "" && page["rail"] != "unknown" {
				state += " · " + page["rail_word"]
			}
			said := map[string]string{"CONTROL": page["control"], "TREATMENT": page["value"], "LIFT": page["lift"], "INTERVAL (ALWAYS VALID)": page["ci"], "P": page["p"], "STATE": state, "LEVEL": level}
			for c, name := range heads {
				if want, ok := said[name]; ok && texts[c] != want && !(name == "LEVEL" && page["ci"] == results.Missing) {
					t.Errorf("%s %s: %s is %q in the table and %q on the page", x.ID, key, name, texts[c], want)
				}
			}
			if at := field(i, "level_text"); at != level && page["ci"] != results.Missing {
				t.Errorf("%s %s: %s in CSV, %s on the page", x.ID, key, at, level)
			}
			if text := field(i, "lift_text"); text != said["LIFT"]+" ("+page["ci"]+")" && page["ci"] != results.Missing {
				t.Errorf("%s %s: %s in CSV, %s (%s) on the page", x.ID, key, text, page["lift"], page["ci"])
			}
			if p := field(i, "p_always_text"); p != page["p"] && !strings.HasPrefix(page["p"], "q ") {
				t.Errorf("%s %s: p %s in CSV, %s on the page", x.ID, key, p, page["p"])
			}
			if !slices.Contains(heads, "LEVEL") && !strings.Contains(table.String(), "intervals "+level) {
				t.Errorf("%s %s: the table does not say %s", x.ID, key, level)
			}
			rows++
		}
	}
	if rows < 200 || owns < 5 {
		t.Errorf("%d rows, %d with a level of their own: too few to see something", rows, owns)
	}
}
