package stream

import (
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// feedKind is how a source reaches the shards.
type feedKind uint8

const (
	directFeed feedKind = iota // a topic keyed by the subject
	rekeyFeed                  // the engine's own topic, filled by the re-key stage
	fileFeed                   // a file, split by the pass that reads it
)

// route is one way into a subject type, the same for all of its shards: a direct topic, a re-key topic or a file.
type route struct {
	kind   feedKind
	source int // index into Plan.Sources
	topic  string
	info   topicInfo
	file   inputFile
	index  int // of the file in its source
	// rekey fills a re-key topic from the source's topics, described in sources.
	rekey   *rekeySource
	sources map[string]topicInfo
}

// feed is a route into one shard. It belongs to the shard's goroutine.
type feed struct {
	*route
	tp topicPartition
	// input is the shard's number for what is read here: the topic's partition or the file.
	input   state.Input
	decoder *decode.Decoder
	header  bool // a CSV file's header has been given to the decoder
	next    int64
	epoch   int32
	bound   int64
	clock   int // index into shard.clock; -1 for a re-key feed, whose sources have their own
	storm   *storm
	storms  int
	// inputs of a re-key feed, by source partition.
	inputs map[topicPartition]*sourceInput

	halt *Halt
	// suspect is what it is halted with if the watch finds nothing else.
	suspect *Halt
	ended   bool // a file has been applied to its end
	// incarnation counts how often the offsets began to mean other records; renamed: they did, and nobody has accepted it.
	incarnation int
	renamed     bool
	// generation changes whenever the feed is moved, so that what was read before is dropped.
	generation uint64
	reading    bool // the fetcher reads it
	end        int64
	records    int64 // read since the engine started
	newest     int64 // Kafka timestamp of the newest record
	told       int64 // newest when the delay was told
}

// sourceInput is a source partition as it arrives through a re-key feed: what was seen of it up to next is skipped.
type sourceInput struct {
	tp    topicPartition // as the brokers call it
	input state.Input
	next  int64
	bound int64
	clock int
	// incarnation of the partition: with each, its offsets began to mean other records.
	incarnation int
}
