package app

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// send runs a command line with something on standard input.
func send(input string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, terminal{in: strings.NewReader(input), out: &o, err: &e})
	return code, o.String(), e.String()
}

// field digs a number, text or flag out of JSON by a path such as difference.interval.0.
func field(t *testing.T, text, path string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			i := int(name[0] - '0')
			if i >= len(at) {
				t.Fatalf("%s: no such element in %s", path, text)
			}
			v = at[i]
		default:
			t.Fatalf("%s: nothing at %s in %s", path, name, text)
		}
	}
	return v
}

// printed checks a number of an answer against what others printed, to the digits behind the point that they printed.
func printed(t *testing.T, text, path string, want float64, digits int) {
	t.Helper()
	got, ok := field(t, text, path).(float64)
	if !ok || math.Abs(got-want) > .500001*math.Pow10(-digits) {
		t.Errorf("%s is %v, want %v to %d digits", path, got, want, digits)
	}
}

const (
	gbTreatment = "n=3461,sum=2422.7,sum2=134698.29"
	gbControl   = "n=3407,sum=1396.87,sum2=52377.9767"
)

// Vectors of other projects, through the command line. File and project of origin stand at each; where these figures are not the
// command's, the reason does.
func TestCalcReproducesForeignVectors(t *testing.T) {
	type check struct {
		path   string
		want   float64
		digits int
	}
	for _, c := range []struct {
		name   string
		args   string
		checks []check
	}{
		{"GrowthBook tests/frequentist/test_tests.py, relative, by delta and Welch's t", "--lift delta --control " + gbControl + " --treatment " + gbTreatment, []check{
			{"lift.value", .70732, 5}, {"lift.se", .37879, 5}, {"lift.p_welch", .06191, 5}, {"lift.interval_welch.0", -.03526, 5}, {"lift.interval_welch.1", 1.44989, 5},
			{"difference.value", .29, 5}, {"difference.se", .12478, 5}, {"welch.p", .02016, 5}, {"welch.interval.0", .04538, 5}, {"welch.interval.1", .53462, 5}}},
		{"the same, sequential with N* = 1000", "--lift delta --subjects 1000 --control n=3000,sum=1396.87,sum2=52377.9767 --treatment " + gbTreatment, []check{
			{"lift.value", .50336, 5}, {"lift.interval_always.0", -.55844, 5}, {"lift.interval_always.1", 1.56516, 5}, {"difference.p_always", 1, 1}}},
		{"GrowthBook back-end/test/stats.test.ts, SRM", "--srm 1000,1200 --weights 1,1", []check{{"srm.p", .000020079, 9}, {"srm.p_sequential", .00343, 5}}},
		{"… 135, 115", "--srm 135,115", []check{{"srm.p", .205903211, 9}}},
		{"… .75/.25", "--srm 310,98 --weights .75,.25", []check{{"srm.p", .647434186, 9}}},
		{"… an arm of weight 0", "--srm 1000,1200,900 --weights .5,.5,0", []check{{"srm.p", .000020079, 9}}},
		{"… an arm without subjects", "--srm 0,10,10 --weights .34,.33,.33", []check{{"srm.p", .005790624, 9}}},
		{"… three arms", "--srm 500,500,600 --weights .34,.33,.33", []check{{"srm.p", .000592638, 9}}},
		{"… as planned", "--srm 500,500", []check{{"srm.p", 1, 9}}},
		{"tea-tasting tests/metrics/test_proportion.py, SRM", "--srm 53,47", []check{{"srm.p", .5485062355001472, 14}}},
		{"GrowthBook shared/test/experiments.test.ts, Holm", "--p-values .01,.04,.03,.005,.55,.6 --correction holm", []check{
			{"multiplicity.holm.0", .05, 12}, {"multiplicity.holm.1", .12, 12}, {"multiplicity.holm.3", .03, 12}, {"multiplicity.holm.5", 1, 12}}},
		{"… BH", "--p-values .898,.138,.007,.964,.538,.006,.138 --correction bh", []check{
			{"multiplicity.bh.0", .964, 12}, {"multiplicity.bh.1", .2415, 12}, {"multiplicity.bh.2", .0245, 12}, {"multiplicity.bh.4", .7532, 12}}},
		{"tea-tasting tests/test_multiplicity.py", "--p-values .005,.06,.007,.04,.01,.03", []check{
			{"multiplicity.bh.0", .02, 12}, {"multiplicity.bh.3", .048, 12}, {"multiplicity.holm.2", .035, 12}, {"multiplicity.holm.4", .04, 12}}},
		// The planner there prints .20596 and .12821 for the sequential test: at its last look they are .07206 and .11044.
		{"GrowthBook shared/test/power.test.ts", "--power value=10,var=3909.99977,effect=5%,lift=delta,n=133333,subjects=5000", []check{
			{"power.fixed.power", .52144, 5}, {"power.fixed.mde", .07027, 5}, {"power.sequential.power", .07206, 4}, {"power.sequential.mde", .11044, 4}}},
		{"ep-stats test_statistics.py, rounded up", "--power value=.2,sd=1.2,effect=10%", []check{{"power.fixed.n", 56511.5, 0}}},
		{"…", "--power value=.3,sd=2,effect=5%", []check{{"power.fixed.n", 279071.5, 0}}},
		{"… rates", "--power rate=.4,effect=5%", []check{{"power.fixed.n", 9489.5, 0}}},
		{"…", "--power rate=.1,effect=10%", []check{{"power.fixed.n", 14748.5, 0}}},
		{"Spotify test_ttest.py, of inputs printed to 7 digits", "--control n=48351,sum=1438602,sum2=73305810 --treatment n=50571,sum=1521974,sum2=78621210", []check{{"welch.p", .03326, 5}}},
		// Spotify's own p is of the pooled variance; with n − 1, as every metric here has it, it is erfc(1.803331/√2).
		{"Spotify test_chisquared.py", "--control n=104,sum=42,sum2=42 --treatment n=1009,sum=500,sum2=500", []check{{"difference.value", .091694, 6}, {"difference.p", .0713362, 7}, {"difference.z", 1.803331, 6}}},
	} {
		code, out, errOut := call(append([]string{"calc", "-o", "json"}, strings.Fields(c.args)...)...)
		if code != exitOK {
			t.Errorf("%s: exit %d: %s", c.name, code, errOut)
			continue
		}
		for _, k := range c.checks {
			t.Run(c.name+"/"+k.path, func(t *testing.T) { printed(t, out, k.path, k.want, k.digits) })
		}
	}
}

// GrowthBook test_tests.py, CUPED of a ratio: from a file, from standard input, and both ways the same.
func TestCalcReadsRequestsFromFilesAndStandardInput(t *testing.T) {
	request := `{"lift": "delta",
	"control": {"n": 100, "sum_num": "485.112236689623", "sum_num2": 2715.484664118136, "sum_den": 679.9093275844917, "sum_den2": 4939.424001640236,
		"sum_numden": 3602.146836776702, "sum_pre": 192.59138069991536, "sum_pre2": 460.076026390857, "sum_preden": 290.1398399750233,
		"sum_preden2": 920.9461385038898, "sum_numpre": 1113.6215759318352, "sum_denpreden": 2130.9404074446747, "sum_prepreden": 634.239482353647,
		"sum_numpreden": 1559.2878434944676, "sum_denpre": 1460.3181079276983},
	"treatment": {"n": 100, "sum_num": 514.7757826608777, "sum_num2": 2994.897482705013, "sum_den": 705.4090874383759, "sum_den2": 5291.36604146392,
		"sum_numden": 3918.1561431600717, "sum_pre": 206.94157227402536, "sum_pre2": 514.2903702246757, "sum_preden": 302.54389139107326,
		"sum_preden2": 994.4506208125663, "sum_numpre": 1237.0953021125997, "sum_denpreden": 2292.081739775257, "sum_prepreden": 698.4173425817908,
		"sum_numpreden": 1701.0287270040265, "sum_denpre": 1604.0759503266522, "value": 0.73, "se": 0.01}}`
	path := filepath.Join(t.TempDir(), "request.json")
	if err := os.WriteFile(path, []byte(request), 0o600); err != nil {
		t.Fatal(err)
	}
	code, fromFile, errOut := send("", "calc", path, "-o", "json")
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	printed(t, fromFile, "cuped.theta", .8290044, 7)
	printed(t, fromFile, "cuped.lift.value", -.00070148333, 11)
	printed(t, fromFile, "cuped.lift.se", .00391, 5)
	for _, args := range [][]string{{"calc", "-o", "json"}, {"calc", "-", "-o", "json"}} {
		if code, out, errOut := send(request, args...); code != exitOK || out != fromFile {
			t.Errorf("%v exits %d, %s, with another answer than from the file: %s", args, code, errOut, out)
		}
	}
	// Every number that people see has its line.
	_, table, _ := send(request, "calc")
	for _, want := range []string{"difference, CUPED", "lift, CUPED", "0.829", "one look at the end"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

// examples returns the command lines of a command's help, and what is piped into them.
func examples(t *testing.T, command string) (lines [][2]string) {
	t.Helper()
	_, help, _ := call(append(strings.Fields(command), "--help")...)
	_, text, _ := strings.Cut(help, "Examples:\n")
	text, _, _ = strings.Cut(text, "\nUsage:")
	pending := ""
	for line := range strings.Lines(text) {
		pending += line
		if strings.Count(pending, "'")%2 == 1 {
			continue // a quoted text goes on
		}
		example := strings.TrimSpace(pending)
		pending = ""
		input := ""
		if before, after, piped := strings.Cut(example, " | "); piped {
			input = strings.Trim(strings.TrimPrefix(before, "echo "), "'")
			example = after
		}
		example, _, _ = strings.Cut(example, "   ") // the words behind it
		if example != "" {
			lines = append(lines, [2]string{example, input})
		}
	}
	return lines
}

// TestExamplesOfHelpRun runs every example of the commands that need nothing but themselves.
func TestExamplesOfHelpRun(t *testing.T) {
	for command, least := range map[string]int{"calc": 5, "power": 3} {
		lines := examples(t, command)
		if len(lines) < least {
			t.Errorf("%s --help has %d examples: %v", command, len(lines), lines)
		}
		for _, example := range lines {
			args := strings.Fields(example[0])
			if args[0] != "tidemark" || args[1] != command {
				t.Errorf("not an example of %s: %q", command, example)
				continue
			}
			for i, arg := range args {
				if arg == "results.json" {
					args[i] = "testdata/power/results.json"
				}
			}
			code, out, errOut := send(example[1], args[1:]...)
			if code != exitOK || len(out) == 0 {
				t.Errorf("%s: exit %d: %s", example[0], code, errOut)
			}
			for line := range strings.Lines(out) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
					t.Errorf("%s prints a line of %d columns: %s", example[0], n, line)
				}
			}
		}
	}
}

func TestCalcNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ args, input, says string }{
		{"calc --control n=3", "", "control and treatment go together"},
		{"calc --control n=3,sum --treatment n=3", "", `--control: "sum" is not name=value`},
		{"calc --control n=3,summ_num=3 --treatment n=3", "", `did you mean "sum_num"?`},
		{"calc --control n=three --treatment n=3", "", "n is a JSON string, it must be a whole number"},
		{"calc --control n=3,sum=1e3,sum2=4 --treatment n=3,sum=1,sum2=1", "", `control.sum_num is "1e3"; it must be a decimal number`},
		{"calc --srm 1,2 --weights 1", "", "2 counts and 1 weights"},
		{"calc --p-values 1.2", "", "p[0] is 1.2; a p-value lies between 0 and 1"},
		{"calc --p-values .2 --correction sidak", "", `correction is "sidak"; bonferroni, holm, bh and ebh are known`},
		{"calc --log-e 2 --correction holm", "", "give p"},
		{"calc --power value=1,effect=1%", "", "give the variance"},
		{"calc --limit five --srm 1,2", "", "want a difference such as 0.02"},
		{"calc -o yaml --srm 1,2", "", "want table or json"},
		{"calc x.json --srm 1,2", "", "not both"},
		{"calc --control n=10,sum=100,sum2=1 --treatment n=3,sum=1,sum2=1", "", "control: sum_num2 is 1, smaller than sum_num²/n = 1000"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1", "", "treatment has no sum_num2"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --subjects -7", "", "subjects is -7"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --subjects 0", "", "subjects is 0"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --limit nan", "", "limit is NaN"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --limit 0", "", "limit is 0"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --v -1", "", "tuning.v is -1"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --tau2 nan", "", "tuning.tau2 is NaN"},
		{"calc --control n=10,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1 --tau2 1 --v 1", "", "both v and tau2"},
		{"calc --control n=nan,sum=1,sum2=1 --treatment n=3,sum=1,sum2=1", "", "n is nan; it must be a finite number"},
		{"calc --srm 1000", "", "counts has 1"},
		{"calc --srm 1,2 --alpha 0", "", "alpha is 0"},
		{"calc --srm 1,2 --alpha 1", "", "alpha is 1"},
		{"calc --srm 1,2 --limit 5%", "", "limit goes with control and treatment"},
		{"calc --srm 1,2 --weights 1,nan", "", "weights[1] is NaN"},
		{"calc --p-values nan", "", "p[0] is NaN"},
		{"calc --power sd=-1,effect=1", "", "sd is -1"},
		{"calc --power sd=1,effect=nan%", "", `"nan" is not a number`},
		{"calc --alpha .1", `{"p": [0.1]}`, "--alpha goes with --control"},
		{"calc", `{"p": [0.1, null]}`, "p[1] is null"},
		{"calc", `{"p": [0.1], "p": [0.2]}`, "p is there twice"},
		{"calc", `{"controll": {}}`, `did you mean "control"?`},
		{"calc", `{"control": {"n": 3}, "wizard": 1}`, "there are alpha, direction"},
		{"calc", `{"alpha": `, "one JSON object"},
		{"calc", `{"alpha": 7, "p": [0.1]}`, "alpha is 7"},
		{"calc", `{"p": [0.1]} {}`, "more after"},
		{"calc", ``, "one JSON object"},
		{"calc", `{"tuning": {"v": "much"}, "p": [0.1]}`, "tuning.v is a JSON string, it must be a number"},
	} {
		code, out, errOut := send(c.input, strings.Fields(c.args)...)
		if strings.Contains(errOut, "calc: ") || strings.Contains(errOut, "bad request") {
			t.Errorf("tidemark %s says of which package it is: %s", c.args, errOut)
		}
		if code != exitUsage || out != "" || !strings.Contains(errOut, c.says) {
			t.Errorf("tidemark %s with %q exits %d and says %q, want %d and something with %q", c.args, c.input, code, errOut, exitUsage, c.says)
		}
	}
}
