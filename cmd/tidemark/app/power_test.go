package app

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// GrowthBook packages/shared/test/power.test.ts: mean 10, variance 3909.99977, lift .05, 400,000 subjects in three arms. Its planner
// prints .20596 and .12821 for the sequential test with N* = 5000, which is z·(δ/(k·SE) − 1) for a test that rejects at k·SE: at the
// last look the power is .07206 and the smallest effect .11044.
func TestPowerIsNotThePlannersFault(t *testing.T) {
	code, out, errOut := call("power", "--mean", "10", "--sd", "62.5299909", "--effect", "5%", "--subjects", "400000", "--arms", "3", "--lift", "delta", "--tuned", "5000", "-o", "json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	printed(t, out, "effects.0.fixed.power", .52144, 5)
	printed(t, out, "size.fixed.mde_lift", .07027, 5)
	printed(t, out, "effects.0.sequential.power", .07206, 4)
	printed(t, out, "size.sequential.mde_lift", .11044, 4)
	printed(t, out, "size.sequential.mde", 1.1044, 3)
}

// ep-stats tests/epstats/toolkit/test_statistics.py, per arm and rounded up, said there to match Booking's calculator.
func TestPowerPlansAsEpStats(t *testing.T) {
	for args, want := range map[string]float64{
		"--mean .2 --sd 1.2 --effect 10%": 56512, "--mean .3 --sd 2 --effect 5%": 279072, "--rate .4 --effect 5%": 9490, "--rate .1 --effect 10%": 14749,
	} {
		_, out, errOut := call(append([]string{"power", "-o", "json", "--per-day", "1000"}, strings.Fields(args)...)...)
		if errOut != "" {
			t.Errorf("%s: %s", args, errOut)
			continue
		}
		n := field(t, out, "effects.0.fixed.subjects").(float64)
		if math.Ceil(n/2) != want {
			t.Errorf("%s: %v over both arms, want %v an arm", args, n, want)
		}
		if days := field(t, out, "effects.0.fixed.days").(float64); math.Abs(days-n/1000) > .001 {
			t.Errorf("%s: %v days at 1,000 a day for %v", args, days, n)
		}
		// At the tightest point the always-valid test needs (3.035 + .8416)²/(1.96 + .8416)² times as many.
		if x := field(t, out, "effects.0.sequential.subjects").(float64) / n; math.Abs(x-1.915) > .002 {
			t.Errorf("%s: %v times as many for the always-valid test", args, x)
		}
	}
}

func TestPowerOfUnequalArmsGoesByTheSmallestTreatment(t *testing.T) {
	subjects := func(args ...string) float64 {
		t.Helper()
		_, out, errOut := call(append([]string{"power", "--mean", "1", "--sd", "1", "--effect", "0.1", "-o", "json"}, args...)...)
		if errOut != "" {
			t.Fatal(errOut)
		}
		return field(t, out, "effects.0.fixed.subjects").(float64)
	}
	// n_c·(1 + w_c/w_t)·σ²: 2, 1, 1 has a control of half and a treatment of a quarter: (1/.5 + 1/.25)/(1/.5 + 1/.5) = 1.5 times 1, 1.
	if got, want := subjects("--weights", "2,1,1"), 1.5*subjects(); math.Abs(got-want) > 1 {
		t.Errorf("weights 2, 1, 1: %v, want %v", got, want)
	}
	if got, want := subjects("--arms", "3"), subjects("--weights", "1,1,1"); got != want {
		t.Errorf("three arms: %v, by weights %v", got, want)
	}
	// The size that an effect needs finds it: there and back.
	n := subjects()
	_, out, _ := call("power", "--mean", "1", "--sd", "1", "--subjects", strings.TrimSuffix(jsonNumber(n), ".0"), "-o", "json")
	printed(t, out, "size.fixed.mde", .1, 4)
}

func jsonNumber(v float64) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestPowerReadsARunningExperiment(t *testing.T) {
	text, err := os.ReadFile("testdata/power/results.json")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(text) }))
	defer server.Close()
	var first string
	for _, c := range []struct{ from, input string }{{"testdata/power/results.json", ""}, {"-", string(text)}, {"-", "[" + string(text) + "]"}, {server.URL + "/x", ""}} {
		code, out, errOut := send(c.input, "power", "--from", c.from, "--effect", "5%,0.001", "--subjects", "100000", "--per-day", "6000", "-o", "json")
		if code != exitOK {
			t.Fatalf("%s: exit %d: %s", c.from, code, errOut)
		}
		if first == "" {
			first = out
		}
		if out != first {
			t.Errorf("%s answers otherwise: %s", c.from, out)
		}
	}
	// 20,000 subjects an arm, .1 and .103, tuned for 100,000. One row: the slice and the row without a standard error are passed over.
	var rows []json.RawMessage
	if err := json.Unmarshal([]byte(first), &rows); err != nil || len(rows) != 1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	printed(t, first, "0.now.subjects", 40000, 0)
	printed(t, first, "0.sd", .3, 4)
	// se² = (.1·.9 + .103·.897)/19,999, and (1.959964 + .841621)·se.
	se := math.Sqrt((.1*.9 + .103*.897) / 19999)
	printed(t, first, "0.now.fixed.mde", 2.801585*se, 7)
	printed(t, first, "0.now.fixed.mde_lift", 28.01585*se, 6)
	// At the size it was tuned for k is 3.035; at .4 of it 3.137.
	printed(t, first, "0.end.sequential.k", 3.0352, 4)
	printed(t, first, "0.end.sequential.mde", (3.0352+.841621)*se*math.Sqrt(.4), 6)
	printed(t, first, "0.end.days", 10, 6)
	k := field(t, first, "0.now.sequential.k").(float64)
	if !(k > 3.1 && k < 3.2) {
		t.Errorf("k now is %v", k)
	}
	// How many more: (k + z)²·se²/effect² times what there is, and at that size the effect is the smallest found.
	more := field(t, first, "0.effects.1.fixed.more").(float64)
	if want := 40000*math.Pow(2.801585*se/.001, 2) - 40000; math.Abs(more-want) > 2 {
		t.Errorf("%v more subjects for .001, want %v", more, want)
	}
	if already := field(t, first, "0.effects.0.fixed.more").(float64); already < 1 {
		t.Errorf("5 %% of .1 is found already: %v", already)
	}
	n := 40000 + field(t, first, "0.effects.1.sequential.more").(float64)
	_, there, _ := call("power", "--from", "testdata/power/results.json", "--subjects", jsonNumber(n), "-o", "json")
	printed(t, there, "0.end.sequential.mde", .001, 8)
}

func TestPowerNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"power", exitUsage, "give --effect"},
		{"power --effect 5%", exitUsage, "give the variance"},
		{"power --effect much --sd 1", exitUsage, "want a lift such as 5%"},
		{"power --effect 5% --sd 1", exitUsage, "a relative effect needs a value other than 0"},
		{"power --effect 95% --rate .6", exitUsage, "out of 0 to 1"},
		{"power --effect 5% --rate .6 --alpha 2", exitUsage, "--alpha 2"},
		{"power --effect 5% --rate .6 --power 2", exitUsage, "power is 2"},
		{"power --effect 5% --rate .6 --arms 1", exitUsage, "--arms 1"},
		{"power --effect 5% --rate .6 --weights 1,0", exitUsage, "--weights"},
		{"power --effect 5% --rate .6 --mean 2", exitUsage, "rate stands for value"},
		{"power --effect 5% --rate .6 --per-day -1", exitUsage, "--per-day"},
		{"power --effect 1e-300 --sd 1", exitUsage, "too small"},
		{"power --effect 1e-12 --sd 1", exitUsage, "more than 2^53 subjects"},
		{"power --effect 1e-7 --sd 1 --arms 1000", exitUsage, "more than 2^53 subjects"},
		{"power --effect nan --sd 1", exitUsage, "--effect nan"},
		{"power --effect inf --sd 1", exitUsage, "--effect inf"},
		{"power --effect 1 --sd -1", exitUsage, "sd is -1"},
		{"power --effect 1 --sd nan", exitUsage, "sd is NaN"},
		{"power --effect 1 --sd 0", exitUsage, "sd is 0"},
		{"power --effect 1 --sd 1 --mean inf", exitUsage, "value is +Inf"},
		{"power --effect 5% --rate 0", exitUsage, "rate is 0"},
		{"power --effect 5% --rate 1", exitUsage, "rate is 1"},
		{"power --effect 5% --rate -.1", exitUsage, "rate is -0.1"},
		{"power --effect 5% --rate nan", exitUsage, "rate is NaN"},
		{"power --effect 5% --rate .6 --alpha nan", exitUsage, "--alpha NaN"},
		{"power --effect 5% --rate .6 --alpha 0", exitUsage, "--alpha 0"},
		{"power --effect 5% --rate .6 --weights 1,nan", exitUsage, "--weights"},
		{"power --effect 5% --rate .6 --weights 1,1,1 --arms 2", exitUsage, "one for each arm"},
		{"power --effect 5% --rate .6 --power .01", exitUsage, "no effect at all"},
		{"power --effect 5% --rate .6 --per-day 0", exitUsage, "--per-day 0"},
		{"power --effect 5% --rate .6 --tuned -4", exitUsage, "--tuned -4"},
		{"power --effect 5% --rate .6 --lift log", exitUsage, "want fieller or delta"},
		{"power --effect 5% --rate .6 --metric X", exitUsage, "--from, which is not given"},
		{"power --subjects 0 --rate .6", exitUsage, "--subjects 0"},
		{"power --subjects 3 --rate .6", exitUsage, "less than 2 in the smallest arm"},
		{"power --from testdata/power/results.json --effect 1e-300", exitUsage, "--effect 1e-300"},
		{"power --effect 5% --rate .6 -o xml", exitUsage, "want table or json"},
		{"power --from testdata/power/results.json --mean 2", exitUsage, "leave --mean"},
		{"power --from testdata/power/results.json --metric REVENUES", exitFailure, "there are the metrics CONVERSION, REVENUE"},
		{"power --from testdata/shop/orders.csv", exitFailure, "tidemark results -o json"},
		{"power --from testdata/none.json", exitFailure, "none.json"},
		{"power --from http://127.0.0.1:1/x", exitUnreachable, "no server"},
	} {
		code, out, errOut := call(strings.Fields(c.args)...)
		if code != c.code || out != "" || !strings.Contains(errOut, c.says) {
			t.Errorf("tidemark %s exits %d and says %q, want %d and something with %q", c.args, code, errOut, c.code, c.says)
		}
	}
}

// TestNoHelpShowsAnEmptyDefault: a default that is not there is nothing to print.
func TestNoHelpShowsAnEmptyDefault(t *testing.T) {
	for _, command := range []string{"calc", "power", "simulate", "check", "explain"} {
		if _, help, _ := call(command, "--help"); strings.Contains(help, "(default )") || strings.Contains(help, "(default [])") {
			t.Errorf("%s --help shows an empty default:\n%s", command, help)
		}
	}
}

// TestPlansAreNeverEmpty: an effect that one subject would show still needs two an arm, and calc says both arms and their sum.
func TestPlansAreNeverEmpty(t *testing.T) {
	_, out, errOut := call("power", "--mean", "1", "--sd", "1e-9", "--effect", "50%", "-o", "json")
	if errOut != "" {
		t.Fatal(errOut)
	}
	printed(t, out, "effects.0.fixed.subjects", 4, 0)
	_, table, _ := call("calc", "--power", "value=1,sd=1,effect=.1,share=.5")
	for _, want := range []string{"control", "treatment", "both", "2,355", "1,178", "3,533"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}
