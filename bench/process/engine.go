// Package process runs the built program and brokers as processes of their own, for the tests that kill them or measure
// them from outside.
package process

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tidemark/tidemark/bench/client"
	"github.com/tidemark/tidemark/bench/ports"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

var (
	buildOnce sync.Once
	binary    string
	buildErr  error
)

// program builds the command once for all tests; TIDEMARK_PROGRAM names one that is built already.
func program(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		if binary = os.Getenv("TIDEMARK_PROGRAM"); binary != "" {
			return
		}
		dir, err := os.MkdirTemp("", "tidemark-kill-")
		if err != nil {
			buildErr = err
			return
		}
		binary = filepath.Join(dir, "tidemark")
		out, err := exec.Command("go", "build", "-o", binary, "github.com/tidemark/tidemark/cmd/tidemark").CombinedOutput()
		if err != nil {
			buildErr = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return binary
}

// Engine is the program as a process: started, killed, started again on the same data.
type Engine struct {
	// Env is added to the program's environment at the next Start.
	Env []string

	t                      testing.TB
	definitions, data, log string
	brokers, listen, admin string
	flags                  []string
	cmd                    *exec.Cmd
	exited                 chan error
}

// New prepares an engine with the YAML of its definitions; it is killed when the test ends.
func New(t testing.TB, definitions, brokers string, flags ...string) *Engine {
	t.Helper()
	dir := t.TempDir()
	e := &Engine{t: t, flags: flags, data: filepath.Join(dir, "data"), definitions: filepath.Join(dir, "definitions"), log: filepath.Join(dir, "engine.log"),
		brokers: brokers, listen: FreeAddress(t), admin: FreeAddress(t)}
	if err := os.MkdirAll(e.definitions, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(e.definitions, "workload.yaml"), []byte(definitions), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Kill()
		if t.Failed() {
			if text, err := os.ReadFile(e.log); err == nil {
				t.Logf("the engine's last words:\n%s", text[max(0, len(text)-4000):])
			}
		}
	})
	return e
}

// Start starts the program; it returns before the program serves.
func (e *Engine) Start() {
	e.t.Helper()
	log, err := os.OpenFile(e.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatal(err)
	}
	defer log.Close()
	args := append([]string{"serve", e.definitions, "--brokers", e.brokers, "--data", e.data, "--listen", e.listen, "--admin", e.admin}, e.flags...)
	e.cmd = exec.Command(program(e.t), args...)
	e.cmd.Env = append(os.Environ(), e.Env...)
	e.cmd.Stdout, e.cmd.Stderr = log, log
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.exited = make(chan error, 1)
	go func(c *exec.Cmd, exited chan error) { exited <- c.Wait() }(e.cmd, e.exited)
}

// Kill sends SIGKILL and reports whether the engine had been alive until then.
func (e *Engine) Kill() (alive bool) {
	if e.cmd == nil {
		return false
	}
	select {
	case err := <-e.exited:
		e.t.Errorf("the engine ended by itself: %v", err)
		e.cmd = nil
		return false
	default:
	}
	_ = e.cmd.Process.Kill()
	<-e.exited
	e.cmd = nil
	return true
}

// Get decodes the JSON at a path of the public address.
func (e *Engine) Get(path string, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	return client.JSON(ctx, e.URL(path), into)
}

// Results returns the experiments with all slices once the engine has read every partition to the given ends.
func (e *Engine) Results(ids []string, ends map[string]int64, within time.Duration) []*results.Result {
	e.t.Helper()
	deadline := time.Now().Add(within)
	for {
		list, err := e.caughtUp(ids, ends)
		if err == nil {
			return list
		}
		if time.Now().After(deadline) {
			var status stream.Status
			_ = e.Get("/api/v1/status", &status)
			text, _ := json.MarshalIndent(status, "", " ")
			e.t.Fatalf("not caught up after %s: %v\n%s", within, err, text)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// URL is the address of a path of the public server.
func (e *Engine) URL(path string) string { return "http://" + e.listen + path }

// Definitions is the folder of the definitions; files written there before Start belong to them.
func (e *Engine) Definitions() string { return e.definitions }

func (e *Engine) caughtUp(ids []string, ends map[string]int64) ([]*results.Result, error) {
	var list []*results.Result
	for _, id := range ids {
		r := new(results.Result)
		if err := e.Get("/api/v1/experiments/"+id+"/results?slices=all", r); err != nil {
			return nil, err
		}
		for partition, end := range ends {
			if r.Positions[partition] < end {
				return nil, fmt.Errorf("%s: %s is at %d of %d", id, partition, r.Positions[partition], end)
			}
		}
		list = append(list, r)
	}
	return list, nil
}

// FreeAddress is a loopback address on which nothing listens.
func FreeAddress(t testing.TB) string {
	t.Helper()
	port, err := ports.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}

// Died waits until the program has ended by itself; false if it still runs after that time.
func (e *Engine) Died(within time.Duration) bool {
	if e.cmd == nil {
		return true
	}
	select {
	case <-e.exited:
		e.cmd = nil
		return true
	case <-time.After(within):
		return false
	}
}

// Alive says whether the program runs.
func (e *Engine) Alive() bool { return e.cmd != nil && !e.Died(0) }
