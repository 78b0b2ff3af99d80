package catalog

import (
	"fmt"
	"time"
)

// testing reads how results are tested: none of it changes a sum.
func (l *loader) testing(e *Experiment, r *reader) {
	e.Alpha, e.Sequential.Subjects, e.Correction = DefaultAlpha, DefaultSequentialSubjects, NoCorrection
	stats := r.mapping("stats")
	for _, at := range []*reader{stats, r} {
		if at == nil {
			continue
		}
		alpha, ok := at.number("alpha")
		c := at.enum("correction")
		// The definition's own words go before the defaults'.
		if ok && l.decides(r, stats, at, "alpha") {
			e.Alpha = alpha
		}
		if c != "" && l.decides(r, stats, at, "correction") {
			e.Correction = Correction(c)
		}
	}
	if stats != nil {
		mde, _ := stats.lift("mde", "a lift", "such as 1%")
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

// decides says whether a key that may stand in the experiment or below stats is read where it stands at. Written in both by one hand one
// of them would silently lose; a default yields to what the definition says itself.
func (l *loader) decides(r, stats, at *reader, key string) bool {
	if stats == nil || !stats.has(key) || !r.has(key) {
		return true
	}
	if r.filled[key] != r.filled["stats"] {
		return r.filled["stats"] == (at == r)
	}
	if at == stats {
		l.report.at("E005", stats.keys[key], fmt.Sprintf("%s and stats.%s are the same setting", key, key), fmt.Sprintf("the other is at line %d; keep one", r.keys[key].pos.Line))
	}
	return at == r
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
		}
	case "tau2":
		if v, ok := r.number("tau2"); ok {
			e.Sequential.Tau2 = v
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
	at := r.value("correction")
	if stats != nil && (at == nil || at.text != string(e.Correction)) {
		if below := stats.value("correction"); below != nil {
			at = below
		}
	}
	if e.Correction == BH && !e.Fixed {
		l.report.at("W118", at, "Benjamini–Hochberg holds at one planned look, and here the always-valid interval is looked at again and again", "ebh or holm hold there; or plan one look: stats: {interval: fixed}")
	}
	if e.Correction != EBH || !e.Fixed && !e.Sequential.FinalLook {
		return
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
	v, _ := r.lift("min_deviation", "a share", "such as 0.5%")
	e.SRMDeviation = v.Value
}
