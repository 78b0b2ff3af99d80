package speed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tidemark/tidemark/bench/client"
	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/ports"
	"github.com/tidemark/tidemark/bench/traffic"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// buildProgram builds the program as `make build` does, or takes one that is named.
func buildProgram(ctx context.Context, dir, named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	path := filepath.Join(dir, "tidemark")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=auto", "-trimpath", "-o", path, "github.com/tidemark/tidemark/cmd/tidemark")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("speed: build the program: %w\n%s", err, out)
	}
	return path, nil
}

// versionOf is what a build says of itself, on one line.
func versionOf(ctx context.Context, program string) string {
	out, err := exec.CommandContext(ctx, program, "version").Output()
	if err != nil {
		return "unknown: " + err.Error()
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

// engine is the program serving a job from a broker.
type engine struct {
	program, dir, listen, admin string
	brokers                     string
	flags, env                  []string
	cmd                         *exec.Cmd
	exited                      chan error
}

// newEngine writes the definitions below dir; start starts it.
func newEngine(program, dir, brokers string, shape traffic.Shape, job traffic.Job, flags, env []string) (*engine, error) {
	e := &engine{program: program, dir: dir, brokers: brokers, flags: flags, env: env}
	for _, address := range []*string{&e.listen, &e.admin} {
		port, err := ports.Free(1)
		if err != nil {
			return nil, err
		}
		*address = fmt.Sprintf("127.0.0.1:%d", port)
	}
	if err := writeDefinitions(e.definitions(), shape, job); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(e.data(), 0o700); err != nil {
		return nil, err
	}
	// The broker remembers the static member of the run before for 45 s; a member of the same name takes its place at once.
	return e, os.WriteFile(filepath.Join(e.data(), "instance-id"), []byte("tidemark-bench\n"), 0o600)
}

func writeDefinitions(dir string, shape traffic.Shape, job traffic.Job) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bench.yaml"), []byte(job.Definitions(shape, topic)), 0o600)
}

func (e *engine) definitions() string { return filepath.Join(e.dir, "definitions") }
func (e *engine) data() string        { return filepath.Join(e.dir, "data") }

func (e *engine) start() error {
	log, err := os.OpenFile(filepath.Join(e.dir, "engine.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	e.cmd = exec.Command(e.program, append([]string{"serve", e.definitions(), "--brokers", e.brokers, "--data", e.data(), "--listen", e.listen, "--admin", e.admin}, e.flags...)...)
	e.cmd.Env = append(os.Environ(), e.env...)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		return err
	}
	e.exited = make(chan error, 1)
	go func(cmd *exec.Cmd, exited chan error) { exited <- cmd.Wait() }(e.cmd, e.exited)
	return nil
}

// alive is nil while the program runs, else what its log ends with.
func (e *engine) alive() error {
	select {
	case err := <-e.exited:
		e.exited <- err
		text, _ := os.ReadFile(filepath.Join(e.dir, "engine.log"))
		return fmt.Errorf("speed: tidemark ended by itself: %w\n%s", err, text[max(0, len(text)-2000):])
	default:
		return nil
	}
}

// stop sends a signal and waits; the CPU is that of the whole life of the process.
func (e *engine) stop(signal os.Signal) (time.Duration, error) {
	if e.cmd == nil {
		return 0, nil
	}
	_ = e.cmd.Process.Signal(signal)
	var err error
	select {
	case err = <-e.exited:
	case <-time.After(time.Minute):
		_ = e.cmd.Process.Kill()
		err = errors.Join(<-e.exited, fmt.Errorf("speed: tidemark did not stop within a minute"))
	}
	if signal == syscall.SIGKILL {
		err = nil
	}
	cpu := e.cmd.ProcessState.UserTime() + e.cmd.ProcessState.SystemTime()
	e.cmd = nil
	return cpu, err
}

func (e *engine) usage() (contract.Usage, error) { return contract.UsageOf(e.cmd.Process.Pid) }

// get decodes what a path of the public address answers.
func (e *engine) get(ctx context.Context, path string, into any) error {
	limited, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	return client.JSON(limited, "http://"+e.listen+path, into)
}

// position is how many records the shards have applied, and an error if one is halted.
func (e *engine) position(ctx context.Context) (int64, error) {
	var status stream.Status
	if err := e.get(ctx, "/api/v1/status", &status); err != nil {
		return 0, err
	}
	sum := int64(0)
	for _, p := range status.Partitions {
		if p.State.Halted() {
			return 0, halted{fmt.Errorf("speed: %s/%d is %s: %+v", p.Topic, p.Partition, p.State, p.Halt)}
		}
		sum += max(0, p.Position)
	}
	return sum, nil
}

// halted is an error that waiting does not mend.
type halted struct{ error }

// published says whether the experiment's result stands on all records before the ends.
func (e *engine) published(ctx context.Context, experiment string, ends []int64) (bool, error) {
	var r results.Result
	if err := e.get(ctx, "/api/v1/experiments/"+experiment+"/results?slices=none", &r); err != nil {
		return false, err
	}
	return lag(r.Positions, ends) == 0, nil
}

// lag is how many records before the ends the positions of a result leave out.
func lag(positions map[string]int64, ends []int64) (sum int64) {
	for partition, end := range ends {
		sum += max(0, end-positions[fmt.Sprintf("%s/%d", topic, partition)])
	}
	return sum
}

// Beyond allDimensions the API's bound
// on an evaluation's time is too short for all groupings at once, so they are asked for by three dimensions.
const (
	allDimensions  = 5
	someDimensions = 3
)

// groupings are the values of the API's parameter slices that together give the cells to compare.
func groupings(dimensions []string) []string {
	if len(dimensions) <= allDimensions {
		return []string{"all"}
	}
	var out []string
	for mask := range 1 << len(dimensions) {
		if bits.OnesCount(uint(mask)) != someDimensions {
			continue
		}
		var names []string
		for d, name := range dimensions {
			if mask>>d&1 == 1 {
				names = append(names, name)
			}
		}
		out = append(out, strings.Join(names, ","))
	}
	return out
}

// cells are the experiment's published cells of the groupings; records is what its ledger says was read.
func (e *engine) cells(ctx context.Context, experiment string, dimensions []string) (cells traffic.Cells, records int64, err error) {
	cells = traffic.Cells{}
	for _, which := range groupings(dimensions) {
		var r results.Result
		if err := e.patiently(ctx, "/api/v1/experiments/"+experiment+"/results?slices="+which, &r); err != nil {
			return nil, 0, err
		}
		if err := addRows(cells, r.Rows, dimensions); err != nil {
			return nil, 0, err
		}
		records = r.Ledger.Records["shop"].Read
	}
	return cells, records, nil
}

// patiently is get for an evaluation on request, which on a busy machine may take longer than the API waits: what it has done
// by then it need not do again.
func (e *engine) patiently(ctx context.Context, path string, into any) error {
	for try := 0; ; try++ {
		err := e.get(ctx, path, into)
		if err == nil || try == 5 || !strings.Contains(err.Error(), "503 Service Unavailable") {
			return err
		}
	}
}

// addRows adds the arms of rows to cells.
func addRows(cells traffic.Cells, rows []results.Row, dimensions []string) error {
	for _, row := range rows {
		slice, err := traffic.Slice(dimensions, row.Slice)
		if err != nil {
			return err
		}
		for variant, arm := range row.ByVariant {
			c := &traffic.Cell{N: arm.N}
			for _, sum := range []struct {
				to   *traffic.Sum
				text string
			}{{&c.X, arm.SumNum}, {&c.Y, arm.SumDen}, {&c.XX, arm.SumNum2}, {&c.YY, arm.SumDen2}, {&c.XY, arm.SumNumDen}} {
				if *sum.to, err = parseSum(sum.text); err != nil {
					return err
				}
			}
			cells[traffic.Key{Variant: variant, Slice: slice, Metric: row.Metric}] = c
		}
	}
	return nil
}

func parseSum(text string) (traffic.Sum, error) {
	if text == "" {
		return traffic.Sum{}, nil
	}
	v, ok := new(big.Int).SetString(text, 10)
	if !ok || v.Sign() < 0 || v.BitLen() > 128 {
		return traffic.Sum{}, fmt.Errorf("speed: sum %q: want a natural number below 2¹²⁸", text)
	}
	var b [16]byte
	v.FillBytes(b[:])
	return traffic.Sum{Hi: binary.BigEndian.Uint64(b[:8]), Lo: binary.BigEndian.Uint64(b[8:])}, nil
}

// profile takes a CPU profile of that length from the admin port.
func (e *engine) profile(ctx context.Context, length time.Duration, file string) error {
	text, err := client.Read(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", e.admin, int(length.Seconds())))
	if err != nil {
		return fmt.Errorf("speed: profile: %w", err)
	}
	return os.WriteFile(file, text, 0o600)
}

// flag says whether the program's serve knows a flag.
func hasFlag(program, name string) bool {
	out, _ := exec.Command(program, "serve", "--help").CombinedOutput()
	return strings.Contains(string(out), "--"+name+" ")
}
