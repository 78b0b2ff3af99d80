// Package kafka starts and stops the real Apache Kafka broker for tests, by kafka.sh beside it. A test that needs the
// broker skips, visibly, where Java or Maven are missing; with TIDEMARK_REQUIRE_KAFKA=1, as in CI, it fails instead.
package kafka

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemark/tidemark/bench/ports"
)

// Broker is one broker of its own on a loopback port.
type Broker struct {
	Addr string // host:port of the plaintext listener
	Dir  string // its log and configuration

	port int
}

// Start starts a broker on a free port; it is stopped and its folder removed when the test ends.
func Start(tb testing.TB) *Broker {
	tb.Helper()
	if out, err := script("fetch"); err != nil {
		if os.Getenv("TIDEMARK_REQUIRE_KAFKA") != "" {
			tb.Fatalf("the real broker is required here: %v\n%s", err, out)
		}
		tb.Skipf("the real Apache Kafka is not to be had here: %s", out)
	}
	port, err := ports.Free(2) // the broker's and its controller's
	if err != nil {
		tb.Fatal(err)
	}
	b := &Broker{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Dir: tb.TempDir(), port: port}
	if err := b.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Kill() })
	return b
}

// New prepares a broker in a folder, fetching the jars if need be; Start starts it. For programs that are no tests: what
// is in the folder stays, and whoever calls it stops the broker.
func New(dir string) (*Broker, error) {
	if err := run("fetch"); err != nil {
		return nil, err
	}
	port, err := ports.Free(2) // the broker's and its controller's
	if err != nil {
		return nil, err
	}
	return &Broker{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Dir: dir, port: port}, nil
}

// PID is the broker's process while it runs.
func (b *Broker) PID() (int, error) {
	text, err := os.ReadFile(filepath.Join(b.Dir, "pid"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// Start starts the broker again after Stop or Kill and returns when it listens.
func (b *Broker) Start() error { return run("start", b.Dir, strconv.Itoa(b.port)) }

// Stop stops the broker in order.
func (b *Broker) Stop() error { return run("stop", b.Dir) }

// Kill stops the broker with SIGKILL.
func (b *Broker) Kill() error { return run("kill", b.Dir) }

func run(args ...string) error {
	if out, err := script(args...); err != nil {
		return fmt.Errorf("kafka: %v: %w\n%s", args, err, out)
	}
	return nil
}

func script(args ...string) ([]byte, error) {
	_, file, _, _ := runtime.Caller(0)
	// The broker keeps the script's output files; the pipe must not be inherited, so output goes to a file.
	out, err := os.CreateTemp("", "tidemark-kafka-*.log")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd := exec.Command("bash", append([]string{filepath.Join(filepath.Dir(file), "kafka.sh")}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	return text, err
}
