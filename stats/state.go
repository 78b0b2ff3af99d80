package stats

import (
	"errors"

	"github.com/tidemark/tidemark/stats/moment"
)

// state returns the one word. In this order: failed if the sums are impossible, no_data if an arm is empty, unreliable if a
// subject's total may be wrong (also in a small cell: what is wrong does not get right by waiting), collecting while the silence
// rule or the missing tuning says so, else what the always-valid interval of the difference says in the metric's direction.
// The fixed-horizon p never decides. Source: DESIGN §7.
func state(c *Comparison, d Design, silence []Reason, errT, errC error, t, k *moment.Sums, reasons *reasonSet) State {
	tuned := d.Tuning.Set()
	if len(silence) == 0 && !tuned {
		reasons.add(NotTuned)
	}
	switch {
	case errors.Is(errT, moment.ErrCorrupt) || errors.Is(errC, moment.ErrCorrupt):
		return Failed
	case t.N == 0 || k.N == 0:
		return NoData
	case t.OpenLimit > 0 || k.OpenLimit > 0:
		return Unreliable
	case len(silence) > 0 || !tuned || !c.Difference.Always.Interval.OK:
		return Collecting
	}
	return Judge(c.Difference.Always.Interval, d.Direction)
}

// Judge returns better, worse or not_clear for an interval of the difference and the direction in which the metric is
// good.
func Judge(i Interval, d Direction) State {
	up, down := Better, Worse
	switch d {
	case Up:
	case Down:
		up, down = Worse, Better
	default:
		return NotClear
	}
	switch {
	case i.Low > 0:
		return up
	case i.High < 0:
		return down
	}
	return NotClear
}
