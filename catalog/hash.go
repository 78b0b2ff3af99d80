package catalog

import (
	"crypto/sha256"
	"encoding/hex"
)

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Short is the first twelve digits, for people.
func (h Hash) Short() string { return h.String()[:12] }

// hashOf hashes a canonical text. The first line of every text names its kind and the version of the form, so no two
// kinds can meet in one hash and a change of the form changes every hash.
func hashOf(canonical string) Hash { return sha256.Sum256([]byte(canonical)) }

// Hash identifies what the metric means: its own tree and what it reads of its events.
func (m *Metric) Hash() Hash {
	if m.hash != (Hash{}) {
		return m.hash
	}
	return hashOf(m.canonical())
}

// Hash identifies what the experiment means, without its metrics and slices: those may be added at any time.
func (e *Experiment) Hash() Hash {
	if e.hash != (Hash{}) {
		return e.hash
	}
	return hashOf(e.canonical())
}

// Hash identifies everything that the active experiments of the set mean.
func (s *Set) Hash() Hash {
	w := newCanonical("set")
	meanings := s.Meanings()
	for _, key := range sortedKeys(meanings) {
		w.line(key, hashOf(meanings[key]).String())
	}
	return hashOf(w.String())
}
