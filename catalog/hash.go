package catalog

import "encoding/hex"

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short is the first twelve digits, for people.
func (h Hash) Short() string { return h.String()[:12] }

// Hash identifies what the metric means: its own tree and the events that it reads.
func (m *Metric) Hash() Hash { return Hash{} }

// Hash identifies what the experiment means, without its metrics and slices.
func (e *Experiment) Hash() Hash { return Hash{} }

// Hash identifies everything the set means.
func (s *Set) Hash() Hash { return Hash{} }

// Meanings returns the canonical text of every definition that shapes results, by key ("metric/ARPU",
// "experiment/x", "experiment/x/metric/ARPU", "experiment/x/slice/platform"). It is what a state directory stores.
func (s *Set) Meanings() map[string]string { return nil }

// ChangeKind says what happened to a definition.
type ChangeKind string

const (
	Added    ChangeKind = "added"
	Removed  ChangeKind = "removed"
	Modified ChangeKind = "modified"
)

// DefinitionChange is one difference between two sets of meanings.
type DefinitionChange struct {
	Kind ChangeKind
	Key  string
	// Fields that differ, for a modified definition.
	Fields []FieldChange
	// Extends says that the change adds to an experiment that was already there: a metric or a slice. Nothing that
	// exists changes its meaning; the addition is built from the log beside the old.
	Extends bool
}

// FieldChange is one line of a canonical text that differs; empty where one side lacks it.
type FieldChange struct{ Path, Old, New string }

// Changed lists what differs between two results of Meanings, sorted by key.
func Changed(old, new map[string]string) []DefinitionChange { return nil }

// Explain returns the canonical form of a metric with its hash, for people who ask what moved it.
func Explain(s *Set, metric string) (string, error) { return "", nil }
