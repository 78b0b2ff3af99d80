// Package contract is what the harness and an engine under measurement tell one another: the environment of a run and the
// line printed at its end, as the doc of command bench defines them, and what a process reads of /proc about itself. The
// reference engines in Go use it; peers in other languages read the environment themselves.
package contract

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Task is one run's task.
type Task struct {
	Brokers, Topic string
	Partitions     int
	Events         int64
	Subjects       int64
	Lateness       time.Duration
	Cores          int
	MemoryMB       int
	Dir            string // empty folder for state
	Cells          string // file to write cells to
	Warm           string
	WarmEvents     int64
	Own            string // prefix of the engine's own topics
	// Definitions is the folder with Tidemark's definitions of the job; only the reference engines read it.
	Definitions string
}

// Environment is the task as variables, to be appended to a process's own.
func (t Task) Environment() []string {
	var out []string
	for _, v := range t.variables() {
		out = append(out, fmt.Sprintf("%s=%v", v.name, v.get()))
	}
	return out
}

// FromEnvironment reads the task of this process.
func FromEnvironment() (Task, error) {
	var t Task
	for _, v := range t.variables() {
		if err := v.set(os.Getenv(v.name)); err != nil {
			return t, fmt.Errorf("contract: %s: %w", v.name, err)
		}
	}
	if t.Brokers == "" || t.Topic == "" {
		return t, fmt.Errorf("contract: BENCH_BROKERS and BENCH_TOPIC are not set: the harness starts this program")
	}
	return t, nil
}

type variable struct {
	name string
	get  func() any
	set  func(string) error
}

func (t *Task) variables() []variable {
	text := func(name string, to *string) variable {
		return variable{name, func() any { return *to }, func(s string) error { *to = s; return nil }}
	}
	return []variable{
		text("BENCH_BROKERS", &t.Brokers), text("BENCH_TOPIC", &t.Topic), text("BENCH_DIR", &t.Dir), text("BENCH_CELLS", &t.Cells),
		text("BENCH_WARM", &t.Warm), text("BENCH_OWN", &t.Own), text("BENCH_DEFINITIONS", &t.Definitions),
		number("BENCH_PARTITIONS", &t.Partitions, 1), number("BENCH_EVENTS", &t.Events, 1), number("BENCH_SUBJECTS", &t.Subjects, 1),
		number("BENCH_LATENESS_MS", &t.Lateness, time.Millisecond), number("BENCH_CORES", &t.Cores, 1),
		number("BENCH_MEMORY_MB", &t.MemoryMB, 1), number("BENCH_WARM_EVENTS", &t.WarmEvents, 1),
	}
}

func number[T ~int | ~int64](name string, to *T, unit T) variable {
	return variable{name, func() any { return int64(*to / unit) }, func(s string) error {
		if s == "" {
			return nil
		}
		n, err := strconv.ParseInt(s, 10, 64)
		*to = T(n) * unit
		return err
	}}
}

// Report is the line at the end of a run.
type Report struct {
	Peer        string `json:"peer"`
	Measurement string `json:"measurement,omitempty"` // empty: the run
	// Semantics of the cells; empty: the engine computes none.
	Semantics string         `json:"semantics"`
	Events    int64          `json:"events"`
	WallNS    int64          `json:"wall_ns"`
	CPUNS     int64          `json:"cpu_ns"`
	RSS       int64          `json:"rss_bytes"`
	Disk      int64          `json:"disk_bytes"`
	Written   int64          `json:"written_bytes"`
	Version   string         `json:"version,omitempty"`
	Notes     []string       `json:"notes,omitempty"`
	Extra     map[string]any `json:"extra,omitempty"`
}

// Print writes the line to standard output.
func (r Report) Print() error { return json.NewEncoder(os.Stdout).Encode(r) }
