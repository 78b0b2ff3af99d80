package alert

import (
	"maps"
	"math"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stream/results"
)

// scene is what a notification can draw on when a state changes. All but at may be missing: a rule that was removed
// has no result, an experiment that was removed no definition.
type scene struct {
	at         time.Time // of the change: the result's as_of, or the clock's for stale rules
	experiment *catalog.Experiment
	result     *results.Result
	row        *results.Row
	lag        time.Duration // age of the data by the clock; negative: not known
	link       string
}

// behindAfter is the age of data from which a message calls it behind.
const behindAfter = 10 * time.Minute

// notification collects the facts of a transition of in. Its summary is the one that the episode fired with: the
// rule's text speaks of a limit being crossed, which would be false of the numbers with which it ends.
func (in *instance) notification(t notify.Transition, s scene) *notify.Notification {
	n := &notify.Notification{
		ID:         MessageID(in.Key, in.Direction, in.Episode, t),
		Key:        EpisodeID(in.Key, in.Direction, in.Episode),
		Transition: t, Reason: string(in.Reason), Rule: in.Rule, Kind: in.Kind, Severity: in.Severity,
		Episode: in.Episode, Summary: in.Summary, Runbook: in.Runbook,
		Experiment: in.Experiment, Metric: in.Metric, Variant: in.Variant, State: in.Direction, Limit: in.Limit,
		At: s.at, Since: s.at, Link: s.link,
	}
	if in.Since != nil {
		n.Since = *in.Since
	}
	s.facts(n)
	return n
}

// facts adds to n what the scene knows.
func (s scene) facts(n *notify.Notification) {
	if s.lag >= 0 {
		n.Lag, n.Behind = ageText(s.lag), s.lag > behindAfter
	}
	if e := s.experiment; e != nil {
		n.ExperimentName, n.Owner, n.Control, n.Location = e.Name, e.Owner, e.Control, e.Start.Location()
		if use := metricUse(e, n.Metric, n.Kind); use != nil {
			n.MetricName, n.Role = use.Metric.Name, string(use.Role)
			if n.Runbook == "" {
				n.Runbook = use.Metric.Runbook
			}
		}
	}
	if r := s.result; r != nil {
		n.Definition, n.Watermark = r.Definition, finite(r.Watermark)
		n.Subjects, n.SubjectCounts = results.FormatCount(total(r)), maps.Clone(r.Subjects)
		n.SubjectTexts = make(map[string]string, len(r.Subjects))
		for id, count := range r.Subjects {
			n.SubjectTexts[id] = results.FormatCount(count)
		}
		n.SRMState, n.SRMP = r.SRM.State, srmText(r.SRM.PSequential)
	}
	if s.row != nil {
		s.addRow(n)
	}
}

func (s scene) addRow(n *notify.Notification) {
	row, alpha := s.row, 0.0
	if s.result != nil {
		alpha = row.Level(s.result.Alpha)
		n.Level = levelText(row.IntervalAlpha(s.result.Alpha))
		n.Caution = row.Caution(s.result.Correction, s.result.Alpha)
		if n.PAdjustedValue = row.PAdjusted; n.PAdjustedValue != nil {
			n.Correction = s.result.Correction
		}
	}
	for _, w := range row.Warnings {
		n.Warnings = append(n.Warnings, w.Code)
	}
	t := row.Texts(alpha)
	n.Control = row.Control
	n.Lift, n.Interval, n.P = t.Effect.Value, t.Effect.Interval, t.P
	n.LiftValue, n.IntervalValue, n.PValue = row.Lift.Value, row.Lift.IntervalAlways, row.Difference.PAlways
	n.Up = row.Difference.Value != nil && *row.Difference.Value > 0
	n.ControlValue, n.VariantValue = t.Control, t.Treatment
	n.ControlSubjects, n.VariantSubjects = t.ControlN, t.TreatmentN
	if s.result != nil {
		n.WorstSlice = worstSlice(s.result, row, harm(row, s.metric(n)))
	}
	if g := row.Guardrail; g != nil && n.Kind == notify.Guardrail {
		limit := g.Limit
		n.LimitValue, n.Limit = &limit, t.Limit
	}
}

// value is the one number in words that an alert is about, and its limit if it has one.
func (s scene) value(kind notify.Kind) (value, limit string) {
	switch {
	case kind == notify.Stale:
		if s.lag >= 0 {
			value = ageText(s.lag)
		}
	case kind == notify.SRM && s.result != nil:
		value = srmText(s.result.SRM.PSequential)
	case s.row != nil:
		t := s.row.Texts(s.row.Level(s.result.Alpha))
		value = t.Effect.Value
		if kind == notify.Guardrail {
			limit = t.Limit
		}
	}
	return value, limit
}

// metric is the definition behind the notification's row; nil if there is none.
func (s scene) metric(n *notify.Notification) *catalog.Metric {
	if use := metricUse(s.experiment, n.Metric, n.Kind); use != nil {
		return use.Metric
	}
	return nil
}

// metricUse finds the metric in the experiment; in the guardrails first when the rule is about guardrails.
func metricUse(e *catalog.Experiment, metric string, kind notify.Kind) *catalog.MetricUse {
	if e == nil || metric == "" {
		return nil
	}
	var found *catalog.MetricUse
	for i := range e.Metrics {
		use := &e.Metrics[i]
		if use.Metric == nil || use.Metric.ID != metric {
			continue
		}
		if found == nil || kind == notify.Guardrail && use.Role == catalog.Guardrail {
			found = use
		}
	}
	return found
}

// harm is the direction in which the row does harm: +1 up, −1 down, 0 neither.
func harm(row *results.Row, metric *catalog.Metric) float64 {
	if row.Guardrail != nil && row.Guardrail.Limit != 0 {
		return math.Copysign(1, row.Guardrail.Limit)
	}
	if metric == nil {
		return 0
	}
	switch metric.Direction {
	case catalog.Up:
		return -1
	case catalog.Down:
		return 1
	}
	return 0
}

// worstSlice names the slice of one dimension in which the metric does most harm, if that is more than in the whole:
// a place to start looking, not a finding.
func worstSlice(r *results.Result, row *results.Row, harm float64) string {
	if harm == 0 || row.Lift.Value == nil || harm*(*row.Lift.Value) <= 0 {
		return ""
	}
	worst, at := (*results.Row)(nil), harm*(*row.Lift.Value)
	for i := range r.Rows {
		c := &r.Rows[i]
		if c.Metric != row.Metric || c.Variant != row.Variant || len(c.Slice) != 1 || c.Lift.Value == nil || undecided(c.State) {
			continue
		}
		if h := harm * (*c.Lift.Value); h > at {
			worst, at = c, h
		}
	}
	if worst == nil {
		return ""
	}
	return results.SliceText(worst.Slice) + " " + worst.Texts(worst.Level(r.Alpha)).Effect.Value
}

// total counts the subjects of all variants.
func total(r *results.Result) int64 {
	var n int64
	for _, c := range r.Subjects {
		n += c
	}
	return n
}
