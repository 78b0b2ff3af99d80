package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The table holds what a map would, whatever grows, shrinks or is trimmed.
func TestResidentEqualsAMap(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		limit := int64(1 << 30)
		if seed%2 == 1 {
			limit = 200_000
		}
		table := newResident(limit)
		want := map[string][]byte{}
		for range 30_000 {
			id := fmt.Sprintf("subject-%d", r.IntN(8_000))
			hash := hashSubject([]byte(id))
			at := table.find(hash)
			if _, known := want[id]; known != (at != nil) {
				t.Fatalf("seed %d: %s known %v, found %v", seed, id, known, at != nil)
			}
			if at == nil {
				at = table.add(hash)
			}
			if have, row := table.row(at); have != nil && (string(have) != id || !bytes.Equal(row, want[id])) {
				t.Fatalf("seed %d: %s has the row %x of %s, want %x", seed, id, row, have, want[id])
			}
			row := make([]byte, r.IntN([]int{60, 200, 3000}[r.IntN(3)]))
			for i := range row {
				row[i] = byte(r.Uint32())
			}
			table.keep(at, id, row)
			at.state |= used
			want[id] = row
			if r.IntN(100) == 0 {
				table.trim()
				if table.arena.weight > limit {
					t.Fatalf("seed %d: %d bytes after trim, limit %d", seed, table.arena.weight, limit)
				}
			}
		}
		kept := int64(0)
		for i := range table.slots {
			if s := &table.slots[i]; s.row != 0 {
				id, row := table.row(s)
				if !bytes.Equal(want[string(id)], row) {
					t.Fatalf("seed %d: %s has %x, want %x", seed, id, row, want[string(id)])
				}
				kept += int64(table.arena.block(s.row - 1)[0]) * blockStep
			}
		}
		if kept != table.arena.weight {
			t.Errorf("seed %d: rows weigh %d, the arena says %d", seed, kept, table.arena.weight)
		}
		table.close()
	}
}

// Subjects that share a hash are told apart, whatever is decoded, kept as bytes, or in Pebble only, and after a restart.
func TestSubjectsOfOneHashAreToldApart(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 2))
		opt := Options{FS: vfs.NewMem(), CacheSubjects: 1 + r.IntN(30), ResidentBytes: []int64{-1, 600, 1 << 20}[r.IntN(3)]}
		s := openOne(t, opt)
		want := map[string]int64{}
		for range 60 {
			load := s.newLoad()
			for range r.IntN(40) {
				id := fmt.Sprint("s", r.IntN(200))
				hash := hashSubject([]byte(id)) % 60 << 58 // each hash has three subjects or so
				e, err := load.subject(hash, []byte(id))
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if got := e.subject.acceptedOf(0); e.subject.id != id || got != want[id] {
					t.Fatalf("seed %d: %s has %d events of %s, want %d", seed, id, got, e.subject.id, want[id])
				}
				e.subject.accept(0)
				want[id]++
				s.changed(e)
			}
			load.close()
			if s.Subjects() != int64(len(want)) {
				t.Fatalf("seed %d: %d subjects, want %d", seed, s.Subjects(), len(want))
			}
			if err := s.Commit(nil); err != nil {
				t.Fatal(err)
			}
			if r.IntN(6) == 0 {
				if err := s.Durable(); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				opt.VerifyLater = r.IntN(3) == 0
				s = openOne(t, opt)
			}
		}
	}
}
