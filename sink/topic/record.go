package topic

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
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

// messages returns the records of a result: its rows in their order, then the header. The header comes last, so that who
// reads in order and sees its instant has all rows of it (in a topic of one partition).
func messages(r *results.Result) ([]message, error) {
	out := make([]message, 0, len(r.Rows)+1)
	for i := range r.Rows {
		row := &r.Rows[i]
		m, err := newMessage(r.Experiment+"/"+row.Key(), row, Row{
			Experiment: r.Experiment, ExperimentDefinition: r.Definition, AsOf: r.AsOf, Watermark: r.Watermark,
			Positions: r.Positions, Complete: r.Complete, Alpha: r.Alpha, Row: row,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	header := *r
	header.Rows = []results.Row{}
	still := header
	still.AsOf = time.Time{}
	m, err := newMessage(r.Experiment, still, header)
	if err != nil {
		return nil, err
	}
	return append(out, m), nil
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
