package catalog

import (
	"fmt"
	"slices"
	"strings"
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
		d := editDistance([]rune(strings.ToLower(written)), []rune(strings.ToLower(name)))
		// Two letters of a word of three are no likeness.
		if d < best && d*2 <= max(characters(written), characters(name)) {
			best, found = d, name
		}
	}
	return found, found != ""
}

// editDistance is the Damerau-Levenshtein distance in its restricted form: insertions, deletions, substitutions and
// swaps of neighbours, no part changed twice.
func editDistance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
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
