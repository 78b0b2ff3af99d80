package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert/notify"
	"github.com/tidemark/tidemark/stats"
	"github.com/tidemark/tidemark/stream/results"
)

// rule is an alert of the catalog, compiled.
type rule struct {
	*catalog.Alert
	kind      notify.Kind
	direction string // the condition's word: part of every id
	version   string // hash of what the rule means
	text      *summary
}

func newRule(a *catalog.Alert) (*rule, error) {
	r := &rule{Alert: a}
	switch w := a.When; {
	case w.Guardrail != "":
		r.kind, r.direction = notify.Guardrail, w.Guardrail
	case w.Metric != "" && (w.State == string(stats.Crossed) || w.State == string(stats.Near)):
		r.kind, r.direction = notify.Guardrail, w.State // of one metric
	case w.Metric != "":
		r.kind, r.direction = notify.Metric, w.State
	case w.SRM != "":
		r.kind, r.direction = notify.SRM, w.SRM
	case w.Stale > 0:
		r.kind, r.direction = notify.Stale, "stale"
	default:
		return nil, fmt.Errorf("alert: rule %s has no condition", a.ID)
	}
	r.version = r.hash()
	var err error
	if r.text, err = parseSummary(a.Summary); err != nil {
		return nil, fmt.Errorf("alert: rule %s: summary: %w", a.ID, err)
	}
	return r, nil
}

// hash is over what the rule means and whom it tells. Its text, owner and description are free to change under a
// running episode. The list of experiments is not in it: each experiment is in or out on its own.
func (r *rule) hash() string {
	receivers := slices.Clone(r.Receivers)
	slices.Sort(receivers)
	text, _ := json.Marshal(struct { // cannot fail: strings and numbers
		When      catalog.Condition
		For       time.Duration
		Min       int64
		Severity  catalog.Severity
		Receivers []string
	}{r.When, r.For, r.MinSubjects, r.Severity, receivers})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// covers says whether the rule applies to the experiment.
func (r *rule) covers(experiment string) bool {
	return r.All || slices.Contains(r.Experiments, experiment)
}

// onRows says that the rule looks at rows. Those are the alerts that a broken split makes meaningless.
func (r *rule) onRows() bool { return r.kind == notify.Guardrail || r.kind == notify.Metric }

// observation is what one result says about one alert.
type observation struct {
	key   Key
	truth truth
	row   *results.Row // nil for conditions on the whole experiment
}

// observe lists what the result says about each row the rule looks at. Stale rules are the clock's (stale.go).
func (r *rule) observe(res *results.Result) []observation {
	switch r.kind {
	case notify.SRM:
		return []observation{{key: Key{Rule: r.ID, Experiment: res.Experiment}, truth: srmFailed(res)}}
	case notify.Stale:
		return nil
	}
	var list []observation
	for i := range res.Rows {
		row := &res.Rows[i]
		if !whole(row) || !r.matches(row) {
			continue
		}
		k := Key{Rule: r.ID, Experiment: res.Experiment, Metric: row.Metric, Variant: row.Variant}
		if slices.ContainsFunc(list, func(o observation) bool { return o.key == k }) {
			continue // a metric in two roles has two rows with the same numbers
		}
		list = append(list, observation{key: k, truth: r.holds(row, res.Alpha), row: row})
	}
	return list
}

// whole says that the row is about everybody. Slices never alert: with ten slices a false alarm would be ten times as
// likely, and a row conditioned on an event compares subjects that the treatment itself selected.
func whole(row *results.Row) bool {
	return len(row.Slice) == 0 && !slices.Contains(row.Reasons, results.ReasonConditioned)
}

func (r *rule) matches(row *results.Row) bool {
	if r.When.Metric != "" && row.Metric != r.When.Metric {
		return false
	}
	return r.kind == notify.Metric || row.Guardrail != nil
}

// holds decides the condition for a row. Only the engine's own words count, so that an alert never says anything that
// the page does not.
//
// A broken split makes every row unreliable. The machines go on under it, on the words that the row would have, as
// muted alerts do: nobody is told of what begins then.
//
// A word that the fixed-horizon interval decides holds for one look, and a rule looks at every result: it is never true of
// such a row. Its guardrail's word is always-valid all the same.
func (r *rule) holds(row *results.Row, alpha float64) truth {
	state := row.State
	if state == string(stats.Unreliable) && slices.Contains(row.Reasons, results.ReasonSRM) {
		if i, ok := interval(row.Difference.IntervalAlways); ok {
			if t := row.Tuning; slices.Contains(row.Reasons, results.ReasonFinalLook) && t != nil && t.Final != nil && t.Final.Value != nil {
				i = stats.Between(*t.Final.Value, *t.Final.Value) // what the final look found stands
			}
			state = string(stats.Judge(i, stats.Direction(row.Direction)))
			if row.PAdjusted != nil && *row.PAdjusted > alpha && !undecided(state) {
				state = string(stats.NotClear) // as the correction for many comparisons has it
			}
		}
	}
	if r.kind == notify.Metric && undecided(r.direction) {
		return is(row.State == r.direction) // the rule is about rows that say nothing
	}
	if r.kind == notify.Metric && slices.Contains(row.Reasons, results.ReasonFixedHorizon) {
		return no
	}
	if undecided(state) {
		return unknown
	}
	if r.kind == notify.Guardrail {
		switch word := row.Guardrail.State; word {
		case string(stats.Crossed):
			return yes // also for near: what is beyond the limit has not moved away from it
		case string(stats.Near):
			return is(r.direction == word)
		case string(stats.Within):
			return no
		}
		return unknown
	}
	return is(state == r.direction)
}

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

// undecided are the state words that say nothing about the effect.
func undecided(state string) bool {
	switch stats.State(state) {
	case stats.Better, stats.Worse, stats.NotClear:
		return false
	}
	return true
}

func srmFailed(res *results.Result) truth {
	switch res.SRM.State {
	case string(stats.SRMFailed):
		return yes
	case string(stats.SRMOK):
		return no
	}
	return unknown
}
