package stream

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark/tidemark/catalog"
	"github.com/tidemark/tidemark/cube"
	"github.com/tidemark/tidemark/stream/results"
)

// Stepper is an engine of one shard that goes one step at a time: whoever owns it gives it records, and looks at the result
// after any of them. It is the engine's own path — decoder, batch, state, cube, evaluator, dated facts — without brokers and
// without the goroutines that decide when: instruments that must look at a known instant are built on it. It belongs to one
// goroutine.
type Stepper struct {
	e     *Engine
	t     *subjectType
	s     *shard
	feeds map[string]*feed
	next  map[string]int64
}

// NewStepper opens a stepper over definitions that have one subject type and Kafka sources only; each source is one partition.
// Without Options.Dir everything is in memory. Nothing is committed, unless DirtyBytes asks for it.
func NewStepper(set *catalog.Set, opt Options) (*Stepper, error) {
	if opt.DirtyBytes == 0 {
		opt.DirtyBytes = math.MaxInt64
	}
	e, err := New(set, opt)
	if err != nil {
		return nil, err
	}
	if len(e.types) != 1 {
		return nil, fmt.Errorf("stream: a stepper has one subject type, the definitions have %d", len(e.types))
	}
	t := e.types[0]
	for i, source := range t.plan.Sources {
		if len(source.Topics) != 1 {
			return nil, fmt.Errorf("stream: a stepper reads one topic a source, %s has %d", source.ID, len(source.Topics))
		}
		topic := source.Topics[0]
		t.routes = append(t.routes, &route{kind: directFeed, source: i, topic: topic, info: topicInfo{id: [16]byte{1}, partitions: 1}})
	}
	t.n, t.count = 1, 1
	if err := e.openDir(); err != nil {
		return nil, err
	}
	p := &Stepper{e: e, t: t, feeds: make(map[string]*feed), next: make(map[string]int64)}
	s, halt, err := t.open(context.Background(), 0)
	switch {
	case err != nil:
	case halt != nil:
		err = fmt.Errorf("stream: %s: %s", halt.State, halt.Reason)
	}
	if err != nil {
		e.closeDir()
		return nil, err
	}
	p.s = s
	t.caught.Store(true)
	for _, f := range s.feeds {
		p.feeds[t.plan.Sources[f.source].ID] = f
		p.next[t.plan.Sources[f.source].ID] = f.next
	}
	s.publish()
	return p, nil
}

// Append adds a record to a source's log and takes it into the batch; Results, or a full batch, applies it. The value must not be
// changed before that. It returns an error if the shard has halted, and why.
func (p *Stepper) Append(source string, at time.Time, key, value []byte) error {
	f := p.feeds[source]
	if f == nil {
		return fmt.Errorf("stream: there is no source %q", source)
	}
	p.s.takeRecord(f, &kgo.Record{Topic: f.tp.topic, Offset: p.next[source], Timestamp: at, Key: key, Value: value})
	p.next[source]++
	f.end = p.next[source]
	if o := &p.e.opt; len(p.s.batch.Records) >= o.BatchRows || p.s.batch.bytes >= o.BatchBytes {
		p.s.apply()
	}
	return p.halted(f)
}

func (p *Stepper) halted(f *feed) error {
	h := p.s.halt
	if h == nil {
		h = f.halt
	}
	if h == nil {
		return nil
	}
	return fmt.Errorf("stream: %s: %s", h.State, h.Reason)
}

// Results applies what was appended and evaluates an experiment, as the evaluator does for what is published: rows whose sums
// did not change are kept, and a tuning that is set, or a percentile or cut that is frozen, is a fact from then on.
func (p *Stepper) Results(experiment string) (*results.Result, error) {
	x := p.e.find(experiment)
	if x == nil {
		return nil, fmt.Errorf("stream: there is no experiment %q: %w", experiment, ErrUnknownExperiment)
	}
	s := p.s
	s.apply()
	if s.halt != nil {
		return nil, fmt.Errorf("stream: %s: %s", s.halt.State, s.halt.Reason)
	}
	parts := p.parts(x)
	if missing := parts[0].gathered[0].missing(p.e.freezeFacts(x, parts, 0)); len(missing) > 0 {
		s.freeze(missing)
		if s.halt != nil {
			return nil, fmt.Errorf("stream: %s: %s", s.halt.State, s.halt.Reason)
		}
		parts = p.parts(x)
	}
	r := x.evaluate(x.live, parts, 0, results.Slices{})
	p.e.keepFacts(x, r.Facts)
	return r, nil
}

// parts is what the shard gives for the evaluation of an experiment.
func (p *Stepper) parts(x *experiment) []part {
	s := p.s
	s.publish()
	return []part{{shard: s.p, view: s.latest.Load(), ledger: s.store.Ledger(),
		cells: []*cube.Cells{s.cube.Snapshot(x.index, s.store.Name)}, gathered: []gathered{x.gather(s)}}}
}

// Close ends the stepper; what was not committed is gone.
func (p *Stepper) Close() error {
	err := p.s.store.Close()
	if more := p.e.closeDir(); err == nil {
		err = more
	}
	return err
}
