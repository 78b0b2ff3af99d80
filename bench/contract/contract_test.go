package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTaskSurvivesTheEnvironment(t *testing.T) {
	want := Task{"127.0.0.1:9", "events", 8, 1 << 40, 50_000_000, 61 * time.Minute, 2, 6144, "/a", "/a b/c", "warm", 7, "own-", "/defs"}
	for _, v := range want.Environment() {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	got, err := FromEnvironment()
	if err != nil || got != want {
		t.Errorf("got %+v %v, want %+v", got, err, want)
	}
	t.Setenv("BENCH_EVENTS", "many")
	if _, err := FromEnvironment(); err == nil {
		t.Error("BENCH_EVENTS=many is accepted")
	}
}

func TestUsageSeesWorkAndMemory(t *testing.T) {
	before, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	began, x := CPU(), 0
	for CPU()-began < 100*time.Millisecond {
		for i := range block {
			block[i]++
			x += int(block[i])
		}
	}
	after, err := UsageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.CPU-before.CPU < 50*time.Millisecond || after.Peak < 64<<20 {
		t.Errorf("100 ms of work and 64 MiB show as %+v after %+v (%d)", after, before, x)
	}
}

func TestDiskBytesAddsUpAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := DiskBytes(dir); err != nil || n < 100_000 || n > 200_000 {
		t.Errorf("DiskBytes = %d, %v", n, err)
	}
}
