package stream

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/stream/results"
)

// Options of an Engine. The zero value of every field works, except that Kafka sources need Brokers and a durable
// engine needs Dir.
type Options struct {
	// Dir is the data directory: one folder a shard, the engine's facts, the instance id. Empty: everything is kept in
	// memory and gone at the end.
	Dir string
	// FS is where Dir is. Default: the disk (vfs.Default), or memory when Dir is empty.
	FS vfs.FS

	// Brokers are the seed brokers, host:port.
	Brokers []string
	// TLS encrypts the connections to the brokers; nil: plain text.
	TLS *tls.Config
	// SASL authenticates at the brokers; nil: not at all.
	SASL *SASL
	// Client is appended to the options of every Kafka client: a dialer, a client id. It must not touch offsets,
	// groups or topics.
	Client []kgo.Opt
	// GroupPrefix starts the name of every consumer group and of the re-key topics. Default "tidemark".
	GroupPrefix string
	// InstanceID is the static member id. Default: drawn once and kept in Dir, so that a restart takes over its
	// partitions at once.
	InstanceID string
	// SessionTimeout after which the group gives a silent engine's shards away. Default 45 s.
	SessionTimeout time.Duration
	// Rekey shapes the topics of the re-key stage.
	Rekey RekeyOptions

	// Files overrides the files of sources by id, as --source ID=FILE does.
	Files map[string][]string
	// Shards is the number of shards of a subject type that is read from files only. Default 4.
	Shards int

	// BatchRows, BatchBytes and BatchEvery bound a micro-batch. Defaults 20,000 rows, 4 MiB, 50 ms; where Memory is less than its
	// default, so much less of these bounds and of the next two.
	BatchRows  int
	BatchBytes int64
	BatchEvery time.Duration
	// QueueBytes bounds what waits for one shard; beyond it the shard's partitions are paused. Default 8 MiB.
	QueueBytes int64
	// CommitEvery is how often a shard commits at least, if something changed. Default 1 s. It may be up to 5 s.
	CommitEvery time.Duration
	// DirtyBytes makes a shard commit earlier. Default 64 MiB.
	DirtyBytes int64
	// DurableEvery is how often what is committed is made durable on disk. Default 5 s.
	DurableEvery time.Duration
	// CommitDeadline is how long a commit may take before the engine gives up (exit 11). Default 30 s.
	CommitDeadline time.Duration
	// WatchEvery is how often topics and their log bounds are compared with the positions. Default 1 s.
	WatchEvery time.Duration
	// DaysEvery is how often the effects by the days since exposure are looked at, in the background. Default 15 min;
	// negative: only when asked.
	DaysEvery time.Duration
	// EvaluateEvery is the shortest time between two evaluations of one experiment. Default 50 ms; it is never less
	// than ten times what the last evaluation cost, nor than five times what all that were due together cost.
	EvaluateEvery time.Duration
	// Memory is what the shards' state plans to take in memory, in bytes; it takes less while there is less to keep. Default
	// 2 GiB.
	Memory int64
	// CacheBytes is the block cache that all shards share. Default: a tenth of Memory.
	CacheBytes int64
	// CacheSubjects is how many decoded subjects one shard keeps. Default: by Memory.
	CacheSubjects int

	// RejectQuota bounds the bytes of rejected and late records that a shard keeps per reason; a shard that has used it up
	// halts (HALTED_REJECTS). Default: state's own, 1 GiB.
	RejectQuota int64

	// StormWindow and StormShare: a Kafka partition is halted when more than StormShare of its last StormWindow
	// records were rejected. Defaults 10,000 and 0.2.
	StormWindow int
	StormShare  float64

	// DiskLow is the low-water mark: below the larger of DiskLowShare of the disk and DiskLow bytes the engine stops
	// fetching and goes on serving. Defaults 2 GiB and 0.05, DiskLow < 0 turns the watch off.
	DiskLow      int64
	DiskLowShare float64
	// FreeSpace tells the free and total bytes of the disk below dir. Default: asks FS.
	FreeSpace func(dir string) (free, total uint64, err error)

	// KeepOpen makes Run go on when every source is a file and has been read: the shards stay open and can be asked, as a
	// server wants it.
	KeepOpen bool

	// Rebuild builds a state whose definitions changed from the log, beside the old one.
	Rebuild bool

	// Facts are dated facts (tuned information, frozen ranges) by experiment and name (results.ResolveFacts), used where Dir has none, as
	// analyze --facts does. One that would not be used is an error.
	Facts map[string]map[string]results.Tuning

	// Logger gets what an operator should know. Default: slog.Default().
	Logger *slog.Logger
	// Now is the wall clock: dates of results and facts, freshness. It never decides about an event. Default time.Now.
	Now func() time.Time
	// Hooks are told what happens; stream/telemetry turns them into Prometheus metrics.
	Hooks Hooks
}

// SASL says who the engine is to the brokers.
type SASL struct {
	// Mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Mechanism string
	User      string
	// Password is read for every authentication, so that a secret file may change under a running engine.
	Password func() (string, error)
}

// RekeyOptions shape the topics that the re-key stage creates.
type RekeyOptions struct {
	// Partitions of a new re-key topic of a subject type without direct input. Default 8. With direct input it is
	// always that input's count.
	Partitions int32
	// Replication of a new re-key topic. Default: the broker's.
	Replication int16
	// Retention of a new re-key topic. Default: the broker's. A rebuild reaches back only as far as this.
	Retention time.Duration
}

// withDefaults returns the options with every default filled in.
func (o Options) withDefaults() Options {
	if o.FS == nil {
		if o.Dir == "" {
			o.FS = vfs.NewMem()
		} else {
			o.FS = vfs.Default
		}
	}
	if o.Dir == "" {
		o.Dir = "tidemark"
	}
	setString(&o.GroupPrefix, "tidemark")
	setNumber(&o.SessionTimeout, 45*time.Second)
	setNumber(&o.Rekey.Partitions, 8)
	if o.Rekey.Replication == 0 {
		o.Rekey.Replication = -1
	}
	setNumber(&o.Shards, 4)
	setNumber(&o.Memory, defaultMemory)
	setNumber(&o.BatchRows, int(scaled(20_000, 2_000, o.Memory)))
	setNumber(&o.BatchBytes, scaled(4<<20, 512<<10, o.Memory))
	setNumber(&o.BatchEvery, 50*time.Millisecond)
	setNumber(&o.QueueBytes, scaled(8<<20, 1<<20, o.Memory))
	setNumber(&o.CommitEvery, time.Second)
	setNumber(&o.DirtyBytes, scaled(64<<20, 1<<20, o.Memory))
	setNumber(&o.DurableEvery, 5*time.Second)
	setNumber(&o.CommitDeadline, 30*time.Second)
	setNumber(&o.WatchEvery, time.Second)
	setNumber(&o.DaysEvery, 15*time.Minute)
	setNumber(&o.EvaluateEvery, 50*time.Millisecond)
	setNumber(&o.CacheBytes, share(o.Memory, 1).blocks)
	setNumber(&o.StormWindow, 10_000)
	setNumber(&o.StormShare, 0.2)
	setNumber(&o.DiskLow, 2<<30)
	setNumber(&o.DiskLowShare, 0.05)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// validate names the first field that can't be used, its value and its bound.
func (o Options) validate() error {
	switch {
	case o.Shards < 1 || o.Shards > 1024:
		return fmt.Errorf("stream: Options.Shards is %d, must be 1 to 1024", o.Shards)
	case o.Memory < minMemory:
		return fmt.Errorf("stream: Options.Memory is %d bytes, must be at least %d", o.Memory, minMemory)
	case o.CommitEvery > 5*time.Second:
		return fmt.Errorf("stream: Options.CommitEvery is %s, must be at most 5s", o.CommitEvery)
	case o.StormShare <= 0 || o.StormShare > 1:
		return fmt.Errorf("stream: Options.StormShare is %g, must be over 0 and at most 1", o.StormShare)
	case o.Rekey.Partitions < 1 || o.Rekey.Partitions > 1024:
		return fmt.Errorf("stream: Options.Rekey.Partitions is %d, must be 1 to 1024", o.Rekey.Partitions)
	}
	if o.SASL != nil {
		switch o.SASL.Mechanism {
		case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
		default:
			return fmt.Errorf("stream: Options.SASL.Mechanism is %q, must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", o.SASL.Mechanism)
		}
	}
	return nil
}

func setString(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func setNumber[T ~int | ~int16 | ~int32 | ~int64 | ~float64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
