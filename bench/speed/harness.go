package speed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/bench/traffic"
)

// Options of the harness.
type Options struct {
	// Runs of each engine, in turns. Default 5, for a growth 3 and for paced scenarios 1.
	Runs int
	// Engines: tidemark, tidemark@FILE for another build of it, null, naive, or the name of a peer. Default: the scenario's.
	Engines []string
	// Peers is the folder of the peers. Default bench/peers.
	Peers string
	// Broker is kfake (default) or kafka.
	Broker string
	// Out is the folder for the reports. Default bench-results/SCENARIO-TIME.
	Out string
	// Cache is where filled topics are kept for the next run. Default: tidemark-bench in the user's cache folder.
	Cache string
	// Program is a built tidemark; default: built from this tree.
	Program string
	// Events overrides how many records, and with them how fast event time passes; Subjects how many subjects.
	Events, Subjects int64
	// Span overrides the event time that the log covers.
	Span time.Duration
	// Flags are added to those of `tidemark serve`.
	Flags []string
	// Seconds overrides how long paced scenarios measure.
	Seconds int
	// Axis restricts a growth to axes whose name contains it.
	Axis string
	// MostRecords leaves points of a growth out whose logs are longer, and says so. 0: none.
	MostRecords int64
	// Profile asks for a CPU profile of that length from the start of each of Tidemark's throughput runs, in Out. A run that
	// is shorter leaves none.
	Profile time.Duration
	// Command is what was typed, for the report.
	Command string
	// Say tells a person what is going on.
	Say func(format string, args ...any)
}

func (o Options) withDefaults(s Scenario) (Options, error) {
	if o.Runs == 0 {
		o.Runs = map[Kind]int{Throughput: 5, Growth: 3}[s.Kind]
	}
	o.Runs = max(1, o.Runs)
	if len(o.Engines) == 0 {
		o.Engines = s.Engines
	}
	if o.Peers == "" {
		o.Peers = filepath.Join("bench", "peers")
	}
	if o.Broker == "" {
		o.Broker = KFake
	}
	if o.Out == "" {
		o.Out = filepath.Join("bench-results", s.Name+"-"+time.Now().UTC().Format("20060102-150405"))
	}
	if o.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("speed: where to keep filled topics: %w; name a folder with --cache", err)
		}
		o.Cache = filepath.Join(dir, "tidemark-bench")
	}
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	return o, nil
}

// apply changes the scenario's size.
func (o Options) apply(s Scenario) Scenario {
	span := s.Shape.Span()
	if o.Subjects > 0 {
		if s.Shape.Preload {
			s.Shape.Events += o.Subjects - s.Shape.Subjects
		}
		s.Shape.Subjects = o.Subjects
	}
	if o.Events > 0 {
		s.Shape.Events = o.Events
	}
	if s.Kind == Throughput || s.Kind == Growth {
		s.Shape.Step = span / time.Duration(s.Shape.Events)
	}
	if o.Span > 0 {
		s.Shape.Step = o.Span / time.Duration(s.Shape.Events)
	}
	if o.Seconds > 0 {
		s.Measure = time.Duration(o.Seconds) * time.Second
		s.Settle = min(s.Settle, s.Measure)
	}
	s.Flags = append(slices.Clone(s.Flags), o.Flags...)
	return s
}

// harness is a run of the command.
type harness struct {
	Options
	program string
	answers answers
	report  *Report
	// unprepared peers, and why.
	unprepared map[string]error
}

// Run measures a scenario and writes its report. The report is written even if there is an error, with what there is.
func Run(ctx context.Context, s Scenario, opt Options) (_ *Report, err error) {
	if opt, err = opt.withDefaults(s); err != nil {
		return nil, err
	}
	s = opt.apply(s)
	if err := s.Shape.Validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Out, 0o755); err != nil {
		return nil, err
	}
	h := &harness{Options: opt, unprepared: map[string]error{}, report: &Report{Scenario: s, Command: opt.Command, Broker: opt.Broker, Date: time.Now().UTC(), Machine: thisMachine()}}
	work, err := os.MkdirTemp("", "tidemark-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if h.program, err = buildProgram(ctx, work, opt.Program); err != nil {
		return nil, err
	}
	h.report.Builds = map[string]string{"tidemark": versionOf(ctx, h.program)}
	for _, name := range opt.Engines {
		if program, ok := strings.CutPrefix(name, "tidemark@"); ok {
			h.report.Builds[name] = versionOf(ctx, program)
		}
		// A peer that can't be had fails in its turns, and keeps no other from being measured.
		if p := h.peer(name); p != nil {
			if err := p.prepare(ctx, h); err != nil {
				h.Say("%v", err)
				h.unprepared[name] = err
			}
		}
	}
	switch s.Kind {
	case Throughput:
		err = h.throughput(ctx, s, nil)
	case Latency:
		err = h.latency(ctx, s)
	case Restart:
		err = h.restart(ctx, s)
	case Refresh:
		err = h.refresh(ctx, s)
	case Growth:
		err = h.growth(ctx, s)
	default:
		err = fmt.Errorf("speed: scenario %s is of unknown kind %q", s.Name, s.Kind)
	}
	if now := time.Now().UTC(); err == nil {
		h.report.Finished = &now
	} else {
		h.report.Error = err.Error()
	}
	return h.report, errors.Join(err, h.report.write(opt.Out), h.report.verdict())
}

// throughput runs the engines in turns over the scenario's log. Samples go to the report, marked with the point if it is one
// of a growth.
func (h *harness) throughput(ctx context.Context, s Scenario, point *Point) error {
	peers := slices.ContainsFunc(h.Engines, func(name string) bool { return h.peer(name) != nil })
	log, err := openLog(ctx, h.Cache, h.Broker, s.Shape, peers, h.Say)
	if err != nil {
		return err
	}
	defer func() {
		if err := log.close(); err != nil {
			h.Say("the broker did not stop in order: %v", err)
		}
	}()
	h.Say("oracle …")
	began := time.Now()
	want := h.answers.cells(s.Shape, s.Shape.Events, s.Job, s.Job.Semantics())
	h.Say("oracle: %d cells in %s", len(want), time.Since(began).Round(time.Millisecond))
	for round := range h.Runs {
		for i := range h.Engines {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			name := h.Engines[(i+round)%len(h.Engines)] // another one is first in each round
			sample := Sample{Engine: name, Round: round + 1, Load: load(), Busy: busy(ctx), Began: time.Now().UTC(), Records: s.Shape.Events}
			if err := h.one(ctx, s, log, point, &sample); err != nil {
				sample.Error = err.Error()
			}
			h.Say("%s", sample.line())
			h.report.add(point, sample)
			if err := h.report.write(h.Out); err != nil { // what there is survives whatever comes
				return err
			}
		}
	}
	return nil
}

// one runs one engine once.
func (h *harness) one(ctx context.Context, s Scenario, log *filledLog, point *Point, sample *Sample) error {
	dir, err := os.MkdirTemp(filepath.Dir(log.dir), "run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if sample.Engine == "tidemark" {
		return h.tidemark(ctx, s, h.program, log, dir, point, sample)
	}
	if program, ok := strings.CutPrefix(sample.Engine, "tidemark@"); ok {
		return h.tidemark(ctx, s, program, log, dir, point, sample)
	}
	p := h.peer(sample.Engine)
	if p == nil {
		p = reference(sample.Engine)
	}
	if p == nil {
		return fmt.Errorf("speed: engine %q: want tidemark, tidemark@FILE, null, naive, or a folder of %s with a file named peer", sample.Engine, h.Peers)
	}
	if err := h.unprepared[sample.Engine]; err != nil {
		return err
	}
	return p.run(ctx, h, s, log, dir, sample)
}

// compare notes what is wrong with cells.
func (s *Sample) compare(want, got traffic.Cells) {
	s.Cells = len(want)
	const shown = 20
	wrong := want.Differences(got)
	if len(wrong) > shown {
		wrong = append(wrong[:shown], fmt.Sprintf("… and %d more", len(wrong)-shown))
	}
	s.Wrong = append(s.Wrong, wrong...)
}

// line is the sample for a person who watches.
func (s *Sample) line() string {
	if s.Error != "" {
		return fmt.Sprintf("%-14s round %d  FAILED: %s", s.Engine, s.Round, s.Error)
	}
	exact := "cells equal the oracle's"
	switch {
	case len(s.Wrong) > 0:
		exact = "WRONG: " + strings.Join(s.Wrong[:min(3, len(s.Wrong))], "; ")
	case s.Semantics == "":
		exact = "no cells"
	}
	return fmt.Sprintf("%-14s round %d  %9.0f events/s  %6.0f ns/event  broker %5.0f  RSS %5d MB  busy before %2.0f %%  %s", s.Engine, s.Round,
		perSecond(s.Records, s.Wall), perEvent(s.CPU, s.Records), perEvent(s.BrokerCPU, s.Records), s.RSS>>20, 100*s.Busy, exact)
}

// Fill fills the scenario's topics, hands over the environment that a peer would be run with, and waits for the end of ctx.
func Fill(ctx context.Context, s Scenario, opt Options, ready func(environment []string)) error {
	opt, err := opt.withDefaults(s)
	if err != nil {
		return err
	}
	s = opt.apply(s)
	log, err := openLog(ctx, opt.Cache, opt.Broker, s.Shape, true, opt.Say)
	if err != nil {
		return err
	}
	t := s.task(log)
	t.Own = "own-"
	ready(t.Environment())
	<-ctx.Done()
	return log.close()
}

// Answer is the oracle's cells of the scenario's log.
func Answer(s Scenario, opt Options, semantics traffic.Semantics) (traffic.Cells, error) {
	s = opt.apply(s)
	if err := s.Shape.Validate(); err != nil {
		return nil, err
	}
	var a answers
	return a.cells(s.Shape, s.Shape.Events, s.Job, semantics), nil
}
