//go:build !linux

package stream

import "time"

// threadCPU is the processor time that the calling thread has used; false where the system does not say.
func threadCPU() (time.Duration, bool) { return 0, false }
