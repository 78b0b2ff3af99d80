package results

import (
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
	"github.com/tidemark/tidemark/stats/sketch"
)

// A metric across subjects is how many distinct values an arm has: one number of the arm, which no sum over its subjects makes.
// So there is no error of sampling, no interval, no p and no lift; the row shows both arms' estimates, with the error that the
// sketch has, and their difference. An arm with more subjects has more distinct values, though less than in proportion.

// ReasonNoSamplingError: the metric has no test, as nothing tells how it would vary over other subjects. The state is not_clear.
const ReasonNoSamplingError = "no_sampling_error"

// acrossSubjects is Row.Across.
const acrossSubjects = "subjects"

// distinctOf returns the estimate of an arm; unknown where the cell is of the past and has sums only.
func (m *metric) distinctOf(c *cube.Cell) (value, sketchError stats.Number, err error) {
	sums := c.Metric(m.index)
	if sums.N <= 0 || !c.HasBins() {
		return stats.Number{}, stats.Number{}, nil
	}
	n, err := c.Distinct(m.index).Estimate()
	if err != nil {
		return stats.Number{}, stats.Number{}, err
	}
	return stats.Known(n), stats.Known(n * sketch.DistinctError), nil
}

// acrossRow makes the row of a metric across subjects.
func (e *Evaluator) acrossRow(s *evaluated, m int, mask uint, v int, key string, in Inputs) *Row {
	mt, x := &e.metrics[m], e.x
	row := &Row{
		Metric: mt.Metric.ID, Definition: mt.hash, Role: string(mt.Role), Slice: s.label,
		Variant: x.Variants[v].ID, Control: x.Variants[e.control].ID, ByVariant: map[string]Arm{},
		State: string(stats.NotClear), Reasons: []string{ReasonNoSamplingError, string(stats.Approximate)}, key: key, look: e.look,
		Format: mt.format, Direction: string(mt.Metric.Direction), Across: acrossSubjects,
	}
	var values [2]stats.Number
	for i, arm := range [2]int{v, e.control} {
		c := s.arms[arm]
		value, sketchError, err := mt.distinctOf(c)
		values[i] = value
		of := *s.inArm[m][arm]
		of.Value, of.SketchError = value.Ptr(), sketchError.Ptr()
		row.ByVariant[x.Variants[arm].ID] = of
		sums := c.Metric(mt.index)
		switch {
		case err != nil || sums.N < 0:
			row.State, row.Reasons = string(stats.Failed), []string{string(stats.Corrupt)}
		case !value.OK && row.State != string(stats.Failed):
			row.State, row.Reasons = string(stats.NoData), []string{ReasonNoSamplingError}
			if sums.N == 0 {
				row.Reasons = append(row.Reasons, string(stats.NoSubjects))
			}
		case sums.OpenLimit > 0 && row.State == string(stats.NotClear):
			row.State = string(stats.Unreliable)
			row.Reasons = append(row.Reasons, string(stats.OpenLimit))
		}
	}
	if values[0].OK && values[1].OK {
		row.Difference.Value = stats.Known(values[0].V - values[1].V).Ptr()
	}
	if mask&e.event != 0 {
		row.Reasons = append(row.Reasons, ReasonConditioned)
	}
	mt.openWindows(row, s.arms[v], s.arms[e.control])
	distrust(row, s.ctx, in)
	slices.Sort(row.Reasons)
	row.Reasons = slices.Compact(row.Reasons)
	row.word = row.State
	return row
}

// tested says whether the metric's rows have a test, so that corrections for many comparisons are over them.
func (m *metric) tested() bool { return !m.Across }

// arm is what is written of the arm's sums: its subjects' own numbers of distinct values.
func (m *metric) arm(s *moment.Sums, pre bool) *Arm { return arm(s, m.scale, pre && !m.Across) }
