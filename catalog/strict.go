package catalog

// strict reads the key by which a subject enters a metric once, complete: when its window is over and nothing in time can
// change its total any more. The statistics then see each subject once, as their theory supposes, and not a total that goes
// on growing.
//
// The window must run from t0 on, for it is t0 that says when a subject is complete. A conversion's window runs from each of
// its denominator events, of which there may always be another.
func (l *loader) strict(m *Metric, r *reader) {
	if !r.boolean("strict") {
		return
	}
	n := r.value("strict")
	switch {
	case !r.has("window"):
		l.report.at("E036", n, "strict needs a window", "write window: and how long a subject's events count from its first exposure on, such as 7d")
	case m.Ordered:
		l.report.at("E036", n, "strict needs a window that runs from the first exposure on; here it runs from each denominator event", "write order: any, or leave strict out")
	case len(m.Events()) == 0:
		// W105 has said that the window has no effect.
	default:
		m.Strict = true
	}
}
