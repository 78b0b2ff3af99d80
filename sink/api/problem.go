package api

import (
	"encoding/json"
	"net/http"
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
		if d := distance(name, k, bestDistance); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the Damerau-Levenshtein distance (adjacent letters swapped count one) of a and b, or anything above limit
// once it cannot be within it.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
