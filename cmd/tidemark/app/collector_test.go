package app

import "testing"

// A small heap may grow to four times its size, a large one by no more than Go's own doubling.
func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 300}, {150 << 20, 300}, {200 << 20, 225}, {300 << 20, 150}, {450 << 20, 100}, {8 << 30, 100}} {
		if got := collectorPercent(c.live); got != c.want {
			t.Errorf("%d MiB live: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}
