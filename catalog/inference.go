package catalog

import "time"

// testing reads how results are tested: none of it changes a sum.
func (l *loader) testing(e *Experiment, r *reader) {
	e.Alpha, e.Sequential.Subjects = DefaultAlpha, DefaultSequentialSubjects
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
		if at.has("correction") {
			e.Correction = at.enum("correction")
			if e.Correction != "none" && e.Correction != "" {
				at.notYet("correction")
			}
		}
	}
	if stats != nil {
		mde, _ := parsed(stats, "mde", "a lift", "such as 1%", parseLimit)
		e.MDE = mde.Value
		if stats.enum("interval") == "fixed" {
			stats.notYet("interval")
		}
	}
	l.sequential(e, r.mapping("sequential"))
	l.cuped(e, r.mapping("cuped"))
}

func (l *loader) sequential(e *Experiment, r *reader) {
	if r == nil {
		return
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
