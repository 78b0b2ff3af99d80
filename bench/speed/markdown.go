package speed

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// markdown is the report for people.
func (r *Report) markdown(plots []string) []byte {
	var out bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	m := r.Machine
	say("# %s", r.Scenario.Name)
	say("")
	say("%s.", r.Scenario.About)
	say("")
	say("- Command: `%s`", r.Command)
	say("- Commit of the harness: %s", r.commit())
	for _, name := range slices.Sorted(maps.Keys(r.Builds)) {
		say("- Build of %s: %s", name, r.Builds[name])
	}
	say("- Machine: %s, %d cores, %d MB, Linux %s, %s; broker %s on the same cores", m.CPU, m.Cores, m.MemoryMB, m.Kernel, m.Go, r.Broker)
	ended := "not to its end"
	if r.Finished != nil {
		ended = "until " + r.Finished.Format(time.RFC3339)
	}
	say("- Date: %s, %s", r.Date.Format(time.RFC3339), ended)
	r.log(say)
	say("")
	for _, p := range plots {
		say("![%s](%s)", strings.TrimSuffix(p, ".svg"), p)
		say("")
	}
	r.targetTable(say)
	r.tables(say, true)
	r.faults(say)
	return bytes.TrimSpace(out.Bytes())
}

// commit is that of the harness, and whether it was changed.
func (r *Report) commit() string {
	if r.Machine.Changed {
		return r.Machine.Commit + " with uncommitted changes"
	}
	return r.Machine.Commit
}

// log says what was read, and what was asked of it.
func (r *Report) log(say func(string, ...any)) {
	s := r.Scenario
	skew := "all subjects alike"
	if s.Shape.Zipf > 0 {
		skew = fmt.Sprintf("Zipf %g", s.Shape.Zipf)
	}
	if s.Shape.Preload {
		skew += ", each exposed once before"
	}
	say("- Log: %s records of %s subjects (%s), %d bytes, %d partitions; %s of event time, lateness %s; duplicates %g %%, out of order %g %%, late %g %%, hot subject %g %%",
		count(s.Shape.Events), count(s.Shape.Subjects), skew, s.Shape.Bytes, s.Shape.Partitions, s.Shape.Span().Round(time.Minute), s.Shape.Lateness,
		100*s.Shape.Duplicates, 100*s.Shape.Disorder, 100*s.Shape.Late, 100*s.Shape.Hot)
	say("- Job: %d experiment(s), %d metrics, %d dimensions; event ids %s", s.Job.Experiments, s.Job.Metrics, s.Job.Dimensions, map[bool]string{true: "on", false: "off"}[s.Job.Dedupe])
	if s.MemoryMB > 0 {
		say("- Memory ceiling: %d MB", s.MemoryMB)
	}
	if len(s.Flags) > 0 {
		say("- Flags: `%s`", strings.Join(s.Flags, " "))
	}
}

// tables are all that was measured; with every run by itself if asked for.
func (r *Report) tables(say func(string, ...any), runs bool) {
	r.throughputTables(say)
	r.recomputeTable(say)
	if runs {
		r.runTable(say)
	}
	r.growthTables(say)
	r.pacedTables(say)
}

// faults are what failed or differed.
func (r *Report) faults(say func(string, ...any)) {
	err := r.verdict()
	if r.Error != "" {
		err = errors.Join(errors.New(r.Error), err)
	}
	if err != nil {
		say("### Not as it should be")
		say("")
		for line := range strings.Lines(err.Error()) {
			say("- %s", strings.TrimSpace(line))
		}
		say("")
	}
}

func (r *Report) throughputTables(say func(string, ...any)) {
	if len(r.Samples) == 0 {
		return
	}
	say("Medians [smallest–largest] of the good runs. CPU is the engine's own; the broker's stands apart.")
	say("")
	say("| engine | semantics | good runs | events/s | CPU ns/event | with closing | broker ns/event | RSS MB | disk MB | written MB |")
	say("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, name := range engines(r.Samples) {
		runs, semantics := 0, "none"
		for _, s := range r.Samples {
			if s.Engine == name {
				runs++
				if s.Semantics != "" {
					semantics = s.Semantics
				}
			}
		}
		figure := func(f func(*Sample) float64) string { return shown(each(r.Samples, name, f)) }
		say("| %s | %s | %d of %d | %s | %s | %s | %s | %s | %s | %s |", name, semantics, len(each(r.Samples, name, rate)), runs, figure(rate), figure(cost), figure(wholeCost),
			figure(func(s *Sample) float64 { return perEvent(s.BrokerCPU, s.Records) }), figure(func(s *Sample) float64 { return float64(s.RSS) / (1 << 20) }),
			figure(func(s *Sample) float64 { return float64(s.Disk) / (1 << 20) }), figure(func(s *Sample) float64 { return float64(s.Written) / (1 << 20) }))
	}
	say("")
	loaded := each(r.Samples, "tidemark", func(s *Sample) float64 {
		if s.Loaded == nil {
			return 0
		}
		return perSecond(s.Loaded.Records, s.Loaded.Wall)
	})
	if len(loaded) > 0 {
		say("After the exposures of all subjects: %s events/s, %s CPU ns/event. Disk per subject: %s bytes.", shown(loaded),
			shown(each(r.Samples, "tidemark", func(s *Sample) float64 { return perEvent(s.Loaded.CPU, s.Loaded.Records) })),
			shown(each(r.Samples, "tidemark", func(s *Sample) float64 { return float64(s.Disk) / float64(r.Scenario.Shape.Subjects) })))
		say("")
	}
	if names := engines(r.Samples); len(names) > 1 {
		say("Against Tidemark, round by round: medians [smallest–largest] of the ratios of runs side by side.")
		say("")
		say("| engine | its CPU per event / Tidemark's | Tidemark's rate / its rate | RSS / Tidemark's |")
		say("| --- | --- | --- | --- |")
		for _, name := range names {
			if name == "tidemark" {
				continue
			}
			inverse := paired(r.Samples, "tidemark", name, rate)
			say("| %s | %s | %s | %s |", name, shown(paired(r.Samples, name, "tidemark", cost)), shown(inverse), shown(paired(r.Samples, name, "tidemark", func(s *Sample) float64 { return float64(s.RSS) })))
		}
		say("")
	}
}

// runTable has every run by itself.
func (r *Report) runTable(say func(string, ...any)) {
	if len(r.Samples) == 0 {
		return
	}
	say("<details><summary>Every run</summary>")
	say("")
	say("| round | engine | began | busy before %% | events/s | CPU ns/event | RSS MB | start ms | cells |")
	say("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for i := range r.Samples {
		s := &r.Samples[i]
		if s.Error != "" {
			say("| %d | %s | %s | %.0f | failed | | | | |", s.Round, s.Engine, s.Began.Format("15:04:05"), 100*s.Busy)
			continue
		}
		say("| %d | %s | %s | %.0f | %s | %s | %d | %d | %s |", s.Round, s.Engine, s.Began.Format("15:04:05"), 100*s.Busy, number(rate(s)), number(cost(s)), s.RSS>>20, s.Start/1e6, s.exactness())
	}
	say("")
	say("</details>")
	say("")
}

// exactness is a word on the cells.
func (s *Sample) exactness() string {
	switch {
	case len(s.Wrong) > 0:
		return fmt.Sprintf("%d differences", len(s.Wrong))
	case s.Semantics == "":
		return "none"
	}
	return fmt.Sprintf("%d, all equal", s.Cells)
}

func (r *Report) growthTables(say func(string, ...any)) {
	axis := ""
	for _, p := range r.Growth {
		if p.Axis != axis {
			axis = p.Axis
			say("")
			say("### %s", axis)
			say("")
			say("| %s | events/s | CPU ns/event | RSS MB | disk MB | written MB | good runs |", axis)
			say("| --- | --- | --- | --- | --- | --- | --- |")
		}
		if p.LeftOut != "" {
			say("| %s | %s | | | | | |", p.Label, p.LeftOut)
			continue
		}
		figure := func(f func(*Sample) float64) string { return shown(each(p.Samples, "tidemark", f)) }
		say("| %s | %s | %s | %s | %s | %s | %d of %d |", p.Label, figure(loadedRate), figure(loadedCost), figure(func(s *Sample) float64 { return float64(s.RSS) / (1 << 20) }),
			figure(func(s *Sample) float64 { return float64(s.Disk) / (1 << 20) }), figure(func(s *Sample) float64 { return float64(s.Written) / (1 << 20) }),
			len(each(p.Samples, "tidemark", rate)), len(p.Samples))
	}
	if axis != "" {
		say("")
	}
}

// shown writes a median with its spread, or a dash.
func shown(values []float64) string {
	s, ok := spread(values)
	switch {
	case !ok:
		return "–"
	case len(values) == 1:
		return number(s.Median)
	}
	return fmt.Sprintf("%s [%s–%s]", number(s.Median), number(s.Min), number(s.Max))
}

// number writes three significant digits, and whole numbers over a hundred with thousands apart.
func number(x float64) string {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(x))))
	if digits > 0 {
		return strconv.FormatFloat(x, 'f', min(digits, 6), 64)
	}
	unit := math.Pow10(-digits)
	return count(int64(math.Round(x/unit) * unit))
}

// count writes a whole number with commas.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
