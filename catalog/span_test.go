package catalog

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/jsonschema-go/jsonschema"
)

// numeric are keys that hold a number or a duration, each in a definition with VALUE in its place, and which of the hostile values mean
// something there.
var numeric = []struct{ name, text, takes string }{
	{"alpha", experimentWith("alpha: VALUE"), ""},
	{"stats.alpha", experimentWith("stats: {alpha: VALUE}"), ""},
	{"mde", experimentWith("stats: {mde: VALUE}"), ""},
	{"tau2", experimentWith("sequential: {tau2: VALUE}"), ""},
	{"sequential.subjects", experimentWith("sequential: {subjects: VALUE}"), ""},
	{"min_deviation", experimentWith("srm: {min_deviation: VALUE}"), "0 1e-320"},
	{"pre_period", experimentWith("cuped: {pre_period: VALUE}"), ""},
	{"limit", experimentWith("guardrails: [{metric: CTR, limit: VALUE}]"), "-1"},
	{"weight", strings.Replace(experimentWith("owner: x"), "treatment: 1", "treatment: VALUE", 1), "0"},
	{"exposure.lateness", strings.Replace(experimentWith("owner: x"), "event: EXPOSURE", "event: EXPOSURE, lateness: VALUE", 1), "0"},
	{"cap", metricWith("cap: VALUE"), ""},
	{"cap.upper", metricWith("cap: {upper: VALUE}"), ""},
	{"cap.lower", metricWith("cap: {lower: VALUE}"), "-1 0"},
	{"winsorize.upper", metricWith("winsorize: {upper: VALUE}"), ""},
	{"winsorize.lower", metricWith("winsorize: {lower: VALUE}"), ""},
	{"winsorize.after", metricWith("winsorize: {upper: 0.9, after: VALUE}"), ""},
	{"quantile", strings.Replace(metricWith("owner: x"), "agg: SUM", "agg: QUANTILE, quantile: VALUE", 1), ""},
	{"window", metricWith("window: VALUE"), ""},
	{"min_subjects", alertWith("min_subjects: VALUE"), "0"},
	{"for", alertWith("for: VALUE"), "0"},
	{"stale", strings.Replace(alertWith("for: 1m"), "srm: failed", "stale: VALUE", 1), ""},
	{"lateness", "source: {id: s, kafka: {topic: t}, lateness: VALUE}\n", "0"},
}

func experimentWith(line string) string {
	return "experiment:\n  id: checkout\n  subject: user_id\n  exposure: {event: EXPOSURE}\n  variants: {control: 1, treatment: 1}\n  control: control\n  start: 2026-03-02\n  goals: [ARPU]\n  " + line + "\n"
}

func metricWith(line string) string {
	return "metric:\n  id: SPEND\n  subject: user_id\n  direction: up\n  numerator: {event: PURCHASE, agg: SUM, value: revenue}\n  " + line + "\n"
}

func alertWith(line string) string {
	return "alert:\n  id: a\n  when: {srm: failed}\n  receivers: [oncall]\n  " + line + "\n"
}

var hostile = []string{"nan", ".nan", "NaN", "inf", ".inf", "-.inf", "+inf", "-1", "0", "1e308", "-1e308", "1e999", "1e-320", "0x10", "1_000", `""`, "''", "abc", "[1]", "[]", "{a: 1}", "{}", "~", "", "true", "5 %", "%", "99999999999999999999w"}

// TestNumbersAreHeldToTheirSpans puts everything into each numeric key that a slip or an attacker puts there: it is an error at the value
// itself, or, where there is no value, a warning at the key.
func TestNumbersAreHeldToTheirSpans(t *testing.T) {
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range numeric {
		for _, v := range hostile {
			text := strings.Replace(k.text, "VALUE", v, 1)
			set, findings := LoadFS(fstest.MapFS{"base.yaml": {Data: base}, "x.yaml": {Data: []byte(text)}, "export.csv": {}}, "")
			findings = slices.DeleteFunc(findings, func(d Diagnostic) bool { return d.Pos.File != "x.yaml" })
			if slices.Contains(strings.Fields(k.takes), v) {
				if set == nil {
					t.Errorf("%s: %s is refused:\n%s", k.name, v, rendered(findings))
				}
				continue
			}
			empty := v == "" || v == "~"
			if len(findings) == 0 || !empty && set != nil {
				t.Errorf("%s: %q passes: %s", k.name, v, rendered(findings))
				continue
			}
			line := 1 + strings.Count(k.text[:strings.Index(k.text, "VALUE")], "\n")
			column := len(k.text[:strings.Index(k.text, "VALUE")]) - strings.LastIndexByte(k.text[:strings.Index(k.text, "VALUE")], '\n')
			if !slices.ContainsFunc(findings, func(d Diagnostic) bool {
				return d.Pos.Line == line && (d.Pos.Column == column || strings.HasPrefix(v, "{") && d.Pos.Column > column || empty && d.Pos.Column < column)
			}) {
				t.Errorf("%s: %q is not found at %d:%d: %s", k.name, v, line, column, rendered(findings))
			}
		}
	}
}

// TestWordsAreHeldToTheirList misspells every word that every enum takes: none passes, and the hint names the word.
func TestWordsAreHeldToTheirList(t *testing.T) {
	for _, s := range allShapes() {
		for i := range s.keys {
			k := &s.keys[i]
			for _, word := range k.enum {
				report := &reporter{}
				f := newFile("x.yaml", "x.yaml", k.name+": "+word+"x")
				doc := parseYAML(f, k.name+": "+word+"x\n", report)
				only := &shape{name: s.name, keys: []key{*k}}
				if got := openPart(s.name, doc[0], only, report).enum(k.name); got != "" || len(report.list) != 1 || report.list[0].Code != "E010" || report.list[0].Pos.Column != len(k.name)+3 {
					t.Errorf("%s.%s: %sx is read as %q: %+v", s.name, k.name, word, got, report.list)
				} else if hint := report.list[0].Hint; !strings.Contains(hint, word) {
					t.Errorf("%s.%s: %sx: the hint %q does not name it", s.name, k.name, word, hint)
				}
			}
		}
	}
}

// TestSchemaHasTheSpans holds the schema for editors to the reader's bounds, value by value: what is a number in JSON too is refused by
// both or by neither.
func TestSchemaHasTheSpans(t *testing.T) {
	var s jsonschema.Schema
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	g := schemaWriter{}
	for _, s := range allShapes() {
		for _, k := range s.keys {
			if k.span == nil || k.kind == numberOrShape {
				continue
			}
			raw, err := json.Marshal(g.value(k))
			if err != nil {
				t.Fatal(err)
			}
			var one jsonschema.Schema
			if err := json.Unmarshal(raw, &one); err != nil {
				t.Fatal(err)
			}
			resolved, err := one.Resolve(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range []float64{k.span.low, k.span.high, k.span.low - 1, k.span.high * 2, k.span.low + (k.span.high-k.span.low)/1000, -1, 0, 1e308, 1e-320} {
				if k.kind == integerKey && v != float64(int64(v)) {
					continue
				}
				holds := k.span.holds(v) && !(k.kind == limitKey && v > -leastLimit && v < leastLimit)
				if err := resolved.Validate(v); (err == nil) != holds {
					t.Errorf("%s.%s: %v: the schema says %v, the reader %t", s.name, k.name, v, err, holds)
				}
			}
		}
	}
}

// TestDefaultsYieldToTheDefinition: alpha may stand in two places; what the experiment itself says goes before the defaults wherever each
// of them stands.
func TestDefaultsYieldToTheDefinition(t *testing.T) {
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		defaults, own string
		want          float64
	}{
		{"alpha: 0.01", "stats: {alpha: 0.1}", 0.1}, {"stats: {alpha: 0.01}", "alpha: 0.1", 0.1}, {"alpha: 0.01", "alpha: 0.1", 0.1},
		{"alpha: 0.01", "stats: {mde: 1%}", 0.01}, {"alpha: 0.01, stats: {alpha: 0.1}", "owner: x", 0},
	} {
		text := experimentWith(c.own) + "---\ndefaults: {experiment: {" + c.defaults + "}}\n"
		set, findings := LoadFS(fstest.MapFS{"base.yaml": {Data: base}, "x.yaml": {Data: []byte(text)}, "export.csv": {}}, "")
		if c.want == 0 {
			if set != nil || !strings.Contains(rendered(findings), "E005") {
				t.Errorf("%s: both are defaults and pass: %s", c.defaults, rendered(findings))
			}
		} else if set == nil || set.Experiments[0].Alpha != c.want {
			t.Errorf("defaults {%s} and %s: %s", c.defaults, c.own, rendered(findings))
		}
	}
}
