package results

import (
	"fmt"
	"math/big"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stats/moment"
)

// A winsorized metric needs something of the data before it can be evaluated: the totals at its percentiles. They are frozen
// once and are a fact of the metric, not of a row: a Tuning with Lower and Upper, under the key MetricKey. Until every
// cell is clipped to them the metric's rows are collecting.

// ReasonNotFrozen: the percentiles of a winsorized metric are not frozen yet, or not in all cells: its sums are not clipped.
// The state is collecting.
const ReasonNotFrozen = "clip_not_frozen"

// MetricKey is the key of a metric's own fact among the facts of an experiment.
func MetricKey(metric string) string { return escapeKey(metric) }

// NewFrozen returns the fact that a metric's range is frozen; scale is that of its numerator. set is nil where data is
// analysed by its own percentiles.
func NewFrozen(r catalog.ClipRange, scale int, definition string, set *time.Time) Tuning {
	t := Tuning{Set: set, Definition: definition, own: set == nil}
	if r.Lower > catalog.Unclipped.Lower {
		t.Lower = moment.Int128From(r.Lower).Decimal(scale)
	}
	if r.Upper < catalog.Unclipped.Upper {
		t.Upper = moment.Int128From(r.Upper).Decimal(scale)
	}
	return t
}

// Range returns the frozen range of a metric's fact at the scale of its numerator.
func (t *Tuning) Range(scale int) (catalog.ClipRange, error) {
	r := catalog.Unclipped
	for _, end := range []struct {
		text string
		to   *int64
	}{{t.Lower, &r.Lower}, {t.Upper, &r.Upper}} {
		if end.text == "" {
			continue
		}
		x, ok := new(big.Rat).SetString(end.text)
		if ok {
			x.Mul(x, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		}
		if !ok || !x.IsInt() || !x.Num().IsInt64() {
			return r, fmt.Errorf("results: %q is no decimal number of 64 bits with at most %d decimals", end.text, scale)
		}
		*end.to = x.Num().Int64()
	}
	if t.Lower == "" && t.Upper == "" || r.Lower > r.Upper {
		return r, fmt.Errorf("results: the frozen range from %q to %q is none", t.Lower, t.Upper)
	}
	return r, nil
}

// waits says that the metric can't be evaluated before something of it is frozen.
func (m *metric) waits() bool { return m.Metric.Winsorize != nil || m.Quantile > 0 }

// thaw finds what is frozen, and puts it among the result's facts.
func (e *Evaluator) thaw(in Inputs, r *Result) {
	if e.frozen == nil {
		e.frozen = make([]*Tuning, len(e.metrics))
	}
	for i := range e.metrics {
		m := &e.metrics[i]
		if !m.waits() {
			continue
		}
		var now *Tuning
		if f, ok := in.Facts[MetricKey(m.Metric.ID)]; ok && m.index < len(in.Frozen) && in.Frozen[m.index] && (f.Definition == "" || f.Definition == m.hash) {
			now = &f
			r.Tuning[m.Metric.ID] = f
		}
		if !equalTuning(now, e.frozen[i]) {
			e.frozen[i] = now
			e.thaws++
		}
	}
}

// frozenFacts adds the metrics' own facts to those of the rows.
func (r *Result) frozenFacts(to map[string]Tuning) {
	for i := range r.Rows {
		if t, ok := r.Tuning[r.Rows[i].Metric]; ok && t.Set != nil {
			to[MetricKey(r.Rows[i].Metric)] = t
		}
	}
}
