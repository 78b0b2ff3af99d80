package state

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/tidemark/tidemark/stats/moment"
)

// dictionary numbers the values of dimensions, from moment.FirstValue. Numbers are given by the shard's goroutine only;
// names may be asked for from any, so a lock guards what both touch.
type dictionary struct {
	ids map[string]uint32 // the shard's goroutine only

	mu    sync.RWMutex
	names []string // by id − moment.FirstValue; guarded by mu
	// written is how many of names are committed; the shard's goroutine only.
	written int
}

func newDictionary() *dictionary { return &dictionary{ids: map[string]uint32{}} }

func (d *dictionary) id(value []byte) uint32 {
	if id, ok := d.ids[string(value)]; ok {
		return id
	}
	name := string(value)
	d.mu.Lock()
	id := moment.FirstValue + uint32(len(d.names))
	d.names = append(d.names, name)
	d.mu.Unlock()
	d.ids[name] = id
	return id
}

func (d *dictionary) name(id uint32) string {
	switch id {
	case moment.None:
		return "(none)"
	case moment.All:
		return ""
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if i := int(id) - int(moment.FirstValue); i < len(d.names) {
		return d.names[i]
	}
	return fmt.Sprintf("(unknown %d)", id)
}

func (d *dictionary) len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.names)
}

func dictionaryKey(b []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefixDictionary), id)
}

func tupleKey(b []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, prefixTuple), number)
}
