package oracle

// completeness says for which strict metrics a subject counts: its window must lie before the stop and be over, and so long
// over that neither an event of it nor an earlier exposure can be in time any more. Without a clock, when all inputs have
// ended, it must be over by the time of the latest event that any experiment reads.
func completeness(spec Spec, e Experiment, subjects map[string][]kept, subject string) func(m Metric, t0 int64) bool {
	latest, some := int64(0), false
	for _, events := range subjects {
		for _, x := range events {
			if isRead(spec, x.Def) && (!some || x.Time > latest) {
				latest, some = x.Time, true
			}
		}
	}
	return func(m Metric, t0 int64) bool {
		over := t0 + m.Window
		if e.Stop != 0 && over > e.Stop {
			return false
		}
		if spec.Clock == nil {
			return some && over <= latest
		}
		wait := e.Lateness
		for _, d := range spec.Events {
			if d.ID == m.Numerator.Event || m.Denominator != nil && d.ID == m.Denominator.Event {
				wait = max(wait, d.Lateness)
			}
		}
		return over+wait <= spec.Clock(subject)
	}
}

// isRead says whether some experiment reads an event as an exposure or for a metric.
func isRead(spec Spec, def string) bool {
	for _, e := range spec.Experiments {
		if e.Exposure == def {
			return true
		}
		for _, m := range e.Metrics {
			if m.Numerator.Event == def || m.Denominator != nil && m.Denominator.Event == def {
				return true
			}
		}
	}
	return false
}
