// Package page serves the pages that people read: the experiments, one experiment, alerts, data health, definitions.
// They are rendered here, complete and with real numbers, and work without a script; what a script adds is that they
// change by themselves. It owns the HTML, the style and the script (all embedded, no third party is asked for anything);
// the numbers and words come from sink/page/view.
// Invariants: everything that a definition, an event or a request brought in is escaped; the content security policy
// allows nothing inline and nothing foreign; every state of a page is a URL.
package page

import (
	"io/fs"
	"net/http"

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

// Pages serves everything outside /api/. It may be used by any number of goroutines.
type Pages struct {
	api *api.Server
	opt Options
}

// New returns the pages over what the API serves.
func New(server *api.Server, opt Options) (*Pages, error) {
	return &Pages{api: server, opt: opt}, nil
}

// ServeHTTP answers a request for a page.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.NotFound(w, r)
}
