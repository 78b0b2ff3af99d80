package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog/sql"
)

// nearest returns the name that differs least from what was written, if any differs in at most two letters. Case does
// not count as a difference, and of two equally near names the first in the alphabet wins.
func nearest(written string, names []string) (string, bool) {
	if len(written) > 200 {
		return "", false
	}
	best, found := 3, ""
	sorted := slices.Sorted(slices.Values(names))
	for _, name := range sorted {
		if len(name)-len(written) > 4 || len(written)-len(name) > 4 {
			continue
		}
		d := sql.EditDistance([]rune(strings.ToLower(written)), []rune(strings.ToLower(name)))
		// Two letters of a word of three are no likeness.
		if d < best && d*2 <= max(characters(written), characters(name)) {
			best, found = d, name
		}
	}
	return found, found != ""
}

// didYouMean is the hint for a name that is not one of names: the nearest, else what there is.
func didYouMean(written string, names []string) string {
	if name, ok := nearest(written, names); ok {
		return fmt.Sprintf("did you mean %q?", name)
	}
	if len(names) == 0 {
		return ""
	}
	return "allowed: " + listed(names)
}

// listed shows names in order, at most twelve of them.
func listed(names []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	if len(sorted) > 12 {
		return strings.Join(sorted[:12], ", ") + fmt.Sprintf(" … (%d more)", len(sorted)-12)
	}
	return strings.Join(sorted, ", ")
}
