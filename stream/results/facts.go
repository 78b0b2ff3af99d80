package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/sql"
)

// Facts that are given to an analysis: what was tuned, frozen or looked at elsewhere. They are what a result publishes, under the names
// that it publishes them by. One that has no effect would let the numbers be others than was meant, so it is an error.

// ParseFacts reads facts by experiment: from a result as JSON, from a list of results, or from an object whose names are those of
// experiments and whose values are like Result.Tuning (docs/robust-metrics.md has an example).
func ParseFacts(text []byte) (map[string]map[string]Tuning, error) {
	const want = "want what analyze or results print with -o json, or an object of experiments with a result's tuning each"
	facts := map[string]map[string]Tuning{}
	var list []json.RawMessage
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '[' {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, fmt.Errorf("%s: %w", want, err)
		}
		if !isResult(members) {
			return facts, eachFact(members, facts)
		}
		list = []json.RawMessage{text}
	} else if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", want, err)
	}
	for _, one := range list {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(one, &members); err != nil || !isResult(members) {
			return nil, fmt.Errorf("%s: the list has something that is no result", want)
		}
		r := new(Result)
		if err := json.Unmarshal(one, r); err != nil {
			return nil, fmt.Errorf("%s: %w", want, err)
		}
		if _, twice := facts[r.Experiment]; twice {
			return nil, fmt.Errorf("there are two results of %s: leave one", r.Experiment)
		}
		facts[r.Experiment] = r.published()
	}
	return facts, nil
}

// isResult tells a result from an object of experiments, whose values are all objects.
func isResult(members map[string]json.RawMessage) bool {
	var id string
	return json.Unmarshal(members["experiment"], &id) == nil
}

// eachFact reads the facts of an object of experiments, one by one so that an error can say which.
func eachFact(experiments map[string]json.RawMessage, to map[string]map[string]Tuning) error {
	for id, text := range experiments {
		var named map[string]json.RawMessage
		if err := json.Unmarshal(text, &named); err != nil {
			return fmt.Errorf("%s: want an object like a result's tuning: %w", id, err)
		}
		to[id] = map[string]Tuning{}
		for name, text := range named {
			var t Tuning
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&t); err != nil {
				return fmt.Errorf("%s: %s: %w", id, name, err)
			}
			to[id][name] = t
		}
	}
	return nil
}

// published are the facts of a result, by the names of Result.Tuning, and of slices by Row.Key. Rows know the definition of facts that
// have none because they are of final data.
func (r *Result) published() map[string]Tuning {
	facts := maps.Clone(r.Tuning)
	if facts == nil {
		facts = map[string]Tuning{}
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Tuning == nil {
			continue
		}
		name, t := row.Key(), *row.Tuning
		if len(row.Slice) == 0 {
			name = row.Metric + "/" + row.Variant
		}
		if t.Definition == "" {
			t.Definition = row.Definition
		}
		facts[name] = t
	}
	for name, t := range facts {
		if t.V == 0 && t.Final == nil && t.Tau2 != 0 {
			delete(facts, name) // the definition's own, which is no fact
		}
	}
	return facts
}

// ResolveFacts returns facts by Row.Key and MetricKey, as Inputs.Facts has them, from facts by those or by the names of Result.Tuning.
// What would not be used is an error that says why.
func ResolveFacts(plans []*catalog.Plan, given map[string]map[string]Tuning) (map[string]map[string]Tuning, error) {
	var ids []string
	experiments := map[string]*Evaluator{}
	for _, plan := range plans {
		for i := range plan.Experiments {
			ids = append(ids, plan.Experiments[i].ID)
			if _, asked := given[plan.Experiments[i].ID]; asked {
				experiments[plan.Experiments[i].ID] = NewEvaluator(plan, i)
			}
		}
	}
	all := make(map[string]map[string]Tuning, len(given))
	for _, id := range slices.Sorted(maps.Keys(given)) {
		e := experiments[id]
		if e == nil {
			return nil, fmt.Errorf("there is no experiment %q%s", id, nearestOf(id, ids))
		}
		all[id] = make(map[string]Tuning, len(given[id]))
		for _, name := range slices.Sorted(maps.Keys(given[id])) {
			fact := given[id][name]
			key, err := e.resolve(name, &fact)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", id, name, err)
			}
			if _, twice := all[id][key]; twice {
				return nil, fmt.Errorf("%s: %s is there under two names", id, name)
			}
			all[id][key] = fact
		}
	}
	return all, nil
}

// resolve returns the key of a fact of the name given, or why it would not be used.
func (e *Evaluator) resolve(name string, fact *Tuning) (key string, err error) {
	var names []string
	for i := range e.metrics {
		m := &e.metrics[i]
		id := m.Metric.ID
		if m.waits() {
			names = append(names, id)
			if name == id || name == MetricKey(id) {
				return MetricKey(id), m.usableRange(e.plan, fact)
			}
		} else if name == id {
			return "", fmt.Errorf("a fact under a metric's name alone is a frozen range, and this metric has none: the tuning of a row is under %s/VARIANT", id)
		}
		for _, v := range e.treatments {
			variant := e.x.Variants[v].ID
			names = append(names, id+"/"+variant)
			whole := rowKey(id, nil, variant)
			if name == id+"/"+variant || name == whole {
				return whole, m.usableTuning(fact, true)
			}
			if slice, ok := strings.CutPrefix(name, escapeKey(id)+"/"); ok {
				if slice, ok = strings.CutSuffix(slice, "/"+escapeKey(variant)); ok && slice != WholeKey && e.sliced(slice) {
					return name, m.usableTuning(fact, false)
				}
			}
		}
	}
	return "", fmt.Errorf("the experiment has no such row or metric%s", nearestOf(name, names))
}

// sliced says whether a SliceKey is of the experiment's dimensions, in their order.
func (e *Evaluator) sliced(key string) bool {
	before := ""
	for part := range strings.SplitSeq(key, ",") {
		dimension, _, ok := strings.Cut(part, "=")
		if !ok || dimension <= before || !slices.ContainsFunc(e.x.Dimensions, func(d catalog.PlanDimension) bool { return escapeKey(d.Name) == dimension }) {
			return false
		}
		before = dimension
	}
	return true
}

// ofDefinition says why a fact of another definition does not count.
func (m *metric) ofDefinition(fact *Tuning) error {
	if fact.Definition == "" || fact.Definition == m.hash {
		return nil
	}
	return fmt.Errorf("it is of another definition of %s (%s; now %s), so it says nothing of this one: take the definitions that it was set with, or leave it out",
		m.Metric.ID, fact.Definition, m.hash)
}

// usableTuning says why a row's fact would not be used.
func (m *metric) usableTuning(fact *Tuning, whole bool) error {
	if err := m.ofDefinition(fact); err != nil {
		return err
	}
	switch {
	case !m.tested():
		return errors.New("a count over an arm has no test that could be tuned")
	case fact.Lower != "" || fact.Upper != "":
		return fmt.Errorf("a frozen range is of the metric: it is under %s", m.Metric.ID)
	case fact.V == 0 && fact.Tau2 == 0 && fact.Final == nil:
		return errors.New("it says nothing: want v, or the final look")
	case fact.V < 0 || fact.VCUPED < 0 || fact.Tau2 < 0 || math.IsNaN(fact.V+fact.VCUPED+fact.Tau2):
		return errors.New("v, v_cuped and tau2 are above 0")
	case m.tau2 && (fact.V != 0 || fact.Tau2 != 0 && fact.Tau2 != m.design.Tuning.Tau2):
		return fmt.Errorf("the definition says sequential: {tau2: %v}, beside which no other tuning is used", m.design.Tuning.Tau2)
	case fact.Final != nil && !(m.final && whole):
		return errors.New("it has a final look, and the row has none by its definition (final_look, on the whole, not for guardrails)")
	}
	return nil
}

// usableRange says why a metric's frozen range would not be used.
func (m *metric) usableRange(plan *catalog.Plan, fact *Tuning) error {
	if err := m.ofDefinition(fact); err != nil {
		return err
	}
	if fact.V != 0 || fact.VCUPED != 0 || fact.Tau2 != 0 || fact.Final != nil {
		return fmt.Errorf("the tuning of a row is under %s/VARIANT; want lower and upper", m.Metric.ID)
	}
	lower, upper := false, true
	if w := m.Metric.Winsorize; w != nil {
		lower, upper = w.Lower != nil, w.Upper != nil
	}
	if (fact.Lower != "") != lower || (fact.Upper != "") != upper {
		ends := []string{}
		if lower {
			ends = append(ends, "lower")
		}
		if upper {
			ends = append(ends, "upper")
		}
		return fmt.Errorf("want %s, and nothing else, as the metric is defined", strings.Join(ends, " and "))
	}
	scale := 0
	if m.Numerator >= 0 {
		scale = plan.Measures[m.Numerator].Scale
	}
	_, err := fact.Range(scale)
	return err
}

// nearestOf names what is closest to a name that is not there.
func nearestOf(name string, known []string) string {
	best, least := "", 0
	for _, k := range known {
		if d := sql.EditDistance([]rune(name), []rune(k)); best == "" || d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; the nearest is %q", best)
}
