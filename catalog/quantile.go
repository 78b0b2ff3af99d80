package catalog

import (
	"fmt"
	"strconv"
)

// shortQuantiles are the aggregates that name their quantile.
var shortQuantiles = map[Agg]float64{"P50": 0.5, "P90": 0.9, "P95": 0.95, "P99": 0.99}

// numeric says that the aggregate takes numbers.
func (t *Term) numeric() bool {
	return t.Agg == Sum || t.Agg == Max || t.Agg == Min || t.Agg == Quantile
}

// quantile resolves which quantile a term is of.
func (l *loader) quantile(t *Term, r *reader) {
	q, given := r.number("quantile")
	short, ok := shortQuantiles[t.Agg]
	switch {
	case ok:
		t.Agg, t.Quantile = Quantile, short
		if given {
			l.report.at("E015", r.keys["quantile"], "agg says already which quantile", "write agg: QUANTILE with it, or leave it out")
		}
	case t.Agg != Quantile:
		if given {
			l.report.at("E015", r.keys["quantile"], fmt.Sprintf("quantile has no meaning for %s", t.Agg), "write agg: QUANTILE, or leave it out")
		}
	case !r.has("quantile"):
		l.report.at("E007", r.value("agg"), "QUANTILE needs a quantile", "such as quantile: 0.95, or write agg: P95")
	case given:
		t.Quantile = q
	}
}

// namedQuantile is the hint for an aggregate that names a quantile which has no short name.
func namedQuantile(text string) (hint string, ok bool) {
	if len(text) < 2 || text[0] != 'P' && text[0] != 'p' {
		return "", false
	}
	p, ok := parseNumber(text[1:])
	if !ok || p <= 0 || p >= 100 {
		return "", false
	}
	share := strconv.FormatFloat(p/100, 'g', 10, 64)
	for agg, q := range shortQuantiles {
		if q == p/100 {
			return fmt.Sprintf("did you mean %q?", agg), true
		}
	}
	return fmt.Sprintf("P50, P90, P95 and P99 are short names; for this one write agg: QUANTILE, quantile: %s", share), true
}

// quantileMetric refuses what a quantile of events can't be combined with.
func (l *loader) quantileMetric(m *Metric, r *reader) {
	if m.Denominator != nil && m.Denominator.Agg == Quantile {
		l.report.at("E033", r.keys["denominator"], "a denominator can't be a quantile", "a quantile is of the events of an arm, not of a subject: make it the numerator of a metric of its own")
		return
	}
	if m.Numerator.Agg != Quantile {
		return
	}
	for _, name := range []string{"denominator", "cap", "winsorize"} {
		if r.has(name) && (name != "denominator" || m.Denominator != nil) {
			l.report.at("E033", r.keys[name], fmt.Sprintf("a quantile of events has no %s", name), "leave it out: a quantile is of the events of an arm, and extremes do not move it")
		}
	}
}
