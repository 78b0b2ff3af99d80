package speed

import (
	"math"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/plot"
)

// recompute is what a batch engine's refreshes cost, CPU seconds by the share of the events that are new; whole is the query
// alone over everything.
type recompute struct {
	engine string
	shares []float64
	cpu    [][]float64
	whole  []float64
}

// recomputes collects the refreshes of batch engines: lines named refresh… that say how many events were new, and those
// named refresh alone.
func (r *Report) recomputes() (out []recompute) {
	for _, name := range engines(r.Samples) {
		at := map[float64][]float64{}
		c := recompute{engine: name}
		for i := range r.Samples {
			s := &r.Samples[i]
			if s.Engine != name || !s.Good() {
				continue
			}
			for _, m := range s.Measurements {
				seconds := float64(m.CPUNS) / 1e9
				if share, ok := newShare(m); ok {
					if at[share] == nil {
						c.shares = append(c.shares, share)
					}
					at[share] = append(at[share], seconds)
				} else if m.Measurement == "refresh" {
					c.whole = append(c.whole, seconds)
				}
			}
		}
		for _, share := range c.shares {
			c.cpu = append(c.cpu, at[share])
		}
		if len(c.shares) > 0 || len(c.whole) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// newShare is the share of the events that were new at a refresh, to five digits; ok is false for a line that says nothing of it.
func newShare(m contract.Report) (share float64, ok bool) {
	fresh, ok := m.Extra["new_events"].(float64)
	if !ok || fresh <= 0 || m.Events <= 0 {
		return 0, false
	}
	return math.Round(fresh/float64(m.Events)*1e5) / 1e5, true
}

// timesStreaming is how many times that much CPU is Tidemark's for a share of the events, in that round; nothing if it has no
// good run there.
func (r *Report) timesStreaming(round int, ns, share float64) []float64 {
	for i := range r.Samples {
		if s := &r.Samples[i]; s.Engine == "tidemark" && s.Round == round && s.Good() && s.CPU > 0 && share > 0 {
			return []float64{ns / (cost(s) * share * float64(r.Scenario.Shape.Events))}
		}
	}
	return nil
}

// streaming is Tidemark's CPU seconds for a share of the events, run by run, at its cost per event over the whole log.
func (r *Report) streaming(share float64) (out []float64) {
	for _, ns := range each(r.Samples, "tidemark", cost) {
		out = append(out, ns/1e9*share*float64(r.Scenario.Shape.Events))
	}
	return out
}

// ratio is the median of a over the median of b.
func ratio(a, b []float64) (float64, bool) {
	x, okX := spread(a)
	y, okY := spread(b)
	return x.Median / y.Median, okX && okY && y.Median > 0
}

// crossing is the share of new events at which a refresh costs what Tidemark takes for them.
func (r *Report) crossing(c recompute) (float64, bool) { return ratio(c.whole, r.streaming(1)) }

func (r *Report) recomputeTable(say func(string, ...any)) {
	list := r.recomputes()
	if len(list) == 0 || len(each(r.Samples, "tidemark", cost)) == 0 {
		return
	}
	say("A batch engine computes everything again at each refresh; Tidemark's CPU is that of the new events alone, at its cost per event over the whole log.")
	say("")
	say("| engine | new events | CPU s per refresh | Tidemark's CPU s | ratio |")
	say("| --- | --- | --- | --- | --- |")
	for _, c := range list {
		for i, share := range c.shares {
			say("| %s | %s %% | %s | %s | %s × |", c.engine, number(100*share), shown(c.cpu[i]), shown(r.streaming(share)), shown(recomputed(c.engine, share)(r)))
		}
	}
	say("")
	for _, c := range list {
		if x, ok := r.crossing(c); ok {
			say("The query of %s alone takes %s CPU s; the curves cross where %s %% of all events are new at each refresh.", c.engine, shown(c.whole), number(100*x))
			say("")
		}
	}
}

// refreshPlot draws the costs of a refresh against the share of new events; nil without a batch engine.
func (r *Report) refreshPlot() []byte {
	list := r.recomputes()
	if len(list) == 0 {
		return nil
	}
	own := plot.Line{Name: "tidemark"}
	for _, share := range []float64{0.0001, 0.001, 0.01, 0.1, 1} {
		own.X = append(own.X, share)
		own.Labels = append(own.Labels, plot.Short(100*share)+" %")
		own.Values = append(own.Values, r.streaming(share))
	}
	lines := []plot.Line{own}
	for _, c := range list {
		// The query alone is what any refresh takes at least; what refreshes took, with the new events read in, are rings.
		l := plot.Line{Name: c.engine, X: []float64{0.0001, 1}, Values: [][]float64{c.whole, c.whole}}
		for i, share := range c.shares {
			if s, ok := spread(c.cpu[i]); ok {
				l.Rings = append(l.Rings, plot.Ring{X: share, Y: s.Median})
			}
		}
		if x, ok := r.crossing(c); ok && x < 1 {
			l.Name += " (" + percent(x) + ")"
		}
		lines = append(lines, l)
	}
	return plot.LogLog("CPU seconds of one refresh", "batch engines query everything again, Tidemark takes in what is new\nrings: with reading the new events in; brackets: where the curves cross", "share of all events that are new", lines)
}
