package stream

import (
	"fmt"
	"time"
)

// Halt says why one partition stands still and what an operator can do. The others go on.
type Halt struct {
	State State `json:"state"`
	// From is the next offset the state wants, To the next one that the log can give; -1 where there is none.
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Reason string `json:"reason"` // one sentence: what does not fit
	Remedy string `json:"remedy"` // one sentence: what to do
	Since  time.Time
	// Acceptable says that Accept may resolve it; otherwise only a rebuild does.
	Acceptable bool `json:"acceptable"`
}

func (h *Halt) Error() string {
	return fmt.Sprintf("%s: %s; %s", h.State, h.Reason, h.Remedy)
}
