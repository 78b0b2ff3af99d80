package process

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/tidemark/tidemark/bench/kafka"
	"github.com/tidemark/tidemark/bench/ports"
)

// Broker is a broker in a process of its own.
type Broker interface {
	Start() error
	Kill() error
	// Addr is host:port.
	Addr() string
}

type realBroker struct{ *kafka.Broker }

// Addr is host:port.
func (r realBroker) Addr() string { return r.Broker.Addr }

// RealKafka starts Apache Kafka, or skips the test where it is not to be had.
func RealKafka(t testing.TB) Broker {
	t.Helper()
	return realBroker{kafka.Start(t)}
}

// fakeBroker is kfake on disk in a process of its own, so that it can be killed.
type fakeBroker struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// FakeBroker starts kfake; the test's TestMain must call Main.
func FakeBroker(t testing.TB) Broker {
	t.Helper()
	port, err := ports.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeBroker{dir: t.TempDir(), port: port}
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Kill() })
	return f
}

func (f *fakeBroker) Addr() string { return "127.0.0.1:" + strconv.Itoa(f.port) }

const fakeBrokerEnv = "TIDEMARK_KILL_FAKE_BROKER"

func (f *fakeBroker) Start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	f.cmd = exec.Command(self)
	f.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d,%s", fakeBrokerEnv, f.port, f.dir))
	f.cmd.Stderr = os.Stderr
	if err := f.cmd.Start(); err != nil {
		return err
	}
	// A broker with a long log reads it before it listens.
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", f.Addr()); err == nil {
			c.Close()
			return nil
		}
	}
	return fmt.Errorf("the broker does not listen on %s", f.Addr())
}

func (f *fakeBroker) Kill() error {
	if f.cmd == nil {
		return nil
	}
	_ = f.cmd.Process.Kill()
	_ = f.cmd.Wait()
	f.cmd = nil
	return nil
}

// Main runs the tests, or becomes the broker when the environment says so.
func Main(m *testing.M) {
	how := os.Getenv(fakeBrokerEnv)
	if how == "" {
		os.Exit(m.Run())
	}
	portText, dir, _ := strings.Cut(how, ",")
	port, err := strconv.Atoi(portText)
	if err != nil {
		panic(err)
	}
	if _, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites()); err != nil {
		panic(err)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
}
