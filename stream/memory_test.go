package stream

import "testing"

// What passes through a shard shrinks with the memory given, down to what it can't do without, and grows no further than its default.
func TestLittleMemoryMeansSmallBounds(t *testing.T) {
	for _, c := range []struct{ memory, queue, dirty, rows int64 }{
		{8 << 30, 8 << 20, 64 << 20, 20_000},
		{2 << 30, 8 << 20, 64 << 20, 20_000},
		{512 << 20, 2 << 20, 16 << 20, 5_000},
		{64 << 20, 1 << 20, 2 << 20, 2_000},
	} {
		o := Options{Memory: c.memory}.withDefaults()
		if o.QueueBytes != c.queue || o.DirtyBytes != c.dirty || int64(o.BatchRows) != c.rows {
			t.Errorf("%d MiB: queue %d, dirty %d, rows %d, want %+v", c.memory>>20, o.QueueBytes, o.DirtyBytes, o.BatchRows, c)
		}
	}
}
