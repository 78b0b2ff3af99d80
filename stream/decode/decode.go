// Package decode turns a record's bytes into events: fields by a path trie (JSON) or a header (CSV), columns by event
// SQL, and for each event definition of the source its outcome in the ledger. It imports catalog and the types of state.
// Invariants: a record ends in exactly one of rejected and evaluated; an evaluated record has exactly one verdict per
// event definition; nothing depends on a clock. A Decoder belongs to one goroutine.
package decode

import (
	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/state"
)

// Dictionary gives a dimension value its small integer; state.Store implements it.
type Dictionary interface {
	ID(value []byte) uint32
}

// Record is one record of a source as it was read.
type Record struct {
	Input  state.Input
	Offset int64 // Kafka offset, or row of a file from 0
	// Timestamp is the record's own Kafka timestamp and Bound the largest so far in its source partition (b of DESIGN
	// §5), both in microseconds; files need neither.
	Timestamp, Bound int64
	Key, Value       []byte
	// Rekeyed says that this is one of the copies that the re-key stage made of a record, one for each subject that
	// the record's events have; Key is that subject. Only events of that subject are evaluated here.
	Rekeyed bool
	// Primary says that it is the first copy: the one in which what has no subject (the record itself, filtered and
	// rejected events) is counted. It is ignored without Rekeyed.
	Primary bool
}

// Verdict on an event definition for one record.
type Verdict uint8

const (
	// Elsewhere: another copy of the record counts this event definition; nothing is counted here.
	Elsewhere Verdict = iota
	// Filtered: the WHERE of the event does not hold.
	Filtered
	// Rejected: the event is refused with Reason.
	Rejected
	// Accepted: Event is set. Late and duplicate are decided by state.
	Accepted
)

// EventOutcome is what one event definition makes of a record.
type EventOutcome struct {
	Def            int // index into catalog.Plan.Events
	Verdict        Verdict
	Reason, Detail string      // Rejected
	Event          state.Event // Accepted; its slices are valid until the next Decode
}

// Outcome of a record. Its buffers are reused by the next Decode with the same Outcome.
type Outcome struct {
	// Reason is not empty iff the whole record is rejected: it could not be decoded; then Events is empty.
	Reason, Detail string
	// Events has one entry for each event definition of the source in the plan, in the plan's order.
	Events []EventOutcome
}

// Options of a decoder; the zero value works.
type Options struct {
	MaxRecord int // bytes; larger records are rejected as oversize. Default 1 MiB
}

// Decoder decodes the records of one source for one plan.
type Decoder struct{}

func New(plan *catalog.Plan, source int, dict Dictionary, opt Options) (*Decoder, error) {
	return &Decoder{}, nil
}

// Header sets the columns of a CSV file from its first row; it must be called before the file's first Decode.
func (d *Decoder) Header(row []byte) error { return nil }

func (d *Decoder) Decode(rec Record, out *Outcome) {}

// Subjects returns the distinct subject texts of the events that the record gives, in the plan's order of events, and
// whether it can be decoded at all. The texts are valid until the next call. A record without any (undecodable, or all
// its events filtered or rejected) still needs one copy, the primary one, under any key.
func (d *Decoder) Subjects(rec Record) (subjects [][]byte, decodable bool) { return nil, false }
