package results

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
)

// One experiment has one level, fixed before its results are looked at. What definitions say of it may be changed all the same; then the
// error rate is neither the old one nor the new one, and the result says so from then on.

// ReasonLevelChanged: the level, or what divides it, was changed after results had been shown. It concerns the whole result.
const ReasonLevelChanged = "level_changed_after_start"

// Level is what the error rate of an experiment's words rests on, as it was from Set on: a dated fact.
type Level struct {
	// Set is the first result with subjects that was published under it.
	Set        time.Time `json:"set"`
	Alpha      float64   `json:"alpha"`
	Correction string    `json:"correction,omitempty"`
	// Goals and Others are the comparisons that a correction is over: metrics × treatments. 0 without one.
	Goals  int `json:"goals,omitempty"`
	Others int `json:"others,omitempty"`
	// Fixed: the fixed-horizon interval decides.
	Fixed bool `json:"fixed,omitempty"`
	// Subjects, Tau2 and Mixture shape the always-valid interval; Subjects only where Tau2 does not.
	Subjects int64   `json:"subjects,omitempty"`
	Tau2     float64 `json:"tau2,omitempty"`
	Mixture  string  `json:"mixture,omitempty"`
	// FinalLook is the planned end for whose look half of alpha is kept; null without one.
	FinalLook *time.Time `json:"final_look,omitempty"`
	// Start is the experiment's: with another one it is another experiment under the same name.
	Start time.Time `json:"start"`
}

// level is what the definition says now.
func (e *Evaluator) level(at time.Time) Level {
	x := e.x
	l := Level{Set: at, Alpha: x.Alpha, Correction: correctionOf(x.Experiment), Fixed: x.Experiment.Fixed, Subjects: x.Sequential.Subjects, Start: x.Experiment.Start.UTC()}
	if l.Tau2 = x.Sequential.Tau2; l.Tau2 > 0 {
		l.Subjects = 0
	}
	if x.Sequential.Student {
		l.Mixture = "student"
	}
	if x.Sequential.FinalLook && !x.End.IsZero() {
		end := x.End.UTC()
		l.FinalLook = &end
	}
	if l.Correction != "" {
		for i := range e.metrics {
			switch {
			case !e.metrics[i].tested():
			case e.metrics[i].Role == catalog.Goal:
				l.Goals += len(e.treatments)
			default:
				l.Others += len(e.treatments)
			}
		}
	}
	return l
}

// levels brings the levels that were in force before up to the present one, says on the result that there is more than one, and notes a new
// one. A level counts from the first result with subjects in it: nobody can have looked before.
func (e *Evaluator) levels(in Inputs, r *Result) {
	if in.Analyze {
		return
	}
	now := e.level(r.AsOf)
	var all []Level
	for _, l := range in.Levels {
		if l.Start.Equal(now.Start) {
			all = append(all, l)
		}
	}
	if n := len(all); n == 0 || len(all[n-1].differences(now)) > 0 {
		subjects := int64(0)
		for _, n := range r.Subjects {
			subjects += n
		}
		if subjects > 0 || n > 0 {
			all, r.NewLevel = append(all, now), &now
		}
	}
	if len(all) > 1 {
		r.Levels = all
		r.Reasons = append(r.Reasons, ReasonLevelChanged)
	}
}

// differences names what differs between two levels, before → after.
func (l Level) differences(o Level) (texts []string) {
	differ := func(name, a, b string) {
		if a != b {
			texts = append(texts, name+" "+a+" → "+b)
		}
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	or := func(text, none string) string {
		if text == "" {
			return none
		}
		return text
	}
	look := func(at *time.Time) string {
		if at == nil {
			return "none"
		}
		return at.UTC().Format("2006-01-02 15:04 UTC")
	}
	differ("alpha", number(l.Alpha), number(o.Alpha))
	differ("correction", or(CorrectionName(l.Correction), "none"), or(CorrectionName(o.Correction), "none"))
	if l.Correction != "" && o.Correction != "" {
		differ("goals", strconv.Itoa(l.Goals), strconv.Itoa(o.Goals))
		differ("other comparisons", strconv.Itoa(l.Others), strconv.Itoa(o.Others))
	}
	differ("decided by the interval", map[bool]string{true: "for one look", false: "always valid"}[l.Fixed], map[bool]string{true: "for one look", false: "always valid"}[o.Fixed])
	prior := func(l Level) string {
		if l.Tau2 > 0 {
			return "tau2 " + number(l.Tau2)
		}
		return FormatCount(l.Subjects) + " subjects"
	}
	differ("tightest at", prior(l), prior(o))
	differ("mixture", or(l.Mixture, "normal"), or(o.Mixture, "normal"))
	differ("final look", look(l.FinalLook), look(o.FinalLook))
	return texts
}

// LevelChanges say what was changed of the experiment's level after results had been shown, and when: "alpha 0.05 → 0.1 (2026-03-09
// 12:00 UTC)", in the order in which they came; where a clock stepped back that is not the order of the times.
func (r *Result) LevelChanges() (texts []string) {
	for i := 1; i < len(r.Levels); i++ {
		texts = append(texts, fmt.Sprintf("%s (%s)", strings.Join(r.Levels[i-1].differences(r.Levels[i]), ", "), r.Levels[i].Set.UTC().Format("2006-01-02 15:04 UTC")))
	}
	return texts
}
