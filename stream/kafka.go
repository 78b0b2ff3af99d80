package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// maxDecompressed bounds what one batch may unpack to; a larger one halts its partition instead of the process.
const maxDecompressed = 64 << 20

// clientOptions are what every Kafka client of the engine shares.
func (o *Options) clientOptions() ([]kgo.Opt, error) {
	if len(o.Brokers) == 0 {
		return nil, fmt.Errorf("stream: Options.Brokers is empty, but the definitions have Kafka sources: name at least one broker (host:port)")
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(o.Brokers...),
		kgo.ClientID("tidemark"),
		kgo.WithLogger(clientLogger{o.Logger}),
		kgo.MetadataMinAge(min(o.WatchEvery, kgoMetadataMinAge)),
		kgo.MetadataMaxAge(kgoMetadataMaxAge),
	}
	if o.TLS != nil {
		opts = append(opts, kgo.DialTLSConfig(o.TLS))
	}
	if o.SASL != nil {
		mechanism, err := o.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(mechanism))
	}
	return append(opts, o.Client...), nil
}

// ClientOptions reach the same brokers with the same credentials, for the other clients of the process: the topic that
// results are published to.
func (e *Engine) ClientOptions() ([]kgo.Opt, error) { return e.opt.clientOptions() }

func (s *SASL) mechanism() (sasl.Mechanism, error) {
	password := func() (string, error) {
		if s.Password == nil {
			return "", nil
		}
		return s.Password()
	}
	credentials := func(context.Context) (scram.Auth, error) {
		pass, err := password()
		return scram.Auth{User: s.User, Pass: pass}, err
	}
	switch s.Mechanism {
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := password()
			return plain.Auth{User: s.User, Pass: pass}, err
		}), nil
	case "SCRAM-SHA-256":
		return scram.Sha256(credentials), nil
	case "SCRAM-SHA-512":
		return scram.Sha512(credentials), nil
	}
	return nil, fmt.Errorf("stream: SASL mechanism %q is not known (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)", s.Mechanism)
}

// consumerOptions are what every fetching client shares. NoResetOffset is the point of them: by default the client
// goes on at the log's start or end when its position is gone, without an error, and events are lost or counted twice.
// Control records are kept (and skipped by the shard) because only they tell that a position at a transaction's
// marker is at the log's end.
func consumerOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumeStartOffset(kgo.NoResetOffset()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		// A broker is asked by one request at a time: a partition that starts or resumes waits until the one under way,
		// for the others, has come back. So one that catches up, and is paused whenever its shard's inbox is full, waits this long
		// each time once the others have nothing to read.
		kgo.FetchMaxWait(25 * time.Millisecond),
		kgo.FetchMaxBytes(16 << 20),
		kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.MaxDecompressBatchBytes(maxDecompressed),
	}
}
