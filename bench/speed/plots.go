package speed

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark/tidemark/bench/plot"
)

// plots draws what the report has, by file name.
func (r *Report) plots() map[string][]byte {
	out := map[string][]byte{}
	if len(r.Samples) > 0 {
		rows := func(figure func(*Sample) float64) (rows []plot.Row) {
			for _, name := range engines(r.Samples) {
				rows = append(rows, plot.Row{Name: name, Ours: strings.HasPrefix(name, "tidemark"), Values: each(r.Samples, name, figure)})
			}
			return rows
		}
		out["events.svg"] = plot.Strip("Events per second, "+r.Scenario.Name, "broker on the same cores; each dot a run, the line their median", rows(rate))
		out["cost.svg"] = plot.Strip("CPU per event, "+r.Scenario.Name, "nanoseconds of the engine's processes; each dot a run, the line their median", rows(cost))
	}
	if svg := r.refreshPlot(); svg != nil {
		out["recompute.svg"] = svg
	}
	var lines []plot.Line
	for _, p := range r.Growth {
		if n := len(lines); n == 0 || lines[n-1].Name != p.Axis {
			lines = append(lines, plot.Line{Name: p.Axis})
		}
		if p.LeftOut != "" {
			continue
		}
		l := &lines[len(lines)-1]
		l.X, l.Labels, l.Values = append(l.X, p.X), append(l.Labels, p.Label), append(l.Values, each(p.Samples, "tidemark", loadedCost))
	}
	for i, l := range lines {
		if len(slices.Concat(l.Values...)) == 0 {
			continue // nothing was measured
		}
		name := l.Name
		l.Name = ""
		out[fmt.Sprintf("growth-%d.svg", i+1)] = plot.Lines("Cost by "+name, "CPU nanoseconds per event; points are medians, bars the range of the runs", name, []plot.Line{l})
	}
	if len(r.Freshness) > 0 {
		of := [3]plot.Line{{Name: "p50"}, {Name: "p99"}, {Name: "p99.9"}}
		for _, f := range r.Freshness {
			for i, v := range []float64{f.P50, f.P99, f.P999} {
				of[i].X = append(of[i].X, f.Rate)
				of[i].Labels = append(of[i].Labels, plot.Short(f.Rate))
				of[i].Values = append(of[i].Values, []float64{v})
			}
		}
		out["freshness.svg"] = plot.Lines("From append to the live result", "milliseconds", "events per second", of[:])
	}
	return out
}
