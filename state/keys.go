package state

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"
)

// First bytes of keys. 'c' belongs to the cube.
const (
	prefixCell       = 'c'
	prefixDictionary = 'd'
	prefixID         = 'i'
	prefixIDLog      = 'j'
	prefixMeta       = 'm'
	prefixQueue      = 'q'
	prefixReject     = 'r'
	prefixSubject    = 's'
	prefixTuple      = 't'
)

// Kinds of a subject's rows, the byte after the subject.
const (
	kindHead  = 0
	kindChunk = 1
	kindSet   = 2
)

// Keys of the rows about the store itself.
var (
	keyFormat      = []byte{prefixMeta, 0}
	keyDefinitions = []byte{prefixMeta, 1}
	keyOffsets     = []byte{prefixMeta, 2}
	keyFrozen      = []byte{prefixMeta, 3}
)

// hashSubject spreads subjects over the key space, so that rows written together do not pile up.
func hashSubject(id []byte) uint64 { return xxh3.Hash(id) }

// appendSubject appends hash ‖ length ‖ subject: what all keys of one subject have in common.
func appendSubject[T string | []byte](b []byte, hash uint64, id T) []byte {
	b = binary.BigEndian.AppendUint64(b, hash)
	b = binary.AppendUvarint(b, uint64(len(id)))
	return append(b, id...)
}

func appendHeadKey[T string | []byte](b []byte, hash uint64, id T) []byte {
	return append(appendSubject(append(b, prefixSubject), hash, id), kindHead)
}

func appendChunkKey(b []byte, hash uint64, id string, chunk uint32) []byte {
	b = append(appendSubject(append(b, prefixSubject), hash, id), kindChunk)
	return binary.BigEndian.AppendUint32(b, chunk)
}

func appendSetKey(b []byte, hash uint64, id string, g *segment) []byte {
	b = append(appendSubject(append(b, prefixSubject), hash, id), kindSet)
	b = binary.BigEndian.AppendUint32(b, uint32(g.list))
	b = binary.BigEndian.AppendUint64(b, uint64(g.cut)^1<<63) // so that times before 1970 sort first
	return binary.BigEndian.AppendUint32(b, g.tuple)
}

func appendIDKey(b []byte, bucket uint32, hash uint64, id string, event int32, key *idKey) []byte {
	b = binary.BigEndian.AppendUint32(append(b, prefixID), bucket)
	b = appendSubject(b, hash, id)
	b = binary.BigEndian.AppendUint32(b, uint32(event))
	return append(b, key[:]...)
}

// subjectOf takes the subject and the kind out of a subject's key.
func subjectOf(key []byte) (id string, kind byte, ok bool) {
	hash, id, kind, ok := splitKey(key)
	return id, kind, ok && hash == xxh3.HashString(id)
}

// splitKey takes a subject's key apart, whatever its hash.
func splitKey(key []byte) (hash uint64, id string, kind byte, ok bool) {
	r := &reader{b: key}
	if r.byte() != prefixSubject {
		return 0, "", 0, false
	}
	hash = r.uint64()
	id = r.text()
	kind = r.byte()
	return hash, id, kind, !r.bad
}
