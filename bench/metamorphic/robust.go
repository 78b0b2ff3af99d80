package metamorphic

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/tidemark/tidemark/bench/oracle"
)

// cap gives a quarter of the metrics a cap, such as a subject's total often meets.
func (g *generator) cap(m *oracle.Metric, text *strings.Builder) {
	if g.robust.IntN(4) > 0 {
		return
	}
	upper := 1 + g.robust.Int64N(4)
	if m.NumScale == 2 {
		upper = 1 + g.robust.Int64N(3000)
	}
	m.CapUpper = big.NewInt(upper)
	if g.robust.IntN(2) == 0 {
		fmt.Fprintf(text, "  cap: %s\n", units(upper, m.NumScale))
		return
	}
	lower := upper - 1 - g.robust.Int64N(2*upper)
	m.CapLower = big.NewInt(lower)
	if g.robust.IntN(4) == 0 {
		m.CapUpper = nil
		fmt.Fprintf(text, "  cap: {lower: %s}\n", units(lower, m.NumScale))
		return
	}
	fmt.Fprintf(text, "  cap: {lower: %s, upper: %s}\n", units(lower, m.NumScale), units(upper, m.NumScale))
}

// units writes an integer at a decimal scale of 0 or 2.
func units(v int64, scale int) string {
	if scale == 0 {
		return fmt.Sprint(v)
	}
	return big.NewRat(v, 100).FloatString(2)
}
