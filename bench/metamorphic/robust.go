package metamorphic

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/bench/oracle"
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stats/sketch"
	"github.com/tidemark/tidemark/stream/results"
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

// winsorize makes a sixth of the metrics winsorized, with a fact of what their percentiles were. The oracle takes the range
// that it leaves of the cap.
func (g *generator) winsorize(m *oracle.Metric, text *strings.Builder) {
	if g.robust.IntN(6) > 0 {
		return
	}
	upper := 1 + g.robust.Int64N(4)
	if m.NumScale == 2 {
		upper = 1 + g.robust.Int64N(2000)
	}
	lower := upper - g.robust.Int64N(2*upper)
	fact := results.Tuning{Upper: units(upper, m.NumScale)}
	text.WriteString("  winsorize: {upper: 0.9")
	if g.robust.IntN(2) == 0 {
		fact.Lower = units(lower, m.NumScale)
		text.WriteString(", lower: 0.1")
		defer func(v *big.Int) { m.CapLower = v }(within(m, lower))
	}
	text.WriteString("}\n")
	m.CapUpper = within(m, upper)
	g.fact(m, fact)
}

// fact gives a metric of the experiment that its id names a fact.
func (g *generator) fact(m *oracle.Metric, fact results.Tuning) {
	experiment, _, _ := strings.Cut(strings.TrimPrefix(m.ID, "m"), "_")
	of := g.c.Facts["e"+experiment]
	if of == nil {
		of = map[string]results.Tuning{}
		g.c.Facts["e"+experiment] = of
	}
	of[results.MetricKey(m.ID)] = fact
}

// quantile makes an eighth of the metrics quantiles of the amounts of the numerator's events, with a fact of where their cut
// was frozen.
func (g *generator) quantile(m *oracle.Metric, text *strings.Builder) bool {
	if g.robust.IntN(8) > 0 {
		return false
	}
	m.Quantile, m.ValueScale, m.NumScale, m.DenScale, m.Denominator, m.Ordered = true, 2, 0, 0, nil, false
	m.Numerator = oracle.Term{Event: m.Numerator.Event, Value: "amount"}
	m.Cut = big.NewInt([]int64{0, 100, 130, 500, 501, 2000, 90_000_099}[g.robust.IntN(7)])
	g.fact(m, results.Tuning{Upper: units(m.Cut.Int64(), 2)})
	agg := []string{"P50", "P95", "QUANTILE, quantile: 0.75"}[g.robust.IntN(3)]
	text.Reset()
	fmt.Fprintf(text, "  numerator: {event: %s, agg: %s, value: amount}\n", m.Numerator.Event, agg)
	if m.Window > 0 {
		fmt.Fprintf(text, "  window: %dm\n", m.Window/minute)
	}
	if m.Strict {
		text.WriteString("  strict: true\n")
	}
	if m.ExcludeNone {
		text.WriteString("  none: exclude\n")
	}
	return true
}

// across makes an eighth of the metrics numbers of distinct values over all subjects of a cell. What it draws, it draws for itself: the
// other metrics of a seed stay what they were.
func (g *generator) across(m *oracle.Metric, text *strings.Builder) bool {
	r := rand.New(rand.NewPCG(g.c.Seed, digest(m.ID)))
	if r.IntN(8) > 0 {
		return false
	}
	m.Across, m.NumScale, m.DenScale, m.Denominator, m.Ordered = true, 0, 0, nil, false
	value := []string{"item", "category", "user", "user"}[r.IntN(4)]
	where := ""
	m.Numerator = oracle.Term{Event: m.Numerator.Event, Agg: "COUNT_DISTINCT", Value: value}
	if r.IntN(4) == 0 {
		m.Numerator.Where, where = wheres["amount > 5"], `, where: "amount > 5"`
	}
	text.Reset()
	fmt.Fprintf(text, "  numerator: {event: %s, agg: COUNT_DISTINCT, value: %s, across: subjects%s}\n", m.Numerator.Event, value, where)
	if m.Window > 0 {
		fmt.Fprintf(text, "  window: %dm\n", m.Window/minute)
	}
	if m.Strict {
		text.WriteString("  strict: true\n")
	}
	if m.ExcludeNone {
		text.WriteString("  none: exclude\n")
	}
	return true
}

// within is a bound as far as the metric's cap lets it.
func within(m *oracle.Metric, v int64) *big.Int {
	b := big.NewInt(v)
	if m.CapUpper != nil && b.Cmp(m.CapUpper) > 0 {
		b = m.CapUpper
	}
	if m.CapLower != nil && b.Cmp(m.CapLower) < 0 {
		b = m.CapLower
	}
	return b
}

// frozen are the facts as a store takes them.
func (c *Case) frozen(plan *catalog.Plan) ([]state.Frozen, error) {
	var out []state.Frozen
	for x := range plan.Experiments {
		for i := range plan.Experiments[x].Metrics {
			m := &plan.Experiments[x].Metrics[i]
			fact, ok := c.Facts[plan.Experiments[x].ID][results.MetricKey(m.Metric.ID)]
			if !ok {
				continue
			}
			scale := 0
			if m.Numerator >= 0 {
				scale = plan.Measures[m.Numerator].Scale
			}
			r, err := fact.Range(scale)
			if err != nil {
				return nil, err
			}
			out = append(out, state.Frozen{Experiment: x, Metric: i, Range: r})
		}
	}
	return out, nil
}

// sameDistribution holds the bins of a quantile metric's cell against the values: as many, and of each rank one of the same
// leading digits.
func sameDistribution(got *sketch.Quantiles, values []*big.Int) error {
	if got.Count() != int64(len(values)) {
		return fmt.Errorf("%d events in bins, want %d", got.Count(), len(values))
	}
	slices.SortFunc(values, func(a, b *big.Int) int { return a.Cmp(b) })
	for i, v := range values {
		at, err := got.Quantile((float64(i) + 0.5) / float64(len(values)))
		if err != nil {
			return err
		}
		d, want := math.Abs(float64(at)-float64(v.Int64())), math.Abs(float64(v.Int64()))
		if d > want/256 {
			return fmt.Errorf("value %d of %d is %d, want %s", i, len(values), at, v)
		}
	}
	return nil
}

// sameSets holds the ranks of a cell against the sets of its subjects: rank by rank, read off the binary digits of the hashes, and the
// estimate against that of one sketch of all values.
func sameSets(got *sketch.Distinct, sets []map[string]bool) error {
	var want, all sketch.Distinct
	whole := map[string]int{}
	count := func(to *sketch.Distinct, most map[string]int) {
		for digits, rank := range most {
			var register int
			fmt.Sscanf(digits, "%b", &register)
			to.AddBin(sketch.RankIndex(register, rank), 1)
		}
	}
	for _, set := range sets {
		most := map[string]int{}
		for value := range set {
			h := digest(value)
			h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
			h = (h ^ h>>27) * 0x94d049bb133111eb
			digits := fmt.Sprintf("%064b", h^h>>31)
			rank := strings.IndexByte(digits[12:]+"1", '1') + 1
			most[digits[:12]], whole[digits[:12]] = max(most[digits[:12]], rank), max(whole[digits[:12]], rank)
		}
		count(&want, most)
	}
	count(&all, whole)
	if !got.Equal(&want.Bins) {
		return fmt.Errorf("%d ranks in bins, want %d, or others", got.Count(), want.Count())
	}
	has, err := got.Estimate()
	if must, _ := all.Estimate(); err != nil || has != must {
		return fmt.Errorf("%g distinct values, want %g: %v", has, must, err)
	}
	return nil
}
