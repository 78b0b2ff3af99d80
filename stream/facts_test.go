package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/catalog/catalogtest"
	"github.com/tidemark/tidemark/stream/results"
)

// The facts that docs/robust-metrics.md shows are those of the experiment that docs/statistics.md shows, and all are used.
func TestFactsOfTheDocs(t *testing.T) {
	block := func(page, language, with string) string {
		text, err := os.ReadFile("../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], with) {
				return m[1]
			}
		}
		t.Fatalf("%s has no %s with %s", page, language, with)
		return ""
	}
	plans, err := catalogtest.Parse(t, block("statistics.md", "yaml", "sources:")).Plans()
	if err != nil {
		t.Fatal(err)
	}
	facts, err := results.ParseFacts([]byte(block("robust-metrics.md", "json", "checkout")))
	if err != nil {
		t.Fatal(err)
	}
	if facts, err = results.ResolveFacts(plans, facts); err != nil {
		t.Fatal(err)
	}
	of := facts["checkout"]
	if of["REVENUE/all/one_page"].V != 21034.5 || of["REVENUE/platform=ios/one_page"].V != 22310 || of["REVENUE_WINSORIZED"].Upper != "412.50" || of["LATENCY_P95"].Upper != "870" {
		t.Errorf("%+v", facts)
	}
}

// What analyze prints is what it reads: as a result, a list and by hand, on the whole and in slices; and a row says that its tuning is its own only
// where it is.
func TestAnalyzeReadsWhatItPrints(t *testing.T) {
	exposures, purchases := shopLog(19, 3000, 9000)
	set := robustShop(t, noFiles, "winsorize: {upper: 0.95}")
	opt := AnalyzeOptions{Slices: results.Slices{Mode: results.AllSlices}, Options: filesOf(t, exposures, purchases)}
	opt.Dir, opt.FS, opt.KeepOpen = "", nil, false
	half := opt
	half.Options = filesOf(t, exposures, purchases[:len(purchases)/2])
	half.Dir, half.FS, half.KeepOpen = "", nil, false
	analyzeOnce := func(o AnalyzeOptions, facts map[string]map[string]results.Tuning) *results.Result {
		t.Helper()
		o.Facts = facts
		list, err := Analyze(context.Background(), set, o)
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	was, own := analyzeOnce(half, nil), analyzeOnce(opt, nil)
	if was.Tuning["ARPU"].Upper == own.Tuning["ARPU"].Upper || was.Tuning["BUYERS/treatment"].V == own.Tuning["BUYERS/treatment"].V {
		t.Fatal("half of the data has the tuning of all of it")
	}
	var one, list, byHand bytes.Buffer
	for _, err := range []error{
		results.WriteJSON(&one, []*results.Result{was}),
		json.NewEncoder(&list).Encode([]*results.Result{was}),
		json.NewEncoder(&byHand).Encode(map[string]map[string]results.Tuning{was.Experiment: was.Tuning}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for form, text := range map[string][]byte{"result": one.Bytes(), "list": list.Bytes(), "tuning": byHand.Bytes()} {
		facts, err := results.ParseFacts(text)
		if err != nil {
			t.Fatal(err)
		}
		r := analyzeOnce(opt, facts)
		if r.Tuning["ARPU"].Upper != was.Tuning["ARPU"].Upper {
			t.Errorf("%s: frozen at %+v, not %+v", form, r.Tuning["ARPU"], was.Tuning["ARPU"])
		}
		given := 0
		for i := range r.Rows {
			row := &r.Rows[i]
			fact := was.Rows[i].Tuning
			if len(row.Slice) > 0 && form == "tuning" || fact == nil {
				continue
			}
			given++
			if row.Tuning.V != fact.V || slices.Contains(row.Reasons, results.ReasonOwnTuning) || !slices.Contains(own.Rows[i].Reasons, results.ReasonOwnTuning) {
				t.Errorf("%s: %s has %+v, was given %+v; reasons %v", form, row.Key(), row.Tuning, fact, row.Reasons)
			}
		}
		if want := map[bool]int{true: 2, false: len(was.Rows)}[form == "tuning"]; given != want {
			t.Errorf("%s: %d rows were given a tuning, want %d", form, given, want)
		}
	}
}

// A fact that would not be used is an error that says which and why.
func TestFactsThatAreNotUsedAreErrors(t *testing.T) {
	set := robustShop(t, noFiles, "winsorize: {upper: 0.95}")
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"landin": {}}`: `no experiment "landin"; the nearest is "landing"`,
		`{"landing": {"ARPPU/treatment": {"v": 1}}}`:                                `landing: ARPPU/treatment: the experiment has no such row or metric; the nearest is "ARPU/treatment"`,
		`{"landing": {"ARPU/treatmnt": {"v": 1}}}`:                                  `the nearest is "ARPU/treatment"`,
		`{"landing": {"ARPU/control": {"v": 1}}}`:                                   `no such row`,
		`{"landing": {"ARPU/country=KR/treatment": {"v": 1}}}`:                      `no such row`,
		`{"landing": {"ARPU/treatment": {"v": 1, "definition": "sha256:abc"}}}`:     `another definition of ARPU (sha256:abc; now `,
		`{"landing": {"ARPU": {"upper": "5", "definition": "sha256:abc"}}}`:         `another definition of ARPU`,
		`{"landing": {"ARPU": {"v": 1}}}`:                                           `under ARPU/VARIANT`,
		`{"landing": {"ARPU": {"lower": "1", "upper": "5"}}}`:                       `want upper, and nothing else`,
		`{"landing": {"ARPU": {"upper": "5.001"}}}`:                                 `at most 2 decimals`,
		`{"landing": {"ARPU/treatment": {"upper": "5"}}}`:                           `it is under ARPU`,
		`{"landing": {"BUYERS": {"upper": "5"}}}`:                                   `under BUYERS/VARIANT`,
		`{"landing": {"ARPU/treatment": {}}}`:                                       `it says nothing`,
		`{"landing": {"ARPU/treatment": {"v": -1}}}`:                                `above 0`,
		`{"landing": {"ARPU/treatment": {"w": 1}}}`:                                 `landing: ARPU/treatment: json: unknown field "w"`,
		`{"landing": {"ARPU/treatment": {"final": {"p": 0.1}}}}`:                    `final look`,
		`{"landing": {"ARPU/treatment": {"v": 1}, "ARPU/all/treatment": {"v": 1}}}`: `two names`,
		`{"landing": 5}`:    `landing: want an object like a result's tuning`,
		`[{"landing": {}}]`: `the list has something that is no result`,
		`[{"experiment": "a"}, {"experiment": "a"}]`: `two results of a`,
		`metric,slice`: `want what analyze or results print with -o json`,
	} {
		facts, err := results.ParseFacts([]byte(text))
		if err == nil {
			_, err = results.ResolveFacts(plans, facts)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	opt := AnalyzeOptions{Options: filesOf(t, nil, nil)}
	opt.Dir, opt.FS, opt.Facts = "", nil, map[string]map[string]results.Tuning{"landing": {"ARPU/nobody": {V: 1}}}
	if _, err := Analyze(context.Background(), set, opt); err == nil || !strings.Contains(err.Error(), "ARPU/nobody") {
		t.Errorf("analyzed with a fact that nothing uses: %v", err)
	}
}
