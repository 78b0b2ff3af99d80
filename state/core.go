package state

import "github.com/tidemark/tidemark/stats/moment"

// core is Apply without a store: subjects go in decoded and come out changed. It holds no subject, starts nothing, reads
// no clock and does no I/O, so the same events give the same changes and the same bytes.
type core struct {
	schema *schema
	// clock is C up to the batch before; next is C after the batch, by which the tail is closed.
	clock, next int64
	maxTail     int
	// ripe is up to where strict windows are settled; strictOnly asks contributions for strict metrics only.
	ripe       ripeness
	strictOnly bool
	// rank gives inputs the order of their coordinates.
	rank func(Input) int
	// tuples numbers the tuples of event dimensions; shard-wide.
	tuples *tuples
	ledger *counters
	// index has the ids of accepted events; the zero value has room for none, so that subjects and child rows have them.
	index idIndex
	// plainOnly turns the direct way off; tests compare the two.
	plainOnly bool
	// epoch is what remembered contributions are true for; it grows when a frozen fact changes them. remembers makes
	// every subject's be remembered, for tests.
	epoch     int
	remembers bool
	// stays: the subject at hand stays decoded, so that remembering pays.
	stays bool

	// Scratch, so that a subject costs no allocations.
	before, after []cell
	counts        []readCount
	outsides      []int64
	flags, class  []byte
	closable      []bool
	items         []item
	was           []standing
	defs          []int
	tail          []open
	operands      []Operand
	touched       []touched
	fates         []fate
	// Of groupings: the items' places, which of them each item is at, and the cells that they make.
	places  []place
	placeOf []int32
	placeAt map[uint64]int32
	order   []int32
	groups  []group
}

// tuples numbers the distinct tuples of event dimension values of a shard, from 1. A segment then holds one number
// instead of up to eight.
type tuples struct {
	values [][]uint32 // by number − 1
	number map[string]uint32
	key    []byte
}

func newTuples() *tuples { return &tuples{number: map[string]uint32{}} }

// of is the number of a tuple; 0 for the empty one.
func (t *tuples) of(dims []uint32) uint32 {
	if len(dims) == 0 {
		return 0
	}
	t.key = t.key[:0]
	for _, v := range dims {
		t.key = append(t.key, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	if n, ok := t.number[string(t.key)]; ok {
		return n
	}
	t.values = append(t.values, append([]uint32(nil), dims...))
	n := uint32(len(t.values))
	t.number[string(t.key)] = n
	return n
}

// at is one value of a tuple.
func (t *tuples) at(tuple uint32, column int) uint32 {
	if tuple == 0 || column < 0 {
		return moment.None
	}
	return t.values[tuple-1][column]
}
