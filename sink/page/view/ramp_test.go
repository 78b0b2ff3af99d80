package view

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// A page shows each stretch of a ramp with what was planned there, control first, and for the whole what all of them plan together.
func TestPageShowsARampByItsStretches(t *testing.T) {
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	x := &catalog.Experiment{ID: "x", Control: "old", Start: start, Variants: []catalog.Variant{{ID: "new", Weight: 1}, {ID: "old", Weight: 99}},
		Ramp: []catalog.RampStep{{From: start.Add(48 * time.Hour), Weights: []float64{1, 1}}}}
	r := &results.Result{Experiment: "x", Alpha: 0.05, Subjects: map[string]int64{"old": 10400, "new": 600}, SRM: results.SRM{State: "ok", PSequential: ptr(1), Epochs: []results.SRMEpoch{
		{From: start, Planned: map[string]float64{"old": 0.99, "new": 0.01}, Subjects: map[string]int64{"old": 9900, "new": 100}, PSequential: ptr(1)},
		{From: start.Add(48 * time.Hour), Planned: map[string]float64{"old": 0.5, "new": 0.5}, Subjects: map[string]int64{"old": 500, "new": 500}, PSequential: ptr(0.3)},
	}}}
	p := NewPage(&catalog.Set{}, x, r, stream.Status{}, start.Add(72*time.Hour))
	if len(p.Epochs) != 2 || len(p.Epochs[1].Arms) != 2 {
		t.Fatalf("%+v", p.Epochs)
	}
	e := p.Epochs[1]
	if e.From != "2026-03-04 00:00 UTC" || e.Arms[0] != (Arm{"old", "A", "500", "50.00%", "50.0%"}) || e.Arms[1] != (Arm{"new", "B", "500", "50.00%", "50.0%"}) || e.P != "0.3000" {
		t.Errorf("%+v", e)
	}
	if got := p.Arms[1]; got.Plan != "5.5%" || got.Share != "5.45%" {
		t.Errorf("of the whole %+v, planned is (1%% of 10,000 + 50%% of 1,000) of 11,000", got)
	}
	if f := PageCells(&catalog.Set{}, x, r, stream.Status{}, start); f["e0_share_B"] != "1.00%" || f["e1_n_A"] != "500" || f["plan_B"] != "5.5%" {
		t.Errorf("%v", f)
	}
	var d Definition
	d.ramp(x)
	if len(d.Facts) != 1 || !strings.Contains(d.Facts[0].Value, "new 50.0%, old 50.0%") {
		t.Errorf("%+v", d.Facts)
	}
	r.SRM.Epochs = nil
	if p := NewPage(&catalog.Set{}, x, r, stream.Status{}, start); p.Epochs != nil || p.Arms[1].Plan != "1.0%" {
		t.Errorf("without epochs: %+v", p.Arms)
	}
}
