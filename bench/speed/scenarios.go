package speed

import (
	"time"

	"github.com/tidemark/tidemark/bench/traffic"
)

// Kind is how a scenario is run.
type Kind string

// The kinds.
const (
	Throughput Kind = "throughput" // from the start of the log to its end, engines in turns
	Latency    Kind = "latency"    // paced traffic, from append to result
	Restart    Kind = "restart"    // SIGKILL under traffic
	Refresh    Kind = "refresh"    // many live cells that change: what publication costs
	Growth     Kind = "growth"     // throughput over one axis after another
)

// Scenario is one thing to measure.
type Scenario struct {
	Name  string        `json:"name"`
	About string        `json:"about"`
	Kind  Kind          `json:"kind"`
	Shape traffic.Shape `json:"shape"`
	Job   traffic.Job   `json:"job"`
	// Flags of `tidemark serve`.
	Flags []string `json:"flags,omitempty"`
	// MemoryMB is the ceiling of the engine's resident memory. It is given as GOMEMLIMIT, and as --memory once serve has
	// that flag. 0: none.
	MemoryMB int `json:"memory_mb,omitempty"`
	// Shares of the maximum rate, and rates in events a second, at which Latency is measured; Restart uses the first share,
	// Refresh the first rate.
	Shares []float64 `json:"shares,omitempty"`
	Rates  []float64 `json:"rates,omitempty"`
	// Settle is how long paced traffic runs before it is measured, Measure for how long it is.
	Settle  time.Duration `json:"settle_ns,omitempty"`
	Measure time.Duration `json:"measure_ns,omitempty"`
	// Engines that run in turns unless others are named.
	Engines []string `json:"engines,omitempty"`
	// Axes of a growth.
	Axes []Axis `json:"axes,omitempty"`
}

// Axis is one quantity that grows while everything else stays as in the scenario.
type Axis struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one value on an axis.
type Point struct {
	X        float64                           `json:"x"`
	Label    string                            `json:"label"`
	Change   func(*Scenario)                   `json:"-"`
	Compared func(traffic.Key) (compared bool) `json:"-"` // nil: all cells
}

var all = []string{"tidemark", "null", "naive"}

const million = 1_000_000

// standard is a throughput scenario over 20 M records of 10 M subjects.
func standard(name, about string, zipf float64, change ...func(*Scenario)) Scenario {
	s := Scenario{Name: name, About: about, Kind: Throughput, Shape: traffic.Standard(20*million, 10*million, zipf), Job: traffic.TheJob(), Engines: all}
	for _, c := range change {
		c(&s)
	}
	return s
}

func dedupe(s *Scenario) { s.Job.Dedupe = true }

// preloaded puts every subject into the log once before the traffic.
func preloaded(s *Scenario) {
	s.Shape.Events += s.Shape.Subjects
	s.Shape.Preload = true
	s.Shape.Step = 15 * time.Hour / time.Duration(s.Shape.Events)
}

func onlyTidemark(s *Scenario) { s.Engines = []string{"tidemark"} }

// Scenarios are all of them. Unless something else is said: lateness 1 h, 10 h of event time, 5 % duplicates, 2 % out of
// order, 0.1 % late, 1 % for one hot subject, 250 bytes, 8 partitions, 1 experiment, 3 metrics, 3 dimensions (8 groupings).
var Scenarios = []Scenario{
	{Name: "smoke", About: "20,000 records in seconds: does everything work, is everything right", Kind: Throughput,
		Shape: smokeShape(), Job: withDedupe(traffic.TheJob()), Engines: all},
	standard("zipf-10m", "20 M records of 10 M subjects, Zipf 1.1", 1.1),
	standard("uniform-10m", "20 M records of 10 M subjects, all alike", 0),
	standard("zipf-10m-dedupe", "zipf-10m, duplicates removed by event id", 1.1, dedupe),
	standard("uniform-10m-dedupe", "uniform-10m, duplicates removed by event id", 0, dedupe),
	standard("zipf-10m-loaded", "10 M exposures, one a subject, then zipf-10m; the part after the exposures is timed apart", 1.1, preloaded, onlyTidemark),
	standard("uniform-10m-loaded", "10 M exposures, one a subject, then uniform-10m; memory and disk for 10 M subjects", 0, preloaded, onlyTidemark),
	standard("ceiling", "uniform-10m-loaded with 512 MB of memory, about a quarter of what its state takes otherwise", 0, preloaded, onlyTidemark,
		func(s *Scenario) { s.MemoryMB = 512 }),
	{Name: "latency", About: "append to result in the API, at 25, 50 and 75 % of the maximum and at 100,000 events/s, over 1 M subjects", Kind: Latency,
		Shape: paced(4*million, million, 1.1), Job: traffic.TheJob(), Shares: []float64{0.25, 0.5, 0.75}, Rates: []float64{100_000}, Settle: 10 * time.Second, Measure: 30 * time.Second},
	{Name: "restart", About: "SIGKILL with 10 M subjects at half of the maximum rate: time to the first answer, time to caught up", Kind: Restart,
		Shape: loaded(paced(4*million, 10*million, 1.1)), Job: traffic.TheJob(), Shares: []float64{0.5}, Settle: 15 * time.Second, Measure: 60 * time.Second},
	{Name: "cells-1m", About: "about 1 M live cells of 20 experiments, 100,000 of them changing each second", Kind: Refresh,
		Shape: wide(paced(2*million, million/2, 0)), Job: traffic.Job{Experiments: 20, Metrics: 3, Dimensions: 3}, Rates: []float64{1200}, Settle: 10 * time.Second, Measure: 30 * time.Second},
	{Name: "growth", About: "cost per event against each of nine quantities; elsewhere 2 M records of 1 M subjects", Kind: Growth,
		Shape: traffic.Standard(2*million, million, 1.1), Job: traffic.TheJob(), Engines: []string{"tidemark"}, Axes: axes()},
}

// Find returns a scenario by name.
func Find(name string) (Scenario, bool) {
	for _, s := range Scenarios {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

func smokeShape() traffic.Shape {
	s := traffic.Standard(20_000, 4_000, 1.1)
	s.Crossovers, s.Late = 0.01, 0.005
	return s
}

func withDedupe(j traffic.Job) traffic.Job { j.Dedupe = true; return j }

// paced is a log that is continued at a rate: its event time runs at 2 ms a record, whatever the clock says.
func paced(events, subjects int64, zipf float64) traffic.Shape {
	s := traffic.Standard(events, subjects, zipf)
	s.Step = 2 * time.Millisecond
	return s
}

func loaded(s traffic.Shape) traffic.Shape {
	s.Events += s.Subjects
	s.Preload = true
	return s
}

// wide has 3 · 500 · 3 finest cells: 8,016 slices in 8 groupings, 48,096 cells for each experiment of 3 metrics.
func wide(s traffic.Shape) traffic.Shape {
	s.Countries = 500
	return s
}
