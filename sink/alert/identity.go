package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/tidemark/tidemark/sink/alert/notify"
)

// identityVersion is hashed into every id. It never changes: an id that changed with a release would be a second
// message about the same thing.
const identityVersion = "tidemark-alert-1"

// EpisodeID names one episode of an alert: 32 hex digits, the beginning of a SHA-256 over what it is about. direction
// is the condition's word (crossed, near, better, worse, failed, stale).
func EpisodeID(k Key, direction string, episode int64) string {
	return digest(k, direction, episode, "")
}

// MessageID names the message about one transition of an episode. It has no dot, because Standard Webhooks signs
// "id.timestamp.body".
func MessageID(k Key, direction string, episode int64, t notify.Transition) string {
	return "evt_" + digest(k, direction, episode, string(t))
}

func digest(k Key, direction string, episode int64, transition string) string {
	h := sha256.New()
	var n [8]byte
	for _, field := range []string{identityVersion, k.Rule, k.Experiment, k.Metric, k.Variant, direction, transition} {
		// The length in front keeps ("ab", "c") and ("a", "bc") apart.
		binary.BigEndian.PutUint64(n[:], uint64(len(field)))
		h.Write(n[:])
		h.Write([]byte(field))
	}
	binary.BigEndian.PutUint64(n[:], uint64(episode))
	h.Write(n[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}
