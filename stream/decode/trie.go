package decode

import (
	"hash/maphash"

	"github.com/tidemark/tidemark/catalog/sql"
)

// seed of the hashes of keys. It differs in every process, so that nobody can write records whose keys collide; no
// result depends on it, since equal hashes are always compared as bytes.
var seed = maphash.MakeSeed()

// node is a place in the tree of all paths that a source's events read. A value there goes to slot (-1: none wants the
// value itself) and, if it is an object, its fields to the children.
type node struct {
	slot     int
	children []child
}

type child struct {
	hash uint64
	key  string
	node *node
}

func (n *node) find(hash uint64, key []byte) *node {
	for i := range n.children {
		if c := &n.children[i]; c.hash == hash && c.key == string(key) {
			return c.node
		}
	}
	return nil
}

// add makes the path's node and returns its slot, a new one from next if there is none.
func (n *node) add(path sql.Path, next *int) int {
	for _, step := range path {
		hash := maphash.String(seed, step)
		below := n.find(hash, []byte(step))
		if below == nil {
			below = &node{slot: -1}
			n.children = append(n.children, child{hash, step, below})
		}
		n = below
	}
	if n.slot < 0 {
		n.slot = *next
		*next++
	}
	return n.slot
}
