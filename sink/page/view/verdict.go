package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream/results"
)

// Verdict is the sentence at the top of an experiment, made by a rule and never by a person: what to do, why, and the
// counts behind it. It reads the state words only, which rest on the always-valid intervals, so it may be read at any
// time.
type Verdict struct {
	State string // as a state word, for shape and colour
	Lead  string // what to do
	Text  string // why
	// The reasons, folded below the sentence.
	Goals, Guardrails, Warnings, SRM, Data, Rule string
}

// ruleWords are the rules as people read them.
var ruleWords = map[string]string{
	"no_result":             "there is no result",
	"before_start":          "the start is still to come",
	"no_subjects":           "nobody is exposed",
	"any_row_failed":        "a row cannot be computed",
	"srm_failed":            "the split is not as planned",
	"any_guardrail_crossed": "a guardrail is crossed, whatever the goals say",
	"any_row_unreliable":    "a row is unreliable",
	"all_goals_better_and_no_guardrail_near_or_crossed": "all goals of a treatment are better, and no guardrail is near its limit or beyond",
	"goal_worse":        "a goal is worse and none is better",
	"some_goals_better": "a goal is better, but not all are, or a guardrail is near its limit",
	"collecting":        "no goal has subjects enough",
	"no_goal_clear":     "no goal is clear",
}

// RuleText is the rule in words.
func (v Verdict) RuleText() string { return ruleWords[v.Rule] }

// tally counts the whole's rows.
type tally struct {
	goals, better, worse, collecting, noData, unreliable, failed int
	rails, crossed, near                                         int
	goalRows, betterRows, worseRows, crossedRows, nearRows       []*results.Row
	warnedRows, harmedRows                                       []*results.Row // harmed: guardrails that are worse, within their limits
	shown                                                        int            // guardrails shown to be within their limits
}

func count(r *results.Result) tally {
	var t tally
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) > 0 {
			continue
		}
		if len(row.Warnings) > 0 {
			t.warnedRows = append(t.warnedRows, row)
		}
		switch row.State {
		case "failed":
			t.failed++
		case "unreliable":
			t.unreliable++
		}
		if row.Role == string(catalog.Goal) {
			t.goals++
			t.goalRows = append(t.goalRows, row)
			switch row.State {
			case "better":
				t.better++
				t.betterRows = append(t.betterRows, row)
			case "worse":
				t.worse++
				t.worseRows = append(t.worseRows, row)
			case "collecting":
				t.collecting++
			case "no_data":
				t.noData++
			}
		}
		if g := row.Guardrail; g != nil {
			t.rails++
			switch g.State {
			case "crossed":
				t.crossed++
				t.crossedRows = append(t.crossedRows, row)
			case "within":
				if row.State == "worse" {
					t.harmedRows = append(t.harmedRows, row)
				}
			case "near":
				t.near++
				t.nearRows = append(t.nearRows, row)
			}
			if g.NonInferiority != nil && g.NonInferiority.Verdict == "shown" && g.State != "crossed" {
				t.shown++
			}
		}
	}
	return t
}

func judge(x *catalog.Experiment, r *results.Result, p *Page) Verdict {
	v := Verdict{State: "no_data", Goals: "no result yet", Guardrails: "no result yet", Warnings: "no result yet", SRM: p.SRM.Word, Data: p.Fresh.Word, Rule: "no_result"}
	if r == nil {
		if p.Life == "draft" {
			v.Lead, v.Text, v.Rule = "Not started.", "It starts on "+Clock(x.Start)+". Exposures before that do not count.", "before_start"
			return v
		}
		v.Lead, v.Text = "No result yet.", "The engine publishes one as soon as it has read its inputs; the data health page shows how far it is."
		return v
	}
	t := count(r)
	v.Goals = strconv.Itoa(t.better) + " of " + strconv.Itoa(t.goals) + " better, " + strconv.Itoa(t.worse) + " worse"
	v.Guardrails = strconv.Itoa(t.rails-t.crossed-t.near) + " of " + strconv.Itoa(t.rails) + " within, " + strconv.Itoa(t.near) + " near, " + strconv.Itoa(t.crossed) + " crossed"
	if t.shown > 0 {
		v.Guardrails += "; " + strconv.Itoa(t.shown) + " shown to be within"
	}
	if t.rails == 0 {
		v.Guardrails = "none declared"
	}
	if r.SRM.P != nil && r.SRM.State != "collecting" {
		v.SRM += "; χ² at one look p " + results.FormatP(r.SRM.P, r.Alpha)
	}
	v.Warnings = "none"
	if len(t.warnedRows) > 0 {
		v.Warnings = warned(x, t.warnedRows, len(t.warnedRows))
	}
	over := r.State == "ended" || r.State == "stopped" || p.Fresh.State == "complete"
	say := func(state, lead, text, rule string) Verdict {
		v.State, v.Lead, v.Text, v.Rule = state, lead, text, rule
		return v
	}
	switch {
	case Subjects(r) == 0:
		return say("no_data", "No exposures yet.", unexposed(x, r), "no_subjects")
	case t.failed > 0:
		return say("failed", "Some results cannot be computed.", "Their rows say why; do not decide before they are repaired.", "any_row_failed")
	case r.SRM.State == "failed":
		return say("unreliable", "Do not decide on these numbers.", "Subjects are not split as planned, so every difference is suspect.", "srm_failed")
	case t.crossed > 0:
		return say("worse", "Stop or roll back"+who(x, t.crossedRows)+".", list(x, r, t.crossedRows, "crossed"), "any_guardrail_crossed")
	case t.unreliable > 0:
		return say("unreliable", "Wait before deciding.", "The data is incomplete; the rows say why.", "any_row_unreliable")
	}
	best := winners(x, r, t)
	near := ""
	if t.near > 0 {
		near = " " + strconv.Itoa(t.near) + " of " + strconv.Itoa(t.rails) + " guardrails near " + plural(t.near, "its limit", "their limits") + "."
	}
	if len(t.harmedRows) > 0 {
		near += " " + plural(len(t.harmedRows), "Guardrail ", "Guardrails: ") + list(x, r, t.harmedRows, "worse, within its limit")
	}
	switch {
	case len(best) > 0 && t.near == 0:
		return say("better", "Ready to decide.", list(x, r, best, "better")+near+checkFirst(x, best), "all_goals_better_and_no_guardrail_near_or_crossed")
	case t.worse > 0 && t.better == 0:
		return say("worse", ifelse(over, "Do not ship"+who(x, t.worseRows)+".", "Consider stopping"+who(x, t.worseRows)+"."), list(x, r, t.worseRows, "worse")+near+checkFirst(x, t.worseRows), "goal_worse")
	case t.better > 0:
		return say("better", ifelse(over, "Look closer.", "Keep running."), strings.TrimSpace(list(x, r, t.betterRows, "better")+" "+list(x, r, t.worseRows, "worse"))+near+checkFirst(x, append(slices.Clone(t.betterRows), t.worseRows...)), "some_goals_better")
	case t.collecting+t.noData == t.goals:
		return say("collecting", "Too early to say.", "Fewer subjects than a result needs; it is given as soon as there are enough.", "collecting")
	}
	return say("not_clear", ifelse(over, "No clear effect.", "Keep running."), ifelse(over, "", "No goal is clear yet. ")+list(x, r, t.goalRows, "")+near, "no_goal_clear")
}

// winners are the goals' rows of the treatments whose goals are all better.
func winners(x *catalog.Experiment, r *results.Result, t tally) []*results.Row {
	var rows []*results.Row
	for _, v := range x.Variants {
		var mine []*results.Row
		all := true
		for _, row := range t.goalRows {
			if row.Variant == v.ID {
				mine = append(mine, row)
				all = all && row.State == "better"
			}
		}
		if all {
			rows = append(rows, mine...)
		}
	}
	return rows
}

// list is the rows in a sentence, three at most: "CTR better: +2.3% (95% always-valid +0.4 … +4.2)."
func list(x *catalog.Experiment, r *results.Result, rows []*results.Row, word string) string {
	const most = 3
	var parts []string
	for i, row := range rows {
		if i == most {
			parts = append(parts, strconv.Itoa(len(rows)-most)+" more")
			break
		}
		texts := r.Texts(row)
		part := metricName(x, row.Metric)
		if len(x.Variants) > 2 {
			part = quoted(row.Variant) + ": " + part
		}
		if word != "" {
			part += " " + word
		}
		if word == "crossed" {
			part += " its limit " + texts.Limit
		}
		part += ": " + texts.Effect.Value
		if texts.Effect.Interval != "" {
			part += " (" + texts.Level + " always-valid " + texts.Effect.Interval + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// checkFirst is the sentence about the warnings of the rows that a verdict rests on.
func checkFirst(x *catalog.Experiment, rows []*results.Row) string {
	var with []*results.Row
	for _, row := range rows {
		if len(row.Warnings) > 0 {
			with = append(with, row)
		}
	}
	if len(with) == 0 {
		return ""
	}
	return " Check first: " + warned(x, with, 3) + "."
}

// warned lists rows with the names of their warnings, most of them.
func warned(x *catalog.Experiment, rows []*results.Row, most int) string {
	var parts []string
	for i, row := range rows {
		if i == most {
			parts = append(parts, strconv.Itoa(len(rows)-most)+" more")
			break
		}
		name := metricName(x, row.Metric)
		if len(x.Variants) > 2 {
			name = quoted(row.Variant) + ": " + name
		}
		parts = append(parts, name+" ("+marks(row)+")")
	}
	return strings.Join(parts, "; ")
}

// who names the treatments of rows where there is more than one treatment.
func who(x *catalog.Experiment, rows []*results.Row) string {
	if len(x.Variants) <= 2 {
		return ""
	}
	var names []string
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.Variant] {
			seen[r.Variant] = true
			names = append(names, quoted(r.Variant))
		}
	}
	return " " + strings.Join(names, " and ")
}

// unexposed says why there may be no subjects, from the ledger of the exposure event.
func unexposed(x *catalog.Experiment, r *results.Result) string {
	if x.Exposure.Event == nil {
		return "No subject has been exposed."
	}
	id := x.Exposure.Event.ID
	l := r.Ledger.Events[id]
	switch {
	case l.Evaluated == 0:
		return "No record of event " + id + " has been read since the start. Check that the exposures are produced, and to the topic of its source."
	case l.Accepted == 0:
		return results.FormatCount(l.Evaluated) + " records of event " + id + " were read and none was accepted: " + results.FormatCount(l.Filtered) + " filtered, " +
			results.FormatCount(l.Rejected) + " rejected, " + results.FormatCount(l.Late) + " late. The data health page has the reasons."
	}
	text := results.FormatCount(l.Accepted) + " exposures were accepted and none is valid here: the variant is not one of the declared, or the time is outside of start and stop."
	for _, reason := range []string{"unknown_variant", "before_start", "after_stop", "late_exposure", "crossover"} {
		if n := l.Reasons[reason]; n > 0 {
			text += " " + sentence(results.FormatCount(n)+" × "+strings.ReplaceAll(reason, "_", " "))
		}
	}
	return text
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func ifelse(c bool, a, b string) string {
	if c {
		return a
	}
	return b
}
