package results

import (
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats"
)

// How a row's own numbers become its state word where the definition asks for another way than the default, which is the
// always-valid interval at the experiment's alpha.

var liftMethods = map[catalog.LiftMethod]stats.LiftMethod{
	"": stats.Fieller, catalog.Fieller: stats.Fieller, catalog.Delta: stats.Delta, catalog.LogDelta: stats.LogDelta,
}

// decide sets the row's state where it is not the default's, its level, and its p after Bonferroni's correction.
func (m *metric) decide(row *Row, cmp *stats.Comparison, d stats.Design, fixed bool) {
	level := d.Boundary.Level(d.Alpha)
	if level != d.Alpha {
		row.Alpha = level
	}
	if m.final && len(row.Slice) == 0 {
		row.AlphaAlways = level / 2
	}
	switch cmp.State {
	case stats.Better, stats.Worse, stats.NotClear:
	default:
		if z := cmp.Difference.Z; d.Boundary.Student && cmp.State == stats.Collecting && d.Tuning.Set() && z.OK && !cmp.Difference.Always.Interval.OK {
			row.Reasons = append(row.Reasons, ReasonLittleInformation)
		}
		return
	}
	var final *Final
	if row.Tuning != nil && d.Boundary.FinalLook {
		final = row.Tuning.Final
	}
	if !fixed && row.Alpha == 0 && final == nil {
		return // the default
	}
	word, looked := m.word(cmp, d, level, fixed, final)
	if row.Alpha != 0 && word == stats.NotClear {
		// Without its share the row would have all of the level.
		if alone, _ := m.word(cmp, d, d.Alpha, fixed, final); alone != stats.NotClear {
			row.Reasons = append(row.Reasons, ReasonCorrected)
		}
	}
	row.State = string(word)
	if looked {
		row.Reasons = append(row.Reasons, ReasonFinalLook)
	}
	if fixed {
		row.Reasons = append(row.Reasons, ReasonFixedHorizon)
	}
}

// word is what a level makes of a comparison; looked says that it is the final look's.
func (m *metric) word(cmp *stats.Comparison, d stats.Design, level float64, fixed bool, final *Final) (word stats.State, looked bool) {
	test := &cmp.Difference
	if fixed {
		k := stats.NormalUpper(level/2) * test.SE.V
		return stats.Judge(stats.Between(test.Value.V-k, test.Value.V+k), d.Direction), false
	}
	b := d.Boundary
	b.Alpha = level
	word = stats.Judge(b.Test(d.Tuning, *test, cmp.Treatment.N, cmp.Control.N, level).Interval, d.Direction)
	if word == stats.NotClear && final != nil && final.P != nil && *final.P <= level/2 {
		// Decided then; what came later may have moved the estimate back, and does not undo it.
		word = stats.Judge(stats.Between(*final.Value, *final.Value), d.Direction)
		looked = word != stats.NotClear
	}
	return word, looked
}
