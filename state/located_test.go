package state

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSorterIsAStableSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var s sorter
	for range 300 {
		s.in = s.in[:0]
		subjects, hot := 1+r.IntN(3000), r.Uint64()
		for i := range r.IntN(6000) {
			hash := hashSubject([]byte{byte(r.IntN(subjects)), byte(r.IntN(subjects) >> 8)})
			if r.IntN(4) == 0 {
				hash = hot + uint64(r.IntN(3)) // a bucket of its own, and a long one
			}
			s.in = append(s.in, located{hash, int32(i)})
		}
		want := slices.Clone(s.in)
		slices.SortFunc(want, func(a, b located) int {
			return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.index, b.index))
		})
		if got := s.sort(); !slices.Equal(got, want) {
			t.Fatalf("%d events: not sorted", len(want))
		}
	}
}

func TestGroupsAreSubjectsThoughTheyShareAHash(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	var s Store
	for range 200 {
		b := &Batch{}
		var list []located
		for i := range 1 + r.IntN(20) {
			b.Events = append(b.Events, Event{Subject: []byte{byte(r.IntN(4))}, Offset: int64(i)})
			list = append(list, located{uint64(b.Events[i].Subject[0] % 2), int32(i)}) // two subjects a hash
		}
		insertion(list)
		seen, n := map[byte]bool{}, 0
		for len(list) > 0 {
			list = s.nextGroup(b, list)
			id := s.group[0].Subject[0]
			if seen[id] {
				t.Fatalf("subject %d has two groups", id)
			}
			seen[id] = true
			for i, ev := range s.group {
				if ev.Subject[0] != id || i > 0 && ev.Offset <= s.group[i-1].Offset {
					t.Fatalf("group of %d has event %d of %d", id, ev.Offset, ev.Subject[0])
				}
			}
			n += len(s.group)
		}
		if n != len(b.Events) {
			t.Fatalf("%d events in groups, want %d", n, len(b.Events))
		}
	}
}
