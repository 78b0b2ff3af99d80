package decode

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/catalog/sql"
	"github.com/tidemark/tidemark/state"
	"github.com/tidemark/tidemark/stats/moment"
)

const (
	// futureMicros is how far an event may be ahead of its record's own Kafka timestamp.
	futureMicros = int64(5 * time.Minute / time.Microsecond)
	// maxID is the longest event_id that is kept as it is.
	maxID = 64
)

// endOfTime is the end of the year 2200, after which no event is.
var endOfTime = time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

// eventReader evaluates one event definition over a record's fields.
type eventReader struct {
	def     int
	subject int // columns
	time    int // -1: none
	id      int // -1: none
	loc     *time.Location
	kafka   bool // records have timestamps
	bounded bool // lateness applies
	dict    Dictionary

	eval *sql.Evaluator
	row  []sql.Value
	// conditions are the distinct wheres of the measures and exposures; states are their answers for this record.
	conditions []*sql.Condition
	answers    []bool
	measures   []measureReader
	exposures  []exposureReader
	dimensions []int // columns
	operands   []state.Operand
	exposed    []state.Exposure
	ids        []uint32
	text       []byte // subject, event_id, dimension values
}

type measureReader struct {
	agg      catalog.Agg
	column   int // -1: none
	where    int // index into conditions; -1: all
	scale    int
	presence bool
}

type exposureReader struct {
	where      int
	variant    int // column
	variants   []string
	dimensions []int // columns
}

func newEventReader(plan *catalog.Plan, def int, slots []int, dict Dictionary) (*eventReader, error) {
	p := &plan.Events[def]
	source := plan.Sources[p.Source]
	e := &eventReader{def: def, subject: p.SubjectColumn, time: p.TimeColumn, id: p.IDColumn, loc: source.Location,
		kafka: len(source.Topics) > 0, dict: dict}
	e.bounded = !p.Profile && !source.Profile && (e.kafka || source.LatenessSet)
	columns := len(p.Query.Columns)
	if e.subject < 0 || e.subject >= columns || e.time >= columns || e.id >= columns {
		return nil, fmt.Errorf("decode: event %s: the plan names columns that its query lacks", p.ID)
	}
	e.eval = p.Query.NewEvaluator(sql.EvalOptions{Location: e.loc, CSV: source.Format == catalog.CSV, Fields: slots})
	e.row = make([]sql.Value, columns)
	where := e.conditionSet()
	for _, m := range p.Measures {
		measure := &plan.Measures[m]
		e.measures = append(e.measures, measureReader{measure.Agg, measure.Column, where(measure.Where), measure.Scale, measure.Presence})
	}
	for _, x := range p.Exposures {
		experiment := &plan.Experiments[x]
		r := exposureReader{where: where(experiment.Experiment.Exposure.Where), variant: experiment.VariantColumn}
		for _, v := range experiment.Variants {
			r.variants = append(r.variants, v.ID)
		}
		for _, d := range experiment.Dimensions {
			if d.Kind == catalog.ExposureDimension {
				r.dimensions = append(r.dimensions, d.Column)
			}
		}
		e.exposures = append(e.exposures, r)
	}
	e.dimensions = append(append(e.dimensions, p.Dimensions...), p.ProfileColumns...)
	e.answers = make([]bool, len(e.conditions))
	return e, nil
}

// conditionSet returns what gives each distinct predicate its index.
func (e *eventReader) conditionSet() func(*sql.Predicate) int {
	known := make(map[string]int)
	return func(p *sql.Predicate) int {
		if p == nil {
			return -1
		}
		text := p.Canonical()
		i, ok := known[text]
		if !ok {
			i = len(e.conditions)
			known[text] = i
			e.conditions = append(e.conditions, p.Compile(e.loc))
		}
		return i
	}
}

// read evaluates the event over the record's fields.
func (e *eventReader) read(slots []sql.Raw, rec *Record, owns func([]byte) bool, out *EventOutcome) {
	out.Verdict = Rejected
	keep, err := e.eval.Eval(slots, e.row)
	if err != nil {
		out.reject(err)
		return
	}
	if !keep {
		out.Verdict = Filtered
		return
	}
	e.text = e.text[:0]
	// Field by field: what fill sets of every accepted event needs no zero before.
	ev := &out.Event
	ev.Def, ev.Input, ev.Offset, ev.Bound, ev.Time = e.def, rec.Input, rec.Offset, never, never
	if ev.Content = 0; ev.ID != nil {
		ev.ID = nil
	}
	if e.bounded {
		ev.Bound = rec.Bound
	}
	if ev.Subject = e.textOf(&e.row[e.subject]); len(ev.Subject) == 0 {
		out.Reason, out.Detail = sql.MissingSubject, "the subject is NULL or empty"
		return
	}
	if e.time >= 0 {
		if err := e.when(rec, ev); err != nil {
			out.reject(err)
			return
		}
	}
	if owns != nil && !owns(ev.Subject) {
		ev.Values, ev.Exposures, ev.Dimensions = nil, nil, nil
		out.Verdict = Elsewhere
		return
	}
	if err := e.fill(ev); err != nil {
		out.reject(err)
		return
	}
	out.Verdict = Accepted
}

func (o *EventOutcome) reject(err error) {
	if r, ok := err.(*sql.ErrorReject); ok {
		o.Reason, o.Detail = r.Reason, r.Detail
		return
	}
	o.Reason, o.Detail = sql.TypeMismatch, err.Error()
}

// when sets the event's time and holds it to the rules that need no state.
func (e *eventReader) when(rec *Record, ev *state.Event) error {
	t, err := e.row[e.time].Moment(e.loc)
	if err != nil {
		return err
	}
	if t <= 0 || t >= endOfTime {
		return &sql.ErrorReject{Reason: sql.TimeRange, Detail: "event_time " + describeTime(t) + " is not within 1970 to 2200, the epoch itself excluded"}
	}
	if e.kafka && t-rec.Timestamp > futureMicros {
		return &sql.ErrorReject{Reason: sql.Future, Detail: "event_time " + describeTime(t) + " is more than 5 minutes after the record's timestamp " + describeTime(rec.Timestamp)}
	}
	ev.Time = t
	return nil
}

func describeTime(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }

// fill evaluates what the plan wants of an accepted event.
func (e *eventReader) fill(ev *state.Event) error {
	for i, c := range e.conditions {
		holds, err := c.Eval(e.row)
		if err != nil {
			return err
		}
		e.answers[i] = holds
	}
	if e.id >= 0 {
		ev.ID = e.identity(&e.row[e.id])
	}
	if ev.ID != nil {
		ev.Content = sql.HashRow(e.row) // tells a duplicate from another event of the same id
	}
	e.operands = e.operands[:0]
	for i := range e.measures {
		o, err := e.operand(&e.measures[i])
		if err != nil {
			return err
		}
		e.operands = append(e.operands, o)
	}
	ev.Values = e.operands
	// No dictionary id is made before all is accepted.
	e.ids, e.exposed = e.ids[:0], e.exposed[:0]
	for i := range e.exposures {
		e.expose(&e.exposures[i])
	}
	ev.Exposures = e.exposed
	first := len(e.ids)
	e.dictionaryIDs(e.dimensions)
	ev.Dimensions = e.ids[first:len(e.ids):len(e.ids)]
	return nil
}

func (e *eventReader) operand(m *measureReader) (o state.Operand, err error) {
	if m.presence {
		return state.Operand{Counts: true}, nil
	}
	o.Counts = m.where < 0 || e.answers[m.where]
	if !o.Counts || m.column < 0 {
		return o, nil
	}
	v := &e.row[m.column]
	if v.Null {
		return state.Operand{}, nil
	}
	switch m.agg {
	case catalog.Sum, catalog.Max, catalog.Min, catalog.Quantile:
		o.Value, err = v.Fixed(m.scale)
	case catalog.CountDistinct:
		o.Value = int64(v.Hash())
	}
	return o, err
}

func (e *eventReader) expose(x *exposureReader) {
	exposure := state.Exposure{Counts: x.where < 0 || e.answers[x.where], Variant: -1}
	if v := &e.row[x.variant]; !v.Null {
		name := e.textOf(v)
		for i, id := range x.variants {
			if string(name) == id {
				exposure.Variant = i
				break
			}
		}
	}
	first := len(e.ids)
	e.dictionaryIDs(x.dimensions)
	exposure.Dimensions = e.ids[first:len(e.ids):len(e.ids)]
	e.exposed = append(e.exposed, exposure)
}

// dictionaryIDs appends the id of each column's value. NULL is missing; the empty text is a value, as in a GROUP BY.
func (e *eventReader) dictionaryIDs(columns []int) {
	for _, c := range columns {
		id := moment.None
		if v := &e.row[c]; !v.Null {
			id = e.dict.ID(e.textOf(v))
		}
		e.ids = append(e.ids, id)
	}
}

// textOf is the value's canonical text, empty for NULL. It is valid until the next record.
func (e *eventReader) textOf(v *sql.Value) []byte {
	if v.Kind == sql.Varchar && !v.Null {
		return v.Text
	}
	start := len(e.text)
	e.text = v.AppendText(e.text)
	return e.text[start:len(e.text):len(e.text)]
}

// identity is the event_id: its text up to 64 bytes, else a name of 128 bits of its SHA-256, which no shorter id has,
// since the name is longer. An id that is NULL or empty is none: then the record's coordinates are the identity.
func (e *eventReader) identity(v *sql.Value) []byte {
	text := e.textOf(v)
	if len(text) == 0 {
		return nil
	}
	if len(text) <= maxID {
		return text
	}
	sum := sha256.Sum256(text)
	start := len(e.text)
	e.text = append(e.text, "sha256/128 of an event_id of more than 64 bytes: "...)
	e.text = hex.AppendEncode(e.text, sum[:16])
	return e.text[start:len(e.text):len(e.text)]
}

// subjectOf is the subject of the event if the record gives one that is not rejected.
func (e *eventReader) subjectOf(slots []sql.Raw, rec *Record) ([]byte, bool) {
	keep, err := e.eval.Eval(slots, e.row)
	if err != nil || !keep {
		return nil, false
	}
	e.text = e.text[:0]
	subject := e.textOf(&e.row[e.subject])
	if len(subject) == 0 {
		return nil, false
	}
	var ev state.Event
	if e.time >= 0 && e.when(rec, &ev) != nil {
		return nil, false
	}
	return subject, !e.refuses()
}

// refuses says whether a condition or a value of the event would be refused, without touching the dictionary.
func (e *eventReader) refuses() bool {
	for i, c := range e.conditions {
		holds, err := c.Eval(e.row)
		if err != nil {
			return true
		}
		e.answers[i] = holds
	}
	for i := range e.measures {
		if _, err := e.operand(&e.measures[i]); err != nil {
			return true
		}
	}
	return false
}
