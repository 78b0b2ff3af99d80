package state

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTotalsSurviveTheirBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 10_000 {
		x := total{int64(r.Uint64()) >> r.IntN(64), r.Uint64() >> r.IntN(64)}
		if r.IntN(2) == 0 {
			x = totalOf(int64(r.Uint64()) >> r.IntN(64))
		}
		b := appendTotal(nil, x)
		if got, n := readTotal(b); got != x || n != len(b) {
			t.Fatalf("%+v has bytes %x, which are %+v", x, b, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	w := newWorkload(4)
	m := newShardModel(w.plan, w.rank)
	for range 20 {
		m.apply([]Event{w.event(), w.event()}, w.clock(), newTestCube())
		for _, s := range m.subjects {
			f.Add(m.core.encode(s, nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := m.core.decode("s", b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("error without its mark: %v", err)
			}
			return
		}
		again, err := m.core.decode("s", m.core.encode(s, nil))
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
		if a, b := m.core.encode(s, nil), m.core.encode(again, nil); !slices.Equal(a, b) {
			t.Errorf("%x encodes to %x", a, b)
		}
	})
}
