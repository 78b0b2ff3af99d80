package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// Health is what the data health page says.
type Health struct {
	State, Word string
	Banners     []Banner
	Sources     []Source
	Ledgers     []Ledger
}

// Source is one source's row.
type Source struct {
	ID, Owner, Kind  string
	State, Word      string
	Rate, Lag        string
	Behind           string // records
	Read, Rejected   string
	RejectedShare    string
	Newest           string
	Lateness         string
	Reasons          []Reason
	Partitions       []Partition
	PartitionsHalted int
}

// Partition is one input of a source.
type Partition struct{ Input, State, Word, Position, End, Behind, Halt string }

// Reason is how often something was rejected for a reason.
type Reason struct{ Word, Count string }

// Ledger is where an experiment's events went.
type Ledger struct {
	ID, Name, Total string
	Events          []EventLedger
}

// EventLedger is one event definition in an experiment. Evaluated = Filtered + Rejected + Late + Duplicate + Accepted, and
// Accepted = Counted + Outside + Unexposed.
type EventLedger struct {
	Event                                                                                          string
	Evaluated, Filtered, Rejected, Late, Duplicate, Accepted, Counted, Outside, Unexposed, Balance string
	Reasons                                                                                        []Reason
}

// NewHealth says how the data is doing.
func NewHealth(set *catalog.Set, latest map[string]*results.Result, st stream.Status, now time.Time) *Health {
	h := &Health{Banners: banners(nil, nil, st, now)}
	records := map[string]results.RecordLedger{}
	for _, x := range set.Experiments {
		r := latest[x.ID]
		if r == nil {
			continue
		}
		for id, l := range r.Ledger.Records {
			if l.Read >= records[id].Read {
				records[id] = l
			}
		}
		h.Ledgers = append(h.Ledgers, newLedger(x, r))
	}
	status := map[string]stream.SourceStatus{}
	for _, s := range st.Sources {
		status[s.ID] = s
	}
	problems := 0
	for _, s := range set.Sources {
		source := newSource(s, status, records[s.ID], st)
		if bad(source.State) {
			problems++
		}
		h.Sources = append(h.Sources, source)
	}
	problems = max(problems, len(h.Banners))
	switch {
	case problems == 0 && st.State == stream.Running:
		h.State, h.Word = "ok", "All sources healthy"
	case problems == 0:
		h.State, h.Word = wordOf(st.State)
	default:
		h.State, h.Word = "unreliable", results.FormatCount(int64(problems))+plural(problems, " problem", " problems")
	}
	return h
}

func bad(state string) bool { return state == "halted" || state == "unreliable" || state == "stalled" }

func newSource(s *catalog.Source, status map[string]stream.SourceStatus, l results.RecordLedger, st stream.Status) Source {
	v := Source{ID: s.ID, Owner: s.Owner, Rate: results.Missing, Lag: results.Missing, Behind: results.Missing, Newest: results.Missing, Lateness: "not late"}
	if s.Lateness != catalog.NoLateness && !s.Profile {
		v.Lateness = Since(s.Lateness)
	}
	switch {
	case len(s.Topics) > 0:
		v.Kind = "topic " + strings.Join(s.Topics, ", ")
	case len(s.Globs) > 0:
		v.Kind = "files " + strings.Join(s.Globs, ", ")
	default:
		v.Kind = "files " + strings.Join(s.Files, ", ")
	}
	worst := stream.State("")
	for _, p := range st.Partitions {
		if p.Source != s.ID {
			continue
		}
		state, word := wordOf(p.State)
		part := Partition{Input: Input(p), State: state, Word: word, Position: results.FormatCount(p.Position), End: results.Missing, Behind: results.FormatCount(p.LagRecords)}
		if p.End >= 0 {
			part.End = results.FormatCount(p.End)
		}
		if p.Halt != nil {
			part.Halt = sentence(p.Halt.Reason) + " " + sentence(p.Halt.Remedy)
		}
		if p.State.Halted() {
			v.PartitionsHalted++
		}
		v.Partitions = append(v.Partitions, part)
		if severity(p.State) > severity(worst) {
			worst = p.State
		}
	}
	slices.SortFunc(v.Partitions, func(a, b Partition) int {
		return cmp.Or(cmp.Compare(len(a.Input), len(b.Input)), strings.Compare(a.Input, b.Input))
	})
	if worst == "" {
		worst = st.State
	}
	v.State, v.Word = wordOf(worst)
	read, rejected := l.Read, l.Rejected
	if now, ok := status[s.ID]; ok {
		rate := int64(now.PerSecond + 0.5)
		v.Rate, v.Behind = results.FormatCompact(rate)+"/s", results.FormatCount(now.LagRecords)
		if now.LagSeconds >= 0 {
			v.Lag = Since(time.Duration(now.LagSeconds * float64(time.Second)))
		}
		if now.Newest != nil {
			v.Newest = Clock(*now.Newest)
		}
		if now.LagSeconds >= behindAfter.Seconds() && v.State == "live" {
			v.State, v.Word = "behind", "behind "+v.Lag
		}
		read, rejected = max(read, now.Records), max(rejected, now.Rejected)
		if now.Storm {
			v.State, v.Word = "unreliable", "many records rejected"
		}
	}
	v.Read, v.Rejected = results.FormatCount(read), results.FormatCount(rejected)
	v.RejectedShare = results.Missing
	if read > 0 {
		v.RejectedShare = results.FormatPercent(float64(rejected)/float64(read), 3)
	}
	v.Reasons = reasons(l.Reasons)
	return v
}

// severity orders states of the engine: the worst is shown.
func severity(s stream.State) int {
	switch {
	case s == "":
		return 0
	case s == stream.Done:
		return 1
	case s == stream.Running:
		return 2
	case s.Halted():
		return 9
	case s == stream.Degraded, s == stream.ReadOnlyDisk:
		return 5
	}
	return 3
}

// wordOf is the page's word for a state of the engine, with the shape that goes with it.
func wordOf(s stream.State) (state, word string) {
	switch {
	case s == stream.Running:
		return "live", "live"
	case s == stream.Done:
		return "complete", "complete"
	case s.Halted():
		return "halted", string(s)
	case s == stream.Degraded:
		return "stalled", "brokers do not answer"
	case s == stream.ReadOnlyDisk:
		return "paused", "paused: disk nearly full"
	case s == stream.Restoring:
		return "restoring", "catching up"
	case s == stream.Starting:
		return "restoring", "starting"
	}
	return "waiting", "waiting"
}

func newLedger(x *catalog.Experiment, r *results.Result) Ledger {
	l := Ledger{ID: x.ID, Name: x.Name}
	if l.Name == "" {
		l.Name = x.ID
	}
	var evaluated, rejected, late int64
	for _, id := range slices.Sorted(maps.Keys(r.Ledger.Events)) {
		e := r.Ledger.Events[id]
		evaluated, rejected, late = evaluated+e.Evaluated, rejected+e.Rejected, late+e.Late
		c := results.FormatCount
		v := EventLedger{Event: id, Evaluated: c(e.Evaluated), Filtered: c(e.Filtered), Rejected: c(e.Rejected), Late: c(e.Late), Duplicate: c(e.Duplicate),
			Accepted: c(e.Accepted), Counted: c(e.Counted), Outside: c(e.Outside), Unexposed: c(e.Unexposed), Reasons: reasons(e.Reasons)}
		// The ledger always adds up (DESIGN §5). Should it not, the page is the place to see it.
		if d := e.Evaluated - e.Filtered - e.Rejected - e.Late - e.Duplicate - e.Accepted; d != 0 {
			v.Balance = fmt.Sprintf("evaluated is off by %s", c(d))
		} else if d := e.Accepted - e.Counted - e.Outside - e.Unexposed; d != 0 {
			v.Balance = fmt.Sprintf("accepted is off by %s", c(d))
		}
		l.Events = append(l.Events, v)
	}
	l.Total = results.FormatCount(evaluated) + " events, " + results.FormatCount(rejected) + " rejected, " + results.FormatCount(late) + " late"
	return l
}

func reasons(m map[string]int64) []Reason {
	var list []Reason
	for _, k := range slices.SortedFunc(maps.Keys(m), func(a, b string) int { return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b)) }) {
		list = append(list, Reason{strings.ReplaceAll(k, "_", " "), results.FormatCount(m[k])})
	}
	return list
}
