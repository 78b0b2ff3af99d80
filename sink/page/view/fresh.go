package view

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/stream"
	"github.com/tidemark/tidemark/stream/results"
)

// Fresh is the freshness strip: how new the numbers are and what was left out of them.
type Fresh struct {
	State string // live, partial, quiet, behind, stalled, restoring, backfilling, halted, paused, complete, frozen, waiting
	Word  string
	AsOf  string
	Time  string // AsOf without its day, for lists
	Lag   string
	// Late and Duplicate are shares of the events, Rejected a count of records and events.
	Late, Duplicate, Rejected string
}

const (
	// behindAfter is the lag from which numbers are not "live" any more: above what batches and evaluation take.
	behindAfter = 10 * time.Second
	// stalledAfter without a new result is called a standstill.
	stalledAfter = 2 * time.Minute
)

func freshness(x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time) Fresh {
	f := Fresh{AsOf: results.Missing, Lag: results.Missing, Late: results.Missing, Duplicate: results.Missing, Rejected: results.FormatCount(0)}
	if r != nil {
		f.AsOf, f.Time = r.AsOf.UTC().Format("2 Jan 15:04:05 UTC"), r.AsOf.UTC().Format("15:04:05 UTC")
		var evaluated, late, duplicate, rejected int64
		for _, e := range r.Ledger.Events {
			evaluated, late, duplicate, rejected = evaluated+e.Evaluated, late+e.Late, duplicate+e.Duplicate, rejected+e.Rejected
		}
		for _, s := range r.Ledger.Records {
			rejected += s.Rejected
		}
		if evaluated > 0 {
			f.Late, f.Duplicate = results.FormatPercent(float64(late)/float64(evaluated), 2), results.FormatPercent(float64(duplicate)/float64(evaluated), 2)
		}
		f.Rejected = results.FormatCount(rejected)
	}
	lag, known := lagOf(r, st)
	if known {
		f.Lag = Since(lag)
	}
	f.State, f.Word = pulse(x, r, st, now, lag)
	return f
}

// pulse is the one word of the strip; the worst wins.
func pulse(x *catalog.Experiment, r *results.Result, st stream.Status, now time.Time, lag time.Duration) (state, word string) {
	if h := halts(r, st); len(h) > 0 {
		return "halted", fmt.Sprintf("%s %s", h[0].State, h[0].Input)
	}
	switch {
	case st.State == stream.ReadOnlyDisk || st.Disk.Low:
		return "paused", "paused: disk nearly full"
	case st.State == stream.Degraded:
		return "stalled", "brokers do not answer"
	case st.State == stream.Waiting:
		return "waiting", "waiting for the input"
	case r == nil && !x.Start.IsZero() && now.Before(x.Start):
		return "waiting", "not started"
	case r != nil && done(r, st):
		return "complete", "complete"
	case r != nil && r.State == "stopped":
		return "frozen", "frozen"
	case st.Rebuild != nil:
		return "backfilling", "backfilling " + results.FormatPercent(st.Rebuild.Progress, 0)
	case st.State == stream.Restoring, st.State == stream.Starting:
		if lag > 0 {
			return "restoring", "catching up, " + Since(lag) + " behind"
		}
		return "restoring", "catching up"
	case r == nil:
		return "waiting", "no result yet"
	case lag >= behindAfter:
		return "behind", "behind " + Since(lag)
	case now.Sub(r.AsOf) >= stalledAfter:
		if lag == 0 { // everything is read; there is just nothing new
			return "quiet", "no new events for " + Since(now.Sub(r.AsOf))
		}
		return "stalled", "no new result for " + Since(now.Sub(r.AsOf))
	}
	if !r.Complete {
		return "partial", "partial: some inputs are not read yet"
	}
	return "live", "live"
}

// done says that all inputs of a result were bounded and have been read to their ends: nothing will change any more.
func done(r *results.Result, st stream.Status) bool {
	n := 0
	for _, p := range st.Partitions {
		if !reads(r, p.Source) {
			continue
		}
		if n++; p.State != stream.Done {
			return false
		}
	}
	return r.Complete && (n > 0 || st.State == stream.Done)
}

// lagOf is how far the experiment's sources are behind their logs' ends: the worst of them.
func lagOf(r *results.Result, st stream.Status) (time.Duration, bool) {
	worst, known := time.Duration(0), false
	for _, s := range st.Sources {
		if !reads(r, s.ID) {
			continue
		}
		if s.LagSeconds >= 0 {
			known = true
			worst = max(worst, time.Duration(s.LagSeconds*float64(time.Second)))
		}
	}
	return worst, known
}

// reads says whether a result rests on a source; without a result every source counts.
func reads(r *results.Result, source string) bool {
	if r == nil || len(r.Ledger.Records) == 0 {
		return true
	}
	_, ok := r.Ledger.Records[source]
	return ok
}

// Halt is a partition that stands still.
type Halt struct {
	Source, Input  string
	State          stream.State
	Reason, Remedy string
	Since          time.Time
}

// halts are the partitions of the experiment's sources that stand still, by input. Without a result all are.
func halts(r *results.Result, st stream.Status) []Halt {
	list := map[string]Halt{}
	for _, p := range st.Partitions {
		if !p.State.Halted() || !reads(r, p.Source) {
			continue
		}
		h := Halt{Source: p.Source, Input: Input(p), State: p.State, Reason: "an operator must decide"}
		if p.Halt != nil {
			h.Reason, h.Remedy, h.Since = p.Halt.Reason, p.Halt.Remedy, p.Halt.Since
		}
		list[h.Input] = h
	}
	ordered := make([]Halt, 0, len(list))
	for _, input := range slices.Sorted(maps.Keys(list)) {
		ordered = append(ordered, list[input])
	}
	return ordered
}

// Input names a partition or file.
func Input(p stream.PartitionStatus) string {
	if p.File != "" {
		return p.File
	}
	return fmt.Sprintf("%s/%d", p.Topic, p.Partition)
}
