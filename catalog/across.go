package catalog

import "fmt"

// across reads the key by which distinct values are counted over all subjects of an arm, and not by subject.
func (l *loader) across(t *Term, r *reader) {
	if r.enum("across") == "" {
		return
	}
	if t.Agg != CountDistinct {
		l.report.at("E015", r.keys["across"], fmt.Sprintf("across has no meaning for %s", t.Agg), "write agg: COUNT_DISTINCT, or leave it out: sums and counts over an arm are in every result")
		return
	}
	t.Across = true
}

// acrossMetric refuses what a count over an arm can't be combined with.
func (l *loader) acrossMetric(m *Metric, r *reader) {
	if m.Denominator != nil && m.Denominator.Across {
		l.report.at("E033", r.keys["denominator"], "a denominator can't count across subjects", "a count over an arm is no total of a subject: make it the numerator of a metric of its own")
		return
	}
	if !m.Numerator.Across {
		return
	}
	for _, name := range []string{"denominator", "cap", "winsorize"} {
		if r.has(name) && (name != "denominator" || m.Denominator != nil) {
			l.report.at("E033", r.keys[name], fmt.Sprintf("a count across subjects has no %s", name), "leave it out: the metric is of an arm, not of each subject")
		}
	}
}

// acrossLimit refuses a limit on a count over an arm: without an error no limit can be said to be crossed.
func (l *loader) acrossLimit(m *Metric, at *node) {
	if m.Numerator.Across {
		l.report.at("E033", at, fmt.Sprintf("metric %s counts across subjects, which has no sampling error, so no limit of it can be tested", m.ID), "make it a secondary metric, or count distinct values by subject")
	}
}
