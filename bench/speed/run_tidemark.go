package speed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/traffic"
)

// serve prepares a build of the program for a scenario.
func serve(s Scenario, program, addr, dir string) (*engine, error) {
	flags := s.Flags
	var env []string
	if s.MemoryMB > 0 {
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%dMiB", s.MemoryMB))
		if hasFlag(program, "memory") {
			flags = append(flags[:len(flags):len(flags)], fmt.Sprintf("--memory=%dMiB", s.MemoryMB))
		}
	}
	return newEngine(program, dir, addr, s.Shape, s.Job, flags, env)
}

// tidemark runs the program from the start of the log to its end.
func (h *harness) tidemark(ctx context.Context, s Scenario, program string, log *filledLog, dir string, point *Point, sample *Sample) (err error) {
	if _, err := log.admin.DeleteTopics(ctx, "tidemark.results"); err != nil {
		return err
	}
	e, err := serve(s, program, log.addr, dir)
	if err != nil {
		return err
	}
	brokerBefore := log.usage()
	begun := time.Now()
	if err := e.start(); err != nil {
		return err
	}
	defer func() {
		if e.cmd != nil {
			_, _ = e.stop(syscall.SIGKILL)
		}
	}()
	first, err := h.firstRecord(ctx, e)
	if err != nil {
		return err
	}
	sample.Start = first.Sub(begun).Nanoseconds()
	if h.Profile > 0 {
		go func() {
			file := filepath.Join(h.Out, fmt.Sprintf("%s-%s-%d.cpu.pprof", s.Name, filepath.Base(sample.Engine), sample.Round))
			if err := e.profile(ctx, h.Profile, file); err != nil {
				h.Say("no profile: %v", err)
			}
		}()
	}
	end, err := h.toTheEnd(ctx, e, s, log.Ends, sample)
	if err != nil {
		return err
	}
	usage, err := e.usage()
	if err != nil {
		return err
	}
	sample.Wall, sample.CPU, sample.BrokerCPU = end.Sub(first).Nanoseconds(), int64(usage.CPU), int64(log.usage().CPU-brokerBefore.CPU)
	sample.RSS, sample.Written = usage.Peak, usage.Written
	if sample.Loaded != nil {
		sample.Loaded.Wall = end.UnixNano() - sample.Loaded.Wall
		sample.Loaded.CPU = int64(usage.CPU) - sample.Loaded.CPU
	}
	if err := h.check(ctx, e, s, s.Shape.Events, point, sample); err != nil {
		return err
	}
	cpu, err := e.stop(os.Interrupt)
	if err != nil {
		return err
	}
	sample.WholeCPU = int64(cpu)
	sample.Disk, err = contract.DiskBytes(e.data())
	return err
}

// firstRecord waits until the program has applied a record and returns the last instant at which it had not.
func (h *harness) firstRecord(ctx context.Context, e *engine) (time.Time, error) {
	last := time.Now()
	for deadline := last.Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		at := time.Now()
		n, err := e.position(ctx)
		switch {
		case err == nil && n > 0:
			return last, nil
		case errors.As(err, new(halted)):
			return last, err
		case err == nil:
			last = at
		}
		if err := errors.Join(e.alive(), ctx.Err()); err != nil {
			return last, err
		}
		if at.After(deadline) {
			return last, fmt.Errorf("speed: tidemark applied no record in 2 minutes: %w", err)
		}
	}
}

// toTheEnd waits until the results stand on the whole log. It fails if nothing moves for two minutes.
func (h *harness) toTheEnd(ctx context.Context, e *engine, s Scenario, ends []int64, sample *Sample) (time.Time, error) {
	total := int64(0)
	for _, end := range ends {
		total += end
	}
	before, moved := int64(-1), time.Now()
	for {
		n, err := e.position(ctx)
		if errors.As(err, new(halted)) {
			return moved, err
		}
		at := time.Now()
		if err == nil && n != before {
			before, moved = n, at
		}
		if s.Shape.Preload && sample.Loaded == nil && n >= s.Shape.Subjects && n < total {
			usage, err := e.usage()
			if err != nil {
				return at, err
			}
			sample.Loaded = &Part{Records: total - n, Wall: at.UnixNano(), CPU: int64(usage.CPU)} // made differences at the end
		}
		if n >= total {
			done := true
			for _, id := range s.Job.ExperimentIDs() {
				ok, err := e.published(ctx, id, ends)
				if done = done && ok && err == nil; !done {
					break
				}
			}
			if done {
				return time.Now(), nil
			}
		}
		if err := errors.Join(e.alive(), ctx.Err()); err != nil {
			return at, err
		}
		if at.Sub(moved) > 2*time.Minute {
			return at, fmt.Errorf("speed: tidemark stands at record %d of %d for two minutes: %w", before, total, err)
		}
		wait := 50 * time.Millisecond
		if n >= total {
			wait = 5 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// check compares every experiment's cells with the oracle's over the first n records.
func (h *harness) check(ctx context.Context, e *engine, s Scenario, n int64, point *Point, sample *Sample) error {
	semantics := s.Job.Semantics()
	want := h.answers.cells(s.Shape, n, s.Job, semantics)
	sample.Semantics = string(semantics)
	names := traffic.Dimensions(s.Shape.Dimensions)[:s.Job.Dimensions]
	if len(names) > allDimensions {
		want = want.Keep(func(k traffic.Key) bool { return strings.Count(k.Slice, "=") <= someDimensions })
		sample.Notes = append(sample.Notes, fmt.Sprintf("compared: the groupings of at most %d dimensions", someDimensions))
	}
	for _, id := range s.Job.ExperimentIDs() {
		got, records, err := e.cells(ctx, id, names)
		if err != nil {
			return err
		}
		if records != n {
			sample.Wrong = append(sample.Wrong, fmt.Sprintf("%s: the ledger has %d records read, want %d", id, records, n))
		}
		if point != nil && point.Compared != nil {
			want, got = want.Keep(point.Compared), got.Keep(point.Compared)
		}
		sample.compare(want, got)
	}
	return nil
}
