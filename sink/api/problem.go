package api

import (
	"encoding/json"
	"net/http"

	"github.com/tidemark/tidemark/catalog/sql"
)

// Problem is an error as RFC 9457 has it, with what to do about it.
type Problem struct {
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`
	Code    string   `json:"code"`              // closed set, for programs
	Hint    string   `json:"hint,omitempty"`    // the next action, for people
	Nearest string   `json:"nearest,omitempty"` // the known name closest to the one asked for
	Allowed []string `json:"allowed,omitempty"` // what would have been accepted
}

// write answers with the problem. A problem is never cached: it may be over in a second.
func (p Problem) write(w http.ResponseWriter) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	body, _ := json.Marshal(p) // strings and an int: cannot fail
	_, _ = w.Write(append(body, '\n'))
}

// Nearest returns the known name closest to name by edit distance, or "" when none is close: more than a third of the
// letters wrong is another word, not a slip.
func Nearest(name string, known []string) string {
	best, bestDistance := "", len(name)/3+1
	for _, k := range known {
		if len(name)-len(k) > bestDistance || len(k)-len(name) > bestDistance {
			continue
		}
		if d := sql.EditDistance([]rune(name), []rune(k)); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	return best
}
