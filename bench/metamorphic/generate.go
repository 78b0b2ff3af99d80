package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/stream/results"
)

const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
	// begin is 2026-03-01T00:00:00Z: the logs live in the days after it.
	begin = int64(1_772_323_200) * second
)

// Case is one random experiment and its log.
type Case struct {
	Seed uint64
	Spec oracle.Spec
	YAML string
	// Log holds every record in the order of its source partition; partitions follow one another.
	Log []oracle.Record
	// Facts are the frozen ranges of winsorized metrics, as an engine is given them.
	Facts map[string]map[string]results.Tuning
	// Partitions of every topic: subjects are in the partition of their hash.
	Partitions int
}

// wheres are the predicates that may stand in a definition, as text and as the oracle takes them.
var wheres = map[string]func(oracle.Record) bool{
	"amount > 5": func(r oracle.Record) bool {
		v, ok := r.Fields["amount"]
		return ok && oracle.Scaled(v, 2).Int64() > 500
	},
	"category <> 'books'": func(r oracle.Record) bool {
		v, ok := r.Fields["category"]
		return ok && v != "books"
	},
	"experiment = 'e0'": func(r oracle.Record) bool { return r.Fields["experiment"] == "e0" },
	"experiment = 'e1'": func(r oracle.Record) bool { return r.Fields["experiment"] == "e1" },
}

var sources = []string{"expose", "alpha", "beta", "people"}

// generator is a Case in the making.
type generator struct {
	*rand.Rand
	c    *Case
	yaml strings.Builder
	// withID says which event definitions have an event_id.
	withID map[string]bool
	// robust draws what keeps extremes out of metrics, apart from all else, so that a seed's other definitions and its log
	// stay what they were.
	robust *rand.Rand
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

func choose[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// Generate makes the case of a seed.
func Generate(seed uint64) *Case {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 77)), c: &Case{Seed: seed, Facts: map[string]map[string]results.Tuning{}}, withID: map[string]bool{}, robust: rand.New(rand.NewPCG(seed, 91))}
	g.c.Partitions = choose(g, 1, 1, 2, 3)
	g.definitions()
	g.c.YAML = g.yaml.String()
	g.log()
	return g.c
}

// definitions writes the YAML and the Spec side by side.
func (g *generator) definitions() {
	lateness := map[string]int64{}
	for _, s := range sources {
		lateness[s] = choose(g, hour, hour, 20*minute, 3*hour)
		profile := ""
		if s == "people" {
			lateness[s], profile = -1, ", profile: true"
			fmt.Fprintf(&g.yaml, "source: {id: people, format: json, kafka: {topic: people, keyed_by: user}%s}\n---\n", profile)
			continue
		}
		fmt.Fprintf(&g.yaml, "source: {id: %s, format: json, kafka: {topic: %s, keyed_by: user}, lateness: %dm}\n---\n", s, s, lateness[s]/minute)
	}
	columns := map[string]string{
		"EXPOSE": "experiment, variant, platform, country", "ALPHA": "CAST(amount AS DECIMAL(12,2)) AS amount, item, category",
		"BETA": "CAST(amount AS DECIMAL(12,2)) AS amount, item, category", "PERSON": "tier, region",
	}
	for i, e := range []string{"EXPOSE", "ALPHA", "BETA", "PERSON"} {
		id := ""
		if g.withID[e] = g.chance(0.6); g.withID[e] {
			id = "id AS event_id, "
		}
		fmt.Fprintf(&g.yaml, "event: {id: %s, owner: t, description: d, dependencies: [%s], sql: \"SELECT user, %sCAST(at AS TIMESTAMP) AS event_time, %s FROM %s\"}\n---\n", e, sources[i], id, columns[e], sources[i])
	}
	experiments := 1 + g.IntN(2)
	for i := range experiments {
		g.experiment(i)
	}
	read := map[string]bool{}
	for _, e := range g.c.Spec.Experiments {
		for _, m := range e.Metrics {
			read[m.Numerator.Event] = true
			if m.Denominator != nil {
				read[m.Denominator.Event] = true
			}
		}
	}
	for i, e := range []string{"EXPOSE", "ALPHA", "BETA", "PERSON"} {
		g.c.Spec.Events = append(g.c.Spec.Events, oracle.EventDef{ID: e, Source: sources[i], Lateness: lateness[sources[i]],
			OnlyExposure: e == "EXPOSE" && !read[e], Profile: e == "PERSON"})
	}
}

// rampOf gives half of the experiments up to three steps. What it chooses follows from the experiment, so that no other choice of a
// seed depends on it.
func rampOf(e *oracle.Experiment, i int) []int64 {
	rng := rand.New(rand.NewPCG(uint64(e.Start)+uint64(e.Stop), uint64(i)*64+uint64(e.Lateness/minute)))
	var ramp []int64
	for from := e.Start; rng.IntN(2) == 0 && len(ramp) < 3; {
		if from += (1 + rng.Int64N(36)) * hour / 2; e.Stop != 0 && from >= e.Stop {
			break
		}
		ramp = append(ramp, from)
	}
	return ramp
}

func (g *generator) experiment(i int) {
	where := fmt.Sprintf("experiment = 'e%d'", i)
	e := oracle.Experiment{ID: fmt.Sprintf("e%d", i), Exposure: "EXPOSE", Where: wheres[where], Variants: []string{"a", "b"},
		Start: begin + choose(g, 0, 6*hour, day), Lateness: choose(g, minute, 10*minute, 20*minute), First: g.chance(0.4)}
	if g.chance(0.3) {
		e.Variants = append(e.Variants, "c")
	}
	if g.chance(0.3) {
		e.Stop = e.Start + choose(g, day, 30*hour)
	}
	e.Ramp = rampOf(&e, i)
	if g.chance(0.4) {
		e.PrePeriod = choose(g, day, 2*day)
	}
	var slicesText []string
	pool := []oracle.Dimension{{Name: "platform"}, {Name: "country"}, {Name: "tier", Kind: oracle.Profile, Of: "PERSON"}, {Name: "category", Kind: oracle.Event}}
	g.Shuffle(len(pool), func(a, b int) { pool[a], pool[b] = pool[b], pool[a] })
	for _, d := range pool[:g.IntN(4)] {
		e.Dimensions = append(e.Dimensions, d)
		slicesText = append(slicesText, d.Name)
	}
	sliced := slices.ContainsFunc(e.Dimensions, func(d oracle.Dimension) bool { return d.Kind == oracle.Event })
	var goals []string
	for j := range 1 + g.IntN(4) {
		m := g.metric(fmt.Sprintf("m%d_%d", i, j), sliced)
		e.Metrics = append(e.Metrics, m)
		goals = append(goals, m.ID)
	}
	g.c.Spec.Experiments = append(g.c.Spec.Experiments, e)

	stamp := func(t int64) string { return isoTime(t) }
	fmt.Fprintf(&g.yaml, "experiment:\n  id: %s\n  owner: t\n  subject: user\n  exposure: {event: EXPOSE, variant: variant, where: %q, lateness: %dm}\n", e.ID, where, e.Lateness/minute)
	fmt.Fprintf(&g.yaml, "  variants: {%s: 1}\n  control: a\n  start: %s\n", strings.Join(e.Variants, ": 1, "), stamp(e.Start))
	for k, from := range e.Ramp {
		if k == 0 {
			g.yaml.WriteString("  ramp:\n")
		}
		fmt.Fprintf(&g.yaml, "    - {from: %s, weights: {%s: %d}}\n", stamp(from), strings.Join(e.Variants, ": 1, "), k+2)
	}
	if e.Stop != 0 {
		fmt.Fprintf(&g.yaml, "  stop: %s\n", stamp(e.Stop))
	}
	if e.First {
		g.yaml.WriteString("  crossover: first\n")
	}
	if e.PrePeriod != 0 {
		fmt.Fprintf(&g.yaml, "  cuped: {pre_period: %dd}\n", e.PrePeriod/day)
	}
	fmt.Fprintf(&g.yaml, "  goals: [%s]\n  slices: [%s]\n---\n", strings.Join(goals, ", "), strings.Join(slicesText, ", "))
}

// metric draws numerator, denominator, order and window.
func (g *generator) metric(id string, sliced bool) oracle.Metric {
	m := oracle.Metric{ID: id}
	var text strings.Builder
	term := func(name string, events ...string) (oracle.Term, int) {
		t := oracle.Term{Event: choose(g, events...), Agg: choose(g, "SUM", "SUM", "COUNT", "COUNT_DISTINCT", "MAX", "MIN", "EXISTS")}
		scale := 0
		switch t.Agg {
		case "SUM", "MAX", "MIN":
			t.Value, scale = "amount", 2
		case "COUNT_DISTINCT":
			t.Value = "item"
		default:
			t.Value = choose(g, "user", "amount", "item")
		}
		where := ""
		if g.chance(0.25) {
			w := choose(g, "amount > 5", "category <> 'books'")
			t.Where, where = wheres[w], fmt.Sprintf(", where: %q", w)
		}
		fmt.Fprintf(&text, "  %s: {event: %s, agg: %s, value: %s%s}\n", name, t.Event, t.Agg, t.Value, where)
		return t, scale
	}
	m.Numerator, m.NumScale = term("numerator", "ALPHA", "BETA")
	if g.chance(0.5) {
		d, scale := term("denominator", "ALPHA", "BETA")
		m.Denominator, m.DenScale = &d, scale
		if m.Ordered = d.Event != m.Numerator.Event; m.Ordered && g.chance(0.25) {
			m.Ordered = false
			text.WriteString("  order: any\n")
		}
	}
	if g.chance(0.4) {
		m.Window = choose(g, 10*minute, hour, 30*hour)
		fmt.Fprintf(&text, "  window: %dm\n", m.Window/minute)
		if m.Strict = !m.Ordered && g.chance(0.6); m.Strict {
			text.WriteString("  strict: true\n")
		}
	}
	if m.Denominator == nil && g.chance(0.15) {
		m.ExcludeNone = true
		text.WriteString("  none: exclude\n")
	}
	if !g.quantile(&m, &text) && !g.across(&m, &text) {
		g.cap(&m, &text)
		g.winsorize(&m, &text)
	}
	fmt.Fprintf(&g.yaml, "metric:\n  metric_id: %s\n  subject: user\n  owner: t\n  direction: up\n%s---\n", id, text.String())
	return m
}
