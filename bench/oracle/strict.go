package oracle

// completeness says for which strict metrics a subject counts: its window must lie before the stop and be over, and so long
// over that neither an event of it nor an earlier exposure can be in time any more. Without a clock, when all inputs have
// ended, it must be over by the time of the latest event that any experiment reads.
func completeness(spec Spec, e Experiment, end newest, subject string) func(m Metric, t0 int64) bool {
	return func(m Metric, t0 int64) bool {
		over := t0 + m.Window
		if e.Stop != 0 && over > e.Stop {
			return false
		}
		if spec.Clock == nil {
			return end.some && over <= end.time
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

// newest is the time of the latest event that any experiment reads.
type newest struct {
	time int64
	some bool
}

func newestOf(spec Spec, subjects map[string][]kept) (n newest) {
	for _, events := range subjects {
		for _, x := range events {
			if isRead(spec, x.Def) && (!n.some || x.Time > n.time) {
				n = newest{x.Time, true}
			}
		}
	}
	return n
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
