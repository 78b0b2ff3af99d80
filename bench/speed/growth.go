package speed

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// growth runs the throughput of every point of every axis. A point that fails is noted and the next one is measured.
func (h *harness) growth(ctx context.Context, s Scenario) error {
	for _, axis := range s.Axes {
		if !strings.Contains(axis.Name, h.Axis) {
			continue
		}
		for _, p := range axis.Points {
			at := s
			at.Flags = slices.Clone(s.Flags)
			p.Change(&at)
			at.Name = fmt.Sprintf("%s, %s %s", s.Name, axis.Name, p.Label)
			h.Say("%s = %s", axis.Name, p.Label)
			h.report.Growth = append(h.report.Growth, GrowthPoint{Axis: axis.Name, X: p.X, Label: p.Label})
			if h.MostRecords > 0 && at.Shape.Events > h.MostRecords {
				h.report.Growth[len(h.report.Growth)-1].LeftOut = fmt.Sprintf("left out: a log of %s records", short(float64(at.Shape.Events)))
				continue
			}
			err := at.Shape.Validate()
			if err == nil {
				err = h.throughput(ctx, at, &p)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				h.report.add(&p, Sample{Engine: "tidemark", Began: time.Now().UTC(), Error: err.Error()})
			}
		}
	}
	if len(h.report.Growth) == 0 {
		return fmt.Errorf("speed: no axis has %q in its name", h.Axis)
	}
	return nil
}
