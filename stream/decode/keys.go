package decode

import (
	"bytes"
	"hash/maphash"
)

// keySet knows the keys of the objects that are open, to refuse one that comes twice. A small object is a list with a
// filter of 64 bits in front; from manyKeys on it has a table, so that a record of a hundred thousand keys costs no more
// than its length.
type keySet struct {
	keys    []key
	objects []openObject
	tables  [maxDepth + 1][]int32
}

type key struct {
	tag  uint64
	text []byte
}

// seed of the hashes in the tables. It differs in every process, so that nobody can write records whose keys collide; no
// result depends on it.
var seed = maphash.MakeSeed()

type openObject struct {
	first  int // index of its first key
	filter uint64
	depth  int
	table  bool
}

const manyKeys = 32

func (s *keySet) reset() {
	s.keys, s.objects = s.keys[:0], s.objects[:0]
}

// open begins an object.
func (s *keySet) open(depth int) int {
	s.objects = append(s.objects, openObject{first: len(s.keys), depth: depth})
	return len(s.objects) - 1
}

// close ends the object that open returned.
func (s *keySet) close(object int) {
	s.keys = s.keys[:s.objects[object].first]
	s.objects = s.objects[:object]
}

// add adds a key to the innermost object; false if it is there.
func (s *keySet) add(tag uint64, text []byte) bool {
	o := &s.objects[len(s.objects)-1]
	if o.table {
		return s.addToTable(o, tag, text)
	}
	bit := uint64(1) << (tag >> 58)
	if o.filter&bit != 0 {
		for i := o.first; i < len(s.keys); i++ {
			if k := &s.keys[i]; k.tag == tag && bytes.Equal(k.text, text) {
				return false
			}
		}
	}
	o.filter |= bit
	s.keys = append(s.keys, key{tag, text})
	if len(s.keys)-o.first == manyKeys {
		o.table = true
		s.rebuild(o, 4*manyKeys)
	}
	return true
}

// addToTable looks into an open-addressed table of indices into keys, 0 being free.
func (s *keySet) addToTable(o *openObject, tag uint64, text []byte) bool {
	table := s.tables[o.depth]
	if count := len(s.keys) - o.first; 2*count >= len(table) {
		s.rebuild(o, 2*len(table))
		table = s.tables[o.depth]
	}
	mask := uint64(len(table) - 1)
	for at := maphash.Bytes(seed, text) & mask; ; at = (at + 1) & mask {
		i := table[at]
		if i == 0 {
			s.keys = append(s.keys, key{tag, text})
			table[at] = int32(len(s.keys))
			return true
		}
		if k := &s.keys[i-1]; k.tag == tag && bytes.Equal(k.text, text) {
			return false
		}
	}
}

func (s *keySet) rebuild(o *openObject, size int) {
	table := s.tables[o.depth]
	if cap(table) < size {
		table = make([]int32, size)
	}
	table = table[:size]
	clear(table)
	mask := uint64(size - 1)
	for i := o.first; i < len(s.keys); i++ {
		at := maphash.Bytes(seed, s.keys[i].text) & mask
		for table[at] != 0 {
			at = (at + 1) & mask
		}
		table[at] = int32(i + 1)
	}
	s.tables[o.depth] = table
}
