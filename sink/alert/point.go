package alert

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// Point is a place in a message's life at which a test may kill the process.
type Point string

const (
	// AfterCommit: state and outbox are durable, nothing is sent.
	AfterCommit Point = "after_commit"
	// BeforeSend: the message has been taken from the queue, the request has not begun.
	BeforeSend Point = "before_send"
	// AfterSend: the receiver has answered, its answer is not recorded.
	AfterSend Point = "after_send"
)

// pointVariable names a point and, after a colon, at which passage of it the process kills itself (default the
// first): TIDEMARK_ALERT_CRASH=after_send:3. Kill tests of the real binary set it; nothing else should.
const pointVariable = "TIDEMARK_ALERT_CRASH"

func pointFromEnvironment() func(Point) {
	text := os.Getenv(pointVariable)
	if text == "" {
		return func(Point) {}
	}
	name, count, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		n = 1
	}
	var passed atomic.Int64
	return func(p Point) {
		if string(p) == name && passed.Add(1) == n {
			killSelf()
		}
	}
}

// killSelf ends the process as SIGKILL does: nothing deferred runs, nothing is flushed.
func killSelf() {
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {}
}
