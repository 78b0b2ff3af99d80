package cube

import (
	"fmt"
)

// dump writes base cells in the order of their keys, one line each: equal cells give equal lines.
func dump(c *Cells) []string {
	var lines []string
	for _, cell := range c.Sorted() {
		b, err := appendCell(nil, cell)
		if err != nil {
			panic(err)
		}
		lines = append(lines, fmt.Sprintf("%b %q %d %x", cell.Key.Mask, cell.Key.Values, cell.Key.Variant, b))
	}
	return lines
}
