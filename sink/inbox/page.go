package inbox

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed inbox.css
var style []byte

//go:embed inbox.html
var pageText string

var page = template.Must(template.New("inbox").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Format("15:04:05") },
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
}).Parse(pageText))

// policy allows the stylesheet and links, nothing else: what arrives here was written by somebody else.
const policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

type view struct {
	Messages
	Prefix, Note string
	Paused       bool
	Empty        bool
	At           time.Time
}

func (b *Inbox) servePage(w http.ResponseWriter, r *http.Request) {
	m := b.Messages()
	v := view{Messages: m, Prefix: b.opt.Prefix, Note: b.opt.Note, Paused: r.URL.Query().Get("paused") != "", At: b.opt.Now()}
	v.Empty = len(m.Slack)+len(m.PagerDuty)+len(m.Webhooks) == 0
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "inbox: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.Write(out.Bytes())
}

func (b *Inbox) serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(style)
}
