package traffic

import (
	"cmp"
	"fmt"
	"slices"
)

func (c Cells) keys() []Key {
	var out []Key
	for key, cell := range c {
		if cell.N > 0 {
			out = append(out, key)
		}
	}
	slices.SortFunc(out, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Slice, b.Slice), cmp.Compare(a.Variant, b.Variant))
	})
	return out
}

// Differences says what is missing from, too much in, or different in got, sorted. An empty list means that every count and
// sum of every cell is the same. Cells without subjects are as good as absent.
func (c Cells) Differences(got Cells) []string {
	var out []string
	for _, key := range c.keys() {
		want, have := c[key], got[key]
		switch {
		case have == nil || have.N == 0:
			out = append(out, fmt.Sprintf("%v: missing, want n = %d", key, want.N))
		case *have != *want:
			out = append(out, fmt.Sprintf("%v: got %v, want %v", key, have, want))
		}
	}
	for _, key := range got.keys() {
		if want := c[key]; want == nil || want.N == 0 {
			out = append(out, fmt.Sprintf("%v: n = %d, want no such cell", key, got[key].N))
		}
	}
	return out
}

// String shows the moments on one line.
func (c *Cell) String() string {
	return fmt.Sprintf("n=%d Σx=%v Σy=%v Σx²=%v Σy²=%v Σxy=%v", c.N, c.X, c.Y, c.XX, c.YY, c.XY)
}

// Keep returns the cells for which keep holds.
func (c Cells) Keep(keep func(Key) bool) Cells {
	out := Cells{}
	for key, cell := range c {
		if keep(key) {
			out[key] = cell
		}
	}
	return out
}
