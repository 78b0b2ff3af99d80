package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/sink/alert"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

func (s *Server) experiments(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Experiments []Experiment `json:"experiments"`
	}{s.Experiments()}
	writeJSON(w, r, "", list)
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, r, "no-store", orderStatus(s.opt.Status()))
}

// orderStatus gives lists for nulls: a client should not have to ask twice whether there is anything to range over.
func orderStatus(st stream.Status) stream.Status {
	if st.Partitions == nil {
		st.Partitions = []stream.PartitionStatus{}
	}
	if st.Sources == nil {
		st.Sources = []stream.SourceStatus{}
	}
	if st.Shards == nil {
		st.Shards = []stream.ShardStatus{}
	}
	return st
}

func (s *Server) alerts(w http.ResponseWriter, r *http.Request) {
	list := struct {
		Alerts []alert.Alert `json:"alerts"`
	}{s.opt.Alerts()}
	if list.Alerts == nil {
		list.Alerts = []alert.Alert{}
	}
	writeJSON(w, r, "no-store", list)
}

func writeJSON(w http.ResponseWriter, r *http.Request, cache string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		Problem{Status: http.StatusInternalServerError, Code: "encode", Detail: "the answer could not be encoded: " + err.Error()}.write(w)
		return
	}
	(&Body{Type: "application/json", Cache: cache, Bytes: append(body, '\n')}).Write(w, r)
}

// Experiments lists every experiment that is defined, by id, with the latest result's facts where there is one.
func (s *Server) Experiments() []Experiment {
	latest := map[string]*results.Result{}
	for _, r := range s.opt.Hub.All() {
		latest[r.Experiment] = r
	}
	list := make([]Experiment, 0, len(s.opt.Set.Experiments))
	for _, x := range s.opt.Set.Experiments {
		list = append(list, describe(x, latest[x.ID], s.opt.Now()))
	}
	slices.SortFunc(list, func(a, b Experiment) int { return strings.Compare(a.ID, b.ID) })
	return list
}

func describe(x *catalog.Experiment, r *results.Result, now time.Time) Experiment {
	e := Experiment{
		ID: x.ID, Name: x.Name, Owner: x.Owner, Team: x.Team, Description: x.Description, State: State(x, r, now), Subject: x.Subject,
		Control: x.Control, Variants: []Variant{}, Dimensions: []string{}, Start: x.Start, End: known(x.End), Stop: known(x.Stop),
		Definition: x.Hash().String(), Subjects: map[string]int64{}, SRM: "collecting", Metrics: []Outcome{},
		Results: "/api/v1/experiments/" + pathEscape(x.ID) + "/results", Live: "/api/v1/experiments/" + pathEscape(x.ID) + "/live",
	}
	for _, v := range x.Variants {
		e.Variants = append(e.Variants, Variant{v.ID, v.Weight})
	}
	for _, d := range x.Slices {
		e.Dimensions = append(e.Dimensions, d.Name)
	}
	if r == nil {
		return e
	}
	e.AsOf, e.Watermark, e.Complete = known(r.AsOf), r.Watermark, r.Complete
	if r.Subjects != nil {
		e.Subjects = r.Subjects
	}
	e.Crossovers = r.Crossovers
	if r.SRM.State != "" {
		e.SRM = r.SRM.State
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if len(row.Slice) > 0 {
			continue
		}
		o := Outcome{Metric: row.Metric, Role: row.Role, Variant: row.Variant, State: row.State}
		if row.Guardrail != nil {
			o.Guardrail = row.Guardrail.State
		}
		e.Metrics = append(e.Metrics, o)
	}
	return e
}

// State is the result's word for where an experiment stands; without a result the definition's times decide.
func State(x *catalog.Experiment, r *results.Result, now time.Time) string {
	switch {
	case r != nil && r.State != "":
		return r.State
	case now.Before(x.Start):
		return "draft"
	case !x.Stop.IsZero() && !now.Before(x.Stop):
		return "stopped"
	case !x.End.IsZero() && !now.Before(x.End):
		return "ended"
	}
	return "running"
}

// known is nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
