package stats

import (
	"syscall"
	"time"
)

// threadTime returns the CPU time that this thread has used: what a busy neighbour takes is not in it.
func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
