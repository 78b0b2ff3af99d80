package page

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/tidemark/tidemark/sink/page/view"
	"github.com/tidemark/tidemark/stream/results"
)

// choice is a filter with the number of what it leaves.
type choice struct {
	Text, Href string
	Count      int
	Chosen     bool
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request) {
	latest := map[string]*results.Result{}
	for _, x := range p.api.Set().Experiments {
		if res, ok := p.api.Latest(x.ID); ok {
			latest[x.ID] = res
		}
	}
	all := view.NewList(p.api.Set(), latest, p.api.Status(), p.api.Now())
	chosen := r.URL.Query().Get("state")
	choices := []choice{{Text: "all", Href: "/", Count: len(all.Entries), Chosen: chosen == ""}}
	for _, life := range view.Lives() {
		n := 0
		for _, e := range all.Entries {
			if e.Life == life {
				n++
			}
		}
		if n > 0 || chosen == life {
			choices = append(choices, choice{Text: life, Href: "/?state=" + life, Count: n, Chosen: chosen == life})
		}
	}
	if chosen != "" {
		all.Entries = slices.DeleteFunc(all.Entries, func(e view.Entry) bool { return e.Life != chosen })
	}
	p.render(w, r, http.StatusOK, frame{Title: "Experiments", Here: "experiments"}, "list", struct {
		*view.List
		Choices []choice
		Total   int
	}{all, choices, len(p.api.Set().Experiments)})
}

func (c choice) Number() string { return strconv.Itoa(c.Count) }
