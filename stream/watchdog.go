package stream

import (
	"fmt"
	"time"
)

// watchdog ends the engine when the disk does not answer. Pebble waits for ever on a full or hanging disk, inside a
// call that nothing can interrupt; so the deadline is kept outside of it.
type watchdog struct {
	deadline time.Duration
	fail     func(error)
}

// DeadlineError says that the disk did not answer in time; the process should end (exit 11).
type DeadlineError struct {
	Doing    string
	Deadline time.Duration
}

func (e *DeadlineError) Error() string {
	return fmt.Sprintf("stream: %s did not return within %s: the disk is full or does not answer", e.Doing, e.Deadline)
}

// guard starts a deadline that release ends.
func (w *watchdog) guard(doing string) (release func()) {
	t := time.AfterFunc(w.deadline, func() { w.fail(&DeadlineError{doing, w.deadline}) })
	return func() { t.Stop() }
}
