package speed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/naive"
	"github.com/tidemark/tidemark/bench/null"
	"github.com/tidemark/tidemark/bench/traffic"
)

// peer is an engine under the contract of command bench's doc.
type peer struct {
	name, dir string
	command   []string // followed by prepare, run or describe
	env       []string
}

// peer finds a peer by name; nil if there is none.
func (h *harness) peer(name string) *peer {
	dir, err := filepath.Abs(filepath.Join(h.Peers, name))
	if err != nil || reference(name) != nil || name == "tidemark" {
		return nil
	}
	path := filepath.Join(dir, "peer")
	if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
		return nil
	}
	return &peer{name: name, dir: dir, command: []string{path}}
}

// reference is one of the engines in this program.
func reference(name string) *peer {
	self, err := os.Executable()
	if err != nil || name != "null" && name != "naive" {
		return nil
	}
	return &peer{name: name, command: []string{self}, env: []string{childEnv + "=" + name}}
}

// runReference is the child's part of a reference engine.
func runReference(name string) error {
	t, err := contract.FromEnvironment()
	if err != nil {
		return err
	}
	run := map[string]func(context.Context, contract.Task) (contract.Report, error){"null": null.Run, "naive": naive.Run}[name]
	r, err := run(context.Background(), t)
	return errors.Join(err, r.Print())
}

// prepare builds the peer and keeps its description in the report's folder.
func (p *peer) prepare(ctx context.Context, h *harness) error {
	h.Say("preparing %s …", p.name)
	cmd := exec.CommandContext(ctx, p.command[0], "prepare")
	cmd.Dir = p.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("speed: prepare %s: %w\n%s", p.name, err, out[max(0, len(out)-4000):])
	}
	cmd = exec.CommandContext(ctx, p.command[0], "describe")
	cmd.Dir = p.dir
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("speed: describe %s: %w", p.name, err)
	}
	return os.WriteFile(filepath.Join(h.Out, "peer-"+p.name+".txt"), out, 0o644)
}

// task is what the scenario asks of a peer, without the folders of a run.
func (s Scenario) task(log *filledLog) contract.Task {
	t := contract.Task{Brokers: log.addr, Topic: topic, Partitions: int(s.Shape.Partitions), Events: s.Shape.Events, Subjects: s.Shape.Subjects,
		Lateness: s.Shape.Lateness, Cores: 2, MemoryMB: 6144}
	if log.Warm > 0 {
		t.Warm, t.WarmEvents = warm, log.Warm
	}
	if s.MemoryMB > 0 {
		t.MemoryMB = s.MemoryMB
	}
	return t
}

// run runs the peer once and reads its line and cells.
func (p *peer) run(ctx context.Context, h *harness, s Scenario, log *filledLog, dir string, sample *Sample) error {
	scratch, definitions := filepath.Join(dir, "state"), filepath.Join(dir, "definitions")
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return err
	}
	if err := writeDefinitions(definitions, s.Shape, s.Job); err != nil {
		return err
	}
	task := s.task(log)
	task.Dir, task.Cells, task.Definitions = scratch, filepath.Join(dir, "cells.ndjson"), definitions
	task.Own = fmt.Sprintf("own-%s-%d-", p.name, time.Now().UnixNano())
	brokerBefore, began := log.usage(), time.Now()
	lines, group, err := p.execute(ctx, h, append(p.env, task.Environment()...), sample)
	if err != nil {
		return err
	}
	group.Wall = time.Since(began).Nanoseconds()
	sample.Group = group
	sample.BrokerCPU = int64(log.usage().CPU - brokerBefore.CPU)
	var last contract.Report
	for _, text := range lines {
		var r contract.Report
		if err := json.Unmarshal(text, &r); err != nil || r.Peer == "" {
			continue // a line of its log
		}
		if r.Measurement != "" {
			sample.Measurements = append(sample.Measurements, r)
		}
		last = r
	}
	if last.Peer == "" {
		return fmt.Errorf("speed: %s printed no line of JSON with its name as peer", p.name)
	}
	sample.Wall, sample.CPU, sample.RSS, sample.Disk, sample.Written = last.WallNS, last.CPUNS, last.RSS, last.Disk, last.Written
	sample.Semantics, sample.Notes = last.Semantics, last.Notes
	sample.Extra = last.Extra
	if last.Events != s.Shape.Events {
		sample.Wrong = append(sample.Wrong, fmt.Sprintf("%d records consumed, want %d", last.Events, s.Shape.Events))
	}
	if last.WallNS <= 0 || last.CPUNS <= 0 {
		return fmt.Errorf("speed: %s reports wall_ns %d and cpu_ns %d, both must be over 0", p.name, last.WallNS, last.CPUNS)
	}
	if last.Semantics == "" {
		return nil
	}
	semantics, err := traffic.ParseSemantics(last.Semantics)
	if err != nil {
		return err
	}
	file, err := os.Open(task.Cells)
	if err != nil {
		return err
	}
	defer file.Close()
	got, err := traffic.Read(file, traffic.Dimensions(3))
	if err != nil {
		return err
	}
	job := traffic.TheJob()
	sample.compare(h.answers.cells(s.Shape, s.Shape.Events, job, semantics), got)
	return nil
}

// execute runs the process in a group of its own, samples the group, and returns the lines of its output.
func (p *peer) execute(ctx context.Context, h *harness, env []string, sample *Sample) ([][]byte, *Part, error) {
	cmd := exec.Command(p.command[0], "run")
	cmd.Dir, cmd.Env = p.dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out, errors2 bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors2
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	group, deadline := &Part{}, time.Now().Add(2*time.Hour)
	var err error
	for running := true; running; {
		select {
		case err = <-ended:
			running = false
		case <-ctx.Done():
			running, err = false, p.end(cmd.Process.Pid, ended, ctx.Err())
		case <-time.After(200 * time.Millisecond):
			if u, err := contract.GroupUsage(cmd.Process.Pid); err == nil {
				group.RSS, group.CPU = max(group.RSS, u.Peak), max(group.CPU, int64(u.CPU))
			}
			if time.Now().After(deadline) {
				running, err = false, p.end(cmd.Process.Pid, ended, fmt.Errorf("not done after two hours"))
			}
		}
	}
	// Whatever the peer left running must not disturb the next engine.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	if cmd.ProcessState != nil {
		group.CPU = max(group.CPU, int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
	}
	log := filepath.Join(h.Out, fmt.Sprintf("log-%s-%d.txt", p.name, sample.Round))
	if e := os.WriteFile(log, append(errors2.Bytes(), out.Bytes()...), 0o644); e != nil {
		return nil, nil, e
	}
	if err != nil {
		text := strings.TrimSpace(errors2.String())
		return nil, nil, fmt.Errorf("speed: %s: %w; its last words (more in %s):\n%s", p.name, err, log, text[max(0, len(text)-1500):])
	}
	return bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n")), group, nil
}

// end asks the group to stop, and makes it.
func (p *peer) end(pid int, ended chan error, why error) error {
	_ = syscall.Kill(-pid, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-pid, syscall.SIGKILL)
		<-ended
	}
	return why
}
