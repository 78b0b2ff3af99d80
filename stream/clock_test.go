package stream

import "testing"

func TestClockIsTheMinimumOverInputs(t *testing.T) {
	c := newClock(2)
	if c.now() != never {
		t.Fatalf("a clock that has seen nothing says %d", c.now())
	}
	c.observe(0, 10, 500)
	if c.now() != never {
		t.Errorf("an input that was never read does not hold the clock back: %d", c.now())
	}
	c.observe(1, 3, 200)
	if c.now() != 200 {
		t.Errorf("clock = %d, want 200", c.now())
	}
	c.observe(1, 4, 900)
	if c.now() != 500 {
		t.Errorf("clock = %d, want 500", c.now())
	}
}

func TestClockIdleInputAtItsLogEndHoldsNothingBack(t *testing.T) {
	c := newClock(2)
	c.observe(0, 10, 500)
	newest := c.newest()
	c.observe(0, 20, 800) // applied after the log end of input 1 was asked for: must not count
	c.end(1, 0, newest)   // an empty partition: read to its end without any record
	if c.now() != 500 {
		t.Errorf("clock = %d, want 500: what was reached before the end was asked for", c.now())
	}
	c.end(1, 0, c.newest())
	if c.now() != 800 {
		t.Errorf("clock = %d, want 800", c.now())
	}
}

func TestClockInputBehindItsLogEndHoldsBack(t *testing.T) {
	c := newClock(2)
	c.observe(0, 10, 500)
	c.observe(1, 5, 100)
	c.end(1, 6, c.newest()) // one record is still unread
	if c.now() != 100 {
		t.Errorf("clock = %d, want 100", c.now())
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	c := newClock(2)
	c.observe(0, 1, 500)
	c.end(1, 0, c.newest())
	c.observe(1, 1, 50) // a producer whose clock is behind
	if c.now() != 500 {
		t.Errorf("clock = %d, want 500", c.now())
	}
}

func TestClockOfFilesRunsOutAtTheirEnd(t *testing.T) {
	c := newClock(2)
	c.observe(0, 100, never)
	c.done(0)
	if c.now() != never {
		t.Errorf("an unfinished file does not hold the clock back: %d", c.now())
	}
	c.done(1)
	if c.now() != forever {
		t.Errorf("clock = %d, want forever", c.now())
	}
}
