package alert

import (
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// truth of a condition in one result.
type truth int

const (
	no truth = iota
	yes
	// unknown: the result does not decide it (collecting, unreliable, no data). It changes nothing: an alert that
	// fires must not be called resolved because its numbers became unreadable, nor fire because of them.
	unknown
)

// instance is one state machine and its record in the database.
type instance struct {
	Key
	Kind      notify.Kind `json:"kind"`
	Version   string      `json:"version"`   // of the rule that it runs under
	Direction string      `json:"direction"` // the condition's word
	Severity  string      `json:"severity"`
	Runbook   string      `json:"runbook,omitempty"`
	Receivers []string    `json:"receivers,omitempty"`

	State   State  `json:"state"`
	Reason  Reason `json:"reason,omitempty"`
	Episode int64  `json:"episode"` // number of times it has fired; never goes back, ids depend on it
	// Told: the firing message of this episode is in the outbox, so its end must be told too.
	Told       bool       `json:"told,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	FiredAt    *time.Time `json:"fired_at,omitempty"`
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`

	Summary string `json:"summary,omitempty"` // of the episode, as fired
	Value   string `json:"value,omitempty"`
	Limit   string `json:"limit,omitempty"`
}

// advance moves the machine by one observation at the instant at and says whether its state changed. blocked keeps a
// new episode from beginning (too few subjects); one that fires goes on.
func (in *instance) advance(t truth, at time.Time, hold time.Duration, blocked bool) bool {
	if t == unknown {
		return false
	}
	switch in.State {
	case Firing:
		if t == no {
			in.resolve(at, Cleared)
			return true
		}
	case Pending:
		if t == no || blocked {
			in.State, in.Reason, in.Since = Inactive, Cleared, nil
			return true
		}
		if at.Sub(*in.Since) >= hold {
			in.fire(at)
			return true
		}
	default: // Inactive, Resolved
		if t == no || blocked {
			return false
		}
		in.Since = &at
		if hold > 0 {
			in.State, in.Reason = Pending, Reason(in.Direction)
			return true
		}
		in.fire(at)
		return true
	}
	return false
}

func (in *instance) fire(at time.Time) {
	in.State, in.Reason, in.FiredAt, in.ResolvedAt = Firing, Reason(in.Direction), &at, nil
	in.Episode++
	in.Told = false
}

func (in *instance) resolve(at time.Time, why Reason) {
	in.State, in.Reason, in.ResolvedAt = Resolved, why, &at
}

// end closes the machine from outside: its rule, row or experiment is no more. It says whether the state changed.
func (in *instance) end(at time.Time, why Reason) bool {
	switch in.State {
	case Firing:
		in.resolve(at, why)
		return true
	case Pending:
		in.State, in.Reason, in.Since = Inactive, why, nil
		return true
	}
	return false
}
