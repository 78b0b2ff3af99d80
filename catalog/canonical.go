package catalog

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog/sql"
)

// The canonical form of a definition is text: a line for each leaf of its typed tree, "path = value", in a fixed
// order. It holds what changes results and nothing else: no comments, names, owners, formats,
// directions, planned ends or levels. It is what is hashed, stored with the state, and compared line by line when the
// hash has changed.

// canonicalVersion is part of every canonical text. It rises when the form changes; stored texts of another version
// then differ in this line, and say so.
const canonicalVersion = "1"

// canonical writes the lines of one canonical text.
type canonical struct {
	b      strings.Builder
	prefix string
}

func newCanonical(kind string) *canonical {
	c := &canonical{}
	c.b.WriteString(kind + " " + canonicalVersion + "\n")
	return c
}

func (c *canonical) line(path, value string) {
	c.b.WriteString(c.prefix + path + " = " + oneLine.Replace(value) + "\n")
}

// oneLine keeps a value on its line; fromOneLine undoes it.
var (
	oneLine     = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	fromOneLine = strings.NewReplacer(`\\`, `\`, `\n`, "\n")
)

// segment is a name from data as a part of a path: quoted if it could be taken for more than one.
func segment(name string) string {
	if validID(name) && !strings.Contains(name, ".") {
		return name
	}
	return strconv.Quote(name)
}

func (c *canonical) String() string { return c.b.String() }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// canonical is the meaning of a metric. What people see of it (type, format, direction) changes no number.
func (m *Metric) canonical() string {
	c := newCanonical("metric")
	subjects := slices.Sorted(slices.Values(m.Subjects))
	c.line("subject", strings.Join(subjects, ", "))
	reads := map[*Event][]string{}
	c.term("numerator", &m.Numerator, reads)
	if m.Denominator != nil {
		c.term("denominator", m.Denominator, reads)
	} else {
		c.line("denominator.event", Triggered)
	}
	c.line("order", map[bool]string{true: "after_denominator", false: "any"}[m.Ordered])
	c.line("window", durationText(m.Window))
	if m.Strict {
		c.line("strict", "true")
	}
	c.line("none", map[bool]string{true: "exclude", false: "zero"}[m.ExcludeNone])
	// Before these paths, "cap" and "winsorize.*" stood for nothing: a state of that time holds unclipped totals.
	c.number("cap.lower", m.Cap.Lower)
	c.number("cap.upper", m.Cap.Upper)
	if w := m.Winsorize; w != nil {
		c.number("winsorized.lower", w.Lower)
		c.number("winsorized.upper", w.Upper)
		c.line("winsorized.zeros", map[bool]string{true: "exclude", false: "include"}[w.NonZero])
	}
	for _, e := range m.Events() {
		c.event(e, append(reads[e], subjects...))
	}
	return c.String()
}

func (c *canonical) term(path string, t *Term, reads map[*Event][]string) {
	if t.triggered() {
		c.line(path+".event", Triggered) // every aggregate of exactly one is 1
		return
	}
	c.line(path+".event", t.Event.ID)
	c.line(path+".agg", string(t.Agg))
	if t.Agg == Quantile {
		c.number(path+".quantile", &t.Quantile)
	}
	if t.Across {
		c.line(path+".across", "subjects")
	}
	c.line(path+".value", t.Value)
	if t.Value != "" {
		reads[t.Event] = append(reads[t.Event], t.Value)
	}
	reads[t.Event] = append(reads[t.Event], c.where(path+".where", t.Event, t.Where)...)
}

// where writes a condition and returns the columns that it reads.
func (c *canonical) where(path string, e *Event, p *sql.Predicate) []string {
	if p == nil {
		c.line(path, "")
		return nil
	}
	c.line(path, p.Canonical())
	var columns []string
	for _, i := range p.Columns {
		columns = append(columns, e.Query.Columns[i].Name)
	}
	return columns
}

func (c *canonical) number(path string, v *float64) {
	if v != nil {
		c.line(path, strconv.FormatFloat(*v, 'g', -1, 64))
	}
}

// event writes what a definition reads of an event: its source as it shapes values and time, the condition, and the
// columns in question. A column that nobody here reads may come and go, unless it may refuse a record.
func (c *canonical) event(e *Event, columns []string) {
	outer := c.prefix
	c.prefix += "event." + e.ID + "."
	for _, p := range e.Source.meaning {
		c.line("source."+p.path, p.value)
	}
	c.line("where", e.Query.CanonicalWhere())
	columns = append(columns, TimeColumn, IDColumn)
	var known []int
	for _, name := range slices.Compact(slices.Sorted(slices.Values(columns))) {
		if i := e.Column(name); i >= 0 {
			known = append(known, i)
			c.line("column."+segment(name), e.Query.CanonicalColumn(i))
		}
	}
	for i, text := range e.Query.CanonicalAccepts(known...) {
		c.line(fmt.Sprintf("accepts.%d", i), text)
	}
	c.prefix = outer
}

// leaf is one line before it is written.
type leaf struct{ path, value string }

// settle fixes what the source means, before anybody can point it at other files.
func (s *Source) settle() {
	s.meaning = []leaf{{"id", s.ID}, {"format", string(s.Format)}, {"timezone", s.Location.String()}}
	if s.Profile {
		s.meaning = append(s.meaning, leaf{"profile", "true"})
	} else {
		s.meaning = append(s.meaning, leaf{"lateness", durationText(s.Lateness)})
	}
	s.origin = []leaf{{"topics", strings.Join(s.Topics, ", ")}, {"keyed_by", s.KeyedBy}}
}

// canonical is the meaning of an experiment, without metrics and slices.
func (e *Experiment) canonical() string { return e.writeCanonical(e.Ramp) }

// writeCanonical is the meaning of an experiment with a ramp. What its state is built from is that without one: the state has
// every subject's first exposure, so that steps may come, go and move while the experiment runs.
func (e *Experiment) writeCanonical(ramp []RampStep) string {
	c := newCanonical("experiment")
	c.line("subject", e.Subject)
	x := e.Exposure
	c.line("exposure.event", x.Event.ID)
	c.line("exposure.variant", x.Variant)
	columns := append(c.where("exposure.where", x.Event, x.Where), e.Subject, x.Variant)
	c.line("exposure.lateness", durationText(x.Lateness))
	for i, w := range ratios(e.Variants) {
		c.line("variant."+segment(e.Variants[i].ID), w)
	}
	for _, s := range ramp {
		for i, w := range shares(s.Weights) {
			c.line("ramp."+timeText(s.From)+"."+segment(e.Variants[i].ID), w)
		}
	}
	c.line("control", e.Control)
	c.line("start", timeText(e.Start))
	c.line("stop", timeText(e.Stop))
	c.line("crossover", string(e.Crossover))
	c.line("pre_period", durationText(e.PrePeriod))
	c.event(x.Event, columns)
	return c.String()
}

// ratios are the planned shares as reduced fractions: 1 and 1 mean what 50 and 50 mean.
func ratios(variants []Variant) []string {
	total := new(big.Rat)
	weights := make([]*big.Rat, len(variants))
	for i, v := range variants {
		// The decimal text, not the float: 0.1 and 0.2 are 1/3 and 2/3.
		weights[i], _ = new(big.Rat).SetString(strconv.FormatFloat(v.Weight, 'g', -1, 64))
		total.Add(total, weights[i])
	}
	out := make([]string, len(variants))
	for i, w := range weights {
		if total.Sign() > 0 {
			w.Quo(w, total)
		}
		out[i] = w.RatString()
	}
	return out
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// canonical is the meaning of a slice of an experiment.
func (d *Dimension) canonical(e *Experiment) string {
	c := newCanonical("slice")
	c.line("kind", d.kind.String())
	c.line("values", strings.Join(d.Values, ", "))
	switch d.kind {
	case ExposureDimension:
		c.line("column", d.from.Query.CanonicalColumn(d.from.Column(d.Name)))
	case ProfileDimension:
		c.event(d.from, []string{e.Subject, d.Name})
	case EventDimension:
		for _, ev := range d.events(e) {
			c.line("event."+ev.ID+".column", ev.Query.CanonicalColumn(ev.Column(d.Name)))
		}
	}
	return c.String()
}

// events are those of the metrics that an event dimension slices, by id.
func (d *Dimension) events(e *Experiment) []*Event {
	var out []*Event
	for _, u := range e.Metrics {
		if u.Metric.SlicedBy(d.Name) && d.concerns(u.Metric) {
			out = append(out, u.Metric.Events()...)
		}
	}
	slices.SortFunc(out, func(a, b *Event) int { return strings.Compare(a.ID, b.ID) })
	return slices.Compact(out)
}

func (k DimensionKind) String() string {
	return [...]string{"exposure", "profile", "event"}[k]
}

// hash identifies everything that shapes the state of a plan's shards. Ramps do not.
func (p *Plan) hash() Hash {
	c := newCanonical("plan")
	c.line("subject", p.Subject)
	for i, s := range p.Sources {
		for _, l := range slices.Concat(s.meaning, s.origin) {
			c.line("source."+s.ID+"."+l.path, l.value)
		}
		c.line("source."+s.ID+".direct", strconv.FormatBool(p.Direct[i]))
	}
	for _, e := range p.Events {
		c.line("event."+e.ID, e.Query.Canonical())
		c.line("event."+e.ID+".lateness", strconv.FormatInt(e.Lateness, 10))
	}
	for i, m := range p.Measures {
		where := ""
		if m.Where != nil {
			where = m.Where.Canonical()
		}
		c.line(fmt.Sprintf("measure.%d", i), fmt.Sprintf("%d %s %d %d %t %s", m.Event, m.Agg, m.Column, m.Scale, m.Presence, where))
	}
	for _, x := range p.Experiments {
		path := "experiment." + x.ID
		c.line(path, hashOf(x.writeCanonical(nil)).String())
		for _, d := range x.Dimensions {
			c.line(path+".slice."+segment(d.Name), hashOf(d.canonical(x.Experiment)).String())
		}
		for _, m := range x.Metrics {
			c.line(path+".metric."+m.Metric.ID, fmt.Sprintf("%s %b", m.Hash, m.Dimensions))
		}
	}
	return hashOf(c.String())
}
