package state

import (
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of a Store. The zero value works.
type Options struct {
	// FS is where the directory is. Default: the disk (vfs.Default).
	FS vfs.FS
	// Cache and FileCache are shared by the shards of a process. Default: a small one of its own.
	Cache     *pebble.Cache
	FileCache *pebble.FileCache
	// CacheSubjects is how many decoded subjects stay in memory between commits; one with many open events or large sets
	// counts as one a KiB. Default 50,000.
	CacheSubjects int
	// ResidentBytes bounds the table of all subjects, 16 bytes a slot, and their head rows that are kept in it as bytes, so that
	// they need not be read again. Default 128 MiB; below 0 there are no rows. The slots stay if they alone weigh more.
	ResidentBytes int64
	// IDBytes bounds the index of event ids in memory, 19 bytes an id at the least. Ids that it has no room for are kept with
	// their subjects, at more cost. Default 128 MiB; below 0 all are.
	IDBytes int64
	// MaxTail bounds the undecided events of one subject; beyond it the oldest are decided early and the subject's rows
	// are unreliable (open_limit). Default 65,536; negative: no bound.
	MaxTail int
	// RejectQuota bounds the bytes of rejected and late records kept per reason. Default 1 GiB.
	RejectQuota int64
	// RejectsCountOnly goes on counting when the quota is used up instead of refusing the batch: bytes are lost then.
	RejectsCountOnly bool
	// WAL turns Pebble's own log on. Default off: the log is Kafka, and Durable makes what is committed survive.
	WAL bool
	// VerifyLater skips the scan at Open that compares all rows with the digest; call DigestCheck and run it
	// in the background.
	VerifyLater bool
	// ReadOnly opens without writing, as inspect and verify do.
	ReadOnly bool
	// MemTableBytes of Pebble. Default 32 MiB.
	MemTableBytes uint64
	// Meanings are the canonical texts of the definitions (catalog.Set.Meanings): stored, to say later what changed.
	Meanings map[string]string
	// Logger and Events are Pebble's; state itself never logs. Default: silent.
	Logger pebble.Logger
	Events *pebble.EventListener
}
