package stream

import "math"

// Ends of the event clock, microseconds.
const (
	never   = math.MinInt64 // nothing known yet
	forever = math.MaxInt64 // no more will come
)

// clockSkew is how far the timestamps of two inputs may disagree before a record can need what has been freed: brokers'
// clocks differ, and of two records stamped by producers the older may be appended after the newer. Memory is freed
// this much later. It is the bound of the rule for the future, too.
const clockSkew = 5 * 60 * 1_000_000

// behind is the clock by which state frees memory when C is now.
func behind(now int64) int64 {
	if now == never || now == forever {
		return now
	}
	return now - clockSkew
}

// clock is a shard's clock C of DESIGN §5: the minimum over the shard's inputs of what each of them vouches for. It
// only frees memory and labels results, so it may be late but must never be early.
//
// An input vouches for the largest Kafka timestamp it has given (bound). An input that has nothing more to give would
// hold the others back for ever, so it also vouches for its floor: when its log end was asked for after the shard had
// reached b in some other input, and the input has been read to that end, then whatever is appended to it later has
// a timestamp of at least b, as far as the brokers' clocks agree. A halted input gets no floor.
type clock struct {
	inputs []inputClock
	value  int64
}

type inputClock struct {
	bound, floor int64
	next         int64 // everything of the input below this offset has been applied
}

func newClock(inputs int) *clock {
	c := &clock{inputs: make([]inputClock, inputs), value: never}
	for i := range c.inputs {
		c.inputs[i] = inputClock{bound: never, floor: never}
	}
	return c
}

// observe notes that input i has been applied up to next with bound b.
func (c *clock) observe(i int, next, b int64) {
	in := &c.inputs[i]
	in.bound = max(in.bound, b)
	in.next = max(in.next, next)
}

// newest is the largest bound of any input: what a log end asked for from now on can vouch for.
func (c *clock) newest() int64 {
	newest := int64(never)
	for i := range c.inputs {
		newest = max(newest, c.inputs[i].bound)
	}
	return newest
}

// end tells that input i's log ended at offset end when newest() was asked before the log end was. It raises the
// input's floor if the input has been applied that far.
func (c *clock) end(i int, end, newest int64) {
	if in := &c.inputs[i]; in.next >= end {
		in.floor = max(in.floor, newest)
	}
}

// done tells that input i is bounded and has been applied to its end.
func (c *clock) done(i int) { c.inputs[i].floor = forever }

// now is C. It never goes back.
func (c *clock) now() int64 {
	if len(c.inputs) == 0 {
		return c.value
	}
	low := int64(forever)
	for i := range c.inputs {
		low = min(low, max(c.inputs[i].bound, c.inputs[i].floor))
	}
	c.value = max(c.value, low)
	return c.value
}

// add makes room for one more input, which holds the clock where it is until it is heard of, and returns its number.
func (c *clock) add() int {
	c.inputs = append(c.inputs, inputClock{bound: never, floor: never})
	return len(c.inputs) - 1
}
