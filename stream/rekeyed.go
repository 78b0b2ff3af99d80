package stream

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A record of a re-key topic is a copy of a source's record: its key is a subject of the shard, its value the original
// bytes. Where it came from is in the header headerFrom, as text, so that any Kafka tool can show it:
//
//	1 <topic> <partition> <offset> <timestamp µs> <b µs> <previous offset> <kind>
//
// The first field is the format's version. Previous is the offset of the copy before it that was sent from the same
// source partition to the same shard, -1 for the first one after the stage was started: a copy whose predecessor is
// missing is not taken, for the stage will send both again. Kind is p for the copy by which the record is counted, c
// for a further copy, m for a marker: a record without a value that says that everything below its offset has been sent.
// The original key, if there was one, is in headerKey.
const (
	headerFrom = "tidemark-from"
	headerKey  = "tidemark-key"

	rekeyVersion = "1"
)

// rekeyed is where a record of a re-key topic came from.
type rekeyed struct {
	topic     string
	partition int32
	offset    int64
	timestamp int64
	bound     int64
	previous  int64
	copy      bool
	marker    bool
	key       []byte
}

// headers are the record headers that say so.
func (c *rekeyed) headers() []kgo.RecordHeader {
	b := make([]byte, 0, len(c.topic)+80)
	b = append(b, rekeyVersion...)
	b = append(b, ' ')
	b = append(b, c.topic...)
	for _, n := range []int64{int64(c.partition), c.offset, c.timestamp, c.bound, c.previous} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	switch {
	case c.marker:
		b = append(b, " m"...)
	case c.copy:
		b = append(b, " c"...)
	default:
		b = append(b, " p"...)
	}
	h := []kgo.RecordHeader{{Key: headerFrom, Value: b}}
	if c.key != nil {
		h = append(h, kgo.RecordHeader{Key: headerKey, Value: c.key})
	}
	return h
}

// parseRekeyed reads them. topics interns the names, so that a record costs no string.
func parseRekeyed(r *kgo.Record, topics map[string]string) (rekeyed, error) {
	var c rekeyed
	var from []byte
	for i := range r.Headers {
		switch h := &r.Headers[i]; h.Key {
		case headerFrom:
			from = h.Value
		case headerKey:
			c.key = h.Value
		}
	}
	if from == nil {
		return c, fmt.Errorf("the record has no header %s: something else wrote to the engine's own topic", headerFrom)
	}
	bad := func() (rekeyed, error) {
		return rekeyed{}, fmt.Errorf("its header %s is %q, which this build does not understand", headerFrom, from)
	}
	rest := from
	field := func() (text []byte, ok bool) {
		text, rest, ok = bytes.Cut(rest, []byte{' '})
		return text, ok
	}
	if v, ok := field(); !ok || string(v) != rekeyVersion {
		return bad()
	}
	topic, ok := field()
	if !ok {
		return bad()
	}
	name, known := topics[string(topic)]
	if !known {
		name = string(topic)
		topics[name] = name
	}
	c.topic = name
	var numbers [5]int64
	for i := range numbers {
		text, ok := field()
		if !ok {
			return bad()
		}
		n, ok := parseNumber(text)
		if !ok {
			return bad()
		}
		numbers[i] = n
	}
	c.partition, c.offset, c.timestamp, c.bound, c.previous = int32(numbers[0]), numbers[1], numbers[2], numbers[3], numbers[4]
	switch string(rest) {
	case "p":
	case "c":
		c.copy = true
	case "m":
		c.marker = true
	default:
		return bad()
	}
	return c, nil
}

// parseNumber reads a decimal number without allocating.
func parseNumber(text []byte) (int64, bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) == 0 || len(text) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	if negative {
		return -int64(n), n <= 1<<63
	}
	return int64(n), n < 1<<63
}
