package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/cheggaaa/pb/v3"
	"github.com/spf13/cobra"

	"github.com/tidemark/tidemark/bench/protocol"
	"github.com/tidemark/tidemark/stats/simulate"
)

// simulateFlags are what to draw, and how often.
type simulateFlags struct {
	all, quiet            bool
	through, output, save string
	from                  []string
	runs, engineRuns      int
	first                 int
	workers               int
	seed                  uint64
	free                  freeScenario
}

func simulateCommand(t terminal) *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate [ROW…]",
		Short: "Draw experiments with a known truth and count how often each rule errs",
		Long: `Draw experiments with a known truth and count how often each rule errs.

Rows A1 to A13 and B1 to B3 are the protocol of docs/protocol.md; --runs 0 is
its own count. Every share has its standard error; a row outside its tolerance
makes the exit 1. Negative controls must err; where a rule that works could show
as much, they say that the runs are too few to tell. Through the engine each
event goes as bytes through decoder, state and cube, and decisions at every look
must equal the formula's. Without a row, --distribution and its neighbours
describe an experiment of your own.`,
		Example: `  tidemark simulate A1 A3 --runs 200
  tidemark simulate --all --through both --save protocol.json
  tidemark simulate A8 --through engine --engine-runs 20
  tidemark simulate --distribution buyers:.05 --subjects 5000 --every 10
  tidemark simulate --distribution normal --effect 0.1 --rule always --runs 300`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(f.from) > 0 && len(args) == 0 && !f.all && f.free.distribution == "" {
				return f.show(t.out)
			}
			if err := f.check(args); err != nil {
				return err
			}
			if len(args) == 0 && !f.all {
				return f.runFree(cmd.Context(), t)
			}
			return f.runRows(cmd.Context(), t, args)
		},
	}
	fl := c.Flags()
	fl.BoolVar(&f.all, "all", false, "every row")
	fl.StringVar(&f.through, "through", "package", "package (stats by itself), engine, or both")
	fl.IntVar(&f.runs, "runs", 0, "experiments a scenario (default the protocol's; 1000 for one of your own)")
	fl.IntVar(&f.engineRuns, "engine-runs", 0, "of them through the engine (default 300)")
	fl.IntVar(&f.first, "first", 0, "number of the first experiment: to draw in parts, for --from")
	fl.Uint64Var(&f.seed, "seed", 1, "fixes every number")
	fl.IntVar(&f.workers, "workers", runtime.NumCPU(), "experiments at a time")
	fl.StringVar(&f.free.distribution, "distribution", "", "normal, bernoulli:P, lognormal:SIGMA, buyers:P or heavy")
	fl.Float64Var(&f.free.effect, "effect", 0, "true difference, added to the treatment's values")
	fl.IntVar(&f.free.subjects, "subjects", 10000, "subjects an arm")
	fl.IntVar(&f.free.every, "every", 10, "a look after so many pairs, and one at the end")
	fl.StringSliceVar(&f.free.rules, "rule", nil, "`RULES`: always, fixed, peeking, count, student (default all)")
	fl.Float64Var(&f.free.alpha, "alpha", 0.05, "error rate of an experiment of your own")
	fl.Int64Var(&f.free.planned, "planned", 0, "sequential subjects of an experiment of your own (default 10000)")
	fl.StringVarP(&f.output, "output", "o", "table", "table, markdown or json")
	fl.StringVar(&f.save, "save", "", "write the JSON to this `FILE` too, after every scenario")
	fl.StringSliceVar(&f.from, "from", nil, "draw nothing: print what these saved `FILES` have together")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
	return c
}

// mostRuns bounds what is kept of each experiment in memory, and mostPairs of each subject.
const mostRuns, mostPairs = 10_000_000, 10_000_000

func (f *simulateFlags) check(rows []string) error {
	known := simulate.Rows()
	for _, id := range rows {
		if !slices.ContainsFunc(known, func(r simulate.Row) bool { return r.ID == id }) {
			return usage("there is no row %s; there are %s", id, list(known, func(r simulate.Row) string { return r.ID }))
		}
	}
	switch {
	case len(f.from) > 0:
		return usage("--from draws nothing: leave rows, --all and --distribution out")
	case f.all && len(rows) > 0:
		return usage("--all is every row: leave it or %s out", strings.Join(rows, " "))
	case !f.all && len(rows) == 0 && f.free.distribution == "":
		return usage("name rows (A1 … B3), --all, or a --distribution of your own")
	case (f.all || len(rows) > 0) && f.free.distribution != "":
		return usage("--distribution is for an experiment of your own: leave the rows out")
	case f.through != "package" && f.through != "engine" && f.through != "both":
		return usage("--through %s: want package, engine or both", f.through)
	case f.output != "table" && f.output != "json" && f.output != "markdown":
		return usage("-o %s: want table, markdown or json", f.output)
	case f.runs < 0 || f.engineRuns < 0 || f.first < 0 || f.workers < 1:
		return usage("--runs, --engine-runs and --first are numbers of experiments, --workers at least 1")
	case f.runs > mostRuns || f.engineRuns > mostRuns || f.first > mostRuns || f.workers > 1000:
		return usage("--runs, --engine-runs and --first are at most %d, --workers at most 1000", mostRuns)
	}
	return nil
}

// simulated is what the command found.
type simulated struct {
	Command string            `json:"command"`
	Seed    uint64            `json:"seed"`
	Results []simulate.Result `json:"results,omitempty"`
	Parity  *parity           `json:"parity,omitempty"`
	Reports []drawn           `json:"reports"`
}

// drawn is what one command drew of a scenario, and the commit of the program that did.
type drawn struct {
	Command string `json:"command,omitempty"`
	Commit  string `json:"commit,omitempty"`
	simulate.Report
}

// parity is the row that draws nothing.
type parity struct {
	Row       string  `json:"row"`
	Cases     int     `json:"cases"`
	Deviation float64 `json:"deviation"`
	OK        bool    `json:"ok"`
}

// paritySame is how far two ways to write one formula may be apart, relatively.
const paritySame = 1e-9

func (f *simulateFlags) options(runs, engineRuns int) simulate.Options {
	o := simulate.Options{Runs: f.runs, Seed: f.seed, From: f.first, Workers: f.workers}
	if f.through != "package" {
		o.Open = new(protocol.Opener).Open
		if o.EngineRuns = f.engineRuns; o.EngineRuns == 0 {
			o.EngineRuns = engineRuns
		}
		if o.EngineRuns == 0 {
			o.Open = nil // a scenario too large for an engine
		}
	}
	if o.Runs == 0 {
		o.Runs = runs
	}
	if f.through == "engine" {
		o.Runs = o.EngineRuns
	}
	return o
}

func (f *simulateFlags) runRows(ctx context.Context, t terminal, rows []string) error {
	found := &simulated{Command: commandLine(rows, f), Seed: f.seed}
	bad := 0
	for _, r := range simulate.Rows() {
		if r.Verified == nil || !f.all && !slices.Contains(rows, r.ID) {
			continue
		}
		p := parity{Row: r.ID}
		p.Cases, p.Deviation = r.Verified()
		if p.OK = p.Deviation <= paritySame; !p.OK {
			bad++
		}
		found.Parity = &p
	}
	cases := simulate.Only(simulate.Protocol(), rows...)
	if len(rows) == 1 && found.Parity != nil {
		cases = nil // it was that row alone
	}
	for i := range cases {
		c := &cases[i]
		o := f.options(c.Runs, c.EngineRuns)
		if o.Runs == 0 {
			continue
		}
		finish := f.progress(t.err, c.Scenario.Name, &o)
		report, results, err := c.Run(ctx, o)
		finish()
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Failed() {
				bad++
			}
		}
		found.Results, found.Reports = append(found.Results, results...), append(found.Reports, drawn{found.Command, commit(), report})
		if err := f.keep(found); err != nil {
			return err
		}
	}
	if err := f.write(t.out, found); err != nil {
		return err
	}
	if bad > 0 {
		return findings(exitFailure)
	}
	return nil
}

// keep writes what there is so far.
func (f *simulateFlags) keep(found *simulated) error {
	if f.save == "" {
		return nil
	}
	file, err := os.Create(f.save)
	if err != nil {
		return err
	}
	if err := writeIndented(file, found); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

// progress draws a bar on a terminal, and is silent elsewhere.
func (f *simulateFlags) progress(w io.Writer, name string, o *simulate.Options) (finish func()) {
	if f.quiet || !isTerminal(w) {
		return func() {}
	}
	var done atomic.Int64
	bar := pb.Full.New(o.Runs).Set("prefix", name+" ").SetWriter(w).SetRefreshRate(200 * time.Millisecond).Start()
	o.Progress = func() { bar.SetCurrent(done.Add(1)) }
	return func() { bar.Finish() }
}

// commandLine is how to get the same numbers again.
func commandLine(rows []string, f *simulateFlags) string {
	line := "tidemark simulate " + strings.Join(rows, " ")
	if f.all {
		line += "--all"
	}
	line += " --through " + f.through + " --seed " + strconv.FormatUint(f.seed, 10)
	if f.runs > 0 {
		line += " --runs " + strconv.Itoa(f.runs)
	}
	if f.engineRuns > 0 {
		line += " --engine-runs " + strconv.Itoa(f.engineRuns)
	}
	if f.first > 0 {
		line += " --first " + strconv.Itoa(f.first)
	}
	return line
}

func (f *simulateFlags) write(w io.Writer, found *simulated) error {
	switch f.output {
	case "json":
		return writeIndented(w, found)
	case "markdown":
		return found.markdown(w)
	}
	return found.table(w)
}

// table prints within 80 columns: a line for the scenario, one for each check.
func (s *simulated) table(w io.Writer) error {
	scenario := ""
	for i := range s.Results {
		r := &s.Results[i]
		if r.Scenario != scenario {
			scenario = r.Scenario
			fmt.Fprintf(w, "%s: %d runs\n", scenario, r.Runs)
		}
		rule := r.Rule
		if utf8.RuneCountInString(rule) > 20 {
			fmt.Fprintf(w, "      %s\n", rule)
			rule = ""
		}
		measure, _, _ := strings.Cut(r.Measure, "_")
		line := fmt.Sprintf("  %-3s %-20s %-8s %-17s %-17s ", r.Row, rule, measure, figure(r), r.String())
		if r.OK == nil {
			line = strings.TrimRight(line, " ") + "\n      " + verdict(r) + ": a rule that works could show as much"
		} else {
			line += verdict(r)
		}
		fmt.Fprintln(w, line)
		if r.Engine != nil && !*r.Equal {
			fmt.Fprintf(w, "      the engine: %d of %d runs decide otherwise\n", r.Engine.Unequal, r.Engine.Runs)
		}
	}
	for i := range s.Reports {
		if first := s.Reports[i].First; first != "" {
			fmt.Fprintf(w, "%s: the first inequality with the engine:\n  %s\n", s.Reports[i].Scenario, first)
		}
	}
	engine(w, s.Reports)
	if p := s.Parity; p != nil {
		fmt.Fprintf(w, "%s: %d boundaries as GrowthBook and Eppo write them, off by %.1e: %s\n", p.Row, p.Cases, p.Deviation, word(p.OK))
	}
	return nil
}

// engine sums up what went through the engine.
func engine(w io.Writer, reports []drawn) {
	runs, looks, unequal := 0, int64(0), 0
	for i := range reports {
		for j := range reports[i].Outcomes {
			if e := reports[i].Outcomes[j].Engine; e != nil {
				runs, looks = runs+e.Runs, looks+e.Looks
				unequal += reports[i].UnequalNumbers
				break
			}
		}
		for j := range reports[i].Outcomes {
			if e := reports[i].Outcomes[j].Engine; e != nil {
				unequal += e.Unequal
			}
		}
	}
	if runs > 0 {
		fmt.Fprintf(w, "through the engine: %d runs, %d looks, %d decided or counted otherwise\n", runs, looks, unequal)
	}
}

func (s *simulated) markdown(w io.Writer) error {
	fmt.Fprintln(w, "```console")
	for _, line := range s.commands() {
		fmt.Fprintf(w, "$ %s\n", line)
	}
	fmt.Fprintln(w, "```")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| row | scenario | rule | measure | runs | figure | asked | verdict | engine runs, looks | equal |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | ---: | ---: | --- | --- | ---: | --- |")
	for i := range s.Results {
		r := &s.Results[i]
		runs, equal := "–", "–"
		if r.Engine != nil {
			runs, equal = fmt.Sprintf("%d, %d", r.Engine.Runs, r.Engine.Looks), "no"
			if *r.Equal {
				equal = "yes"
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %d | %s | %s | %s | %s | %s |\n", r.Row, r.Scenario, r.Rule, strings.ReplaceAll(r.Measure, "_", " "), r.Runs, figure(r), r.String(), verdict(r), runs, equal)
	}
	if p := s.Parity; p != nil {
		fmt.Fprintf(w, "| %s | formulas | boundary | deviation | %d | %.1e | ≤ %.0e | %s | – | – |\n", p.Row, p.Cases, p.Deviation, paritySame, word(p.OK))
	}
	return nil
}

func figure(r *simulate.Result) string {
	switch r.Measure {
	case "median_stop", "p99_stop":
		return strconv.FormatFloat(r.Value, 'f', 0, 64)
	case "observed":
		return strconv.FormatFloat(r.Value, 'f', 4, 64)
	}
	return fmt.Sprintf("%.4f ± %.4f", r.Value, r.SE)
}

func verdict(r *simulate.Result) string {
	switch {
	case r.OK == nil:
		return "too few runs to tell"
	case r.MustFail && *r.OK:
		return "errs: ok"
	}
	return word(*r.OK)
}

func word(ok bool) string {
	if ok {
		return "ok"
	}
	return "OUTSIDE"
}
