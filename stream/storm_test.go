package stream

import "testing"

func TestStormTripsWithinOneWindow(t *testing.T) {
	s := newStorm(10_000, 0.2)
	for i := range 50_000 {
		if s.observe(i%1_000_000 == 7) {
			t.Fatalf("one bad record in a million tripped at %d", i)
		}
	}
	for i := range 10_000 {
		if s.observe(true) {
			if i < 1_999 || i > 2_001 {
				t.Errorf("tripped after %d rejected records, want one more than 2,000", i+1)
			}
			return
		}
	}
	t.Error("did not trip within one window")
}

func TestStormToleratesTheShareItself(t *testing.T) {
	s := newStorm(1000, 0.2)
	for i := range 10_000 {
		if s.observe(i%5 == 0) {
			t.Fatalf("exactly a fifth rejected tripped at %d", i)
		}
	}
	s.observe(true)
	first, second := s.observe(true), s.observe(true)
	if !first && !second {
		t.Error("more than a fifth did not trip")
	}
	s.reset()
	if s.observe(true) {
		t.Error("tripped right after reset")
	}
}
