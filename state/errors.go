package state

import (
	"errors"
	"fmt"
	"strings"
)

// ErrCorrupt marks a store whose bytes are damaged: a checksum, the digest or an invariant does not hold. The store is
// not usable; it is rebuilt from the log or restored from a checkpoint.
var ErrCorrupt = errors.New("state is damaged")

// ErrFormat marks a store written in a format that this build does not know.
var ErrFormat = errors.New("unknown state format")

// ErrRejectsFull marks an Apply that did nothing because the rejected records' quota is used up.
var ErrRejectsFull = errors.New("the quota of rejected records is used up")

// ErrClosed marks a call on a store that is closed, or that an earlier error made unusable.
var ErrClosed = errors.New("store is closed")

// DefinitionsChangedError says that the store was built from definitions that meant something else.
type DefinitionsChangedError struct {
	// Changes is one sentence a changed meaning, sorted.
	Changes []string
	// Meanings are the canonical texts that the store was built from, for catalog.Changed.
	Meanings map[string]string
}

func (e *DefinitionsChangedError) Error() string {
	return "state: definitions changed their meaning since this state was built: " + strings.Join(e.Changes, "; ")
}

// InputChangedError says that a topic is not the one that the store read before: recreated, or with another partition count.
type InputChangedError struct {
	Stored, Got InputName
}

func (e *InputChangedError) Error() string {
	what := "topic id"
	if e.Stored.TopicID == e.Got.TopicID {
		what = "partition count"
	}
	return fmt.Sprintf("state: %s of topic %q changed since it was read: %s, now %s",
		what, e.Stored.Topic, e.Stored.identity(), e.Got.identity())
}

func (n InputName) identity() string {
	return fmt.Sprintf("id %x with %d partitions", n.TopicID, n.Partitions)
}
