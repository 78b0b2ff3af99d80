package stats

import "github.com/tidemark/tidemark/stats/moment"

// Adjusted is a difference adjusted by the pre-period.
type Adjusted struct {
	Theta      Number // the factor of the pre-period's value
	Difference Test
	Reasons    []Reason
}

// CUPED returns the difference of two arms adjusted by their pre-period.
func CUPED(treatment, control *moment.Sums, d Design) Adjusted {
	return Adjusted{}
}
