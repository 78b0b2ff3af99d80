package catalog

import "time"

// testing reads how results are tested: none of it changes a sum.
func (l *loader) testing(e *Experiment, r *reader) {
	e.Alpha, e.Sequential.Subjects, e.Correction = DefaultAlpha, DefaultSequentialSubjects, NoCorrection
	stats := r.mapping("stats")
	for _, at := range []*reader{stats, r} {
		if at == nil {
			continue
		}
		if alpha, ok := at.number("alpha"); ok {
			e.Alpha = alpha
			// The always-valid interval divides by −2 ln α + ln(1 − 2 ln α), which is positive below 1; a level of a
			// half or more is a slip anyway.
			if alpha <= 0 || alpha >= 0.5 {
				l.report.at("E017", at.value("alpha"), "alpha must lie between 0 and 0.5", "such as 0.05")
			}
		}
		if c := at.enum("correction"); c != "" {
			e.Correction = Correction(c)
		}
	}
	if stats != nil {
		mde, _ := parsed(stats, "mde", "a lift", "such as 1%", parseLimit)
		e.MDE = mde.Value
		e.Fixed = stats.enum("interval") == "fixed"
		e.Lift = LiftMethod(stats.enum("lift"))
	}
	sequential := r.mapping("sequential")
	l.sequential(e, sequential)
	l.cuped(e, r.mapping("cuped"))
	l.ratio(e, r.mapping("srm"))
	l.consistent(e, r, stats, sequential)
}

func (l *loader) sequential(e *Experiment, r *reader) {
	if r == nil {
		return
	}
	e.Sequential.Student = r.enum("mixture") == "student"
	e.Sequential.FinalLook = r.has("final_look") && r.boolean("final_look")
	if !r.has("subjects") && !r.has("tau2") && (r.has("mixture") || r.has("final_look")) {
		return // the default size
	}
	switch r.exactlyOne("subjects", "tau2") {
	case "subjects":
		if v, ok := r.integer("subjects"); ok {
			e.Sequential.Subjects = v
			if v < 1 {
				l.report.at("E017", r.value("subjects"), "subjects must be at least 1", "the size over both arms at which the interval is tightest, such as 10000")
			}
		}
	case "tau2":
		if v, ok := r.number("tau2"); ok {
			e.Sequential.Tau2 = v
			if v <= 0 {
				l.report.at("E017", r.value("tau2"), "tau2 must be above 0", "the variance of the prior on the absolute difference")
			}
		}
	}
}

// consistent checks what the keys of testing say together.
func (l *loader) consistent(e *Experiment, r, stats, sequential *reader) {
	if e.Sequential.FinalLook {
		at := sequential.value("final_look")
		switch {
		case e.End.IsZero():
			l.report.at("E049", at, "a final look needs the planned end that it is at", "write end:, which must not depend on the results")
		case e.Fixed:
			l.report.at("E049", at, "a final look is the always-valid test's, and here the fixed-horizon interval decides", "leave out one of the two")
		}
	}
	if e.Correction != EBH || !e.Fixed && !e.Sequential.FinalLook {
		return
	}
	at := r.value("correction")
	if at == nil || at.text != string(EBH) {
		at = stats.value("correction")
	}
	what := map[bool]string{true: "a fixed-horizon interval", false: "a final look"}[e.Fixed]
	l.report.at("E049", at, "e-BH needs e-values, which "+what+" does not have", "holm and bh go with both")
}

func (l *loader) cuped(e *Experiment, r *reader) {
	if r == nil || !r.has("pre_period") {
		return
	}
	d, ok := r.duration("pre_period")
	e.PrePeriod = d
	if ok && (d <= 0 || d%(24*time.Hour) != 0 || d > 1000*24*time.Hour) {
		l.report.at("E017", r.value("pre_period"), "pre_period must be whole days, from 1d to 1000d", "totals are kept by day, so that t0's day is their end")
	}
}

// ratio reads the sample ratio check's own key.
func (l *loader) ratio(e *Experiment, r *reader) {
	if r == nil {
		return
	}
	v, ok := parsed(r, "min_deviation", "a share", "such as 0.5%", parseLimit)
	if ok && (v.Value < 0 || v.Value >= 1) {
		l.report.at("E017", r.value("min_deviation"), "min_deviation must be at least 0 and below 100%", "a deviation of an arm's subjects from the plan, such as 0.5%")
		return
	}
	e.SRMDeviation = v.Value
}
