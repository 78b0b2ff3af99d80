package speed

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Report is everything that was measured in one run of the command.
type Report struct {
	Scenario Scenario  `json:"scenario"`
	Command  string    `json:"command"`
	Broker   string    `json:"broker"`
	Date     time.Time `json:"date"`
	// Finished is when the run came to its end; without it, it was ended before, or could not go on.
	Finished *time.Time `json:"finished,omitempty"`
	// Error is why it could not go on.
	Error   string  `json:"error,omitempty"`
	Machine Machine `json:"machine"`
	// Builds are what the builds of Tidemark that ran say of their version, by engine: Machine.Commit is that of the harness.
	Builds  map[string]string `json:"builds"`
	Samples []Sample          `json:"samples,omitempty"`
	// Growth has the samples of a growth, point by point.
	Growth    []GrowthPoint   `json:"growth,omitempty"`
	Freshness []Freshness     `json:"freshness,omitempty"`
	Restarts  []RestartSample `json:"restarts,omitempty"`
	Refresh   []RefreshSample `json:"refresh,omitempty"`
	// Paced are the whole runs of paced scenarios, with what their cells came to.
	Paced []Sample `json:"paced,omitempty"`
}

// GrowthPoint is one point of an axis.
type GrowthPoint struct {
	Axis    string   `json:"axis"`
	X       float64  `json:"x"`
	Label   string   `json:"label"`
	Samples []Sample `json:"samples"`
	// LeftOut says why the point was not measured.
	LeftOut string `json:"left_out,omitempty"`
}

// add keeps a sample; those of a growth go to the point that is measured now.
func (r *Report) add(point *Point, s Sample) {
	if point != nil {
		at := &r.Growth[len(r.Growth)-1]
		at.Samples = append(at.Samples, s)
		return
	}
	r.Samples = append(r.Samples, s)
}

// Spread is a median with the smallest and largest value.
type Spread struct{ Median, Min, Max float64 }

// spread of the values; ok is false if there are none.
func spread(values []float64) (s Spread, ok bool) {
	if len(values) == 0 {
		return s, false
	}
	v := slices.Clone(values)
	slices.Sort(v)
	middle := (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	return Spread{middle, v[0], v[len(v)-1]}, true
}

// each collects a figure of the good samples of an engine; a figure of 0 or less was not measured.
func each(samples []Sample, engine string, figure func(*Sample) float64) (out []float64) {
	for i := range samples {
		if s := &samples[i]; s.Engine == engine && s.Good() {
			if v := figure(s); v > 0 {
				out = append(out, v)
			}
		}
	}
	return out
}

// engines in the order in which they first stand.
func engines(samples []Sample) (out []string) {
	for _, s := range samples {
		if !slices.Contains(out, s.Engine) {
			out = append(out, s.Engine)
		}
	}
	return out
}

// paired divides a figure of an engine by that of another in the same round, for every round in which both are good.
func paired(samples []Sample, engine, by string, figure func(*Sample) float64) (out []float64) {
	for i := range samples {
		for j := range samples {
			a, b := &samples[i], &samples[j]
			if a.Engine == engine && b.Engine == by && a.Round == b.Round && a.Good() && b.Good() && figure(b) > 0 {
				out = append(out, figure(a)/figure(b))
			}
		}
	}
	return out
}

func rate(s *Sample) float64      { return perSecond(s.Records, s.Wall) }
func cost(s *Sample) float64      { return perEvent(s.CPU, s.Records) }
func wholeCost(s *Sample) float64 { return perEvent(s.WholeCPU, s.Records) }

// loadedRate and loadedCost are those of the part after the exposures, where the log was preloaded.
func loadedRate(s *Sample) float64 {
	if s.Loaded != nil {
		return perSecond(s.Loaded.Records, s.Loaded.Wall)
	}
	return rate(s)
}

func loadedCost(s *Sample) float64 {
	if s.Loaded != nil {
		return perEvent(s.Loaded.CPU, s.Loaded.Records)
	}
	return cost(s)
}

// tally counts good runs and others.
func (r *Report) tally() (good, bad int) {
	of := func(list []Sample) {
		for i := range list {
			if list[i].Good() {
				good++
			} else {
				bad++
			}
		}
	}
	of(r.Samples)
	of(r.Paced)
	for _, p := range r.Growth {
		of(p.Samples)
	}
	if r.Error != "" {
		bad++
	}
	return good, bad
}

// busiest is the largest share of the machine that was at work before a run.
func (r *Report) busiest() (most float64) {
	of := func(list []Sample) {
		for i := range list {
			most = max(most, list[i].Busy)
		}
	}
	of(r.Samples)
	of(r.Paced)
	for _, p := range r.Growth {
		of(p.Samples)
	}
	for _, f := range r.Freshness {
		most = max(most, f.Busy)
	}
	for _, s := range r.Restarts {
		most = max(most, s.Busy)
	}
	for _, s := range r.Refresh {
		most = max(most, s.Busy)
	}
	return most
}

// verdict is an error that names what is wrong or failed; a run of the command that measured something wrong must not
// look like a success.
func (r *Report) verdict() error {
	var out []error
	note := func(where string, s *Sample) {
		switch {
		case s.Error != "":
			out = append(out, fmt.Errorf("%s%s, round %d: %s", where, s.Engine, s.Round, s.Error))
		case len(s.Wrong) > 0:
			out = append(out, fmt.Errorf("%s%s, round %d: %d differences from the oracle, the first: %s", where, s.Engine, s.Round, len(s.Wrong), s.Wrong[0]))
		}
	}
	for i := range r.Samples {
		note("", &r.Samples[i])
	}
	for i := range r.Paced {
		note("", &r.Paced[i])
	}
	for _, p := range r.Growth {
		for i := range p.Samples {
			note(p.Axis+" = "+p.Label+": ", &p.Samples[i])
		}
	}
	return errors.Join(out...)
}

// write writes report.json, report.md and the plots.
func (r *Report) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(dir, "report.json"), append(text, '\n')); err != nil {
		return err
	}
	var names []string
	plots := r.plots()
	for name, svg := range plots {
		names = append(names, name)
		if err := replace(filepath.Join(dir, name), svg); err != nil {
			return err
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(a, b) })
	return replace(filepath.Join(dir, "report.md"), r.markdown(names))
}

// replace writes a file as a whole or not at all.
func replace(path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Load reads a report.json, to write its Markdown and plots again.
func Load(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(Report)
	return r, json.Unmarshal(text, r)
}

// Render writes what write writes.
func (r *Report) Render(dir string) error { return r.write(dir) }
