package view

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/page/sample"
	"github.com/tidemark/tidemark/stream/results"
)

var rewrite = flag.Bool("rewrite", false, "write testdata instead of comparing with it; read the difference line by line")

func sampled(t *testing.T, id string) (*catalog.Set, *catalog.Experiment, *results.Result) {
	t.Helper()
	w := sample.New(1)
	for _, x := range w.Set().Experiments {
		if x.ID == id {
			return w.Set(), x, w.Result(x.ID, results.Slices{})
		}
	}
	t.Fatalf("the sample has no %s", id)
	return nil, nil, nil
}

// Every text that the page shows of an experiment with everything that a row can say, and of one that has ended with a final look.
func TestTextsGolden(t *testing.T) {
	for _, id := range []string{"feed_mixer", "coupon_stack"} {
		t.Run(id, func(t *testing.T) { golden(t, id) })
	}
}

func golden(t *testing.T, id string) {
	set, x, r := sampled(t, id)
	cells := Cells(set, x, r, []string{"CTR/all/mixer"})
	var b strings.Builder
	for i := range r.Rows {
		row := &r.Rows[i]
		if _, shown := cells[row.Key()]; !shown || row.Slice["country"] != "" && row.Slice["country"] != "KR" {
			continue
		}
		fmt.Fprintf(&b, "%s\n", row.Key())
		for _, field := range slices.Sorted(maps.Keys(cells[row.Key()])) {
			if text := cells[row.Key()][field]; text != "" {
				fmt.Fprintf(&b, "    %-12s %s\n", field, strings.ReplaceAll(text, "\n", "\n                 "))
			}
		}
	}
	file := filepath.Join("testdata", id+".txt")
	if *rewrite {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, lines := strings.Split(b.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(got), len(lines)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(lines) {
			w = lines[i]
		}
		if g != w {
			t.Fatalf("line %d (-rewrite makes it anew):\n got %s\nwant %s", i+1, g, w)
		}
	}
}

// The golden experiments leave no field of a row out, so that none can be forgotten on the page: a new field of
// results.Row, Guardrail, CUPED … fails here until the sample has it, and the golden file says what became of it.
func TestTheGoldenSampleHasEveryField(t *testing.T) {
	_, _, r := sampled(t, "feed_mixer")
	has, all := map[string]bool{}, map[string]bool{}
	// known are types whose every field is on or off together, or that the sample's statistics leave out.
	known := map[reflect.Type]bool{reflect.TypeFor[results.Tuning](): true, reflect.TypeFor[results.Arm](): true}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct || v.Type().PkgPath() != reflect.TypeFor[results.Row]().PkgPath() || known[v.Type()] {
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			name := path + "." + f.Name
			all[name] = true
			if !v.Field(i).IsZero() {
				has[name] = true
			}
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				for j := range v.Field(i).Len() {
					walk(name, v.Field(i).Index(j))
				}
				continue
			}
			walk(name, v.Field(i))
		}
	}
	_, _, ended := sampled(t, "coupon_stack") // has a final look
	for _, row := range slices.Concat(r.Rows, ended.Rows) {
		walk("Row", reflect.ValueOf(row))
	}
	for name := range all {
		if !has[name] {
			t.Errorf("%s is in no row of the sample", name)
		}
	}
	arm := r.Rows[slices.IndexFunc(r.Rows, func(r results.Row) bool { return r.Metric == "SESSIONS" })].ByVariant["control"]
	if arm.Approximate == 0 || arm.Overflowed == 0 {
		t.Errorf("no estimates in %+v", arm)
	}
}
