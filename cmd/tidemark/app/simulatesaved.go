package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark/tidemark/stats/simulate"
)

// show prints what saved runs have together: the package may have drawn all experiments on one day and the engine its part on another.
func (f *simulateFlags) show(w io.Writer) error {
	if f.output != "table" && f.output != "json" && f.output != "markdown" {
		return usage("-o %s: want table, markdown or json", f.output)
	}
	type saved struct {
		path string
		simulated
	}
	var files []saved
	for _, path := range f.from {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		one := saved{path: path}
		if err := json.Unmarshal(text, &one.simulated); err != nil {
			return fmt.Errorf("%s: %w; it must be what 'tidemark simulate --save' wrote", path, err)
		}
		files = append(files, one)
	}
	// Parts are joined to what ends where they begin, so in the order of their experiments and not of their names.
	slices.SortStableFunc(files, func(a, b saved) int { return a.first() - b.first() })
	all := &simulated{}
	for i := range files {
		if err := all.join(&files[i].simulated); err != nil {
			return fmt.Errorf("%s: %w", files[i].path, err)
		}
	}
	all.order()
	if err := f.write(w, all); err != nil {
		return err
	}
	if slices.ContainsFunc(all.Results, func(r simulate.Result) bool { return r.Failed() }) || all.Parity != nil && !all.Parity.OK {
		return findings(exitFailure)
	}
	return nil
}

// first is the first experiment of what was drawn.
func (s *simulated) first() int {
	first := 0
	for i := range s.Reports {
		first = max(first, s.Reports[i].From)
	}
	return first
}

// join adds what another run found: of one check the figure of the most experiments stands, and the parity of the most that went
// through the engine, or of both together where one's experiments follow the other's (--first). Runs of different seeds are different experiments and do not go together.
func (s *simulated) join(o *simulated) error {
	if s.Command != "" && s.Seed != o.Seed {
		return usage("its seed is %d, that of the others %d", o.Seed, s.Seed)
	}
	if s.Command == "" {
		s.Command, s.Seed = o.Command, o.Seed
	} else if !slices.Contains(strings.Split(s.Command, "; "), o.Command) {
		s.Command += "; " + o.Command
	}
	if o.Parity != nil {
		s.Parity = o.Parity
	}
	s.Reports = append(s.Reports, o.Reports...)
	for _, r := range o.Results {
		i := slices.IndexFunc(s.Results, func(have simulate.Result) bool {
			return have.Row == r.Row && have.Scenario == r.Scenario && have.Rule == r.Rule && have.Measure == r.Measure
		})
		if i < 0 {
			s.Results = append(s.Results, r)
			continue
		}
		figures, engine := &s.Results[i], &r
		if r.Runs > s.Results[i].Runs {
			figures, engine = &r, &s.Results[i]
		}
		if figures.Engine != nil && engine.Engine != nil {
			if joined, ok := figures.Engine.Join(*engine.Engine); ok {
				equal := *figures.Equal && *engine.Equal
				figures.Engine, figures.Equal = &joined, &equal
				s.Results[i] = *figures
				continue
			}
		}
		if figures.Engine == nil || engine.Engine != nil && engine.Engine.Runs > figures.Engine.Runs {
			figures.Engine, figures.Equal = engine.Engine, engine.Equal
		}
		s.Results[i] = *figures
	}
	return nil
}

// order sorts by the protocol's rows and scenarios, and judges by what they ask today. What the protocol no longer has is left out.
func (s *simulated) order() {
	rows := map[string]int{}
	for i, r := range simulate.Rows() {
		rows[r.ID] = i
	}
	scenarios := map[string]int{}
	for i, c := range simulate.Protocol() {
		scenarios[c.Scenario.Name] = i
	}
	kept := s.Results[:0]
	for _, r := range s.Results {
		if simulate.Again(&r) {
			kept = append(kept, r)
		}
	}
	s.Results = kept
	slices.SortStableFunc(s.Results, func(a, b simulate.Result) int {
		if d := scenarios[a.Scenario] - scenarios[b.Scenario]; d != 0 {
			return d
		}
		return rows[a.Row] - rows[b.Row]
	})
}

// commands are the command lines, each with the commit that drew what it drew. Those that are parts of one whole are one loop.
func (s *simulated) commands() (lines []string) {
	type whole struct{ head, commit string }
	var wholes []whole
	parts := map[whole][]int{}
	for command := range strings.SplitSeq(s.Command, "; ") {
		head, first, _ := strings.Cut(command, " --first ")
		w := whole{head: head}
		for i := range s.Reports {
			if s.Reports[i].Command == command {
				w.commit = s.Reports[i].Commit
			}
		}
		n, _ := strconv.Atoi(first) // without it the part begins with experiment 0
		if parts[w] == nil {
			wholes = append(wholes, w)
		}
		parts[w] = append(parts[w], n)
	}
	for _, w := range wholes {
		line := w.head
		if n := parts[w]; len(n) > 1 || n[0] > 0 {
			slices.Sort(n)
			line = fmt.Sprintf("for first in %s; do %s --first $first; done", strings.Trim(fmt.Sprint(n), "[]"), line)
		}
		if w.commit != "" {
			line += "  # at " + w.commit[:min(len(w.commit), 10)]
		}
		lines = append(lines, line)
	}
	return lines
}
