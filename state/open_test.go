package state

import (
	"fmt"
	"math"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Opening a store meets its subjects in the order of their hashes. In a table that grows meanwhile they would all crowd at its
// front, and each would look through all before it.
func TestTableForManySubjectsIsNotCrowdedWhileItFills(t *testing.T) {
	const n = 30_000
	table := newResident(1 << 20)
	defer table.close()
	table.reserve(n)
	steps := 0
	for i := range uint64(n) {
		hash := i*(math.MaxUint64/n) + 1
		table.add(hash)
		mask := len(table.slots) - 1
		for at := int(hash >> table.shift); table.slots[at].hash != hash; at = (at + 1) & mask {
			if steps++; steps > 32*n {
				t.Fatalf("%d of %d subjects took %d steps beyond their own slots", i+1, n, steps)
			}
		}
	}
}

// A store makes room for all of its subjects before it reads the first of them.
func TestOpenMakesRoomForAllSubjects(t *testing.T) {
	opt := Options{FS: vfs.NewMem()}
	s := openOne(t, opt)
	load := s.newLoad()
	const n = 5_000
	for i := range n {
		id := fmt.Appendf(nil, "subject-%d", i)
		e, err := load.subject(hashSubject(id), id)
		if err != nil {
			t.Fatal(err)
		}
		e.subject.accept(0)
		s.changed(e)
	}
	load.close()
	if err := s.Commit(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Durable(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	opt.VerifyLater = true
	s = openOne(t, opt)
	if s.cache.table.count != 0 || 7*len(s.cache.table.slots) < 8*n {
		t.Errorf("room for %d slots of %d subjects, %d taken", len(s.cache.table.slots), n, s.cache.table.count)
	}
}
