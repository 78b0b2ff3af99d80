package stream

import (
	"slices"

	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stream/decode"
)

// batch gathers decoded records until the shard applies them. The decoder reuses its buffers with every record, so
// what an event points to is copied into arenas that live until the batch is applied; the records' own bytes belong to
// the fetch and stay where they are.
type batch struct {
	state.Batch
	bytes int64

	text       []byte
	operands   []state.Operand
	exposures  []state.Exposure
	dimensions []uint32
	// advanced are the inputs with news, by Input; value is the index into Advance. latest is the one of the last.
	advanced map[state.Input]int
	latest   int
}

func newBatch(events int) *batch {
	return &batch{Batch: state.Batch{Filtered: make([]int64, events), Elsewhere: make([]int64, events)}, advanced: make(map[state.Input]int)}
}

func (b *batch) empty() bool { return len(b.Records) == 0 && len(b.Advance) == 0 }

// reset empties the batch and keeps its memory. Events need no clearing: they point to nothing but the arenas.
func (b *batch) reset() {
	clear(b.Records) // let go of the fetch's bytes
	clear(b.Rejects)
	clear(b.Filtered)
	clear(b.Elsewhere)
	clear(b.advanced)
	b.Records, b.Rejects, b.Events, b.Advance = b.Records[:0], b.Rejects[:0], b.Events[:0], b.Advance[:0]
	b.text, b.operands, b.exposures, b.dimensions = b.text[:0], b.operands[:0], b.exposures[:0], b.dimensions[:0]
	b.bytes = 0
}

// record adds a record that was read and returns its index. It is filled where it stands: records and events are large, and
// every copy of them is one more thing to do for the garbage collector.
func (b *batch) record(r *decode.Record, copied bool) int {
	n := len(b.Records)
	b.Records = slices.Grow(b.Records, 1)[:n+1]
	to := &b.Records[n]
	to.Input, to.Offset, to.Timestamp, to.Bound, to.Key, to.Value, to.Copy = r.Input, r.Offset, r.Timestamp, r.Bound, r.Key, r.Value, copied
	b.bytes += int64(len(r.Key) + len(r.Value))
	return n
}

// event adds one event of the record with the index given.
func (b *batch) event(e *state.Event, record int) {
	n := len(b.Events)
	b.Events = slices.Grow(b.Events, 1)[:n+1]
	c := &b.Events[n]
	*c = *e
	c.Record = record
	c.Subject = b.copyText(e.Subject)
	if e.ID != nil {
		c.ID = b.copyText(e.ID)
	}
	c.Values = carry(&b.operands, e.Values)
	c.Dimensions = carry(&b.dimensions, e.Dimensions)
	c.Exposures = carry(&b.exposures, e.Exposures)
	for i := range c.Exposures {
		c.Exposures[i].Dimensions = carry(&b.dimensions, e.Exposures[i].Dimensions)
	}
}

// advance sets where an input stands after the batch.
func (b *batch) advance(a state.Advance) {
	if b.latest < len(b.Advance) && b.Advance[b.latest].Input == a.Input {
		b.Advance[b.latest] = a
		return
	}
	if i, ok := b.advanced[a.Input]; ok {
		b.Advance[i], b.latest = a, i
		return
	}
	b.latest = len(b.Advance)
	b.advanced[a.Input] = b.latest
	b.Advance = append(b.Advance, a)
}

// copyText keeps a text; it is never nil, so that an empty id stays an id.
func (b *batch) copyText(text []byte) []byte {
	at := len(b.text)
	b.text = append(b.text, text...)
	return b.text[at:len(b.text):len(b.text)]
}

// carry copies values to the end of an arena. When the arena grows, what was carried before stays valid where it was.
func carry[T any](arena *[]T, values []T) []T {
	if len(values) == 0 {
		return nil
	}
	at := len(*arena)
	*arena = append(*arena, values...)
	return (*arena)[at:len(*arena):len(*arena)]
}

// add puts one decoded record into the batch. belongs says whether an event's subject is this shard's; nil: all are. A record that is
// a copy is counted by another shard, which also counts what has no subject: filtered and rejected events. It returns
// the subject of an event that is not this shard's, if there was one, and whether anything was rejected.
func (b *batch) add(r *decode.Record, copied bool, out *decode.Outcome, belongs func(subject []byte) bool) (stray []byte, rejected bool) {
	if out.Reason != "" {
		if !copied {
			i := b.record(r, false)
			b.Rejects = append(b.Rejects, state.Reject{Record: i, Event: -1, Reason: out.Reason, Detail: out.Detail})
		}
		return nil, true
	}
	record := b.record(r, copied)
	for i := range out.Events {
		e := &out.Events[i]
		switch {
		case e.Verdict == decode.Accepted && (belongs == nil || belongs(e.Event.Subject)):
			b.event(&e.Event, record)
		case e.Verdict == decode.Accepted:
			stray = e.Event.Subject
			b.Elsewhere[e.Def]++
		case copied:
			b.Elsewhere[e.Def]++
		case e.Verdict == decode.Filtered:
			b.Filtered[e.Def]++
		case e.Verdict == decode.Rejected:
			rejected = true
			b.Rejects = append(b.Rejects, state.Reject{Record: record, Event: e.Def, Reason: e.Reason, Detail: e.Detail})
		}
	}
	return stray, rejected
}
