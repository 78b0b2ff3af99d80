package calc

import (
	"fmt"
	"math"

	"github.com/tidemark/tidemark/stats"
)

// check refuses what can't be answered as it was meant: numbers out of range, parts that go with nothing, two ways to say one thing.
func (r *Request) check() error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("calc: "+format+": %w", append(args, ErrRequest)...)
	}
	alpha := r.alpha()
	asked := r.Control != nil || r.Counts != nil || r.P != nil || r.E != nil || r.LogE != nil || r.Power != nil
	switch {
	case !(alpha >= MinAlpha && alpha < 1):
		return refuse("alpha is %v, it must lie between %v and 1", alpha, MinAlpha)
	case (r.Control == nil) != (r.Treatment == nil):
		return refuse("control and treatment go together")
	case !asked:
		return refuse("nothing is asked; give control and treatment, counts, p, e, log_e or power")
	}
	if r.Control == nil {
		for _, field := range []struct {
			name  string
			given bool
		}{{"direction", r.Direction != ""}, {"lift", r.Lift != ""}, {"limit", r.Limit != nil}, {"subjects", r.Subjects != nil}, {"mixture", r.Mixture != ""}, {"tuning", r.Tuning != Tuning{}}} {
			if field.given {
				return refuse("%s goes with control and treatment, which are not given", field.name)
			}
		}
	}
	switch {
	case r.Weights != nil && r.Counts == nil:
		return refuse("weights go with counts, which are not given")
	case r.Correction != "" && r.P == nil && r.E == nil && r.LogE == nil:
		return refuse("correction goes with p, e or log_e, which are not given")
	case r.Goals != nil && r.P == nil:
		return refuse("goals goes with p, which is not given")
	case r.Goals != nil && (*r.Goals < 0 || *r.Goals > len(r.P)):
		return refuse("goals is %d; of %d p-values the first 0 to %d can be of goals", *r.Goals, len(r.P), len(r.P))
	case r.Goals != nil && r.Correction != "" && r.Correction != "bonferroni" && r.Correction != "holm":
		return refuse("goals goes with the corrections bonferroni and holm; %s knows no kinds", r.Correction)
	}
	return r.checkComparison(refuse)
}

// checkComparison refuses what two arms can't be compared by.
func (r *Request) checkComparison(refuse func(string, ...any) error) error {
	positive := func(v *float64) bool { return v == nil || *v > 0 && !math.IsInf(*v, 1) }
	switch stats.Direction(r.Direction) {
	case "", stats.Up, stats.Down, stats.Undirected:
	default:
		return refuse("direction is %q; up, down and none are known", r.Direction)
	}
	switch stats.LiftMethod(r.Lift) {
	case "", stats.Fieller, stats.Delta, stats.LogDelta:
	default:
		return refuse("lift is %q; fieller, delta and log_delta are known", r.Lift)
	}
	switch {
	case r.Mixture != "" && r.Mixture != "normal" && r.Mixture != student:
		return refuse("mixture is %q; normal and student are known", r.Mixture)
	case r.Tuning.VCUPED != nil && r.Tuning.V == nil:
		return refuse("tuning.v_cuped goes with tuning.v, which is not given")
	case !positive(r.Tuning.VCUPED):
		return refuse("tuning.v_cuped is %v; it must be a number above 0, as a published row has it", *r.Tuning.VCUPED)
	case r.Tuning.V != nil && r.Tuning.Tau2 != nil:
		return refuse("tuning has both v and tau2, which tune the same test; give one")
	case r.Subjects != nil && r.Tuning != Tuning{}:
		return refuse("subjects and tuning tune the same test; give one")
	case !positive(r.Tuning.V):
		return refuse("tuning.v is %v; it must be a number above 0, as a published row has it", *r.Tuning.V)
	case !positive(r.Tuning.Tau2):
		return refuse("tuning.tau2 is %v; it must be a variance above 0, in the square of the metric's unit", *r.Tuning.Tau2)
	case r.Subjects != nil && *r.Subjects < 1:
		return refuse("subjects is %d; it must be the size over both arms at which the interval is tightest, at least 1", *r.Subjects)
	case r.Limit != nil && (math.IsNaN(r.Limit.Value) || math.IsInf(r.Limit.Value, 0)):
		return refuse("limit is %v; it must be a finite number", r.Limit.Value)
	case r.Limit != nil && r.Limit.Value == 0:
		return refuse("limit is 0; its sign is the harmful direction, and 0 has none")
	}
	return nil
}
