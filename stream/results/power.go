package results

import (
	"math"

	"github.com/tidemark/tidemark/stats"
)

// wantedPower is the power of every number in Power.
const wantedPower = 0.8

// powerOf says what can be seen with a row's data, and how many subjects show a lift of mde (0: not asked). It is nil without a
// standard error above 0.
func powerOf(cmp *stats.Comparison, d stats.Design, mde float64) *Power {
	se := cmp.Difference.SE
	if !se.OK || se.V == 0 {
		return nil
	}
	p := &Power{}
	level := d.Boundary.Level(d.Alpha)
	base := math.Abs(cmp.Control.Value.V)
	always := cmp.Difference.Cautious().SE
	effect := func(se stats.Number, k float64) (absolute, lift *float64) {
		v, err := stats.MDE(se.V, k, wantedPower)
		if err != nil {
			return nil, nil
		}
		if base > 0 {
			lift = stats.Known(v / base).Ptr()
		}
		return stats.Known(v).Ptr(), lift
	}
	p.MDEFixed, p.MDEFixedLift = effect(se, stats.NormalUpper(d.Alpha/2))
	if k := cmp.Difference.Always.K; k.OK {
		p.MDE, p.MDELift = effect(always, k.V)
	}
	if mde == 0 {
		return p
	}
	wanted := math.Abs(mde)
	p.Lift = &wanted
	need := stats.Needed{
		NT: cmp.Treatment.N, NC: cmp.Control.N, SE: always.V, Tuning: d.Tuning, Alpha: level, FinalLook: d.Boundary.FinalLook,
	}
	if n, err := need.Subjects(wanted*base, wantedPower); err == nil {
		p.Subjects = &n
	}
	return p
}

// Words of NonInferiority.Verdict.
const (
	shown    = "shown"
	notShown = "not_shown"
)

// nonInferiority asks whether it is shown that the harm is within the limit, at the row's level on one side. It is nil while there is no
// test. Nothing is shown while nothing may be said.
func nonInferiority(cmp *stats.Comparison, d stats.Design) *NonInferiority {
	o := stats.NonInferiority(*cmp, *d.Limit, d.Tuning, d.Boundary.Level(d.Alpha))
	if !o.Z.OK {
		return nil
	}
	n := &NonInferiority{Verdict: notShown, Z: o.Z.Ptr(), P: o.P.Ptr(), PAlways: o.PAlways.Ptr(), Bound: o.Bound.Ptr(), BoundAlways: o.BoundAlways.Ptr()}
	switch cmp.State {
	case stats.Better, stats.Worse, stats.NotClear:
		if o.BoundAlways.OK && o.BoundAlways.V < 0 {
			n.Verdict = shown
		}
	}
	return n
}
