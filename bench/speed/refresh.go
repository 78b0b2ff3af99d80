package speed

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/tidemark/tidemark/bench/traffic"
)

// RefreshSample is what publication costs while many cells change.
type RefreshSample struct {
	Round int     `json:"round"`
	Load  float64 `json:"load_before"`
	Busy  float64 `json:"busy_before"`
	Rate  float64 `json:"rate"`
	// Live is how many cells have subjects, over all experiments and groupings; Changed how many different ones a second of
	// traffic touches, on average over the measurement.
	Live    int64   `json:"live_cells"`
	Changed float64 `json:"changed_cells_per_second"`
	// Cores that the process used; and, of its CPU profile, those below the evaluator, the ways out, and snapshots of cells,
	// with its part of the collector's, of which there were Collection in all.
	Cores       float64 `json:"engine_cores"`
	Publication float64 `json:"publication_cores"`
	Collection  float64 `json:"collector_cores,omitempty"`
	// Freshness at a client of one experiment's live stream, milliseconds.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// publication matches the functions below which cells are rolled up, evaluated and published: the evaluator's goroutine, what
// a shard does for it (snapshots, and the copies of cells that it makes because a snapshot has them), the hub, the HTTP
// streams, and the topic's publisher with its client's sending: the engine produces nothing else in this scenario.
const publication = `stream\.\(\*(Engine|experiment|subjectType)\)\.(evaluat|answer|publish|snapshot)|stream/results\.|tidemark/sink/|tidemark/cube\.\(\*(Cube\)\.Snapshot|grid\)\.own|Merged|lineage|rollup)|tidemark/stats\.|kgo\.\(\*(sink|recBuf|compressor|produceRequest)\)\.`

// collection matches the garbage collector's own goroutines. What they do is owed to all that allocates, so publication is
// charged for as much of it as it has of what else the process did.
const collection = `runtime\.gcBgMarkWorker|runtime\.bgsweep|runtime\.bgscavenge`

// refresh paces traffic over many cells and takes a CPU profile meanwhile.
func (h *harness) refresh(ctx context.Context, s Scenario) (err error) {
	l, err := h.goLive(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	want := h.answers.cells(s.Shape, s.Shape.Events, s.Job, s.Job.Semantics())
	for round := range h.Runs {
		out := RefreshSample{Round: round + 1, Load: load(), Busy: busy(ctx), Rate: s.Rates[0], Live: int64(len(want)) * int64(s.Job.Experiments)}
		f := Freshness{Rate: out.Rate}
		file := filepath.Join(h.Out, fmt.Sprintf("refresh-%d.cpu.pprof", round+1))
		profiled := make(chan error, 1)
		go func() {
			select {
			case <-time.After(s.Settle):
				profiled <- l.e.profile(ctx, s.Measure, file)
			case <-ctx.Done():
				profiled <- ctx.Err()
			}
		}()
		from := l.p.gen.Made()
		if err := errors.Join(l.fresh(ctx, &f), <-profiled); err != nil {
			return err
		}
		out.Changed = changedCells(s, from, l.p.gen.Made(), int64(out.Rate))
		out.Cores, out.P50, out.P99 = f.Engine, f.P50, f.P99
		seconds, err := focused(ctx, h.program, file, publication)
		if err != nil {
			return err
		}
		collecting, err := focused(ctx, h.program, file, collection)
		if err != nil {
			return err
		}
		all, err := focused(ctx, h.program, file, ".")
		if err != nil {
			return err
		}
		if other := all - collecting; other > 0 {
			seconds += collecting * seconds / other
		}
		out.Publication, out.Collection = seconds/s.Measure.Seconds(), collecting/s.Measure.Seconds()
		h.Say("%d live cells, %.0f changed a second: engine %.2f cores, of them publication %.2f (with its part of the collector's %.2f); p50 %.0f ms, p99 %.0f ms",
			out.Live, out.Changed, out.Cores, out.Publication, out.Collection, out.P50, out.P99)
		h.report.Refresh = append(h.report.Refresh, out)
	}
	return l.finish(ctx)
}

// changedCells counts the different cells that each second's records of a log touch, in all experiments and groupings, and
// returns the mean over the seconds.
func changedCells(s Scenario, from, to, perSecond int64) float64 {
	g := traffic.NewGenerator(s.Shape)
	for range from {
		g.Next()
	}
	type cell struct {
		variant, metric uint8
		mask            int
		values          [8]uint32
	}
	seconds, sum := 0, 0
	var profile []uint32
	for from+perSecond <= to {
		touched := map[cell]bool{}
		for range perSecond {
			e := g.Next()
			var metrics []uint8
			for i, m := range s.Job.MetricList() {
				if e.Type != traffic.Exposure && (e.Type == m.X && e.Cents > m.Over || e.Type == m.Y) {
					metrics = append(metrics, uint8(i))
				}
			}
			profile = s.Shape.Profile(e.Subject, profile)
			for mask := range 1 << s.Job.Dimensions {
				c := cell{variant: e.Variant, mask: mask}
				for d := range s.Job.Dimensions {
					if mask>>d&1 == 1 {
						c.values[d] = profile[d] + 1
					}
				}
				for _, c.metric = range metrics {
					touched[c] = true
				}
			}
		}
		from += perSecond
		seconds++
		sum += len(touched) * s.Job.Experiments
	}
	if seconds == 0 {
		return 0
	}
	return float64(sum) / float64(seconds)
}

var accounted = regexp.MustCompile(`accounting for ([0-9.]+)(ms|s|mins|hrs|us)?,`)

// focused is how many CPU seconds of a profile lie below functions that match.
func focused(ctx context.Context, program, file, match string) (float64, error) {
	out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0", "-focus="+match, program, file).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("speed: go tool pprof: %w\n%s", err, out[:min(len(out), 1000)])
	}
	found := accounted.FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("speed: go tool pprof said nothing of what it accounts for:\n%s", out[:min(len(out), 1000)])
	}
	x, err := strconv.ParseFloat(string(found[1]), 64)
	return x * map[string]float64{"us": 1e-6, "ms": 1e-3, "s": 1, "mins": 60, "hrs": 3600, "": 1}[string(found[2])], err
}
