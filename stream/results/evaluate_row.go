package results

import (
	"slices"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// row evaluates one row.
func (e *Evaluator) row(s *evaluated, m int, mask uint, v int, key string, fact Tuning, hasFact bool, in Inputs, r *Result) *Row {
	mt, x := &e.metrics[m], e.x
	t, c := s.arms[v].Metric(mt.index), s.arms[e.control].Metric(mt.index)
	d := mt.design
	var tuning *Tuning
	switch {
	case mt.tau2:
		tuning = &Tuning{Tau2: d.Tuning.Tau2}
	case hasFact:
		tuning = &fact
		d.Tuning, d.CUPEDTuning = stats.Tuning{V: fact.V, Tau2: fact.Tau2}, stats.Tuning{V: fact.VCUPED, Tau2: fact.Tau2}
	default:
		if tuning = e.tune(t, c, d); tuning != nil {
			d.Tuning, d.CUPEDTuning = stats.Tuning{V: tuning.V}, stats.Tuning{V: tuning.VCUPED}
			if !in.Analyze {
				at := r.AsOf
				tuning.Set, tuning.Definition = &at, mt.hash
			}
		}
	}
	cmp := stats.Compare(t, c, d)
	row := &Row{
		Metric: mt.Metric.ID, Definition: mt.hash, Role: string(mt.Role), Slice: s.label,
		Variant: x.Variants[v].ID, Control: x.Variants[e.control].ID,
		ByVariant: map[string]Arm{
			x.Variants[e.control].ID: withEstimate(*s.inArm[m][e.control], cmp.Control),
			x.Variants[v].ID:         withEstimate(*s.inArm[m][v], cmp.Treatment),
		},
		Difference: difference(cmp.Difference),
		Welch:      Welch{T: cmp.Welch.T.Ptr(), DF: cmp.Welch.DF.Ptr(), P: cmp.Welch.P.Ptr(), Interval: cmp.Welch.Interval.Ptr()},
		Lift:       Lift{Value: cmp.Lift.Value.Ptr(), Interval: cmp.Lift.Interval.Ptr(), IntervalAlways: cmp.Lift.IntervalAlways.Ptr(), Method: string(cmp.Lift.Method)},
		State:      string(cmp.State), Reasons: []string{}, Tuning: tuning, key: key,
		Format: mt.format, Direction: string(mt.Metric.Direction), Clip: mt.clip(),
	}
	for _, reason := range cmp.Reasons {
		row.Reasons = append(row.Reasons, string(reason))
	}
	if cmp.CUPED != nil {
		row.CUPED = &CUPED{Theta: cmp.CUPED.Theta.Ptr(), Difference: difference(cmp.CUPED.Difference)}
		for _, reason := range cmp.CUPED.Reasons {
			row.Reasons = append(row.Reasons, string(reason))
		}
	}
	if mt.Limit != nil {
		row.Guardrail = &Guardrail{Limit: mt.Limit.Value, Unit: "absolute", State: string(cmp.Guardrail)}
		if mt.Limit.Relative {
			row.Guardrail.Unit = "relative"
		}
	}
	if tuning != nil && in.Analyze && tuning.Set == nil && tuning.Tau2 == 0 {
		row.Reasons = append(row.Reasons, ReasonOwnTuning)
	}
	if mask&e.event != 0 {
		row.Reasons = append(row.Reasons, ReasonConditioned)
	}
	distrust(row, s.ctx, in)
	slices.Sort(row.Reasons)
	row.Reasons = slices.Compact(row.Reasons)
	return row
}

// distrust makes the row's state unreliable for what its own sums do not show.
func distrust(row *Row, ctx setting, in Inputs) {
	reasons := slices.Clone(in.Unreliable)
	if ctx.srmFailed {
		reasons = append(reasons, ReasonSRM)
	}
	if ctx.cardinality {
		reasons = append(reasons, ReasonCardinality)
	}
	if len(reasons) == 0 {
		return
	}
	row.Reasons = append(row.Reasons, reasons...)
	switch stats.State(row.State) {
	case stats.Better, stats.Worse, stats.NotClear:
		row.State = string(stats.Unreliable)
	case stats.NoData, stats.Collecting:
		if ctx.cardinality {
			row.State = string(stats.Unreliable)
		}
	}
}

// tune returns the tuning that the row's own data gives, nil while the silence rule does not hold.
func (e *Evaluator) tune(t, c *moment.Sums, d stats.Design) *Tuning {
	subjects := e.x.Sequential.Subjects
	v, ok := stats.Tune(t, c, d.Scale, subjects)
	if !ok {
		return nil
	}
	tuning := &Tuning{V: v}
	if d.CUPED {
		if se := stats.CUPED(t, c, d).Difference.SE; se.OK && se.V > 0 {
			tuning.VCUPED = stats.Intrinsic(t.N, c.N, se.V) * (float64(subjects) / float64(t.N+c.N))
		}
	}
	return tuning
}

// arm writes the exact sums of one arm.
func arm(s *moment.Sums, sc moment.Scale, pre bool) *Arm {
	a := &Arm{
		N: s.N, NonZero: s.NonZero, SumNum: s.Num.Decimal(sc.Num), SumDen: s.Den.Decimal(sc.Den), SumNum2: s.Num2.Decimal(2 * sc.Num),
		SumDen2: s.Den2.Decimal(2 * sc.Den), SumNumDen: s.NumDen.Decimal(sc.Num + sc.Den),
		Approximate: s.Approximate, Overflowed: s.Overflowed,
	}
	if !pre {
		return a
	}
	b := &s.Before
	a.SumPre, a.SumPre2 = b.Pre.Decimal(sc.Num), b.Pre2.Decimal(2*sc.Num)
	a.SumNumPre, a.SumDenPre = b.NumPre.Decimal(2*sc.Num), b.DenPre.Decimal(sc.Num+sc.Den)
	if !s.IsMean() {
		a.SumPreDen, a.SumPreDen2 = b.PreDen.Decimal(sc.Den), b.PreDen2.Decimal(2*sc.Den)
		a.SumPrePreDen, a.SumNumPreDen, a.SumDenPreDen = b.PrePreDen.Decimal(sc.Num+sc.Den), b.NumPreDen.Decimal(sc.Num+sc.Den), b.DenPreDen.Decimal(2*sc.Den)
	}
	return a
}

func withEstimate(a Arm, e stats.Estimate) Arm {
	a.Value, a.SE = e.Value.Ptr(), e.SE.Ptr()
	return a
}

func difference(t stats.Test) Difference {
	return Difference{
		Value: t.Value.Ptr(), SE: t.SE.Ptr(), Z: t.Z.Ptr(), P: t.P.Ptr(), Interval: t.Interval.Ptr(),
		PAlways: t.Always.P.Ptr(), IntervalAlways: t.Always.Interval.Ptr(),
	}
}
