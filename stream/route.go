package stream

import (
	"strconv"

	"github.com/tidemark/tidemark/stream/decode"
)

// router finds the shards that a record belongs to, for input that is not partitioned by subject: files and re-keyed
// topics. A record goes to every shard that has a subject of one of its events; the first of them counts the record
// itself, the others get a copy. A record without a subject (it can't be decoded, or all its events are filtered or
// rejected) goes by its coordinates, so that such records spread evenly.
//
// One copy a shard, and not one a subject, keeps a source's coordinates unique within a shard: the shard skips what it
// has seen by one number per source partition.
type router struct {
	decoder *decode.Decoder
	n       int32
	shards  []int32
	keys    [][]byte
	text    []byte
}

func newRouter(d *decode.Decoder, n int32) *router { return &router{decoder: d, n: n} }

// route returns the shards of the record, the counting one first, and for each of them a key that lands there. Both
// are valid until the next call.
func (r *router) route(rec decode.Record, partition int32) (shards []int32, keys [][]byte) {
	r.shards, r.keys, r.text = r.shards[:0], r.keys[:0], r.text[:0]
	subjects, _ := r.decoder.Subjects(rec)
	for _, subject := range subjects {
		p := Partition(subject, r.n)
		if !contains(r.shards, p) {
			r.shards = append(r.shards, p)
			r.keys = append(r.keys, subject)
		}
	}
	if len(r.shards) == 0 {
		r.text = strconv.AppendInt(r.text, int64(partition), 10)
		r.text = append(r.text, '/')
		r.text = strconv.AppendInt(r.text, rec.Offset, 10)
		r.shards = append(r.shards, Partition(r.text, r.n))
		r.keys = append(r.keys, r.text)
	}
	return r.shards, r.keys
}

func contains(shards []int32, p int32) bool {
	for _, s := range shards {
		if s == p {
			return true
		}
	}
	return false
}
