package notify

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Transition is what a notification announces.
type Transition string

const (
	Firing   Transition = "firing"
	Resolved Transition = "resolved"
)

// Kind is the condition of the rule.
type Kind string

const (
	Guardrail Kind = "guardrail" // a guardrail is crossed or near its limit
	Metric    Kind = "metric"    // a metric is better or worse by the always-valid result
	SRM       Kind = "srm"       // the split of subjects is not the planned one
	Stale     Kind = "stale"     // the data stopped moving
)

// Notification is one message about one change of an alert's state: the facts, already formatted. Everything in it
// is fixed when the state changes, so that every attempt sends the same bytes.
type Notification struct {
	// ID names this message for ever: the same in every attempt and after every restart.
	ID string
	// Key names the episode: firing and resolved share it. PagerDuty's dedup_key.
	Key        string
	Transition Transition
	// Reason says why: the condition's word when firing ("crossed"); "cleared", "rule_updated", … when resolved.
	Reason   string
	Rule     string // id of the catalog's alert
	Kind     Kind
	Severity string // critical error warning info
	Episode  int64
	// Summary is one line that carries the facts: the rule's own text, or the default for its kind.
	Summary string

	Experiment, ExperimentName, Owner string
	Definition                        string // the experiment's definition hash
	Metric, MetricName, Role          string
	Variant, Control                  string
	State                             string // better, worse, crossed, near, failed, stale …
	Up                                bool   // the treatment's value is above the control's (movement, not goodness)

	// Values in words of the one formatter; "" where there is none.
	Lift, Limit, Interval      string // "+6.2%", "+5%", "+5.1 … +7.3"
	ControlValue, VariantValue string
	P                          string
	Level                      string // "95%"
	Subjects                   string // all variants
	ControlSubjects            string
	VariantSubjects            string
	SRMState, SRMP             string
	WorstSlice                 string // "platform=Android +11.4%"
	Caution                    string // "p 0.031 after Holm · check: slices differ": what to know with the row's state
	Lag                        string // how old the data was
	Behind                     bool   // so old that the message is about the past: a backlog is being read

	// Raw numbers beside the texts, for machines.
	LiftValue, LimitValue *float64
	IntervalValue         *[2]float64
	PValue                *float64
	PAdjustedValue        *float64 // after the experiment's correction
	Correction            string
	Warnings              []string // codes of the row's warnings
	SubjectCounts         map[string]int64
	SubjectTexts          map[string]string // the same in words

	Since     time.Time  // when the condition began to hold
	At        time.Time  // as of: the instant of the result that changed the state
	Watermark *time.Time // of that result
	Location  *time.Location

	Link, Runbook string
}

// Clock formats t as people of the experiment read it: "14:31 KST", with the date when it is not the day of n.At.
func (n *Notification) Clock(t time.Time) string {
	loc := n.Location
	if loc == nil {
		loc = time.UTC
	}
	t = t.In(loc)
	if y, m, d := n.At.In(loc).Date(); y != t.Year() || m != t.Month() || d != t.Day() {
		return t.Format("2 Jan 15:04 MST")
	}
	return t.Format("15:04 MST")
}

// Name of the metric as people call it.
func (n *Notification) Name() string {
	if n.MetricName != "" {
		return n.MetricName
	}
	return n.Metric
}

// Truncate cuts s to at most limit runes, the last of them "…", as receivers count characters, not bytes.
func Truncate(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:limit-1]), " ") + "…"
}
