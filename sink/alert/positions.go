package alert

import (
	"maps"
	"slices"
)

// behind names the first partition in which next stands before seen, or that next does not know; "" if there is none.
// A partition that next does not know counts as its beginning: its shard has not been read back yet.
//
// Any partition is enough. A result that is ahead in one and behind in another has never been a state of the log in
// the order in which it was evaluated, and taking it would evaluate the part that is behind a second time.
func behind(seen, next map[string]int64) string {
	for _, partition := range slices.Sorted(maps.Keys(seen)) {
		if at, ok := next[partition]; !ok && seen[partition] > 0 || ok && at < seen[partition] {
			return partition
		}
	}
	return ""
}
