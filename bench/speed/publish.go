package speed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Reports are several reports that are read together.
type Reports []*Report

// LoadAll loads every report.json in or below the folders, oldest first.
func LoadAll(dirs ...string) (Reports, error) {
	var out Reports
	for _, dir := range dirs {
		found := false
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Name() != "report.json" {
				return err
			}
			r, err := Load(path)
			if err != nil {
				return fmt.Errorf("speed: %s: %w", path, err)
			}
			found = true
			out = append(out, r)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("speed: no report.json in or below %s: name folders that `bench run` wrote with --out", dir)
		}
	}
	slices.SortStableFunc(out, func(a, b *Report) int { return a.Date.Compare(b.Date) })
	return out, nil
}

// answer is the report that answers a target best: one on the broker that it is asked of, of those the one over the most
// records, of those the one with the most runs, of those the newest. -1: none has the figure.
func (rs Reports) answer(t target) int {
	best := -1
	for i, r := range rs {
		if r.Scenario.Name != t.scenario || len(t.values(r)) == 0 {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		b := rs[best]
		broker := 0
		if r.Broker != b.Broker {
			if broker = -1; (r.Broker == Kafka) == t.real {
				broker = 1
			}
		}
		if cmp.Or(broker, cmp.Compare(r.Scenario.Shape.Events, b.Scenario.Shape.Events), cmp.Compare(len(t.values(r)), len(t.values(b))), r.Date.Compare(b.Date)) >= 0 {
			best = i
		}
	}
	return best
}

// Targets writes one table of all targets, each from the report that answers it best, with those that nothing was measured for.
func (rs Reports) Targets(say func(string, ...any)) {
	say("| log | figure | target | measured | | runs | report |")
	say("| --- | --- | --- | --- | --- | --- | --- |")
	for _, t := range targets {
		i := rs.answer(t)
		if i < 0 {
			say("| %s | %s | %s | – | not measured | | |", t.scenario, t.what, t.bound())
			continue
		}
		values := t.values(rs[i])
		figure, margin, _ := t.judged(values)
		say("| %s | %s | %s | %s | %s | %d | [%d](#%s) |", rs[i].logName(), t.what, t.bound(), withSpread(figure, values), word(margin), len(values), i+1, rs.anchor(i))
	}
	say("")
}

// withoutCeiling says how much the state of the ceiling's log takes where it may.
func (rs Reports) withoutCeiling(say func(string, ...any)) {
	newest := func(name string) (last *Report, rss, disk Spread) {
		for _, r := range rs {
			size, ok := spread(of(func(s *Sample) float64 { return float64(s.RSS) })(r))
			if r.Scenario.Name == name && ok {
				last, rss = r, size
				disk, _ = spread(of(func(s *Sample) float64 { return float64(s.Disk) })(r))
			}
		}
		return last, rss, disk
	}
	free, rss, disk := newest("uniform-10m-loaded")
	held, _, _ := newest("ceiling")
	if free == nil || held == nil || free.Scenario.Shape != held.Scenario.Shape {
		return
	}
	say("Without a ceiling the log of `ceiling` takes %s MB of memory, %s times the ceiling, and %s MB on disk, %s times.", number(rss.Median/(1<<20)), number(rss.Median/held.ceiling()),
		number(disk.Median/(1<<20)), number(disk.Median/held.ceiling()))
	say("")
}

// logName is the scenario, and its size where that is another one.
func (r *Report) logName() string {
	of, _ := Find(r.Scenario.Name)
	name := r.Scenario.Name
	if s := r.Scenario.Shape; s.Events != of.Shape.Events || s.Subjects != of.Shape.Subjects {
		name += fmt.Sprintf(", %s of %s", short(float64(s.Events)), short(float64(s.Subjects)))
	}
	return name + ", " + r.Broker
}

// heading of a report on the page, and the anchor that Markdown makes of it.
func (rs Reports) heading(i int) string { return fmt.Sprintf("%d: %s", i+1, rs[i].Scenario.Name) }
func (rs Reports) anchor(i int) string {
	return strings.ReplaceAll(strings.ReplaceAll(rs.heading(i), ":", ""), " ", "-")
}

// places of the machine that a command names, and that nobody else has.
var places = regexp.MustCompile(` --(out|cache|program)[ =]\S+`)

// typed is the command without them.
func (r *Report) typed() string { return places.ReplaceAllString(r.Command, "") }

// Page is all reports on one page, and the plots that it shows, by file name. Images is where they will be, seen from the page.
func (rs Reports) Page(images string) ([]byte, map[string][]byte) {
	var out bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	say("# Benchmark results")
	say("")
	say("Written by `go run ./bench publish` from the reports named below; what is measured, and how, is in [benchmarks.md](benchmarks.md).")
	say("Every run was compared with the exact oracle, and one that differs by a cell is in no figure. Measured are medians")
	say("[smallest–largest]; of paced scenarios it is the worst. Ratios are of runs that stand side by side, round by round. What is **missed** is said with how far.")
	say("")
	var machines []string
	for _, r := range rs {
		m := r.Machine
		if text := fmt.Sprintf("%s, %d cores, %d MB, Linux %s, %s", m.CPU, m.Cores, m.MemoryMB, m.Kernel, m.Go); !slices.Contains(machines, text) {
			machines = append(machines, text)
		}
	}
	say("Machine: %s. Broker, engine, and harness are on the same cores.", strings.Join(machines, "; "))
	say("")
	say("## Targets")
	say("")
	rs.Targets(say)
	rs.withoutCeiling(say)
	say("## Reports")
	say("")
	say("Busy is the largest share of the machine that somebody else had in the second before a run.")
	say("")
	say("| | log | runs | not good | busy %% | begun | commit | command |")
	say("| --- | --- | --- | --- | --- | --- | --- | --- |")
	for i, r := range rs {
		good, bad := r.tally()
		say("| [%d](#%s) | %s | %d | %d | %.0f | %s | %s | `%s` |", i+1, rs.anchor(i), r.logName(), good+bad, bad, 100*r.busiest(), r.Date.Format("2006-01-02 15:04"), r.commit(), r.typed())
	}
	say("")
	all := map[string][]byte{}
	for i, r := range rs {
		say("## %s", rs.heading(i))
		say("")
		r.log(say)
		say("")
		plots := r.plots()
		delete(plots, "events.svg") // the table says it
		if len(r.Samples) > 0 && len(engines(r.Samples)) < 2 {
			delete(plots, "cost.svg")
		}
		r.tables(say, false)
		for _, name := range slices.Sorted(maps.Keys(plots)) {
			file := fmt.Sprintf("%s%d-%s-%s", imagePrefix, i+1, r.Scenario.Name, name)
			all[file] = plots[name]
			say("![%s of %s](%s/%s)", strings.TrimSuffix(name, ".svg"), r.Scenario.Name, images, file)
			say("")
		}
		r.faults(say)
	}
	return append(bytes.TrimSpace(out.Bytes()), '\n'), all
}

// imagePrefix begins the names of the files that Publish writes, and removes when it writes again.
const imagePrefix = "bench-"

// Publish writes the page and, in the folder images beside it, its plots. Plots of an earlier page go.
func (rs Reports) Publish(page string) error {
	images := filepath.Join(filepath.Dir(page), "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		return err
	}
	text, plots := rs.Page("images")
	old, err := filepath.Glob(filepath.Join(images, imagePrefix+"*.svg"))
	if err != nil {
		return err
	}
	for _, file := range old {
		err = errors.Join(err, os.Remove(file))
	}
	for name, svg := range plots {
		err = errors.Join(err, replace(filepath.Join(images, name), svg))
	}
	return errors.Join(err, replace(page, text))
}
