package page

import (
	"net/http"
	"slices"

	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/page/view"
	"github.com/tidemark/tidemark/stream/results"
)

func (p *Pages) health(w http.ResponseWriter, r *http.Request) {
	latest := map[string]*results.Result{}
	for _, x := range p.api.Set().Experiments {
		if res, ok := p.api.Latest(x.ID); ok {
			latest[x.ID] = res
		}
	}
	p.render(w, r, http.StatusOK, frame{Title: "Data health", Here: "health"}, "health", view.NewHealth(p.api.Set(), latest, p.api.Status(), p.api.Now()))
}

func (p *Pages) alerts(w http.ResponseWriter, r *http.Request) {
	list := p.api.Alerts()
	chosen := r.URL.Query().Get("state")
	choices := []choice{{Text: "all", Href: "/alerts", Count: len(list), Chosen: chosen == ""}}
	for _, s := range []alert.State{alert.Firing, alert.Pending, alert.Resolved} {
		n := 0
		for _, a := range list {
			if a.State == s {
				n++
			}
		}
		choices = append(choices, choice{Text: string(s), Href: "/alerts?state=" + string(s), Count: n, Chosen: chosen == string(s)})
	}
	if chosen != "" {
		list = slices.DeleteFunc(slices.Clone(list), func(a alert.Alert) bool { return string(a.State) != chosen })
	}
	p.render(w, r, http.StatusOK, frame{Title: "Alerts", Here: "alerts"}, "alerts", struct {
		Alerts  []view.Alert
		Choices []choice
		Chosen  string
		Rules   int
	}{view.Alerts(p.api.Set(), list, p.api.Now()), choices, chosen, len(p.api.Set().Alerts)})
}

// definition shows one definition: its text as loaded, its place, its hash.
func (p *Pages) definition(w http.ResponseWriter, r *http.Request) {
	kind, id := r.PathValue("kind"), r.PathValue("id")
	d, known := view.Define(p.api.Set(), kind, id)
	if d == nil {
		links := []Link{{"All experiments", "/"}}
		if near := nearest(id, known); near != "" {
			links = append([]Link{{"Did you mean " + near + "?", definitionURL(kind, near)}}, links...)
		}
		p.fail(w, r, http.StatusNotFound, "There is no such definition", "Nothing of this kind has this id.", links...)
		return
	}
	p.render(w, r, http.StatusOK, frame{Title: d.Title}, "definition", struct {
		*view.Definition
		Text string
	}{d, p.texts[textKey(d.Pos)]})
}
