package topic

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/stream/results"
)

// Row is the value under experiment/metric/slice/variant: the row of DESIGN §3.1 and the instant it is true for.
type Row struct {
	Experiment           string           `json:"experiment"`
	ExperimentDefinition string           `json:"experiment_definition"`
	AsOf                 time.Time        `json:"as_of"`
	Watermark            *time.Time       `json:"watermark"`
	Positions            map[string]int64 `json:"positions"`
	Complete             bool             `json:"complete"`
	Alpha                float64          `json:"alpha"`
	*results.Row
}

// message is one record to be, with the digest by which a change is known. The digest leaves out the instant: a row whose
// numbers stand still is not news.
type message struct {
	key    string
	value  []byte
	digest [sha256.Size]byte
}

func published(r *results.Result, row *results.Row) Row {
	return Row{
		Experiment: r.Experiment, ExperimentDefinition: r.Definition, AsOf: r.AsOf, Watermark: r.Watermark,
		Positions: r.Positions, Complete: r.Complete, Alpha: r.Alpha, Row: row,
	}
}

func header(r *results.Result) (message, error) {
	header := *r
	header.Rows = []results.Row{}
	still := header
	still.AsOf = time.Time{}
	return newMessage(r.Experiment, still, header)
}

func newMessage(key string, compared, published any) (message, error) {
	c, err := json.Marshal(compared)
	if err != nil {
		return message{}, fmt.Errorf("topic: encode %s: %w", key, err)
	}
	v, err := json.Marshal(published)
	if err != nil {
		return message{}, fmt.Errorf("topic: encode %s: %w", key, err)
	}
	return message{key: key, value: v, digest: sha256.Sum256(c)}, nil
}

// encoder makes the records of one experiment's results that differ from what the topic holds. A row that came from the
// same evaluation as the last time is not encoded again, and one that did not is encoded once for digest and value.
type encoder struct {
	prefix string             // of the keys: the experiment's id and a slash
	of     map[string]encoded // by the row's key
	looks  uint64
	row    []byte // scratch
}

// encoded is what is remembered of a row.
type encoded struct {
	key    string // of the record
	origin results.Origin
	digest [sha256.Size]byte
	look   uint64
}

// changed returns what differs from held, rows in their order and then the header, and how the keys that are held and not in
// the result any more are called.
func (e *encoder) changed(r *results.Result, held map[string][sha256.Size]byte) (send []message, gone []string, err error) {
	if e.of == nil {
		e.of = make(map[string]encoded, len(r.Rows))
		e.prefix = r.Experiment + "/"
	}
	e.looks++
	known := 0 // of held
	var front []byte
	for i := range r.Rows {
		row := &r.Rows[i]
		was, ok := e.of[row.Key()]
		if !ok {
			was.key = e.prefix + row.Key()
		}
		has, there := held[was.key]
		if there {
			known++
		}
		was.look = e.looks
		if ok && row.Same(was.origin) && there && has == was.digest {
			e.of[row.Key()] = was
			continue
		}
		if e.row, err = row.AppendJSON(e.row[:0]); err != nil {
			return nil, nil, fmt.Errorf("topic: encode %s: %w", was.key, err)
		}
		was.origin, was.digest = row.Origin(), sha256.Sum256(e.row)
		e.of[row.Key()] = was
		if there && has == was.digest {
			continue
		}
		m := message{key: was.key, digest: was.digest}
		if row.Alpha != 0 {
			// The experiment's alpha stands in the place of the row's, so the row is not the end of the value.
			m.value, err = json.Marshal(published(r, row))
		} else {
			if front == nil {
				front, err = json.Marshal(published(r, nil))
			}
			m.value = make([]byte, 0, len(front)+len(e.row))
			m.value = append(append(append(m.value, front[:max(1, len(front))-1]...), ','), e.row[1:]...)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("topic: encode %s: %w", was.key, err)
		}
		send = append(send, m)
	}
	m, err := header(r)
	if err != nil {
		return nil, nil, err
	}
	has, there := held[m.key]
	if there {
		known++
	}
	if !there || has != m.digest {
		send = append(send, m)
	}
	if len(e.of) > len(r.Rows) {
		for key, was := range e.of {
			if was.look != e.looks {
				delete(e.of, key)
			}
		}
	}
	if known < len(held) {
		for key := range held {
			row, isRow := strings.CutPrefix(key, e.prefix)
			if _, there := e.of[row]; key != m.key && !(isRow && there) {
				gone = append(gone, key)
			}
		}
		slices.Sort(gone)
	}
	return send, gone, nil
}
