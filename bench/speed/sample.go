package speed

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidemark/tidemark/bench/contract"
)

// Sample is one run of one engine. Times are nanoseconds, sizes bytes.
type Sample struct {
	Engine string    `json:"engine"`
	Round  int       `json:"round"`
	Began  time.Time `json:"began"`
	// Load is the load average of one minute before the run, which has in it what the harness did until then. Busy is the
	// share of all cores at work in the second before the run, when nothing of the harness is: a machine that others use
	// makes a figure worthless.
	Load    float64 `json:"load_before"`
	Busy    float64 `json:"busy_before"`
	Records int64   `json:"records"`
	// Wall goes from the first record asked for to the result that stands on the last.
	Wall int64 `json:"wall_ns"`
	// CPU of the engine's process in that time; for Tidemark also what its start took.
	CPU int64 `json:"cpu_ns"`
	// WholeCPU is that of the process's whole life, with the last commits and everything it still owed its disk.
	WholeCPU  int64 `json:"whole_cpu_ns,omitempty"`
	BrokerCPU int64 `json:"broker_cpu_ns"`
	// Start is from the process's start to the first record.
	Start   int64 `json:"start_ns,omitempty"`
	RSS     int64 `json:"rss_bytes"`
	Disk    int64 `json:"disk_bytes"`
	Written int64 `json:"written_bytes"`
	// Loaded is the part of a preloaded log after the exposures.
	Loaded *Part `json:"loaded,omitempty"`
	// Semantics of the cells compared; empty: the engine computes none. Cells is how many the oracle has.
	Semantics string `json:"semantics,omitempty"`
	Cells     int    `json:"cells,omitempty"`
	// Wrong are differences from the oracle; Error is why there is no figure at all.
	Wrong []string `json:"wrong,omitempty"`
	Error string   `json:"error,omitempty"`
	// Group is what the harness saw of a peer's process group: all its life, JVM start and warm-up included.
	Group *Part `json:"group,omitempty"`
	// Measurements are the lines that a peer printed for parts of its run, such as one refresh.
	Measurements []contract.Report `json:"measurements,omitempty"`
	Notes        []string          `json:"notes,omitempty"`
	Extra        map[string]any    `json:"extra,omitempty"`
}

// Part is a part of a run, or another view of it.
type Part struct {
	Records int64 `json:"records,omitempty"`
	Wall    int64 `json:"wall_ns"`
	CPU     int64 `json:"cpu_ns"`
	RSS     int64 `json:"rss_bytes,omitempty"`
}

// Good says whether the sample may be in a median: it ran, and its cells are the oracle's.
func (s *Sample) Good() bool { return s.Error == "" && len(s.Wrong) == 0 }

func perSecond(records, wall int64) float64 { return float64(records) / (float64(wall) / 1e9) }
func perEvent(cpu, records int64) float64   { return float64(cpu) / float64(records) }

// Machine is what the figures were measured on.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemoryMB int64  `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
	Commit   string `json:"commit"`
	// Changed says that the tree had changes that are in no commit.
	Changed bool `json:"changed"`
}

func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Commit: "unknown"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		m.MemoryMB = int64(info.Totalram) * int64(info.Unit) >> 20
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if out, err := exec.Command("git", "rev-parse", "HEAD").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	if out, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output(); err == nil {
		m.Changed = len(out) > 0
	}
	return m
}

// load is the load average of one minute.
func load() float64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return float64(info.Loads[0]) / (1 << 16)
}

// busy watches the machine for a second and returns the share of all cores that worked, or were stolen by the host.
func busy(ctx context.Context) float64 {
	idle, all := processorTicks()
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	idle2, all2 := processorTicks()
	if all2 == all {
		return 0
	}
	return 1 - float64(idle2-idle)/float64(all2-all)
}

// processorTicks are the ticks that all processors idled or waited for a disk, and all their ticks, since the start.
func processorTicks() (idle, all int64) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	// cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user and nice already.
	for i, word := range strings.Fields(line) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || i > 8 {
			continue
		}
		all += n
		if i == 4 || i == 5 {
			idle += n
		}
	}
	return idle, all
}

// diskBytes are the bytes of the disk below dir that are free, and all.
func diskBytes(dir string) (free, total int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	return int64(fs.Bavail) * fs.Bsize, int64(fs.Blocks) * fs.Bsize, nil
}
