package app

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/stream/results"
)

// warnOfLosses says, for each experiment, what of its inputs is not in the numbers although somebody may expect it there:
// rejected records and events, late ones, exposures of variants that are not declared, a source without records.
func warnOfLosses(w io.Writer, list []*results.Result) {
	said := map[string]bool{}
	say := func(format string, args ...any) {
		if line := fmt.Sprintf("warning: "+format, args...); !said[line] {
			said[line] = true
			fmt.Fprintln(w, line)
		}
	}
	for _, r := range list {
		for _, id := range slices.Sorted(maps.Keys(r.Ledger.Records)) {
			l := r.Ledger.Records[id]
			switch {
			case l.Read == 0:
				say("source %s has no records", id)
			case l.Rejected > 0:
				say("source %s: %s of %s records rejected (%s)", id, results.FormatCount(l.Rejected), results.FormatCount(l.Read), reasons(l.Reasons))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(r.Ledger.Events)) {
			l := r.Ledger.Events[id]
			if l.Rejected > 0 || l.Late > 0 {
				say("event %s: %s of %s rejected or late (%s)", id, results.FormatCount(l.Rejected+l.Late), results.FormatCount(l.Evaluated-l.Filtered), reasons(l.Reasons, "unknown_variant", "late_exposure", "before_start", "after_stop"))
			}
			if n := l.Reasons["unknown_variant"]; n > 0 {
				say("experiment %s: %s exposures of variants that it does not declare", r.Experiment, results.FormatCount(n))
			}
		}
	}
}

// reasons lists reasons with their counts, the largest first.
func reasons(counts map[string]int64, without ...string) string {
	var out []string
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, name := range names {
		if counts[name] > 0 && !slices.Contains(without, name) {
			out = append(out, name+" "+results.FormatCount(counts[name]))
		}
	}
	return strings.Join(out, ", ")
}
