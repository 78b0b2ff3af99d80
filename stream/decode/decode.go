// Package decode turns a record's bytes into events: fields by a path trie (JSON) or a header (CSV), columns by event
// SQL, and for each event definition of the source its outcome in the ledger. It also splits files into records. It
// imports catalog, the types of state and stats/moment, and nothing else of the engine.
// Invariants: (1) a record is either rejected, or has exactly one verdict for each event definition of its source;
// (2) the outcome is a function of the record and the plan: no clock, no map order; (3) decoding allocates nothing in
// steady state. A Decoder and what it returns belong to one goroutine.
package decode

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/sql"
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
	// §5), both in microseconds. A file has no timestamps; its Bound counts only where a lateness was asked for.
	Timestamp, Bound int64
	Key, Value       []byte
}

// Verdict on an event definition for one record.
type Verdict uint8

const (
	// Filtered: the WHERE of the event does not hold.
	Filtered Verdict = iota
	// Rejected: the event is refused with Reason.
	Rejected
	// Accepted: Event is set. Late and duplicate are decided by state.
	Accepted
	// Elsewhere: Options.Owns says that the event belongs to another shard, which has a copy of the record and counts it
	// there; of Event only Subject is set.
	Elsewhere
)

// EventOutcome is what one event definition makes of a record.
type EventOutcome struct {
	Def            int // index into catalog.Plan.Events
	Verdict        Verdict
	Reason, Detail string      // Rejected
	Event          state.Event // Accepted; its slices are valid until the next Decode. Record is the caller's to set
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
	// Owns says whether a subject is of this shard; nil: all are. An event of another's subject gets the verdict Elsewhere
	// before its dimension values reach the dictionary.
	Owns func(subject []byte) bool
}

// DefaultMaxRecord is the most bytes of one record.
const DefaultMaxRecord = 1 << 20

// Decoder decodes the records of one source for one plan.
type Decoder struct {
	source *catalog.Source
	max    int
	owns   func([]byte) bool
	events []*eventReader
	slots  []sql.Raw
	json   *jsonReader // nil for CSV
	csv    *csvReader  // nil for JSON

	scratch  Outcome
	subjects [][]byte
}

// New compiles the events that the plan has over its source with this index. dict is used by Decode only.
func New(plan *catalog.Plan, source int, dict Dictionary, opt Options) (*Decoder, error) {
	if source < 0 || source >= len(plan.Sources) {
		return nil, fmt.Errorf("decode: the plan of subject %s has no source %d", plan.Subject, source)
	}
	s := plan.Sources[source]
	d := &Decoder{source: s, max: opt.MaxRecord, owns: opt.Owns}
	if d.max <= 0 {
		d.max = DefaultMaxRecord
	}
	root, next := &node{slot: -1}, 0
	var names []string
	for i := range plan.Events {
		if plan.Events[i].Source != source {
			continue
		}
		paths := plan.Events[i].Query.Paths
		slots := make([]int, len(paths))
		for j, path := range paths {
			if s.Format == catalog.CSV {
				path = sql.Path{strings.Join(path, ".")} // a CSV column has no steps; its name may have dots
			}
			if slots[j] = root.add(path, &next); slots[j] == len(names) {
				names = append(names, path[len(path)-1])
			}
		}
		e, err := newEventReader(plan, i, slots, dict)
		if err != nil {
			return nil, err
		}
		d.events = append(d.events, e)
	}
	d.slots = make([]sql.Raw, next)
	switch s.Format {
	case catalog.JSON:
		d.json = &jsonReader{root: root, slots: d.slots}
	case catalog.CSV:
		if len(s.Topics) > 0 {
			return nil, fmt.Errorf("decode: source %s: CSV needs a header row, which a Kafka topic has not; use format: json", s.ID)
		}
		d.csv = &csvReader{slots: d.slots, names: names}
	default:
		return nil, fmt.Errorf("decode: source %s: unknown format %q", s.ID, s.Format)
	}
	return d, nil
}

// Header sets the columns of a CSV file from its first row; it must be called before the file's first Decode. A column
// that an event reads and the file lacks is an error that names it.
func (d *Decoder) Header(row []byte) error {
	if d.csv == nil {
		return fmt.Errorf("decode: source %s is %s, which has no header", d.source.ID, d.source.Format)
	}
	if !utf8.Valid(row) {
		return fmt.Errorf("decode: source %s: the header row is not UTF-8", d.source.ID)
	}
	if err := d.csv.header(row); err != nil {
		return fmt.Errorf("decode: source %s: %w", d.source.ID, err)
	}
	return nil
}

// Decode decodes one record into out.
func (d *Decoder) Decode(rec Record, out *Outcome) {
	out.Reason, out.Detail = "", ""
	if !d.fields(rec.Value, out) {
		out.Events = out.Events[:0]
		return
	}
	if cap(out.Events) < len(d.events) {
		out.Events = make([]EventOutcome, len(d.events))
	}
	out.Events = out.Events[:len(d.events)]
	for i, e := range d.events {
		o := &out.Events[i]
		o.Def = e.def
		if o.Reason != "" {
			o.Reason, o.Detail = "", ""
		}
		if e.eval.Excludes(d.slots) {
			o.Verdict = Filtered
			continue
		}
		e.read(d.slots, &rec, d.owns, o)
	}
}

// fields decodes the record's bytes into the slots, or rejects the record.
func (d *Decoder) fields(value []byte, out *Outcome) bool {
	if d.json != nil && len(value) <= d.max && d.json.quick(value) {
		return true
	}
	switch {
	case len(value) > d.max:
		out.Reason, out.Detail = sql.Oversize, fmt.Sprintf("the record has more than %d bytes", d.max)
	case value == nil && d.csv == nil:
		out.Reason, out.Detail = sql.Malformed, "the record has no value (a tombstone)"
	case len(value) == 0:
		out.Reason, out.Detail = sql.Malformed, "the record is empty"
	case !utf8.Valid(value):
		out.Reason, out.Detail = sql.WrongEncoding, "the record is not UTF-8"+guessEncoding(value)
	case bytes.HasPrefix(value, []byte("\ufeff")) && d.json != nil:
		out.Reason, out.Detail = sql.WrongEncoding, "the record begins with a byte order mark"
	case d.json != nil:
		if d.json.thorough(value) {
			return true
		}
		out.Reason, out.Detail = sql.Malformed, d.json.describe()
		if len(value) > 1 && (value[0] == 0 || value[1] == 0) {
			out.Reason, out.Detail = sql.WrongEncoding, "the record is not UTF-8 but UTF-16"
		}
	case d.csv.columns == nil:
		out.Reason, out.Detail = sql.Malformed, "the file has no header row"
	default:
		if d.csv.read(value) {
			return true
		}
		out.Reason, out.Detail = sql.Malformed, d.csv.problem
	}
	return false
}

// guessEncoding names what the bytes are likely to be instead.
func guessEncoding(value []byte) string {
	switch {
	case bytes.HasPrefix(value, []byte{0xff, 0xfe}), bytes.HasPrefix(value, []byte{0xfe, 0xff}):
		return " but UTF-16"
	case bytes.HasPrefix(value, []byte{0x1f, 0x8b}):
		return " but gzip"
	}
	return ""
}

// Subjects returns the distinct subject texts of the events that the record gives, in the plan's order of events, and
// whether the record can be decoded at all. The texts are valid until the next call. Filtered and rejected events have
// no subject: they belong to the record's first copy, or to its only one if no event is left.
func (d *Decoder) Subjects(rec Record) (subjects [][]byte, decodable bool) {
	d.subjects = d.subjects[:0]
	d.scratch.Reason = ""
	if !d.fields(rec.Value, &d.scratch) {
		return nil, false
	}
next:
	for _, e := range d.events {
		subject, ok := e.subjectOf(d.slots, &rec)
		if !ok {
			continue
		}
		for _, s := range d.subjects {
			if bytes.Equal(s, subject) {
				continue next
			}
		}
		d.subjects = append(d.subjects, subject)
	}
	return d.subjects, true
}

// never is the Bound of inputs that are never late.
const never = math.MinInt64
