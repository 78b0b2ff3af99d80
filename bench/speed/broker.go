package speed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidemark/tidemark/bench/contract"
	"github.com/tidemark/tidemark/bench/kafka"
	"github.com/tidemark/tidemark/bench/ports"
)

// broker is a broker in a process of its own, with its log in a folder.
type broker struct {
	kind, addr string
	pid        int
	stop       func() error
}

// The kinds of brokers.
const (
	KFake = "kfake"
	Kafka = "kafka"
)

func startBroker(ctx context.Context, kind, dir string) (*broker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	switch kind {
	case KFake:
		return startFake(ctx, dir)
	case Kafka:
		k, err := kafka.New(dir)
		if err != nil {
			return nil, err
		}
		// A run that was killed leaves its broker, which is in a session of its own.
		if pid, err := k.PID(); err == nil && runs(pid, dir) {
			if err := k.Kill(); err != nil {
				return nil, err
			}
		}
		if err := k.Start(); err != nil {
			return nil, err
		}
		pid, err := k.PID()
		if err != nil {
			return nil, errors.Join(err, k.Kill())
		}
		return &broker{kind, k.Addr, pid, k.Stop}, nil
	}
	return nil, fmt.Errorf("speed: broker %q: want %s or %s", kind, KFake, Kafka)
}

// runs says whether the process is a broker on the folder.
func runs(pid int, dir string) bool {
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(command, []byte("kafka.Kafka")) && bytes.Contains(command, []byte(dir))
}

func startFake(ctx context.Context, dir string) (*broker, error) {
	port, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	cmd, stop, err := child("broker", dir, strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	b := &broker{KFake, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), cmd.Process.Pid, stop}
	// A broker with a long log reads it before it listens.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		connection, err := net.Dial("tcp", b.addr)
		if err == nil {
			return b, connection.Close()
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("speed: the broker does not listen on %s: %w", b.addr, err), stop())
		}
	}
}

// runBroker is the child's part of startFake: kfake on disk until standard input ends.
func runBroker(dir, port string) error {
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(n), kfake.DataDir(dir))
	if err != nil {
		return err
	}
	// Ctrl-C reaches the whole group; the broker goes when its parent has finished with it.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	_, err = io.Copy(io.Discard, os.Stdin)
	cluster.Close()
	return err
}

func (b *broker) usage() contract.Usage {
	u, err := contract.UsageOf(b.pid)
	if err != nil {
		return contract.Usage{}
	}
	return u
}

const childEnv = "TIDEMARK_BENCH_CHILD"

// Child runs this process as the one that the harness started it as, and says whether it did. The main function of whatever
// program uses the harness calls it first.
func Child() bool {
	role := os.Getenv(childEnv)
	if role == "" {
		return false
	}
	err := fmt.Errorf("speed: %s=%s: no such role", childEnv, role)
	switch role {
	case "broker":
		err = runBroker(os.Args[1], os.Args[2])
	case "null", "naive":
		err = runReference(role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// child starts this program in a role. It ends when stop is called, and also when this process dies, for then its standard
// input ends.
func child(role string, args ...string) (*exec.Cmd, func() error, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), childEnv+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	return cmd, func() error {
		in.Close()
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			return <-ended
		}
	}, nil
}
