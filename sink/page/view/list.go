package view

import (
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// List is the list of experiments.
type List struct {
	Axis    Axis // one for all, so that the drawings can be compared
	Entries []Entry
}

// Entry is one experiment in the list.
type Entry struct {
	Key, ID, Name, Owner string
	Life                 string
	Day                  Day
	Subjects             string
	Fresh                Fresh
	SRM                  SRM
	Primary              []Primary
	Note                 string // instead of a primary metric: what is missing
	Rails                []Rail
	Marks                string // of a running experiment: its goals and guardrails with warnings, "CTR (novelty)"
	start                time.Time
}

// Primary is the first goal for one treatment.
type Primary struct {
	Metric, Variant, Letter string
	Several                 bool
	Row                     *Row
}

// Rail is a guardrail with its worst state over the treatments.
type Rail struct{ Name, State, Text string }

// NewList lists the experiments: running ones first, within that the newest.
func NewList(set *catalog.Set, latest map[string]*results.Result, st stream.Status, now time.Time) *List {
	l := &List{}
	var rows []*results.Row
	for _, x := range set.Experiments {
		rows = append(rows, primaries(x, latest[x.ID])...)
	}
	l.Axis = axisOver(rows)
	for _, x := range set.Experiments {
		l.Entries = append(l.Entries, newEntry(x, latest[x.ID], l.Axis, st, now))
	}
	slices.SortStableFunc(l.Entries, func(a, b Entry) int {
		if c := lifeOrder(a.Life) - lifeOrder(b.Life); c != 0 {
			return c
		}
		if c := b.start.Compare(a.start); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return l
}

// Lives are the states an experiment can be in, in the order of the list.
var lives = []string{"running", "ended", "stopped", "draft"}

func lifeOrder(life string) int { return slices.Index(lives, life) }

// Lives are the states an experiment can be in, in the order of the list.
func Lives() []string { return slices.Clone(lives) }

// primaries are the rows of the first goal on the whole.
func primaries(x *catalog.Experiment, r *results.Result) []*results.Row {
	if r == nil {
		return nil
	}
	goal := firstGoal(x)
	var rows []*results.Row
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Metric == goal && row.Role == string(catalog.Goal) && len(row.Slice) == 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func firstGoal(x *catalog.Experiment) string {
	for _, u := range x.Metrics {
		if u.Role == catalog.Goal {
			return u.Metric.ID
		}
	}
	return ""
}

func newEntry(x *catalog.Experiment, r *results.Result, axis Axis, st stream.Status, now time.Time) Entry {
	e := Entry{Key: "x/" + x.ID, ID: x.ID, Name: x.Name, Owner: x.Owner, Life: Life(x, r, now), Subjects: results.FormatCount(Subjects(r)), Fresh: freshness(x, r, st, now), SRM: srm(r), start: x.Start}
	if e.Name == "" {
		e.Name = x.ID
	}
	at := now
	if r != nil {
		at = r.AsOf
	}
	e.Day = day(x, at)
	rows := primaries(x, r)
	name := metricName(x, firstGoal(x))
	for _, row := range rows {
		e.Primary = append(e.Primary, Primary{Metric: name, Variant: row.Variant, Letter: letter(x, row.Variant), Several: len(x.Variants) > 2, Row: newRow(x, r, row, axis, name)})
	}
	switch {
	case e.Life == "draft" && Subjects(r) == 0:
		e.Note, e.Primary = "not started", nil
	case r == nil:
		e.Note = "no result yet"
	case Subjects(r) == 0:
		e.Note, e.Primary = "no exposures yet", nil
	case len(rows) == 0:
		e.Note = "no goal declared"
	}
	if e.Life == "running" {
		e.Marks = warned(x, deciding(r), len(x.Metrics)*len(x.Variants))
	}
	for _, u := range x.Metrics {
		if u.Role != catalog.Guardrail {
			continue
		}
		rail := Rail{Name: MetricName(u.Metric), State: "unknown"}
		if r != nil {
			rail.State = worstRail(r, u.Metric.ID)
		}
		rail.Text = rail.Name + ": " + ifelse(rail.State == "unknown", "no answer yet", rail.State)
		e.Rails = append(e.Rails, rail)
	}
	return e
}

// deciding are the rows with warnings among those that a decision rests on: goals and guardrails on the whole.
func deciding(r *results.Result) []*results.Row {
	if r == nil {
		return nil
	}
	var rows []*results.Row
	for _, row := range count(r).warnedRows {
		if row.Role == string(catalog.Goal) || row.Role == string(catalog.Guardrail) {
			rows = append(rows, row)
		}
	}
	return rows
}

// worstRail is the worst state of a guardrail over the treatments.
func worstRail(r *results.Result, metric string) string {
	order := []string{"unknown", "within", "near", "crossed"}
	worst := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Metric == metric && len(row.Slice) == 0 && row.Guardrail != nil && row.State != "collecting" && row.State != "no_data" && row.State != "failed" {
			worst = max(worst, slices.Index(order, row.Guardrail.State))
		}
	}
	return order[worst]
}
