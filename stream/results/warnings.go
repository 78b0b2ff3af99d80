package results

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stats"
)

// What an analyst should look at before believing a row of the whole. Each check is made at every look, so each is always-valid, and its
// level is divided by how many checks of its kind the experiment has: an experiment in which nothing is wrong gets a warning of
// a kind with at most the kind's probability, however long it is looked at.

const (
	// oddLevel is for heterogeneity and mix shifts: a false one costs an analyst a look at the slices.
	oddLevel = 0.01
	// faultLevel is for a difference before the exposure and for the split in slices, which say that the experiment is broken; it is that of
	// the sample ratio check.
	faultLevel = 0.001
	// maxSRMSlices is how many failed splits are listed.
	maxSRMSlices = 10
)

// findings are what warn last found about a row, apart from what it was told.
type findings struct {
	known      bool
	warnings   []Warning
	stratified *Difference
}

// warn gives the rows of the whole their warnings and post-stratified differences, and the result its failed splits.
func (e *Evaluator) warn(whole *evaluated, cells *cube.Cells, in Inputs, r *Result) {
	dimensions := map[int]*strata{}
	subject := e.subjectMask()
	for mask := subject; mask != 0; mask &= mask - 1 {
		d := bits.TrailingZeros(mask)
		if g := e.stratify(1<<d, cells); g != nil {
			dimensions[d] = g
		}
	}
	var leaves *strata
	if bits.OnesCount(subject) == 1 {
		leaves = dimensions[bits.TrailingZeros(subject)]
	} else {
		leaves = e.stratify(subject, cells)
	}
	r.SRM.Slices = e.splits(dimensions)
	if e.warned == nil {
		e.warned = make([][]findings, len(e.metrics))
		for m := range e.warned {
			e.warned[m] = make([]findings, len(e.treatments))
		}
	}
	for m := range e.metrics {
		changed := leaves != nil && leaves.changed[m]
		for _, g := range dimensions {
			changed = changed || g.changed[m]
		}
		for i := range e.treatments {
			at, f := &whole.rows[m][i], &e.warned[m][i]
			if changed || !f.known || (*at).look == e.look {
				*f = e.find(whole, m, i, dimensions, leaves)
			}
			warnings := f.warnings
			if told := in.Warnings[(*at).key]; len(told) > 0 {
				warnings = slices.Concat(warnings, told)
			}
			if row := *at; !slices.EqualFunc(row.Warnings, warnings, equalWarning) || !equalPointerFunc(row.Stratified, f.stratified, equalDifference) {
				row = e.amend(at)
				row.Warnings, row.Stratified = warnings, f.stratified
			}
		}
	}
}

// find makes the checks of one row. They begin with the row's tuning, on whose information they are indexed.
func (e *Evaluator) find(whole *evaluated, m, i int, dimensions map[int]*strata, leaves *strata) findings {
	mt, v, row := &e.metrics[m], e.treatments[i], whole.rows[m][i]
	f := findings{known: true}
	if mt.Quantile > 0 {
		return f // its sums are counts of events up to a cut, which say little of the quantile
	}
	if row.Tuning == nil || row.Difference.SE == nil || *row.Difference.SE == 0 {
		return f
	}
	tuning := stats.Tuning{V: row.Tuning.V, Tau2: row.Tuning.Tau2}
	t, c := whole.arms[v].Metric(mt.index), whole.arms[e.control].Metric(mt.index)
	se := row.Difference.SE
	if row.Difference.SEAlways != nil {
		se = row.Difference.SEAlways
	}
	progress := tuning.Progress(t.N, c.N, *se, e.x.Alpha)
	rows := len(e.metrics) * len(e.treatments)
	// check returns p after the number of checks, and whether that is at most the level.
	check := func(q float64, df int, level float64, checks int) (p float64, odd bool) {
		n := stats.AlwaysChiSquared(q, df, progress, level/float64(checks))
		p = math.Min(1, n.V*float64(checks))
		return p, n.OK && p <= level
	}
	kinds := bits.OnesCount(e.subjectMask())
	for d := range e.x.Dimensions {
		g := dimensions[d]
		if g == nil || mt.Dimensions&(1<<d) == 0 {
			continue
		}
		h := stats.CochranQ(e.speaking(g, m, v))
		if p, odd := check(h.Q.V, h.DF, oddLevel, kinds*rows); h.Q.OK && odd {
			name := e.x.Dimensions[d].Name
			f.warnings = append(f.warnings, Warning{Code: "heterogeneity", Dimension: name, P: &p,
				Text: fmt.Sprintf("the effect is not the same for every %s (p %s): look at its slices", name, FormatP(&p, oddLevel))})
		}
	}
	if leaves != nil && mt.Denominator < 0 {
		e.mix(&f, row, tuning, e.complete(leaves, m, v), func(z float64) (float64, bool) { return check(z*z, 1, oddLevel, rows) })
	}
	if e.x.PrePeriod > 0 {
		before := stats.PreExposure(t, c, mt.scale, mt.Denominator < 0, e.x.Alpha)
		if p, odd := check(before.Z.V*before.Z.V, 1, faultLevel, rows); before.Z.OK && odd {
			f.warnings = append(f.warnings, Warning{Code: "pre_exposure_bias", P: &p,
				Text: fmt.Sprintf("the arms differed before they were exposed (p %s): the assignment or the measurement is at fault", FormatP(&p, faultLevel))})
		}
	}
	lift := stats.Lift{}
	if row.Lift.Value != nil && row.Lift.IntervalAlways != nil {
		lift.Value, lift.Interval = stats.Known(*row.Lift.Value), stats.Between(row.Lift.IntervalAlways[0], row.Lift.IntervalAlways[1])
	}
	if stats.Suspicious(lift) {
		f.warnings = append(f.warnings, Warning{Code: "suspicious_lift",
			Text: fmt.Sprintf("a lift of %s is more often a fault of measurement than an effect: see that nothing is counted twice, or not at all, in one arm", FormatLift(row.Lift.Value, nil).Value)})
	}
	return f
}

// mix adds the post-stratified difference, and the warning where the pooled one is another because the arms are made up differently.
//
// Its always-valid interval has the row's own v*: that is a fact, while one of its own would have to be set at another time, or follow
// the data. Its variance is smaller, so that it is tightest a little later than planned, where the boundary is nearly flat.
func (e *Evaluator) mix(f *findings, row *Row, tuning stats.Tuning, list []stats.Stratum, check func(z float64) (float64, bool)) {
	if list == nil {
		return
	}
	shift := stats.MixShift(list, e.x.Alpha)
	if !shift.Stratified.SE.OK {
		return
	}
	b := stats.Boundary{Alpha: row.Alpha, Student: e.x.Sequential.Student, FinalLook: row.AlphaAlways > 0}
	t, c := row.ByVariant[row.Variant].N, row.ByVariant[row.Control].N
	test := shift.Stratified
	test.Always = b.Test(tuning, test, t, c, e.x.Alpha)
	d := difference(test)
	f.stratified = &d
	if p, odd := check(shift.Shift.Z.V); shift.Shift.Z.OK && odd {
		f.warnings = append(f.warnings, Warning{Code: "mix_shift", P: &p,
			Text: fmt.Sprintf("the arms are made up of different parts of the dimensions (p %s): of the difference of %s, %s remains when each part counts alike", FormatP(&p, oddLevel),
				FormatDifference(row.Format, row.Difference.Value, nil).Value, FormatDifference(row.Format, d.Value, nil).Value)})
	}
}

// splits tests the split in every value of every subject dimension, and returns the worst of those that failed.
func (e *Evaluator) splits(dimensions map[int]*strata) []SRMSlice {
	values := 0
	for _, g := range dimensions {
		values += len(g.list)
	}
	opt := stats.SRMOptions{Alpha: faultLevel / float64(max(1, values))}
	var failed []SRMSlice
	for d := range e.x.Dimensions {
		if dimensions[d] == nil {
			continue
		}
		for _, s := range dimensions[d].list {
			if s.tested != opt.Alpha {
				s.ratio = e.testSplit(s.epochs, opt)
				s.tested = opt.Alpha
			}
			if s.ratio.State != stats.SRMFailed {
				continue
			}
			one := SRMSlice{Dimension: e.x.Dimensions[d].Name, Value: s.values[0], Subjects: map[string]int64{}, PSequential: s.ratio.PSequential.Ptr()}
			for v := range e.x.Variants {
				for k := range s.epochs {
					one.Subjects[e.x.Variants[v].ID] += s.epochs[k][v]
				}
			}
			failed = append(failed, one)
		}
	}
	slices.SortStableFunc(failed, func(a, b SRMSlice) int { return cmp.Compare(*a.PSequential, *b.PSequential) })
	return failed[:min(len(failed), maxSRMSlices)]
}

func equalWarning(a, b Warning) bool {
	return a.Code == b.Code && a.Dimension == b.Dimension && a.Text == b.Text && equalFloat(a.P, b.P)
}
