package alert

import (
	"time"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// State of an alert.
type State string

const (
	Inactive State = "inactive" // the condition does not hold
	Pending  State = "pending"  // it holds, but not yet for long enough
	Firing   State = "firing"
	Resolved State = "resolved" // it held and holds no more
)

// Reason says why an alert changed its state. While an alert fires it is the condition's own word.
type Reason string

const (
	Cleared           Reason = "cleared"            // the condition holds no more
	RowGone           Reason = "row_gone"           // the experiment's results have no such row any more
	RuleUpdated       Reason = "rule_updated"       // the rule means something else now; a new episode may follow
	RuleRemoved       Reason = "rule_removed"       // the catalog has no such alert any more
	ExperimentRemoved Reason = "experiment_removed" // nor such an experiment
	ExperimentStopped Reason = "experiment_stopped" // it was stopped: its numbers call for nothing any more
)

// Key names an alert: a rule of the catalog on one row of one experiment. Metric and Variant are empty for
// conditions on the whole experiment (srm, stale).
type Key struct {
	Rule       string `json:"rule"`
	Experiment string `json:"experiment"`
	Metric     string `json:"metric,omitempty"`
	Variant    string `json:"variant,omitempty"`
}

// Alert is where one alert stands, for the page, the API and the inspector.
type Alert struct {
	Key
	ID       string      `json:"id"` // of the current or last episode; firing and resolved messages share it
	Kind     notify.Kind `json:"kind"`
	Severity string      `json:"severity"`
	State    State       `json:"state"`
	Reason   Reason      `json:"reason,omitempty"`
	Episode  int64       `json:"episode"` // how often it has fired
	Summary  string      `json:"summary,omitempty"`
	Value    string      `json:"value,omitempty"` // in words: "+6.2%"
	Limit    string      `json:"limit,omitempty"`
	// Muted: it fires, but nobody was told, because the experiment's split is not the planned one.
	Muted bool `json:"muted,omitempty"`
	// Since is when the condition began to hold, FiredAt when it had held for long enough, ResolvedAt when it ended:
	// instants of results (as_of), not of looks.
	Since      *time.Time `json:"since,omitempty"`
	FiredAt    *time.Time `json:"fired_at,omitempty"`
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	Receivers  []string   `json:"receivers,omitempty"`
	Runbook    string     `json:"runbook,omitempty"`
	Deliveries []Delivery `json:"deliveries,omitempty"` // newest first
}

// Status of a delivery.
type Status string

const (
	Waiting   Status = "waiting"
	Delivered Status = "delivered"
	Dead      Status = "dead"
)

// Delivery is one message for one receiver.
type Delivery struct {
	ID         string            `json:"id"`
	Receiver   string            `json:"receiver"`
	Key        Key               `json:"alert"`
	Episode    int64             `json:"episode"`
	Transition notify.Transition `json:"transition"`
	Status     Status            `json:"status"`
	Reason     string            `json:"reason,omitempty"`  // of a dead letter
	Created    time.Time         `json:"created"`           // when the state changed, by the clock
	Queued     time.Time         `json:"queued"`            // the same, or when it was replayed: the schedule runs from here
	Settled    *time.Time        `json:"settled,omitempty"` // delivered or dead since
	NotBefore  time.Time         `json:"not_before"`        // of the next attempt
	Tries      int               `json:"tries"`
	Attempts   []notify.Attempt  `json:"attempts,omitempty"` // the last ones
	Seq        uint64            `json:"seq"`
	Body       []byte            `json:"-"` // filled by Manager.DeadLetters only
}

// Transition is one change of an alert's state.
type Transition struct {
	Seq     uint64    `json:"seq"`
	Key     Key       `json:"alert"`
	From    State     `json:"from"`
	To      State     `json:"to"`
	Reason  Reason    `json:"reason,omitempty"`
	Episode int64     `json:"episode"`
	At      time.Time `json:"at"` // as_of of the result; for stale rules the clock's instant
	Value   string    `json:"value,omitempty"`
	Limit   string    `json:"limit,omitempty"`
	Muted   bool      `json:"muted,omitempty"`
}

// Receiver is where one receiver stands.
type Receiver struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // slack, pagerduty, webhook
	Host        string    `json:"host"`
	Disabled    bool      `json:"disabled"`
	Reason      string    `json:"reason,omitempty"`
	Waiting     int       `json:"waiting"`
	Delivered   int64     `json:"delivered"` // since the manager was opened, as the other counters
	Failed      int64     `json:"failed"`
	Dead        int       `json:"dead"`
	PausedUntil time.Time `json:"paused_until,omitzero"` // it asked for a rest (Retry-After)
}

// Progress is how far the alerts of an experiment have seen its results.
type Progress struct {
	Experiment string           `json:"experiment"`
	AsOf       time.Time        `json:"as_of"`
	Positions  map[string]int64 `json:"positions"`
	// Behind names a partition in which the last observed result was behind Positions: it was not evaluated, and
	// results are not until they have caught up. Empty: alerts are current. See Manager.AcceptPositions.
	Behind string `json:"behind,omitempty"`
}
