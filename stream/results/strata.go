package results

import (
	"math/bits"
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// maxStrata is how many cells of a grouping are taken as strata; beyond it what needs them is left out. It is the bound on the values of
// one dimension.
const maxStrata = 1000

// strata are the cells of one grouping of subject dimensions, which divide the subjects between them, with what each arm's values
// are there. They are remembered: what did not change since the last look is not computed again.
type strata struct {
	byValues map[string]*stratum
	list     []*stratum // in the order of the values
	changed  []bool     // by metric, since the last look
}

type stratum struct {
	arms      []*cube.Cell
	estimates [][]stats.Estimate // by metric and variant
	values    []string
	epochs    [][]int64 // exposed subjects by epoch and variant
	ratio     stats.SRM
	tested    float64 // the level of ratio
	look      uint64
}

// subjectMask has the subject dimensions.
func (e *Evaluator) subjectMask() uint { return (uint(1)<<len(e.x.Dimensions) - 1) &^ e.event }

// stratify returns the strata of a grouping, brought up to cells; nil where there are too many, or none can be told apart.
func (e *Evaluator) stratify(mask uint, cells *cube.Cells) *strata {
	if cells.Exceeds(mask, maxStrata) { // mostly the finest grouping, which is costly to roll up for nothing
		delete(e.strata, mask)
		return nil
	}
	roll := cells.Rollup(mask)
	if roll.Unreliable || len(roll.Rows) > maxStrata || bits.OnesCount(mask) == 0 {
		delete(e.strata, mask)
		return nil
	}
	g := e.strata[mask]
	if g == nil {
		g = &strata{byValues: map[string]*stratum{}}
		e.strata[mask] = g
	}
	g.changed = make([]bool, len(e.metrics))
	g.list = g.list[:0]
	for i := range roll.Rows {
		row := &roll.Rows[i]
		id := joinValues(row.Values)
		s := g.byValues[id]
		if s == nil {
			s = &stratum{values: row.Values, arms: make([]*cube.Cell, len(row.Arms)), estimates: make([][]stats.Estimate, len(e.metrics))}
			g.byValues[id] = s
		}
		s.look = e.look
		e.refresh(g, s, row.Arms)
		g.list = append(g.list, s)
	}
	if len(g.byValues) > len(g.list) {
		for id, s := range g.byValues {
			if s.look != e.look {
				delete(g.byValues, id)
			}
		}
		for m := range g.changed {
			g.changed[m] = true
		}
	}
	return g
}

// refresh brings a stratum up to its cells.
func (e *Evaluator) refresh(g *strata, s *stratum, arms []*cube.Cell) {
	if slices.Equal(s.arms, arms) && (len(s.estimates) == 0 || s.estimates[0] != nil) {
		return // nothing changed here
	}
	for m := range e.metrics {
		mt := &e.metrics[m]
		first := s.estimates[m] == nil
		if first {
			s.estimates[m] = make([]stats.Estimate, len(arms))
		}
		for v, cell := range arms {
			if sums := cell.Metric(mt.index); first || s.arms[v] != cell && *s.arms[v].Metric(mt.index) != *sums {
				s.estimates[m][v], _ = stats.Ratio(sums, mt.scale) // what can't be computed is absent
				g.changed[m] = true
			}
		}
	}
	if epochs := e.countEpochs(arms); !slices.EqualFunc(epochs, s.epochs, slices.Equal[[]int64]) {
		s.epochs, s.tested = epochs, 0
	}
	s.arms = arms
}

// pair returns the stratum's two arms of a metric and treatment.
func (s *stratum) pair(m, v, control int) stats.Stratum {
	return stats.Stratum{Treatment: s.estimates[m][v], Control: s.estimates[m][control]}
}

// speaking returns the strata of a metric and treatment whose own rows may speak, by the silence rule: a test over strata divides each by its
// own estimated error, of which a few subjects say nothing.
func (e *Evaluator) speaking(g *strata, m, v int) []stats.Stratum {
	var list []stats.Stratum
	for _, s := range g.list {
		p := s.pair(m, v, e.control)
		if len(stats.Silence(s.arms[v].Metric(e.metrics[m].index), s.arms[e.control].Metric(e.metrics[m].index), p.Treatment, p.Control)) == 0 {
			list = append(list, p)
		}
	}
	return list
}

// complete returns the strata of a metric and treatment that hold all its subjects, those with fewer than two in an arm merged: into
// one, and that into the smallest other if it still has too few. What is merged depends on numbers of subjects alone, never on
// their values. It is nil with fewer than two strata.
func (e *Evaluator) complete(g *strata, m, v int) []stats.Stratum {
	mt := &e.metrics[m]
	var list []stats.Stratum
	var rest, small [2]moment.Sums
	any, least := false, -1
	var of []*stratum
	for _, s := range g.list {
		p := s.pair(m, v, e.control)
		if p.Treatment.N >= 2 && p.Control.N >= 2 {
			if n := p.Treatment.N + p.Control.N; least < 0 || n < list[least].Treatment.N+list[least].Control.N {
				least = len(list)
			}
			list, of = append(list, p), append(of, s)
			continue
		}
		if p.Treatment.N+p.Control.N > 0 {
			any = true
			rest[0].Merge(s.arms[v].Metric(mt.index))
			rest[1].Merge(s.arms[e.control].Metric(mt.index))
		}
	}
	if any {
		merged := func(sums *[2]moment.Sums) (p stats.Stratum) {
			p.Treatment, _ = stats.Ratio(&sums[0], mt.scale)
			p.Control, _ = stats.Ratio(&sums[1], mt.scale)
			return p
		}
		switch {
		case rest[0].N >= 2 && rest[1].N >= 2:
			list = append(list, merged(&rest))
		case least >= 0:
			small[0], small[1] = *of[least].arms[v].Metric(mt.index), *of[least].arms[e.control].Metric(mt.index)
			small[0].Merge(&rest[0])
			small[1].Merge(&rest[1])
			list[least] = merged(&small)
		default:
			return nil
		}
	}
	if len(list) < 2 {
		return nil
	}
	return list
}
