package stream

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// How fresh a client's metadata is. The minimum also paces how soon a client notices a new leader.
const (
	kgoMetadataMinAge = 250 * time.Millisecond
	kgoMetadataMaxAge = 30 * time.Second
)

// clientLogger passes on what the Kafka client warns about. Its information is routine and comes one level lower.
type clientLogger struct{ log *slog.Logger }

func (l clientLogger) Level() kgo.LogLevel {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		return kgo.LogLevelInfo
	}
	return kgo.LogLevelWarn
}

func (l clientLogger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	to := slog.LevelDebug
	switch level {
	case kgo.LogLevelError, kgo.LogLevelWarn:
		// The client retries what it calls an error; the engine's own states say what lasts.
		to = slog.LevelWarn
		if strings.HasPrefix(msg, "received an OffsetCommitResponse after our group session has ended") {
			to = slog.LevelDebug // the engine has just left the group; its positions are in its own store
		}
	}
	l.log.Log(context.Background(), to, "kafka client: "+msg, append(keyvals, "component", "kafka")...)
}
