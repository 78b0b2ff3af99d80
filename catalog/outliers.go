package catalog

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
)

// What keeps extreme subjects from deciding a metric: a range that the subject's total is clipped to. It applies to the
// numerator's total only, also of a ratio, and to its total over the pre-period alike. So there is one population that it
// is over, all exposed subjects: clipping numerators and denominators each by a threshold of its own, of different
// subjects, biases a ratio.

// Bounds is a closed range in the unit of a value; a nil end is open.
type Bounds struct{ Lower, Upper *float64 }

// Winsorize are the percentiles of all variants' subjects together at which totals are clipped, in (0, 1); nil: open.
type Winsorize struct {
	Bounds
	// NonZero takes the percentiles over subjects whose total is not 0.
	NonZero bool
	// After is how long after the experiment's start the percentiles are frozen at the earliest.
	After time.Duration
}

// ClipRange is a Bounds in fixed point. Open ends are those of int64.
type ClipRange struct{ Lower, Upper int64 }

// Unclipped is the range of all values.
var Unclipped = ClipRange{math.MinInt64, math.MaxInt64}

// at returns the bounds at a decimal scale, rounded half away from zero; false if one does not fit int64.
func (b Bounds) at(scale int) (r ClipRange, ok bool) {
	r = Unclipped
	ok = fixed(b.Lower, scale, &r.Lower)
	return r, fixed(b.Upper, scale, &r.Upper) && ok
}

// fixed writes the decimal that v prints as, at a scale, to to; nothing for nil.
func fixed(v *float64, scale int, to *int64) bool {
	if v == nil {
		return true
	}
	x, ok := new(big.Rat).SetString(strconv.FormatFloat(*v, 'g', -1, 64))
	if !ok {
		return false
	}
	x.Mul(x, power(scale))
	negative := x.Sign() < 0
	x.Abs(x).Add(x, big.NewRat(1, 2))
	n := new(big.Int).Quo(x.Num(), x.Denom())
	if negative {
		n.Neg(n)
	}
	if !n.IsInt64() {
		return false
	}
	*to = n.Int64()
	return true
}

// power is 10^scale.
func power(scale int) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
}

// scale is the decimal scale of what the term adds up.
func (t *Term) scale() int {
	if t.Event != nil && t.numeric() {
		if i := t.Event.Column(t.Value); i >= 0 {
			return scale(t.Event.Query.Columns[i].Type)
		}
	}
	return 0
}

// outliers reads what clips extreme subjects.
func (l *loader) outliers(m *Metric, r *reader) {
	m.Cap = l.cap(m, r)
	if w := r.mapping("winsorize"); w != nil {
		m.Winsorize = l.winsorize(m, w)
		if r.has("cap") && m.Numerator.Agg != Quantile && !m.Numerator.Across {
			l.report.at("W116", r.keys["winsorize"], "cap clips the same totals", "the narrower of the two ranges holds on each side; leave one out unless both are meant")
		}
	}
}

// cap reads the most that a subject counts for, or a range.
func (l *loader) cap(m *Metric, r *reader) (b Bounds) {
	n := r.value("cap")
	if n == nil {
		return b
	}
	upper, at := "cap", r
	if n.kind == mappingNode {
		upper, at = "upper", r.mapping("cap")
		if !at.has("upper") && !at.has("lower") {
			l.report.at("E015", at.node, "cap needs upper, lower or both", "such as {upper: 100, lower: 0}")
			return b
		}
		b.Lower = l.bound(m, at, "lower")
	}
	b.Upper = l.bound(m, at, upper)
	switch {
	case b.Upper != nil && b.Lower != nil && *b.Lower >= *b.Upper:
		l.report.at("E017", at.value("lower"), "lower must be below upper", "the least that one subject counts for")
	}
	return b
}

// bound reads one end of a cap. It must fit the scale of the values, for a total is never rounded.
func (l *loader) bound(m *Metric, r *reader, name string) *float64 {
	v, ok := r.number(name)
	if !ok {
		return nil
	}
	if m.Numerator.triggered() {
		return &v
	}
	scale := m.Numerator.scale()
	exact, _ := new(big.Rat).SetString(strconv.FormatFloat(v, 'g', -1, 64))
	var fits int64
	if exact.Mul(exact, power(scale)); !exact.IsInt() {
		l.report.at("E017", r.value(name), fmt.Sprintf("%s has more than the %d decimals of the metric's values", name, scale), "round it")
	} else if !fixed(&v, scale, &fits) {
		l.report.at("E017", r.value(name), fmt.Sprintf("%s does not fit 64 bits with %d decimals", name, scale), "leave it out: no total gets there")
	}
	return &v
}

// winsorize reads the percentiles.
func (l *loader) winsorize(m *Metric, r *reader) *Winsorize {
	w := &Winsorize{NonZero: r.enum("zeros") == "exclude", After: r.positive("after")}
	w.Upper, w.Lower = l.percentile(r, "upper"), l.percentile(r, "lower")
	switch {
	case !r.has("upper") && !r.has("lower"):
		l.report.at("E015", r.node, "winsorize needs upper, lower or both", "such as {upper: 0.999}")
	case w.Upper != nil && w.Lower != nil && *w.Lower >= *w.Upper:
		l.report.at("E017", r.value("lower"), "lower must be below upper", "such as {lower: 0.01, upper: 0.99}")
	}
	if w.After == 0 {
		// Totals grow for as long as a metric's window; a percentile of the first minute is not that of the experiment.
		if w.After = m.Window; w.After == 0 {
			w.After = 24 * time.Hour
		}
	}
	return w
}

func (l *loader) percentile(r *reader, name string) *float64 {
	v, ok := r.number(name)
	if !ok {
		return nil
	}
	return &v
}
