package page

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/api"
	"github.com/tidemark/tidemark/sink/page/view"
	"github.com/tidemark/tidemark/stream/results"
)

// How many slices are shown before "show all".
const (
	topSlices = 10
	topNested = 5
)

func (p *Pages) experiment(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var x *catalog.Experiment
	ids := make([]string, 0, len(p.api.Set().Experiments))
	for _, e := range p.api.Set().Experiments {
		ids = append(ids, e.ID)
		if e.ID == id {
			x = e
		}
	}
	if x == nil {
		links := []Link{{"All experiments", "/"}}
		if near := api.Nearest(id, ids); near != "" {
			links = append([]Link{{"Did you mean " + near + "?", experimentURL(near)}}, links...)
		}
		p.fail(w, r, http.StatusNotFound, "There is no such experiment", "No experiment has this id.", links...)
		return
	}
	e := p.newExperiment(r.Context(), x, r.URL.Query())
	f := frame{Title: e.Page.Name, Here: "experiments", Shape: e.Page.Shape, Slices: e.Page.Slices}
	if e.Page.Table != nil {
		f.Live = "/api/v1" + experimentURL(x.ID) + "/live?format=cells"
		if e.Then != "" {
			f.Live += "&slices=" + url.QueryEscape(e.By+","+e.Then)
		}
		for _, key := range e.keys() {
			if e.IsOpen(key) {
				f.Live += "&open=" + url.QueryEscape(key)
			}
		}
	}
	p.render(w, r, http.StatusOK, f, "experiment", e)
}

// experiment is one experiment's page as its address asks for it: what is open, by what it is sliced.
type experiment struct {
	Page       *view.Page
	Dimensions []string
	By, Then   string
	Opened     []string // row keys
	Several    bool     // more than one treatment
	CUPED      bool
	Crossover  string

	x      *catalog.Experiment
	result *results.Result
	full   []string // row keys that show all their slices
	anyway bool     // slices are shown though the split of the whole has failed
	trend  func(metric string) *results.Trend
}

func (p *Pages) newExperiment(ctx context.Context, x *catalog.Experiment, query url.Values) *experiment {
	e := &experiment{x: x, Several: len(x.Variants) > 2, Opened: query["open"], full: query["all"], anyway: query.Get("unreliable") == "show", Crossover: "left out", CUPED: x.PrePeriod > 0}
	if x.Crossover == catalog.First {
		e.Crossover = "counted in their first"
	}
	for _, d := range x.Slices {
		e.Dimensions = append(e.Dimensions, d.Name)
	}
	if by := query.Get("by"); slices.Contains(e.Dimensions, by) {
		e.By = by
		if then := query.Get("then"); then != by && slices.Contains(e.Dimensions, then) {
			e.Then = then
		}
	}
	want := results.Slices{}
	if e.Then != "" {
		want = results.Slices{Mode: results.NamedSlices, Dimensions: []string{e.By, e.Then}}
	}
	res, problem := p.api.Results(ctx, x.ID, want)
	if problem != nil && e.Then != "" { // better the page without the second cut than no page
		e.Then = ""
		res, problem = p.api.Results(ctx, x.ID, results.Slices{})
	}
	if problem == nil {
		e.result = res
	}
	e.trend = func(metric string) *results.Trend { return p.trends.of(ctx, p.api, x.ID, metric) }
	e.Page = view.NewPage(p.api.Set(), x, e.result, p.api.Status(), p.api.Now())
	return e
}

// query is the page's address with some keys open.
func (e *experiment) query(opened, full []string) string {
	q := url.Values{}
	if e.By != "" {
		q.Set("by", e.By)
	}
	if e.Then != "" {
		q.Set("then", e.Then)
	}
	if e.anyway {
		q.Set("unreliable", "show")
	}
	for _, k := range opened {
		q.Add("open", k)
	}
	for _, k := range full {
		if slices.Contains(opened, k) {
			q.Add("all", k)
		}
	}
	if len(q) == 0 {
		return e.Self()
	}
	return e.Self() + "?" + q.Encode()
}

// Self is the page's address without its query.
func (e *experiment) Self() string { return experimentURL(e.x.ID) }

// IsOpen says whether a row's slices are shown.
func (e *experiment) IsOpen(key string) bool { return slices.Contains(e.Opened, key) }

// Toggle is the address at which a row is open instead of closed, or the other way round.
func (e *experiment) Toggle(key string) string {
	if e.IsOpen(key) {
		return e.query(slices.DeleteFunc(slices.Clone(e.Opened), func(k string) bool { return k == key }), e.full)
	}
	return e.query(append(slices.Clone(e.Opened), key), e.full)
}

// keys are those of all rows of the whole.
func (e *experiment) keys() []string {
	var keys []string
	if e.Page.Table != nil {
		for _, g := range e.Page.Table.Groups {
			for _, m := range g.Metrics {
				for _, r := range m.Rows {
					keys = append(keys, r.Key)
				}
			}
		}
	}
	return keys
}

// AllOpen says that no row is left to open.
func (e *experiment) AllOpen() bool {
	for _, k := range e.keys() {
		if !e.IsOpen(k) {
			return false
		}
	}
	return true
}

// OpenAll and CloseAll are the addresses with every row open, and with none.
func (e *experiment) OpenAll() string  { return e.query(e.keys(), e.full) }
func (e *experiment) CloseAll() string { return e.query(nil, nil) }

// block is the slices of one row by one dimension (or by two, the second below each of the first).
type block struct {
	Title    string // the dimension, where several blocks follow one another
	Rows     []cut
	More     string // how many are not shown
	MoreHref string
	Empty    string
	Folded   string // why the slices are not shown, and where they are
	Anyway   string
}

// cut is one slice's row.
type cut struct {
	Row          *view.Row
	Label, Title string
	Nested       bool
}

// Broken says that the split of the whole has failed, so that no row can be trusted.
func (e *experiment) Broken() bool { return e.result != nil && e.result.SRM.State == "failed" }

// Anyway says that slices are shown nevertheless.
func (e *experiment) Anyway() bool { return e.anyway }

// Cuts are the slices of a row of the whole, as they are shown below it.
func (e *experiment) Cuts(row *view.Row) []block {
	if e.Broken() && !e.anyway && len(e.Dimensions) > 0 {
		shown := *e
		shown.anyway = true
		return []block{{Folded: "Slices are not shown: subjects are not split as planned, so a slice is as unreliable as the whole.", Anyway: shown.query(e.Opened, e.full)}}
	}
	if e.By != "" {
		return []block{e.block(row, e.By, "")}
	}
	var blocks []block
	for _, d := range e.Dimensions {
		b := e.block(row, d, d)
		if len(b.Rows) > 0 || len(e.Dimensions) == 1 {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func (e *experiment) block(row *view.Row, dimension, title string) block {
	b := block{}
	if len(e.Dimensions) > 1 {
		b.Title = title
	}
	most, nested := topSlices, topNested
	if slices.Contains(e.full, row.Key) {
		most, nested = len(e.result.Rows), len(e.result.Rows)
	}
	rows := e.Page.Table.Slices(e.x, e.result, row.Metric, row.Variant, []string{dimension})
	if len(rows) == 0 {
		b.Empty = "No subject has a value of " + dimension + " yet, or this metric is not sliced by it."
	}
	var second []*view.Row
	if e.Then != "" {
		second = e.Page.Table.Slices(e.x, e.result, row.Metric, row.Variant, []string{dimension, e.Then})
	}
	hidden := 0
	for i, r := range rows {
		if i >= most {
			hidden++
			continue
		}
		b.Rows = append(b.Rows, cut{Row: r, Label: view.Shown(r.Slice[dimension]), Title: dimension + " = " + r.Slice[dimension]})
		below := 0
		for _, n := range second {
			if n.Slice[dimension] != r.Slice[dimension] {
				continue
			}
			if below++; below > nested {
				hidden++
				continue
			}
			b.Rows = append(b.Rows, cut{Row: n, Nested: true, Label: view.Shown(n.Slice[e.Then]), Title: dimension + " = " + r.Slice[dimension] + ", " + e.Then + " = " + n.Slice[e.Then]})
		}
	}
	if hidden > 0 {
		b.More, b.MoreHref = results.FormatCount(int64(hidden)), e.query(e.Opened, append(slices.Clone(e.full), row.Key))
	}
	return b
}
