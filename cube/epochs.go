package cube

import (
	"encoding/binary"
	"slices"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// A ramp changes the planned weights while an experiment runs. For the sample ratio check a cell then counts its exposed subjects
// by epoch, the time between two changes in which their first exposure lies: beside all exposed subjects, as if each epoch but
// the first were one more metric (catalog.PlanExperiment.EpochMetric). So they are moved, rolled up and merged as everything is.
//
// A ramp is not part of what the state is built from: a step may be added to an experiment that runs. The grid's row says by
// which instants the rows were counted. If the definition's are others, and subjects lie where the two differ, state counts
// them again from the first exposures that it has (state.CountEpochs).

// sumsOf is how many sums a cell has.
func sumsOf(x *catalog.PlanExperiment) int { return 1 + len(x.Metrics) + len(x.Cuts) }

// flags is the value of a grid's row.
func (g *grid) flags() []byte {
	value := []byte{version, byte(g.collapsed), 0}
	if g.uncrossed {
		value[2] = 1
	}
	if len(g.x.Cuts) > 0 {
		value[0] = versionCuts
	}
	for _, t := range g.x.Cuts {
		value = binary.BigEndian.AppendUint64(value, uint64(t))
	}
	return value
}

// decodeCuts reads instants, which rise.
func decodeCuts(b []byte) (cuts []int64, ok bool) {
	if len(b)%8 != 0 {
		return nil, false
	}
	for ; len(b) > 0; b = b[8:] {
		t := int64(binary.BigEndian.Uint64(b))
		if n := len(cuts); n > 0 && t <= cuts[n-1] {
			return nil, false
		}
		cuts = append(cuts, t)
	}
	return cuts, true
}

// agree is how many of the first cuts of the rows are those of the definition.
func (g *grid) agree() int {
	n := 0
	for n < len(g.cuts) && n < len(g.x.Cuts) && g.cuts[n] == g.x.Cuts[n] {
		n++
	}
	return n
}

// refit gives a cell that was loaded the sums of the definition's epochs. What it drops stands in the cell's row until that is
// written again.
func (g *grid) refit(i int32) {
	n, c := 1+len(g.x.Metrics)+g.agree(), g.slots[i].cell
	if slices.ContainsFunc(c.sums[n:], func(s moment.Sums) bool { return !empty(&s) }) {
		// The first epoch that is dropped began here, so there are subjects from here on.
		g.recut, g.recutFrom = true, g.cuts[g.agree()]
		g.touch(i)
	}
	c.sums = append(c.sums[:n:n], make([]moment.Sums, sumsOf(g.x)-n)...)
}

// findRecut notes from where on the definition parts epochs in another way than the rows that were loaded.
func (g *grid) findRecut() {
	n := g.agree()
	if n == len(g.cuts) && n == len(g.x.Cuts) || g.cells == 0 {
		return
	}
	if n < len(g.x.Cuts) && (!g.recut || g.x.Cuts[n] < g.recutFrom) {
		g.recut, g.recutFrom = true, g.x.Cuts[n]
	}
}

// Recount returns the experiments whose subjects must be counted by epoch again after a Load, because the definition parts
// the epochs in another way than it did when the rows were written. newest is an instant after which no subject was first
// exposed: steps later than it change nothing. The counts by epoch of these experiments are empty then; the caller
// hands every subject's over as a change from nothing.
func (c *Cube) Recount(newest int64) []int {
	var again []int
	for i, g := range c.grids {
		if g.recut && g.recutFrom <= newest {
			g.clearEpochs()
			again = append(again, i)
		}
		g.recut = false
	}
	return again
}

// clearEpochs forgets all counts by epoch. A cell with one has exposed subjects, so none is gone.
func (g *grid) clearEpochs() {
	g.latest = nil
	for i := range g.slots {
		s := &g.slots[i]
		if s.live == 0 {
			continue
		}
		for m := 1 + len(g.x.Metrics); m < len(s.cell.sums); m++ {
			if empty(&s.cell.sums[m]) {
				continue
			}
			g.own(s)
			s.cell.sums[m] = moment.Sums{}
			s.live--
			g.touch(int32(i))
		}
	}
}
