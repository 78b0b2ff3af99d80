package state

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/zeebo/xxh3"
)

// offsetVersion is the first byte of the offset record. Append-only:
//
//	1: the layout of FORMAT.md
const offsetVersion = 1

// offsets is the offset record: what the committed rows reflect. It is written by every commit, in the same batch.
type offsets struct {
	inputs []Position // by Input
	clock  int64
	// ripe and newest are kept iff some metric is strict: up to where windows are settled, the time of the latest event.
	strict bool
	ripe   ripeness
	newest int64
	// commit is the number of the commit, from 1.
	commit uint64
	// subjects, dictionary and tuples count the rows of their kinds.
	subjects, dictionary, tuples int64
	// rejects is the number of the next reject row; kept has the bytes kept per reason.
	rejects uint64
	kept    map[string]int64
	// sum is the digest over all rows but those about the store and the ids; buckets has one for each bucket of ids.
	sum     digest
	buckets map[uint32]digest
}

// input finds or adds an input.
func (o *offsets) input(name InputName) (Input, error) {
	for i := range o.inputs {
		have := &o.inputs[i].Name
		if have.Source != name.Source || have.Topic != name.Topic || have.Partition != name.Partition {
			continue
		}
		if have.TopicID != name.TopicID || have.Partitions != name.Partitions {
			return 0, &InputChangedError{Stored: *have, Got: name}
		}
		return Input(i), nil
	}
	i := Input(len(o.inputs))
	o.inputs = append(o.inputs, Position{Input: i, Name: name, LeaderEpoch: -1, Bound: never})
	return i, nil
}

// ranks gives each input the place of its coordinates: source, topic, partition.
func (o *offsets) ranks() []int {
	order := make([]int, len(o.inputs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &o.inputs[a].Name, &o.inputs[b].Name
		return cmp.Or(cmp.Compare(x.Source, y.Source), cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	ranks := make([]int, len(order))
	for rank, i := range order {
		ranks[i] = rank
	}
	return ranks
}

func (o *offsets) advance(list []Advance) {
	for _, a := range list {
		p := &o.inputs[a.Input]
		p.Next, p.LeaderEpoch, p.Bound = a.Next, a.LeaderEpoch, max(p.Bound, a.Bound)
	}
}

// encode is the offset record's value, with its own checksum at the end: the digest is inside and can't cover it.
func (o *offsets) encode(c *counters, b []byte) []byte {
	from := len(b)
	b = append(b, offsetVersion)
	b = binary.AppendUvarint(b, uint64(len(o.inputs)))
	for i := range o.inputs {
		p := &o.inputs[i]
		b = appendText(b, p.Name.Source)
		b = appendText(b, p.Name.Topic)
		b = append(b, p.Name.TopicID[:]...)
		b = binary.AppendVarint(b, int64(p.Name.Partition))
		b = binary.AppendVarint(b, int64(p.Name.Partitions))
		b = binary.AppendVarint(b, p.Next)
		b = binary.AppendVarint(b, int64(p.LeaderEpoch))
		b = binary.AppendVarint(b, p.Bound)
	}
	for _, n := range []int64{o.clock, int64(o.commit), o.subjects, o.dictionary, o.tuples, int64(o.rejects)} {
		b = binary.AppendVarint(b, n)
	}
	if o.strict {
		for _, t := range []int64{o.ripe.clock, o.ripe.end, o.newest} {
			b = binary.AppendVarint(b, t)
		}
	}
	b = appendReasons(b, o.kept)
	b = appendDigest(b, o.sum)
	b = binary.AppendUvarint(b, uint64(len(o.buckets)))
	for _, k := range slices.Sorted(maps.Keys(o.buckets)) {
		b = binary.BigEndian.AppendUint32(b, k)
		b = appendDigest(b, o.buckets[k])
	}
	b = c.encode(b)
	return binary.BigEndian.AppendUint64(b, xxh3.Hash(b[from:]))
}

func (o *offsets) decode(c *counters, b []byte) error {
	if len(b) < 9 || binary.BigEndian.Uint64(b[len(b)-8:]) != xxh3.Hash(b[:len(b)-8]) {
		return fmt.Errorf("state: offset record fails its checksum: %w", ErrCorrupt)
	}
	r := &reader{b: b[:len(b)-8]}
	if v := r.byte(); v != offsetVersion {
		return fmt.Errorf("state: offset record has version %d, this build knows %d: %w", v, offsetVersion, ErrFormat)
	}
	for i := range r.count() {
		p := Position{Input: Input(i)}
		p.Name.Source, p.Name.Topic = r.text(), r.text()
		copy(p.Name.TopicID[:], r.bytes(16))
		p.Name.Partition, p.Name.Partitions = int32(r.varint()), int32(r.varint())
		p.Next, p.LeaderEpoch, p.Bound = r.varint(), int32(r.varint()), r.varint()
		o.inputs = append(o.inputs, p)
	}
	o.clock, o.commit = r.varint(), uint64(r.varint())
	o.subjects, o.dictionary, o.tuples = r.varint(), r.varint(), r.varint()
	o.rejects = uint64(r.varint())
	if o.strict {
		o.ripe, o.newest = ripeness{r.varint(), r.varint()}, r.varint()
	}
	o.kept = r.reasons()
	o.sum = r.digest()
	for range r.count() {
		if b := r.bytes(4); b != nil {
			o.buckets[binary.BigEndian.Uint32(b)] = r.digest()
		}
	}
	c.decode(r)
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("state: offset record does not decode: %w", ErrCorrupt)
	}
	return nil
}
