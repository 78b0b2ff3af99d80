package decode

import (
	"encoding/binary"
	"math/bits"

	"github.com/tidemark/tidemark/catalog/sql"
)

// tag is a cheap fingerprint of a key: its first and last bytes and its length. Keys of up to eight bytes with equal tags
// and lengths are equal; all others are compared as bytes.
func tag(key []byte) uint64 {
	n := len(key)
	var x uint64
	switch {
	case n >= 8:
		x = binary.LittleEndian.Uint64(key) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(key[n-8:]), 29)
	case n >= 4:
		x = uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<32
	case n > 0:
		x = uint64(key[0]) | uint64(key[n/2])<<8 | uint64(key[n-1])<<16
	}
	return (x ^ uint64(n)) * 0x9E3779B97F4A7C15 // 2^64 over the golden ratio: spreads to the upper bits, which the filter reads
}

// node is a place in the tree of all paths that a source's events read. A value there goes to slot (-1: none wants the
// value itself) and, if it is an object, its fields to the children.
type node struct {
	slot     int
	children []child
}

type child struct {
	tag  uint64
	key  string
	node *node
}

func (n *node) find(tag uint64, key []byte) *node {
	for i := range n.children {
		if c := &n.children[i]; c.tag == tag && c.key == string(key) {
			return c.node
		}
	}
	return nil
}

// add makes the path's node and returns its slot, a new one from next if there is none.
func (n *node) add(path sql.Path, next *int) int {
	for _, step := range path {
		t := tag([]byte(step))
		below := n.find(t, []byte(step))
		if below == nil {
			below = &node{slot: -1}
			n.children = append(n.children, child{t, step, below})
		}
		n = below
	}
	if n.slot < 0 {
		n.slot = *next
		*next++
	}
	return n.slot
}
