package results

import (
	"slices"

	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stats/moment"
)

// row evaluates one row. fact is what was set before; nil if nothing was.
func (e *Evaluator) row(s *evaluated, m int, mask uint, v int, key string, fact *Tuning, in Inputs, r *Result) *Row {
	mt, x := &e.metrics[m], e.x
	if mt.Across {
		return e.acrossRow(s, m, mask, v, key, in)
	}
	t, c := s.arms[v].Metric(mt.index), s.arms[e.control].Metric(mt.index)
	d := mt.design
	if mask == 0 {
		d.Boundary.Alpha, d.Boundary.FinalLook = mt.share, mt.final
	}
	var events *quantiles
	if mt.Quantile > 0 {
		events = mt.quantiles(s.arms[v], s.arms[e.control])
	}
	var tuning *Tuning
	waiting := mt.waits() && e.frozen[m] == nil
	if waiting && events != nil {
		events.forget()
	}
	if waiting {
		// Sums that will be others tune nothing, and decide nothing.
		d.Tuning, d.CUPEDTuning, d.Boundary.FinalLook, fact = stats.Tuning{}, stats.Tuning{}, false, nil
	} else {
		tuning = e.tuning(mt, t, c, events, &d, fact, in.Analyze, r.AsOf)
	}
	var cmp stats.Comparison
	if events != nil {
		cmp = stats.CompareEstimates(events.treatment, events.control, d)
	} else {
		cmp = stats.Compare(t, c, d)
	}
	sequential := cmp.Difference.Always.P.Ptr()
	if d.Boundary.FinalLook {
		tuning = mt.finalLook(&cmp, d, tuning, s.ctx.due, in.Analyze, r.AsOf)
	}
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
		look:       e.look, e: cmp.Difference.Always.LogE,
		State: string(cmp.State), Reasons: []string{}, Tuning: tuning, key: key,
		Format: mt.format, Direction: string(mt.Metric.Direction), Clip: mt.clip(e.frozen[m]), Quantile: mt.Quantile,
	}
	for _, reason := range cmp.Reasons {
		row.Reasons = append(row.Reasons, string(reason))
	}
	if cmp.CUPED != nil {
		l := &cmp.CUPED.Lift
		row.CUPED = &CUPED{Theta: cmp.CUPED.Theta.Ptr(), Difference: difference(cmp.CUPED.Difference)}
		if l.Method != "" {
			row.CUPED.Lift = &Lift{Value: l.Value.Ptr(), Interval: l.Interval.Ptr(), IntervalAlways: l.IntervalAlways.Ptr(), Method: string(l.Method)}
		}
		for _, reason := range cmp.CUPED.Reasons {
			row.Reasons = append(row.Reasons, string(reason))
		}
	}
	if mt.Limit != nil {
		row.Guardrail = &Guardrail{Limit: mt.Limit.Value, Unit: "absolute", State: string(cmp.Guardrail)}
		if mt.Limit.Relative {
			row.Guardrail.Unit = "relative"
		}
		row.Guardrail.NonInferiority = nonInferiority(&cmp, d)
	}
	if mask == 0 {
		row.Power = powerOf(&cmp, d, x.MDE)
	}
	mt.decide(row, &cmp, d, x.Fixed)
	row.fact = fact
	if tuning.dated() {
		f := tuning.asFact()
		row.fact = &f
	}
	if tuning != nil && tuning.own {
		row.Reasons = append(row.Reasons, ReasonOwnTuning)
	}
	if events != nil {
		events.say(row, waiting)
	} else if waiting {
		row.Reasons = append(row.Reasons, ReasonNotFrozen)
	}
	if f := e.frozen[m]; f != nil && f.own {
		row.Reasons = append(row.Reasons, ReasonOwnTuning)
	}
	if mask&e.event != 0 {
		row.Reasons = append(row.Reasons, ReasonConditioned)
	}
	mt.openWindows(row, s.arms[v], s.arms[e.control])
	distrust(row, s.ctx, in)
	slices.Sort(row.Reasons)
	row.Reasons = slices.Compact(row.Reasons)
	row.word, row.seq, row.looked = row.State, sequential, slices.Contains(row.Reasons, ReasonFinalLook)
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
		if row.Guardrail != nil && row.Guardrail.NonInferiority != nil {
			row.Guardrail.NonInferiority.Verdict = notShown // harm that may be there is shown, its absence is not
		}
	case stats.NoData, stats.Collecting:
		if ctx.cardinality {
			row.State = string(stats.Unreliable)
		}
	}
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
		Value: t.Value.Ptr(), SE: t.SE.Ptr(), SEAlways: t.SEAlways.Ptr(), Z: t.Z.Ptr(), P: t.P.Ptr(), Interval: t.Interval.Ptr(),
		PAlways: t.Always.P.Ptr(), IntervalAlways: t.Always.Interval.Ptr(),
	}
}
