// Package page serves the pages that people read: the experiments, one experiment, alerts, data health, definitions.
// They are rendered here, complete and with real numbers, and work without a script; what the script adds is that they
// change by themselves. It owns the HTML, the style and the script (all embedded, no third party is asked for anything);
// numbers, words and drawings come from sink/page/view.
// Invariants: everything that a definition, an event or a request brought in is escaped; the content security policy
// allows nothing inline and nothing foreign; every state of a page is a URL.
package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/sink/api"
)

// Options of Pages. The zero value works.
type Options struct {
	// Definitions is the directory of the definitions, to show their text. Default: only places and hashes are shown.
	Definitions fs.FS
	// Links are added to the navigation, for example the demo's inbox.
	Links []Link
	// Version is shown at the foot.
	Version string
}

// Link is an entry of the navigation.
type Link struct{ Text, Href string }

// Pages serves everything outside of /api/. It may be used by any number of goroutines.
type Pages struct {
	api       *api.Server
	opt       Options
	mux       *http.ServeMux
	assets    *assets
	templates *template.Template
	trends    trends
	texts     map[string]string // definition files by name, as they were at the start
}

// New returns the pages over what the API serves. It reads the definitions' files once.
func New(server *api.Server, opt Options) (*Pages, error) {
	p := &Pages{api: server, opt: opt, mux: http.NewServeMux()}
	var err error
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	p.templates, err = template.New("").Funcs(template.FuncMap{
		"asset": p.assets.url, "definition": definitionURL, "experiment": experimentURL, "state": stateOf2, "stateOf": stateOf,
	}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	p.texts = readDefinitions(server.Set(), opt.Definitions)
	p.mux.HandleFunc("GET /{$}", p.list)
	p.mux.HandleFunc("GET /experiments/{id}", p.experiment)
	p.mux.HandleFunc("GET /alerts", p.alerts)
	p.mux.HandleFunc("GET /health", p.health)
	p.mux.HandleFunc("GET /definitions/{kind}/{id}", p.definition)
	p.mux.HandleFunc("GET /assets/{hash}/{name}", p.assets.serve)
	p.mux.HandleFunc("GET /", p.missing)
	return p, nil
}

// policy lets the page load its own files and nothing else: no inline script or style, no frame around it, no form that
// leaves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request for a page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		p.fail(w, r, http.StatusMethodNotAllowed, "Pages can only be read", "This server's pages answer GET and HEAD.")
		return
	}
	p.mux.ServeHTTP(w, r)
}

// frame is what every page has around its content.
type frame struct {
	Title, Here, Version string
	Links                []Link
	Firing               int
	Live, Shape, Slices  string // of a page that changes cell by cell
	Content              template.HTML
}

// render answers with a page: content is the template of that name over data.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, f frame, content string, data any) {
	var inner, outer bytes.Buffer
	if err := p.templates.ExecuteTemplate(&inner, content, data); err != nil {
		http.Error(w, "page "+content+": "+err.Error(), http.StatusInternalServerError)
		return
	}
	f.Content = template.HTML(inner.String()) // escaped by the template just executed
	f.Version, f.Links = p.opt.Version, p.opt.Links
	for _, a := range p.api.Alerts() {
		if a.State == alert.Firing {
			f.Firing++
		}
	}
	if err := p.templates.ExecuteTemplate(&outer, "layout", f); err != nil {
		http.Error(w, "page layout: "+err.Error(), http.StatusInternalServerError)
		return
	}
	body := &api.Body{Type: "text/html; charset=utf-8", Bytes: outer.Bytes()}
	if status != http.StatusOK {
		body.Status, body.Cache = status, "no-store"
	}
	body.Write(w, r)
}

// fail answers with a page that says what is wrong and what to do.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, status int, title, text string, links ...Link) {
	p.render(w, r, status, frame{Title: title}, "failure", struct {
		Title, Text string
		Links       []Link
	}{title, text, links})
}

func (p *Pages) missing(w http.ResponseWriter, r *http.Request) {
	p.fail(w, r, http.StatusNotFound, "There is no such page", "The address may be mistyped, or from another version.", Link{"All experiments", "/"})
}

// A stateWord is a word with its shape; see the template "state".
type stateWord struct{ Of, State, Field, Word string }

// stateOf is a state whose word is another field than the state itself.
func stateOf(of, state, field, word string) stateWord { return stateWord{of, state, field, word} }

// stateOf2 is a state whose word is the state.
func stateOf2(of, state, word string) stateWord { return stateWord{of, state, of, word} }

func experimentURL(id string) string { return "/experiments/" + url.PathEscape(id) }

func definitionURL(kind, id string) string { return "/definitions/" + kind + "/" + url.PathEscape(id) }
