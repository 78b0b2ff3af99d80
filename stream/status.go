package stream

import "time"

// State of the engine or of one partition: a word an operator can search for.
type State string

const (
	// Starting: stores are being opened, groups joined.
	Starting State = "STARTING"
	// Waiting: a topic does not exist yet, or the brokers refuse this client; it goes on by itself.
	Waiting State = "WAITING"
	// Restoring: reading the log up to where it ended when the engine started.
	Restoring State = "RESTORING"
	// Running: caught up at least once.
	Running State = "RUNNING"
	// Done: a bounded input has been read to its end.
	Done State = "DONE"
	// Degraded: the brokers do not answer; it goes on by itself.
	Degraded State = "DEGRADED_KAFKA"
	// ReadOnlyDisk: the disk is below its low-water mark; fetching is paused and resumes by itself.
	ReadOnlyDisk State = "READ_ONLY_DISK"
	// HaltedGap: the log does not continue where the state ends: expired, truncated or recreated.
	HaltedGap State = "HALTED_GAP"
	// HaltedRekey: subjects are not in the partition that the state counts on.
	HaltedRekey State = "HALTED_REKEY"
	// HaltedCorrupt: the state, or a batch of the log, is damaged.
	HaltedCorrupt State = "HALTED_CORRUPT"
	// HaltedRejects: too large a share of the last records was rejected.
	HaltedRejects State = "HALTED_REJECTS"
)

// Halted says whether an operator must decide before the partition goes on.
func (s State) Halted() bool {
	switch s {
	case HaltedGap, HaltedRekey, HaltedCorrupt, HaltedRejects:
		return true
	}
	return false
}

// Status is what the engine is doing, for people and for probes.
type Status struct {
	State State `json:"state"`
	// Healthy: the process does its work or waits for something it can wait for. A halted partition is no reason to
	// restart it.
	Healthy bool `json:"healthy"`
	// Ready: every shard is open, caught up once, and no partition is halted.
	Ready bool `json:"ready"`
	// Reasons say why it is not ready, one sentence each.
	Reasons    []string          `json:"reasons,omitempty"`
	AsOf       time.Time         `json:"as_of"`
	Started    time.Time         `json:"started"`
	Watermark  *time.Time        `json:"watermark"`
	Partitions []PartitionStatus `json:"partitions"`
	Sources    []SourceStatus    `json:"sources"`
	Shards     []ShardStatus     `json:"shards"`
	Disk       DiskStatus        `json:"disk"`
	// Rebuild is set while a new generation of a state is built beside the old.
	Rebuild *RebuildStatus `json:"rebuild,omitempty"`
}

// PartitionStatus is one partition of one topic, or one file, as an input of one subject type.
type PartitionStatus struct {
	Source    string `json:"source"`
	Subject   string `json:"subject"`
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	File      string `json:"file,omitempty"`
	State     State  `json:"state"`
	// Position is the next offset or row; End is the log's end as last seen, -1 if unknown.
	Position   int64      `json:"position"`
	End        int64      `json:"end"`
	LagRecords int64      `json:"lag_records"`
	LagSeconds float64    `json:"lag_seconds"`
	Bound      *time.Time `json:"bound"` // b: the largest Kafka timestamp so far
	Halt       *Halt      `json:"halt,omitempty"`
}

// SourceStatus adds up one source's partitions.
type SourceStatus struct {
	ID         string  `json:"id"`
	Records    int64   `json:"records"`
	PerSecond  float64 `json:"per_second"`
	LagRecords int64   `json:"lag_records"`
	LagSeconds float64 `json:"lag_seconds"`
	Rejected   int64   `json:"rejected"`
	// Newest is the Kafka timestamp of the newest record read.
	Newest *time.Time `json:"newest"`
	// Storm: more of the last records were rejected than is safe (files only warn).
	Storm bool `json:"storm,omitempty"`
}

// ShardStatus is one shard.
type ShardStatus struct {
	Subject     string     `json:"subject"`
	Shard       int32      `json:"shard"`
	State       State      `json:"state"`
	Watermark   *time.Time `json:"watermark"`
	QueuedBytes int64      `json:"queued_bytes"`
	Committed   *time.Time `json:"committed"`
	Durable     *time.Time `json:"durable"`
	Subjects    int64      `json:"subjects"`
}

// DiskStatus is the room below the data directory.
type DiskStatus struct {
	Free     uint64 `json:"free"`
	Total    uint64 `json:"total"`
	LowWater uint64 `json:"low_water"`
	Low      bool   `json:"low"`
}

// RebuildStatus is how far a new generation has come.
type RebuildStatus struct {
	Subject  string  `json:"subject"`
	Progress float64 `json:"progress"` // 0 to 1 of the records that were in the log at the start
	// PartialSince is set when the log no longer reaches back to where the old generation began; such a generation is
	// never swapped in by itself.
	PartialSince *time.Time `json:"partial_since,omitempty"`
}
