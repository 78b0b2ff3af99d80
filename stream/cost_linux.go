package stream

import (
	"syscall"
	"time"
)

// threadCPU is the processor time that the calling thread has used; false where the system does not say.
func threadCPU() (time.Duration, bool) {
	const thread = 1 // RUSAGE_THREAD, getrusage(2)
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
