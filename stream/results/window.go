package results

import (
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
)

// ReasonWindowOpen: an arm has subjects, and none whose window is over. The state is collecting.
const ReasonWindowOpen = "window_open"

// openWindows says of a strict metric's row without subjects in an arm that they are there, and that their windows are not
// over yet: that is no lack of data.
func (m *metric) openWindows(row *Row, treatment, control *cube.Cell) {
	if !m.Strict || row.State != string(stats.NoData) || treatment.Exposed() == 0 || control.Exposed() == 0 {
		return
	}
	row.State = string(stats.Collecting)
	row.Reasons = slices.DeleteFunc(row.Reasons, func(r string) bool { return r == string(stats.NoSubjects) })
	row.Reasons = append(row.Reasons, ReasonWindowOpen)
}

// opened says whether an arm of a strict metric has got its first subject, or lost its last: its sums do not show that.
func (m *metric) opened(before, now *cube.Cell) bool {
	return m.Strict && (before.Exposed() == 0) != (now.Exposed() == 0)
}
