//go:build !linux

package stats

import "time"

var started = time.Now()

// threadTime stands for the CPU time of this thread where there is no way to ask for it.
func threadTime() time.Duration { return time.Since(started) }
