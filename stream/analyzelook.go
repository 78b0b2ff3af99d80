package stream

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/tidemark/tidemark/stream/results"
)

// The planned final look of data that is analyzed. A live engine has it once, at the first evaluation past the planned end, and keeps what
// it found. Data that is analyzed may be analyzed again with more, so here the look is of the events before the planned end, whenever and
// however often it is asked for: data that goes on beyond it is read a second time for that.

// endsAt tells an engine up to which event time its files are said to be complete, and that only events before until count.
func (e *Engine) endsAt(vouched time.Time, until int64) {
	if !vouched.IsZero() {
		e.vouched = vouched.UnixMicro()
	}
	e.until = until
	for _, x := range e.experiments() {
		x.x.Stop = min(x.x.Stop, until)
	}
}

// withinVouched refuses data that goes on beyond the time up to which it is said to be complete.
func (e *Engine) withinVouched(ctx context.Context) error {
	if e.vouched == never {
		return nil
	}
	for _, t := range e.types {
		latest, err := latestOf(ctx, t.list())
		if err != nil {
			return err
		}
		if latest > e.vouched {
			return fmt.Errorf("stream: the files have an event at %s, which is after the time that they are analyzed as of, %s: give a later time, or files that end there",
				time.UnixMicro(latest).UTC().Format(time.RFC3339), time.UnixMicro(e.vouched).UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// lookedAtEnd returns what an experiment's final looks found in the events before its planned end, by Row.Key; nil where there is no
// such look, it is still to come, or nothing lies beyond it.
func (e *Engine) lookedAtEnd(ctx context.Context, x *experiment, opt AnalyzeOptions) (map[string]results.Tuning, error) {
	end := x.x.End.UnixMicro()
	if !x.x.Sequential.FinalLook || x.x.End.IsZero() || e.until <= end {
		return nil, nil
	}
	latest, err := latestOf(ctx, x.t.list())
	if err != nil || latest < end {
		return nil, err
	}
	opt.Experiment, opt.Slices, opt.Progress = x.x.ID, results.Slices{Mode: results.NoSlices}, nil
	list, err := analyze(ctx, e.set, opt, end)
	if err != nil {
		return nil, fmt.Errorf("stream: the look at the planned end of %s: %w", x.x.ID, err)
	}
	looked := map[string]results.Tuning{}
	for i := range list[0].Rows {
		if row := &list[0].Rows[i]; row.Tuning != nil && row.Tuning.Final != nil {
			looked[row.Key()] = results.Tuning{Definition: row.Definition, Final: row.Tuning.Final}
		}
	}
	return looked, nil
}

// withLooks returns facts with the looks that they do not have.
func withLooks(facts, looked map[string]results.Tuning) map[string]results.Tuning {
	all := maps.Clone(facts)
	if all == nil {
		all = map[string]results.Tuning{}
	}
	for key, look := range looked {
		fact, known := all[key]
		switch {
		case !known || fact.Definition != "" && fact.Definition != look.Definition:
			fact = look
		case fact.Final == nil:
			fact.Final = look.Final
		}
		all[key] = fact
	}
	return all
}
