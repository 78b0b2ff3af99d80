package catalog

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// hashes are all hashes of a set by key, and those of its plans.
func hashes(t *testing.T, text string) map[string]string {
	t.Helper()
	set := mustLoad(t, text)
	out := map[string]string{}
	for _, m := range set.Metrics {
		out["metric/"+m.ID] = m.Hash().Short()
	}
	for _, e := range set.Experiments {
		out["experiment/"+e.ID] = e.Hash().Short()
	}
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		out["plan/"+p.Subject] = p.Hash.Short()
	}
	return out
}

// different lists the keys whose hashes differ.
func different(a, b map[string]string) string {
	var out []string
	for _, key := range sortedKeys(a) {
		if a[key] != b[key] {
			out = append(out, key)
		}
	}
	for _, key := range sortedKeys(b) {
		if a[key] == "" {
			out = append(out, "+"+key)
		}
	}
	return strings.Join(out, " ")
}

// TestHashFollowsMeaning edits the design's definitions one at a time: what an edit does not mean to change keeps its
// hash, and what it does mean to change gets another.
func TestHashFollowsMeaning(t *testing.T) {
	const all = "experiment/landing_page metric/ARPU metric/CRASHES metric/CTR plan/xpc_key"
	base := hashes(t, designDefinitions)
	for _, c := range []struct{ name, old, new, want string }{
		{"comment", "# control | text", "", ""},
		{"owner", `owner: "@growth"`, "owner: nobody", ""},
		{"description", "Order with captured payment.", "Something else.", ""},
		{"spelling of the id", "metric_id: ARPU", "id: ARPU", ""},
		{"spelling of subject", "  metric_id: ARPU\n  type: CONTINUOUS\n  subject: xpc_key", "  metric_id: ARPU\n  type: CONTINUOUS\n  subject: [xpc_key]", ""},
		{"type", "type: CONTINUOUS", "type: BINOMIAL", ""},
		{"direction", "type: CONTINUOUS", "direction: down", ""},
		{"format", "type: CONTINUOUS", "format: percent", ""},
		{"key order", "  id: CRASHES\n  subject: [xpc_key]", "  subject: [xpc_key]\n  id: CRASHES", ""},
		{"denominator left out", "  denominator: {event: TRIGGERED, agg: COUNT, value: xpc_key}\n", "", ""},
		{"SQL spaces", "FROM   orders", "FROM orders", ""},
		{"SQL keyword case", "WHERE  status", "where  status", ""},
		{"planned end", "end: 2026-03-16", "end: 2026-03-17", ""},
		{"start in another zone", "2026-03-02T00:00:00+09:00", "2026-03-01T15:00:00Z", ""},
		{"alpha", "alpha: 0.05", "alpha: 0.01", ""},
		{"sequential", "subjects: 10000", "subjects: 99", ""},
		{"weights of the same split", "{control: 1, treatment: 1}", "{control: 50, treatment: 50}", ""},
		{"limit", "limit: +5%", "limit: +6%", ""},
		{"order of metrics", "goals: [CTR]\n  secondary: [ARPU]", "goals: [ARPU]\n  secondary: [CTR]", "plan/xpc_key"}, // results keep their order, and so do cells,
		{"people of an experiment", "crossover: exclude", "name: N\n  owner: me\n  team: t\n  hypothesis: h\n  tags: [x]\n  correction: none", ""},
		{"a column that may refuse a record", "platform, country, TO_TIMESTAMP", "platform, country, CAST(age AS BIGINT) AS age, TO_TIMESTAMP", "experiment/landing_page plan/xpc_key"},
		{"a column that can't", "platform, country, TO_TIMESTAMP", "platform, country, TRY_CAST(age AS BIGINT) AS age, TO_TIMESTAMP", "plan/xpc_key"},
		{"alert", "min_subjects: 1000", "min_subjects: 2000", ""},
		{"default written out", "type: BINOMIAL", "order: after_denominator", ""},
		{"a column nobody reads", "platform, country, TO_TIMESTAMP", "platform, country, city, TO_TIMESTAMP", "plan/xpc_key"},
		{"slice added", "[platform, country] ", "[platform] ", "plan/xpc_key"},
		{"metric added", "goals: [CTR]\n", "goals: []\n", "plan/xpc_key"},
		{"topic", "kafka: {topic: ads}", "kafka: {topic: adz}", "plan/xpc_key"},
		{"variant column", "variant: variant}", "variant: platform}", "experiment/landing_page plan/xpc_key"},
		{"stop", "end: 2026-03-16", "stop: 2026-03-16", "experiment/landing_page plan/xpc_key"},
		{"start", "2026-03-02T00", "2026-03-02T01", "experiment/landing_page plan/xpc_key"},
		{"weights", "{control: 1, treatment: 1}", "{control: 1, treatment: 2}", "experiment/landing_page plan/xpc_key"},
		{"a step of the ramp", "control: control", "ramp: [{from: 2026-03-05, weights: {control: 1, treatment: 9}}]\n  control: control", "experiment/landing_page"}, // the state has every t0
		{"control", "control: control", "control: treatment", "experiment/landing_page plan/xpc_key"},
		{"crossover", "crossover: exclude", "crossover: first", "experiment/landing_page plan/xpc_key"},
		{"exposure lateness", "variant: variant}", "variant: variant, lateness: 5m}", "experiment/landing_page plan/xpc_key"},
		{"exposure where", "variant: variant}", "variant: variant, where: \"country = 'KR'\"}", "experiment/landing_page plan/xpc_key"},
		{"pre-period", "14d}", "7d}", "experiment/landing_page plan/xpc_key"},
		{"exposure SQL", "FROM exposures", "FROM exposures WHERE country <> 'test'", "experiment/landing_page plan/xpc_key"},
		{"aggregate", "event: PURCHASE,  agg: SUM", "event: PURCHASE,  agg: MAX", "metric/ARPU plan/xpc_key"},
		{"window", "type: BINOMIAL", "window: 1d", "metric/CTR plan/xpc_key"},
		{"strict window", "type: BINOMIAL", "window: 1d\n  order: any\n  strict: true", "metric/CTR plan/xpc_key"},
		{"order", "type: BINOMIAL", "order: any", "metric/CTR plan/xpc_key"},
		{"none", "type: CONTINUOUS", "none: exclude", "metric/ARPU plan/xpc_key"},
		{"quantile", "event: PURCHASE,  agg: SUM", "event: PURCHASE,  agg: P95", "metric/ARPU plan/xpc_key"},
		{"distinct", "event: PURCHASE,  agg: SUM", "event: PURCHASE,  agg: COUNT_DISTINCT", "metric/ARPU plan/xpc_key"},
		{"distinct across", "event: PURCHASE,  agg: SUM", "event: PURCHASE,  agg: COUNT_DISTINCT, across: subjects", "metric/ARPU plan/xpc_key"},
		{"cap", "type: CONTINUOUS", "cap: 100", "metric/ARPU plan/xpc_key"},
		{"lower cap", "type: CONTINUOUS", "cap: {lower: 0}", "metric/ARPU plan/xpc_key"},
		{"percentiles", "type: CONTINUOUS", "winsorize: {upper: 0.99}", "metric/ARPU plan/xpc_key"},
		{"where", "value: revenue}", "value: revenue, where: revenue > 1}", "metric/ARPU plan/xpc_key"},
		{"event SQL", "status = 'PAID'", "status = 'SENT'", "metric/ARPU plan/xpc_key"},
		{"event_id", "\"order\".id AS event_id", "\"order\".no AS event_id", "metric/ARPU plan/xpc_key"},
		{"type of a value", "AS DOUBLE", "AS DECIMAL(18,2)", "metric/ARPU plan/xpc_key"},
		{"timezone", "Asia/Seoul", "Asia/Tokyo", "metric/ARPU plan/xpc_key"},
		{"lateness", "lateness: 1h", "lateness: 2h", "metric/ARPU plan/xpc_key"},
		{"everything's source", "id: exposures, ", "id: exposures, timezone: Asia/Seoul, ", "experiment/landing_page plan/xpc_key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.ReplaceAll(designDefinitions, c.old, c.new)
			if c.name == "comment" {
				text = "# a comment\n" + strings.ReplaceAll(designDefinitions, "  # L", "")
			}
			if text == designDefinitions {
				t.Fatalf("the edit changes nothing: %q", c.old)
			}
			if got := different(base, hashes(t, text)); got != c.want {
				t.Errorf("changed %q, want %q", got, c.want)
			}
		})
	}
	if got := different(base, map[string]string{}); got != all {
		t.Errorf("the design's definitions have hashes for %q", got)
	}
}

// TestHashIgnoresOrderOfSubjects takes a metric's subjects as a set.
func TestHashIgnoresOrderOfSubjects(t *testing.T) {
	a := hashes(t, planDefinitions+"---\nmetric: {id: M, subject: [device_id, user_id], direction: up, numerator: {event: ORDER, agg: COUNT}}\n")
	b := hashes(t, planDefinitions+"---\nmetric: {id: M, subject: [user_id, device_id], direction: up, numerator: {event: ORDER, agg: COUNT}}\n")
	if got := different(a, b); got != "" {
		t.Errorf("changed %q", got)
	}
}

// TestHashIsOfTheDefinition keeps hashes where records come from other files than the definition says.
func TestHashIsOfTheDefinition(t *testing.T) {
	set := mustLoad(t, designDefinitions)
	before := set.Hash()
	if err := set.UseFiles("orders", []string{"export.csv.gz"}); err != nil {
		t.Fatal(err)
	}
	if set.Hash() != before {
		t.Error("UseFiles changes what definitions mean")
	}
	s := set.Sources[2]
	if s.ID != "orders" || s.Format != CSV || s.Lateness != NoLateness || s.LatenessSet || !s.Bounded() || s.KeyedBy != "" {
		t.Errorf("%+v", s)
	}
	plans, err := set.Plans()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range plans[0].Events {
		if e.ID == "PURCHASE" && e.Lateness != Never {
			t.Errorf("a file's event is late after %s", microsText(e.Lateness))
		}
	}
}

// TestHashIgnoresOrder shuffles documents, the keys of every mapping and the white space of the design's definitions.
func TestHashIgnoresOrder(t *testing.T) {
	for _, original := range []string{designDefinitions, planDefinitions} {
		base, plan := hashes(t, original), onlyPlan(t, original)
		for seed := range uint64(50) {
			r := rand.New(rand.NewPCG(seed, 2))
			text := shuffled(t, r, original)
			if got := different(base, hashes(t, text)); got != "" {
				t.Fatalf("seed %d changes %q:\n%s", seed, got, text)
			}
			if got := onlyPlan(t, text); got != plan {
				t.Fatalf("seed %d changes the plan:\n%s\nfrom\n%s", seed, got, plan)
			}
		}
	}
}

func onlyPlan(t *testing.T, text string) string {
	t.Helper()
	plans, err := mustLoad(t, text).Plans()
	if err != nil || len(plans) != 1 {
		t.Fatal(len(plans), err)
	}
	return planText(plans[0])
}

// shuffled writes definitions anew from their tree, with everything in another order that has none.
func shuffled(t *testing.T, r *rand.Rand, text string) string {
	t.Helper()
	report := &reporter{}
	f := newFile("x", "x", text)
	docs := parseYAML(f, text, report)
	if len(report.list) > 0 {
		t.Fatal(rendered(report.list))
	}
	r.Shuffle(len(docs), func(i, j int) { docs[i], docs[j] = docs[j], docs[i] })
	var b strings.Builder
	for _, d := range docs {
		b.WriteString("---\n# " + strings.Repeat("x", r.IntN(5)) + "\n")
		writeNode(&b, r, d)
		b.WriteString("\n")
	}
	return b.String()
}

func writeNode(b *strings.Builder, r *rand.Rand, n *node) {
	space := strings.Repeat(" ", r.IntN(3))
	switch n.kind {
	case mappingNode:
		pairs := append([]pair(nil), n.pairs...)
		r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		b.WriteString("{" + space)
		for _, p := range pairs {
			fmt.Fprintf(b, "%s: ", p.key.text)
			writeNode(b, r, p.value)
			b.WriteString("," + space + " ")
		}
		b.WriteString("}")
	case listNode:
		b.WriteString("[" + space)
		for _, item := range n.items {
			writeNode(b, r, item)
			b.WriteString(", ")
		}
		b.WriteString("]")
	case scalarNode:
		// SQL joins its lines, which means the same: no string of the definitions spans two.
		b.WriteString("'" + strings.ReplaceAll(strings.ReplaceAll(n.text, "'", "''"), "\n", " ") + "'")
	}
}

// TestChanged compares two states of the design's definitions, as a start with an old state directory does.
func TestChanged(t *testing.T) {
	edit := func(pairs ...string) map[string]string {
		return mustLoad(t, strings.NewReplacer(pairs...).Replace(designDefinitions)).Meanings()
	}
	base := edit()
	second := "---\nexperiment:\n  id: second\n  subject: xpc_key\n  exposure: {event: EXPOSURE}\n  variants: {a: 1, b: 1}\n  control: a\n  start: 2026-03-02\n  goals: [CTR]\n  slices: [country]\n"
	for _, c := range []struct {
		name string
		to   map[string]string
		want string
	}{
		{"nothing", edit("owner: \"@growth\"", "owner: x"), ""},
		{"aggregate", edit("event: PURCHASE,  agg: SUM", "event: PURCHASE,  agg: MAX"), "metric/ARPU modified\n    numerator.agg: SUM → MAX"},
		{"stop", edit("crossover: exclude", "stop: 2026-04-01"), "experiment/landing_page modified\n    stop: (nothing) → 2026-04-01T00:00:00Z"},
		{"slice", edit("[platform, country] ", "[country] "), "experiment/landing_page/slice/platform removed"},
		{"topic", edit("kafka: {topic: ads}", "kafka: {topic: adz}"), "source/ads modified\n    topics: ads → adz"},
		{"experiment", mustLoad(t, designDefinitions+second).Meanings(), "experiment/second added"},
		{"inactive", mustLoad(t, designDefinitions+second+"  active: false\n").Meanings(), ""},
	} {
		var got []string
		for _, change := range Changed(base, c.to) {
			got = append(got, change.String())
		}
		if g := strings.Join(got, "\n"); g != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, g, c.want)
		}
	}
	back := Changed(edit("[platform, country] ", "[country] ", "goals: [CTR]\n", "goals: []\n"), base)
	var got []string
	for _, c := range back {
		if c.Breaking() {
			t.Errorf("%s is breaking", c.Key)
		}
		if c.Extends {
			got = append(got, c.Key)
		}
	}
	if g := strings.Join(got, " "); g != "experiment/landing_page/metric/CTR experiment/landing_page/slice/platform" {
		t.Errorf("additions to an experiment: %q", g)
	}
}

// TestCanonicalTextReadsBack holds leaves to what canonical wrote, whatever names and values hold.
func TestCanonicalTextReadsBack(t *testing.T) {
	c := newCanonical("test")
	values := []string{"", "a = b", "two\nlines", `back\slash`, `\n`, `\\n`, "\"quoted\"", "한글"}
	for i, v := range values {
		c.line(fmt.Sprintf("x.%d", i), v)
		c.line("y."+segment(v), v)
	}
	got := leaves(c.String())
	if len(got) != 2*len(values)+1 || got["form"] != "test 1" {
		t.Errorf("read back %d leaves: %q", len(got), got)
	}
	for i, v := range values {
		if got[fmt.Sprintf("x.%d", i)] != v {
			t.Errorf("value %q came back as %q", v, got[fmt.Sprintf("x.%d", i)])
		}
	}
}

// TestExplainNamesHash prints what was hashed, and refuses what does not exist with the nearest name.
func TestExplainNamesHash(t *testing.T) {
	set := mustLoad(t, designDefinitions)
	text, err := Explain(set, "CTR")
	if err != nil || !strings.Contains(text, set.Metrics[2].Hash().String()) || !strings.Contains(text, "\norder = after_denominator\n") {
		t.Errorf("%v\n%s", err, text)
	}
	if _, err := Explain(set, "CTRR"); err == nil || !strings.Contains(err.Error(), `did you mean "CTR"?`) {
		t.Errorf("an unknown metric: %v", err)
	}
}

// TestDefaults fills what definitions leave out, from any file, and means what the same keys written out mean.
func TestDefaults(t *testing.T) {
	written := strings.ReplaceAll(designDefinitions, "  type: BINOMIAL\n", "  window: 2d\n  direction: down\n")
	withDefaults := strings.ReplaceAll(designDefinitions, "  type: BINOMIAL\n", "") + "---\ndefaults:\n  metric: {window: 2d, direction: down}\n"
	a, b := mustLoad(t, written), mustLoad(t, withDefaults)
	for i, m := range b.Metrics {
		if m.ID == "CTR" && (m.Hash() != a.Metrics[i].Hash() || m.Direction != Down) || m.ID == "CRASHES" && m.Direction != Down {
			t.Errorf("metric %s: %+v", m.ID, m)
		}
	}
	_, findings := loadText("defaults: {metric: {id: X, windw: 1d, window: soon}}\n---\ndefaults: {metric: {direction: up}}\n")
	want := "test.yaml:1:25+1 error[E013] defaults can't hold an id\n    every definition has its own\n" +
		"test.yaml:1:28+5 error[E006] unknown key \"windw\" in defaults of metric\n    did you mean \"window\"?\n" +
		"test.yaml:3:12+6 error[E011] defaults for metrics are there twice\n    the others are at test.yaml:1\n"
	if got := sidecar(findings); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
